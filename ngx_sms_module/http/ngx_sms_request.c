#include "ngx_sms_request.h"

#include "ngx_sms_auth.h"
#include "ngx_sms_endpoints.h"
#include "ngx_sms_ids.h"
#include "ngx_sms_respond.h"


#define NGX_SMS_REQUEST_ID_MAX  64
#define NGX_SMS_BODY_FIRST      16384


static ngx_int_t ngx_sms_request_id(ngx_sms_ctx_t *ctx);
static ngx_table_elt_t *ngx_sms_request_header(ngx_http_request_t *r,
    const char *name);
static void ngx_sms_request_authorized(ngx_sms_ctx_t *ctx);
static ngx_uint_t ngx_sms_request_json(ngx_http_request_t *r);
static void ngx_sms_request_first(ngx_http_request_t *r);
static void ngx_sms_request_more(ngx_http_request_t *r);
static void ngx_sms_request_take(ngx_sms_ctx_t *ctx);
static ngx_int_t ngx_sms_request_given(ngx_sms_ctx_t *ctx);
static void ngx_sms_request_taken(ngx_sms_ctx_t *ctx);
static ngx_int_t ngx_sms_request_piece(ngx_sms_ctx_t *ctx, ngx_buf_t *b,
    ngx_uint_t last);
static ngx_int_t ngx_sms_request_room(ngx_sms_ctx_t *ctx, size_t n);
static void ngx_sms_request_too_large(ngx_sms_ctx_t *ctx);
static void ngx_sms_request_broken(ngx_sms_ctx_t *ctx, ngx_int_t rc);
static const char *ngx_sms_request_text(ngx_pool_t *pool, const char *fmt,
    size_t n);
static void ngx_sms_request_cleanup(void *data);
static void ngx_sms_request_late(void *data);


ngx_sms_ctx_t *
ngx_sms_request_ctx(ngx_http_request_t *r)
{
    return ngx_http_get_module_ctx(r->main, ngx_http_sms_module);
}


ngx_sms_ctx_t *
ngx_sms_request_create(ngx_http_request_t *r, ngx_int_t *rc)
{
    ngx_int_t            id;
    ngx_sms_ctx_t       *ctx;
    ngx_http_cleanup_t  *cln;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_sms_ctx_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (ctx == NULL || cln == NULL) {
        return NULL;
    }

    ctx->r = r;
    ctx->deadline.handler = ngx_sms_request_late;
    ctx->deadline.data = ctx;
    id = ngx_sms_request_id(ctx);

    if (id == NGX_ERROR) {
        return NULL;
    }

    if (rc) {
        *rc = id;
    }

    cln->data = ctx;
    cln->handler = ngx_sms_request_cleanup;
    ngx_http_set_ctx(r, ctx, ngx_http_sms_module);

    /* each path from here ends in one answer, which gives this count back */
    r->main->count++;

    return ctx;
}


ngx_int_t
ngx_sms_request_handler(ngx_http_request_t *r)
{
    ngx_int_t       rc;
    sms_problem_t   problem;
    ngx_sms_ctx_t  *ctx;

    ctx = ngx_sms_request_create(r, &rc);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INVALID_REQUEST_ID, "",
            "X-Request-Id takes 1 to 64 letters, digits, '.', '_' and '-'");
        return NGX_DONE;
    }

    problem = ngx_sms_endpoint_find(r, &ctx->endpoint);

    if (problem != SMS_PROBLEM_NONE) {
        ngx_sms_respond_problem(ctx, problem, "", NULL);
        return NGX_DONE;
    }

    if (ctx->endpoint->scope == 0) {
        ngx_sms_request_authorized(ctx);
        return NGX_DONE;
    }

    ngx_sms_auth(ctx, ngx_sms_request_authorized);

    return NGX_DONE;
}


/* the caller's id where it gave a good one, else nginx's own */

