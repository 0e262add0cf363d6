/*
 * bad_clear.c - clears results by the host's stride, behind its own struct.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    memset(batch->results, 0, (size_t) batch->n * batch->result_stride);

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
