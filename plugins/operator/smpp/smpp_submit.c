#include <string.h>

#include "smpp.h"
#include "smpp_part.h"


struct smpp_unit_s {
    smpp_unit_t  *next;                 /* in the queue                        */
    smpp_job_t   *job;
    smpp_bind_t  *bind;                 /* in flight on it; NULL: not written  */
    uint32_t      index;                /* in the batch                        */
    uint32_t      sequence;
    uint32_t      done;
};

struct smpp_job_s {                     /* memory of the call: ends with it    */
    smpp_job_t         *prev, *next;
    smpp_t             *smpp;
    sms_call_t          call;
    const sms_batch_t  *batch;
    int64_t             due_us;         /* monotonic; INT64_MAX: none          */
    uint32_t            left;
    uint32_t            busy;           /* do not complete: units are walked   */
    smpp_unit_t         units[];
};

#define SMPP_MARGIN_US    50000         /* answer before the host cancels      */
#define SMPP_RETRY_MS     1000

static void smpp_submit_arm(smpp_t *smpp);


static const sms_part_t *
smpp_submit_part(const smpp_unit_t *u)
{
    const sms_batch_t  *batch;

    batch = u->job->batch;

    return SMS_AT(const sms_part_t, batch->items, batch->item_stride, u->index);
}


static void
smpp_submit_unlink(smpp_job_t *job)
{
    if (job->prev) {
        job->prev->next = job->next;

    } else {
        job->smpp->jobs = job->next;
    }

    if (job->next) {
        job->next->prev = job->prev;
    }
}


/* The job's memory may be gone when this returns. */
static void
smpp_submit_end(smpp_job_t *job)
{
    smpp_t      *smpp;
    sms_call_t   call;

    if (job->left || job->busy) {
        return;
    }

    smpp = job->smpp;
    call = job->call;
    smpp_submit_unlink(job);
    smpp->host->core->complete(smpp->host, call, SMS_OK);
}


static void
smpp_submit_finish(smpp_unit_t *u, sms_outcome_t outcome, sms_reason_t reason,
    uint32_t retry_ms, uint32_t code, sms_str_t id)
{
    sms_submit_t       *r;
    smpp_job_t         *job;
    const sms_batch_t  *batch;

    static const uint32_t  metric[] = {
        [SMS_SUBMIT_SENT] = SMPP_METRIC_SENT,
        [SMS_SUBMIT_REJECTED] = SMPP_METRIC_REJECTED,
        [SMS_SUBMIT_RETRY] = SMPP_METRIC_RETRY,
        [SMS_SUBMIT_THROTTLED] = SMPP_METRIC_THROTTLED,
        [SMS_SUBMIT_UNKNOWN] = SMPP_METRIC_UNKNOWN,
        [SMS_SUBMIT_FAILOVER] = SMPP_METRIC_FAILOVER
    };

    if (u->done) {
        return;
    }

    job = u->job;
    batch = job->batch;
    r = SMS_AT(sms_submit_t, batch->results, batch->result_stride, u->index);

    r->status = SMS_OK;
    r->outcome = outcome;
    r->reason = reason;
    r->retry_after_ms = retry_ms;
    r->operator_code = code;
    r->operator_id = id;

    u->done = 1;
    u->bind = NULL;
    job->left--;
    smpp_count(job->smpp, metric[outcome], 1);
    smpp_submit_end(job);
}


static void
smpp_submit_retry(smpp_unit_t *u)
{
    sms_str_t  none = { NULL, 0 };

    smpp_submit_finish(u, SMS_SUBMIT_RETRY, SMS_REASON_NONE, SMPP_RETRY_MS, 0,
                       none);
}


static void
smpp_submit_unknown(smpp_unit_t *u)
{
    sms_str_t  none = { NULL, 0 };

    smpp_submit_finish(u, SMS_SUBMIT_UNKNOWN, SMS_REASON_NONE, 0, 0, none);
}


static smpp_unit_t *
smpp_submit_shift(smpp_t *smpp)
{
    smpp_unit_t  *u;

    u = smpp->queue;
    smpp->queue = u->next;
    smpp->nqueue--;

    if (smpp->queue == NULL) {
        smpp->queue_end = &smpp->queue;
    }

    u->next = NULL;

    return u;
}


static void
smpp_submit_unqueue(smpp_t *smpp, const smpp_job_t *job)
{
    smpp_unit_t  **at;

    for (at = &smpp->queue; *at; /* void */ ) {
        if ((*at)->job == job) {
            *at = (*at)->next;
            smpp->nqueue--;

        } else {
            at = &(*at)->next;
        }
    }

    smpp->queue_end = at;
}


