#include "ngx_sms_send.h"

#include "sms_hash.h"
#include "sms_id.h"
#include "sms_time.h"
#include "sms_word.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_check.h"
#include "ngx_sms_dispatch.h"
#include "ngx_sms_intake.h"
#include "ngx_sms_intake_keys.h"
#include "ngx_sms_judge.h"
#include "ngx_sms_measure.h"
#include "ngx_sms_preview.h"
#include "ngx_sms_quiet.h"
#include "ngx_sms_recent.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_screen.h"
#include "ngx_sms_store_account.h"


#define NGX_SMS_KEY_MAX  255        /* of Idempotency-Key */

/* bytes of an answer, about: without messages and texts, and of a message */
#define NGX_SMS_SEND_ANSWER   256
#define NGX_SMS_SEND_MESSAGE  256


static void ngx_sms_send_start(ngx_sms_ctx_t *ctx, ngx_uint_t preview,
    ngx_uint_t check);
static sms_problem_t ngx_sms_send_key(ngx_sms_ctx_t *ctx,
    ngx_sms_submission_t *sub);
static void ngx_sms_send_judged(ngx_sms_submission_t *sub);
static void ngx_sms_send_go(ngx_sms_ctx_t *ctx);
static void ngx_sms_send_forget_judge(void *waiting);
static void ngx_sms_send_forget_intake(void *waiting);
static void ngx_sms_send_written(ngx_sms_submission_t *sub);
static void ngx_sms_send_poke(ngx_sms_submission_t *sub);
static void ngx_sms_send_render(ngx_sms_submission_t *sub);
static void ngx_sms_send_declaration(sms_json_t *w, ngx_sms_submission_t *sub);
static void ngx_sms_send_confirmed(sms_json_t *w, ngx_sms_submission_t *sub);
static void ngx_sms_send_accepted(ngx_sms_ctx_t *ctx);
static void ngx_sms_send_replay(ngx_sms_ctx_t *ctx);
static void ngx_sms_send_stored(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_send_begin(sms_json_t *w, ngx_sms_submission_t *sub,
    const u_char id[16], ngx_uint_t n, int64_t total);
static void ngx_sms_send_message(sms_json_t *w,
    const ngx_sms_store_stored_row_t *row, const char *unit);
static void ngx_sms_send_answer(ngx_sms_ctx_t *ctx, sms_json_t *w,
    ngx_str_t *checks);


void
ngx_sms_send(ngx_sms_ctx_t *ctx)
{
    ngx_sms_send_start(ctx, 0, 0);
}


void
ngx_sms_preview(ngx_sms_ctx_t *ctx)
{
    ngx_sms_send_start(ctx, 1, 0);
}


void
ngx_sms_check(ngx_sms_ctx_t *ctx)
{
    ngx_sms_send_start(ctx, 1, 1);
}


static void
ngx_sms_send_start(ngx_sms_ctx_t *ctx, ngx_uint_t preview, ngx_uint_t check)
{
    sms_problem_t          problem;
    ngx_sms_submission_t  *sub;

    sub = ngx_sms_submission_create(ngx_cycle->log);
    if (sub == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    ctx->submission = sub;
    sub->account = ctx->account;
    sub->key = ctx->key;
    ngx_sms_account_hold(sub->account);
    sub->test = ctx->key->test;
    sub->preview = preview ? 1 : 0;
    sub->check = check ? 1 : 0;
    sub->accepted_us = ngx_sms_timer_now_us();
    sub->render = ngx_sms_send_render;
    sub->data = ctx;

    problem = ngx_sms_send_key(ctx, sub);

    if (problem != SMS_PROBLEM_NONE) {
        ngx_sms_respond_problem(ctx, problem, "",
                                "1 to 255 printable ASCII characters, with or "
                                "without quotes");
        return;
    }

    if (sms_hash_sha256(ctx->body.data, ctx->body.len, sub->request_hash) != 0
        || ngx_sms_send_read(sub, &ctx->body) != NGX_OK)
    {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    /* a preview tells of parts and numbers also where something else is wrong */
    if ((sub->problem == SMS_PROBLEM_NONE
         || (sub->preview && sms_problem_info(sub->problem)->status == 422))
        && ngx_sms_measure(sub) != NGX_OK)
    {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
        return;
    }

    if (sub->problem == SMS_PROBLEM_NONE) {

        sub->done = ngx_sms_send_judged;

        if (ngx_sms_judge(sub, &ngx_sms_worker.judge) == NGX_AGAIN) {
            ngx_sms_request_wait(ctx, sub, ngx_sms_send_forget_judge);
            return;
        }
    }

    ngx_sms_send_go(ctx);
}


/* an sf-string of RFC 8941 or the bare text: both are in use */

static sms_problem_t
ngx_sms_send_key(ngx_sms_ctx_t *ctx, ngx_sms_submission_t *sub)
{
    u_char           *p, *q, *last, key[NGX_SMS_KEY_MAX];
    ngx_uint_t        i, quoted;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *found;

    found = NULL;

    for (part = &ctx->r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len != sizeof("idempotency-key") - 1
                || ngx_strncmp(h[i].lowcase_key, "idempotency-key",
                               h[i].key.len) != 0)
            {
                continue;
            }

            if (found) {
                return SMS_PROBLEM_INVALID_IDEMPOTENCY_KEY;
            }

            found = &h[i];
        }
    }

    if (found == NULL || sub->preview) {
        return SMS_PROBLEM_NONE;
    }

    p = found->value.data;
    last = p + found->value.len;
    quoted = p < last && *p == '"';

    if (quoted) {
        p++;
        last--;

        if (last < p || *last != '"') {
            return SMS_PROBLEM_INVALID_IDEMPOTENCY_KEY;
        }
    }

    for (q = key; p < last && q < key + sizeof(key); p++) {

        if (quoted && *p == '"') {
            return SMS_PROBLEM_INVALID_IDEMPOTENCY_KEY;
        }

        if (quoted && *p == '\\'
            && (++p == last || (*p != '\\' && *p != '"')))
        {
            return SMS_PROBLEM_INVALID_IDEMPOTENCY_KEY;
        }

        if (*p < 0x20 || *p > 0x7e) {
            return SMS_PROBLEM_INVALID_IDEMPOTENCY_KEY;
        }

        *q++ = *p;
    }

    if (p < last || q == key) {
        return SMS_PROBLEM_INVALID_IDEMPOTENCY_KEY;
    }

    sub->keyed = 1;

    return sms_hash_sha256(key, (size_t) (q - key), sub->key_hash) == 0
           ? SMS_PROBLEM_NONE : SMS_PROBLEM_INTERNAL;
}


static void
ngx_sms_send_forget_judge(void *waiting)
{
    ngx_sms_judge_abandon(waiting);
}


static void
ngx_sms_send_judged(ngx_sms_submission_t *sub)
{
    ngx_sms_ctx_t     *ctx = sub->data;
    ngx_connection_t  *c = ctx->r->connection;

    ngx_sms_request_resume(ctx);
    ngx_sms_send_go(ctx);
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_send_go(ngx_sms_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_sms_submission_t  *sub;

    sub = ctx->submission;

    if (sub->check) {
        ngx_sms_check_answer(ctx);
        return;
    }

    if (sub->problem == SMS_PROBLEM_NONE) {
        ngx_sms_quiet(sub);
        ngx_sms_recent_take(sub, ngx_sms_worker.zone);
    }

    if (sub->preview) {
        ngx_sms_preview_answer(ctx);
        return;
    }

    sub->done = ngx_sms_send_written;

    if (sub->problem == SMS_PROBLEM_NONE) {
        rc = ngx_sms_intake(sub);

        if (rc != NGX_OK) {
            ngx_sms_recent_give(sub, ngx_sms_worker.zone, 1);
        }

    } else if (sub->keyed
               && sms_problem_info(sub->problem)->status != 400)
    {
        /* what is refused today may have been accepted before */
        if (!ngx_sms_intake_keys_pending(sub)) {
            ngx_sms_send_replay(ctx);
            return;
        }

        rc = NGX_DONE;

    } else {
        rc = NGX_DECLINED;
    }

    switch (rc) {

    case NGX_OK:
        ngx_sms_request_wait(ctx, sub, ngx_sms_send_forget_intake);
        return;

    case NGX_DONE:
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_IDEMPOTENCY_IN_PROGRESS, "",
                                NULL);
        return;

    case NGX_BUSY:
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_BUSY, "", NULL);
        return;

    case NGX_DECLINED:
        ctx->rejected = sub->recipients.nelts;
        ngx_sms_respond_submission_problem(ctx, sub);
        return;

    default:
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_INTERNAL, "", NULL);
    }
}


