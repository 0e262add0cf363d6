#include "ngx_sms_store_operator.h"


#define NGX_SMS_HALTS_DEADLINE    2000
#define NGX_SMS_METRICS_DEADLINE  2000


const ngx_sms_pg_stmt_t  ngx_sms_store_link_halts_stmt = {
    .name = "link_halts",
    .sql = "SELECT link_id, halt, unbind FROM sms.link_halts()",
    .nparams = 0, .types = NULL
};

const ngx_sms_pg_stmt_t  ngx_sms_store_operator_metrics_stmt = {
    .name = "operator_metrics",
    .sql = "SELECT metric, link, operator, extra, value"
           " FROM sms.operator_metrics() ORDER BY 1, 2, 4",
    .nparams = 0, .types = NULL
};


ngx_sms_store_query_t *
ngx_sms_store_link_halts(ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_link_halts_stmt, 0, done,
                                   data);
    if (q == NULL) {
        return NULL;
    }

    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.control, q,
                                    NGX_SMS_HALTS_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_int_t
ngx_sms_store_halt_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_halt_row_t *row)
{
    if (ngx_sms_pg_row_int(res, i, 0, &row->link) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 1, &row->halt) != NGX_OK
        || ngx_sms_pg_row_bool(res, i, 2, &row->unbind) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_operator_metrics(ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_operator_metrics_stmt, 0,
                                   done, data);
    if (q == NULL) {
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_METRICS_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_int_t
ngx_sms_store_operator_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_operator_row_t *row)
{
    if (ngx_sms_pg_row_text(res, i, 0, &row->metric) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 1, &row->link) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 2, &row->operator_name) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 3, &row->extra) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 4, &row->value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
