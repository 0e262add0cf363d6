/*
 * Webhooks: requests to accounts' endpoints that are due, and what became of them.
 */
#ifndef NGX_SMS_STORE_WEBHOOK_H
#define NGX_SMS_STORE_WEBHOOK_H

#include "ngx_sms_store.h"


typedef enum {
    NGX_SMS_STMT_WEBHOOK_TAKE = 0,
    NGX_SMS_STMT_WEBHOOK_DONE,
    NGX_SMS_STORE_WEBHOOK_STMTS
} ngx_sms_store_webhook_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_webhook_stmts[];


#define NGX_SMS_WEBHOOK_DEADLINE  10000


typedef struct {
    int32_t               events;       /* made into requests by one call     */
    int32_t               posts;        /* requests wanted                    */
    int32_t               each;         /* to one endpoint at a time          */
    const u_char        **busy;         /* endpoint of each that is under way */
    ngx_uint_t            nbusy;
    int64_t               now_us;
    int64_t               until_us;     /* nobody else gets them before       */
} ngx_sms_store_webhook_take_t;

/* rows: ngx_sms_store_webhook_row() */
ngx_sms_store_query_t *ngx_sms_store_webhook_take(
    const ngx_sms_store_webhook_take_t *take, ngx_sms_pg_done_pt done,
    void *data);

/* an event; pointers are into the result */
typedef struct {
    int64_t               account;
    u_char                webhook[16];  /* the endpoint                       */
    u_char                post[16];
    ngx_uint_t            first;        /* of its request: what follows       */
    ngx_uint_t            single;       /* the body is the event itself       */
    ngx_str_t             url, secret, unit;
    ngx_str_t             old_secret;   /* signs too; empty: none             */
    ngx_str_t             event;        /* as JSON; empty: messages           */
    ngx_uint_t            none;         /* no such message: nothing below     */
    u_char                id[16];
    u_char                submission[16];
    int64_t               to;
    ngx_str_t             state, code;
    int64_t               parts;
    ngx_uint_t            test;
    int64_t               price_micro, refunded_micro;
    int64_t               final_us;
} ngx_sms_store_webhook_row_t;

ngx_int_t ngx_sms_store_webhook_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_webhook_row_t *row);


typedef struct {
    int64_t               account;
    const u_char         *webhook;
    const u_char         *post;
    int32_t               status;       /* of HTTP; sms_rc_t: no answer       */
    int32_t               took_ms;
    int32_t               events;
    int32_t               retry_s;      /* asked for by the endpoint, or 0    */
} ngx_sms_store_webhook_done_t;

ngx_sms_store_query_t *ngx_sms_store_webhook_done(
    const ngx_sms_store_webhook_done_t *list, ngx_uint_t n, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_WEBHOOK_H */
