/*
 * bad_string.c - gives out a buffer that the next call overwrites.
 */
#include "broken.h"

#include <stdio.h>

static char  broken_version[64];


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_verdict_t  *v = batch->results;
    int             n;

    (void) broken_pass(inst, call, batch);
    n = snprintf(broken_version, sizeof(broken_version), "%llx", (unsigned long long) call);
    v->version = (sms_str_t) { broken_version, (size_t) n };

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
