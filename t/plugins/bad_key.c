/*
 * bad_key.c - has a default that its own range refuses.
 */
#include "broken.h"

static const sms_conf_key_t  broken_keys[] = {
    { .name = "limit", .type = SMS_CONF_INT, .def = "500", .min = 1, .max = 100,
      .doc = "A limit." },
    { .name = NULL }
};

BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_pass,
       .conf_keys = broken_keys);
