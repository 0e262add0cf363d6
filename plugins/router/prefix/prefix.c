/*
 * prefix.c - router by longest prefix of the destination; no grants.
 *
 * The table is a file; example.routes explains it.  Nothing here changes after
 * init(), so a message gets the same links from every worker that has read the
 * same file.
 */
#include "sms_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix_table.h"


static const sms_conf_key_t  prefix_keys[] = {
    { .name = "table", .type = SMS_CONF_PATH, .required = 1,
      .doc = "file of routes; plugins/router/prefix/example.routes explains it" },
    { .name = NULL }
};


/* 0, or -1: the link of some line is not configured */
static int
prefix_resolve(prefix_table_t *t, const sms_conf_t *conf, sms_str_t path, char *err,
    size_t errcap)
{
    const sms_link_t  *link;
    prefix_link_t     *l;
    uint32_t           i, k, m;

    for (i = 0; i < t->n; i++) {
        for (k = 0; k < t->rules[i].nlinks; k++) {

            l = &t->rules[i].links[k];
            for (m = 0; m < conf->nlinks; m++) {
                link = SMS_AT(const sms_link_t, conf->links, conf->link_stride, m);
                if (link->name.len == l->len
                    && memcmp(link->name.ptr, t->text + l->name, l->len) == 0)
                {
                    l->id = link->id;
                    break;
                }
            }

            if (m == conf->nlinks) {
                snprintf(err, errcap, "%.*s:%u: link \"%.*s\" is not configured",
                         (int) path.len, path.ptr, t->rules[i].line,
                         (int) (l->len < 64 ? l->len : 64), t->text + l->name);
                return -1;
            }
        }
    }

    return 0;
}


static sms_rc_t
prefix_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    prefix_table_t  t;
    sms_str_t       path;
    sms_rc_t        rc;

    path = conf->str(conf, "table");
    if (prefix_table_read(&t, path.ptr, path.len, err, errcap) != 0) {
        return SMS_E_CONFIG;
    }

    rc = prefix_resolve(&t, conf, path, err, errcap) == 0 ? SMS_OK : SMS_E_CONFIG;
    prefix_table_free(&t);

    return rc;
}


static sms_rc_t
prefix_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    prefix_table_t  *t;
    sms_str_t        path;

    t = malloc(sizeof(prefix_table_t));
    if (t == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    (void) h;
    path = conf->str(conf, "table");
    if (prefix_table_read(t, path.ptr, path.len, err, errcap) != 0
        || prefix_resolve(t, conf, path, err, errcap) != 0)
    {
        prefix_table_free(t);
        free(t);
        return SMS_E_CONFIG;
    }
    *inst = t;

    return SMS_OK;
}


static void
prefix_exit(void *inst)
{
    prefix_table_free(inst);
    free(inst);
}


static sms_rc_t
prefix_choose(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    const prefix_rule_t  *rule;
    const sms_msg_t      *msg;
    sms_route_t          *r;
    uint32_t              i;

    (void) call;

    for (i = 0; i < batch->n; i++) {
        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        r = SMS_AT(sms_route_t, batch->results, batch->result_stride, i);

        r->status = SMS_OK;
        rule = prefix_table_find(inst, msg->klass, msg->to.ptr, msg->to.len);
        if (rule == NULL) {
            r->nlinks = 0;
            r->reason = (sms_str_t) SMS_STR("no-route");
            continue;
        }

        r->nlinks = prefix_table_order(rule, msg->id, r->link);
        r->reason = (sms_str_t) { rule->reason, rule->reason_len };
    }

    return SMS_OK;
}


static const sms_ops_t  prefix_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = prefix_keys,
    .check = prefix_check,
    .init = prefix_init,
    .exit = prefix_exit,
    .router_choose = prefix_choose
};

SMS_PLUGIN("prefix", "0.1.0", "BSD-2-Clause", "Routes by longest prefix of the destination",
           1u << SMS_KIND_ROUTER, prefix_ops);
