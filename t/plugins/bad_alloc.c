/*
 * bad_alloc.c - takes for granted that memory can always be had.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t       *b = inst;
    sms_verdict_t  *v;
    uint32_t        i;
    char           *p;

    (void) broken_pass(inst, call, batch);
    for (i = 0; i < batch->n; i++) {
        p = b->host->core->alloc(b->host, call, 8);
        memcpy(p, "rules-01", 8);
        v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);
        v->version = (sms_str_t) { p, 8 };
    }

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
