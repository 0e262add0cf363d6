/*
 * iys_answer.c - what an answer of İYS means for those who wait for it.
 *
 * GRANTED goes out in one place for the bulk query and in one for the single
 * query, both under a 200 (or the documented "no record") that was read
 * completely.  Every other way out of this file says UNKNOWN or a refusal.
 */
#include "iys_query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>


/* Bulk says no and cannot say why: ask about each number. */

static void
iys_answer_singles(iys_query_t *q, const char *listed)
{
    uint32_t        i;
    iys_t          *iys;
    iys_query_t    *single, **by_number;
    iys_waiter_t   *w;
    iys_outcome_t   o;

    iys = q->iys;

    memset(&o, 0, sizeof(o));
    o.status = SMS_E_NOMEM;
    o.state = SMS_CONSENT_UNKNOWN;
    o.code = "no_memory";

    by_number = calloc(q->n, sizeof(iys_query_t *));

    for (i = 0; i < q->nwaiters; i++) {
        w = &q->waiters[i];

        if (listed[w->number]) {
            continue;
        }

        single = by_number == NULL ? NULL : by_number[w->number];

        if (single == NULL && by_number != NULL) {
            single = iys_query_create(iys, &q->group, 1);

            if (single != NULL) {
                single->numbers[0] = q->numbers[w->number];
                single->n = 1;
                iys_query_wait(single, 0);
                by_number[w->number] = single;
            }
        }

        if (single == NULL
            || iys_query_waiter(single, 0, w->call, w->item) != SMS_OK)
        {
            iys_call_answer(w->call, w->item, &o);
        }
    }

    free(by_number);
}


static sms_rc_t
iys_answer_bulk(iys_query_t *q, sms_str_t body)
{
    char           listed[IYS_BATCH_MAX];
    uint16_t      *slot;
    uint32_t       i, ask, granted;
    iys_bulk_t     a;
    iys_waiter_t  *w;
    iys_outcome_t  yes, no;

    if (iys_status_bulk_read(body, q->n, &a) != SMS_OK) {
        return SMS_E_INVAL;
    }

    memset(listed, 0, sizeof(listed));
    granted = 0;

    for (i = 0; i < a.n; i++) {
        slot = iys_query_slot(q, a.listed[i]);

        /* it lists what was not asked: an answer to another question */

        if (*slot == 0) {
            return SMS_E_INVAL;
        }

        granted += !listed[*slot - 1];
        listed[*slot - 1] = 1;
    }

    iys_count(q->iys, IYS_METRIC_GRANTED, granted);

    ask = q->iys->tacir_not_refused
          && q->group.recipient_type == SMS_RECIPIENT_TACIR;

    memset(&yes, 0, sizeof(yes));
    yes.status = SMS_OK;
    yes.state = SMS_CONSENT_GRANTED;
    yes.as_of_us = q->sent_us;
    yes.proof = a.request_id;

    no = yes;
    no.state = SMS_CONSENT_NOT_GRANTED;
    no.code = "not_listed";

    for (i = 0; i < q->nwaiters; i++) {
        w = &q->waiters[i];

        if (listed[w->number]) {
            iys_call_answer(w->call, w->item, &yes);

        } else if (!ask) {
            iys_call_answer(w->call, w->item, &no);
        }
    }

    if (ask) {
        iys_answer_singles(q, listed);
    }

    iys_query_free(q);

    return SMS_OK;
}


