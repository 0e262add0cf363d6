/*
 * What rules that judge without effect would change, summed.
 */
#ifndef NGX_SMS_STORE_SHADOW_H
#define NGX_SMS_STORE_SHADOW_H

#include "ngx_sms_store.h"


extern const ngx_sms_pg_stmt_t  ngx_sms_store_shadow_stmt;      /* "read"     */


#define NGX_SMS_SHADOW_VERSION  32      /* bytes; more of it is cut off       */
#define NGX_SMS_SHADOW_CODE     64

/* columns as in sms.rule_shadow */
typedef struct {
    ngx_str_t             shadow;       /* of the configuration               */
    const char           *change;       /* constant                           */
    uint8_t               nversion, ncode;
    u_char                version[NGX_SMS_SHADOW_VERSION];
    u_char                code[NGX_SMS_SHADOW_CODE];
    int64_t               texts;
    u_char                sample[16];   /* of a message, where "sampled"      */
    unsigned              sampled:1;
} ngx_sms_store_shadow_t;

/* no rows come back */
ngx_sms_store_query_t *ngx_sms_store_shadow(const ngx_sms_store_shadow_t *list,
    ngx_uint_t n, int64_t now_us, ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_SHADOW_H */
