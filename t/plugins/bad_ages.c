/*
 * bad_ages.c - defers to the end of time.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_verdict_t  *v = batch->results;

    (void) broken_pass(inst, call, batch);
    v->action = SMS_DEFER;
    v->defer_until_us = INT64_MAX;

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
