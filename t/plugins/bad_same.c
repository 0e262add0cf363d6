/*
 * bad_same.c - keeps the one instance it can have in a static variable.
 */
#include "broken.h"

static broken_t  broken_only;


static sms_rc_t
broken_begin(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    (void) conf;
    (void) err;
    (void) errcap;
    broken_only.host = h;
    *inst = &broken_only;

    return SMS_OK;
}


static void
broken_end(void *inst)
{
    (void) inst;
    broken_only.host = NULL;
}


BROKEN(SMS_KIND_RULE, .init = broken_begin, .exit = broken_end, .rule_evaluate = broken_pass);
