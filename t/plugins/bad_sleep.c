/*
 * bad_sleep.c - waits inside a callback; everybody waits with it.
 */
#include "broken.h"

#include <unistd.h>


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    usleep(300);

    return broken_pass(inst, call, batch);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate);
