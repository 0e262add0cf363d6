/*
 * Operators as an administrator sees them: which links are halted, and what each
 * link is doing over all nodes.
 */
#ifndef NGX_SMS_STORE_OPERATOR_H
#define NGX_SMS_STORE_OPERATOR_H

#include "ngx_sms_store.h"


extern const ngx_sms_pg_stmt_t  ngx_sms_store_link_halts_stmt;  /* on "control" */
extern const ngx_sms_pg_stmt_t  ngx_sms_store_operator_metrics_stmt; /* "read" */


typedef struct {
    int64_t               link;
    int64_t               halt;             /* ngx_sms_link_halt_e, not 0     */
    ngx_uint_t            unbind;
} ngx_sms_store_halt_row_t;

/* one figure: "metric" is a name of http/ngx_sms_operator_metric.def */
typedef struct {
    ngx_str_t             metric;
    ngx_str_t             link;             /* its name; empty: of none       */
    ngx_str_t             operator_name;
    ngx_str_t             extra;            /* value of the last label        */
    int64_t               value;
} ngx_sms_store_operator_row_t;


/* each: NULL when it could not be sent; done() then never runs */
ngx_sms_store_query_t *ngx_sms_store_link_halts(ngx_sms_pg_done_pt done,
    void *data);
ngx_int_t ngx_sms_store_halt_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_halt_row_t *row);

ngx_sms_store_query_t *ngx_sms_store_operator_metrics(ngx_sms_pg_done_pt done,
    void *data);
ngx_int_t ngx_sms_store_operator_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_operator_row_t *row);

#endif /* NGX_SMS_STORE_OPERATOR_H */
