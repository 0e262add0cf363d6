#include "ngx_sms_respond.h"

#include "sms_utf8.h"
#include "ngx_sms_counter.h"


#define NGX_SMS_JSON_MAX  (8 * 1024 * 1024)
#define NGX_SMS_RETRY_S   "2"

#define NGX_SMS_UNPROCESSABLE  422


static void *ngx_sms_respond_json_grow(void *data, void *p, size_t old, size_t n);
static void ngx_sms_respond_send(ngx_sms_ctx_t *ctx, ngx_uint_t status,
    const char *type, ngx_str_t *text);
static ngx_int_t ngx_sms_respond_headers(ngx_sms_ctx_t *ctx,
    ngx_uint_t status);
static void ngx_sms_respond_head(ngx_sms_ctx_t *ctx, sms_json_t *w,
    sms_problem_t problem, const char *detail, size_t len);
static void ngx_sms_respond_finding(sms_json_t *w, ngx_sms_body_t *body,
    ngx_sms_finding_t *finding, ngx_uint_t prose);


void
ngx_sms_respond_json_init(sms_json_t *w, ngx_pool_t *pool)
{
    sms_json_init(w, ngx_sms_respond_json_grow, pool, NGX_SMS_JSON_MAX);
}


ngx_int_t
ngx_sms_respond_json_done(sms_json_t *w, ngx_str_t *text)
{
    ngx_pool_t  *last;

    if (sms_json_done(w) != SMS_JSON_OK) {
        return NGX_ERROR;
    }

    text->data = (u_char *) w->buf;
    text->len = w->len;

    /* where nothing was allocated since */
    last = ((ngx_pool_t *) w->data)->current;

    if ((u_char *) w->buf + w->cap == last->d.last) {
        last->d.last -= w->cap - w->len;
        w->cap = w->len;
    }

    return NGX_OK;
}


static void *
ngx_sms_respond_json_grow(void *data, void *p, size_t old, size_t n)
{
    void        *fresh;
    ngx_pool_t  *pool = data;

    fresh = ngx_palloc(pool, n);

    if (fresh && p) {
        ngx_memcpy(fresh, p, old);
        (void) ngx_pfree(pool, p);
    }

    return fresh;
}


void
ngx_sms_respond_json_str(sms_json_t *w, const ngx_str_t *s)
{
    sms_json_str(w, (const char *) s->data, s->len);
}


void
ngx_sms_respond_json_word(sms_json_t *w, const sms_word_t *table,
    ngx_uint_t value)
{
    const char  *name;

    name = sms_word_name(table, (int) value);
    sms_json_ascii(w, name, ngx_strlen(name));
}


void
ngx_sms_respond_money(sms_json_t *w, int64_t micro, const char *unit)
{
    sms_json_object(w);
    sms_json_key(w, "amount_micro");
    sms_json_int(w, micro);
    sms_json_key(w, "unit");
    sms_json_cstr(w, unit);
    sms_json_end(w);
}


void
ngx_sms_respond_json(ngx_sms_ctx_t *ctx, ngx_uint_t status, ngx_str_t *text)
{
    ngx_sms_respond_send(ctx, status, "application/json; charset=utf-8", text);
}


void
ngx_sms_respond_text(ngx_sms_ctx_t *ctx, ngx_uint_t status, const char *type,
    ngx_str_t *text)
{
    ngx_sms_respond_send(ctx, status, type, text);
}


void
ngx_sms_respond_written(ngx_sms_ctx_t *ctx, ngx_uint_t status, sms_json_t *w)
{
    ngx_str_t  text;

    if (ngx_sms_respond_json_done(w, &text) != NGX_OK) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    ngx_sms_respond_json(ctx, status, &text);
}


