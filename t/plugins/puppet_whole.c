/*
 * puppet_whole.c - an operator that wants whole messages.
 */
#include "broken.h"


static uint32_t
whole_window(void *inst)
{
    (void) inst;
    return 0;
}


BROKEN(SMS_KIND_OPERATOR, .flags = SMS_OPERATOR_WHOLE, .init = broken_init, .exit = broken_exit,
       .operator_submit = broken_pass, .operator_window = whole_window);