static ngx_int_t
ngx_sms_request_id(ngx_sms_ctx_t *ctx)
{
    u_char            c, *p, octets[16];
    ngx_uint_t        i;
    ngx_int_t         rc;
    ngx_table_elt_t  *h;

    rc = NGX_OK;
    h = ngx_sms_request_header(ctx->r, "x-request-id");

    if (h) {

        if (h->value.len == 0 || h->value.len > NGX_SMS_REQUEST_ID_MAX) {
            rc = NGX_DECLINED;
        }

        for (i = 0; i < h->value.len && rc == NGX_OK; i++) {
            c = h->value.data[i];

            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
                  || (c >= 'A' && c <= 'Z') || c == '.' || c == '_'
                  || c == '-'))
            {
                rc = NGX_DECLINED;
            }
        }

        if (rc == NGX_OK) {
            ctx->request_id = h->value;
            return NGX_OK;
        }
    }

    p = ngx_pnalloc(ctx->r->pool, 32);

    if (p == NULL || ngx_sms_id_random(octets, 16) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_hex_dump(p, octets, 16);
    ctx->request_id.data = p;
    ctx->request_id.len = 32;

    return rc;
}


static ngx_table_elt_t *
ngx_sms_request_header(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;

            if (part->nelts == 0) {
                return NULL;
            }
        }

        if (h[i].key.len == len
            && ngx_strncmp(h[i].lowcase_key, name, len) == 0)
        {
            return &h[i];
        }
    }
}


static void
ngx_sms_request_authorized(ngx_sms_ctx_t *ctx)
{
    /* a misspelt wish must not be taken for granted */
    if (ctx->r->args.len && !(ctx->endpoint->takes & NGX_SMS_TAKES_QUERY)) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNKNOWN_PARAMETER, "",
                                "no query string is known here");
        return;
    }

    if (ctx->endpoint->takes & (NGX_SMS_TAKES_BODY|NGX_SMS_TAKES_MAYBE)) {
        ngx_sms_request_read(ctx);
        return;
    }

    ctx->endpoint->handler(ctx);
}


/*
 * The body is read piece by piece and kept in memory: so every way in which it
 * can be wrong ends in a problem of ours and not in nginx's own page.
 */

void
ngx_sms_request_read(ngx_sms_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;
    ngx_sms_loc_conf_t  *slcf;

    r = ctx->r;
    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sms_module);

    if (!ctx->raw && !ngx_sms_request_json(r)) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNSUPPORTED_MEDIA, "", NULL);
        return;
    }

    if (ngx_sms_request_header(r, "content-encoding")) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNSUPPORTED_MEDIA, "",
                                "send it as it is, without Content-Encoding");
        return;
    }

    if (r->headers_in.content_length_n > (off_t) slcf->max_body) {
        ngx_sms_request_too_large(ctx);
        return;
    }

    if (r->request_body || r != r->main) {

        rc = ngx_sms_request_given(ctx);

        if (rc == NGX_DECLINED) {
            ngx_sms_request_too_large(ctx);

        } else if (rc != NGX_OK) {
            ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);

        } else {
            if (r == r->main) {
                r->read_event_handler = ngx_http_test_reading;
            }

            ngx_sms_request_taken(ctx);
        }

        return;
    }

    /* how long a client may take is client_body_timeout's */
    ngx_sms_timer_line_stop(&ctx->deadline);
    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_sms_request_first);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_sms_request_broken(ctx, rc);
        return;
    }

    /* reading took a count of its own, which the answer gives back */
    ngx_http_finalize_request(r, NGX_DONE);
}


/* absent is taken for JSON; a form, which curl -d sends, is told what is wrong */

static ngx_uint_t
ngx_sms_request_json(ngx_http_request_t *r)
{
    size_t            len;
    u_char           *p, *last;
    ngx_table_elt_t  *h;

    h = r->headers_in.content_type;

    if (h == NULL) {
        return 1;
    }

    len = sizeof("application/json") - 1;

    if (h->value.len < len
        || ngx_strncasecmp(h->value.data, (u_char *) "application/json", len)
           != 0)
    {
        return 0;
    }

    p = h->value.data + len;
    last = h->value.data + h->value.len;

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p == last || *p == ';';
}


