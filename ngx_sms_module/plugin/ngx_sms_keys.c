#include "ngx_sms_keys.h"


static ngx_int_t ngx_sms_keys_table(const sms_ops_t *ops,
    ngx_sms_keys_t *keys, ngx_pool_t *pool, ngx_sms_keys_error_t *err);
static ngx_int_t ngx_sms_keys_key(ngx_sms_keys_t *keys,
    const sms_conf_key_t *key, ngx_sms_keys_error_t *err);
static ngx_sms_keys_entry_t *ngx_sms_keys_find(const ngx_sms_keys_t *keys,
    const char *name, size_t len);
static ngx_int_t ngx_sms_keys_set(ngx_sms_keys_entry_t *e,
    ngx_str_t *value, ngx_str_t *prefix, ngx_pool_t *pool,
    ngx_sms_keys_error_t *err);
static ngx_int_t ngx_sms_keys_number(const sms_conf_key_t *key,
    ngx_str_t *value, int64_t *num, ngx_sms_keys_error_t *err);
static ngx_int_t ngx_sms_keys_integer(ngx_str_t *value, int64_t *num);
static ngx_int_t ngx_sms_keys_choice(const char *choices, ngx_str_t *value,
    int64_t *num);
static void ngx_sms_keys_known(const ngx_sms_keys_t *keys,
    ngx_sms_keys_error_t *err);
static ngx_int_t ngx_sms_keys_say(ngx_sms_keys_error_t *err, const char *fmt,
    ...);

static sms_str_t ngx_sms_keys_str(const sms_conf_t *c, const char *name);
static int64_t ngx_sms_keys_num(const sms_conf_t *c, const char *name);
static uint32_t ngx_sms_keys_count(const sms_conf_t *c, const char *name);
static sms_str_t ngx_sms_keys_item(const sms_conf_t *c, const char *name,
    uint32_t i);


static const char  *ngx_sms_keys_types[] = {
    NULL, "string", "integer", "time", "size", "flag", "enum", "secret",
    "path", "list"
};


ngx_sms_keys_t *
ngx_sms_keys_build(const sms_ops_t *ops, ngx_sms_plugin_t *p,
    ngx_pool_t *pool, ngx_sms_keys_error_t *err)
{
    ngx_str_t                def;
    ngx_uint_t               i;
    ngx_sms_keys_t          *keys;
    ngx_sms_keys_entry_t    *e;
    ngx_sms_plugin_value_t  *v;

    err->value = -1;
    err->text[0] = '\0';

    keys = ngx_pcalloc(pool, sizeof(ngx_sms_keys_t));
    if (keys == NULL) {
        (void) ngx_sms_keys_say(err, "no memory");
        return NULL;
    }

    keys->conf.size = sizeof(sms_conf_t);
    keys->conf.str = ngx_sms_keys_str;
    keys->conf.num = ngx_sms_keys_num;
    keys->conf.count = ngx_sms_keys_count;
    keys->conf.item = ngx_sms_keys_item;
    keys->conf.links = p->plugins->link;
    keys->conf.nlinks = (uint32_t) p->plugins->links;
    keys->conf.link_stride = sizeof(sms_link_t);

    if (ngx_sms_keys_table(ops, keys, pool, err) != NGX_OK) {
        return NULL;
    }

    v = p->values.elts;

    for (i = 0; i < p->values.nelts; i++) {
        err->value = (ngx_int_t) i;

        e = ngx_sms_keys_find(keys, (char *) v[i].name.data, v[i].name.len);

        if (e == NULL) {
            (void) ngx_sms_keys_say(err, "unknown key \"%V\"", &v[i].name);
            ngx_sms_keys_known(keys, err);
            return NULL;
        }

        if (e->given && e->key->type != SMS_CONF_LIST) {
            (void) ngx_sms_keys_say(err, "\"%V\" takes one value and was given "
                                    "more", &v[i].name);
            return NULL;
        }

        if (ngx_sms_keys_set(e, &v[i].value, &p->plugins->prefix, pool,
                             err) != NGX_OK) {
            return NULL;
        }

        e->given = 1;
    }

    err->value = -1;

    for (i = 0; i < keys->n; i++) {
        e = &keys->entries[i];

        if (e->given) {
            continue;
        }

        if (e->key->required) {
            (void) ngx_sms_keys_say(err, "\"%s\" is required: %s",
                                    e->key->name,
                                    e->key->doc ? e->key->doc : "");
            return NULL;
        }

        if (e->key->def == NULL) {
            continue;
        }

        def.data = (u_char *) e->key->def;
        def.len = ngx_strlen(e->key->def);

        if (ngx_sms_keys_set(e, &def, &p->plugins->prefix, pool, err) != NGX_OK) {
            return NULL;
        }
    }

    return keys;
}


