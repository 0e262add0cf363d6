/*
 * content.c - rule: what Turkish law and carriers ask of a text; no grants.
 *
 * The rules and what they report are in content_rules.h and content_finding.def,
 * the words in content_words.def.  Everything is compiled once per instance.
 */
#include "content_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define CONTENT_SEVERITIES  "off|warn|confirm|block"    /* sms_severity_t         */

#define CONTENT_TOPIC(name_, def_, doc_)                                        \
    { .name = name_, .type = SMS_CONF_ENUM, .def = def_,                         \
      .choices = CONTENT_SEVERITIES, .doc = doc_ }

static const sms_conf_key_t  content_keys[] = {
    { .name = "tacir_identity", .type = SMS_CONF_ENUM, .def = "mersis_title",
      .choices = "mersis_title|mersis",
      .doc = "what names a tacir: MERSIS number with trade title, or the number alone" },
    { .name = "esnaf_identity", .type = SMS_CONF_ENUM, .def = "tckn", .choices = "tckn|vkn",
      .doc = "what numbers an esnaf: TCKN, or the tax number instead where there is one" },
    { .name = "nature_word", .type = SMS_CONF_ENUM, .def = "obvious",
      .choices = "obvious|always",
      .doc = "whether words of promotion make the nature of a text obvious enough" },
    { .name = "contact_short_number", .type = SMS_CONF_BOOL, .def = "off",
      .doc = "the reject number alone counts as contact" },
    CONTENT_TOPIC("gambling", "block", "severity of words of betting and gambling"),
    CONTENT_TOPIC("adult", "block", "severity of adult content"),
    CONTENT_TOPIC("politics", "confirm", "severity of words of political campaigning"),
    CONTENT_TOPIC("religion", "warn", "severity of words of religious campaigning or fraud"),
    CONTENT_TOPIC("alcohol", "warn", "severity of alcoholic drinks"),
    CONTENT_TOPIC("tobacco", "warn", "severity of tobacco and e-cigarettes"),
    CONTENT_TOPIC("medicine", "warn", "severity of medicine"),
    CONTENT_TOPIC("health", "warn", "severity of promotion for health services"),
    { .name = NULL }
};

static const struct { content_group_t group; const char *key; }  content_topic_keys[] = {
    { CONTENT_GAMBLING, "gambling" }, { CONTENT_ADULT, "adult" },
    { CONTENT_POLITICS, "politics" }, { CONTENT_RELIGION, "religion" },
    { CONTENT_ALCOHOL, "alcohol" }, { CONTENT_TOBACCO, "tobacco" },
    { CONTENT_MEDICINE, "medicine" }, { CONTENT_HEALTH, "health" }
};

typedef struct {
    sms_host_t  *host;
    content_t    rules;
} content_plugin_t;


static sms_rc_t
content_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    content_plugin_t  *p;
    content_conf_t    *c;
    size_t             i;

    p = calloc(1, sizeof(content_plugin_t));
    if (p == NULL || content_rules_init(&p->rules) != 0) {
        free(p);
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    p->host = h;
    c = &p->rules.conf;
    c->tacir_identity = (uint32_t) conf->num(conf, "tacir_identity");
    c->esnaf_identity = (uint32_t) conf->num(conf, "esnaf_identity");
    c->nature_word = (uint32_t) conf->num(conf, "nature_word");
    c->contact_short_number = (uint32_t) conf->num(conf, "contact_short_number");
    for (i = 0; i < sizeof(content_topic_keys) / sizeof(content_topic_keys[0]); i++) {
        c->topic[content_topic_keys[i].group] =
            (uint32_t) conf->num(conf, content_topic_keys[i].key);
    }
    *inst = p;

    return SMS_OK;
}


static void
content_exit(void *inst)
{
    content_plugin_t  *p = inst;

    content_rules_free(&p->rules);
    free(p);
}


/* findings and their repairs, in one piece that lives until the call ends */
static sms_rc_t
content_keep(content_plugin_t *p, sms_call_t call, sms_verdict_t *v)
{
    content_t      *c = &p->rules;
    sms_finding_t  *f;
    char           *text;
    uint32_t        i;

    if (c->nfindings == 0) {
        return SMS_OK;
    }

    f = p->host->core->alloc(p->host, call,
                             c->nfindings * sizeof(sms_finding_t) + c->nrepairs);
    if (f == NULL) {
        return SMS_E_NOMEM;
    }
    text = (char *) (f + c->nfindings);
    memcpy(f, c->findings, c->nfindings * sizeof(sms_finding_t));
    if (c->nrepairs) {
        memcpy(text, c->repairs, c->nrepairs);
    }

    for (i = 0; i < c->nfindings; i++) {
        if (f[i].repair.len) {
            f[i].repair.ptr = text + (f[i].repair.ptr - c->repairs);
        }
    }

    v->findings = f;
    v->nfindings = c->nfindings;
    v->stride = sizeof(sms_finding_t);

    return SMS_OK;
}


static sms_rc_t
content_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    content_plugin_t  *p = inst;
    const sms_msg_t   *msg;
    sms_verdict_t     *v;
    uint32_t           i;

    for (i = 0; i < batch->n; i++) {
        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);

        v->version = (sms_str_t) SMS_STR(CONTENT_VERSION);
        v->action = SMS_PASS;
        v->status = content_rules_judge(&p->rules, msg) == 0 ? content_keep(p, call, v)
                                                             : SMS_E_NOMEM;
    }

    return SMS_OK;
}


static const sms_ops_t  content_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = content_keys,
    .init = content_init,
    .exit = content_exit,
    .rule_evaluate = content_evaluate
};

SMS_PLUGIN("content", "0.1.0", "BSD-2-Clause",
           "What Turkish law and carriers ask of a text", 1u << SMS_KIND_RULE, content_ops);
