/*
 * One API request: its id, deadline, body, caller and outcome.
 *
 * A request is suspended while the database or a plugin works for it.  It then
 * holds a timer that keeps the worker alive until it is answered (a reload
 * waits for it).  When the connection goes away first, the work is told to
 * forget the request; it never touches it again.
 */
#ifndef NGX_SMS_REQUEST_H
#define NGX_SMS_REQUEST_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "sms_key.h"
#include "sms_problem.h"
#include "ngx_sms_timer_line.h"
#include "ngx_sms_conf.h"
#include "ngx_sms_profiles.h"
#include "ngx_sms_submission.h"


typedef struct ngx_sms_ctx_s  ngx_sms_ctx_t;

typedef void (*ngx_sms_endpoint_pt)(ngx_sms_ctx_t *ctx);

#define NGX_SMS_TAKES_NOTHING   0
#define NGX_SMS_TAKES_BODY      1           /* has to have one                */
#define NGX_SMS_TAKES_MAYBE     2           /* may have one                   */
#define NGX_SMS_TAKES_QUERY     4           /* the handler reads r->args      */

typedef struct {
    const char              *method;
    const char              *path;          /* "{id}": up to "/" or ":"       */
    ngx_uint_t               scope;         /* SMS_SCOPE_*, 0: no key needed  */
    ngx_uint_t               takes;         /* NGX_SMS_TAKES_*                */
    ngx_sms_endpoint_pt      handler;
} ngx_sms_endpoint_t;


struct ngx_sms_ctx_s {
    ngx_http_request_t      *r;
    ngx_str_t                request_id;
    const ngx_sms_endpoint_t *endpoint;
    ngx_sms_account_t       *account;       /* held while the request lives   */
    ngx_sms_key_t           *key;
    ngx_sms_profile_wait_t   profile;       /* while the key is looked up     */
    ngx_sms_timer_t         *again;         /* it is looked up again then     */
    ngx_msec_t               again_until;
    ngx_str_t                settling;      /* of the management API: the path
                                               that is asked until it has     */
    ngx_sms_endpoint_pt      authorized;
    const char              *secret;        /* the key as it was given        */
    ngx_str_t                body;
    size_t                   room;          /* bytes at body.data, if copied  */
    ngx_sms_timer_wait_t     deadline;
    ngx_sms_submission_t    *submission;    /* held                           */
    void                    *waiting;       /* what is working for it         */
    void                   (*forget)(void *waiting);    /* stop telling us    */

    /* for the answer's headers */
    ngx_uint_t               rate_limit, rate_left, rate_reset_s;
    ngx_uint_t               rate_window_s; /* an empty bucket is full again  */
    unsigned                 known:1;       /* who is calling                 */
    unsigned                 rated:1;
    unsigned                 unsure:1;      /* it may have been done all the
                                               same when no answer comes      */
    unsigned                 answered:1;
    unsigned                 raw:1;         /* a body of any type, or none    */

    /* for the access log, which is written when the account is released */
    u_char                   account_id[16];
    u_char                   key_id[SMS_KEY_ID_LEN];
    ngx_uint_t               accepted, rejected, parts;
    int64_t                  cost_micro;
    sms_problem_t            problem;
    unsigned                 replayed:1;
};


/* the content handler of locations with sms_api */
ngx_int_t ngx_sms_request_handler(ngx_http_request_t *r);

/*
 * For other handlers: the context of a request that will be answered through
 * ngx_sms_respond.h, NULL without memory.  "rc" may be NULL; NGX_DECLINED: its
 * X-Request-Id is not well formed, and another was made.
 */
ngx_sms_ctx_t *ngx_sms_request_create(ngx_http_request_t *r, ngx_int_t *rc);

/* Reads the body and goes on with ctx->endpoint, or answers with a problem. */
void ngx_sms_request_read(ngx_sms_ctx_t *ctx);

/* the request's context, or NULL where no API request is */
ngx_sms_ctx_t *ngx_sms_request_ctx(ngx_http_request_t *r);

/*
 * Suspends the request until it is answered.  "forget(waiting)" is called
 * once when the request ends without the answer.
 */
void ngx_sms_request_wait(ngx_sms_ctx_t *ctx, void *waiting,
    void (*forget)(void *waiting));

/* the work has come back: no more need to forget */
void ngx_sms_request_resume(ngx_sms_ctx_t *ctx);

#endif /* NGX_SMS_REQUEST_H */