static uint32_t
smpp_submit_room(smpp_bind_t *b, int64_t now_us)
{
    uint32_t  room, rate;

    if (!smpp_session_ready(b) || b->blocked
        || b->window.used >= b->window.size)
    {
        return 0;
    }

    room = b->window.size - b->window.used;
    rate = smpp_rate_room(&b->rate, now_us);

    return room < rate ? room : rate;
}


uint32_t
smpp_submit_window(void *inst)
{
    smpp_t    *smpp;
    int64_t    now;
    uint32_t   i, room;

    smpp = inst;
    now = smpp_now(smpp);
    room = 0;

    for (i = 0; !smpp->draining && i < smpp->conf.binds; i++) {
        room += smpp_submit_room(&smpp->binds[i], now);
    }

    smpp->told = room > smpp->nqueue ? room - smpp->nqueue : 0;
    smpp_submit_arm(smpp);

    return smpp->told;
}


/* Growth by a quarter is worth a claim; a claim for each answer is not (D7). */
static void
smpp_submit_notify(smpp_t *smpp)
{
    uint32_t      i, told, room, size, used, worth;
    smpp_bind_t  *b;

    size = 0;
    used = 0;

    for (i = 0; i < smpp->conf.binds; i++) {
        b = &smpp->binds[i];

        if (b->state == SMPP_BOUND) {
            worth = smpp_rate_worth(&b->rate);
            size += worth < b->window.size ? worth : b->window.size;
            used += b->window.used;
        }
    }

    told = smpp->told;
    room = smpp_submit_window(smpp);

    if (room <= told) {
        return;
    }

    if (room - told >= (size + 3) / 4 || used == 0) {
        smpp->host->core->window_open(smpp->host);

    } else {
        smpp->told = told;
    }
}


/* Writes the first part of the queue to "b".  SMS_OK: written, or finished for
 * a reason of its own; else it stays where it is.                             */
static sms_rc_t
smpp_submit_write(smpp_t *smpp, smpp_bind_t *b, int64_t now_us)
{
    int64_t            epoch_us, due_us;
    sms_rc_t           rc;
    sms_str_t          none = { NULL, 0 };
    smpp_part_t        encoded;
    smpp_unit_t       *u;
    sms_reason_t       reason;
    const sms_part_t  *part;

    u = smpp->queue;
    part = smpp_submit_part(u);

    if (u->job->due_us <= now_us) {
        /* the call ends before an answer could come: do not begin */
        smpp_submit_retry(smpp_submit_shift(smpp));
        return SMS_OK;
    }

    epoch_us = smpp->host->core->now_us(smpp->host);

    if (part->msg->expires_us && part->msg->expires_us <= epoch_us) {
        smpp_submit_shift(smpp);
        smpp_submit_finish(u, SMS_SUBMIT_REJECTED, SMS_REASON_EXPIRED, 0, 0,
                           none);
        return SMS_OK;
    }

    rc = smpp_part_encode(&encoded, &smpp->conf, part, epoch_us);

    if (rc == SMS_OK) {
        encoded.pdu.sequence = smpp_window_sequence(&b->window);

        /* D20: asked before each write, not before each batch */
        if (!smpp_session_ready(b)) {
            return SMS_E_BUSY;
        }

        rc = smpp_session_send(b, &encoded.pdu);
    }

    if (rc == SMS_E_DENIED) {
        smpp_submit_shift(smpp);
        smpp_submit_finish(u, SMS_SUBMIT_FAILOVER, SMS_REASON_NONE, 0, 0, none);
        return SMS_OK;
    }

    if (rc == SMS_E_INVAL) {
        reason = smpp_part_blame(&encoded);
        smpp_submit_shift(smpp);
        smpp_submit_finish(u, SMS_SUBMIT_REJECTED, reason, 0, 0, none);
        return SMS_OK;
    }

    if (rc != SMS_OK) {
        b->blocked = 1;
        return rc;
    }

    smpp_submit_shift(smpp);
    u->bind = b;
    u->sequence = encoded.pdu.sequence;
    due_us = now_us + (int64_t) smpp->conf.response_ms * 1000;
    smpp_window_add(&b->window, u->sequence, u, now_us, due_us);
    smpp_rate_take(&b->rate, now_us);
    smpp_count(smpp, SMPP_METRIC_SUBMITS, 1);

    if (b->timer == 0 || b->timer_us > due_us) {
        smpp_session_arm(b);
    }

    return SMS_OK;
}


static int
smpp_submit_hope(smpp_t *smpp)
{
    uint32_t  i;

    for (i = 0; i < smpp->conf.binds; i++) {
        if (smpp_session_ready(&smpp->binds[i])) {
            return 1;
        }
    }

    return 0;
}


