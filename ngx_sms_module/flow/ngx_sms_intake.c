#include "ngx_sms_intake.h"

#include <stdlib.h>

#include "sms_hash.h"
#include "sms_lane.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_ids.h"
#include "ngx_sms_intake_claim.h"
#include "ngx_sms_intake_keys.h"
#include "ngx_sms_intake_refused.h"
#include "ngx_sms_pg_batch.h"
#include "ngx_sms_store_intake.h"
#include "ngx_sms_timer.h"


/* requests with more recipients than this do not share the small ones' line */
#define NGX_SMS_INTAKE_SMALL  64

/* how often one submission may be judged again: it loses recipients each time */
#define NGX_SMS_INTAKE_ROUNDS  8


typedef struct ngx_sms_intake_lane_s  ngx_sms_intake_lane_t;

struct ngx_sms_intake_lane_s {
    ngx_sms_intake_lane_t   *next;
    int32_t                  lane;
    int32_t                  messages;
};

/* what a batch has of one account */
typedef struct {
    int64_t                  account;
    int64_t                  sum_micro;
    int32_t                  messages;
    int32_t                  pos;           /* from 1 on                      */
    ngx_sms_intake_lane_t   *lanes;
} ngx_sms_intake_sum_t;


static ngx_int_t ngx_sms_intake_add(ngx_sms_submission_t *sub);
static ngx_int_t ngx_sms_intake_build(void *data, ngx_sms_pg_flight_t *f);
static ngx_uint_t ngx_sms_intake_sums(ngx_sms_pg_flight_t *f,
    ngx_sms_intake_sum_t *sums);
static int ngx_libc_cdecl ngx_sms_intake_compare(const void *one,
    const void *two);
static ngx_int_t ngx_sms_intake_rows(ngx_sms_submission_t *sub,
    ngx_sms_store_intake_set_t *set, ngx_sms_intake_sum_t *sum,
    ngx_pool_t *pool);
static int32_t ngx_sms_intake_place(ngx_sms_intake_sum_t *sum, int32_t lane,
    ngx_pool_t *pool);
static void ngx_sms_intake_done(void *data, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res);
static void ngx_sms_intake_outcome(ngx_sms_submission_t *sub,
    const ngx_sms_pg_res_t *res);
static void ngx_sms_intake_verdict(ngx_sms_submission_t *sub,
    ngx_sms_store_intake_row_t *row);
static void ngx_sms_intake_accepted(ngx_sms_submission_t *sub);
static void ngx_sms_intake_finish(ngx_sms_submission_t *sub);
static void ngx_sms_intake_observe(void *data, ngx_uint_t rows, ngx_msec_t ms);


static ngx_sms_zone_t      *ngx_sms_intake_zone;
static ngx_sms_pg_batch_t  *ngx_sms_intake_small;
static ngx_sms_pg_batch_t  *ngx_sms_intake_otp;
static ngx_sms_pg_batch_t  *ngx_sms_intake_large;
static ngx_sms_pg_batch_t  *ngx_sms_intake_alone;


ngx_int_t
ngx_sms_intake_init(ngx_sms_zone_t *zone)
{
    ngx_uint_t                i;
    ngx_sms_pg_batch_spec_t  *spec;

    /* batchers keep a pointer to theirs */
    static ngx_sms_pg_batch_spec_t  specs[4];
    static const char *const        names[] = {
        "intake", "intake large", "intake alone", "intake otp"
    };

    ngx_sms_intake_zone = zone;
    ngx_sms_intake_keys_init();

    for (i = 0; i < 4; i++) {
        spec = &specs[i];
        ngx_memzero(spec, sizeof(ngx_sms_pg_batch_spec_t));
        spec->name = names[i];
        spec->stmt = &ngx_sms_store_intake;
        spec->build = ngx_sms_intake_build;
        spec->done = ngx_sms_intake_done;
        spec->observe = ngx_sms_intake_observe;
    }

    /* a batch of exactly one submission tells exactly what is wrong with it */
    specs[2].max_rows = 1;
    specs[2].inflight = 8;

    ngx_sms_intake_small = ngx_sms_pg_batch_create(ngx_sms_store.write,
                                                   &specs[0]);
    ngx_sms_intake_large = ngx_sms_pg_batch_create(ngx_sms_store.bulk,
                                                   &specs[1]);
    ngx_sms_intake_alone = ngx_sms_pg_batch_create(ngx_sms_store.bulk,
                                                   &specs[2]);
    ngx_sms_intake_otp = ngx_sms_pg_batch_create(ngx_sms_store.write,
                                                 &specs[3]);

    return ngx_sms_intake_small && ngx_sms_intake_large
           && ngx_sms_intake_alone && ngx_sms_intake_otp
           ? NGX_OK : NGX_ERROR;
}


