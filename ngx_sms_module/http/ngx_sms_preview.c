#include "ngx_sms_preview.h"

#include "sms_word.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store_account.h"
#include "ngx_sms_worker.h"


#define ngx_sms_preview_same(a, b)                                            \
    ((a)->operator_name.len == (b)->operator_name.len                         \
     && ngx_memcmp((a)->operator_name.data, (b)->operator_name.data,          \
                   (a)->operator_name.len) == 0)


typedef struct {
    ngx_uint_t  granted, refused, not_granted, unknown;
} ngx_sms_preview_consent_t;


static void ngx_sms_preview_lists(void *data, const ngx_sms_pg_res_t *res);
static ngx_sms_recipient_t *ngx_sms_preview_find(ngx_sms_submission_t *sub,
    const ngx_sms_store_preview_row_t *row);
static void ngx_sms_preview_write(ngx_sms_ctx_t *ctx,
    ngx_sms_preview_consent_t *consent);
static void ngx_sms_preview_texts(sms_json_t *w, ngx_sms_submission_t *sub);
static void ngx_sms_preview_operators(sms_json_t *w,
    ngx_sms_submission_t *sub, ngx_sms_body_t *body);
static ngx_uint_t ngx_sms_preview_first(ngx_sms_plugin_t **p, ngx_uint_t i);
static void ngx_sms_preview_counts(sms_json_t *w, ngx_sms_submission_t *sub);


void
ngx_sms_preview_answer(ngx_sms_ctx_t *ctx)
{
    int16_t                *types;
    int64_t                *numbers;
    ngx_uint_t              i, n;
    ngx_sms_recipient_t    *rcpt;
    ngx_sms_submission_t   *sub;
    ngx_sms_store_query_t  *q;

    sub = ctx->submission;

    /* a request that cannot be read has nothing to preview */
    if (sub->problem != SMS_PROBLEM_NONE
        && sms_problem_info(sub->problem)->status != 422)
    {
        ngx_sms_respond_submission_problem(ctx, sub);
        return;
    }

    numbers = ngx_palloc(ctx->r->pool,
                         (sub->recipients.nelts + 1) * sizeof(int64_t));
    types = ngx_palloc(ctx->r->pool,
                       (sub->recipients.nelts + 1) * sizeof(int16_t));

    if (numbers == NULL || types == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    rcpt = sub->recipients.elts;
    n = 0;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].problem == SMS_PROBLEM_NONE) {
            numbers[n] = rcpt[i].to;
            types[n++] = rcpt[i].recipient_type;
        }
    }

    if (n == 0 || sub->brand == NULL) {
        ngx_sms_preview_write(ctx, NULL);
        return;
    }

    q = ngx_sms_store_preview(sub->account->id,
                              (int64_t) sub->brand->b.owner_account,
                              (int64_t) sub->brand->b.id, numbers, types, n,
                              ngx_sms_preview_lists, ctx);

    if (q == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "", NULL);
        return;
    }

    ngx_sms_request_wait(ctx, q, ngx_sms_store_query_forget);
}


static void
ngx_sms_preview_lists(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_ctx_t  *ctx = data;

    ngx_uint_t                    i, commercial;
    ngx_connection_t             *c;
    ngx_sms_recipient_t          *rcpt;
    ngx_sms_submission_t         *sub;
    ngx_sms_preview_consent_t     consent;
    ngx_sms_store_preview_row_t   row;

    c = ctx->r->connection;
    sub = ctx->submission;
    ngx_sms_request_resume(ctx);

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "", NULL);
        ngx_http_run_posted_requests(c);
        return;
    }

    ngx_memzero(&consent, sizeof(ngx_sms_preview_consent_t));
    commercial = sub->klass == SMS_CLASS_COMMERCIAL;

    for (i = 0; i < res->nrows; i++) {

        if (ngx_sms_store_preview_row(res, i, &row) != NGX_OK) {
            continue;
        }

        rcpt = ngx_sms_preview_find(sub, &row);

        if (rcpt == NULL) {
            continue;
        }

        if (row.blacklisted || (commercial && row.blacklisted_commercial)) {
            ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_BLACKLISTED,
                                      "take it off the blacklist first");
            continue;
        }

        /* told apart: sending accepts these, and screen asks İYS then */
        if (commercial) {
            consent.refused += row.opted_out
                               || row.consent == SMS_CONSENT_REFUSED;
            consent.granted += !row.opted_out
                               && row.consent == SMS_CONSENT_GRANTED;
            consent.not_granted += !row.opted_out
                                   && row.consent == SMS_CONSENT_NOT_GRANTED;
        }
    }

    if (sub->problem == SMS_PROBLEM_NONE) {
        ngx_sms_submission_sum(sub);
    }

    if (sub->naccepted > consent.refused + consent.granted
                         + consent.not_granted)
    {
        consent.unknown = sub->naccepted - consent.refused - consent.granted
                          - consent.not_granted;
    }

    ngx_sms_preview_write(ctx, commercial ? &consent : NULL);
    ngx_http_run_posted_requests(c);
}


