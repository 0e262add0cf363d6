/*
 * bad_quote.c - promises a price for later.
 */
#include "broken.h"


static void
broken_tick(void *data)
{
    broken_t  *b = data;

    if (b->batch) {
        b->batch = NULL;
        (void) b->host->core->complete(b->host, b->call, SMS_E_BUSY);
    }
}


static sms_rc_t
broken_quote(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t  *b = inst;

    b->call = call;
    b->batch = batch;
    if (b->host->loop->timer(b->host, 10, 0, broken_tick, b) == 0) {
        return SMS_E_BUSY;
    }

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


BROKEN(SMS_KIND_BILLING, .init = broken_init, .exit = broken_exit,
       .billing_quote = broken_quote, .cancel = broken_cancel);