void
ngx_sms_intake_exit(void)
{
    if (ngx_sms_intake_small) {
        ngx_sms_pg_batch_destroy(ngx_sms_intake_small);
        ngx_sms_intake_small = NULL;
    }

    if (ngx_sms_intake_otp) {
        ngx_sms_pg_batch_destroy(ngx_sms_intake_otp);
        ngx_sms_intake_otp = NULL;
    }

    if (ngx_sms_intake_large) {
        ngx_sms_pg_batch_destroy(ngx_sms_intake_large);
        ngx_sms_intake_large = NULL;
    }

    if (ngx_sms_intake_alone) {
        ngx_sms_pg_batch_destroy(ngx_sms_intake_alone);
        ngx_sms_intake_alone = NULL;
    }
}


ngx_uint_t
ngx_sms_intake_waiting(void)
{
    ngx_sms_pg_batch_info_t  sum;

    ngx_sms_intake_info(&sum);

    return sum.unanswered_rows;
}


void
ngx_sms_intake_info(ngx_sms_pg_batch_info_t *sum)
{
    ngx_uint_t                i;
    ngx_sms_pg_batch_info_t   one;

    const ngx_sms_pg_batch_t *const  all[] = {
        ngx_sms_intake_small, ngx_sms_intake_otp, ngx_sms_intake_large,
        ngx_sms_intake_alone
    };

    ngx_memzero(sum, sizeof(ngx_sms_pg_batch_info_t));

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        ngx_sms_pg_batch_info(all[i], &one);

        sum->batches += one.batches;
        sum->rows += one.rows;
        sum->sendings += one.sendings;
        sum->resent += one.resent;
        sum->retried += one.retried;
        sum->split += one.split;
        sum->failed += one.failed;
        sum->refused += one.refused;
        sum->inflight += one.inflight;
        sum->waiting_rows += one.waiting_rows;
        sum->unanswered_rows += one.unanswered_rows;
    }
}


ngx_int_t
ngx_sms_intake(ngx_sms_submission_t *sub)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_sms_body_t       *body;
    ngx_sms_recipient_t  *rcpt;

    if (sub->keyed && !ngx_sms_intake_keys_take(sub)) {
        return NGX_DONE;
    }

    body = sub->bodies.elts;
    rcpt = sub->recipients.elts;
    rc = NGX_OK;

    /* those that the plugins were shown, unless they were in a batch before */
    for (i = 0;
         i < sub->recipients.nelts && rc == NGX_OK && !sub->identified;
         i++)
    {
        rc = ngx_sms_id_make(rcpt[i].id);
    }

    sub->identified = 0;

    /* the hash of a code of six digits would tell the code */
    sub->hashed = sub->klass != SMS_CLASS_OTP && sub->bodies.nelts == 1;

    if (rc == NGX_OK && sub->hashed
        && sms_hash_sha256(body->text.data, body->text.len, sub->text_hash)
           != 0)
    {
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        rc = ngx_sms_intake_add(sub);
    }

    if (rc != NGX_OK) {
        ngx_sms_intake_keys_release(sub);
    }

    return rc;
}


static ngx_int_t
ngx_sms_intake_add(ngx_sms_submission_t *sub)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_sms_pg_batch_t   *batch;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;

    for (i = 0; rcpt[i].problem != SMS_PROBLEM_NONE; i++) { /* void */ }

    ngx_memcpy(sub->id, rcpt[i].id, 16);
    sub->render(sub);

    if (sub->doc.len == 0 || sub->rejected.len == 0) {
        return NGX_ERROR;
    }

    /* what waits for screen does not hinder what goes at once, nor that an OTP */
    batch = sub->alone ? ngx_sms_intake_alone
            : sub->klass == SMS_CLASS_OTP ? ngx_sms_intake_otp
            : sub->naccepted > NGX_SMS_INTAKE_SMALL || ngx_sms_submission_held(sub)
            ? ngx_sms_intake_large : ngx_sms_intake_small;

    sub->entry.kin = (uint32_t) sub->account->id;
    sub->entry.rows = (uint32_t) sub->naccepted;
    sub->entry.octets = (uint32_t) (sub->naccepted * 160 + sub->doc.len
                                    + sub->rejected.len
                                    + sub->bodies.nelts * 256);

    rc = ngx_sms_pg_batch_add(batch, &sub->entry);

    if (rc == NGX_OK) {
        ngx_sms_submission_hold(sub);
    }

    return rc;
}


