#include "ngx_sms_store_lease.h"


#define NGX_SMS_LEASE_DEADLINE   2000
#define NGX_SMS_UPKEEP_DEADLINE  30000

/* arrays of what is told with a lease, and the first one's parameter */
#define NGX_SMS_LEASE_TOLD     10
#define NGX_SMS_LEASE_TOLD_AT  3


static const uint32_t  ngx_sms_types_lease_renew[] = {
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY,
    NGX_SMS_PG_TIMESTAMPTZ_ARRAY
};
static const uint32_t  ngx_sms_types_lease_release[] = {
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT
};
static const uint32_t  ngx_sms_types_link_register[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT
};
static const uint32_t  ngx_sms_types_upkeep[] = {
    NGX_SMS_PG_TEXT, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4
};
static const uint32_t  ngx_sms_types_outbox[] = {
    NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT, NGX_SMS_PG_TIMESTAMPTZ
};
static const uint32_t  ngx_sms_types_queue_tell[] = { NGX_SMS_PG_INT4 };


const ngx_sms_pg_stmt_t  ngx_sms_store_lease_stmts[] = {
    { .name = "lease_renew",
      .sql = "SELECT name, held, epoch, expires_in_ms::int8"
             " FROM sms.lease_renew($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
             " $12, $13)",
      .nparams = 13, .types = ngx_sms_types_lease_renew },

    { .name = "lease_release",
      .sql = "SELECT sms.lease_release($1, $2)",
      .nparams = 2, .types = ngx_sms_types_lease_release },

    { .name = "link_register",
      .sql = "SELECT sms.link_register($1, $2, $3)",
      .nparams = 3, .types = ngx_sms_types_link_register },

    { .name = "outbox_put",
      .sql = "SELECT sms.outbox_put($1, $2, $3, $4)",
      .nparams = 4, .types = ngx_sms_types_outbox },

    { .name = "queue_tell",
      .sql = "SELECT pg_notify('sms_queue', $1::text)",
      .nparams = 1, .types = ngx_sms_types_queue_tell }
};

const ngx_sms_pg_stmt_t  ngx_sms_store_upkeep_stmt = {
    .name = "upkeep",
    .sql = "SELECT sms.upkeep($1, $2, $3)",
    .nparams = 3, .types = ngx_sms_types_upkeep
};


/* p_told .. p_retry_at, as null where nothing is told */

