#include "ngx_sms_store_inbound.h"


#define NGX_SMS_WHOLE_COLUMNS                                                 \
    "inbound_id, \"from\", \"to\", at, total, seq, data_coding, octets, udh"


static const uint32_t  ngx_sms_types_inbound_put[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT,
    NGX_SMS_PG_BYTEA, NGX_SMS_PG_BYTEA, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TEXT_ARRAY
};
static const uint32_t  ngx_sms_types_inbound_read[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_UUID, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TEXT, NGX_SMS_PG_INT8, NGX_SMS_PG_TIMESTAMPTZ
};
static const uint32_t  ngx_sms_types_inbound_take[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4
};
static const uint32_t  ngx_sms_types_notice_take[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4
};
static const uint32_t  ngx_sms_types_notice_put[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_UUID_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY
};


const ngx_sms_pg_stmt_t  ngx_sms_store_inbound_stmts[] = {
    { .name = "inbound_put",
      .sql = "SELECT " NGX_SMS_WHOLE_COLUMNS " FROM sms.inbound_put($1, $2,"
             " $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      .nparams = 12, .types = ngx_sms_types_inbound_put },

    { .name = "inbound_read",
      .sql = "SELECT fresh, optouts, ended"
             " FROM sms.inbound_read($1, $2, $3, $4, $5, $6, $7)",
      .nparams = 7, .types = ngx_sms_types_inbound_read },

    { .name = "inbound_take",
      .sql = "SELECT " NGX_SMS_WHOLE_COLUMNS " FROM sms.inbound_take($1, $2)",
      .nparams = 2, .types = ngx_sms_types_inbound_take },

    { .name = "notice_take",
      .sql = "SELECT account_id, outbox_id, body, locking, suffix, max_parts"
             " FROM sms.notice_take($1, $2, $3)",
      .nparams = 3, .types = ngx_sms_types_notice_take },

    { .name = "notice_put",
      .sql = "SELECT sms.notice_put($1, $2, $3, $4, $5)",
      .nparams = 5, .types = ngx_sms_types_notice_put }
};


static ngx_sms_store_query_t *ngx_sms_store_inbound_send(
    ngx_sms_pg_conn_t *conn, ngx_sms_store_query_t *q, ngx_int_t failed);
static void ngx_sms_store_inbound_octets(ngx_sms_pg_param_t *param,
    const ngx_str_t *s);


static ngx_sms_store_query_t *
ngx_sms_store_inbound_send(ngx_sms_pg_conn_t *conn, ngx_sms_store_query_t *q,
    ngx_int_t failed)
{
    if (failed) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(conn, q, NGX_SMS_FLOW_DEADLINE) == NGX_OK
           ? q : NULL;
}


/* nothing is no NULL here */

static void
ngx_sms_store_inbound_octets(ngx_sms_pg_param_t *param, const ngx_str_t *s)
{
    ngx_sms_pg_param_octets(param, s->len ? (const char *) s->data : "",
                            s->len);
}


ngx_sms_store_query_t *
ngx_sms_store_inbound_put(uint32_t link, const ngx_sms_store_inbound_t *in,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_str_t               from, to, octets, value;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      attrs;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_INBOUND_PUT], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    if (ngx_sms_store_text(q->pool, &in->from, &from) != NGX_OK
        || ngx_sms_store_text(q->pool, &in->to, &to) != NGX_OK)
    {
        return ngx_sms_store_inbound_send(NULL, q, 1);
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    ngx_sms_pg_param_int4(&q->params[1], (int32_t) link);
    ngx_sms_store_inbound_octets(&q->params[2], &from);
    ngx_sms_store_inbound_octets(&q->params[3], &to);
    ngx_sms_store_inbound_octets(&q->params[4], &in->octets);
    ngx_sms_store_inbound_octets(&q->params[5], &in->udh);
    ngx_sms_pg_param_int4(&q->params[6], in->data_coding);

    if (in->at_us) {
        ngx_sms_pg_param_time(&q->params[7], in->at_us);

    } else {
        ngx_sms_pg_param_null(&q->params[7]);
    }

    ngx_sms_pg_param_int4(&q->params[8], in->ref);
    ngx_sms_pg_param_int4(&q->params[9], in->total);
    ngx_sms_pg_param_int4(&q->params[10], in->seq);

    if (in->nattrs == 0) {
        ngx_sms_pg_param_null(&q->params[11]);
        return ngx_sms_store_inbound_send(ngx_sms_store.flow, q, 0);
    }

    ngx_sms_store_array(q, &attrs, NGX_SMS_PG_TEXT, 2 * in->nattrs);

    for (i = 0; i < in->nattrs; i++) {

        octets.data = (u_char *) in->attrs[i].value.ptr;
        octets.len = in->attrs[i].value.len;

        if (ngx_sms_store_text(q->pool, &octets, &value) != NGX_OK) {
            return ngx_sms_store_inbound_send(NULL, q, 1);
        }

        ngx_sms_pg_array_text(&attrs, in->attrs[i].name.ptr,
                              in->attrs[i].name.len);
        ngx_sms_pg_array_text(&attrs, value.data, value.len);
    }

    if (ngx_sms_pg_param_array(&q->params[11], &attrs) != NGX_OK) {
        return ngx_sms_store_inbound_send(NULL, q, 1);
    }

    return ngx_sms_store_inbound_send(ngx_sms_store.flow, q, 0);
}


ngx_sms_store_query_t *
ngx_sms_store_inbound_take(int64_t now_us, int32_t limit,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_INBOUND_TAKE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    ngx_sms_pg_param_int4(&q->params[1], limit);

    return ngx_sms_store_inbound_send(ngx_sms_store.read, q, 0);
}


ngx_int_t
ngx_sms_store_inbound_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_pool_t *pool, ngx_sms_store_whole_t *whole)
{
    uint32_t                 k, n[4];
    int64_t                  value;
    sms_joined_part_t       *part;
    ngx_sms_pg_cell_t        cell;
    ngx_sms_pg_cell_array_t  a[4];

    ngx_memzero(whole, sizeof(ngx_sms_store_whole_t));

    if (ngx_sms_pg_row_uuid(res, i, 0, whole->id) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 1, &whole->from) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 2, &whole->to) != NGX_OK
        || ngx_sms_pg_row_time(res, i, 3, &whole->at_us) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 4, &whole->total) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (k = 0; k < 4; k++) {
        if (ngx_sms_pg_row_array(res, i, 5 + k, &a[k], &n[k]) != NGX_OK
            || n[k] != n[0])
        {
            return NGX_ERROR;
        }
    }

    whole->nparts = n[0];
    whole->parts = ngx_pcalloc(pool, (n[0] + 1) * sizeof(sms_joined_part_t));

    if (whole->parts == NULL) {
        return NGX_ERROR;
    }

    for (k = 0; k < n[0]; k++) {

        part = &whole->parts[k];

        if (ngx_sms_pg_cell_array_next(&a[0], &cell) != 0
            || ngx_sms_pg_cell_int(&cell, &value) != 0)
        {
            return NGX_ERROR;
        }

        part->seq = (unsigned) value;

        if (ngx_sms_pg_cell_array_next(&a[1], &cell) != 0
            || ngx_sms_pg_cell_int(&cell, &value) != 0)
        {
            return NGX_ERROR;
        }

        part->data_coding = (unsigned) value;

        if (ngx_sms_pg_cell_array_next(&a[2], &cell) != 0
            || ngx_sms_pg_cell_text(&cell, &part->octets, &part->len) != 0
            || ngx_sms_pg_cell_array_next(&a[3], &cell) != 0
            || ngx_sms_pg_cell_text(&cell, &part->udh, &part->udh_len) != 0)
        {
            return NGX_ERROR;
        }

        whole->octets += part->len;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_inbound_read(const ngx_sms_store_read_t *read, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_INBOUND_READ], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    ngx_sms_pg_param_uuid(&q->params[1], read->id);
    ngx_sms_store_inbound_octets(&q->params[2], &read->text);
    ngx_sms_pg_param_int4(&q->params[3], read->kind);
    ngx_sms_store_inbound_octets(&q->params[4], &read->words);

    if (read->from) {
        ngx_sms_pg_param_int8(&q->params[5], read->from);

    } else {
        ngx_sms_pg_param_null(&q->params[5]);
    }

    ngx_sms_pg_param_time(&q->params[6], read->decide_us);

    return ngx_sms_store_inbound_send(ngx_sms_store.read, q, 0);
}