static void
ngx_sms_send_forget_intake(void *waiting)
{
    ngx_sms_submission_t  *sub = waiting;
    ngx_sms_ctx_t         *ctx = sub->data;

    ctx->unsure = !ngx_sms_intake_abandon(sub);

    if (!ctx->unsure) {
        ngx_sms_recent_give(sub, ngx_sms_worker.zone, 1);
    }
}


static void
ngx_sms_send_written(ngx_sms_submission_t *sub)
{
    ngx_sms_ctx_t     *ctx = sub->data;
    ngx_connection_t  *c = ctx->r->connection;

    ngx_sms_request_resume(ctx);
    ngx_sms_recent_give(sub, ngx_sms_worker.zone,
                        sub->replayed || sub->problem != SMS_PROBLEM_NONE);

    if (sub->replayed) {
        ngx_sms_send_replay(ctx);

    } else if (sub->problem != SMS_PROBLEM_NONE) {
        ctx->rejected = sub->recipients.nelts;
        ngx_sms_respond_submission_problem(ctx, sub);

    } else {
        ngx_sms_send_poke(sub);
        ngx_sms_send_accepted(ctx);
    }

    ngx_http_run_posted_requests(c);
}


/* those who are next in the life of the message, if they sit in this worker */

static void
ngx_sms_send_poke(ngx_sms_submission_t *sub)
{
    ngx_uint_t            i;
    uint32_t              last;
    ngx_sms_recipient_t  *rcpt;

    if (sub->claimed) {
        return;
    }

    if (ngx_sms_submission_held(sub)) {
        ngx_sms_screen_poke();
        return;
    }

    rcpt = sub->recipients.elts;
    last = 0;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].link && rcpt[i].link != last) {
            last = rcpt[i].link;
            ngx_sms_dispatch_poke(last, sub->klass == SMS_CLASS_OTP);
        }
    }
}


