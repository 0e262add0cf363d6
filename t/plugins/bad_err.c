/*
 * bad_err.c - writes more error text than there is room for.
 */
#include "broken.h"


static sms_rc_t
broken_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    (void) conf;
    (void) errcap;
    memset(err, 'x', 200);

    return SMS_OK;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_pass,
       .check = broken_check);
