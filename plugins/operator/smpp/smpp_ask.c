#include <stdio.h>
#include <string.h>

#include "smpp_job.h"
#include "smpp_part.h"


static const sms_sent_t *
smpp_ask_item(const smpp_unit_t *u)
{
    const sms_batch_t  *batch;

    batch = u->job->batch;

    return SMS_AT(const sms_sent_t, batch->items, batch->item_stride, u->index);
}


static sms_rc_t
smpp_ask_start(smpp_t *smpp, sms_call_t call, const sms_batch_t *batch,
    smpp_job_kind_t kind, uint32_t has)
{
    int32_t   *status;
    uint32_t   i;

    if (has) {
        return smpp_submit_start(smpp, call, batch, kind);
    }

    for (i = 0; i < batch->n; i++) {
        /* each result begins with its status */
        status = SMS_AT(int32_t, batch->results, batch->result_stride, i);
        *status = SMS_E_INVAL;
    }

    return SMS_OK;
}


sms_rc_t
smpp_ask_query(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    smpp_t  *smpp;

    smpp = inst;

    return smpp_ask_start(smpp, call, batch, SMPP_JOB_QUERY, smpp->conf.query);
}


sms_rc_t
smpp_ask_cancel(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    smpp_t  *smpp;

    smpp = inst;

    return smpp_ask_start(smpp, call, batch, SMPP_JOB_CANCEL,
                          smpp->conf.cancel);
}


void
smpp_ask_learn(smpp_t *smpp, sms_str_t raw)
{
    size_t  i;

    if ((!smpp->conf.query && !smpp->conf.cancel) || raw.len == 0) {
        return;
    }

    smpp->id_width = raw.ptr[0] == '0' && raw.len <= SMPP_ID_MAX
                     ? (uint32_t) raw.len : 0;

    for (i = 0; i < raw.len; i++) {
        if (raw.ptr[i] >= 'A' && raw.ptr[i] <= 'F') {
            smpp->id_upper = 1;

        } else if (raw.ptr[i] >= 'a' && raw.ptr[i] <= 'f') {
            smpp->id_upper = 0;
        }
    }
}


/* The host keeps ids in their normal form (smpp_id_normal). */
static sms_str_t
smpp_ask_id(const smpp_t *smpp, smpp_ask_t *room, sms_str_t id)
{
    size_t     i, zeros;
    sms_str_t  s;

    s.ptr = room->id;
    s.len = id.len < SMPP_ID_MAX ? id.len : SMPP_ID_MAX;
    zeros = id.len && smpp->id_width > s.len ? smpp->id_width - s.len : 0;
    memset(room->id, '0', zeros);

    for (i = 0; i < s.len; i++) {
        room->id[zeros + i] = id.ptr[i];

        if (smpp->id_upper && id.ptr[i] >= 'a' && id.ptr[i] <= 'f') {
            room->id[zeros + i] = (char) (id.ptr[i] - 'a' + 'A');
        }
    }

    s.len += zeros;

    return s;
}


/* An empty message_id asks of nothing (4.8.1), or takes back all that waits from this
 * sender to this recipient (4.9.1): also messages that nobody doubts.               */
sms_rc_t
smpp_ask_make(smpp_pdu_t *pdu, smpp_ask_t *room, const smpp_unit_t *u)
{
    sms_str_t           id;
    smpp_CANCEL_t      *cancel;
    smpp_QUERY_t       *query;
    const smpp_t       *smpp;
    smpp_numbering_t    source;
    const sms_sent_t   *item;

    smpp = u->job->smpp;
    item = smpp_ask_item(u);

    if (item->operator_id.len == 0) {
        return SMS_E_INVAL;
    }

    source = smpp_part_source(&smpp->conf, item->msg->from);
    id = smpp_ask_id(smpp, room, item->operator_id);
    memset(pdu, 0, sizeof(smpp_pdu_t));

    if (u->job->kind == SMPP_JOB_QUERY) {
        pdu->command = (uint32_t) SMPP_CMD_QUERY_SM;
        query = &pdu->u.QUERY;
        query->message_id = id;
        query->source_addr_ton = source.ton;
        query->source_addr_npi = source.npi;
        query->source_addr = smpp_text_address(item->msg->from, 0);
        return SMS_OK;
    }

    pdu->command = (uint32_t) SMPP_CMD_CANCEL_SM;
    cancel = &pdu->u.CANCEL;
    cancel->service_type = smpp->conf.service_type;
    cancel->message_id = id;
    cancel->source_addr_ton = source.ton;
    cancel->source_addr_npi = source.npi;
    cancel->source_addr = smpp_text_address(item->msg->from, 0);
    cancel->dest_addr_ton = smpp->conf.dest.ton;
    cancel->dest_addr_npi = smpp->conf.dest.npi;
    cancel->destination_addr = smpp_text_address(item->msg->to, 0);

    return SMS_OK;
}


