#include "ngx_sms_manage.h"

#include <jansson.h>

#include "sms_utf8.h"
#include "ngx_sms_evidence.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store_account.h"


/*
 * A function that answers 102 has done its work, and what was under way before is
 * coming to its end: the object that it made is looked at until nothing is.
 */
#define NGX_SMS_MANAGE_SETTLING  102
#define NGX_SMS_MANAGE_LOOK      20         /* ms                             */
#define NGX_SMS_MANAGE_PATIENCE  3000


static void ngx_sms_manage_ask(ngx_sms_ctx_t *ctx, const ngx_str_t *method,
    const ngx_str_t *path);
static ngx_int_t ngx_sms_manage_settle(ngx_sms_ctx_t *ctx, ngx_str_t *body);
static void ngx_sms_manage_settle_look(void *data);
static void ngx_sms_manage_settle_forget(void *waiting);
static void ngx_sms_manage_csv(ngx_sms_ctx_t *ctx, ngx_uint_t status,
    ngx_str_t *body);
static sms_problem_t ngx_sms_manage_body(ngx_str_t *body);
static void ngx_sms_manage_answer(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_manage_problem(ngx_sms_ctx_t *ctx, ngx_str_t *body);


void
ngx_sms_manage(ngx_sms_ctx_t *ctx)
{
    ngx_str_t      method;
    sms_problem_t  problem;

    /* PostgreSQL would refuse it as a fault of ours */
    if (!sms_utf8_valid((const char *) ctx->r->uri.data, ctx->r->uri.len)) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INVALID_ID, "", NULL);
        return;
    }

    problem = ngx_sms_manage_body(&ctx->body);

    if (problem != SMS_PROBLEM_NONE) {
        ngx_sms_respond_problem(ctx, problem, "", NULL);
        return;
    }

    /* that of the endpoint: HEAD asks as GET does */
    method.data = (u_char *) ctx->endpoint->method;
    method.len = ngx_strlen(ctx->endpoint->method);

    ctx->unsure = ngx_strcmp(ctx->endpoint->method, "GET") != 0;
    ngx_sms_manage_ask(ctx, &method, &ctx->r->uri);
}


static void
ngx_sms_manage_ask(ngx_sms_ctx_t *ctx, const ngx_str_t *method,
    const ngx_str_t *path)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_api_call(ctx->account->id, ctx->key->no,
                               ctx->key->scopes, method, path, &ctx->r->args,
                               &ctx->body, ngx_sms_manage_answer, ctx);

    if (q == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "",
                                "the database does not answer");
        return;
    }

    ngx_sms_request_wait(ctx, q, ngx_sms_store_query_forget);
}


/*
 * What PostgreSQL would refuse as a fault of ours; the functions judge what
 * stands in it.
 */

static sms_problem_t
ngx_sms_manage_body(ngx_str_t *body)
{
    json_t        *root;
    json_error_t   error;

    if (body->len == 0) {
        return SMS_PROBLEM_NONE;
    }

    root = json_loadb((const char *) body->data, body->len,
                      JSON_REJECT_DUPLICATES|JSON_DECODE_ANY, &error);

    if (root) {
        json_decref(root);
        return SMS_PROBLEM_NONE;
    }

    switch (json_error_code(&error)) {

    case json_error_duplicate_key:
        return SMS_PROBLEM_DUPLICATE_KEY;

    case json_error_invalid_utf8:
        return SMS_PROBLEM_INVALID_UTF8;

    default:
        return SMS_PROBLEM_INVALID_JSON;
    }
}


static void
ngx_sms_manage_answer(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_ctx_t  *ctx = data;

    ngx_int_t          status;
    ngx_str_t          code, body, text;
    ngx_connection_t  *c;

    c = ctx->r->connection;
    ngx_sms_request_resume(ctx);

    if (res->rc != NGX_SMS_PG_OK || res->nrows != 1
        || ngx_sms_pg_row_text(res, 0, 0, &code) != NGX_OK
        || ngx_sms_pg_row_text(res, 0, 1, &body) == NGX_ERROR)
    {
        ngx_sms_respond_problem(ctx, res->rc == NGX_SMS_PG_ERROR
                                     ? SMS_PROBLEM_INTERNAL
                                     : SMS_PROBLEM_UNAVAILABLE, "", NULL);
        goto done;
    }

    status = ngx_atoi(code.data, code.len);

    if (status >= NGX_HTTP_BAD_REQUEST) {
        ngx_sms_manage_problem(ctx, &body);
        goto done;
    }

    if (status == NGX_SMS_MANAGE_SETTLING || ctx->settling.len) {

        if (ngx_sms_manage_settle(ctx, &body) == NGX_AGAIN) {
            goto done;
        }

        status = NGX_HTTP_CREATED;
    }

    if (body.len && body.data[0] == '"') {
        ngx_sms_manage_csv(ctx, (ngx_uint_t) status, &body);
        goto done;
    }

    text.len = body.len;
    text.data = ngx_pstrdup(ctx->r->pool, &body);

    if (status < NGX_HTTP_OK || text.data == NULL
        || ((ctx->endpoint->scope & SMS_SCOPE_EVIDENCE_READ)
            && ngx_sms_evidence_seal(ctx->r->pool, &text) != NGX_OK))
    {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        goto done;
    }

    ngx_sms_respond_json(ctx, (ngx_uint_t) status, &text);

done:

    ngx_http_run_posted_requests(c);
}


