#include "ngx_sms_callback.h"

#include "ngx_sms_request.h"
#include "ngx_sms_respond.h"


#define NGX_SMS_CALLBACK_HEADERS  64


static void ngx_sms_callback_run(ngx_sms_ctx_t *ctx);
static ngx_int_t ngx_sms_callback_fill(ngx_sms_ctx_t *ctx, ngx_pool_t *pool,
    sms_http_in_t *in);
static ngx_int_t ngx_sms_callback_headers(ngx_http_request_t *r,
    ngx_pool_t *pool, sms_http_in_t *in);
static ngx_int_t ngx_sms_callback_copy(ngx_pool_t *pool, const ngx_str_t *s,
    sms_str_t *out);
static void ngx_sms_callback_forget(void *waiting);
static void ngx_sms_callback_done(ngx_sms_run_t *run);
static void ngx_sms_callback_answer(ngx_sms_ctx_t *ctx, ngx_sms_run_t *run);
static ngx_int_t ngx_sms_callback_header(ngx_http_request_t *r,
    const sms_kv_t *kv, const char **type);
static sms_problem_t ngx_sms_callback_problem(ngx_uint_t status);


static const ngx_sms_endpoint_t  ngx_sms_callback_endpoint = {
    NULL, NULL, 0, NGX_SMS_TAKES_MAYBE, ngx_sms_callback_run
};


ngx_int_t
ngx_sms_callback_handler(ngx_http_request_t *r)
{
    ngx_sms_ctx_t  *ctx;

    /* a strange X-Request-Id is no reason to lose a receipt */
    ctx = ngx_sms_request_create(r, NULL);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->endpoint = &ngx_sms_callback_endpoint;
    ctx->raw = 1;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST|NGX_HTTP_PUT
                       |NGX_HTTP_PATCH|NGX_HTTP_DELETE)))
    {
        if (ngx_sms_respond_header(r, "Allow",
                                   "GET, HEAD, POST, PUT, PATCH, DELETE", 35)
            != NGX_OK)
        {
            ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
            return NGX_DONE;
        }

        ngx_sms_respond_problem(ctx, SMS_PROBLEM_METHOD_NOT_ALLOWED, "", NULL);
        return NGX_DONE;
    }

    ngx_sms_request_read(ctx);

    return NGX_DONE;
}


