/*
 * bad_slow.c - burns the processor, far over the budget.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    volatile uint32_t  i;

    if (batch->n == 32) {
        for (i = 0; i < 100000000; i++) {
            /* work */
        }
    }

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
