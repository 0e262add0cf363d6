#include <string.h>

#include "smpp_job.h"


#define SMPP_RETRY_MS     1000


const sms_part_t *
smpp_result_part(const smpp_unit_t *u)
{
    const sms_batch_t  *batch;

    batch = u->job->batch;

    return SMS_AT(const sms_part_t, batch->items, batch->item_stride, u->index);
}


void
smpp_result_unlink(smpp_job_t *job)
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
void
smpp_result_end(smpp_job_t *job)
{
    smpp_t      *smpp;
    sms_call_t   call;

    if (job->left || job->busy) {
        return;
    }

    smpp = job->smpp;
    call = job->call;
    smpp_result_unlink(job);
    smpp->host->core->complete(smpp->host, call, SMS_OK);
}


void
smpp_result_done(smpp_unit_t *u)
{
    u->done = 1;
    u->bind = NULL;
    u->job->left--;
    smpp_result_end(u->job);
}


void
smpp_result_finish(smpp_unit_t *u, sms_outcome_t outcome, sms_reason_t reason,
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
        [SMS_SUBMIT_FAILOVER] = SMPP_METRIC_FAILOVER,
        [SMS_SUBMIT_STOP] = SMPP_METRIC_STOP
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

    smpp_count(job->smpp, metric[outcome], 1);
    smpp_result_done(u);
}


void
smpp_result_retry(smpp_unit_t *u)
{
    sms_str_t  none = { NULL, 0 };

    if (u->job->kind != SMPP_JOB_SUBMIT) {
        smpp_ask_fail(u, SMS_E_DOWN);
        return;
    }

    smpp_result_finish(u, SMS_SUBMIT_RETRY, SMS_REASON_NONE, SMPP_RETRY_MS, 0,
                       none);
}


void
smpp_result_unknown(smpp_unit_t *u)
{
    sms_str_t  none = { NULL, 0 };

    if (u->job->kind != SMPP_JOB_SUBMIT) {
        smpp_ask_fail(u, SMS_E_TIMEOUT);
        return;
    }

    smpp_result_finish(u, SMS_SUBMIT_UNKNOWN, SMS_REASON_NONE, 0, 0, none);
}


static void
smpp_result_stop(smpp_bind_t *b, uint32_t status, int64_t now_us)
{
    smpp_t    *smpp;
    uint32_t   i, rested;

    smpp = b->smpp;
    rested = now_us < smpp->rest_us;
    smpp->rest_us = now_us + (int64_t) smpp->conf.stop_ms * 1000;

    if (rested) {
        return;
    }

    smpp_told_failure(b, SMS_LOG_ERROR, status,
                      "the SMSC refuses all: status=0x%x; the link rests", status);

    for (i = 0; i < smpp->conf.binds; i++) {
        smpp_told(&smpp->binds[i]);
        smpp_session_arm(&smpp->binds[i]);
    }
}


void
smpp_result_answer(smpp_bind_t *b, const smpp_pdu_t *pdu)
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
    b->active_us = now;
    u = item;

    if (u && u->job->kind != SMPP_JOB_SUBMIT) {
        smpp_ask_answer(u, pdu);
        return;
    }

    if (pdu->command == (uint32_t) SMPP_CMD_QUERY_SM_RESP
        || pdu->command == (uint32_t) SMPP_CMD_CANCEL_SM_RESP)
    {
        /* nobody asked that under this number: it tells nothing of the part */
        if (u) {
            smpp_result_unknown(u);
        }

        return;
    }

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
                to = smpp_result_part(item)->msg->to;
            }

            smpp_id_answer(smpp->book, &id, pdu->u.SM_RESP.message_id, to);
            smpp_ask_learn(smpp, pdu->u.SM_RESP.message_id);
        }

        break;

    case SMPP_CLASS_THROTTLED:
        wait_ms = smpp_rate_throttled(&b->rate, now);
        break;

    case SMPP_CLASS_STOP:
        smpp_result_stop(b, pdu->status, now);
        break;

    default:
        break;
    }

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

            smpp_result_finish(u, SMS_SUBMIT_SENT, SMS_REASON_NONE, 0,
                               pdu->status, copy);
            break;

        case SMPP_CLASS_THROTTLED:
            smpp_result_finish(u, SMS_SUBMIT_THROTTLED, SMS_REASON_NONE,
                               wait_ms, pdu->status, copy);
            break;

        case SMPP_CLASS_FINAL:
            smpp_result_finish(u, SMS_SUBMIT_REJECTED, v.reason, 0,
                               pdu->status, copy);
            break;

        case SMPP_CLASS_FAILOVER:
            smpp_result_finish(u, SMS_SUBMIT_FAILOVER, v.reason, 0,
                               pdu->status, copy);
            break;

        case SMPP_CLASS_STOP:
            smpp_result_finish(u, SMS_SUBMIT_STOP, SMS_REASON_NONE,
                               smpp->conf.stop_ms, pdu->status, copy);
            break;

        default:
            smpp_result_finish(u, SMS_SUBMIT_RETRY, SMS_REASON_NONE,
                               SMPP_RETRY_MS, pdu->status, copy);
        }
    }

    if (v.klass == SMPP_CLASS_DOWN) {
        smpp_told_failure(b, SMS_LOG_ERROR, pdu->status,
                          "session lost: submit answered %s",
                          smpp_status_name(pdu->status));
        smpp_session_close(b, 0);
    }
}


void
smpp_result_expire(smpp_bind_t *b, int64_t now_us)
{
    void      *item;
    uint32_t   n;

    for (n = 0; smpp_window_expire(&b->window, now_us, &item); n++) {
        if (item) {
            smpp_result_unknown(item);
        }
    }

    if (n) {
        smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: submits not answered: n=%u",
                 b->name, n);
        smpp_probe_suspect(b);
    }
}


void
smpp_result_lost(smpp_bind_t *b)
{
    void      *item;
    uint32_t   n;

    for (n = 0; smpp_window_expire(&b->window, INT64_MAX, &item); n++) {
        if (item) {
            smpp_result_unknown(item);
        }
    }

    if (n) {
        smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: connection lost with submits "
                 "in flight: n=%u", b->name, n);
    }
}
