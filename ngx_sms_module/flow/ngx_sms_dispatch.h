/*
 * Dispatch: claims what a link's free window takes, splits, encodes, submits.
 *
 * A claim is the durable word that its messages may be on the wire, so it is
 * never larger than what the adapter says it can take now (D7).  What is
 * written and not answered when a worker dies is in doubt, and no more.
 */
#ifndef NGX_SMS_DISPATCH_H
#define NGX_SMS_DISPATCH_H

#include "ngx_sms_plugin.h"
#include "ngx_sms_store_flow.h"
#include "ngx_sms_store_intake.h"
#include "ngx_sms_zone.h"


ngx_int_t ngx_sms_dispatch_init(ngx_sms_plugins_t *plugins,
    ngx_sms_zone_t *zone, ngx_log_t *log);
/* the worker leaves: claims no more */
void ngx_sms_dispatch_stop(void);
void ngx_sms_dispatch_exit(void);

/*
 * Something was queued for this link by this worker: an OTP, or anything else.  Of
 * an OTP those are told who hold the link's binds, when this worker does not.
 */
void ngx_sms_dispatch_poke(uint32_t link, ngx_uint_t otp);

/* another worker says so of an OTP */
void ngx_sms_dispatch_told(uint32_t link);

/*
 * Room on the wire for a batch of intake, so that its messages are claimed with
 * their acceptance: only while this worker holds a bind of the link and the last
 * look at its lanes found nothing left behind (D7, D9).
 */
typedef struct {
    ngx_sms_store_intake_claim_t  claim;
    ngx_uint_t                    parts;    /* 0: nothing is promised         */
} ngx_sms_promise_t;

/* NGX_OK, else NGX_DECLINED.  "otp": of OTP alone.  The lease's name is in "pool" */
ngx_int_t ngx_sms_dispatch_promise(uint32_t link, ngx_uint_t parts,
    ngx_uint_t otp, ngx_sms_promise_t *p, ngx_pool_t *pool);

/* the batch is committed and claimed: everything is copied */
void ngx_sms_dispatch_keep(ngx_sms_promise_t *p, ngx_sms_store_row_t *rows,
    ngx_uint_t n);

/*
 * The messages do not come.  "lost": they may be claimed all the same, in nobody's
 * hands.  Harmless on a promise that is kept or broken.
 */
void ngx_sms_dispatch_break(ngx_sms_promise_t *p, ngx_uint_t lost);

/* up-calls of the plugin host */
sms_rc_t ngx_sms_dispatch_lease_want(ngx_sms_plugin_t *p, sms_str_t name);
void ngx_sms_dispatch_lease_drop(ngx_sms_plugin_t *p, sms_str_t name);
int ngx_sms_dispatch_lease_valid(ngx_sms_plugin_t *p, sms_str_t name);
void ngx_sms_dispatch_window_open(ngx_sms_plugin_t *p);
void ngx_sms_dispatch_bind_told(ngx_sms_plugin_t *p, sms_str_t name,
    const sms_bind_t *bind);

/* leases of this link that this worker holds, for /health */
ngx_uint_t ngx_sms_dispatch_binds(uint32_t link);

#endif /* NGX_SMS_DISPATCH_H */
