/*
 * bad_kind.c - names two kinds and serves one.
 */
#include "broken.h"

static const sms_ops_t  broken_ops = {
    .size = sizeof(sms_ops_t), .init = broken_init, .exit = broken_exit,
    .rule_evaluate = broken_pass
};

SMS_PLUGIN("broken", "1", "BSD-2-Clause", "Breaks one rule",
           1u << SMS_KIND_RULE | 1u << SMS_KIND_ROUTER, broken_ops);
