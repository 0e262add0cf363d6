/*
 * bad_defer.c - defers to a time that has passed.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t       *b = inst;
    sms_verdict_t  *v = batch->results;

    (void) broken_pass(inst, call, batch);
    v->action = SMS_DEFER;
    v->defer_until_us = b->host->core->now_us(b->host) - 1;

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
