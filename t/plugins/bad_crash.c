/*
 * bad_crash.c - follows a null pointer in batches of 1024.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    volatile int *volatile  nowhere = NULL;

    if (batch->n == SMS_BATCH_MAX) {
        *nowhere = 1;
    }

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
