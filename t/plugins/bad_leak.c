/*
 * bad_leak.c - keeps a block of memory of each instance.
 */
#include "broken.h"


static sms_rc_t
broken_begin(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    char *volatile  lost;

    lost = malloc(100);
    if (lost == NULL) {
        return SMS_E_NOMEM;
    }
    lost[0] = 1;
    lost = NULL;

    return broken_init(h, conf, inst, err, errcap);
}


BROKEN(SMS_KIND_RULE, .init = broken_begin, .exit = broken_exit, .rule_evaluate = broken_pass);
