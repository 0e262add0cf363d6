/*
 * my_plugin.c - a rule that finds nothing wrong.
 *
 * Copy the folder, rename, and put your rule where it says so.
 */
#include "sms_plugin.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    sms_host_t  *host;
    int64_t      most_parts;
} my_plugin_t;

/* The host reads this table: it parses, checks and documents the keys.          */
static const sms_conf_key_t  my_plugin_keys[] = {
    { .name = "most_parts", .type = SMS_CONF_INT, .def = "10", .min = 1, .max = 255,
      .doc = "Messages of more parts than this are not looked at." },
    { .name = NULL }
};


static sms_rc_t
my_plugin_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    my_plugin_t  *p;

    p = malloc(sizeof(my_plugin_t));
    if (p == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    p->host = h;
    p->most_parts = conf->num(conf, "most_parts");
    *inst = p;

    return SMS_OK;
}


static void
my_plugin_exit(void *inst)
{
    free(inst);
}


static sms_rc_t
my_plugin_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    const my_plugin_t  *p = inst;
    const sms_msg_t    *msg;
    sms_verdict_t      *v;
    uint32_t            i;

    (void) call;                        /* p->host->core->alloc() would want it   */

    for (i = 0; i < batch->n; i++) {
        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);

        v->status = SMS_OK;
        v->action = SMS_PASS;
        v->version = (sms_str_t) SMS_STR("1");
        if (msg->parts > p->most_parts) {
            continue;
        }

        /* your rule: look at msg->text and fill v->findings */
    }

    return SMS_OK;
}


static const sms_ops_t  my_plugin_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = my_plugin_keys,
    .init = my_plugin_init,
    .exit = my_plugin_exit,
    .rule_evaluate = my_plugin_evaluate
};

SMS_PLUGIN("my_plugin", "0.1.0", "BSD-2-Clause", "Finds nothing wrong",
           1u << SMS_KIND_RULE, my_plugin_ops);
