/*
 * bad_grant.c - uses the dictionary without looking whether it was granted.
 */
#include "broken.h"


static sms_rc_t
broken_begin(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    sms_rc_t  rc;

    rc = h->dict->set(h, (sms_str_t) SMS_STR("seen"), (sms_str_t) SMS_STR("1"), 1000);

    return rc == SMS_OK ? broken_init(h, conf, inst, err, errcap) : rc;
}


BROKEN(SMS_KIND_RULE, .init = broken_begin, .exit = broken_exit, .rule_evaluate = broken_pass);