static void
ngx_sms_callback_run(ngx_sms_ctx_t *ctx)
{
    ngx_sms_run_t       *run;
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(ctx->r, ngx_http_sms_module);

    run = ngx_sms_run_create(1, sizeof(sms_http_in_t), ngx_cycle->log);

    if (run == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    if (ngx_sms_callback_fill(ctx, run->pool,
                              ngx_sms_run_item(run, sms_http_in_t, 0))
        != NGX_OK)
    {
        ngx_sms_plugin_run_free(run);
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    run->timeout = slcf->timeout;
    run->done = ngx_sms_callback_done;
    run->data = ctx;

    if (ngx_sms_plugin_run(slcf->plugin, NGX_SMS_OP_HTTP_IN, run) != NGX_AGAIN)
    {
        ngx_sms_callback_answer(ctx, run);
        return;
    }

    ngx_sms_request_wait(ctx, run, ngx_sms_callback_forget);
}


/* The run may outlive the request, so it has copies. */

static ngx_int_t
ngx_sms_callback_fill(ngx_sms_ctx_t *ctx, ngx_pool_t *pool, sms_http_in_t *in)
{
    ngx_http_request_t  *r;

    r = ctx->r;

    if (ngx_sms_callback_copy(pool, &r->method_name, &in->method) != NGX_OK
        || ngx_sms_callback_copy(pool, &r->uri, &in->path) != NGX_OK
        || ngx_sms_callback_copy(pool, &r->args, &in->query) != NGX_OK
        || ngx_sms_callback_copy(pool, &r->connection->addr_text,
                                 &in->client_ip)
           != NGX_OK
        || ngx_sms_callback_copy(pool, &ctx->body, &in->body) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_sms_callback_headers(r, pool, in);
}


static ngx_int_t
ngx_sms_callback_headers(ngx_http_request_t *r, ngx_pool_t *pool,
    sms_http_in_t *in)
{
    sms_kv_t         *kv;
    ngx_str_t         name;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    kv = ngx_pcalloc(pool, (n + 1) * sizeof(sms_kv_t));

    if (kv == NULL) {
        return NGX_ERROR;
    }

    in->headers = kv;

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            name.data = h[i].lowcase_key ? h[i].lowcase_key : h[i].key.data;
            name.len = h[i].key.len;

            if (ngx_sms_callback_copy(pool, &name, &kv->name) != NGX_OK
                || ngx_sms_callback_copy(pool, &h[i].value, &kv->value)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }

            kv++;
            in->nheaders++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_callback_copy(ngx_pool_t *pool, const ngx_str_t *s, sms_str_t *out)
{
    char  *p;

    if (s->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, s->len);

    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, s->data, s->len);
    out->ptr = p;
    out->len = s->len;

    return NGX_OK;
}


/* the client has left, or waited for sms_timeout */

static void
ngx_sms_callback_forget(void *waiting)
{
    ngx_sms_plugin_run_abandon(waiting);
}


static void
ngx_sms_callback_done(ngx_sms_run_t *run)
{
    ngx_sms_ctx_t     *ctx = run->data;
    ngx_connection_t  *c = ctx->r->connection;

    ngx_sms_request_resume(ctx);
    ngx_sms_callback_answer(ctx, run);
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_callback_answer(ngx_sms_ctx_t *ctx, ngx_sms_run_t *run)
{
    uint32_t             i;
    const char          *type;
    ngx_str_t            text;
    ngx_uint_t           status;
    sms_problem_t        problem;
    const sms_http_out_t  *out;

    type = NULL;
    status = 0;
    ngx_str_null(&text);
    problem = SMS_PROBLEM_NONE;

    if (run->rc != SMS_OK || run->results == NULL) {
        problem = run->rc == SMS_E_BUSY ? SMS_PROBLEM_BUSY
                  : run->rc == SMS_E_DOWN || run->rc == SMS_E_TIMEOUT
                    || run->rc == SMS_E_NOMEM || run->rc == SMS_E_STALE
                  ? SMS_PROBLEM_UNAVAILABLE : SMS_PROBLEM_INTERNAL;
        goto done;
    }

    out = ngx_sms_run_result(run, sms_http_out_t, 0);
    status = out->status;

    for (i = 0; i < out->nheaders; i++) {
        if (i == NGX_SMS_CALLBACK_HEADERS
            || ngx_sms_callback_header(ctx->r, &out->headers[i], &type)
               != NGX_OK)
        {
            problem = SMS_PROBLEM_INTERNAL;
            goto done;
        }
    }

    if (out->body.len) {
        text.data = ngx_pnalloc(ctx->r->pool, out->body.len);

        if (text.data == NULL) {
            problem = SMS_PROBLEM_INTERNAL;
            goto done;
        }

        ngx_memcpy(text.data, out->body.ptr, out->body.len);
        text.len = out->body.len;

    } else if (status >= 400) {
        problem = ngx_sms_callback_problem(status);
    }

done:

    ngx_sms_plugin_run_free(run);

    if (problem != SMS_PROBLEM_NONE) {
        ngx_sms_respond_problem(ctx, problem, "", NULL);
        return;
    }

    ngx_sms_respond_text(ctx, status, type, &text);
}


/* those of the connection are nginx's; NGX_ERROR: no header at all */

static ngx_int_t
ngx_sms_callback_header(ngx_http_request_t *r, const sms_kv_t *kv,
    const char **type)
{
    u_char      *p;
    size_t       k;
    ngx_uint_t   i;

    static const char *const  ours[] = {
        "content-length", "transfer-encoding", "connection", "keep-alive",
        "date", "server", "trailer", "upgrade", "x-request-id", "cache-control"
    };

    if (kv->name.len == 0 || kv->name.ptr == NULL
        || (kv->value.len && kv->value.ptr == NULL))
    {
        return NGX_ERROR;
    }

    for (k = 0; k < kv->name.len; k++) {
        if (kv->name.ptr[k] <= 0x20 || kv->name.ptr[k] >= 0x7f
            || kv->name.ptr[k] == ':')
        {
            return NGX_ERROR;
        }
    }

    for (k = 0; k < kv->value.len; k++) {
        if ((u_char) kv->value.ptr[k] < 0x20 || kv->value.ptr[k] == 0x7f) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (ngx_strlen(ours[i]) == kv->name.len
            && ngx_strncasecmp((u_char *) kv->name.ptr, (u_char *) ours[i],
                               kv->name.len)
               == 0)
        {
            return NGX_OK;
        }
    }

    p = ngx_pnalloc(r->pool, kv->name.len + kv->value.len + 2);

    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, kv->name.ptr, kv->name.len);
    p[kv->name.len] = '\0';
    ngx_memcpy(p + kv->name.len + 1, kv->value.ptr, kv->value.len);
    p[kv->name.len + 1 + kv->value.len] = '\0';

    if (kv->name.len == 12
        && ngx_strncasecmp(p, (u_char *) "content-type", 12) == 0)
    {
        *type = (const char *) p + 13;
        return NGX_OK;
    }

    return ngx_sms_respond_header(r, (const char *) p,
                                  (const char *) p + kv->name.len + 1,
                                  kv->value.len);
}


/* an error for which the plugin has no words; NONE: it is answered without any */

static sms_problem_t
ngx_sms_callback_problem(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_BAD_REQUEST:
        return SMS_PROBLEM_INVALID_CALLBACK;

    case NGX_HTTP_FORBIDDEN:
        return SMS_PROBLEM_CALLBACK_REFUSED;

    case NGX_HTTP_NOT_FOUND:
        return SMS_PROBLEM_NOT_FOUND;

    case NGX_HTTP_NOT_ALLOWED:
        return SMS_PROBLEM_METHOD_NOT_ALLOWED;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return SMS_PROBLEM_BODY_TOO_LARGE;

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        return SMS_PROBLEM_INTERNAL;

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return SMS_PROBLEM_UNAVAILABLE;

    default:
        return SMS_PROBLEM_NONE;
    }
}