static sms_rc_t
iys_answer_single(iys_query_t *q, uint32_t http, sms_str_t body)
{
    sms_rc_t       rc;
    iys_single_t   a;
    iys_outcome_t  o;

    rc = iys_status_single_read(http, body, q->numbers[0],
                                q->group.recipient_type, &a);
    if (rc != SMS_OK) {
        return rc;
    }

    if (q->as_of_us == 0) {
        q->as_of_us = q->sent_us;
    }

    if (!q->conflict && a.record == IYS_RECORD_NONE) {
        q->conflict = 1;
        q->group.recipient_type = SMS_RECIPIENT_BIREYSEL;
        q->tries = 0;
        q->reauthed = 0;
        iys_query_again(q, 0);

        return SMS_OK;
    }

    memset(&o, 0, sizeof(o));
    o.status = SMS_OK;
    o.as_of_us = q->as_of_us;

    if (q->conflict) {

        /* a refusal given as a person is not lost by calling the same number a
         * trader's; an approval given as one adds nothing */

        if (a.record == IYS_RECORD_RET) {
            o.state = SMS_CONSENT_NOT_GRANTED;
            o.code = "recipient_type_conflict";
            o.proof = a.transaction_id;

        } else {
            o.state = SMS_CONSENT_GRANTED;
            o.code = "tacir_no_record";
        }

    } else if (a.record == IYS_RECORD_RET) {
        o.state = SMS_CONSENT_REFUSED;
        o.code = "tacir_refused";
        o.proof = a.transaction_id;

    } else {
        o.state = SMS_CONSENT_GRANTED;
        o.proof = a.transaction_id;
    }

    iys_query_answer_all(q, &o);

    return SMS_OK;
}


/* İYS refuses a whole list for one number: the others are asked without it. */

static int
iys_answer_drop(iys_query_t *q, uint32_t http, const iys_faults_t *f)
{
    uint32_t            i, kept, to[IYS_BATCH_MAX];
    const char         *why[IYS_BATCH_MAX];
    iys_waiter_t       *w;
    iys_outcome_t       o;
    const iys_error_t  *e;

    if (q->single || q->tries >= IYS_TRIES_MAX) {
        return 0;
    }

    memset(why, 0, sizeof(why));

    for (i = 0; i < f->n; i++) {
        e = iys_error_find(http, f->fault[i].code);

        if (e->klass == IYS_ERROR_ITEM && f->fault[i].index >= 0
            && (uint32_t) f->fault[i].index < q->n)
        {
            why[f->fault[i].index] = e->code;
        }
    }

    memset(q->slots, 0, IYS_QUERY_SLOTS * sizeof(uint16_t));

    for (i = 0, kept = 0; i < q->n; i++) {
        if (why[i] == NULL) {
            to[i] = kept;
            q->numbers[kept++] = q->numbers[i];
            *iys_query_slot(q, q->numbers[i]) = (uint16_t) kept;
        }
    }

    if (kept == q->n || kept == 0) {
        return 0;
    }

    q->n = kept;

    memset(&o, 0, sizeof(o));
    o.status = SMS_E_INVAL;
    o.state = SMS_CONSENT_UNKNOWN;

    for (i = 0, kept = 0; i < q->nwaiters; i++) {
        w = &q->waiters[i];

        if (why[w->number] != NULL) {
            o.code = why[w->number];
            iys_call_answer(w->call, w->item, &o);
            continue;
        }

        q->waiters[kept] = *w;
        q->waiters[kept++].number = to[w->number];
    }

    q->nwaiters = kept;

    if (kept == 0) {
        iys_query_free(q);
        return 1;
    }

    iys_query_again(q, 0);

    return 1;
}


static void
iys_answer_stop(iys_query_t *q, int64_t now, const iys_error_t *e)
{
    uint64_t         id;
    iys_halt_kind_t  kind;

    kind = e->klass == IYS_ERROR_STOP_ACCOUNT ? IYS_HALT_ACCOUNT
                                              : IYS_HALT_BRAND;
    id = q->group.iys_code;

    if (kind == IYS_HALT_BRAND) {
        id = id << 32 | q->group.brand_code;
    }

    if (!iys_halt_get(q->iys, kind, id, now, NULL, NULL)) {
        iys_count(q->iys, IYS_METRIC_ALARM, 1);
        iys_halt_set(q->iys, kind, id, now, now + IYS_STOP_US, e->code);
    }

    iys_query_fail(q, SMS_E_DENIED, e->code);
}


