/*
 * bad_exit.c - ends the process when it is unhappy.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    if (batch->n == 7) {
        exit(0);
    }

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