ngx_int_t
ngx_sms_store_inbound_effect(const ngx_sms_pg_res_t *res, ngx_uint_t *fresh,
    int64_t *optouts, int64_t *ended)
{
    return ngx_sms_pg_row_bool(res, 0, 0, fresh) == NGX_OK
           && ngx_sms_pg_row_int(res, 0, 1, optouts) == NGX_OK
           && ngx_sms_pg_row_int(res, 0, 2, ended) == NGX_OK
           ? NGX_OK : NGX_ERROR;
}


ngx_sms_store_query_t *
ngx_sms_store_notice_take(int64_t now_us, int64_t until_us, int32_t limit,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_NOTICE_TAKE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    ngx_sms_pg_param_time(&q->params[1], until_us);
    ngx_sms_pg_param_int4(&q->params[2], limit);

    return ngx_sms_store_inbound_send(ngx_sms_store.read, q, 0);
}


ngx_int_t
ngx_sms_store_notice_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_notice_t *notice)
{
    ngx_memzero(notice, sizeof(ngx_sms_store_notice_t));

    return ngx_sms_pg_row_int(res, i, 0, &notice->account) == NGX_OK
           && ngx_sms_pg_row_uuid(res, i, 1, notice->id) == NGX_OK
           && ngx_sms_pg_row_text(res, i, 2, &notice->text) == NGX_OK
           && ngx_sms_pg_row_bool(res, i, 3, &notice->locking) == NGX_OK
           && ngx_sms_pg_row_bool(res, i, 4, &notice->suffix) == NGX_OK
           && ngx_sms_pg_row_int(res, i, 5, &notice->max_parts) == NGX_OK
           ? NGX_OK : NGX_ERROR;
}


ngx_sms_store_query_t *
ngx_sms_store_notice_put(const ngx_sms_store_notice_t *list, ngx_uint_t n,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_int_t               failed;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[4];
    ngx_sms_store_query_t  *q;

    static const uint32_t  types[] = {
        NGX_SMS_PG_INT8, NGX_SMS_PG_UUID, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4
    };

    q = ngx_sms_store_query_create(
            &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_NOTICE_PUT], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < 4; i++) {
        ngx_sms_store_array(q, &a[i], types[i], n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_int8(&a[0], list[i].account);
        ngx_sms_pg_array_uuid(&a[1], list[i].id);
        ngx_sms_pg_array_int4(&a[2], list[i].encoding);
        ngx_sms_pg_array_int4(&a[3], list[i].parts);
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    failed = 0;

    for (i = 0; i < 4; i++) {
        failed |= ngx_sms_pg_param_array(&q->params[i + 1], &a[i]) != NGX_OK;
    }

    return ngx_sms_store_inbound_send(ngx_sms_store.read, q, failed);
}
