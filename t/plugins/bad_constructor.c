/*
 * bad_constructor.c - opens a file before anybody asked it to.
 */
#include "broken.h"

#include <fcntl.h>

static int  broken_fd;


__attribute__((constructor)) static void
broken_begin(void)
{
    broken_fd = open("/dev/null", O_RDONLY);
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_pass);