static ngx_sms_recipient_t *
ngx_sms_preview_find(ngx_sms_submission_t *sub,
    const ngx_sms_store_preview_row_t *row)
{
    ngx_uint_t            i;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].to == row->number && rcpt[i].problem == SMS_PROBLEM_NONE) {
            return &rcpt[i];
        }
    }

    return NULL;
}


static void
ngx_sms_preview_write(ngx_sms_ctx_t *ctx, ngx_sms_preview_consent_t *consent)
{
    sms_json_t             w;
    ngx_sms_submission_t  *sub;

    sub = ctx->submission;
    ctx->accepted = sub->problem == SMS_PROBLEM_NONE ? sub->naccepted : 0;
    ctx->rejected = sub->recipients.nelts - ctx->accepted;

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    sms_json_object(&w);
    sms_json_key(&w, "accepted");
    sms_json_int(&w, (int64_t) ctx->accepted);
    sms_json_key(&w, "price");
    ngx_sms_respond_money(&w, sub->problem == SMS_PROBLEM_NONE
                              ? sub->total_micro : 0, sub->account->unit);

    ngx_sms_preview_problem(&w, sub);
    ngx_sms_preview_texts(&w, sub);
    ngx_sms_preview_counts(&w, sub);

    if (consent) {
        sms_json_key(&w, "consent");
        sms_json_object(&w);
        sms_json_key(&w, "granted");
        sms_json_int(&w, (int64_t) consent->granted);
        sms_json_key(&w, "refused");
        sms_json_int(&w, (int64_t) consent->refused);
        sms_json_key(&w, "not_granted");
        sms_json_int(&w, (int64_t) consent->not_granted);
        sms_json_key(&w, "unknown");
        sms_json_int(&w, (int64_t) consent->unknown);
        sms_json_end(&w);
    }

    ngx_sms_respond_checks(&w, sub, 1);
    sms_json_end(&w);
    ngx_sms_respond_written(ctx, NGX_HTTP_OK, &w);
}


void
ngx_sms_preview_problem(sms_json_t *w, ngx_sms_submission_t *sub)
{
    ngx_uint_t        i;
    ngx_sms_fault_t  *fault;

    sms_json_key(w, "problem");

    if (sub->problem == SMS_PROBLEM_NONE) {
        sms_json_null(w);
        return;
    }

    sms_json_object(w);
    sms_json_key(w, "code");
    sms_json_cstr(w, sms_problem_info(sub->problem)->code);
    sms_json_key(w, "errors");
    sms_json_array(w);

    fault = sub->faults.elts;

    for (i = 0; i < sub->faults.nelts; i++) {
        sms_json_object(w);
        sms_json_key(w, "pointer");
        ngx_sms_respond_json_str(w, &fault[i].pointer);
        sms_json_key(w, "code");
        sms_json_cstr(w, sms_problem_info(fault[i].problem)->code);
        sms_json_key(w, "detail");
        ngx_sms_respond_json_str(w, &fault[i].detail);
        sms_json_end(w);
    }

    sms_json_end(w);
    sms_json_end(w);
}


static void
ngx_sms_preview_texts(sms_json_t *w, ngx_sms_submission_t *sub)
{
    ngx_uint_t       i;
    sms_segment_t   *s;
    ngx_sms_body_t  *body;

    body = sub->bodies.elts;

    sms_json_key(w, "texts");
    sms_json_array(w);

    for (i = 0; i < sub->bodies.nelts; i++) {

        s = &body[i].count;

        sms_json_object(w);
        sms_json_key(w, "pointer");
        ngx_sms_respond_json_str(w, &body[i].pointer);
        ngx_sms_preview_count(w, s);

        if (s->costly_len
            && (size_t) s->costly + s->costly_len <= body[i].text.len)
        {
            /* the character without which the text would be cheaper */
            sms_json_key(w, "costly");
            sms_json_object(w);
            sms_json_key(w, "begin");
            sms_json_int(w, s->costly);
            sms_json_key(w, "length");
            sms_json_int(w, s->costly_len);
            sms_json_key(w, "text");
            sms_json_str(w, (const char *) body[i].text.data + s->costly,
                         s->costly_len);
            sms_json_end(w);
        }

        ngx_sms_preview_repaired(w, sub, &body[i]);

        if (sub->sender && !sub->test) {
            ngx_sms_preview_operators(w, sub, &body[i]);
        }

        sms_json_end(w);
    }

    sms_json_end(w);
}


