#include "ngx_sms_directives_plugin.h"

#include "sms_word.h"


#define NGX_SMS_PLUGIN_SHARE  10        /* percent of texts, of a shadow      */


static char *ngx_sms_plugin_item(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_sms_plugin_grant(ngx_conf_t *cf, ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_kind(ngx_conf_t *cf, ngx_str_t *value,
    ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_name(ngx_conf_t *cf, ngx_str_t *value,
    ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_option(ngx_conf_t *cf, ngx_str_t *value,
    ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_policy(ngx_conf_t *cf, ngx_str_t *value,
    ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_words(ngx_conf_t *cf, ngx_str_t *option,
    size_t name, const sms_word_t *table, ngx_uint_t *bits,
    ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_complete(ngx_conf_t *cf,
    ngx_sms_plugins_t *plugins, ngx_sms_plugin_t *p);
static ngx_uint_t ngx_sms_plugin_identifier(ngx_str_t *s, size_t max);
static u_char *ngx_sms_plugin_list(u_char *buf, size_t cap,
    const char *(*name)(ngx_uint_t i), ngx_uint_t first);


/* what happens to items when the plugin fails and the block does not say */
static const ngx_uint_t  ngx_sms_plugin_policies[] = {
    [SMS_KIND_RULE] = NGX_SMS_ON_ERROR_DEFER,
    [SMS_KIND_CONSENT] = NGX_SMS_ON_ERROR_DEFER,
    [SMS_KIND_BILLING] = NGX_SMS_ON_ERROR_DEFER,
    [SMS_KIND_ROUTER] = NGX_SMS_ON_ERROR_ALLOW,     /* the next one is asked  */
    [SMS_KIND_OPERATOR] = NGX_SMS_ON_ERROR_DEFER,
    [SMS_KIND_LOOKUP] = NGX_SMS_ON_ERROR_ALLOW      /* routed by the prefix   */
};


char *
ngx_sms_directives_plugin_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                *rv;
    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_conf_t           save;
    ngx_sms_plugin_t    *p, **slot;
    ngx_sms_plugins_t   *plugins;

    plugins = ngx_sms_conf_plugins(cf);
    value = cf->args->elts;

    if (cf->args->nelts < 4) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sms_plugin\" needs a kind, a name and a file");
        return NGX_CONF_ERROR;
    }

    if (plugins->all.nelts == NGX_SMS_PLUGINS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "more than %d plugins",
                           NGX_SMS_PLUGINS_MAX);
        return NGX_CONF_ERROR;
    }

    p = ngx_pcalloc(cf->pool, sizeof(ngx_sms_plugin_t));
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    p->plugins = plugins;
    p->index = plugins->all.nelts;
    p->conf_file = cf->conf_file->file.name;
    p->conf_line = cf->conf_file->line;
    p->path = value[3];
    p->why = "not loaded";

    if (ngx_array_init(&p->values, cf->pool, 8,
                       sizeof(ngx_sms_plugin_value_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_sms_plugin_kind(cf, &value[1], p) != NGX_OK
        || ngx_sms_plugin_name(cf, &value[2], p) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (value[3].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": the file name is empty",
                           &p->name);
        return NGX_CONF_ERROR;
    }

    for (i = 4; i < cf->args->nelts; i++) {
        if (ngx_sms_plugin_option(cf, &value[i], p) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_sms_plugin_complete(cf, plugins, p) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&plugins->all);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = p;

    save = *cf;
    cf->handler = ngx_sms_plugin_item;
    cf->handler_conf = (char *) p;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


char *
ngx_sms_directives_plugin_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t          *value;
    ngx_sms_plugins_t  *plugins;

    plugins = ngx_sms_conf_plugins(cf);

    if (plugins->path.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    plugins->path = value[1];

    if (value[1].len == 0) {
        return "is empty";
    }

    if (ngx_conf_full_name(cf->cycle, &plugins->path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_sms_directives_plugin_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                    *eq;
    size_t                     len;
    ssize_t                    n;
    ngx_str_t                 *value, text;
    ngx_uint_t                 i, j;
    ngx_sms_plugin_limits_t   *lim;

    enum { COUNT, BYTES, TIME };

    static const struct {
        ngx_str_t    name;
        ngx_uint_t   type;
        size_t       offset;
    } names[] = {
        { ngx_string("calls"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, calls) },
        { ngx_string("call_bytes"), BYTES,
          offsetof(ngx_sms_plugin_limits_t, call_bytes) },
        { ngx_string("timers"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, timers) },
        { ngx_string("watches"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, watches) },
        { ngx_string("streams"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, streams) },
        { ngx_string("requests"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, requests) },
        { ngx_string("queries"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, queries) },
        { ngx_string("stall"), TIME,
          offsetof(ngx_sms_plugin_limits_t, stall) },
        { ngx_string("stalls"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, stalls) },
        { ngx_string("slow"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, slow) },
        { ngx_string("window"), TIME,
          offsetof(ngx_sms_plugin_limits_t, window) },
        { ngx_string("crashes"), COUNT,
          offsetof(ngx_sms_plugin_limits_t, crashes) },
        { ngx_string("crash_window"), TIME,
          offsetof(ngx_sms_plugin_limits_t, crash_window) }
    };

    lim = &ngx_sms_conf_plugins(cf)->limits;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        eq = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');
        len = eq ? (size_t) (eq - value[i].data) : 0;

        for (j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (len == names[j].name.len
                && ngx_memcmp(value[i].data, names[j].name.data, len) == 0)
            {
                break;
            }
        }

        if (j == sizeof(names) / sizeof(names[0])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid limit \"%V\": known are calls=, "
                               "call_bytes=, timers=, watches=, streams=, "
                               "requests=, queries=, stall=, stalls=, slow=, "
                               "window=, crashes=, crash_window=", &value[i]);
            return NGX_CONF_ERROR;
        }

        text.data = eq + 1;
        text.len = value[i].len - len - 1;

        n = names[j].type == TIME ? ngx_parse_time(&text, 0)
            : names[j].type == BYTES ? ngx_parse_size(&text)
            : ngx_atoi(text.data, text.len);

        if (text.len == 0 || n == NGX_ERROR || n == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value of \"%V\": %s above 0 is needed",
                               &value[i],
                               names[j].type == TIME ? "a time"
                               : names[j].type == BYTES ? "a size"
                               : "a number");
            return NGX_CONF_ERROR;
        }

        /* ngx_uint_t, ngx_msec_t and size_t have one size */
        *(ngx_uint_t *) (void *) ((char *) lim + names[j].offset)
            = (ngx_uint_t) n;
    }

    return NGX_CONF_OK;
}


/* one line of the block */
static char *
ngx_sms_plugin_item(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_sms_plugin_t        *p = conf;
    ngx_sms_plugin_value_t  *v;

    value = cf->args->elts;

    if (ngx_strcmp(value[0].data, "include") == 0) {
        if (cf->args->nelts != 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"include\" takes one file");
            return NGX_CONF_ERROR;
        }

        return ngx_conf_include(cf, cmd, conf);
    }

    if (ngx_strcmp(value[0].data, "grant") == 0) {
        return ngx_sms_plugin_grant(cf, p);
    }

    if (cf->args->nelts == 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": \"%V\" has no value",
                           &p->name, &value[0]);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        v = ngx_array_push(&p->values);
        if (v == NULL) {
            return NGX_CONF_ERROR;
        }

        v->name = value[0];
        v->value = value[i];
        v->file = cf->conf_file->file.name;
        v->line = cf->conf_file->line;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sms_plugin_grant(ngx_conf_t *cf, ngx_sms_plugin_t *p)
{
    u_char       known[160];
    ngx_str_t   *value;
    ngx_uint_t   i, bit;

    value = cf->args->elts;

    if (cf->args->nelts == 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": \"grant\" without a name",
                           &p->name);
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        for (bit = 0; ngx_sms_plugin_grant_name(bit); bit++) {
            if (ngx_strcmp(value[i].data, ngx_sms_plugin_grant_name(bit)) == 0) {
                break;
            }
        }

        if (ngx_sms_plugin_grant_name(bit) == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": unknown grant \"%V\": "
                               "known are %s", &p->name, &value[i],
                               ngx_sms_plugin_list(known, sizeof(known),
                                                   ngx_sms_plugin_grant_name, 0));
            return NGX_CONF_ERROR;
        }

        if (((ngx_uint_t) 1 << bit) == NGX_SMS_GRANT_INBOUND
            && p->kind != SMS_KIND_OPERATOR)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": grant \"inbound\" is for "
                               "operators only", &p->name);
            return NGX_CONF_ERROR;
        }

        p->grants |= (ngx_uint_t) 1 << bit;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_sms_plugin_kind(ngx_conf_t *cf, ngx_str_t *value, ngx_sms_plugin_t *p)
{
    u_char      known[160];
    ngx_uint_t  i;

    for (i = 0; i < NGX_SMS_KINDS; i++) {
        if (ngx_strcmp(value->data, ngx_sms_plugin_kind_name(i)) == 0) {
            break;
        }
    }

    if (i < NGX_SMS_KINDS && ngx_sms_plugin_kind_called(i)) {
        p->kind = (sms_kind_t) i;
        p->on_error = ngx_sms_plugin_policies[i];
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       i == NGX_SMS_KINDS
                       ? "unknown plugin kind \"%V\": known are %s"
                       : "plugin kind \"%V\" is in the contract, but this "
                         "version calls only %s", value,
                       ngx_sms_plugin_list(known, sizeof(known),
                                           ngx_sms_plugin_kind_called, 0));
    return NGX_ERROR;
}


static ngx_int_t
ngx_sms_plugin_name(ngx_conf_t *cf, ngx_str_t *value, ngx_sms_plugin_t *p)
{
    ngx_sms_plugin_t  *other;

    if (!ngx_sms_plugin_identifier(value, 32)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "bad plugin name \"%V\": 1 to 32 of a-z, 0-9, \"_\" "
                           "and \"-\"", value);
        return NGX_ERROR;
    }

    other = ngx_sms_plugin_find(p->plugins, value);

    if (other) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate plugin name \"%V\" (first in %V:%ui)",
                           value, &other->conf_file, other->conf_line);
        return NGX_ERROR;
    }

    p->name = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_plugin_option(ngx_conf_t *cf, ngx_str_t *value, ngx_sms_plugin_t *p)
{
    ngx_int_t          n, sign;
    ngx_str_t          text;
    ngx_sms_plugin_t  *other;

    if (ngx_strncmp(value->data, "link=", 5) == 0) {
        n = ngx_atoi(value->data + 5, value->len - 5);

        if (n == NGX_ERROR || n < 1 || n > 65535) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": a number from 1 "
                               "to 65535 is needed", &p->name, value);
            return NGX_ERROR;
        }

        other = ngx_sms_plugin_by_link(p->plugins, (uint32_t) n);

        if (other) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": link %i belongs to \"%V\" "
                               "(in %V:%ui)", &p->name, n, &other->name,
                               &other->conf_file, other->conf_line);
            return NGX_ERROR;
        }

        p->link = (uint32_t) n;

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "operator=", 9) == 0) {
        p->operator_name.data = value->data + 9;
        p->operator_name.len = value->len - 9;

        if (!ngx_sms_plugin_identifier(&p->operator_name, 32)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": 1 to 32 of a-z, "
                               "0-9, \"_\" and \"-\"", &p->name, value);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "classes=", 8) == 0) {
        return ngx_sms_plugin_words(cf, value, 8, sms_word_class, &p->classes,
                                    p);
    }

    if (ngx_strncmp(value->data, "encodings=", 10) == 0) {
        return ngx_sms_plugin_words(cf, value, 10, sms_word_encoding,
                                    &p->encodings, p);
    }

    if (ngx_strncmp(value->data, "abroad=", 7) == 0) {

        if (ngx_strcmp(value->data + 7, "on") != 0
            && ngx_strcmp(value->data + 7, "off") != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": known are on, "
                               "off", &p->name, value);
            return NGX_ERROR;
        }

        p->abroad = value->len == 9;

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "wait=", 5) == 0) {
        text.data = value->data + 5;
        text.len = value->len - 5;
        n = ngx_parse_time(&text, 0);

        if (p->kind != SMS_KIND_LOOKUP || n == NGX_ERROR || n > 3000) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": a time up to 3s "
                               "is needed, for a lookup", &p->name, value);
            return NGX_ERROR;
        }

        p->wait = (ngx_msec_t) n;

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "shadow=", 7) == 0) {
        p->shadow.data = value->data + 7;
        p->shadow.len = value->len - 7;

        if (p->kind != SMS_KIND_RULE || p->shadow.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": a rule takes it, "
                               "with the name of another rule", &p->name,
                               value);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "share=", 6) == 0) {
        n = value->len > 7 && value->data[value->len - 1] == '%'
            ? ngx_atoi(value->data + 6, value->len - 7) : NGX_ERROR;

        if (n == NGX_ERROR || n < 1 || n > 100) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": 1%% to 100%% is "
                               "needed", &p->name, value);
            return NGX_ERROR;
        }

        p->share = (ngx_uint_t) n;

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "on_error=", 9) == 0) {
        text.data = value->data + 9;
        text.len = value->len - 9;

        return ngx_sms_plugin_policy(cf, &text, p);
    }

    if (ngx_strncmp(value->data, "order=", 6) == 0) {
        text.data = value->data + 6;
        text.len = value->len - 6;
        sign = 1;

        if (text.len > 1 && text.data[0] == '-') {
            sign = -1;
            text.data++;
            text.len--;
        }

        n = ngx_atoi(text.data, text.len);

        if (n == NGX_ERROR || n > 100000) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": a number from "
                               "-100000 to 100000 is needed", &p->name, value);
            return NGX_ERROR;
        }

        p->order = sign * n;

        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "sms_plugin \"%V\": unknown option \"%V\": known are "
                       "link=, operator=, classes=, encodings=, abroad=, "
                       "wait=, shadow=, share=, on_error=, order=", &p->name,
                       value);

    return NGX_ERROR;
}