ngx_uint_t
ngx_sms_intake_abandon(ngx_sms_submission_t *sub)
{
    sub->done = NULL;

    /*
     * On its way: whether it is committed is not known yet, and its key must
     * stay taken until it is.  The batch's answer releases it.
     */
    if (sub->entry.flight) {
        return 0;
    }

    ngx_sms_pg_batch_detach(&sub->entry);
    ngx_sms_intake_keys_release(sub);
    ngx_sms_submission_release(sub);

    return 1;
}


static ngx_int_t
ngx_sms_intake_build(void *data, ngx_sms_pg_flight_t *f)
{
    u_char                      batch[16];
    ngx_uint_t                  i, n;
    ngx_sms_promise_t          *promise;
    ngx_sms_pg_entry_t         *e;
    ngx_sms_intake_sum_t       *sums, *sum, key;
    ngx_sms_submission_t       *sub;
    ngx_sms_store_intake_set_t  set;

    (void) data;

    f->params = ngx_pcalloc(f->pool,
                            NGX_SMS_INTAKE_PARAMS * sizeof(ngx_sms_pg_param_t));
    sums = ngx_pcalloc(f->pool, f->nentries * sizeof(ngx_sms_intake_sum_t));

    if (f->params == NULL || sums == NULL || ngx_sms_id_make(batch) != NGX_OK) {
        return NGX_ERROR;
    }

    n = ngx_sms_intake_sums(f, sums);
    ngx_sms_store_intake_begin(&set, f->pool, n, f->rows);

    for (i = 0; i < n; i++) {
        sums[i].pos = (int32_t) i + 1;
        ngx_sms_store_intake_account(&set, sums[i].account, sums[i].sum_micro,
                                     sums[i].messages);
    }

    for (e = ngx_sms_pg_batch_first(f); e; e = ngx_sms_pg_batch_after(f, e)) {

        sub = ngx_sms_submission_of(e);
        key.account = sub->account->id;
        sum = bsearch(&key, sums, n, sizeof(ngx_sms_intake_sum_t),
                      ngx_sms_intake_compare);

        if (ngx_sms_intake_rows(sub, &set, sum, f->pool) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    promise = ngx_sms_intake_promise(f);
    f->ctx = promise;

    return ngx_sms_store_intake_end(&set, batch, ngx_sms_timer_now_us(),
                                    promise ? &promise->claim : NULL, f->params);
}


/* what the batch charges each account, in the order in which rows are locked */

static ngx_uint_t
ngx_sms_intake_sums(ngx_sms_pg_flight_t *f, ngx_sms_intake_sum_t *sums)
{
    ngx_uint_t             i, n;
    ngx_sms_pg_entry_t    *e;
    ngx_sms_submission_t  *sub;

    n = 0;

    for (e = ngx_sms_pg_batch_first(f); e; e = ngx_sms_pg_batch_after(f, e)) {
        sub = ngx_sms_submission_of(e);
        sums[n].account = sub->account->id;
        sums[n].sum_micro = sub->total_micro;
        sums[n].messages = (int32_t) sub->naccepted;
        n++;
    }

    qsort(sums, n, sizeof(ngx_sms_intake_sum_t), ngx_sms_intake_compare);

    for (i = 0; i + 1 < n; /* void */ ) {

        if (sums[i].account != sums[i + 1].account) {
            i++;
            continue;
        }

        /* rare enough at the sizes of a batch to move the rest each time */
        sums[i].sum_micro += sums[i + 1].sum_micro;
        sums[i].messages += sums[i + 1].messages;
        ngx_memmove(&sums[i + 1], &sums[i + 2],
                    (n - i - 2) * sizeof(ngx_sms_intake_sum_t));
        n--;
    }

    return n;
}


static int ngx_libc_cdecl
ngx_sms_intake_compare(const void *one, const void *two)
{
    const ngx_sms_intake_sum_t  *a = one;
    const ngx_sms_intake_sum_t  *b = two;

    return a->account < b->account ? -1 : a->account > b->account;
}


static ngx_int_t
ngx_sms_intake_rows(ngx_sms_submission_t *sub, ngx_sms_store_intake_set_t *set,
    ngx_sms_intake_sum_t *sum, ngx_pool_t *pool)
{
    ngx_uint_t                   i, held;
    ngx_sms_body_t              *bodies, *body;
    ngx_sms_recipient_t         *rcpt;
    ngx_sms_store_message_t      m;
    ngx_sms_store_submission_t   first;

    ngx_memzero(&first, sizeof(ngx_sms_store_submission_t));
    first.key = sub->keyed ? sub->key_hash : NULL;
    first.request_hash = sub->request_hash;
    first.text_hash = sub->hashed ? sub->text_hash : NULL;
    first.doc = sub->doc;
    first.checks = sub->rejected;

    bodies = sub->bodies.elts;
    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].problem == SMS_PROBLEM_NONE) {
            first.high = rcpt[i].id;
            bodies[rcpt[i].body].id = NULL;
        }
    }

    held = ngx_sms_submission_held(sub);

    ngx_memzero(&m, sizeof(ngx_sms_store_message_t));
    m.submission = sub->id;
    m.account = sub->account->id;
    m.pos = sum->pos;
    m.brand = (int64_t) sub->brand->b.id;
    m.expires_us = sub->expires_us;
    m.due_us = sub->schedule_us;
    m.klass = (int16_t) sub->klass;
    m.sender = sub->sender->name;
    m.test = sub->test;
    m.first = &first;

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (rcpt[i].problem != SMS_PROBLEM_NONE) {
            continue;
        }

        body = &bodies[rcpt[i].body];

        m.id = rcpt[i].id;
        m.text_id = body->id;
        m.text = body->text;
        m.to = rcpt[i].to;
        m.price_micro = rcpt[i].price_micro;
        m.ord = (int32_t) rcpt[i].ord;
        m.recipient_type = rcpt[i].recipient_type;
        m.encoding = (int16_t) body->count.encoding;
        m.parts = (int16_t) body->count.parts;
        m.reference = rcpt[i].reference;

        if (!held) {
            m.lane = sms_lane(rcpt[i].link, (unsigned) sub->klass);
            m.place = ngx_sms_intake_place(sum, m.lane, pool);

            if (m.place == 0) {
                return NGX_ERROR;
            }
        }

        ngx_sms_store_intake_message(set, &m);

        m.first = NULL;

        if (body->id == NULL) {
            body->id = rcpt[i].id;
        }
    }

    return NGX_OK;
}


