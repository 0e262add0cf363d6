/*
 * bad_abi.c - says that it was built for a far later minor of the ABI.
 */
#include "broken.h"

#undef SMS_ABI_MINOR
#define SMS_ABI_MINOR  99

BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_pass);