static void
ngx_sms_request_first(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_sms_request_more;
    ngx_sms_request_take(ngx_sms_request_ctx(r));
}


static void
ngx_sms_request_more(ngx_http_request_t *r)
{
    ngx_int_t       rc;
    ngx_sms_ctx_t  *ctx;

    ctx = ngx_sms_request_ctx(r);

    rc = ngx_http_read_unbuffered_request_body(r);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_sms_request_broken(ctx, rc);
        return;
    }

    ngx_sms_request_take(ctx);
}


static void
ngx_sms_request_take(ngx_sms_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = ctx->r;

    for ( ;; ) {

        while ((cl = r->request_body->bufs) != NULL) {

            b = cl->buf;
            r->request_body->bufs = cl->next;
            rc = ngx_sms_request_piece(ctx, b, !r->reading_body
                                               && cl->next == NULL);

            if (rc == NGX_DECLINED) {
                ngx_sms_request_too_large(ctx);
                return;
            }

            if (rc != NGX_OK) {
                ngx_sms_request_broken(ctx, NGX_ERROR);
                return;
            }

            b->pos = b->last;
        }

        if (!r->reading_body) {
            break;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_sms_request_broken(ctx, rc);
            return;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }

    /* who leaves before the answer takes its calls and rows along */
    r->read_event_handler = ngx_http_test_reading;

    ngx_sms_request_taken(ctx);
}


/*
 * Another module has read the body before (mirror), into memory and perhaps
 * into a file, and may want it again: it is left as it is.  A subrequest has
 * its parent's, or none.
 */

static ngx_int_t
ngx_sms_request_given(ngx_sms_ctx_t *ctx)
{
    size_t        n;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ctx->r->request_body ? ctx->r->request_body->bufs : NULL;

    for ( /* void */ ; cl; cl = cl->next) {

        b = cl->buf;

        if (!b->in_file || ngx_buf_in_memory(b)) {
            rc = ngx_sms_request_piece(ctx, b, cl->next == NULL);

            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }

        n = (size_t) (b->file_last - b->file_pos);
        rc = ngx_sms_request_room(ctx, n);

        if (rc != NGX_OK) {
            return rc;
        }

        if (n && ngx_read_file(b->file, ctx->body.data + ctx->body.len, n,
                               b->file_pos)
                 != (ssize_t) n)
        {
            return NGX_ERROR;
        }

        ctx->body.len += n;
    }

    return NGX_OK;
}


static void
ngx_sms_request_taken(ngx_sms_ctx_t *ctx)
{
    if (ctx->body.len == 0 && (ctx->endpoint->takes & NGX_SMS_TAKES_BODY)) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_EMPTY_BODY, "", NULL);
        return;
    }

    ctx->endpoint->handler(ctx);
}


/* NGX_DECLINED: more than is allowed */

static ngx_int_t
ngx_sms_request_piece(ngx_sms_ctx_t *ctx, ngx_buf_t *b, ngx_uint_t last)
{
    size_t               n;
    ngx_int_t            rc;
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(ctx->r, ngx_http_sms_module);
    n = (size_t) (b->last - b->pos);

    if (n == 0) {
        return NGX_OK;
    }

    /* what came with the headers stays where it is */
    if (last && ctx->body.len == 0 && n <= slcf->max_body) {
        ctx->body.data = b->pos;
        ctx->body.len = n;
        return NGX_OK;
    }

    rc = ngx_sms_request_room(ctx, n);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memcpy(ctx->body.data + ctx->body.len, b->pos, n);
    ctx->body.len += n;

    return NGX_OK;
}


/* for n more octets; NGX_DECLINED: more than is allowed */