/* ---- what is stored ----------------------------------------------------- */

static void
ngx_sms_send_render(ngx_sms_submission_t *sub)
{
    sms_json_t  w;

    ngx_sms_respond_json_init(&w, sub->pool);
    ngx_sms_send_declaration(&w, sub);

    (void) ngx_sms_respond_json_done(&w, &sub->doc);

    ngx_sms_respond_json_init(&w, sub->pool);
    sms_json_object(&w);
    ngx_sms_respond_checks(&w, sub, 0);
    sms_json_end(&w);
    (void) ngx_sms_respond_json_done(&w, &sub->rejected);
}


/* what api.declaration() does not find in columns */

static void
ngx_sms_send_declaration(sms_json_t *w, ngx_sms_submission_t *sub)
{
    char             id[SMS_ID_LEN_MAX], time[SMS_TIME_TEXT_LEN];
    size_t           len;
    ngx_str_t       *code;
    ngx_uint_t       i;
    ngx_sms_rule_t  *rule;

    sms_json_object(w);

    if (sub->basis) {
        sms_json_key(w, "basis");
        ngx_sms_respond_json_word(w, sms_word_basis, sub->basis);
    }

    if (sub->exemption) {
        sms_json_key(w, "exemption");
        ngx_sms_respond_json_word(w, sms_word_exemption, sub->exemption);
        sms_json_key(w, "audience");
        ngx_sms_respond_json_str(w, &sub->audience);
    }

    if (sub->recipient_type) {
        sms_json_key(w, "recipient_type");
        ngx_sms_respond_json_word(w, sms_word_recipient_type,
                                  sub->recipient_type);
    }

    if (sub->brand->b.id) {
        sms_json_key(w, "brand");
        len = sms_id_print("brd", sub->brand->public_id, id);
        sms_json_ascii(w, id, len);
    }

    sms_json_key(w, "validity_s");
    sms_json_int(w, (int64_t) sub->validity_s);

    if (sub->sim_trusted_since_us) {
        sms_time_print(sub->sim_trusted_since_us, time);
        sms_json_key(w, "sim_trusted_since");
        sms_json_str(w, time, SMS_TIME_TEXT_LEN);
    }

    if (sub->reference.len) {
        sms_json_key(w, "reference");
        ngx_sms_respond_json_str(w, &sub->reference);
    }

    if (sub->confirm.nelts) {

        code = sub->confirm.elts;
        sms_json_key(w, "confirm");
        sms_json_array(w);

        for (i = 0; i < sub->confirm.nelts; i++) {
            ngx_sms_respond_json_str(w, &code[i]);
        }

        sms_json_end(w);
        ngx_sms_send_confirmed(w, sub);
    }

    if (sub->rules.nelts) {

        rule = sub->rules.elts;
        sms_json_key(w, "rules");
        sms_json_object(w);

        for (i = 0; i < sub->rules.nelts; i++) {
            sms_json_key_n(w, (const char *) rule[i].plugin.data,
                           rule[i].plugin.len);
            ngx_sms_respond_json_str(w, &rule[i].version);
        }

        sms_json_end(w);
    }

    sms_json_key(w, "key_id");
    ngx_sms_respond_json_str(w, &sub->key->id);
    sms_json_end(w);
}


