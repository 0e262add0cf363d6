#include "ngx_sms_host.h"

#include "sms_hash.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_dict.h"


static sms_rc_t ngx_sms_host_dict_get(sms_host_t *h, sms_str_t key, char *buf,
    size_t cap, size_t *len);
static sms_rc_t ngx_sms_host_dict_set(sms_host_t *h, sms_str_t key,
    sms_str_t value, uint32_t ttl_ms);
static sms_rc_t ngx_sms_host_dict_incr(sms_host_t *h, sms_str_t key,
    int64_t by, uint32_t ttl_ms, int64_t *now);
static ngx_int_t ngx_sms_host_dict_key(ngx_sms_plugin_t *p, sms_str_t key,
    u_char *buf, ngx_str_t *out);
static sms_rc_t ngx_sms_host_dict_rc(ngx_int_t rc);
static uint32_t ngx_sms_host_metric_define(sms_host_t *h, uint32_t type,
    const char *name, const char *help);
static void ngx_sms_host_metric_add(sms_host_t *h, uint32_t metric,
    int64_t value);


const sms_dict_api_t  ngx_sms_host_dict = {
    sizeof(sms_dict_api_t),
    ngx_sms_host_dict_get,
    ngx_sms_host_dict_set,
    ngx_sms_host_dict_incr
};


const sms_metric_api_t  ngx_sms_host_metric = {
    sizeof(sms_metric_api_t),
    ngx_sms_host_metric_define,
    ngx_sms_host_metric_add
};


static sms_rc_t
ngx_sms_host_dict_get(sms_host_t *h, sms_str_t key, char *buf, size_t cap,
    size_t *len)
{
    u_char             text[NGX_SMS_DICT_KEY];
    ngx_str_t          name;
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (ngx_sms_host_dict_key(p, key, text, &name) != NGX_OK) {
        return SMS_E_INVAL;
    }

    return ngx_sms_host_dict_rc(ngx_sms_dict_get(p->plugins->zone, &name,
                                                 (u_char *) buf, cap, len));
}


static sms_rc_t
ngx_sms_host_dict_set(sms_host_t *h, sms_str_t key, sms_str_t value,
    uint32_t ttl_ms)
{
    u_char             text[NGX_SMS_DICT_KEY];
    ngx_str_t          name, octets;
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (ngx_sms_host_dict_key(p, key, text, &name) != NGX_OK) {
        return SMS_E_INVAL;
    }

    octets.data = (u_char *) value.ptr;
    octets.len = value.len;

    return ngx_sms_host_dict_rc(ngx_sms_dict_set(p->plugins->zone, &name,
                                                 &octets, ttl_ms));
}


static sms_rc_t
ngx_sms_host_dict_incr(sms_host_t *h, sms_str_t key, int64_t by,
    uint32_t ttl_ms, int64_t *now)
{
    u_char             text[NGX_SMS_DICT_KEY];
    int64_t            value;
    ngx_int_t          rc;
    ngx_str_t          name;
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (ngx_sms_host_dict_key(p, key, text, &name) != NGX_OK) {
        return SMS_E_INVAL;
    }

    value = 0;
    rc = ngx_sms_dict_incr(p->plugins->zone, &name, by, ttl_ms, &value);

    if (rc == NGX_OK && now) {
        *now = value;
    }

    return ngx_sms_host_dict_rc(rc);
}


/* "p:<plugin>:<key>", so that plugins do not meet in the dictionary; "h:" and
 * the key's hash where that would be too long                                */
static ngx_int_t
ngx_sms_host_dict_key(ngx_sms_plugin_t *p, sms_str_t key, u_char *buf,
    ngx_str_t *out)
{
    u_char   hash[SMS_HASH_LEN], *last;
    size_t   left;

    if (p->plugins->zone == NULL || key.len == 0
        || key.len > SMS_DICT_KEY_MAX)
    {
        return NGX_ERROR;
    }

    left = NGX_SMS_DICT_KEY - p->name.len - 3;

    last = ngx_cpymem(buf, key.len > left ? "h:" : "p:", 2);
    last = ngx_cpymem(last, p->name.data, p->name.len);
    *last++ = ':';

    if (key.len <= left) {
        last = ngx_cpymem(last, key.ptr, key.len);

    } else {
        if (sms_hash_sha256(key.ptr, key.len, hash) != 0) {
            return NGX_ERROR;
        }

        last = ngx_cpymem(last, hash, sizeof(hash));
    }

    out->data = buf;
    out->len = last - buf;

    return NGX_OK;
}


static sms_rc_t
ngx_sms_host_dict_rc(ngx_int_t rc)
{
    switch (rc) {

    case NGX_OK:
        return SMS_OK;

    case NGX_DECLINED:
        /* not there: as an expired handle is not there */
        return SMS_E_STALE;

    case NGX_AGAIN:
        return SMS_E_BUSY;

    default:
        return SMS_E_INVAL;
    }
}


static uint32_t
ngx_sms_host_metric_define(sms_host_t *h, uint32_t type, const char *name,
    const char *help)
{
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (!p->live->initialising || p->plugins->zone == NULL
        || type < NGX_SMS_METRIC_COUNTER || type > NGX_SMS_METRIC_HISTOGRAM
        || name == NULL)
    {
        return 0;
    }

    return ngx_sms_counter_define(p->plugins->zone, (char *) p->name.data,
                                  (ngx_sms_metric_type_t) type, name,
                                  help ? help : "");
}


static void
ngx_sms_host_metric_add(sms_host_t *h, uint32_t metric, int64_t value)
{
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (metric && p->plugins->zone) {
        ngx_sms_counter_plugin_add(p->plugins->zone, metric, value);
    }
}
