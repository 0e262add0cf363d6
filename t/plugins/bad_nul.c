/*
 * bad_nul.c - takes a counted string for a C string.
 */
#include "broken.h"

static size_t  broken_sum;


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    const sms_msg_t  *m;
    uint32_t          i;

    for (i = 0; i < batch->n; i++) {
        m = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        broken_sum += strlen(m->text.ptr);
    }

    return broken_sum ? broken_pass(inst, call, batch) : SMS_E_INTERNAL;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
