/*
 * One webhook request: events of an account, signed and sent to its endpoint.
 *
 * The form is that of Standard Webhooks 1.0.0: webhook-id, the same however often
 * the request is sent; webhook-timestamp, of this time; webhook-signature, "v1,"
 * and the base64 of HMAC-SHA256 over "id.timestamp.body", twice while two secrets are
 * good.  The body is {"type":"message.delivered","timestamp":…,"data":{…}}, or, where
 * the endpoint takes several at a time, {"events":[{"type":…},…]}.
 */
#ifndef NGX_SMS_WEBHOOK_POST_H
#define NGX_SMS_WEBHOOK_POST_H

#include "sms_json_write.h"
#include "ngx_sms_curl.h"
#include "ngx_sms_store_webhook.h"


#define NGX_SMS_WEBHOOK_CONNECT   3000      /* ms                             */
#define NGX_SMS_WEBHOOK_TIMEOUT   15000     /* ms, of all of it               */


typedef struct ngx_sms_webhook_post_s  ngx_sms_webhook_post_t;

typedef void (*ngx_sms_webhook_post_pt)(ngx_sms_webhook_post_t *post);

struct ngx_sms_webhook_post_s {
    ngx_queue_t              queue;         /* the owner's                    */
    int64_t                  account;
    u_char                   webhook[16];   /* the endpoint                   */
    u_char                   id[16];
    ngx_uint_t               events;
    int32_t                  status;        /* of HTTP; sms_rc_t: no answer   */
    int32_t                  retry_s;       /* Retry-After, or 0              */
    int64_t                  took_us;
    unsigned                 ended:1;       /* status is known                */
    unsigned                 storing:1;     /* the owner's                    */
    /* private */
    ngx_pool_t              *pool;
    ngx_log_t               *log;
    ngx_str_t                url, secret, old_secret, unit;
    sms_json_t               body;
    int64_t                  sent_us;
    ngx_sms_curl_t          *request;
    ngx_sms_webhook_post_pt  done;
};


/* the request whose rows begin at *i, which is moved behind them.  NULL: no memory
 * or unreadable */
ngx_sms_webhook_post_t *ngx_sms_webhook_post_read(const ngx_sms_pg_res_t *res,
    ngx_uint_t *i, ngx_log_t *log);

/* done() runs once, maybe before this returns: "ended" is set.  "guard" must stay */
void ngx_sms_webhook_post_send(ngx_sms_webhook_post_t *post,
    const ngx_sms_curl_guard_t *guard, ngx_sms_webhook_post_pt done);

/* also while it is under way; then done() does not run */
void ngx_sms_webhook_post_destroy(ngx_sms_webhook_post_t *post);

#endif /* NGX_SMS_WEBHOOK_POST_H */
