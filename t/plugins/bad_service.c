/*
 * bad_service.c - takes for granted that a timer can always be had.
 */
#include "broken.h"


static void
broken_tick(void *data)
{
    broken_t  *b = data;

    if (b->batch) {
        (void) broken_pass(b, b->call, b->batch);
        b->batch = NULL;
        (void) b->host->core->complete(b->host, b->call, SMS_OK);
    }
}


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t  *b = inst;

    b->call = call;
    b->batch = batch;
    (void) b->host->loop->timer(b->host, 10, 0, broken_tick, b);

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
