/*
 * rule_word.c - a rule that finds one word: two blocks of it are two versions of a rule.
 *
 *     word X;  severity warn|confirm|block;  version V;  fail on;
 *
 * The finding's code is "word-X".  "fail on" fails each text.
 */
#define _GNU_SOURCE                     /* memmem()                              */
#include "sms_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    sms_host_t     *host;
    sms_str_t       word, version;
    int             fail;
    char            code[64];
    sms_finding_t   finding;
} word_t;

static const sms_conf_key_t  word_keys[] = {
    { .name = "word", .type = SMS_CONF_STR, .required = 1, .doc = "What it finds." },
    { .name = "version", .type = SMS_CONF_STR, .def = "1", .doc = "Of the rule." },
    { .name = "severity", .type = SMS_CONF_ENUM, .def = "block",
      .choices = "off|warn|confirm|block", .doc = "Proposed." },
    { .name = "fail", .type = SMS_CONF_BOOL, .def = "off", .doc = "Whether it fails." },
    { .name = NULL }
};


static sms_rc_t
word_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    word_t  *w;

    w = calloc(1, sizeof(word_t));
    if (w == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    w->host = h;
    w->word = conf->str(conf, "word");
    w->version = conf->str(conf, "version");
    w->fail = (int) conf->num(conf, "fail");
    snprintf(w->code, sizeof(w->code), "word-%.*s", (int) w->word.len, w->word.ptr);
    w->finding.code.ptr = w->code;
    w->finding.code.len = strlen(w->code);
    w->finding.severity = (uint32_t) conf->num(conf, "severity");
    w->finding.floor = SMS_SEVERITY_OFF;
    w->finding.detail_tr = (sms_str_t) SMS_STR("Metinde bu sözcük var.");
    w->finding.detail_en = (sms_str_t) SMS_STR("The text has this word.");
    w->finding.source = (sms_str_t) SMS_STR("house rule");
    *inst = w;

    return SMS_OK;
}


static void
word_exit(void *inst)
{
    free(inst);
}


static sms_rc_t
word_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    word_t           *w = inst;
    uint32_t          i;
    const char       *at;
    sms_finding_t    *f;
    sms_verdict_t    *v;
    const sms_msg_t  *m;

    for (i = 0; i < batch->n; i++) {

        m = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);
        v->status = w->fail ? SMS_E_DOWN : SMS_OK;
        v->action = SMS_PASS;
        v->version = w->version;
        at = memmem(m->text.ptr, m->text.len, w->word.ptr, w->word.len);

        if (at == NULL || w->fail) {
            continue;
        }

        f = w->host->core->alloc(w->host, call, sizeof(sms_finding_t));
        if (f == NULL) {
            v->status = SMS_E_NOMEM;
            continue;
        }

        *f = w->finding;
        f->begin = (uint32_t) (at - m->text.ptr);
        f->len = (uint32_t) w->word.len;
        v->findings = f;
        v->nfindings = 1;
        v->stride = sizeof(sms_finding_t);
    }

    return SMS_OK;
}


static const sms_ops_t  word_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = word_keys,
    .init = word_init,
    .exit = word_exit,
    .rule_evaluate = word_evaluate
};

SMS_PLUGIN("word", "1", "BSD-2-Clause", "Finds a word", 1u << SMS_KIND_RULE, word_ops);
