/*
 * bad_fd.c - leaves a descriptor open.
 */
#include "broken.h"

#include <unistd.h>


static void
broken_end(void *inst)
{
    free(inst);
    if (dup(1) < 0) {
        abort();
    }
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_end, .rule_evaluate = broken_pass);
