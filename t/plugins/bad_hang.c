/*
 * bad_hang.c - never comes back.
 */
#include "broken.h"

static volatile int  broken_forever = 1;


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    while (broken_forever && batch->n == 32) {
        /* round and round */
    }

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
