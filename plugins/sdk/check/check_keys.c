/*
 * check_keys.c - the table of configuration keys and the table of functions.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <string.h>


static int
check_key_name(const char *s)
{
    size_t  i;

    if (strcmp(s, "grant") == 0 || strcmp(s, "include") == 0) {
        return 0;
    }
    for (i = 0; s[i]; i++) {
        if (!((s[i] >= 'a' && s[i] <= 'z') || (i && s[i] >= '0' && s[i] <= '9')
              || (i && s[i] == '_')))
        {
            return 0;
        }
    }

    return i > 0 && i <= 63;
}


/* NULL, or what is wrong with key "k" */
static const char *
check_key(const sms_conf_key_t *k)
{
    static char  why[300];

    char     err[256];
    int64_t  num;

    if (k->type < SMS_CONF_STR || k->type > SMS_CONF_LIST) {
        snprintf(why, sizeof(why), "type %u out of range", k->type);
        return why;
    }
    if (k->doc == NULL || k->doc[0] == '\0') {
        return "no doc: it is the text of the manual and of the form";
    }
    if (k->required > 1) {
        return "required is neither 0 nor 1";
    }
    if (k->required && k->def) {
        return "required, and yet a default";
    }
    if (k->min > k->max) {
        return "min is above max";
    }
    if (k->type == SMS_CONF_ENUM
        && (k->choices == NULL || k->choices[0] == '\0' || k->choices[0] == '|'
            || strstr(k->choices, "||") || k->choices[strlen(k->choices) - 1] == '|'))
    {
        return "choices are not of the form \"a|b|c\"";
    }
    if (k->type == SMS_CONF_SECRET && k->def) {
        return "a secret with a default is none";
    }
    if (k->def && fakehost_conf_value(k, k->def, &num, err, sizeof(err)) != SMS_OK) {
        snprintf(why, sizeof(why), "its default is refused: %s", err);
        return why;
    }
    if (k->def == NULL && !k->required
        && (k->type == SMS_CONF_INT || k->type == SMS_CONF_MSEC || k->type == SMS_CONF_SIZE
            || k->type == SMS_CONF_BOOL || k->type == SMS_CONF_ENUM))
    {
        return "neither required nor a default: num() would say 0";
    }

    return NULL;
}


static int
check_key_refuses(const sms_conf_key_t *k)
{
    char     err[256], over[64];
    int64_t  num;

    switch (k->type) {

    case SMS_CONF_STR:
    case SMS_CONF_SECRET:
    case SMS_CONF_LIST:
        return 1;

    case SMS_CONF_PATH:
        return fakehost_conf_value(k, "", &num, err, sizeof(err)) != SMS_OK;

    case SMS_CONF_BOOL:
    case SMS_CONF_ENUM:
        return fakehost_conf_value(k, "no such word", &num, err, sizeof(err)) != SMS_OK;

    default:
        snprintf(over, sizeof(over), "%lld%s",
                 (long long) (k->max < INT64_MAX / 2 ? k->max + 1 : k->max),
                 k->type == SMS_CONF_MSEC ? "ms" : "");
        return fakehost_conf_value(k, "12x", &num, err, sizeof(err)) != SMS_OK
               && ((k->min == 0 && k->max == 0) || k->max >= INT64_MAX / 2
                   || fakehost_conf_value(k, over, &num, err, sizeof(err)) != SMS_OK);
    }
}


static void
check_key_table(check_t *c)
{
    const sms_conf_key_t  *k, *other;
    const char            *why;
    uint32_t               i, m;

    if (c->ops->conf_keys == NULL) {
        check_ok(c, 1, "has no configuration keys");
        return;
    }
    if (c->ops->conf_key_stride < offsetof(sms_conf_key_t, max)
        || c->ops->conf_key_stride % sizeof(void *))
    {
        check_ok(c, 0, "conf_key_stride %u is no size of a key", c->ops->conf_key_stride);
        return;
    }

    for (i = 0; i < CHECK_CONF_MAX; i++) {
        check_step(c, "conf_keys[%u]", i);
        k = SMS_AT(const sms_conf_key_t, c->ops->conf_keys, c->ops->conf_key_stride, i);
        if (k->name == NULL) {
            break;
        }
        why = check_key_name(k->name) ? check_key(k)
              : "the name is no word of a-z, 0-9 and _, or taken (grant, include)";
        for (m = 0; m < i && why == NULL; m++) {
            other = SMS_AT(const sms_conf_key_t, c->ops->conf_keys, c->ops->conf_key_stride, m);
            if (strcmp(other->name, k->name) == 0) {
                why = "defined twice";
            }
        }
        if (why == NULL && !check_key_refuses(k)) {
            why = "takes values outside its type or range";
        }
        check_ok(c, why == NULL, "key %s%s%s", k->name, why ? ": " : "", why ? why : "");
    }
    check_ok(c, i < CHECK_CONF_MAX, "the key table ends with an empty name");
}


static int
check_offered(const check_t *c, fakehost_op_t op)
{
    return fakehost_op_offered(c->ops, op);
}


static void
check_ops_table(check_t *c)
{
    const sms_ops_t  *ops = c->ops;
    uint32_t          i, kinds = c->manifest.kinds;

    check_ok(c, ops->size >= offsetof(sms_ops_t, operator_window) && ops->size <= 4096,
             "ops.size %u is the size of a table of functions", ops->size);
    check_ok(c, SMS_HAS(sms_ops_t, ops, init) && SMS_HAS(sms_ops_t, ops, exit),
             "offers init() and exit()");

    for (i = 0; i < FAKEHOST_OPS; i++) {
        if (check_offered(c, i) && fakehost_op_kind(i) && !(fakehost_op_kind(i) & kinds)) {
            check_ok(c, 0, "offers %s, but its manifest does not name the kind",
                     fakehost_op_name(i));
        }
        if (!check_offered(c, i) && (fakehost_op_kind(i) & kinds)
            && i != FAKEHOST_BILLING_HOLD && i != FAKEHOST_BILLING_SETTLE
            && i != FAKEHOST_BILLING_RELEASE && i != FAKEHOST_OPERATOR_QUERY
            && i != FAKEHOST_OPERATOR_CANCEL)
        {
            check_ok(c, 0, "its manifest names a kind, but it does not offer %s",
                     fakehost_op_name(i));
        }
    }

    if (check_offered(c, FAKEHOST_BILLING_HOLD)) {
        check_ok(c, check_offered(c, FAKEHOST_BILLING_SETTLE)
                 && check_offered(c, FAKEHOST_BILLING_RELEASE),
                 "offers billing_settle and billing_release with billing_hold");
    }
    if (check_offered(c, FAKEHOST_OPERATOR_SUBMIT)) {
        check_ok(c, SMS_HAS(sms_ops_t, ops, operator_window),
                 "offers operator_window() with operator_submit()");
    }
    if (kinds & (1u << SMS_KIND_PAYMENT | 1u << SMS_KIND_SIGNATURE)) {
        check_ok(c, check_offered(c, FAKEHOST_HTTP_IN),
                 "offers http_in(), through which payments and signatures come back");
    }
}


void
check_keys(check_t *c)
{
    check_ops_table(c);
    check_key_table(c);
}
