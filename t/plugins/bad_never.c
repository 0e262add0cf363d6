/*
 * bad_never.c - answers "later" and forgets.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t  *b = inst;

    b->call = call;
    b->batch = batch;

    return SMS_PENDING;
}


static void
broken_cancel(void *inst, sms_call_t call)
{
    broken_t  *b = inst;

    if (b->call == call) {
        b->batch = NULL;
    }
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate,
       .cancel = broken_cancel);