void
ngx_sms_respond_problem(ngx_sms_ctx_t *ctx, sms_problem_t problem,
    const char *pointer, const char *detail)
{
    ngx_str_t   text;
    sms_json_t  w;

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    ngx_sms_respond_head(ctx, &w, problem, detail,
                         detail ? ngx_strlen(detail) : 0);

    if (*pointer) {
        sms_json_key(&w, "errors");
        sms_json_array(&w);
        sms_json_object(&w);
        sms_json_key(&w, "pointer");
        sms_json_cstr(&w, pointer);
        sms_json_key(&w, "code");
        sms_json_cstr(&w, sms_problem_info(problem)->code);

        if (detail) {
            sms_json_key(&w, "detail");
            sms_json_cstr(&w, detail);
        }

        sms_json_end(&w);
        sms_json_end(&w);
    }

    sms_json_end(&w);

    if (ngx_sms_respond_json_done(&w, &text) != NGX_OK) {
        ngx_str_null(&text);
    }

    ngx_sms_respond_send(ctx, (ngx_uint_t) sms_problem_info(problem)->status,
                         "application/problem+json; charset=utf-8", &text);
}


void
ngx_sms_respond_submission_problem(ngx_sms_ctx_t *ctx,
    ngx_sms_submission_t *sub)
{
    ngx_str_t         text, detail;
    sms_json_t        w;
    ngx_uint_t        i;
    ngx_sms_fault_t  *fault;

    fault = sub->faults.elts;
    ngx_str_null(&detail);

    if (sub->faults.nelts) {
        detail = fault[0].detail;
    }

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    ngx_sms_respond_head(ctx, &w, sub->problem, (const char *) detail.data,
                         detail.len);

    if (sub->faults.nelts) {

        sms_json_key(&w, "errors");
        sms_json_array(&w);

        for (i = 0; i < sub->faults.nelts; i++) {
            sms_json_object(&w);
            sms_json_key(&w, "pointer");
            ngx_sms_respond_json_str(&w, &fault[i].pointer);
            sms_json_key(&w, "code");
            sms_json_cstr(&w, sms_problem_info(fault[i].problem)->code);
            sms_json_key(&w, "detail");
            ngx_sms_respond_json_str(&w, &fault[i].detail);
            sms_json_end(&w);
        }

        sms_json_end(&w);
    }

    /* the same members that a 202 has */
    ngx_sms_respond_checks(&w, sub, 1);
    sms_json_end(&w);

    if (ngx_sms_respond_json_done(&w, &text) != NGX_OK) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    ctx->problem = sub->problem;
    ngx_sms_respond_send(ctx,
                         (ngx_uint_t) sms_problem_info(sub->problem)->status,
                         "application/problem+json; charset=utf-8", &text);
}


static void
ngx_sms_respond_head(ngx_sms_ctx_t *ctx, sms_json_t *w, sms_problem_t problem,
    const char *detail, size_t len)
{
    u_char                    *p, buf[128];
    const sms_problem_info_t  *info;

    info = sms_problem_info(problem);
    ctx->problem = problem;

    sms_json_object(w);

    sms_json_key(w, "type");
    p = ngx_slprintf(buf, buf + sizeof(buf), "urn:ngx-sms:problem:%s",
                     info->code);
    sms_json_str(w, (const char *) buf, (size_t) (p - buf));

    sms_json_key(w, "title");
    sms_json_cstr(w, ngx_sms_respond_english(ctx->r) ? info->title_en
                                                     : info->title_tr);
    sms_json_key(w, "status");
    sms_json_int(w, info->status);

    if (len) {
        sms_json_key(w, "detail");
        sms_json_str(w, detail, len);
    }

    sms_json_key(w, "instance");
    p = ngx_slprintf(buf, buf + sizeof(buf), "urn:ngx-sms:request:%V",
                     &ctx->request_id);
    sms_json_str(w, (const char *) buf, (size_t) (p - buf));

    sms_json_key(w, "code");
    sms_json_cstr(w, info->code);
    sms_json_key(w, "request_id");
    ngx_sms_respond_json_str(w, &ctx->request_id);
}


void
ngx_sms_respond_checks(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_uint_t prose)
{
    ngx_uint_t            i;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;

    sms_json_key(w, "rejected");
    sms_json_array(w);

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (rcpt[i].problem == SMS_PROBLEM_NONE) {
            continue;
        }

        sms_json_object(w);
        sms_json_key(w, "index");
        sms_json_int(w, (int64_t) rcpt[i].ord);
        sms_json_key(w, "to");
        ngx_sms_respond_json_str(w, &rcpt[i].given);
        sms_json_key(w, "code");
        sms_json_cstr(w, sms_problem_info(rcpt[i].problem)->code);
        sms_json_key(w, "title_tr");
        sms_json_cstr(w, sms_problem_info(rcpt[i].problem)->title_tr);
        sms_json_key(w, "title_en");
        sms_json_cstr(w, sms_problem_info(rcpt[i].problem)->title_en);

        if (rcpt[i].detail.len) {
            sms_json_key(w, "detail");
            ngx_sms_respond_json_str(w, &rcpt[i].detail);
        }

        if (rcpt[i].reference.len) {
            sms_json_key(w, "reference");
            ngx_sms_respond_json_str(w, &rcpt[i].reference);
        }

        sms_json_end(w);
    }

    sms_json_end(w);

    ngx_sms_respond_findings(w, sub, prose);
}


