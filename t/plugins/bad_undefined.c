/*
 * bad_undefined.c - uses a symbol of a library that it neither names nor declares.
 */
#include "broken.h"

extern int  sms_no_such_function(const char *text);


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    return sms_no_such_function("x") ? SMS_E_INTERNAL : broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
