#include "ngx_sms_directives_quality.h"


#define NGX_SMS_QUALITY_MSEC   0
#define NGX_SMS_QUALITY_SEC    1
#define NGX_SMS_QUALITY_COUNT  2


static const struct {
    ngx_str_t    name;
    ngx_uint_t   type;
    size_t       offset;
    ngx_uint_t   value;                     /* if it is not given             */
    ngx_uint_t   min, max;                  /* times in ms                    */
    const char  *allowed;
} ngx_sms_quality_keys[] = {
    { ngx_string("window"), NGX_SMS_QUALITY_MSEC,
      offsetof(ngx_sms_quality_conf_t, window), 600000, 5000, 3600000,
      "a time from 5s to 1h" },
    { ngx_string("lost"), NGX_SMS_QUALITY_MSEC,
      offsetof(ngx_sms_quality_conf_t, lost), 120000, 1000, 3600000,
      "a time from 1s to 1h" },
    { ngx_string("flush"), NGX_SMS_QUALITY_MSEC,
      offsetof(ngx_sms_quality_conf_t, flush), 5000, 100, 60000,
      "a time from 100ms to 1m" },
    { ngx_string("history"), NGX_SMS_QUALITY_SEC,
      offsetof(ngx_sms_quality_conf_t, history), 604800, 7200000,
      2592000000, "a time from 2h to 30d" },
    { ngx_string("drop"), NGX_SMS_QUALITY_COUNT,
      offsetof(ngx_sms_quality_conf_t, drop), 30, 1, 100,
      "a percentage from 1 to 100" },
    { ngx_string("floor"), NGX_SMS_QUALITY_COUNT,
      offsetof(ngx_sms_quality_conf_t, floor), 50, 0, 100,
      "a percentage from 0 to 100" },
    { ngx_string("canary"), NGX_SMS_QUALITY_COUNT,
      offsetof(ngx_sms_quality_conf_t, canary), 5, 1, 50,
      "a percentage from 1 to 50" },
    { ngx_string("min"), NGX_SMS_QUALITY_COUNT,
      offsetof(ngx_sms_quality_conf_t, min), 100, 1, 1000000,
      "a number from 1 to 1000000" },
    { ngx_string("trial"), NGX_SMS_QUALITY_COUNT,
      offsetof(ngx_sms_quality_conf_t, trial), 20, 1, 1000000,
      "a number from 1 to 1000000" }
};

#define NGX_SMS_QUALITY_KEYS                                                  \
    (sizeof(ngx_sms_quality_keys) / sizeof(ngx_sms_quality_keys[0]))


static void ngx_sms_quality_set(ngx_sms_quality_conf_t *q, ngx_uint_t key,
    ngx_uint_t value);


void
ngx_sms_directives_quality_default(ngx_sms_quality_conf_t *q)
{
    ngx_uint_t  i;

    q->off = NGX_CONF_UNSET_UINT;

    for (i = 0; i < NGX_SMS_QUALITY_KEYS; i++) {
        ngx_sms_quality_set(q, i, ngx_sms_quality_keys[i].value);
    }
}


/* ngx_uint_t, ngx_msec_t and time_t have one size */

static void
ngx_sms_quality_set(ngx_sms_quality_conf_t *q, ngx_uint_t key, ngx_uint_t value)
{
    *(ngx_uint_t *) (void *) ((char *) q + ngx_sms_quality_keys[key].offset)
        = value;
}


char *
ngx_sms_directives_quality(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                  *eq;
    size_t                   len;
    ngx_int_t                n;
    ngx_str_t               *value, text;
    ngx_uint_t               i, k;
    ngx_sms_quality_conf_t  *q;

    q = (ngx_sms_quality_conf_t *) (void *) ((char *) conf + cmd->offset);

    if (q->off != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    q->off = cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0;

    for (i = 1; i < cf->args->nelts && !q->off; i++) {

        eq = ngx_strlchr(value[i].data, value[i].data + value[i].len, '=');
        len = eq ? (size_t) (eq - value[i].data) : 0;

        for (k = 0; k < NGX_SMS_QUALITY_KEYS; k++) {
            if (len == ngx_sms_quality_keys[k].name.len
                && ngx_memcmp(value[i].data, ngx_sms_quality_keys[k].name.data,
                              len)
                   == 0)
            {
                break;
            }
        }

        if (k == NGX_SMS_QUALITY_KEYS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"%V\": known are window=, lost=, "
                               "flush=, history=, drop=, floor=, canary=, "
                               "min=, trial=, or \"off\" alone", &value[i]);
            return NGX_CONF_ERROR;
        }

        text.data = eq + 1;
        text.len = value[i].len - len - 1;

        n = ngx_sms_quality_keys[k].type == NGX_SMS_QUALITY_COUNT
            ? ngx_atoi(text.data, text.len) : ngx_parse_time(&text, 0);

        if (n == NGX_ERROR || (ngx_uint_t) n < ngx_sms_quality_keys[k].min
            || (ngx_uint_t) n > ngx_sms_quality_keys[k].max)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"%V\": %s is needed", &value[i],
                               ngx_sms_quality_keys[k].allowed);
            return NGX_CONF_ERROR;
        }

        ngx_sms_quality_set(q, k, ngx_sms_quality_keys[k].type
                                  == NGX_SMS_QUALITY_SEC
                                  ? (ngx_uint_t) n / 1000 : (ngx_uint_t) n);
    }

    return NGX_CONF_OK;
}
