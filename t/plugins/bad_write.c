/*
 * bad_write.c - repairs the text in place: items are read-only.
 */
#include "broken.h"


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    const sms_msg_t  *m = batch->items;
    char             *text;

    memcpy(&text, &m->text.ptr, sizeof(text));
    text[0] = 'X';

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
