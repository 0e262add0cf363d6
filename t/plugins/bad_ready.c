/*
 * bad_ready.c - answers whether it is ready with a number of its own.
 */
#include "broken.h"


static int
broken_ready(void *inst)
{
    (void) inst;
    return 100;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_pass,
       .ready = broken_ready);
