/*
 * bad_place.c - points behind the end of the text.
 */
#include "broken.h"

static const sms_finding_t  broken_finding = {
    .code = SMS_STR("far"), .severity = SMS_SEVERITY_WARN, .begin = 5000, .len = 3,
    .detail_tr = SMS_STR("Uzak."), .detail_en = SMS_STR("Far.")
};


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_verdict_t  *v = batch->results;

    (void) broken_pass(inst, call, batch);
    v->findings = &broken_finding;
    v->nfindings = 1;
    v->stride = sizeof(sms_finding_t);

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
