/*
 * bad_range.c - reports a severity that does not exist, in large batches only.
 */
#include "broken.h"

static const sms_finding_t  broken_finding = {
    .code = SMS_STR("loud"), .severity = 9, .floor = SMS_SEVERITY_WARN,
    .detail_tr = SMS_STR("Y\xc3\xbcksek sesli."), .detail_en = SMS_STR("Loud.")
};


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_verdict_t  *v;

    (void) broken_pass(inst, call, batch);
    if (batch->n == SMS_BATCH_MAX) {
        v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, 3);
        v->findings = &broken_finding;
        v->nfindings = 1;
        v->stride = sizeof(sms_finding_t);
    }

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
