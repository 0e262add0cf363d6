/*
 * smpp_job - calls of the host that are answered PDU by PDU: operator_submit,
 * operator_query, operator_cancel.  Their units share the queue, the window, the
 * rate and the timers of smpp_submit; what differs is how one is written and what
 * its answer means, for questions in smpp_ask.
 */
#ifndef SMPP_JOB_H
#define SMPP_JOB_H

#include "smpp.h"

typedef enum { SMPP_JOB_SUBMIT, SMPP_JOB_QUERY, SMPP_JOB_CANCEL } smpp_job_kind_t;

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
    smpp_job_kind_t     kind;
    sms_call_t          call;
    const sms_batch_t  *batch;
    int64_t             due_us;         /* monotonic; INT64_MAX: none          */
    uint32_t            left;
    uint32_t            busy;           /* do not complete: units are walked   */
    smpp_unit_t         units[];
};

/* ---- smpp_submit -------------------------------------------------------- */

sms_rc_t smpp_submit_start(void *inst, sms_call_t call,
    const sms_batch_t *batch, smpp_job_kind_t kind);

/* ---- smpp_result -------------------------------------------------------- */

const sms_part_t *smpp_result_part(const smpp_unit_t *u);
/* Ends one; its job, and the call, may end with it.  Once is enough. */
void smpp_result_finish(smpp_unit_t *u, sms_outcome_t outcome,
    sms_reason_t reason, uint32_t retry_ms, uint32_t code, sms_str_t id);
void smpp_result_retry(smpp_unit_t *u);         /* it was not written          */
void smpp_result_unknown(smpp_unit_t *u);       /* it was, and no answer came  */
/* The unit's result is filled by somebody else. */
void smpp_result_done(smpp_unit_t *u);
/* Ends the call if nothing of it is left and nobody walks its units. */
void smpp_result_end(smpp_job_t *job);
void smpp_result_unlink(smpp_job_t *job);

/* ---- smpp_ask ----------------------------------------------------------- */

typedef struct { char id[SMPP_ID_MAX + 1]; } smpp_ask_t;

sms_rc_t smpp_ask_query(void *inst, sms_call_t call, const sms_batch_t *batch);
sms_rc_t smpp_ask_cancel(void *inst, sms_call_t call,
    const sms_batch_t *batch);

/* Fills *pdu but for its number; strings are the item's or in *room.  SMS_OK;
 * SMS_E_INVAL: there is no id to ask by.                                      */
sms_rc_t smpp_ask_make(smpp_pdu_t *pdu, smpp_ask_t *room, const smpp_unit_t *u);
void smpp_ask_answer(smpp_unit_t *u, const smpp_pdu_t *pdu);
/* E_DOWN: not asked, there is no session; E_TIMEOUT: asked, and no answer. */
void smpp_ask_fail(smpp_unit_t *u, sms_rc_t rc);
/* How the SMSC writes its ids: it wants them back as they were. */
void smpp_ask_learn(smpp_t *smpp, sms_str_t raw);

#endif /* SMPP_JOB_H */