/* NGX_AGAIN: it is looked at again in a moment */

static ngx_int_t
ngx_sms_manage_settle(ngx_sms_ctx_t *ctx, ngx_str_t *body)
{
    json_t           *root;
    const char       *id;
    json_int_t        left;
    ngx_str_t        *path;
    ngx_sms_timer_t  *timer;

    root = json_loadb((const char *) body->data, body->len, 0, NULL);
    left = json_integer_value(json_object_get(root, "in_flight"));
    id = json_string_value(json_object_get(root, "id"));
    path = &ctx->settling;

    if (path->len == 0 && id) {

        path->data = ngx_pnalloc(ctx->r->pool, ctx->r->uri.len + 1
                                               + ngx_strlen(id));
        timer = ngx_palloc(ctx->r->pool, sizeof(ngx_sms_timer_t));

        if (path->data == NULL || timer == NULL) {
            json_decref(root);
            return NGX_OK;
        }

        path->len = (size_t) (ngx_sprintf(path->data, "%V/%s", &ctx->r->uri, id)
                              - path->data);
        ctx->again = timer;
        ctx->again_until = ngx_current_msec + NGX_SMS_MANAGE_PATIENCE;
        ctx->body.len = 0;
        ngx_sms_timer_deadline(timer, ngx_sms_manage_settle_look, ctx,
                               ctx->r->connection->log);
    }

    json_decref(root);

    if (left <= 0 || path->len == 0
        || (ngx_msec_int_t) (ctx->again_until - ngx_current_msec) <= 0)
    {
        return NGX_OK;
    }

    ngx_sms_timer_start(ctx->again, NGX_SMS_MANAGE_LOOK);
    ngx_sms_request_wait(ctx, ctx->again, ngx_sms_manage_settle_forget);

    return NGX_AGAIN;
}


static void
ngx_sms_manage_settle_look(void *data)
{
    ngx_sms_ctx_t  *ctx = data;

    ngx_connection_t  *c;

    static const ngx_str_t  method = ngx_string("GET");

    c = ctx->r->connection;
    ngx_sms_request_resume(ctx);
    ngx_sms_manage_ask(ctx, &method, &ctx->settling);
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_manage_settle_forget(void *waiting)
{
    ngx_sms_timer_stop(waiting);
}


/* a text by itself is no JSON to the caller, but the table that it asked for */

static void
ngx_sms_manage_csv(ngx_sms_ctx_t *ctx, ngx_uint_t status, ngx_str_t *body)
{
    json_t     *root;
    ngx_str_t   text, table;

    root = json_loadb((const char *) body->data, body->len, JSON_DECODE_ANY,
                      NULL);
    text.data = (u_char *) json_string_value(root);
    text.len = json_string_length(root);
    table.len = text.len;
    table.data = text.data ? ngx_pstrdup(ctx->r->pool, &text) : NULL;
    json_decref(root);

    if (table.data == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    ngx_sms_respond_text(ctx, status, "text/csv; charset=utf-8", &table);
}


/* {"code": "invalid-field", "pointer": "/url", "detail": "..."} from a function */

static void
ngx_sms_manage_problem(ngx_sms_ctx_t *ctx, ngx_str_t *body)
{
    json_t         *root;
    const char     *code, *pointer;
    sms_problem_t   problem;

    root = json_loadb((const char *) body->data, body->len, 0, NULL);
    code = json_string_value(json_object_get(root, "code"));
    problem = code ? sms_problem_find(code, ngx_strlen(code))
                   : SMS_PROBLEM_NONE;

    pointer = json_string_value(json_object_get(root, "pointer"));

    ngx_sms_respond_problem(ctx, problem == SMS_PROBLEM_NONE
                                 ? SMS_PROBLEM_INTERNAL : problem,
                            pointer ? pointer : "",
                            json_string_value(json_object_get(root,
                                                              "detail")));
    json_decref(root);
}