/*
 * What the caller stands by, of which text, found by which rules (C6); by whom and when
 * is the rest of the declaration.
 */

static void
ngx_sms_send_confirmed(sms_json_t *w, ngx_sms_submission_t *sub)
{
    char                hex[65];
    u_char              hash[32];
    ngx_uint_t          i, k;
    ngx_sms_body_t     *body;
    ngx_sms_finding_t  *finding;

    sms_json_key(w, "confirmed");
    sms_json_array(w);
    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {

        finding = body[i].findings.elts;

        for (k = 0; k < body[i].findings.nelts; k++) {

            if (!finding[k].confirmed) {
                continue;
            }

            sms_json_object(w);
            sms_json_key(w, "code");
            sms_json_str(w, finding[k].f.code.ptr, finding[k].f.code.len);
            sms_json_key(w, "rule");
            ngx_sms_respond_json_str(w, &finding[k].plugin);
            sms_json_key(w, "version");
            ngx_sms_respond_json_str(w, &finding[k].version);
            sms_json_key(w, "pointer");
            ngx_sms_respond_json_str(w, &body[i].pointer);

            /* the hash of a code's text would tell its digits (C11) */
            if (sub->klass != SMS_CLASS_OTP
                && sms_hash_sha256(body[i].text.data, body[i].text.len, hash)
                   == 0)
            {
                sms_hash_hex(hash, 32, hex);
                sms_json_key(w, "text_sha256");
                sms_json_ascii(w, hex, 64);
            }

            sms_json_end(w);
        }
    }

    sms_json_end(w);
}


/* ---- the 202 ------------------------------------------------------------ */

static void
ngx_sms_send_accepted(ngx_sms_ctx_t *ctx)
{
    sms_json_t                   w;
    ngx_uint_t                   i;
    ngx_sms_body_t              *body;
    ngx_sms_recipient_t         *rcpt;
    ngx_sms_submission_t        *sub;
    ngx_sms_store_stored_row_t   row;

    sub = ctx->submission;
    body = sub->bodies.elts;
    rcpt = sub->recipients.elts;

    ctx->accepted = sub->naccepted;
    ctx->rejected = sub->recipients.nelts - sub->naccepted;
    ctx->parts = sub->nparts;
    ctx->cost_micro = sub->total_micro;

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    sms_json_reserve(&w, NGX_SMS_SEND_ANSWER + sub->rejected.len
                         + sub->naccepted * NGX_SMS_SEND_MESSAGE);
    ngx_sms_send_begin(&w, sub, sub->id, sub->naccepted, sub->total_micro);

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (rcpt[i].problem != SMS_PROBLEM_NONE) {
            continue;
        }

        ngx_memcpy(row.id, rcpt[i].id, 16);
        row.ord = (int64_t) rcpt[i].ord;
        row.to = rcpt[i].to;
        row.encoding = body[rcpt[i].body].count.encoding;
        row.parts = body[rcpt[i].body].count.parts;
        row.price_micro = rcpt[i].price_micro;
        row.reference = rcpt[i].reference;
        ngx_sms_send_message(&w, &row, sub->account->unit);
    }

    ngx_sms_send_answer(ctx, &w, &sub->rejected);
}


static void
ngx_sms_send_replay(ngx_sms_ctx_t *ctx)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_stored(ctx->account->id, ctx->submission->key_hash,
                             ctx->submission->request_hash,
                             ngx_sms_send_stored, ctx);

    if (q == NULL) {
        ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "", NULL);
        return;
    }

    ngx_sms_request_wait(ctx, q, ngx_sms_store_query_forget);
}