void
ngx_sms_preview_count(sms_json_t *w, const sms_segment_t *s)
{
    sms_json_key(w, "encoding");
    ngx_sms_respond_json_word(w, sms_word_encoding, s->encoding);
    sms_json_key(w, "parts");
    sms_json_int(w, s->parts);
    sms_json_key(w, "units");
    sms_json_int(w, s->units);
    sms_json_key(w, "units_left");
    sms_json_int(w, s->left);
    sms_json_key(w, "units_per_part");
    sms_json_int(w, s->parts > 1 ? s->multi : s->single);
}


void
ngx_sms_preview_repaired(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_sms_body_t *body)
{
    sms_json_key(w, "repaired");

    if (body->repaired.len == 0) {
        sms_json_null(w);
        return;
    }

    sms_json_object(w);
    sms_json_key(w, "text");
    ngx_sms_respond_json_str(w, &body->repaired);
    ngx_sms_preview_count(w, &body->repaired_count);
    ngx_sms_preview_price(w, sub, body->repaired_micro);
    sms_json_end(w);
}


void
ngx_sms_preview_price(sms_json_t *w, ngx_sms_submission_t *sub,
    int64_t price_micro)
{
    sms_json_key(w, "price");

    if (price_micro < 0) {
        sms_json_null(w);
        return;
    }

    ngx_sms_respond_money(w, price_micro, sub->account->unit);
}


/* C9: which operators may carry the text, by the link that comes nearest */

static void
ngx_sms_preview_operators(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_sms_body_t *body)
{
    ngx_uint_t             i, k;
    ngx_array_t           *list;
    ngx_sms_plugin_t     **p;
    ngx_sms_ineligible_e   why, best;
    ngx_sms_route_what_t   what;

    list = &ngx_sms_worker.plugins->kinds[SMS_KIND_OPERATOR];
    p = list->elts;

    what.sender = sub->sender;
    what.klass = sub->klass;
    what.encoding = body->count.encoding;
    what.text = body->text;
    what.address = -1;

    sms_json_key(w, "operators");
    sms_json_array(w);

    for (i = 0; i < list->nelts; i++) {

        if (!ngx_sms_preview_first(p, i)) {
            continue;
        }

        best = ngx_sms_route_why(p[i], &what);

        for (k = i + 1; k < list->nelts && best; k++) {

            if (ngx_sms_preview_same(p[k], p[i])) {
                why = ngx_sms_route_why(p[k], &what);
                best = why == NGX_SMS_INELIGIBLE_NOT ? why
                                                     : ngx_max(best, why);
            }
        }

        sms_json_object(w);
        sms_json_key(w, "operator");
        ngx_sms_respond_json_str(w, &p[i]->operator_name);
        sms_json_key(w, "eligible");
        sms_json_bool(w, best == NGX_SMS_INELIGIBLE_NOT);

        if (best) {
            sms_json_key(w, "reason");
            sms_json_cstr(w, ngx_sms_route_reason(best));
        }

        sms_json_end(w);
    }

    sms_json_end(w);
}


/* 1: no link before it leads to its operator */

static ngx_uint_t
ngx_sms_preview_first(ngx_sms_plugin_t **p, ngx_uint_t i)
{
    ngx_uint_t  k;

    for (k = 0; k < i; k++) {
        if (ngx_sms_preview_same(p[k], p[i])) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_sms_preview_counts(sms_json_t *w, ngx_sms_submission_t *sub)
{
    ngx_uint_t            i, n[SMS_PROBLEM_COUNT];
    const char           *code;
    ngx_sms_recipient_t  *rcpt;

    ngx_memzero(n, sizeof(n));
    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {
        n[rcpt[i].problem]++;
    }

    sms_json_key(w, "counts");
    sms_json_object(w);

    for (i = SMS_PROBLEM_NONE + 1; i < SMS_PROBLEM_COUNT; i++) {
        if (n[i]) {
            code = sms_problem_info((sms_problem_t) i)->code;
            sms_json_key_n(w, code, ngx_strlen(code));
            sms_json_int(w, (int64_t) n[i]);
        }
    }

    sms_json_end(w);
}