static void
smpp_ask_state(smpp_unit_t *u, const smpp_pdu_t *pdu, sms_asked_t *r)
{
    int64_t             at_us;
    smpp_t             *smpp;
    smpp_verdict_t      v;
    const smpp_QUERY_RESP_t *answer;

    smpp = u->job->smpp;
    answer = &pdu->u.QUERY_RESP;

    if (pdu->shape != SMPP_SHAPE_QUERY_RESP
        || answer->message_state < SMS_RECEIPT_ENROUTE
        || answer->message_state > SMS_RECEIPT_REJECTED)
    {
        /* not that it does not know the message: then that would be sent again */
        r->status = SMS_E_TIMEOUT;
        return;
    }

    r->state = answer->message_state;
    r->operator_code = answer->error_code;

    if (smpp_text_when(answer->final_date, &at_us)) {
        r->at_us = at_us;
    }

    if (answer->error_code && smpp->conf.nerrors) {
        v = smpp_status_judge(answer->error_code, smpp->conf.errors,
                              smpp->conf.nerrors);

        if (v.klass == SMPP_CLASS_FINAL && v.reason != SMS_REASON_OTHER) {
            r->reason = v.reason;
        }
    }

    if (r->reason == SMS_REASON_NONE && r->state == SMS_RECEIPT_EXPIRED) {
        r->reason = SMS_REASON_EXPIRED;
    }
}


/* What a refused question means.  SMS_OK: the SMSC does not know such a message. */
static sms_rc_t
smpp_ask_refused(const smpp_unit_t *u, uint32_t status)
{
    const smpp_conf_t  *conf;

    conf = &u->job->smpp->conf;

    switch (status) {

    case ESME_RINVMSGID:
        return u->job->kind == SMPP_JOB_QUERY ? SMS_OK : SMS_E_INVAL;

    case ESME_RQUERYFAIL:               /* for whatever reason                    */
    case ESME_RCANCELFAIL:
    case ESME_RINVCMDID:
    case ESME_RINVCMDLEN:
        return SMS_E_INVAL;

    default:
        break;
    }

    switch (smpp_status_judge(status, conf->status, conf->nstatus).klass) {

    case SMPP_CLASS_RETRY:
    case SMPP_CLASS_THROTTLED:
    case SMPP_CLASS_STOP:
    case SMPP_CLASS_DOWN:
        return SMS_E_BUSY;

    default:
        return SMS_E_INVAL;
    }
}


void
smpp_ask_answer(smpp_unit_t *u, const smpp_pdu_t *pdu)
{
    sms_ack_t    *ack;
    sms_rc_t      rc;
    uint32_t      wanted;
    sms_asked_t  *asked;

    wanted = u->job->kind == SMPP_JOB_QUERY ? (uint32_t) SMPP_CMD_QUERY_SM_RESP
                                            : (uint32_t) SMPP_CMD_CANCEL_SM_RESP;

    if (pdu->command != wanted
        && pdu->command != (uint32_t) SMPP_CMD_GENERIC_NACK)
    {
        /* an answer to something else under this number says nothing */
        smpp_ask_fail(u, SMS_E_TIMEOUT);
        return;
    }

    rc = pdu->status == ESME_ROK ? SMS_OK : smpp_ask_refused(u, pdu->status);

    if (u->job->kind == SMPP_JOB_CANCEL) {
        ack = SMS_AT(sms_ack_t, u->job->batch->results,
                     u->job->batch->result_stride, u->index);
        ack->status = rc;

    } else {
        asked = SMS_AT(sms_asked_t, u->job->batch->results,
                       u->job->batch->result_stride, u->index);
        asked->status = rc;

        if (pdu->status == ESME_ROK) {
            smpp_ask_state(u, pdu, asked);
        }
    }

    smpp_result_done(u);
}


void
smpp_ask_fail(smpp_unit_t *u, sms_rc_t rc)
{
    int32_t            *status;
    const sms_batch_t  *batch;

    if (u->done) {
        return;
    }

    batch = u->job->batch;
    status = SMS_AT(int32_t, batch->results, batch->result_stride, u->index);
    *status = rc;
    smpp_result_done(u);
}
