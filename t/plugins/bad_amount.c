/*
 * bad_amount.c - a price that no sum can hold.
 */
#include "broken.h"


static sms_rc_t
broken_quote(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_quote_t  *q;
    uint32_t      i;

    (void) inst;
    (void) call;
    for (i = 0; i < batch->n; i++) {
        q = SMS_AT(sms_quote_t, batch->results, batch->result_stride, i);
        memcpy(q->unit, "TRY", 4);
        q->amount_micro = INT64_MAX;
    }

    return SMS_OK;
}


BROKEN(SMS_KIND_BILLING, .init = broken_init, .exit = broken_exit, .billing_quote = broken_quote);
