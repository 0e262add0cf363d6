#include "ngx_sms_intake_claim.h"

#include "ngx_sms_submission.h"
#include "ngx_sms_timer.h"


static void ngx_sms_intake_unpromised(void *data);
static ngx_int_t ngx_sms_intake_claim_rows(ngx_sms_pg_flight_t *f,
    ngx_sms_promise_t *promise);


ngx_sms_promise_t *
ngx_sms_intake_promise(ngx_sms_pg_flight_t *f)
{
    uint32_t               link;
    ngx_uint_t             i, parts, otp;
    ngx_sms_body_t        *bodies;
    ngx_pool_cleanup_t    *cln;
    ngx_sms_promise_t     *promise;
    ngx_sms_pg_entry_t    *e;
    ngx_sms_recipient_t   *rcpt;
    ngx_sms_submission_t  *sub;

    link = 0;
    parts = 0;
    otp = 1;

    for (e = ngx_sms_pg_batch_first(f); e; e = ngx_sms_pg_batch_after(f, e)) {

        sub = ngx_sms_submission_of(e);
        bodies = sub->bodies.elts;
        rcpt = sub->recipients.elts;
        otp &= sub->klass == SMS_CLASS_OTP;

        if (ngx_sms_submission_held(sub)) {
            return NULL;
        }

        for (i = 0; i < sub->recipients.nelts; i++) {

            if (rcpt[i].problem != SMS_PROBLEM_NONE) {
                continue;
            }

            if (rcpt[i].link == 0 || (link && rcpt[i].link != link)) {
                return NULL;
            }

            link = rcpt[i].link;
            parts += bodies[rcpt[i].body].count.parts;
        }
    }

    cln = ngx_pool_cleanup_add(f->pool, sizeof(ngx_sms_promise_t));
    if (cln == NULL) {
        return NULL;
    }

    promise = cln->data;
    ngx_memzero(promise, sizeof(ngx_sms_promise_t));

    if (ngx_sms_dispatch_promise(link, parts, otp, promise, f->pool)
        != NGX_OK)
    {
        return NULL;
    }

    cln->handler = ngx_sms_intake_unpromised;

    return promise;
}


static void
ngx_sms_intake_unpromised(void *data)
{
    ngx_sms_dispatch_break(data, 0);
}


void
ngx_sms_intake_claimed(ngx_sms_pg_flight_t *f, ngx_sms_promise_t *promise,
    const ngx_sms_pg_res_t *res)
{
    ngx_uint_t                  claimed;
    ngx_sms_store_intake_row_t  row;

    claimed = res->rc == NGX_SMS_PG_OK && res->nrows == 1
              && ngx_sms_store_intake_row(res, 0, &row) == NGX_OK
              && row.outcome == NGX_SMS_INTAKE_CLAIMED;

    if (claimed && ngx_sms_intake_claim_rows(f, promise) == NGX_OK) {
        return;
    }

    /*
     * After a sending without an answer the batch may have been claimed by that,
     * and is in nobody's hands.
     */
    ngx_sms_dispatch_break(promise, claimed || f->sent > 1);
}


static ngx_int_t
ngx_sms_intake_claim_rows(ngx_sms_pg_flight_t *f, ngx_sms_promise_t *promise)
{
    int64_t                now;
    ngx_uint_t             i, n;
    ngx_sms_body_t        *body;
    ngx_sms_pg_entry_t    *e;
    ngx_sms_recipient_t   *rcpt;
    ngx_sms_store_row_t   *rows, *row;
    ngx_sms_submission_t  *sub;

    rows = ngx_pcalloc(f->pool, f->rows * sizeof(ngx_sms_store_row_t));
    if (rows == NULL) {
        return NGX_ERROR;
    }

    now = ngx_sms_timer_now_us();
    n = 0;

    for (e = ngx_sms_pg_batch_first(f); e; e = ngx_sms_pg_batch_after(f, e)) {

        sub = ngx_sms_submission_of(e);
        sub->claimed = 1;
        rcpt = sub->recipients.elts;

        for (i = 0; i < sub->recipients.nelts; i++) {

            if (rcpt[i].problem != SMS_PROBLEM_NONE) {
                continue;
            }

            body = (ngx_sms_body_t *) sub->bodies.elts + rcpt[i].body;
            row = &rows[n++];
            ngx_memcpy(row->id, rcpt[i].id, 16);
            ngx_memcpy(row->submission, sub->id, 16);
            row->account = sub->account->id;
            row->to = rcpt[i].to;
            row->klass = (int64_t) sub->klass;
            row->recipient_type = rcpt[i].recipient_type;
            row->encoding = body->count.encoding;
            row->parts = body->count.parts;
            row->attempt = 1;
            row->brand = (int64_t) sub->brand->b.id;
            row->price_micro = rcpt[i].price_micro;
            row->accepted_us = now;
            row->expires_us = sub->expires_us;
            row->test = sub->test;
            row->sender = sub->sender->name;
            row->text = body->text;
            row->doc = sub->doc;
        }
    }

    /* somebody has left who was in it: nothing was forgotten, but he is */
    if (n != f->rows) {
        return NGX_ERROR;
    }

    ngx_sms_dispatch_keep(promise, rows, n);

    return NGX_OK;
}