/* from 1 on; 0 without memory */

static int32_t
ngx_sms_intake_place(ngx_sms_intake_sum_t *sum, int32_t lane, ngx_pool_t *pool)
{
    ngx_sms_intake_lane_t  *l;

    for (l = sum->lanes; l; l = l->next) {
        if (l->lane == lane) {
            return ++l->messages;
        }
    }

    l = ngx_palloc(pool, sizeof(ngx_sms_intake_lane_t));
    if (l == NULL) {
        return 0;
    }

    l->next = sum->lanes;
    l->lane = lane;
    l->messages = 1;
    sum->lanes = l;

    return 1;
}


static void
ngx_sms_intake_done(void *data, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res)
{
    ngx_sms_pg_entry_t    *e;
    ngx_sms_submission_t  *sub;

    (void) data;

    if (f->ctx) {
        ngx_sms_intake_claimed(f, f->ctx, res);
    }

    while ((e = ngx_sms_pg_batch_next(f)) != NULL) {

        sub = ngx_sms_submission_of(e);

        if (res->rc != NGX_SMS_PG_OK) {
            sub->problem = SMS_PROBLEM_INTERNAL;
            ngx_sms_intake_finish(sub);
            continue;
        }

        ngx_sms_intake_outcome(sub, res);
    }
}


/* no row of its account: it was taken */

static void
ngx_sms_intake_outcome(ngx_sms_submission_t *sub, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t                  i;
    ngx_sms_store_intake_row_t  row;

    for (i = 0; i < res->nrows; i++) {

        if (ngx_sms_store_intake_row(res, i, &row) != NGX_OK) {
            sub->problem = SMS_PROBLEM_INTERNAL;
            ngx_sms_intake_finish(sub);
            return;
        }

        if (row.account == sub->account->id
            && (row.whole || ngx_memcmp(row.submission, sub->id, 16) == 0))
        {
            ngx_sms_intake_verdict(sub, &row);
            return;
        }
    }

    ngx_sms_intake_accepted(sub);
    ngx_sms_intake_finish(sub);
}


