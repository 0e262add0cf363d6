#include "ngx_sms_auth.h"

#include "sms_hash.h"
#include "sms_key.h"
#include "ngx_sms_rate.h"
#include "ngx_sms_respond.h"


#define NGX_SMS_BEARER       "Bearer "
#define NGX_SMS_RATE_KIND    1          /* of ngx_sms_rate_id(): API keys */
#define NGX_SMS_AUTH_RETRY   50         /* ms                             */
#define NGX_SMS_AUTH_WAIT    2000


static void ngx_sms_auth_find(ngx_sms_ctx_t *ctx);
static void ngx_sms_auth_again(void *data);
static void ngx_sms_auth_give_up(void *waiting);
static void ngx_sms_auth_profile(ngx_sms_profile_wait_t *wait, ngx_int_t rc);
static void ngx_sms_auth_forget(void *waiting);
static void ngx_sms_auth_check(ngx_sms_ctx_t *ctx, ngx_int_t rc);
static ngx_uint_t ngx_sms_auth_address(ngx_sms_ctx_t *ctx);
static uint64_t ngx_sms_auth_bucket(ngx_sms_ctx_t *ctx);
static ngx_uint_t ngx_sms_auth_rate(ngx_sms_ctx_t *ctx);


void
ngx_sms_auth(ngx_sms_ctx_t *ctx, ngx_sms_endpoint_pt next)
{
    size_t            len;
    u_char           *p;
    sms_key_t         key;
    ngx_table_elt_t  *h;

    h = ctx->r->headers_in.authorization;
    len = sizeof(NGX_SMS_BEARER) - 1;

    if (h == NULL || h->value.len <= len
        || ngx_strncasecmp(h->value.data, (u_char *) NGX_SMS_BEARER, len) != 0)
    {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_MISSING_KEY, "",
                                "send Authorization: Bearer sms_live_...");
        return;
    }

    p = h->value.data + len;

    if (sms_key_parse((const char *) p, h->value.len - len, &key) != 0) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INVALID_KEY, "",
                                "the key is not well formed; is it whole?");
        return;
    }

    ctx->secret = (const char *) p;
    ctx->authorized = next;
    ctx->profile.done = ngx_sms_auth_profile;
    ctx->profile.data = ctx;
    ctx->again_until = ngx_current_msec + NGX_SMS_AUTH_WAIT;

    ngx_sms_auth_find(ctx);
}


static void
ngx_sms_auth_find(ngx_sms_ctx_t *ctx)
{
    ngx_int_t  rc;
    ngx_str_t  id;

    id.data = (u_char *) ctx->secret + sizeof("sms_live_") - 1;
    id.len = SMS_KEY_ID_LEN;

    rc = ngx_sms_profile_by_key(&id, &ctx->profile);

    /* a new worker takes requests before its connections stand */
    if (rc == NGX_ERROR
        && (ngx_msec_int_t) (ctx->again_until - ngx_current_msec) > 0)
    {
        if (ctx->again == NULL) {
            ctx->again = ngx_palloc(ctx->r->pool, sizeof(ngx_sms_timer_t));

            if (ctx->again == NULL) {
                ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
                return;
            }

            ngx_sms_timer_deadline(ctx->again, ngx_sms_auth_again, ctx,
                                   ctx->r->connection->log);
        }

        ngx_sms_timer_start(ctx->again, NGX_SMS_AUTH_RETRY);
        ngx_sms_request_wait(ctx, ctx, ngx_sms_auth_give_up);
        return;
    }

    if (rc == NGX_AGAIN) {
        ngx_sms_request_wait(ctx, &ctx->profile, ngx_sms_auth_forget);
        return;
    }

    ngx_sms_auth_check(ctx, rc);
}