static ngx_int_t
ngx_sms_plugin_policy(ngx_conf_t *cf, ngx_str_t *value, ngx_sms_plugin_t *p)
{
    u_char      known[64];
    ngx_uint_t  i;

    for (i = NGX_SMS_ON_ERROR_DEFER; i <= NGX_SMS_ON_ERROR_ALLOW; i++) {
        if (ngx_strcmp(value->data, ngx_sms_plugin_on_error_name(i)) == 0) {
            break;
        }
    }

    if (i > NGX_SMS_ON_ERROR_ALLOW) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": bad \"on_error=%V\": known are "
                           "%s", &p->name, value,
                           ngx_sms_plugin_list(known, sizeof(known),
                                               ngx_sms_plugin_on_error_name,
                                               NGX_SMS_ON_ERROR_DEFER));
        return NGX_ERROR;
    }

    if (i != NGX_SMS_ON_ERROR_ALLOW && p->kind == SMS_KIND_LOOKUP) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": a lookup can have on_error=allow "
                           "only: without its answer the number's prefix "
                           "routes", &p->name);
        return NGX_ERROR;
    }

    /* a broken consent check must not become consent */

    if (i == NGX_SMS_ON_ERROR_ALLOW && p->kind == SMS_KIND_CONSENT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": a plugin of kind \"%s\" cannot "
                           "have on_error=allow", &p->name,
                           ngx_sms_plugin_kind_name(p->kind));
        return NGX_ERROR;
    }

    p->on_error = i;

    return NGX_OK;
}


