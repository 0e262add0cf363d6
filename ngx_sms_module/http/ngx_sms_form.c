#include "ngx_sms_form.h"

#include "ngx_sms_request.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store_form.h"


#define NGX_SMS_FORM_TOKEN_MAX  128


static void ngx_sms_form_run(ngx_sms_ctx_t *ctx);
static ngx_uint_t ngx_sms_form_plain(const ngx_str_t *s);
static void ngx_sms_form_answer(void *data, const ngx_sms_pg_res_t *res);
static ngx_int_t ngx_sms_form_headers(ngx_http_request_t *r);


static const ngx_sms_endpoint_t  ngx_sms_form_endpoint = {
    NULL, NULL, 0, NGX_SMS_TAKES_MAYBE, ngx_sms_form_run
};


ngx_int_t
ngx_sms_form_handler(ngx_http_request_t *r)
{
    ngx_sms_ctx_t  *ctx;

    ctx = ngx_sms_request_create(r, NULL);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->endpoint = &ngx_sms_form_endpoint;
    ctx->raw = 1;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST))) {

        if (ngx_sms_respond_header(r, "Allow", "GET, HEAD, POST", 15)
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
ngx_sms_form_run(ngx_sms_ctx_t *ctx)
{
    u_char                 *p;
    ngx_str_t               token, body;
    ngx_http_request_t     *r;
    ngx_sms_store_query_t  *q;

    r = ctx->r;
    token = r->uri;

    for (p = r->uri.data + r->uri.len; p > r->uri.data; p--) {
        if (p[-1] == '/') {
            token.data = p;
            token.len = (size_t) (r->uri.data + r->uri.len - p);
            break;
        }
    }

    if (token.len == 0 || token.len > NGX_SMS_FORM_TOKEN_MAX
        || !ngx_sms_form_plain(&token))
    {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_NOT_FOUND, "", NULL);
        return;
    }

    ngx_str_null(&body);

    if (r->method == NGX_HTTP_POST) {

        /* browsers escape everything else */
        if (!ngx_sms_form_plain(&ctx->body)) {
            ngx_sms_respond_problem(ctx, SMS_PROBLEM_INVALID_UTF8, "",
                                    "a form as browsers send it");
            return;
        }

        body = ctx->body;

        if (body.len == 0) {
            body.data = (u_char *) "";
        }

        ctx->unsure = 1;
    }

    q = ngx_sms_store_form(&token, &r->connection->addr_text, &body,
                           ngx_sms_form_answer, ctx);

    if (q == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "", NULL);
        return;
    }

    ngx_sms_request_wait(ctx, q, ngx_sms_store_query_forget);
}


static ngx_uint_t
ngx_sms_form_plain(const ngx_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] < 0x20 || s->data[i] > 0x7e) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_sms_form_answer(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_ctx_t  *ctx = data;

    int64_t            status;
    ngx_str_t          page, text;
    ngx_connection_t  *c;

    c = ctx->r->connection;
    ngx_sms_request_resume(ctx);

    if (res->rc != NGX_SMS_PG_OK || res->nrows != 1
        || ngx_sms_pg_row_int(res, 0, 0, &status) != NGX_OK
        || ngx_sms_pg_row_text(res, 0, 1, &page) != NGX_OK)
    {
        ngx_sms_respond_problem(ctx, res->rc == NGX_SMS_PG_ERROR
                                     ? SMS_PROBLEM_INTERNAL
                                     : SMS_PROBLEM_UNAVAILABLE, "", NULL);
        goto done;
    }

    text.len = page.len;
    text.data = ngx_pstrdup(ctx->r->pool, &page);

    if (text.data == NULL || ngx_sms_form_headers(ctx->r) != NGX_OK) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        goto done;
    }

    ngx_sms_respond_text(ctx, (ngx_uint_t) status, "text/html; charset=utf-8",
                         &text);

done:

    ngx_http_run_posted_requests(c);
}


/* the page is alone: no script, no frame around it, and nobody learns its link */

static ngx_int_t
ngx_sms_form_headers(ngx_http_request_t *r)
{
    static const char  policy[] = "default-src 'none'; "
        "style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'";

    if (ngx_sms_respond_header(r, "Content-Security-Policy", policy,
                               sizeof(policy) - 1)
        != NGX_OK
        || ngx_sms_respond_header(r, "Referrer-Policy", "no-referrer", 11)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_sms_respond_header(r, "X-Content-Type-Options", "nosniff", 7);
}