void
smpp_submit_pump(smpp_t *smpp)
{
    int64_t       now;
    uint32_t      i, room, best;
    smpp_bind_t  *b;

    now = smpp_now(smpp);

    while (smpp->queue) {
        b = NULL;
        best = 0;

        for (i = 0; i < smpp->conf.binds; i++) {
            room = smpp_submit_room(&smpp->binds[i], now);

            if (room > best) {
                best = room;
                b = &smpp->binds[i];
            }
        }

        if (b) {
            smpp_submit_write(smpp, b, now);
            continue;
        }

        if (smpp_submit_hope(smpp)) {
            break;
        }

        smpp_submit_retry(smpp_submit_shift(smpp));
    }

    smpp_submit_notify(smpp);
}


static void
smpp_submit_tick(void *data)
{
    smpp_t       *smpp;
    int64_t       now;
    uint32_t      i;
    smpp_job_t   *job, *next;
    smpp_unit_t  *u;

    smpp = data;
    smpp->timer = 0;
    smpp->timer_us = 0;
    now = smpp_now(smpp);

    for (job = smpp->jobs; job; job = next) {
        next = job->next;

        if (job->due_us > now) {
            continue;
        }

        smpp_submit_unqueue(smpp, job);
        job->busy = 1;

        for (i = 0; i < job->batch->n; i++) {
            u = &job->units[i];

            if (u->bind) {
                /* the slot stays taken: the SMSC may still answer */
                smpp_window_forget(&u->bind->window, u->sequence);
                smpp_submit_unknown(u);

            } else {
                smpp_submit_retry(u);
            }
        }

        job->busy = 0;
        smpp_submit_end(job);
    }

    smpp_submit_pump(smpp);
}


/* The queue's timer: when a rate lets the next part go, when a call is due. */
static void
smpp_submit_arm(smpp_t *smpp)
{
    int64_t       due, when, now, ms;
    uint32_t      i;
    sms_host_t   *h;
    smpp_job_t   *job;
    smpp_bind_t  *b;

    due = INT64_MAX;
    now = smpp_now(smpp);

    for (job = smpp->jobs; job; job = job->next) {
        if (job->due_us < due) {
            due = job->due_us;
        }
    }

    for (i = 0; i < smpp->conf.binds; i++) {
        b = &smpp->binds[i];

        if (b->blocked || b->window.used >= b->window.size
            || !smpp_session_ready(b))
        {
            continue;
        }

        when = smpp_rate_due(&b->rate, now);

        if (when > now && when < due) {
            due = when;
        }
    }

    if (smpp->timer && smpp->timer_us <= due) {
        return;
    }

    h = smpp->host;

    if (smpp->timer) {
        h->loop->stop(h, smpp->timer);
        smpp->timer = 0;
        smpp->timer_us = 0;
    }

    if (due == INT64_MAX) {
        return;
    }

    ms = due > now ? (due - now + 999) / 1000 : 1;
    smpp->timer = h->loop->timer(h, (uint32_t) ms, smpp->draining,
                                 smpp_submit_tick, smpp);
    smpp->timer_us = smpp->timer ? due : 0;
}


sms_rc_t
smpp_submit_run(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    smpp_t       *smpp;
    int64_t       remains;
    uint32_t      i;
    smpp_job_t   *job;
    smpp_unit_t  *u;

    smpp = inst;
    job = smpp->host->core->alloc(smpp->host, call, sizeof(smpp_job_t)
                                  + batch->n * sizeof(smpp_unit_t));
    if (job == NULL) {
        return SMS_E_NOMEM;
    }

    memset(job, 0, sizeof(smpp_job_t) + batch->n * sizeof(smpp_unit_t));
    job->smpp = smpp;
    job->call = call;
    job->batch = batch;
    job->left = batch->n;
    job->due_us = INT64_MAX;
    job->busy = 1;

    if (batch->deadline_us) {
        remains = batch->deadline_us - smpp->host->core->now_us(smpp->host);
        job->due_us = smpp_now(smpp) + remains
                      - (remains > 4 * SMPP_MARGIN_US ? SMPP_MARGIN_US : 0);
    }

    job->next = smpp->jobs;

    if (job->next) {
        job->next->prev = job;
    }

    smpp->jobs = job;

    for (i = 0; i < batch->n; i++) {
        u = &job->units[i];
        u->job = job;
        u->index = i;
        *smpp->queue_end = u;
        smpp->queue_end = &u->next;
        smpp->nqueue++;
    }

    smpp_submit_pump(smpp);
    job->busy = 0;

    if (job->left == 0) {
        smpp_submit_unlink(job);
        return SMS_OK;
    }

    smpp_submit_arm(smpp);

    return SMS_PENDING;
}


