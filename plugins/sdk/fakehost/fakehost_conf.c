/*
 * fakehost_conf.c - "key=value" strings against a plugin's table of keys.
 */
#define _GNU_SOURCE
#include "fakehost_impl.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

typedef struct {
    const sms_conf_key_t  *key;
    fakehost_list_t        values;
    int64_t                num;
    int                    given;
} fakehost_value_t;

struct fakehost_conf_s {
    sms_conf_t        table;            /* first: the plugin gets its address     */
    fakehost_value_t *values;
    uint32_t          n;
};

typedef struct { const char *suffix; int64_t factor; } fakehost_unit_t;

static const fakehost_unit_t  fakehost_times[] = {
    { "ms", 1 }, { "", 1000 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
    { "d", 86400000 }, { NULL, 0 }
};
static const fakehost_unit_t  fakehost_sizes[] = {
    { "", 1 }, { "k", 1024 }, { "K", 1024 }, { "m", 1048576 }, { "M", 1048576 },
    { "g", 1073741824 }, { "G", 1073741824 }, { NULL, 0 }
};
static const fakehost_unit_t  fakehost_plain[] = { { "", 1 }, { NULL, 0 } };


static const sms_conf_key_t *
fakehost_conf_key(const sms_ops_t *ops, uint32_t i)
{
    if (!SMS_HAS(sms_ops_t, ops, conf_keys)) {
        return NULL;
    }

    return SMS_AT(const sms_conf_key_t, ops->conf_keys, ops->conf_key_stride, i);
}


static int
fakehost_conf_number(const char *value, const fakehost_unit_t *units, int64_t *num)
{
    long long  n;
    char      *end;

    if (value[0] == '\0' || strchr(" \t+", value[0])) {
        return 0;
    }
    errno = 0;
    n = strtoll(value, &end, 10);
    if (errno || end == value) {
        return 0;
    }

    for ( ; units->suffix; units++) {
        if (strcmp(end, units->suffix) == 0) {
            return !__builtin_mul_overflow((int64_t) n, units->factor, num);
        }
    }

    return 0;
}


static int64_t
fakehost_conf_choice(const char *choices, const char *value)
{
    const char  *p, *end;
    int64_t      i;

    for (p = choices, i = 0; p && *p; i++) {
        end = strchrnul(p, '|');
        if ((size_t) (end - p) == strlen(value) && strncmp(p, value, strlen(value)) == 0) {
            return i;
        }
        p = *end ? end + 1 : end;
    }

    return -1;
}


sms_rc_t
fakehost_conf_value(const sms_conf_key_t *key, const char *value, int64_t *num,
    char *err, size_t errcap)
{
    const fakehost_unit_t  *units;

    *num = 0;
    units = NULL;

    switch (key->type) {

    case SMS_CONF_STR:
    case SMS_CONF_SECRET:
    case SMS_CONF_LIST:
        return SMS_OK;

    case SMS_CONF_PATH:
        if (value[0] == '\0') {
            snprintf(err, errcap, "%s: empty path", key->name);
            return SMS_E_CONFIG;
        }
        return SMS_OK;

    case SMS_CONF_BOOL:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
            snprintf(err, errcap, "%s: \"%s\" is neither on nor off", key->name, value);
            return SMS_E_CONFIG;
        }
        *num = value[1] == 'n';
        return SMS_OK;

    case SMS_CONF_ENUM:
        *num = fakehost_conf_choice(key->choices, value);
        if (*num < 0) {
            snprintf(err, errcap, "%s: \"%s\" is none of %s", key->name, value,
                     key->choices ? key->choices : "(no choices)");
            return SMS_E_CONFIG;
        }
        return SMS_OK;

    case SMS_CONF_INT:
        units = fakehost_plain;
        break;

    case SMS_CONF_MSEC:
        units = fakehost_times;
        break;

    case SMS_CONF_SIZE:
        units = fakehost_sizes;
        break;

    default:
        snprintf(err, errcap, "%s: unknown type %u", key->name, key->type);
        return SMS_E_CONFIG;
    }

    if (!fakehost_conf_number(value, units, num)
        || (key->type != SMS_CONF_INT && *num < 0))
    {
        snprintf(err, errcap, "%s: \"%s\" is no %s", key->name, value,
                 key->type == SMS_CONF_INT ? "number"
                 : key->type == SMS_CONF_MSEC ? "time" : "size");
        return SMS_E_CONFIG;
    }
    if ((key->min != 0 || key->max != 0) && (*num < key->min || *num > key->max)) {
        snprintf(err, errcap, "%s: \"%s\" is not within %lld..%lld", key->name, value,
                 (long long) key->min, (long long) key->max);
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


static char *
fakehost_conf_absolute(const char *path)
{
    char  *cwd, *full;

    if (path[0] == '/') {
        return fakehost_copy(path, strlen(path));
    }
    cwd = getcwd(NULL, 0);
    full = fakehost_text("%s/%s", cwd ? cwd : "", path);
    free(cwd);

    return full;
}


static sms_rc_t
fakehost_conf_set(fakehost_value_t *v, const char *value, char *err, size_t errcap)
{
    sms_rc_t  rc;

    rc = fakehost_conf_value(v->key, value, &v->num, err, errcap);
    if (rc == SMS_OK) {
        fakehost_push(&v->values, v->key->type == SMS_CONF_PATH
                                  ? fakehost_conf_absolute(value)
                                  : fakehost_copy(value, strlen(value)));
    }

    return rc;
}


static const fakehost_value_t *
fakehost_conf_find(const sms_conf_t *c, const char *name)
{
    const fakehost_conf_t  *conf = (const fakehost_conf_t *) c;
    uint32_t                i;

    for (i = 0; i < conf->n; i++) {
        if (strcmp(conf->values[i].key->name, name) == 0) {
            return &conf->values[i];
        }
    }

    /* a key that is not in the plugin's own table: its author's mistake */
    fprintf(stderr, "fakehost: the plugin asks for key \"%s\", which is not in its table\n",
            name);
    abort();
}


static sms_str_t
fakehost_conf_item(const sms_conf_t *c, const char *name, uint32_t i)
{
    const fakehost_value_t  *v;

    v = fakehost_conf_find(c, name);
    if (i >= v->values.n) {
        return (sms_str_t) { NULL, 0 };
    }

    return (sms_str_t) { v->values.at[i], strlen(v->values.at[i]) };
}


static sms_str_t
fakehost_conf_str(const sms_conf_t *c, const char *name)
{
    return fakehost_conf_item(c, name, 0);
}


static int64_t
fakehost_conf_num(const sms_conf_t *c, const char *name)
{
    return fakehost_conf_find(c, name)->num;
}


static uint32_t
fakehost_conf_count(const sms_conf_t *c, const char *name)
{
    return (uint32_t) fakehost_conf_find(c, name)->values.n;
}


static sms_rc_t
fakehost_conf_fill(fakehost_conf_t *c, const char *const *conf, size_t nconf,
    char *err, size_t errcap)
{
    fakehost_value_t  *v;
    const char        *eq;
    size_t             i, len;
    uint32_t           k;
    sms_rc_t           rc;

    for (i = 0; i < nconf; i++) {
        eq = strchr(conf[i], '=');
        len = eq ? (size_t) (eq - conf[i]) : strlen(conf[i]);
        v = NULL;
        for (k = 0; k < c->n; k++) {
            v = &c->values[k];
            if (strlen(v->key->name) == len && memcmp(v->key->name, conf[i], len) == 0) {
                break;
            }
        }
        if (k == c->n || v == NULL || eq == NULL) {
            snprintf(err, errcap, "unknown key \"%.*s\"", (int) len, conf[i]);
            return SMS_E_CONFIG;
        }
        if (v->given && v->key->type != SMS_CONF_LIST) {
            snprintf(err, errcap, "%s: given twice", v->key->name);
            return SMS_E_CONFIG;
        }
        v->given = 1;
        rc = fakehost_conf_set(v, eq + 1, err, errcap);
        if (rc != SMS_OK) {
            return rc;
        }
    }

    for (k = 0; k < c->n; k++) {
        v = &c->values[k];
        if (v->given) {
            continue;
        }
        if (v->key->required) {
            snprintf(err, errcap, "%s: required", v->key->name);
            return SMS_E_CONFIG;
        }
        if (v->key->def) {
            rc = fakehost_conf_set(v, v->key->def, err, errcap);
            if (rc != SMS_OK) {
                return rc;
            }
        }
    }

    return SMS_OK;
}


fakehost_conf_t *
fakehost_conf(const sms_ops_t *ops, const char *const *conf, size_t nconf,
    char *err, size_t errcap)
{
    const sms_conf_key_t  *key;
    fakehost_conf_t       *c;
    uint32_t               i;

    c = fakehost_grab(sizeof(*c));
    c->table.size = sizeof(sms_conf_t);
    c->table.str = fakehost_conf_str;
    c->table.num = fakehost_conf_num;
    c->table.count = fakehost_conf_count;
    c->table.item = fakehost_conf_item;

    while ((key = fakehost_conf_key(ops, c->n)) != NULL && key->name) {
        c->n++;
    }
    c->values = fakehost_grab(c->n * sizeof(fakehost_value_t));
    for (i = 0; i < c->n; i++) {
        c->values[i].key = fakehost_conf_key(ops, i);
    }

    if (fakehost_conf_fill(c, conf, nconf, err, errcap) != SMS_OK) {
        fakehost_conf_free(c);
        return NULL;
    }

    return c;
}


void
fakehost_conf_links(fakehost_conf_t *c, const sms_link_t *links, uint32_t n)
{
    c->table.links = links;
    c->table.nlinks = n;
    c->table.link_stride = sizeof(sms_link_t);
}


const sms_conf_t *
fakehost_conf_table(fakehost_conf_t *c)
{
    return &c->table;
}


void
fakehost_conf_free(fakehost_conf_t *c)
{
    uint32_t  i;

    if (c == NULL) {
        return;
    }
    for (i = 0; i < c->n; i++) {
        fakehost_list_free(&c->values[i].values);
    }
    free(c->values);
    free(c);
}
