#include "ngx_sms_store_webhook.h"


static const uint32_t  ngx_sms_types_webhook_take[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4,
    NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_UUID_ARRAY
};
static const uint32_t  ngx_sms_types_webhook_done[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_UUID_ARRAY,
    NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY
};


const ngx_sms_pg_stmt_t  ngx_sms_store_webhook_stmts[] = {
    { .name = "webhook_take",
      .sql = "SELECT account_id, webhook_id, post_id, url, secret, old_secret,"
             " single, unit, event, message_id, submission_id, \"to\", state,"
             " code, parts, test, price_micro, refunded_micro, settled_at"
             " FROM sms.webhook_take($1, $2, $3, $4, $5, $6)",
      .nparams = 6, .types = ngx_sms_types_webhook_take },

    { .name = "webhook_done",
      .sql = "SELECT sms.webhook_done($1, $2, $3, $4, $5, $6, $7, $8)",
      .nparams = 8, .types = ngx_sms_types_webhook_done }
};


static ngx_sms_store_query_t *ngx_sms_store_webhook_send(
    ngx_sms_store_query_t *q, ngx_int_t failed);


/* not where claims and receipts are: a take may be of thousands of events */

static ngx_sms_store_query_t *
ngx_sms_store_webhook_send(ngx_sms_store_query_t *q, ngx_int_t failed)
{
    if (failed) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_WEBHOOK_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_webhook_take(const ngx_sms_store_webhook_take_t *take,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      busy;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_webhook_stmts[NGX_SMS_STMT_WEBHOOK_TAKE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_store_array(q, &busy, NGX_SMS_PG_UUID, take->nbusy);

    for (i = 0; i < take->nbusy; i++) {
        ngx_sms_pg_array_uuid(&busy, take->busy[i]);
    }

    ngx_sms_pg_param_time(&q->params[0], take->now_us);
    ngx_sms_pg_param_time(&q->params[1], take->until_us);
    ngx_sms_pg_param_int4(&q->params[2], take->events);
    ngx_sms_pg_param_int4(&q->params[3], take->posts);
    ngx_sms_pg_param_int4(&q->params[4], take->each);

    return ngx_sms_store_webhook_send(q,
               ngx_sms_pg_param_array(&q->params[5], &busy) != NGX_OK);
}


ngx_int_t
ngx_sms_store_webhook_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_webhook_row_t *row)
{
    ngx_memzero(row, sizeof(ngx_sms_store_webhook_row_t));
    row->first = !ngx_sms_pg_row_null(res, i, 3);
    row->none = ngx_sms_pg_row_null(res, i, 9);

    if (ngx_sms_pg_row_int(res, i, 0, &row->account) != NGX_OK
        || ngx_sms_pg_row_uuid(res, i, 1, row->webhook) != NGX_OK
        || ngx_sms_pg_row_uuid(res, i, 2, row->post) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (row->first
        && (ngx_sms_pg_row_text(res, i, 3, &row->url) != NGX_OK
            || ngx_sms_pg_row_text(res, i, 4, &row->secret) != NGX_OK
            || ngx_sms_pg_row_text(res, i, 5, &row->old_secret) == NGX_ERROR
            || ngx_sms_pg_row_bool(res, i, 6, &row->single) != NGX_OK
            || ngx_sms_pg_row_text(res, i, 7, &row->unit) != NGX_OK
            || ngx_sms_pg_row_text(res, i, 8, &row->event) == NGX_ERROR))
    {
        return NGX_ERROR;
    }

    if (row->none) {
        return NGX_OK;
    }

    if (ngx_sms_pg_row_uuid(res, i, 9, row->id) != NGX_OK
        || ngx_sms_pg_row_uuid(res, i, 10, row->submission) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 11, &row->to) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 12, &row->state) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 13, &row->code) == NGX_ERROR
        || ngx_sms_pg_row_int(res, i, 14, &row->parts) != NGX_OK
        || ngx_sms_pg_row_bool(res, i, 15, &row->test) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 16, &row->price_micro) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 17, &row->refunded_micro) != NGX_OK
        || ngx_sms_pg_row_time(res, i, 18, &row->final_us) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_webhook_done(const ngx_sms_store_webhook_done_t *list,
    ngx_uint_t n, int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_int_t               failed;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[7];
    ngx_sms_store_query_t  *q;

    static const uint32_t  types[] = {
        NGX_SMS_PG_INT8, NGX_SMS_PG_UUID, NGX_SMS_PG_UUID, NGX_SMS_PG_INT4,
        NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4
    };

    q = ngx_sms_store_query_create(
            &ngx_sms_store_webhook_stmts[NGX_SMS_STMT_WEBHOOK_DONE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < 7; i++) {
        ngx_sms_store_array(q, &a[i], types[i], n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_int8(&a[0], list[i].account);
        ngx_sms_pg_array_uuid(&a[1], list[i].webhook);
        ngx_sms_pg_array_uuid(&a[2], list[i].post);
        ngx_sms_pg_array_int4(&a[3], list[i].status);
        ngx_sms_pg_array_int4(&a[4], list[i].took_ms);
        ngx_sms_pg_array_int4(&a[5], list[i].events);
        ngx_sms_pg_array_int4(&a[6], list[i].retry_s);
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    failed = 0;

    for (i = 0; i < 7; i++) {
        failed |= ngx_sms_pg_param_array(&q->params[i + 1], &a[i]) != NGX_OK;
    }

    return ngx_sms_store_webhook_send(q, failed);
}