static ngx_int_t
ngx_sms_keys_table(const sms_ops_t *ops, ngx_sms_keys_t *keys,
    ngx_pool_t *pool, ngx_sms_keys_error_t *err)
{
    ngx_uint_t             i;
    const sms_conf_key_t  *key;

    keys->entries = ngx_pcalloc(pool, NGX_SMS_KEYS_MAX
                                      * sizeof(ngx_sms_keys_entry_t));
    if (keys->entries == NULL) {
        return ngx_sms_keys_say(err, "no memory");
    }

    if (!SMS_HAS(sms_ops_t, ops, conf_keys)) {
        return NGX_OK;
    }

    /* a plugin's own struct may have grown, but never be shorter */

    if (ops->conf_key_stride < sizeof(sms_conf_key_t)) {
        return ngx_sms_keys_say(err, "the plugin's key table is wrong: "
                                "conf_key_stride is %ui",
                                (ngx_uint_t) ops->conf_key_stride);
    }

    for (i = 0; ; i++) {
        key = SMS_AT(const sms_conf_key_t, ops->conf_keys,
                     ops->conf_key_stride, i);

        if (key->name == NULL) {
            return NGX_OK;
        }

        if (ngx_sms_keys_key(keys, key, err) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_sms_keys_key(ngx_sms_keys_t *keys, const sms_conf_key_t *key,
    ngx_sms_keys_error_t *err)
{
    const char  *p;

    if (keys->n == NGX_SMS_KEYS_MAX) {
        return ngx_sms_keys_say(err, "the plugin's key table is wrong: more "
                                "than %d keys", NGX_SMS_KEYS_MAX);
    }

    for (p = key->name; *p; p++) {
        if (!((*p >= 'a' && *p <= 'z') || *p == '_'
              || (p > key->name && *p >= '0' && *p <= '9')))
        {
            return ngx_sms_keys_say(err, "the plugin's key table is wrong: "
                                    "\"%s\" is no name", key->name);
        }
    }

    if (p == key->name || p - key->name > 63
        || ngx_strcmp(key->name, "grant") == 0
        || ngx_strcmp(key->name, "include") == 0
        || ngx_sms_keys_find(keys, key->name, p - key->name) != NULL)
    {
        return ngx_sms_keys_say(err, "the plugin's key table is wrong: the "
                                "name \"%s\" is empty, reserved or there "
                                "twice", key->name);
    }

    if (key->type < SMS_CONF_STR || key->type > SMS_CONF_LIST
        || (key->type == SMS_CONF_ENUM
            && (key->choices == NULL || key->choices[0] == '\0')))
    {
        return ngx_sms_keys_say(err, "the plugin's key table is wrong: type of "
                                "\"%s\"", key->name);
    }

    keys->entries[keys->n++].key = key;

    return NGX_OK;
}


static ngx_sms_keys_entry_t *
ngx_sms_keys_find(const ngx_sms_keys_t *keys, const char *name, size_t len)
{
    ngx_uint_t  i;

    for (i = 0; i < keys->n; i++) {
        if (ngx_strncmp(keys->entries[i].key->name, name, len) == 0
            && keys->entries[i].key->name[len] == '\0')
        {
            return &keys->entries[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_sms_keys_set(ngx_sms_keys_entry_t *e, ngx_str_t *value,
    ngx_str_t *prefix, ngx_pool_t *pool, ngx_sms_keys_error_t *err)
{
    char       *p;
    size_t      len;
    sms_str_t  *items;

    if (ngx_sms_keys_number(e->key, value, &e->num, err) != NGX_OK) {
        return NGX_ERROR;
    }

    len = 0;

    if (e->key->type == SMS_CONF_PATH && value->len && value->data[0] != '/') {
        len = prefix->len;
    }

    p = ngx_pnalloc(pool, len + value->len + 1);
    items = ngx_palloc(pool, (e->n + 1) * sizeof(sms_str_t));

    if (p == NULL || items == NULL) {
        return ngx_sms_keys_say(err, "no memory");
    }

    if (e->n) {
        ngx_memcpy(items, e->items, e->n * sizeof(sms_str_t));
    }

    items[e->n].ptr = p;
    items[e->n].len = len + value->len;

    p = (char *) ngx_cpymem(p, prefix->data, len);
    p = (char *) ngx_cpymem(p, value->data, value->len);
    *p = '\0';

    e->items = items;
    e->n++;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_keys_number(const sms_conf_key_t *key, ngx_str_t *value, int64_t *num,
    ngx_sms_keys_error_t *err)
{
    const char  *unit;

    unit = "";

    switch (key->type) {

    case SMS_CONF_INT:
        if (ngx_sms_keys_integer(value, num) != NGX_OK) {
            if (key->min == 0 && key->max == 0) {
                return ngx_sms_keys_say(err, "bad value \"%V\" of \"%s\": a "
                                        "whole number is needed", value,
                                        key->name);
            }

            return ngx_sms_keys_say(err, "bad value \"%V\" of \"%s\": a whole "
                                    "number from %L to %L is needed", value,
                                    key->name, key->min, key->max);
        }

        break;

    case SMS_CONF_MSEC:
        unit = " ms";
        *num = ngx_parse_time(value, 0);

        if (value->len == 0 || *num == NGX_ERROR) {
            return ngx_sms_keys_say(err, "bad value \"%V\" of \"%s\": a time "
                                    "such as 500ms, 10s or 2m is needed",
                                    value, key->name);
        }

        break;

    case SMS_CONF_SIZE:
        *num = ngx_parse_offset(value);

        if (value->len == 0 || *num == NGX_ERROR) {
            return ngx_sms_keys_say(err, "bad value \"%V\" of \"%s\": a size "
                                    "such as 512, 8k or 2m is needed", value,
                                    key->name);
        }

        break;

    case SMS_CONF_BOOL:
        if (ngx_sms_keys_choice("off|on", value, num) != NGX_OK) {
            return ngx_sms_keys_say(err, "bad value \"%V\" of \"%s\": it must "
                                    "be on or off", value, key->name);
        }

        return NGX_OK;

    case SMS_CONF_ENUM:
        if (ngx_sms_keys_choice(key->choices, value, num) != NGX_OK) {
            return ngx_sms_keys_say(err, "bad value \"%V\" of \"%s\": it must "
                                    "be one of %s", value, key->name,
                                    key->choices);
        }

        return NGX_OK;

    case SMS_CONF_PATH:
        if (value->len == 0) {
            return ngx_sms_keys_say(err, "\"%s\" is an empty path", key->name);
        }

        return NGX_OK;

    default:
        return NGX_OK;
    }

    if ((key->min != 0 || key->max != 0)
        && (*num < key->min || *num > key->max))
    {
        return ngx_sms_keys_say(err, "\"%V\" of \"%s\" is out of range: %L to "
                                "%L%s", value, key->name, key->min, key->max,
                                unit);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_keys_integer(ngx_str_t *value, int64_t *num)
{
    u_char     *p;
    size_t      len;
    ngx_int_t   n;

    p = value->data;
    len = value->len;

    if (len > 1 && p[0] == '-') {
        p++;
        len--;
    }

    n = ngx_atoi(p, len);
    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    *num = (p == value->data) ? n : -n;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_keys_choice(const char *choices, ngx_str_t *value, int64_t *num)
{
    size_t       len;
    int64_t      i;
    const char  *end;

    for (i = 0; ; i++) {
        end = strchr(choices, '|');
        len = end ? (size_t) (end - choices) : ngx_strlen(choices);

        if (len == value->len
            && ngx_memcmp(choices, value->data, len) == 0)
        {
            *num = i;
            return NGX_OK;
        }

        if (end == NULL) {
            return NGX_ERROR;
        }

        choices = end + 1;
    }
}


/* adds "; known are a, b, c" */
static void
ngx_sms_keys_known(const ngx_sms_keys_t *keys, ngx_sms_keys_error_t *err)
{
    u_char      *p, *last;
    ngx_uint_t   i;

    p = err->text + ngx_strlen(err->text);
    last = err->text + NGX_SMS_KEYS_ERROR - 1;

    if (keys->n == 0) {
        p = ngx_slprintf(p, last, ": the plugin has no keys");
    }

    for (i = 0; i < keys->n; i++) {
        p = ngx_slprintf(p, last, "%s%s", i ? ", " : ": known are ",
                         keys->entries[i].key->name);
    }

    *p = '\0';
}


static ngx_int_t
ngx_sms_keys_say(ngx_sms_keys_error_t *err, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(err->text, err->text + NGX_SMS_KEYS_ERROR - 1, fmt,
                      args);
    va_end(args);

    *p = '\0';

    return NGX_ERROR;
}


static sms_str_t
ngx_sms_keys_str(const sms_conf_t *c, const char *name)
{
    return ngx_sms_keys_item(c, name, 0);
}


static int64_t
ngx_sms_keys_num(const sms_conf_t *c, const char *name)
{
    ngx_sms_keys_entry_t  *e;

    e = ngx_sms_keys_find((const ngx_sms_keys_t *) c, name, ngx_strlen(name));

    return e ? e->num : 0;
}


static uint32_t
ngx_sms_keys_count(const sms_conf_t *c, const char *name)
{
    ngx_sms_keys_entry_t  *e;

    e = ngx_sms_keys_find((const ngx_sms_keys_t *) c, name, ngx_strlen(name));

    return e ? e->n : 0;
}


static sms_str_t
ngx_sms_keys_item(const sms_conf_t *c, const char *name, uint32_t i)
{
    sms_str_t              none = { NULL, 0 };
    ngx_sms_keys_entry_t  *e;

    e = ngx_sms_keys_find((const ngx_sms_keys_t *) c, name, ngx_strlen(name));

    return (e && i < e->n) ? e->items[i] : none;
}


void
ngx_sms_keys_describe(const ngx_sms_keys_t *keys, sms_json_t *w)
{
    uint32_t                     j;
    ngx_uint_t                   i;
    const sms_conf_key_t        *key;
    const ngx_sms_keys_entry_t  *e;

    sms_json_array(w);

    for (i = 0; i < keys->n; i++) {
        e = &keys->entries[i];
        key = e->key;

        sms_json_object(w);

        sms_json_key(w, "name");
        sms_json_cstr(w, key->name);
        sms_json_key(w, "type");
        sms_json_cstr(w, ngx_sms_keys_types[key->type]);
        sms_json_key(w, "required");
        sms_json_bool(w, key->required != 0);
        sms_json_key(w, "doc");
        sms_json_cstr(w, key->doc);

        if (key->def) {
            sms_json_key(w, "default");
            sms_json_cstr(w, key->type == SMS_CONF_SECRET ? "***" : key->def);
        }

        if (key->choices) {
            sms_json_key(w, "choices");
            sms_json_cstr(w, key->choices);
        }

        if (key->min != 0 || key->max != 0) {
            sms_json_key(w, "min");
            sms_json_int(w, key->min);
            sms_json_key(w, "max");
            sms_json_int(w, key->max);
        }

        sms_json_key(w, "value");

        if (e->n == 0) {
            sms_json_null(w);

        } else if (key->type == SMS_CONF_SECRET) {
            sms_json_cstr(w, "***");

        } else if (key->type == SMS_CONF_LIST) {
            sms_json_array(w);

            for (j = 0; j < e->n; j++) {
                sms_json_str(w, e->items[j].ptr, e->items[j].len);
            }

            sms_json_end(w);

        } else {
            sms_json_str(w, e->items[0].ptr, e->items[0].len);
        }

        sms_json_key(w, "given");
        sms_json_bool(w, e->given);

        sms_json_end(w);
    }

    sms_json_end(w);
}
