/*
 * ngx_sms_pg_query.h - one prepared statement on its way, and its answer.
 *
 * The caller owns the query; it must live until done() has run or
 * ngx_sms_pg_query_forget() was called.  Parameters need to live only until
 * ngx_sms_pg_query() returns, because libpq copies them.
 *
 * done() runs exactly once, from the event loop and never from inside
 * ngx_sms_pg_query(); it may free the query and send others.  The result is
 * valid until done() returns.
 *
 *   OK       the statement's transaction is committed (its sync has arrived).
 *   ERROR    PostgreSQL rolled it back; sqlstate and action tell more.
 *   UNKNOWN  the connection was lost, or the deadline passed, while it was in
 *            flight: committed or not, nobody knows.  "timeout" tells which.
 *
 * The deadline is the query's own timer and keeps a worker that is asked to
 * leave (reload) until the answer is there.
 */
#ifndef NGX_SMS_PG_QUERY_H
#define NGX_SMS_PG_QUERY_H

#include "ngx_sms_pg_conn.h"
#include "ngx_sms_pg_error.h"
#include "ngx_sms_pg_param.h"

typedef enum {
    NGX_SMS_PG_OK = 0,
    NGX_SMS_PG_ERROR,
    NGX_SMS_PG_UNKNOWN
} ngx_sms_pg_rc_t;

struct ngx_sms_pg_res_s {
    ngx_sms_pg_rc_t       rc;
    ngx_uint_t            nrows;            /* 0 unless OK                    */
    ngx_uint_t            ncols;
    int64_t               affected;         /* of INSERT, UPDATE, DELETE      */
    ngx_sms_pg_action_t   action;           /* ERROR: what may help           */
    char                  sqlstate[6];      /* ERROR; else ""                 */
    const char           *message;          /* ERROR: PostgreSQL's primary
                                               message whole (a problem raised
                                               by a function); may quote input:
                                               do not log; else ""            */
    const char           *detail;           /* ERROR: DETAIL, or ""           */
    const char           *hint;             /* ERROR: HINT, or ""             */
    const char           *constraint;       /* ERROR: its name, or ""         */
    unsigned              timeout:1;
    struct pg_result     *raw;              /* for ngx_sms_pg_row.c only      */
};

typedef struct ngx_sms_pg_query_s  ngx_sms_pg_query_t;
typedef void (*ngx_sms_pg_done_pt)(void *data, const ngx_sms_pg_res_t *res);

struct ngx_sms_pg_query_s {
    const ngx_sms_pg_stmt_t   *stmt;
    const ngx_sms_pg_param_t  *params;      /* stmt->nparams of them          */
    ngx_msec_t                 deadline_ms; /* 0: none, does not keep a worker */
    ngx_sms_pg_done_pt         done;
    void                      *data;
    unsigned                   text:1;      /* results as text, else binary   */
    unsigned                   background:1;/* the deadline does not keep a
                                               worker that is leaving         */
    /* private */
    void                      *slot;
    ngx_event_t                timer;
};

/* NGX_OK        on its way, done() will run
 * NGX_DECLINED  the connection is not READY; nothing happened
 * NGX_AGAIN     conf->queue queries wait already; nothing happened
 * NGX_ERROR     no memory, or more than 128 parameters; nothing happened      */
ngx_int_t ngx_sms_pg_query(ngx_sms_pg_conn_t *pc, ngx_sms_pg_query_t *q);

/* done() will not run; the statement goes on and its answer is dropped       */
void ngx_sms_pg_query_forget(ngx_sms_pg_query_t *q);

#endif /* NGX_SMS_PG_QUERY_H */
