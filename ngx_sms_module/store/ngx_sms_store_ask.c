#include "ngx_sms_store_ask.h"


#define NGX_SMS_STORE_ASKED_ARRAYS  9
#define NGX_SMS_STORE_ASK_PARTS     17      /* the first column of the part's */


static const uint32_t  ngx_sms_types_ask_take[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT8, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TIMESTAMPTZ
};
static const uint32_t  ngx_sms_types_asked[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY
};


const ngx_sms_pg_stmt_t  ngx_sms_store_ask_stmts[] = {
    { .name = "ask_take",
      .sql = "SELECT message_id, account_id, submission_id, \"to\", class,"
             " rtype, brand_id, attempt, sender, body, enc, parts, price,"
             " accepted_at, expires_at, test, doc, part, total, operator_id,"
             " submitted_at, recall"
             " FROM sms.ask_take($1, $2, $3, $4, $5)",
      .nparams = 5, .types = ngx_sms_types_ask_take },

    { .name = "asked",
      .sql = "SELECT sms.asked($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
      .nparams = 2 + NGX_SMS_STORE_ASKED_ARRAYS, .types = ngx_sms_types_asked }
};


ngx_sms_store_query_t *
ngx_sms_store_ask_take(uint32_t link, const ngx_str_t *lease, int64_t epoch,
    int32_t limit, int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_ask_stmts[NGX_SMS_STMT_ASK_TAKE], 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int4(&q->params[0], (int32_t) link);
    ngx_sms_pg_param_octets(&q->params[1], lease->data, lease->len);
    ngx_sms_pg_param_int8(&q->params[2], epoch);
    ngx_sms_pg_param_int4(&q->params[3], limit);
    ngx_sms_pg_param_time(&q->params[4], now_us);
    q->q.background = 1;

    /* nobody waits for it: not where claims and receipts are */
    return ngx_sms_store_query_send(ngx_sms_store.bulk, q,
                                    NGX_SMS_FLOW_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_int_t
ngx_sms_store_ask_parts(const ngx_sms_pg_res_t *res, ngx_pool_t *pool,
    ngx_sms_store_ask_part_t **parts, ngx_uint_t n)
{
    int                        rc, recall;
    size_t                     len;
    uint32_t                   count;
    ngx_uint_t                 i, k;
    const uint8_t             *p;
    ngx_sms_pg_cell_t          cell;
    ngx_sms_pg_cell_array_t    a[5];
    ngx_sms_store_ask_part_t  *part;

    for (k = 0; k < 5; k++) {
        if (ngx_sms_pg_row_array(res, 0, NGX_SMS_STORE_ASK_PARTS + k, &a[k],
                                 &count)
            != NGX_OK
            || count != n)
        {
            return NGX_ERROR;
        }
    }

    *parts = ngx_pcalloc(pool, n * sizeof(ngx_sms_store_ask_part_t));
    if (*parts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        part = &(*parts)[i];

        if (ngx_sms_pg_cell_array_next(&a[0], &cell) != 0
            || ngx_sms_pg_cell_int(&cell, &part->part) != 0
            || ngx_sms_pg_cell_array_next(&a[1], &cell) != 0
            || ngx_sms_pg_cell_int(&cell, &part->total) != 0
            || ngx_sms_pg_cell_array_next(&a[2], &cell) != 0)
        {
            return NGX_ERROR;
        }

        rc = ngx_sms_pg_cell_text(&cell, &p, &len);

        if (rc < 0) {
            return NGX_ERROR;
        }

        if (rc == 0 && len) {
            part->operator_id.data = ngx_pnalloc(pool, len);

            if (part->operator_id.data == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(part->operator_id.data, p, len);
            part->operator_id.len = len;
        }

        if (ngx_sms_pg_cell_array_next(&a[3], &cell) != 0
            || ngx_sms_pg_cell_time(&cell, &part->submitted_us) != 0
            || ngx_sms_pg_cell_array_next(&a[4], &cell) != 0
            || ngx_sms_pg_cell_bool(&cell, &recall) != 0)
        {
            return NGX_ERROR;
        }

        part->recall = recall != 0;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_asked(uint32_t link, const ngx_sms_store_asked_t *list,
    ngx_uint_t n, int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_int_t               failed;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[NGX_SMS_STORE_ASKED_ARRAYS];
    ngx_sms_store_query_t  *q;

    static const uint32_t  types[NGX_SMS_STORE_ASKED_ARRAYS] = {
        NGX_SMS_PG_INT8, NGX_SMS_PG_UUID, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2,
        NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT4, NGX_SMS_PG_INT2,
        NGX_SMS_PG_TIMESTAMPTZ
    };

    q = ngx_sms_store_query_create(&ngx_sms_store_ask_stmts[NGX_SMS_STMT_ASKED],
                                   0, done, data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_SMS_STORE_ASKED_ARRAYS; i++) {
        ngx_sms_store_array(q, &a[i], types[i], n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_int8(&a[0], list[i].account);
        ngx_sms_pg_array_uuid(&a[1], list[i].id);
        ngx_sms_pg_array_int2(&a[2], list[i].attempt);
        ngx_sms_pg_array_int2(&a[3], list[i].part);
        ngx_sms_pg_array_int2(&a[4], list[i].answer);
        ngx_sms_pg_array_int2(&a[5], list[i].state);
        ngx_sms_pg_array_int4(&a[6], list[i].code);
        ngx_sms_pg_array_int2(&a[7], list[i].reason);

        if (list[i].at_us) {
            ngx_sms_pg_array_time(&a[8], list[i].at_us);

        } else {
            ngx_sms_pg_array_null(&a[8]);
        }
    }

    ngx_sms_pg_param_int4(&q->params[0], (int32_t) link);
    ngx_sms_pg_param_time(&q->params[1], now_us);
    failed = 0;

    for (i = 0; i < NGX_SMS_STORE_ASKED_ARRAYS; i++) {
        failed |= ngx_sms_pg_param_array(&q->params[i + 2], &a[i]) != NGX_OK;
    }

    if (failed) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.bulk, q,
                                    NGX_SMS_FLOW_DEADLINE)
           == NGX_OK ? q : NULL;
}