void
smpp_submit_cancel(void *inst, sms_call_t call)
{
    smpp_t       *smpp;
    uint32_t      i;
    smpp_job_t   *job;
    smpp_unit_t  *u;

    smpp = inst;

    for (job = smpp->jobs; job && job->call != call; job = job->next) {
        /* void */
    }

    if (job == NULL) {
        return;
    }

    smpp_submit_unqueue(smpp, job);

    for (i = 0; i < job->batch->n; i++) {
        u = &job->units[i];

        if (u->bind) {
            smpp_window_forget(&u->bind->window, u->sequence);
        }
    }

    smpp_submit_unlink(job);
}


void
smpp_submit_answer(smpp_bind_t *b, const smpp_pdu_t *pdu)
{
    void            *item;
    smpp_t          *smpp;
    int64_t          now, sent_us;
    uint32_t         wait_ms;
    smpp_id_t        id;
    sms_str_t        copy, to = { NULL, 0 };
    smpp_unit_t     *u;
    smpp_verdict_t   v;

    smpp = b->smpp;
    now = smpp_now(smpp);

    if (!smpp_window_take(&b->window, pdu->sequence, &item, &sent_us)) {
        smpp_count(smpp, SMPP_METRIC_LATE, 1);
        return;
    }

    /* whoever answers submits is alive */
    b->suspect = 0;
    smpp_count(smpp, SMPP_METRIC_ANSWER_US, now - sent_us);
    v = smpp_status_judge(pdu->status, smpp->conf.status, smpp->conf.nstatus);
    wait_ms = 0;
    copy.ptr = NULL;
    copy.len = 0;

    switch (v.klass) {

    case SMPP_CLASS_OK:
        smpp_rate_accepted(&b->rate, now);
        id.len = 0;

        if (pdu->shape == SMPP_SHAPE_SM_RESP) {
            if (item) {
                to = smpp_submit_part(item)->msg->to;
            }

            smpp_id_answer(smpp->book, &id, pdu->u.SM_RESP.message_id, to);
        }

        break;

    case SMPP_CLASS_THROTTLED:
        wait_ms = smpp_rate_throttled(&b->rate, now);
        break;

    default:
        break;
    }

    u = item;

    if (u == NULL) {
        smpp_count(smpp, SMPP_METRIC_LATE, 1);

    } else {
        switch (v.klass) {

        case SMPP_CLASS_OK:
            if (id.len) {
                copy.ptr = smpp->host->core->alloc(smpp->host, u->job->call,
                                                   id.len);
                if (copy.ptr) {
                    memcpy((char *) copy.ptr, id.s, id.len);
                    copy.len = id.len;
                }
            }

            smpp_submit_finish(u, SMS_SUBMIT_SENT, SMS_REASON_NONE, 0,
                               pdu->status, copy);
            break;

        case SMPP_CLASS_THROTTLED:
            smpp_submit_finish(u, SMS_SUBMIT_THROTTLED, SMS_REASON_NONE,
                               wait_ms, pdu->status, copy);
            break;

        case SMPP_CLASS_FINAL:
            smpp_submit_finish(u, SMS_SUBMIT_REJECTED, v.reason, 0,
                               pdu->status, copy);
            break;

        default:
            smpp_submit_finish(u, SMS_SUBMIT_RETRY, SMS_REASON_NONE,
                               SMPP_RETRY_MS, pdu->status, copy);
        }
    }

    if (v.klass == SMPP_CLASS_DOWN) {
        smpp_log(smpp, SMS_LOG_ERROR, "bind %s: session lost: submit answered "
                 "%s", b->name, smpp_status_name(pdu->status));
        smpp_session_close(b, 0);
    }
}


void
smpp_submit_expire(smpp_bind_t *b, int64_t now_us)
{
    void      *item;
    uint32_t   n;

    for (n = 0; smpp_window_expire(&b->window, now_us, &item); n++) {
        if (item) {
            smpp_submit_unknown(item);
        }
    }

    if (n) {
        smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: submits not answered: n=%u",
                 b->name, n);
        smpp_probe_suspect(b);
    }
}


void
smpp_submit_lost(smpp_bind_t *b)
{
    void      *item;
    uint32_t   n;

    for (n = 0; smpp_window_expire(&b->window, INT64_MAX, &item); n++) {
        if (item) {
            smpp_submit_unknown(item);
        }
    }

    if (n) {
        smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: connection lost with submits "
                 "in flight: n=%u", b->name, n);
    }
}


void
smpp_submit_free(smpp_t *smpp)
{
    if (smpp->timer) {
        smpp->host->loop->stop(smpp->host, smpp->timer);
        smpp->timer = 0;
    }
}
