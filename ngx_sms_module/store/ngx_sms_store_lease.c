#include "ngx_sms_store_lease.h"


#define NGX_SMS_LEASE_DEADLINE   2000
#define NGX_SMS_UPKEEP_DEADLINE  30000


static const uint32_t  ngx_sms_types_lease_renew[] = {
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT4
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
             " FROM sms.lease_renew($1, $2, $3)",
      .nparams = 3, .types = ngx_sms_types_lease_renew },

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


static ngx_sms_store_query_t *
ngx_sms_store_lease_names(ngx_uint_t stmt, const ngx_str_t *names,
    ngx_uint_t n, const ngx_str_t *holder, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      list;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_lease_stmts[stmt], 0, done,
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

    return q;
}


ngx_sms_store_query_t *
ngx_sms_store_lease_renew(const ngx_str_t *names, ngx_uint_t n,
    const ngx_str_t *holder, ngx_msec_t ttl, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_lease_names(NGX_SMS_STMT_LEASE_RENEW, names, n, holder,
                                  done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int4(&q->params[2], (int32_t) ttl);
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
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_lease_names(NGX_SMS_STMT_LEASE_RELEASE, names, n, holder,
                                  done, data);
    if (q == NULL) {
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