void
ngx_sms_respond_findings(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_uint_t prose)
{
    ngx_uint_t          i, k;
    ngx_sms_body_t     *body;
    ngx_sms_finding_t  *finding;

    sms_json_key(w, "findings");
    sms_json_array(w);

    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {

        finding = body[i].findings.elts;

        for (k = 0; k < body[i].findings.nelts; k++) {
            ngx_sms_respond_finding(w, &body[i], &finding[k], prose);
        }
    }

    sms_json_end(w);
}


static void
ngx_sms_respond_finding(sms_json_t *w, ngx_sms_body_t *body,
    ngx_sms_finding_t *finding, ngx_uint_t prose)
{
    sms_finding_t  *f;

    f = &finding->f;

    sms_json_object(w);
    sms_json_key(w, "code");
    sms_json_str(w, f->code.ptr, f->code.len);
    sms_json_key(w, "severity");
    ngx_sms_respond_json_word(w, sms_word_severity, finding->severity);
    sms_json_key(w, "confirmed");
    sms_json_bool(w, finding->confirmed);

    if (finding->waiver.len) {
        sms_json_key(w, "waiver");
        ngx_sms_respond_json_str(w, &finding->waiver);
    }

    if (prose) {
        sms_json_key(w, "floor");
        ngx_sms_respond_json_word(w, sms_word_severity, f->floor);
    }

    sms_json_key(w, "pointer");
    ngx_sms_respond_json_str(w, &body->pointer);

    if (f->len) {
        sms_json_key(w, "begin");
        sms_json_int(w, f->begin);
        sms_json_key(w, "length");
        sms_json_int(w, f->len);
    }

    if (f->len && prose) {
        /* places in bytes are for programs, those in characters for people */
        sms_json_key(w, "characters");
        sms_json_object(w);
        sms_json_key(w, "begin");
        sms_json_int(w, (int64_t) sms_utf8_count((const char *) body->text.data,
                                                 f->begin));
        sms_json_key(w, "length");
        sms_json_int(w, (int64_t) sms_utf8_count((const char *) body->text.data
                                                 + f->begin, f->len));
        sms_json_end(w);
    }

    if (prose) {
        sms_json_key(w, "detail_tr");
        sms_json_str(w, f->detail_tr.ptr, f->detail_tr.len);
        sms_json_key(w, "detail_en");
        sms_json_str(w, f->detail_en.ptr, f->detail_en.len);
    }

    if (prose && f->repair.len) {
        sms_json_key(w, "repair");
        sms_json_object(w);
        sms_json_key(w, "begin");
        sms_json_int(w, f->begin);
        sms_json_key(w, "length");
        sms_json_int(w, f->len);
        sms_json_key(w, "text");
        sms_json_str(w, f->repair.ptr, f->repair.len);
        sms_json_end(w);
    }

    if (prose && f->source.len) {
        sms_json_key(w, "source");
        sms_json_str(w, f->source.ptr, f->source.len);
    }

    sms_json_key(w, "rule");
    ngx_sms_respond_json_str(w, &finding->plugin);
    sms_json_key(w, "version");
    ngx_sms_respond_json_str(w, &finding->version);
    sms_json_end(w);
}


ngx_uint_t
ngx_sms_respond_english(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    /* the first language of the list is enough to choose between two */
    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("accept-language") - 1
                && ngx_strncmp(h[i].lowcase_key, "accept-language",
                               h[i].key.len) == 0)
            {
                return h[i].value.len >= 2
                       && ngx_strncasecmp(h[i].value.data, (u_char *) "en", 2)
                          == 0;
            }
        }
    }

    return 0;
}


