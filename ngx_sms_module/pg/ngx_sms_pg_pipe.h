/*
 * ngx_sms_pg_pipe.h - private to pg/: the inside of a connection, and the FIFO
 * of results that are still expected on it.
 *
 * libpq does not say which query a result belongs to, so each sending puts a
 * slot at the end of "expected" and each PGRES_PIPELINE_SYNC takes one off its
 * head: one sync per query is the transaction's and the error's boundary.  A
 * result is believed only at its sync, because a deferred constraint or the
 * commit itself may still fail after the statement's own result.
 *
 * Finished slots wait in "answered" for a posted event, so no caller's code ever
 * runs inside the result loop or inside a sending.
 */
#ifndef NGX_SMS_PG_PIPE_H
#define NGX_SMS_PG_PIPE_H

#include "ngx_sms_pg_query.h"

#include <libpq-fe.h>

typedef struct ngx_sms_pg_slot_s  ngx_sms_pg_slot_t;

/* a step of SETUP, or a late PREPARE; dropped when the connection is lost     */
typedef void (*ngx_sms_pg_step_pt)(ngx_sms_pg_conn_t *pc,
    const ngx_sms_pg_slot_t *slot, const ngx_sms_pg_res_t *res);

struct ngx_sms_pg_slot_s {
    ngx_queue_t               queue;
    ngx_sms_pg_conn_t        *conn;
    ngx_sms_pg_query_t       *query;        /* NULL: a step, or forgotten     */
    ngx_sms_pg_step_pt        step;
    const ngx_sms_pg_stmt_t  *stmt;         /* of a PREPARE step              */
    PGresult                 *result;
    PGresult                 *error;
    unsigned                  lost:1;
};

typedef struct {
    const ngx_sms_pg_stmt_t  *stmts;
    ngx_uint_t                n;
} ngx_sms_pg_table_t;

struct ngx_sms_pg_conn_s {
    ngx_sms_pg_state_t         state;
    PGconn                    *pg;
    ngx_connection_t          *c;
    ino_t                      ino;

    const ngx_sms_pg_conf_t   *conf;
    const ngx_sms_pg_spec_t   *spec;
    ngx_log_t                 *log;
    ngx_pool_t                *pool;
    ngx_array_t                tables;      /* ngx_sms_pg_table_t             */
    ngx_queue_t                watchers;

    ngx_queue_t                expected;
    ngx_queue_t                answered;
    ngx_queue_t                unused;
    ngx_uint_t                 queued;      /* in "expected"                  */

    ngx_event_t                deliver;     /* posted                         */
    ngx_event_t                broken;      /* posted: go down                */
    const char                *broken_reason;
    ngx_event_t                attempt;     /* deadline of one attempt        */
    ngx_event_t                reconnect;
    ngx_event_t                stall;       /* head of "expected" is overdue  */

    ngx_resolver_ctx_t        *resolving;
    u_char                     address[NGX_SOCKADDR_STRLEN + 1];
    ngx_uint_t                 target;
    ngx_uint_t                 tried;       /* targets since the last READY   */
    ngx_uint_t                 resolved;    /* turns through a name's answers */
    ngx_msec_t                 backoff;

    ngx_uint_t                 steps;       /* SETUP steps without an answer  */
    const char                *refusal;     /* what a step found wrong        */
    char                       refusal_state[6];
    char                       refusal_text[256];

    ngx_sms_pg_info_t          info;

    unsigned                   stopped:1;
    unsigned                   bloated:1;   /* libpq's buffer has grown       */
    unsigned                   at_once:1;   /* connect again without a wait   */
    unsigned                   renew:1;     /* an error asked for RECONNECT   */
};

/* ngx_sms_pg_conn.c */
void ngx_sms_pg_conn_down(ngx_sms_pg_conn_t *pc, const char *reason,
    const char *sqlstate, const char *detail);
/* after the socket or the protocol failed: down, with libpq's own reason     */
void ngx_sms_pg_conn_lost(ngx_sms_pg_conn_t *pc);
/* keeps the first reason until the next _down()                              */
void ngx_sms_pg_conn_refuse(ngx_sms_pg_conn_t *pc, const char *reason,
    const char *sqlstate, const char *detail);
/* from inside a sending: down, but posted                                    */
void ngx_sms_pg_conn_break(ngx_sms_pg_conn_t *pc, const char *reason);
void ngx_sms_pg_conn_up(ngx_sms_pg_conn_t *pc);

/* ngx_sms_pg_setup.c */
ngx_int_t ngx_sms_pg_setup_start(ngx_sms_pg_conn_t *pc);
ngx_int_t ngx_sms_pg_setup_prepare(ngx_sms_pg_conn_t *pc,
    const ngx_sms_pg_stmt_t *stmts, ngx_uint_t n);

/* ngx_sms_pg_pipe.c */
void ngx_sms_pg_pipe_init(ngx_sms_pg_conn_t *pc);
ngx_sms_pg_slot_t *ngx_sms_pg_pipe_slot(ngx_sms_pg_conn_t *pc);
void ngx_sms_pg_pipe_give_back(ngx_sms_pg_conn_t *pc, ngx_sms_pg_slot_t *slot);
/* after libpq took the message: its sync, its place, and on the wire         */
void ngx_sms_pg_pipe_sent(ngx_sms_pg_conn_t *pc, ngx_sms_pg_slot_t *slot);
/* takes what has arrived; NGX_ERROR: the connection is of no more use        */
ngx_int_t ngx_sms_pg_pipe_results(ngx_sms_pg_conn_t *pc);
/* everything expected becomes UNKNOWN                                        */
void ngx_sms_pg_pipe_lost(ngx_sms_pg_conn_t *pc);
ngx_int_t ngx_sms_pg_pipe_flush(ngx_sms_pg_conn_t *pc);
ngx_int_t ngx_sms_pg_pipe_watch(ngx_sms_pg_conn_t *pc, ngx_uint_t rd,
    ngx_uint_t wr);
void ngx_sms_pg_pipe_free(ngx_sms_pg_conn_t *pc);

#endif /* NGX_SMS_PG_PIPE_H */