static ngx_int_t
ngx_sms_store_lease_told(ngx_sms_store_query_t *q,
    const ngx_sms_store_renew_t *leases, ngx_uint_t n)
{
    ngx_uint_t          i, k, told;
    const sms_bind_t   *b;
    ngx_sms_pg_array_t  a[NGX_SMS_LEASE_TOLD];

    static const uint32_t  types[NGX_SMS_LEASE_TOLD] = {
        NGX_SMS_PG_TEXT, NGX_SMS_PG_INT2, NGX_SMS_PG_INT4, NGX_SMS_PG_INT4,
        NGX_SMS_PG_INT4, NGX_SMS_PG_INT8, NGX_SMS_PG_INT8, NGX_SMS_PG_TEXT,
        NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TIMESTAMPTZ
    };

    told = 0;

    for (i = 0; i < n; i++) {
        told += leases[i].bind != NULL;
    }

    for (k = 0; k < NGX_SMS_LEASE_TOLD; k++) {

        if (told == 0) {
            ngx_sms_pg_param_null(&q->params[NGX_SMS_LEASE_TOLD_AT + k]);
            continue;
        }

        ngx_sms_store_array(q, &a[k], types[k], told);
    }

    if (told == 0) {
        return NGX_OK;
    }

    for (i = 0; i < n; i++) {

        if (leases[i].bind == NULL) {
            continue;
        }

        b = &leases[i].bind->bind;
        ngx_sms_pg_array_text(&a[0], leases[i].name.data, leases[i].name.len);
        ngx_sms_pg_array_int2(&a[1], (int16_t) b->state);
        ngx_sms_pg_array_int4(&a[2], (int32_t) ngx_min(b->window, INT32_MAX));
        ngx_sms_pg_array_int4(&a[3], (int32_t) ngx_min(b->inflight, INT32_MAX));
        ngx_sms_pg_array_int4(&a[4], (int32_t) ngx_min(b->rate, INT32_MAX));
        ngx_sms_pg_array_int8(&a[5], b->throttled);
        ngx_sms_pg_array_int8(&a[6], b->error_code);
        ngx_sms_pg_array_text(&a[7], b->error.len ? b->error.ptr : NULL,
                              b->error.len);

        for (k = 8; k < NGX_SMS_LEASE_TOLD; k++) {
            if ((k == 8 ? b->since_us : b->retry_us) > 0) {
                ngx_sms_pg_array_time(&a[k], k == 8 ? b->since_us : b->retry_us);

            } else {
                ngx_sms_pg_array_null(&a[k]);
            }
        }
    }

    for (k = 0; k < NGX_SMS_LEASE_TOLD; k++) {
        if (ngx_sms_pg_param_array(&q->params[NGX_SMS_LEASE_TOLD_AT + k], &a[k])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_lease_renew(const ngx_sms_store_renew_t *leases, ngx_uint_t n,
    const ngx_str_t *holder, ngx_msec_t ttl, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      list;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_lease_stmts[NGX_SMS_STMT_LEASE_RENEW], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_store_array(q, &list, NGX_SMS_PG_TEXT, n);

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_text(&list, leases[i].name.data, leases[i].name.len);
    }

    ngx_sms_pg_param_octets(&q->params[1], holder->data, holder->len);
    ngx_sms_pg_param_int4(&q->params[2], (int32_t) ttl);

    if (ngx_sms_pg_param_array(&q->params[0], &list) != NGX_OK
        || ngx_sms_store_lease_told(q, leases, n) != NGX_OK)
    {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.control, q,
                                    NGX_SMS_LEASE_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_int_t
ngx_sms_store_lease_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_lease_row_t *row)
{
    if (ngx_sms_pg_row_text(res, i, 0, &row->name) != NGX_OK
        || ngx_sms_pg_row_bool(res, i, 1, &row->held) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 2, &row->epoch) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 3, &row->left_ms) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_lease_release(const ngx_str_t *names, ngx_uint_t n,
    const ngx_str_t *holder, ngx_sms_pg_done_pt done, void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      list;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_lease_stmts[NGX_SMS_STMT_LEASE_RELEASE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_store_array(q, &list, NGX_SMS_PG_TEXT, n);

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_text(&list, names[i].data, names[i].len);
    }

    ngx_sms_pg_param_octets(&q->params[1], holder->data, holder->len);

    if (ngx_sms_pg_param_array(&q->params[0], &list) != NGX_OK) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.control, q,
                                    NGX_SMS_LEASE_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_link_register(uint32_t link, const ngx_str_t *name,
    const ngx_str_t *operator_name, ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_lease_stmts[NGX_SMS_STMT_LINK_REGISTER], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int4(&q->params[0], (int32_t) link);
    ngx_sms_pg_param_octets(&q->params[1], name->data, name->len);
    ngx_sms_pg_param_octets(&q->params[2], operator_name->data,
                            operator_name->len);
    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.control, q,
                                    NGX_SMS_LEASE_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_upkeep(const char *what, int64_t now_us, int32_t limit,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_upkeep_stmt, 1, done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_octets(&q->params[0], what, ngx_strlen(what));
    ngx_sms_pg_param_time(&q->params[1], now_us);
    ngx_sms_pg_param_int4(&q->params[2], limit);
    q->q.background = 1;

    /* not where leases are renewed: a job may take seconds */
    return ngx_sms_store_query_send(ngx_sms_store.bulk, q,
                                    NGX_SMS_UPKEEP_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_outbox_put(const sms_str_t *topic, const sms_str_t *key,
    const sms_str_t *payload, int64_t not_before_us, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_lease_stmts[NGX_SMS_STMT_OUTBOX_PUT], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_octets(&q->params[0], topic->ptr, topic->len);
    ngx_sms_pg_param_octets(&q->params[1], key->ptr, key->len);
    ngx_sms_pg_param_octets(&q->params[2], payload->ptr, payload->len);

    if (not_before_us) {
        ngx_sms_pg_param_time(&q->params[3], not_before_us);

    } else {
        ngx_sms_pg_param_null(&q->params[3]);
    }

    return ngx_sms_store_query_send(ngx_sms_store.control, q,
                                    NGX_SMS_LEASE_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_queue_tell(uint32_t link, ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_lease_stmts[NGX_SMS_STMT_QUEUE_TELL], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int4(&q->params[0], (int32_t) link);
    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.control, q,
                                    NGX_SMS_LEASE_DEADLINE)
           == NGX_OK ? q : NULL;
}
