/*
 * sim_receipt.h - receipts on their way back.
 *
 * One queue in order of time (the delay is the same for all) and one delivery
 * under way.  A receipt leaves the queue when the host says that it is stored;
 * until then it is delivered again, as an operator would do.
 */
#ifndef SIM_RECEIPT_H
#define SIM_RECEIPT_H

#include "sms_plugin.h"

#define SIM_ID_MAX     64
#define SIM_BATCH      64               /* receipts in one delivery               */
#define SIM_RETRY_MS   200              /* first wait after a failure, doubling   */
#define SIM_RETRY_TOP  5000

typedef struct sim_receipt_s {
    struct sim_receipt_s  *next;
    int64_t                due_us;
    uint32_t               state, operator_code, reason;
    uint32_t               id_len, to_len, from_len;
    char                   id[SIM_ID_MAX], to[24], from[24];
} sim_receipt_t;

typedef struct sim_receipts_s {
    sms_host_t            *host;
    sim_receipt_t         *first, **last;
    uint32_t               busy;        /* of the first so many: done() is to come */
    uint32_t               delay_ms, wait_ms;
    sms_handle_t           timer;
    int                    hurry;       /* draining: everything is due            */
} sim_receipts_t;

void sim_receipts_init(sim_receipts_t *q, sms_host_t *h, uint32_t delay_ms);
/* SMS_E_NOMEM: not queued.  Without the inbound table nothing is ever queued.     */
sms_rc_t sim_receipt_add(sim_receipts_t *q, sms_str_t id, const sms_msg_t *msg,
    uint32_t state, uint32_t operator_code);
/* 1: a receipt of this part is still to be delivered                              */
int sim_receipt_waits(const sim_receipts_t *q, sms_str_t id);
/* delivers what is due and arms the timer for the rest; call at any time          */
void sim_receipts_push(sim_receipts_t *q);
/* the worker goes: deliver everything now                                         */
void sim_receipts_drain(sim_receipts_t *q);
void sim_receipts_free(sim_receipts_t *q);

#endif /* SIM_RECEIPT_H */
