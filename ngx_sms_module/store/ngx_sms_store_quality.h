/*
 * What became of parts, summed by link and sender, and how links stand.
 */
#ifndef NGX_SMS_STORE_QUALITY_H
#define NGX_SMS_STORE_QUALITY_H

#include "ngx_sms_store.h"


extern const ngx_sms_pg_stmt_t  ngx_sms_store_quality_stmt;


#define NGX_SMS_QUALITY_SENDER  16      /* bytes; longer ones have no row     */

/* columns as in sms.link_quality */
typedef struct {
    uint32_t              link;
    uint8_t               len;          /* 0: of no sender in particular      */
    u_char                sender[NGX_SMS_QUALITY_SENDER];
    int32_t               sent, rejected, delivered, failed, excused;
    int32_t               timed, within_10s, within_60s, within_300s;
    int64_t               delay_ms;
} ngx_sms_store_sum_t;

/* by what links are judged; docs/DIRECTIVES.md, sms_quality */
typedef struct {
    ngx_uint_t            off;
    ngx_msec_t            window, lost, flush;
    time_t                history;
    ngx_uint_t            drop, floor, canary;      /* percent                */
    ngx_uint_t            min, trial;               /* parts                  */
} ngx_sms_store_quality_conf_t;

/* "n" may be 0.  Rows: ngx_sms_store_standing() */
ngx_sms_store_query_t *ngx_sms_store_quality(const ngx_sms_store_sum_t *list,
    ngx_uint_t n, const ngx_sms_store_quality_conf_t *conf, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

/* shares in thousandths, -1: not known; sender "": the whole link; a result's own */
typedef struct {
    uint32_t              link;
    ngx_str_t             sender;
    int64_t               success, usual;
    ngx_uint_t            fallen;
} ngx_sms_store_standing_t;

ngx_int_t ngx_sms_store_standing(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_standing_t *s);

#endif /* NGX_SMS_STORE_QUALITY_H */
