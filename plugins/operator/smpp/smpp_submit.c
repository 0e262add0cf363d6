#include <string.h>

#include "smpp.h"
#include "smpp_data.h"
#include "smpp_job.h"
#include "smpp_part.h"


#define SMPP_MARGIN_US    50000         /* answer before the host cancels      */

static void smpp_submit_arm(smpp_t *smpp);
static void smpp_submit_rest(smpp_t *smpp, int64_t now_us);


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

    if (!smpp_session_ready(b) || b->blocked || now_us < b->smpp->rest_us
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


/* The first of the queue is on the wire. */
static void
smpp_submit_written(smpp_t *smpp, smpp_bind_t *b, uint32_t sequence,
    int64_t now_us)
{
    int64_t       due_us, told_us;
    smpp_unit_t  *u;

    u = smpp_submit_shift(smpp);
    u->bind = b;
    u->sequence = sequence;
    b->active_us = now_us;
    due_us = now_us + (int64_t) smpp->conf.response_ms * 1000;
    smpp_window_add(&b->window, sequence, u, now_us, due_us);
    smpp_rate_take(&b->rate, now_us);
    told_us = smpp_told_due(b);

    if (told_us < due_us) {
        due_us = told_us;
    }

    if (b->timer == 0 || b->timer_us > due_us) {
        smpp_session_arm(b);
    }
}


/* Writes the question at the head of the queue. */
static sms_rc_t
smpp_submit_ask(smpp_t *smpp, smpp_bind_t *b, int64_t now_us)
{
    sms_rc_t      rc;
    smpp_pdu_t    pdu;
    smpp_ask_t    room;
    smpp_unit_t  *u;

    u = smpp->queue;

    if (u->job->due_us <= now_us) {
        smpp_result_retry(smpp_submit_shift(smpp));
        return SMS_OK;
    }

    rc = smpp_ask_make(&pdu, &room, u);

    if (rc == SMS_OK) {
        pdu.sequence = smpp_window_sequence(&b->window);

        if (!smpp_session_ready(b)) {
            return SMS_E_BUSY;
        }

        rc = smpp_session_send(b, &pdu);
    }

    if (rc == SMS_E_INVAL) {
        smpp_ask_fail(smpp_submit_shift(smpp), rc);
        return SMS_OK;
    }

    if (rc != SMS_OK) {
        b->blocked = 1;
        return rc;
    }

    smpp_submit_written(smpp, b, pdu.sequence, now_us);

    return SMS_OK;
}


/* Writes the first part of the queue to "b".  SMS_OK: written, or finished for
 * a reason of its own; else it stays where it is.                             */
static sms_rc_t
smpp_submit_write(smpp_t *smpp, smpp_bind_t *b, int64_t now_us)
{
    int64_t            epoch_us;
    sms_rc_t           rc;
    sms_str_t          none = { NULL, 0 };
    smpp_data_t        data;
    smpp_part_t        encoded;
    smpp_unit_t       *u;
    sms_reason_t       reason;
    const sms_part_t  *part;

    u = smpp->queue;

    if (u->job->kind != SMPP_JOB_SUBMIT) {
        return smpp_submit_ask(smpp, b, now_us);
    }

    part = smpp_result_part(u);

    if (u->job->due_us <= now_us) {
        /* the call ends before an answer could come: do not begin */
        smpp_result_retry(smpp_submit_shift(smpp));
        return SMS_OK;
    }

    epoch_us = smpp->host->core->now_us(smpp->host);

    if (part->msg->expires_us && part->msg->expires_us <= epoch_us) {
        smpp_submit_shift(smpp);
        smpp_result_finish(u, SMS_SUBMIT_REJECTED, SMS_REASON_EXPIRED, 0, 0,
                           none);
        return SMS_OK;
    }

    rc = smpp_part_encode(&encoded, &smpp->conf, part, epoch_us);
    reason = smpp_part_blame(&encoded);

    if (rc == SMS_OK && smpp->conf.data_sm) {
        rc = smpp_data_make(&data, &encoded.pdu, &smpp->conf,
                            part->msg->expires_us - epoch_us);
    }

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
        smpp_result_finish(u, SMS_SUBMIT_FAILOVER, SMS_REASON_NONE, 0, 0, none);
        return SMS_OK;
    }

    if (rc == SMS_E_INVAL) {
        smpp_submit_shift(smpp);
        smpp_result_finish(u, SMS_SUBMIT_REJECTED, reason, 0, 0, none);
        return SMS_OK;
    }

    if (rc != SMS_OK) {
        b->blocked = 1;
        return rc;
    }

    smpp_submit_written(smpp, b, encoded.pdu.sequence, now_us);
    smpp_count(smpp, SMPP_METRIC_SUBMITS, 1);

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
    smpp_submit_rest(smpp, now);

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

        smpp_result_retry(smpp_submit_shift(smpp));
    }

    smpp_submit_notify(smpp);
}


/* While the operator refuses whatever comes, the host shall not wait for us. */
static void
smpp_submit_rest(smpp_t *smpp, int64_t now_us)
{
    uint32_t      ms;
    sms_str_t     none = { NULL, 0 };
    smpp_unit_t  *u;

    while (smpp->queue && now_us < smpp->rest_us) {
        u = smpp_submit_shift(smpp);
        ms = (uint32_t) ((smpp->rest_us - now_us) / 1000) + 1;

        if (u->job->kind == SMPP_JOB_SUBMIT) {
            smpp_result_finish(u, SMS_SUBMIT_STOP, SMS_REASON_NONE, ms, 0, none);

        } else {
            smpp_ask_fail(u, SMS_E_BUSY);
        }
    }
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
                smpp_result_unknown(u);

            } else {
                smpp_result_retry(u);
            }
        }

        job->busy = 0;
        smpp_result_end(job);
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

        if (when < smpp->rest_us) {
            when = smpp->rest_us;
        }

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
    return smpp_submit_start(inst, call, batch, SMPP_JOB_SUBMIT);
}


sms_rc_t
smpp_submit_start(void *inst, sms_call_t call, const sms_batch_t *batch,
    smpp_job_kind_t kind)
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
    job->kind = kind;
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
        smpp_result_unlink(job);
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

    smpp_result_unlink(job);
}


void
smpp_submit_free(smpp_t *smpp)
{
    if (smpp->timer) {
        smpp->host->loop->stop(smpp->host, smpp->timer);
        smpp->timer = 0;
    }
}