/* "classes=otp,commercial" into a bit for each; "name": length of what is before */

static ngx_int_t
ngx_sms_plugin_words(ngx_conf_t *cf, ngx_str_t *option, size_t name,
    const sms_word_t *table, ngx_uint_t *bits, ngx_sms_plugin_t *p)
{
    int      value;
    char     known[160];
    u_char  *word, *end, *last;

    *bits = 0;
    last = option->data + option->len;

    for (word = option->data + name; word <= last; word = end + 1) {

        end = ngx_strlchr(word, last, ',');
        if (end == NULL) {
            end = last;
        }

        value = sms_word_value(table, (const char *) word,
                               (size_t) (end - word));

        if (value <= 0 || *bits & ((ngx_uint_t) 1 << value)) {
            (void) sms_word_list(table, known, sizeof(known));
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": bad \"%V\": each once, with "
                               "commas, of %s", &p->name, option, known);
            return NGX_ERROR;
        }

        *bits |= (ngx_uint_t) 1 << value;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_plugin_complete(ngx_conf_t *cf, ngx_sms_plugins_t *plugins,
    ngx_sms_plugin_t *p)
{
    if (p->share && p->shadow.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": share= is for shadow= only",
                           &p->name);
        return NGX_ERROR;
    }

    if (p->shadow.len && p->share == 0) {
        p->share = NGX_SMS_PLUGIN_SHARE;
    }

    if (p->kind == SMS_KIND_OPERATOR) {

        if (p->link == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "sms_plugin \"%V\": an operator needs link=N",
                               &p->name);
            return NGX_ERROR;
        }

        if (p->operator_name.len == 0) {
            p->operator_name = p->name;
        }

        return NGX_OK;
    }

    if (p->link || p->operator_name.len || p->classes || p->encodings
        || p->abroad)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sms_plugin \"%V\": link=, operator=, classes=, "
                           "encodings= and abroad= are for operators only",
                           &p->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_sms_plugin_identifier(ngx_str_t *s, size_t max)
{
    u_char  ch;
    size_t  i;

    if (s->len == 0 || s->len > max) {
        return 0;
    }

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
              || ch == '_' || ch == '-'))
        {
            return 0;
        }
    }

    return 1;
}


static u_char *
ngx_sms_plugin_list(u_char *buf, size_t cap, const char *(*name)(ngx_uint_t i),
    ngx_uint_t first)
{
    u_char      *p;
    ngx_uint_t   i;

    p = buf;

    for (i = first; i < first + NGX_SMS_KINDS; i++) {
        if (name(i)) {
            p = ngx_slprintf(p, buf + cap - 1, "%s%s", i > first ? ", " : "",
                             name(i));
        }
    }

    *p = '\0';

    return buf;
}