static void
iys_answer_refused(iys_query_t *q, int64_t now, const sms_http_res_t *r)
{
    iys_t              *iys;
    iys_faults_t        f;
    const iys_error_t  *e;

    iys = q->iys;

    (void) iys_error_read(r->body, &f);
    e = iys_error_judge(r->status, &f);

    iys_log(iys, SMS_LOG_WARN, "refused: %s code=%s http=%" PRIu32
            " iys=%" PRIu32 " brand=%" PRIu32 " numbers=%" PRIu32
            " try=%" PRIu32, e->meaning, e->code, r->status,
            q->group.iys_code, q->group.brand_code, q->n, q->tries);

    if (r->status == 429) {
        iys_count(iys, IYS_METRIC_THROTTLED, 1);
        iys_halt_set(iys, IYS_HALT_PAUSE, iys->far_id, now,
                     now + IYS_SECOND_US + IYS_SECOND_US / 20, e->code);

    } else if (r->status >= 500) {
        iys_count(iys, IYS_METRIC_FAILURE, 1);

    } else {
        iys_count(iys, IYS_METRIC_CLIENT_ERROR, 1);
    }

    switch (e->klass) {

    case IYS_ERROR_RETRY:
        iys_query_retry(q, now, r->status == 429 ? SMS_E_BUSY : SMS_E_DOWN,
                        e->code);
        return;

    case IYS_ERROR_NEXT_HOUR:
        iys_halt_set(iys, IYS_HALT_SINGLE, iys->far_id, now,
                     now + IYS_HOUR_US - now % IYS_HOUR_US, e->code);
        iys_query_fail(q, SMS_E_BUSY, e->code);
        return;

    case IYS_ERROR_SILENT:
        iys_query_fail(q, SMS_E_BUSY, e->code);
        return;

    case IYS_ERROR_REAUTH:
        iys_token_reject(iys, q->token_us);

        if (q->reauthed) {
            iys_count(iys, IYS_METRIC_ALARM, 1);
            iys_halt_set(iys, IYS_HALT_TOKEN, iys->user_id, now,
                         now + 60 * IYS_SECOND_US, e->code);
            iys_query_fail(q, SMS_E_DENIED, e->code);
            return;
        }

        q->reauthed = 1;
        iys_query_again(q, 0);
        return;

    case IYS_ERROR_STOP_ACCOUNT:
    case IYS_ERROR_STOP_BRAND:
        iys_answer_stop(q, now, e);
        return;

    case IYS_ERROR_ITEM:
        if (iys_answer_drop(q, r->status, &f)) {
            return;
        }

        iys_query_fail(q, SMS_E_INVAL, e->code);
        return;

    default:
        iys_query_fail(q, SMS_E_INVAL, e->code);
        return;
    }
}


void
iys_answer_done(void *data, const sms_http_res_t *r)
{
    iys_t        *iys;
    int64_t       now;
    sms_rc_t      rc;
    iys_query_t  *q;

    q = data;
    iys = q->iys;
    now = iys->host->core->now_us(iys->host);

    q->request = 0;
    iys_query_request_free(q);

    if (r->rc != SMS_OK) {
        iys_count(iys, IYS_METRIC_FAILURE, 1);
        iys_query_retry(q, now,
                        r->rc == SMS_E_TIMEOUT ? SMS_E_TIMEOUT : SMS_E_DOWN,
                        r->rc == SMS_E_TIMEOUT ? "timeout" : "unreachable");
        goto done;
    }

    rc = SMS_E_DENIED;

    if (r->status == 200 && !q->single) {
        rc = iys_answer_bulk(q, r->body);

    } else if (q->single && (r->status == 200 || r->status == 204
                             || r->status == 404))
    {
        rc = iys_answer_single(q, r->status, r->body);
    }

    if (rc == SMS_E_DENIED) {
        iys_answer_refused(q, now, r);

    } else if (rc != SMS_OK) {
        iys_log(iys, SMS_LOG_ERROR, "answer not understood: http=%"
                PRIu32 " bytes=%zu iys=%" PRIu32 " brand=%" PRIu32,
                r->status, r->body.len, q->group.iys_code,
                q->group.brand_code);
        iys_count(iys, IYS_METRIC_FAILURE, 1);
        iys_query_fail(q, SMS_E_DOWN, "answer_malformed");
    }

done:

    iys_pump(iys);
    iys_call_flush(iys);
}
