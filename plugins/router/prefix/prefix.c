/*
 * prefix.c - router by a table of routes: destination, network, sender, class,
 * account; weight and failover; cost.  No grants.
 *
 * The tables are files; example.routes explains them.  Nothing here changes after
 * init(), so a message gets the same links from every worker that has read the
 * same files.
 */
#include "sms_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prefix_table.h"


typedef struct {
    prefix_table_t    table;
    prefix_network_t  networks;
    prefix_cost_t     costs;
    prefix_prefer_t   prefer;
} prefix_t;


static const sms_conf_key_t  prefix_keys[] = {
    { .name = "table", .type = SMS_CONF_PATH, .required = 1,
      .doc = "file of routes; plugins/router/prefix/example.routes explains it" },
    { .name = "networks", .type = SMS_CONF_PATH,
      .doc = "file of networks: NAME MCC-MNC[,MCC-MNC] [PREFIX ...] in each line" },
    { .name = "costs", .type = SMS_CONF_PATH,
      .doc = "file of costs: LINK PREFIX CLASS COST in each line" },
    { .name = "prefer", .type = SMS_CONF_ENUM, .def = "weight",
      .choices = "weight|cheapest|cost",
      .doc = "within a group: by weight; the cheapest first; or by weight that falls as "
             "the cost rises" },
    { .name = NULL }
};


/* the id of a link by its name, or 0 */
static uint32_t
prefix_link_id(const void *data, const char *p, size_t n)
{
    const sms_conf_t  *conf = data;
    const sms_link_t  *link;
    uint32_t           m;

    for (m = 0; m < conf->nlinks; m++) {
        link = SMS_AT(const sms_link_t, conf->links, conf->link_stride, m);
        if (link->name.len == n && memcmp(link->name.ptr, p, n) == 0) {
            return link->id;
        }
    }

    return 0;
}


/* 0, or -1: the link of some line is not configured */
static int
prefix_resolve(prefix_table_t *t, const sms_conf_t *conf, sms_str_t path, char *err,
    size_t errcap)
{
    prefix_link_t  *l;
    uint32_t        i, k;

    for (i = 0; i < t->n; i++) {
        for (k = 0; k < t->rules[i].nlinks; k++) {

            l = &t->rules[i].links[k];
            l->id = prefix_link_id(conf, t->text + l->name, l->len);

            if (l->id == 0) {
                snprintf(err, errcap, "%.*s:%u: link \"%.*s\" is not configured",
                         (int) path.len, path.ptr, t->rules[i].line,
                         (int) (l->len < 64 ? l->len : 64), t->text + l->name);
                return -1;
            }
        }
    }

    return 0;
}


static void
prefix_free(prefix_t *r)
{
    prefix_table_free(&r->table);
    prefix_network_free(&r->networks);
    prefix_cost_free(&r->costs);
}


/* SMS_OK, or the sentence in err and nothing held */
static sms_rc_t
prefix_read(prefix_t *r, const sms_conf_t *conf, char *err, size_t errcap)
{
    prefix_text_t  text;
    sms_str_t      path;
    char           name[4096];

    memset(r, 0, sizeof(*r));
    r->prefer = (prefix_prefer_t) conf->num(conf, "prefer");

    path = conf->str(conf, "networks");
    if (path.len
        && (prefix_text_read(&text, path.ptr, path.len, name, err, errcap) != 0
            || prefix_network_parse(&r->networks, &text) != 0))
    {
        return SMS_E_CONFIG;
    }

    path = conf->str(conf, "costs");
    if (path.len
        && (prefix_text_read(&text, path.ptr, path.len, name, err, errcap) != 0
            || prefix_cost_parse(&r->costs, &text, prefix_link_id, conf) != 0))
    {
        goto failed;
    }

    if (path.len == 0 && r->prefer != PREFIX_BY_WEIGHT) {
        snprintf(err, errcap, "\"prefer\" needs \"costs\", unless it is weight");
        goto failed;
    }

    path = conf->str(conf, "table");
    if (prefix_table_read(&r->table, &r->networks, path.ptr, path.len, err, errcap) == 0
        && prefix_resolve(&r->table, conf, path, err, errcap) == 0)
    {
        return SMS_OK;
    }

failed:

    prefix_free(r);

    return SMS_E_CONFIG;
}


static sms_rc_t
prefix_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    prefix_t  r;
    sms_rc_t  rc;

    rc = prefix_read(&r, conf, err, errcap);
    if (rc == SMS_OK) {
        prefix_free(&r);
    }

    return rc;
}


static sms_rc_t
prefix_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    prefix_t  *r;

    r = malloc(sizeof(prefix_t));
    if (r == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    (void) h;
    if (prefix_read(r, conf, err, errcap) != SMS_OK) {
        free(r);
        return SMS_E_CONFIG;
    }
    *inst = r;

    return SMS_OK;
}


static void
prefix_exit(void *inst)
{
    prefix_free(inst);
    free(inst);
}


static void
prefix_route(const prefix_t *p, const sms_msg_t *msg, sms_route_t *r)
{
    const prefix_rule_t  *rule;
    prefix_choice_t       choice;
    prefix_what_t         what;

    what.klass = msg->klass;
    what.to = msg->to.ptr;
    what.nto = msg->to.len;
    what.account = msg->account;
    what.sender = msg->from.ptr;
    what.nsender = msg->from.len;
    what.country[0] = msg->country[0];
    what.country[1] = msg->country[1];
    what.network = msg->mcc && msg->mnc
                   ? prefix_network_code(&p->networks,
                                         PREFIX_NETWORK_CODE(msg->mcc, msg->mnc))
                   : prefix_network_of(&p->networks, msg->to.ptr, msg->to.len);

    rule = prefix_table_find(&p->table, &what);
    if (rule == NULL) {
        r->nlinks = 0;
        r->reason = (sms_str_t) SMS_STR("no-route");
        return;
    }

    choice.eligible = msg->eligible;
    choice.neligible = msg->neligible;
    choice.prefer = p->prefer;
    choice.costs = &p->costs;

    r->nlinks = prefix_table_order(rule, msg->id, &what, &choice, r->link);
    r->reason = r->nlinks ? (sms_str_t) { rule->reason, rule->reason_len }
                          : (sms_str_t) SMS_STR("not-eligible");
}


static sms_rc_t
prefix_choose(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_route_t  *r;
    uint32_t      i;

    (void) call;

    for (i = 0; i < batch->n; i++) {
        r = SMS_AT(sms_route_t, batch->results, batch->result_stride, i);
        r->status = SMS_OK;
        prefix_route(inst, SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i), r);
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

SMS_PLUGIN("prefix", "0.2.0", "BSD-2-Clause",
           "Routes by destination, network, sender, class and account",
           1u << SMS_KIND_ROUTER, prefix_ops);
