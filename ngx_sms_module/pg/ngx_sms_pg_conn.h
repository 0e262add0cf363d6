/*
 * ngx_sms_pg_conn.h - one connection to PostgreSQL in nginx's event loop.
 *
 *   DOWN -> RESOLVING -> CONNECTING -> SETUP -> READY -> (DRAINING) -> DOWN
 *
 * A worker makes its connections in init_process (never in the master: a
 * connection must not cross fork) and they mend themselves: after a loss it is
 * tried again after 50 ms, doubling to 5 s, each ±25 %, the next host in turn.
 *
 * SETUP is a pipeline of its own: session settings, LISTENs, one look at the
 * server (primary? writable? durable?, D23), the caller's probe, and every
 * PREPARE.  Only when all of it was good the connection is READY and takes
 * queries.
 *
 * Always in pipeline mode, each query with its own sync: a query is one
 * transaction, and its error touches nobody else's.  Queries: ngx_sms_pg_query.h.
 *
 * No blocking libpq call is made.  The socket is level-triggered because libpq
 * may leave octets in the kernel; it is compared by inode after each poll
 * because libpq may put a new socket behind the same number; nginx's
 * bookkeeping is given back before PQfinish closes the descriptor.
 *
 * RELOAD  The connection's own timers are cancelable and do not keep a worker;
 * its queries' deadlines do.  It stays open while the old worker finishes and
 * must be destroyed in exit_process, or nginx reports an open socket.
 */
#ifndef NGX_SMS_PG_CONN_H
#define NGX_SMS_PG_CONN_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sms_pg_conf.h"
#include "ngx_sms_pg_type.h"

typedef struct ngx_sms_pg_conn_s   ngx_sms_pg_conn_t;
typedef struct ngx_sms_pg_res_s    ngx_sms_pg_res_t;

typedef enum {
    NGX_SMS_PG_DOWN = 0,
    NGX_SMS_PG_RESOLVING,
    NGX_SMS_PG_CONNECTING,
    NGX_SMS_PG_SETUP,
    NGX_SMS_PG_READY,
    NGX_SMS_PG_DRAINING
} ngx_sms_pg_state_t;

/* A prepared statement.  Tables of these are static and outlive connections. */
typedef struct {
    const char       *name;                 /* unique on the connection       */
    const char       *sql;
    ngx_uint_t        nparams;
    const uint32_t   *types;                /* NGX_SMS_PG_*; NULL: inferred    */
    unsigned          optional:1;           /* a PREPARE that fails does not keep
                                               the connection from READY; its
                                               queries then end in ERROR 26000 */
} ngx_sms_pg_stmt_t;

typedef struct {
    const char  *name;
    const char  *value;
} ngx_sms_pg_setting_t;

typedef struct {
    const char                  *name;      /* "write", "read": logs, metrics,
                                               application_name               */
    const ngx_sms_pg_setting_t  *settings;  /* more session settings, or NULL */
    ngx_uint_t                   nsettings;
    const char *const           *listen;    /* channels, or NULL              */
    ngx_uint_t                   nlisten;

    /* Run in SETUP; no parameters, text results.  The judge sees the result, OK
     * or ERROR, and returns NGX_OK, or NGX_DECLINED and a static reason: then
     * the connection is closed, the reason is logged, and it is tried again
     * later.  Without a judge an ERROR refuses.                              */
    const char                  *probe;     /* SQL, or NULL                   */
    ngx_int_t                  (*judge)(void *data, const ngx_sms_pg_res_t *res,
                                        const char **reason);
    /* a hint, never the data: at most 8000 octets, lost while disconnected;
     * sweep on every ready().  "payload" is NUL-terminated.                  */
    void                       (*notify)(void *data, const char *channel,
                                         const char *payload);
    void                        *data;

    unsigned                     primary:1; /* refuse a standby, and a server
                                               that may forget a commit (D23) */
} ngx_sms_pg_spec_t;

/* Told when the connection comes and goes, in the order of registration and
 * from the event loop.  ready() may query at once; when down() runs every
 * query in flight has been or will be told UNKNOWN.                          */
typedef struct {
    ngx_queue_t   queue;                    /* private                        */
    void        (*ready)(void *data);       /* either may be NULL             */
    void        (*down)(void *data);
    void         *data;
} ngx_sms_pg_watcher_t;

typedef struct {                            /* for /health and /metrics       */
    ngx_sms_pg_state_t  state;
    const char         *reason;             /* why not ready; "" when it is   */
    ngx_str_t           target;             /* host:port                      */
    int                 server_version;     /* 150020; 0 never connected      */
    int                 backend_pid;
    unsigned            recovery:1;         /* a standby                      */
    unsigned            fsync:1;
    unsigned            full_page_writes:1;
    char                synchronous_commit[16];
    ngx_uint_t          queued;             /* queries without an answer      */
    uint64_t            connects;           /* times it became READY          */
    uint64_t            losses;             /* times it was lost after that   */
    uint64_t            queries;
    uint64_t            errors;
    uint64_t            unknown;
    uint64_t            timeouts;
} ngx_sms_pg_info_t;

/* NULL without memory.  Nothing happens before _start(). */
ngx_sms_pg_conn_t *ngx_sms_pg_conn_create(const ngx_sms_pg_conf_t *conf,
    const ngx_sms_pg_spec_t *spec, ngx_log_t *log);

/* Adds a table of statements; several may be added, before or after _start().
 * After READY they are prepared at once, ahead of any later query.           */
ngx_int_t ngx_sms_pg_conn_prepare(ngx_sms_pg_conn_t *pc,
    const ngx_sms_pg_stmt_t *stmts, ngx_uint_t n);

void ngx_sms_pg_conn_watch(ngx_sms_pg_conn_t *pc, ngx_sms_pg_watcher_t *w);
void ngx_sms_pg_conn_unwatch(ngx_sms_pg_watcher_t *w);

void ngx_sms_pg_conn_start(ngx_sms_pg_conn_t *pc);

/* takes no more queries, closes after the last answer, and stays down        */
void ngx_sms_pg_conn_drain(ngx_sms_pg_conn_t *pc);

/* closes at once (queries in flight: UNKNOWN) and connects anew             */
void ngx_sms_pg_conn_recycle(ngx_sms_pg_conn_t *pc, const char *reason);

/* Closes and frees, in exit_process.  Queries get no callback any more.      */
void ngx_sms_pg_conn_destroy(ngx_sms_pg_conn_t *pc);

ngx_uint_t ngx_sms_pg_conn_ready(const ngx_sms_pg_conn_t *pc);
const char *ngx_sms_pg_conn_state_name(ngx_sms_pg_state_t state);
void ngx_sms_pg_conn_info(const ngx_sms_pg_conn_t *pc, ngx_sms_pg_info_t *info);
const ngx_sms_pg_conf_t *ngx_sms_pg_conn_conf(const ngx_sms_pg_conn_t *pc);
ngx_log_t *ngx_sms_pg_conn_log(const ngx_sms_pg_conn_t *pc);

#endif /* NGX_SMS_PG_CONN_H */
