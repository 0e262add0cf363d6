/*
 * bad_export.c - exports a third symbol, which may meet another plugin's.
 */
#include "broken.h"

__attribute__((visibility("default"))) int  broken_counter;

BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_pass);
