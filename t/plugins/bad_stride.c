/*
 * bad_stride.c - walks the host's arrays by its own sizeof.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_verdict_t  *v = batch->results;
    uint32_t        i;

    (void) inst;
    (void) call;
    for (i = 0; i < batch->n; i++) {
        v[i].action = SMS_PASS;
    }

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