static void
ngx_sms_auth_again(void *data)
{
    ngx_sms_ctx_t     *ctx = data;
    ngx_connection_t  *c = ctx->r->connection;

    ngx_sms_request_resume(ctx);
    ngx_sms_auth_find(ctx);
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_auth_give_up(void *waiting)
{
    ngx_sms_ctx_t  *ctx = waiting;

    ngx_sms_timer_stop(ctx->again);
}


static void
ngx_sms_auth_forget(void *waiting)
{
    ngx_sms_profile_forget(waiting);
}


static void
ngx_sms_auth_profile(ngx_sms_profile_wait_t *wait, ngx_int_t rc)
{
    ngx_sms_ctx_t     *ctx = wait->data;
    ngx_connection_t  *c = ctx->r->connection;

    ngx_sms_request_resume(ctx);
    ngx_sms_auth_check(ctx, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_auth_check(ngx_sms_ctx_t *ctx, ngx_int_t rc)
{
    u_char  hash[32];

    if (rc == NGX_ERROR) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "",
                                "the database does not answer");
        return;
    }

    if (rc == NGX_OK) {
        ctx->account = ctx->profile.account;
        ctx->key = ctx->profile.key;
    }

    /* one answer for no such key, a wrong secret and a revoked key */
    if (rc != NGX_OK
        || sms_hash_sha256(ctx->secret, SMS_KEY_LEN, hash) != 0
        || !sms_hash_equal(hash, ctx->key->hash, 32)
        || ctx->key->revoked)
    {
        ctx->key = NULL;
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INVALID_KEY, "", NULL);
        return;
    }

    ctx->known = 1;
    ngx_memcpy(ctx->account_id, ctx->account->public_id, 16);
    ngx_memcpy(ctx->key_id, ctx->key->id.data,
               ngx_min(ctx->key->id.len, SMS_KEY_ID_LEN));

    if (!ngx_sms_auth_address(ctx)) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_IP_NOT_ALLOWED, "",
                                "the key's list of addresses does not have "
                                "yours");
        return;
    }

    if (!ngx_sms_auth_rate(ctx)) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_RATE_LIMITED, "", NULL);
        return;
    }

    if (ctx->account->state == NGX_SMS_ACCOUNT_CLOSED
        || (ctx->account->state == NGX_SMS_ACCOUNT_SUSPENDED
            && (ctx->endpoint->takes
                & (NGX_SMS_TAKES_BODY|NGX_SMS_TAKES_MAYBE))))
    {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_ACCOUNT_NOT_ACTIVE, "", NULL);
        return;
    }

    if ((ctx->key->scopes & ctx->endpoint->scope) != ctx->endpoint->scope) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INSUFFICIENT_SCOPE, "", NULL);
        return;
    }

    ctx->authorized(ctx);
}


/* a live key without a list is refused unless the host has waived it (C17) */

static ngx_uint_t
ngx_sms_auth_address(ngx_sms_ctx_t *ctx)
{
    if (ctx->key->ranges.nelts == 0) {
        return ctx->key->test || ctx->key->ip_waived;
    }

    return ngx_cidr_match(ctx->r->connection->sockaddr, &ctx->key->ranges)
           == NGX_OK;
}


/* each account numbers its keys from 1 */

static uint64_t
ngx_sms_auth_bucket(ngx_sms_ctx_t *ctx)
{
    return ((uint64_t) ctx->account->id << 24)
           ^ ((uint64_t) ctx->key->no & 0xffffff);
}


static ngx_uint_t
ngx_sms_auth_rate(ngx_sms_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_uint_t           rate, burst;
    ngx_sms_rate_t       answer;
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(ctx->r, ngx_http_sms_module);
    rate = slcf->rate;
    burst = slcf->burst;

    if (ctx->account->rate) {
        rate = ctx->account->rate;
        burst = rate;
    }

    if (rate == 0) {
        return 1;
    }

    rc = ngx_sms_rate_take(ngx_sms_worker.zone,
                           ngx_sms_rate_id(NGX_SMS_RATE_KIND,
                                           ngx_sms_auth_bucket(ctx)),
                           (uint32_t) rate, 60000, (uint32_t) burst, 1,
                           &answer);

    ctx->rated = 1;
    ctx->rate_limit = answer.limit;
    ctx->rate_window_s = (burst * 60 + rate - 1) / rate;
    ctx->rate_left = answer.remaining;
    ctx->rate_reset_s = rc == NGX_OK ? answer.reset_s : answer.retry_s;

    return rc == NGX_OK;
}