ngx_int_t
ngx_sms_respond_header(ngx_http_request_t *r, const char *name,
    const char *value, size_t len)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = len;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_respond_headers(ngx_sms_ctx_t *ctx, ngx_uint_t status)
{
    size_t               len;
    u_char              *p, *policy, *challenge;
    ngx_http_request_t  *r;

    r = ctx->r;

    if (ngx_sms_respond_header(r, "X-Request-Id",
                               (const char *) ctx->request_id.data,
                               ctx->request_id.len)
        != NGX_OK
        || ngx_sms_respond_header(r, "Cache-Control", "no-store", 8) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (status == NGX_HTTP_UNAUTHORIZED
        || ctx->problem == SMS_PROBLEM_INSUFFICIENT_SCOPE)
    {
        challenge = ngx_pnalloc(r->pool, 128);
        if (challenge == NULL) {
            return NGX_ERROR;
        }

        /* RFC 6750, 3.1: no error code where no credentials came */
        p = ngx_sprintf(challenge, "Bearer realm=\"ngx_sms\"");

        if (ctx->problem == SMS_PROBLEM_INVALID_KEY) {
            p = ngx_sprintf(p, ", error=\"invalid_token\"");

        } else if (ctx->problem == SMS_PROBLEM_INSUFFICIENT_SCOPE) {
            p = ngx_sprintf(p, ", error=\"insufficient_scope\", scope=\"%s\"",
                            sms_word_name(sms_word_scope,
                                          (int) ctx->endpoint->scope));
        }

        len = (size_t) (p - challenge);

        if (ngx_sms_respond_header(r, "WWW-Authenticate",
                                   (const char *) challenge, len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE
        && ngx_sms_respond_header(r, "Retry-After", NGX_SMS_RETRY_S,
                                  sizeof(NGX_SMS_RETRY_S) - 1)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ctx->rated) {
        return NGX_OK;
    }

    policy = ngx_pnalloc(r->pool, 3 * 64);
    if (policy == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(policy, "\"api\";q=%ui;w=%ui", ctx->rate_limit,
                    ctx->rate_window_s);

    if (ngx_sms_respond_header(r, "RateLimit-Policy", (const char *) policy,
                               (size_t) (p - policy))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    policy = p;
    p = ngx_sprintf(policy, "\"api\";r=%ui;t=%ui", ctx->rate_left,
                    ctx->rate_reset_s);

    if (ngx_sms_respond_header(r, "RateLimit", (const char *) policy,
                               (size_t) (p - policy))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (status != NGX_HTTP_TOO_MANY_REQUESTS) {
        return NGX_OK;
    }

    policy = p;
    p = ngx_sprintf(policy, "%ui", ctx->rate_reset_s);

    return ngx_sms_respond_header(r, "Retry-After", (const char *) policy,
                                  (size_t) (p - policy));
}


static void
ngx_sms_respond_send(ngx_sms_ctx_t *ctx, ngx_uint_t status, const char *type,
    ngx_str_t *text)
{
    ngx_buf_t           *b;
    ngx_int_t            rc;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = ctx->r;

    ngx_sms_timer_line_stop(&ctx->deadline);
    ctx->answered = 1;

    ngx_sms_counter_inc(ngx_sms_worker.zone,
                        status >= 500 ? NGX_SMS_C_REQUESTS_5XX
                        : status == 429 ? NGX_SMS_C_REQUESTS_429
                        : status >= 400 ? NGX_SMS_C_REQUESTS_4XX
                        : NGX_SMS_C_REQUESTS_2XX);

    if (ngx_sms_respond_headers(ctx, status) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    /* what was not read of the body must not stay in the connection */
    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = (off_t) text->len;

    if (type) {
        r->headers_out.content_type.data = (u_char *) type;
        r->headers_out.content_type.len = ngx_strlen(type);
        r->headers_out.content_type_len = r->headers_out.content_type.len;
    }

    if (status == NGX_SMS_UNPROCESSABLE) {
        /* nginx has no word for it */
        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    if (text->len == 0) {
        r->header_only = 1;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    b = ngx_calloc_buf(r->pool);

    if (b == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;
    out.buf = b;
    out.next = NULL;

    ngx_http_finalize_request(r, ngx_http_output_filter(r, &out));
}