static void
ngx_sms_intake_verdict(ngx_sms_submission_t *sub,
    ngx_sms_store_intake_row_t *row)
{
    ngx_str_t  detail;

    detail = row->detail;

    switch (row->outcome) {

    case NGX_SMS_INTAKE_ALONE:
        break;

    case NGX_SMS_INTAKE_BLACKLISTED:

        if (++sub->rounds > NGX_SMS_INTAKE_ROUNDS
            || ngx_sms_intake_blacklisted(sub, &detail) == 0)
        {
            sub->problem = SMS_PROBLEM_INTERNAL;
            break;
        }

        ngx_sms_submission_sum(sub);
        break;

    case NGX_SMS_INTAKE_STOPPED:

        if (++sub->rounds > NGX_SMS_INTAKE_ROUNDS
            || ngx_sms_intake_stopped(sub, &detail) == 0)
        {
            sub->problem = SMS_PROBLEM_INTERNAL;
            break;
        }

        ngx_sms_submission_sum(sub);
        break;

    case NGX_SMS_INTAKE_REPLAY:
        sub->replayed = 1;
        ngx_sms_intake_finish(sub);
        return;

    case NGX_SMS_INTAKE_KEY_REUSED:
        sub->problem = SMS_PROBLEM_IDEMPOTENCY_REUSED;
        break;

    case NGX_SMS_INTAKE_NO_CREDIT:
        sub->problem = SMS_PROBLEM_NO_CREDIT;
        break;

    case NGX_SMS_INTAKE_NOT_ACTIVE:
        sub->problem = SMS_PROBLEM_ACCOUNT_NOT_ACTIVE;
        break;

    default:
        sub->problem = SMS_PROBLEM_INTERNAL;
    }

    /* whoever was told that it failed must not find it sent */
    if (sub->problem == SMS_PROBLEM_NONE && sub->done) {

        sub->alone = 1;

        switch (ngx_sms_intake_add(sub)) {

        case NGX_OK:
            /* the new batch holds it */
            ngx_sms_submission_release(sub);
            return;

        case NGX_BUSY:
            sub->problem = SMS_PROBLEM_BUSY;
            break;

        default:
            sub->problem = SMS_PROBLEM_INTERNAL;
        }
    }

    ngx_sms_intake_finish(sub);
}


static void
ngx_sms_intake_accepted(ngx_sms_submission_t *sub)
{
    ngx_uint_t            i, parts;
    ngx_sms_body_t       *body;
    ngx_sms_recipient_t  *rcpt;

    static const ngx_sms_counter_id_t  counters[] = {
        NGX_SMS_C_ACCEPTED_OTP, NGX_SMS_C_ACCEPTED_INFORMATIONAL,
        NGX_SMS_C_ACCEPTED_COMMERCIAL, NGX_SMS_C_ACCEPTED_EXEMPT
    };

    body = sub->bodies.elts;
    rcpt = sub->recipients.elts;
    parts = 0;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].problem == SMS_PROBLEM_NONE) {
            parts += body[rcpt[i].body].count.parts;
        }
    }

    sub->nparts = parts;

    ngx_sms_counter_add(ngx_sms_intake_zone, counters[sub->klass - 1],
                        (int64_t) sub->naccepted);
    ngx_sms_counter_add(ngx_sms_intake_zone, NGX_SMS_C_REFUSED,
                        (int64_t) (sub->recipients.nelts - sub->naccepted));
    ngx_sms_counter_add(ngx_sms_intake_zone, NGX_SMS_C_ACCEPTED_PARTS,
                        (int64_t) parts);
    ngx_sms_counter_add(ngx_sms_intake_zone, NGX_SMS_C_ACCEPT_SECONDS,
                        ngx_sms_timer_now_us() - sub->accepted_us);
}


static void
ngx_sms_intake_finish(ngx_sms_submission_t *sub)
{
    ngx_sms_intake_keys_release(sub);

    if (sub->done) {
        sub->done(sub);
    }

    ngx_sms_submission_release(sub);
}


static void
ngx_sms_intake_observe(void *data, ngx_uint_t rows, ngx_msec_t ms)
{
    (void) data;

    ngx_sms_counter_add(ngx_sms_intake_zone, NGX_SMS_C_PG_BATCH_ROWS,
                        (int64_t) rows);
    ngx_sms_counter_add(ngx_sms_intake_zone, NGX_SMS_C_PG_BATCH_SECONDS,
                        (int64_t) ms * 1000);
}
