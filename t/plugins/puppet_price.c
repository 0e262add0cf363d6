/*
 * puppet_price.c - a tariff that asks what its block says, for the tests of the
 * host.  With PUPPET_HOLD it would keep the funds itself.
 */
#include "sms_plugin.h"

#include <string.h>

static int64_t  price_micro;
static char     price_unit[4];

static const sms_conf_key_t  price_keys[] = {
    { .name = "price", .type = SMS_CONF_INT, .def = "0", .doc = "Of a message, in millionths." },
    { .name = "unit", .type = SMS_CONF_STR, .def = "TRY", .doc = "Copied as it is." },
    { .name = NULL }
};


static sms_rc_t
price_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    sms_str_t  unit;

    (void) h;
    (void) err;
    (void) errcap;
    unit = conf->str(conf, "unit");
    memcpy(price_unit, unit.ptr, unit.len < 4 ? unit.len : 4);
    price_micro = conf->num(conf, "price");
    *inst = &price_micro;

    return SMS_OK;
}


static void
price_exit(void *inst)
{
    (void) inst;
}


static sms_rc_t
price_quote(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_quote_t  *q;
    uint32_t      i;

    (void) inst;
    (void) call;

    for (i = 0; i < batch->n; i++) {
        q = SMS_AT(sms_quote_t, batch->results, batch->result_stride, i);
        q->amount_micro = price_micro;
        memcpy(q->unit, price_unit, 4);
    }

    return SMS_OK;
}


#ifdef PUPPET_HOLD

static sms_rc_t
price_hold(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    (void) inst;
    (void) call;
    (void) batch;

    return SMS_OK;
}

#endif


static const sms_ops_t  price_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = price_keys,
    .init = price_init,
    .exit = price_exit,
#ifdef PUPPET_HOLD
    .billing_hold = price_hold,
    .billing_settle = price_hold,
    .billing_release = price_hold,
#endif
    .billing_quote = price_quote
};

SMS_PLUGIN("puppet_price", "1", "BSD-2-Clause", "Asks what its block says",
           1u << SMS_KIND_BILLING, price_ops);