static void
ngx_sms_send_stored(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_ctx_t  *ctx = data;

    int64_t                      total;
    ngx_str_t                    checks;
    sms_json_t                   w;
    ngx_uint_t                   i;
    ngx_connection_t            *c;
    ngx_sms_store_stored_row_t   row;

    c = ctx->r->connection;
    ngx_sms_request_resume(ctx);

    if (res->rc == NGX_SMS_PG_OK && res->nrows == 0
        && ctx->submission->problem != SMS_PROBLEM_NONE)
    {
        ctx->rejected = ctx->submission->recipients.nelts;
        ngx_sms_respond_submission_problem(ctx, ctx->submission);
        ngx_http_run_posted_requests(c);
        return;
    }

    if (res->rc != NGX_SMS_PG_OK || res->nrows == 0) {
        goto failed;
    }

    ngx_str_null(&checks);
    total = 0;

    for (i = 0; i < res->nrows; i++) {

        if (ngx_sms_store_stored_row(res, i, &row) != NGX_OK) {
            goto failed;
        }

        total += row.price_micro;
        checks = row.checks;
    }

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    /* the same body, so the same reference */
    ngx_sms_send_begin(&w, ctx->submission, row.submission, res->nrows, total);

    for (i = 0; i < res->nrows; i++) {
        (void) ngx_sms_store_stored_row(res, i, &row);
        ngx_sms_send_message(&w, &row, ctx->account->unit);
    }

    ctx->replayed = 1;
    ngx_sms_counter_inc(ngx_sms_worker.zone, NGX_SMS_C_REPLAYED);

    if (ngx_sms_respond_header(ctx->r, "Idempotency-Replayed", "true", 4)
        == NGX_OK)
    {
        ngx_sms_send_answer(ctx, &w, &checks);
        ngx_http_run_posted_requests(c);
        return;
    }

failed:

    ngx_sms_respond_problem(ctx, SMS_PROBLEM_UNAVAILABLE, "", NULL);
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_send_begin(sms_json_t *w, ngx_sms_submission_t *sub,
    const u_char id[16], ngx_uint_t n, int64_t total)
{
    char    text[SMS_ID_LEN_MAX];
    size_t  len;

    sms_json_object(w);
    sms_json_key(w, "submission_id");
    len = sms_id_print("sub", id, text);
    sms_json_ascii(w, text, len);

    if (sub->reference.len) {
        sms_json_key(w, "reference");
        ngx_sms_respond_json_str(w, &sub->reference);
    }

    sms_json_key(w, "accepted");
    sms_json_int(w, (int64_t) n);
    sms_json_key(w, "price");
    ngx_sms_respond_money(w, total, sub->account->unit);
    sms_json_key(w, "messages");
    sms_json_array(w);
}


static void
ngx_sms_send_message(sms_json_t *w, const ngx_sms_store_stored_row_t *row,
    const char *unit)
{
    char     id[SMS_ID_LEN_MAX];
    u_char  *p, to[NGX_INT64_LEN + 1];
    size_t   len;
    int64_t  number;

    sms_json_object(w);
    sms_json_key(w, "index");
    sms_json_int(w, row->ord);
    sms_json_key(w, "id");
    len = sms_id_print("msg", row->id, id);
    sms_json_ascii(w, id, len);
    sms_json_key(w, "to");
    p = to + sizeof(to);

    for (number = row->to; number || p == to + sizeof(to); number /= 10) {
        *--p = (u_char) ('0' + number % 10);
    }

    *--p = '+';
    sms_json_ascii(w, (const char *) p, (size_t) (to + sizeof(to) - p));
    sms_json_key(w, "parts");
    sms_json_int(w, row->parts);
    sms_json_key(w, "encoding");
    ngx_sms_respond_json_word(w, sms_word_encoding,
                              (ngx_uint_t) row->encoding);
    sms_json_key(w, "price");
    ngx_sms_respond_money(w, row->price_micro, unit);

    if (row->reference.len) {
        sms_json_key(w, "reference");
        ngx_sms_respond_json_str(w, &row->reference);
    }

    sms_json_end(w);
}


/*
 * The last members are the stored text itself, so that a replay is equal byte
 * for byte.
 */

static void
ngx_sms_send_answer(ngx_sms_ctx_t *ctx, sms_json_t *w, ngx_str_t *checks)
{
    sms_json_end(w);
    sms_json_members(w, (const char *) checks->data, checks->len);
    sms_json_end(w);

    ngx_sms_respond_written(ctx, NGX_HTTP_ACCEPTED, w);
}
