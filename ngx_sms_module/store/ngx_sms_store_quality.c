#include "ngx_sms_store_quality.h"


#define NGX_SMS_QUALITY_ARRAYS    12
#define NGX_SMS_QUALITY_DEADLINE  5000


static const uint32_t  ngx_sms_types_quality[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4,
    NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4,
    NGX_SMS_PG_INT4
};

const ngx_sms_pg_stmt_t  ngx_sms_store_quality_stmt = {
    .name = "quality",
    .sql = "SELECT link_id, sender, success, usual, fallen"
           " FROM sms.quality($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
           " $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
    .nparams = 21, .types = ngx_sms_types_quality
};


static void ngx_sms_store_quality_put(ngx_sms_pg_array_t *a,
    const ngx_sms_store_sum_t *s);


ngx_sms_store_query_t *
ngx_sms_store_quality(const ngx_sms_store_sum_t *list, ngx_uint_t n,
    const ngx_sms_store_quality_conf_t *conf, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[NGX_SMS_QUALITY_ARRAYS];
    ngx_sms_pg_param_t     *param;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_quality_stmt, 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_SMS_QUALITY_ARRAYS; i++) {
        ngx_sms_store_array(q, &a[i], i == 1 ? NGX_SMS_PG_TEXT
                                      : i == 8 ? NGX_SMS_PG_INT8
                                      : NGX_SMS_PG_INT4, n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_store_quality_put(a, &list[i]);
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);

    for (i = 0; i < NGX_SMS_QUALITY_ARRAYS; i++) {
        if (ngx_sms_pg_param_array(&q->params[1 + i], &a[i]) != NGX_OK) {
            ngx_destroy_pool(q->pool);
            return NULL;
        }
    }

    param = &q->params[1 + NGX_SMS_QUALITY_ARRAYS];
    ngx_sms_pg_param_int4(param++, (int32_t) conf->window);
    ngx_sms_pg_param_int4(param++, (int32_t) conf->lost);
    ngx_sms_pg_param_int4(param++, (int32_t) conf->drop);
    ngx_sms_pg_param_int4(param++, (int32_t) conf->floor);
    ngx_sms_pg_param_int4(param++, (int32_t) conf->min);
    ngx_sms_pg_param_int4(param++, (int32_t) conf->trial);
    ngx_sms_pg_param_int4(param++, (int32_t) conf->history);
    ngx_sms_pg_param_int4(param, (int32_t) (conf->flush - conf->flush / 5));
    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_QUALITY_DEADLINE)
           == NGX_OK ? q : NULL;
}


static void
ngx_sms_store_quality_put(ngx_sms_pg_array_t *a, const ngx_sms_store_sum_t *s)
{
    ngx_sms_pg_array_int4(&a[0], (int32_t) s->link);
    ngx_sms_pg_array_text(&a[1], s->sender, s->len);
    ngx_sms_pg_array_int4(&a[2], s->sent);
    ngx_sms_pg_array_int4(&a[3], s->rejected);
    ngx_sms_pg_array_int4(&a[4], s->delivered);
    ngx_sms_pg_array_int4(&a[5], s->failed);
    ngx_sms_pg_array_int4(&a[6], s->excused);
    ngx_sms_pg_array_int4(&a[7], s->timed);
    ngx_sms_pg_array_int8(&a[8], s->delay_ms);
    ngx_sms_pg_array_int4(&a[9], s->within_10s);
    ngx_sms_pg_array_int4(&a[10], s->within_60s);
    ngx_sms_pg_array_int4(&a[11], s->within_300s);
}


ngx_int_t
ngx_sms_store_standing(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_standing_t *s)
{
    int64_t  link;

    s->success = -1;
    s->usual = -1;

    if (ngx_sms_pg_row_int(res, i, 0, &link) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 1, &s->sender) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 2, &s->success) == NGX_ERROR
        || ngx_sms_pg_row_int(res, i, 3, &s->usual) == NGX_ERROR
        || ngx_sms_pg_row_bool(res, i, 4, &s->fallen) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->link = (uint32_t) link;

    return NGX_OK;
}
