/*
 * bad_manifest.c - has no manifest section: the host would have to run code to know it.
 */
#include "broken.h"

static const sms_ops_t  broken_ops = {
    .size = sizeof(sms_ops_t), .init = broken_init, .exit = broken_exit,
    .rule_evaluate = broken_pass
};

__attribute__((visibility("default"))) const sms_manifest_t  sms_plugin_manifest = {
    "SMSPLUG", sizeof(sms_manifest_t), SMS_ABI_MAJOR, SMS_ABI_MINOR, 1, 0,
    "broken", "1", "BSD-2-Clause", "No section"
};

__attribute__((visibility("default"))) const sms_ops_t *const  sms_plugin_ops = &broken_ops;
