#include "ngx_sms_store_shadow.h"


#define NGX_SMS_SHADOW_ARRAYS    6
#define NGX_SMS_SHADOW_DEADLINE  5000


static const uint32_t  ngx_sms_types_shadow[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_UUID_ARRAY
};

const ngx_sms_pg_stmt_t  ngx_sms_store_shadow_stmt = {
    .name = "rule_shadow_put",
    .sql = "SELECT sms.rule_shadow_put($1, $2, $3, $4, $5, $6, $7)",
    .nparams = 7, .types = ngx_sms_types_shadow
};


ngx_sms_store_query_t *
ngx_sms_store_shadow(const ngx_sms_store_shadow_t *list, ngx_uint_t n,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[NGX_SMS_SHADOW_ARRAYS];
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_shadow_stmt, 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_SMS_SHADOW_ARRAYS; i++) {
        ngx_sms_store_array(q, &a[i], i == 4 ? NGX_SMS_PG_INT8
                                      : i == 5 ? NGX_SMS_PG_UUID
                                      : NGX_SMS_PG_TEXT, n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_text(&a[0], list[i].shadow.data, list[i].shadow.len);
        ngx_sms_pg_array_text(&a[1], list[i].version, list[i].nversion);
        ngx_sms_pg_array_text(&a[2], list[i].change,
                              ngx_strlen(list[i].change));
        ngx_sms_pg_array_text(&a[3], list[i].code, list[i].ncode);
        ngx_sms_pg_array_int8(&a[4], list[i].texts);

        if (list[i].sampled) {
            ngx_sms_pg_array_uuid(&a[5], list[i].sample);

        } else {
            ngx_sms_pg_array_null(&a[5]);
        }
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);

    for (i = 0; i < NGX_SMS_SHADOW_ARRAYS; i++) {
        if (ngx_sms_pg_param_array(&q->params[1 + i], &a[i]) != NGX_OK) {
            ngx_destroy_pool(q->pool);
            return NULL;
        }
    }

    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_SHADOW_DEADLINE)
           == NGX_OK ? q : NULL;
}
