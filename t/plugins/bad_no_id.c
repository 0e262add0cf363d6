/*
 * bad_no_id.c - says that parts were sent and gives no operator id.
 */
#include "broken.h"


static sms_rc_t
broken_submit(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    uint32_t  i;

    (void) inst;
    (void) call;
    for (i = 0; i < batch->n; i++) {
        SMS_AT(sms_submit_t, batch->results, batch->result_stride, i)->outcome
            = SMS_SUBMIT_SENT;
    }

    return SMS_OK;
}


static uint32_t
broken_window(void *inst)
{
    (void) inst;
    return 10;
}


BROKEN(SMS_KIND_OPERATOR, .init = broken_init, .exit = broken_exit,
       .operator_submit = broken_submit, .operator_window = broken_window);
