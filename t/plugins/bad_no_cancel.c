/*
 * bad_no_cancel.c - answers "later" and cannot be cancelled.
 */
#include "broken.h"


static void
broken_tick(void *data)
{
    broken_t  *b = data;

    (void) broken_pass(b, b->call, b->batch);
    (void) b->host->core->complete(b->host, b->call, SMS_OK);
}


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t  *b = inst;

    b->call = call;
    b->batch = batch;
    if (b->host->loop->timer(b->host, 10, 0, broken_tick, b) == 0) {
        return SMS_E_BUSY;
    }

    return SMS_PENDING;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
