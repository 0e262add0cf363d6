/*
 * bad_timer.c - forgets its timer in exit().
 */
#include "broken.h"


static void
broken_tick(void *data)
{
    broken_t  *b = data;

    (void) b->host->loop->timer(b->host, 1000, 0, broken_tick, b);
}


static sms_rc_t
broken_begin(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    sms_rc_t  rc;

    rc = broken_init(h, conf, inst, err, errcap);
    if (rc == SMS_OK) {
        (void) h->loop->timer(h, 1000, 0, broken_tick, *inst);
    }

    return rc;
}


BROKEN(SMS_KIND_RULE, .init = broken_begin, .exit = broken_exit, .rule_evaluate = broken_pass);
