/*
 * A worker's connections to the database, and the statements on them.
 *
 *   write     intake of requests with few recipients: one group commit; claims
 *             of OTP
 *   bulk      intake of large bodies, and of requests judged alone, so that
 *             they do not stand in front of the small ones; upkeep; what
 *             screen takes; large bodies of the management API.  A statement
 *             may take several times as long as on the others
 *   read      profiles, the management API, preview, plugins' statements,
 *             webhooks, what messages from people mean
 *   flow      what screen decided, claim, submit results, receipts, messages
 *             from people
 *   control   leases, notices: nothing that takes time
 *
 * SQL text lives here and in sql/ only.  Each noun has a file of its own with
 * its statement and what fills and reads it.
 */
#ifndef NGX_SMS_STORE_H
#define NGX_SMS_STORE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_pg_conn.h"
#include "ngx_sms_pg_query.h"
#include "ngx_sms_pg_row.h"


#define NGX_SMS_STORE_SCHEMA_MIN 50        /* the newest file of sql/         */
#define NGX_SMS_STORE_CLOCK_US    5000000   /* D2: off by more makes no ids   */


/* of a statement of a stage */
#define NGX_SMS_FLOW_DEADLINE  10000

#define NGX_SMS_STORE_CONNS       5
#define NGX_SMS_STORE_BULK_TIMES  6         /* of sms_database_timeout        */

typedef struct {                            /* the connections come first     */
    ngx_sms_pg_conn_t    *write;
    ngx_sms_pg_conn_t    *bulk;
    ngx_sms_pg_conn_t    *flow;
    ngx_sms_pg_conn_t    *read;
    ngx_sms_pg_conn_t    *control;
    int64_t               schema;           /* version found, 0: never seen   */
    int64_t               clock_off_us;     /* ours minus the database's      */
    ngx_uint_t            unsafe;
} ngx_sms_store_t;


/* of this worker */
extern ngx_sms_store_t  ngx_sms_store;


/* "notify" is told of each NOTIFY sms_profile, sms_queue and sms_link */
ngx_int_t ngx_sms_store_init(const ngx_sms_pg_conf_t *conf, ngx_log_t *log,
    void (*notify)(void *data, const char *channel, const char *payload));
void ngx_sms_store_start(void);
void ngx_sms_store_done(void);

/* 1: messages can be taken now */
ngx_uint_t ngx_sms_store_ready(void);


/*
 * A query that owns itself: parameters are filled into q->params, done() gets
 * "data"; freed by itself after done().  For everything that is not in a batch.
 */
#define NGX_SMS_STORE_PARAMS  24

typedef struct {
    ngx_sms_pg_query_t    q;
    ngx_pool_t           *pool;
    ngx_sms_pg_param_t    params[NGX_SMS_STORE_PARAMS];
    ngx_sms_pg_done_pt    done;
    void                 *data;
} ngx_sms_store_query_t;

/* NULL without memory; text results where "text" */
ngx_sms_store_query_t *ngx_sms_store_query_create(
    const ngx_sms_pg_stmt_t *stmt, ngx_uint_t text, ngx_sms_pg_done_pt done,
    void *data);

/* NGX_OK: done() will run.  Else it is freed already, and done() will not. */
ngx_int_t ngx_sms_store_query_send(ngx_sms_pg_conn_t *pc,
    ngx_sms_store_query_t *q, ngx_msec_t deadline);

/* the caller does not wait any more */
void ngx_sms_store_query_forget(void *query);

/* an array parameter of element type "type" in q's pool */
void ngx_sms_store_array(ngx_sms_store_query_t *q, ngx_sms_pg_array_t *a,
    uint32_t type, ngx_uint_t n);

/* octets of an operator as a column of text takes them */
ngx_int_t ngx_sms_store_text(ngx_pool_t *pool, const ngx_str_t *s,
    ngx_str_t *text);

#endif /* NGX_SMS_STORE_H */