static ngx_int_t
ngx_sms_request_room(ngx_sms_ctx_t *ctx, size_t n)
{
    size_t               room;
    u_char              *p;
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(ctx->r, ngx_http_sms_module);

    if (n > slcf->max_body - ctx->body.len) {
        return NGX_DECLINED;
    }

    if (ctx->body.len + n > ctx->room) {

        room = ngx_max(2 * ctx->room, ctx->body.len + n);
        room = ngx_max(room, NGX_SMS_BODY_FIRST);

        p = ngx_palloc(ctx->r->pool, room);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (ctx->room) {
            ngx_memcpy(p, ctx->body.data, ctx->body.len);
            (void) ngx_pfree(ctx->r->pool, ctx->body.data);
        }

        ctx->body.data = p;
        ctx->room = room;
    }

    return NGX_OK;
}


static void
ngx_sms_request_too_large(ngx_sms_ctx_t *ctx)
{
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(ctx->r, ngx_http_sms_module);

    /* what still comes is not another request */
    ctx->r->read_event_handler = ngx_http_block_reading;
    ctx->r->keepalive = 0;
    ctx->r->lingering_close = 1;

    ngx_sms_respond_problem(ctx, SMS_PROBLEM_BODY_TOO_LARGE, "",
                            ngx_sms_request_text(ctx->r->pool,
                                                 "at most %uz bytes",
                                                 slcf->max_body));
}


/* the connection is of no more use; nginx knows how to end each sort */

static void
ngx_sms_request_broken(ngx_sms_ctx_t *ctx, ngx_int_t rc)
{
    ctx->r->read_event_handler = ngx_http_block_reading;
    ctx->r->keepalive = 0;

    if (rc == NGX_ERROR || rc == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    /* a client that has left is a 400 of nginx's, too */
    if (rc == NGX_HTTP_BAD_REQUEST && !ctx->r->connection->error) {
        ngx_sms_respond_problem(ctx, ctx->raw ? SMS_PROBLEM_INVALID_CALLBACK
                                              : SMS_PROBLEM_INVALID_JSON, "",
                                "the chunks of the body are malformed");
        return;
    }

    ngx_http_finalize_request(ctx->r, rc);
}


static const char *
ngx_sms_request_text(ngx_pool_t *pool, const char *fmt, size_t n)
{
    u_char  *p;

    p = ngx_pnalloc(pool, 128);

    if (p) {
        *ngx_snprintf(p, 127, fmt, n) = '\0';
    }

    return (const char *) p;
}


void
ngx_sms_request_wait(ngx_sms_ctx_t *ctx, void *waiting,
    void (*forget)(void *waiting))
{
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(ctx->r, ngx_http_sms_module);

    if (!ngx_sms_timer_line_running(&ctx->deadline)) {
        ngx_sms_timer_line_start(&slcf->deadlines, &ctx->deadline);
    }

    ctx->waiting = waiting;
    ctx->forget = forget;
}


void
ngx_sms_request_resume(ngx_sms_ctx_t *ctx)
{
    ctx->waiting = NULL;
    ctx->forget = NULL;
}


static void
ngx_sms_request_cleanup(void *data)
{
    ngx_sms_ctx_t  *ctx = data;

    void  *waiting;
    void (*forget)(void *waiting);

    waiting = ctx->waiting;
    forget = ctx->forget;
    ctx->waiting = NULL;
    ctx->forget = NULL;

    if (forget) {
        forget(waiting);
    }

    ngx_sms_timer_line_stop(&ctx->deadline);

    if (ctx->submission) {
        ngx_sms_submission_release(ctx->submission);
        ctx->submission = NULL;
    }

    if (ctx->account) {
        ngx_sms_account_release(ctx->account);
        ctx->account = NULL;
        ctx->key = NULL;
    }
}


static void
ngx_sms_request_late(void *data)
{
    ngx_sms_ctx_t     *ctx = data;
    ngx_connection_t  *c = ctx->r->connection;

    void  *waiting;
    void (*forget)(void *waiting);

    waiting = ctx->waiting;
    forget = ctx->forget;
    ngx_sms_request_resume(ctx);

    if (forget) {
        forget(waiting);
    }

    ngx_sms_respond_problem(ctx, ctx->unsure ? SMS_PROBLEM_TIMEOUT
                                             : SMS_PROBLEM_UNAVAILABLE, "",
                            NULL);
    ngx_http_run_posted_requests(c);
}
