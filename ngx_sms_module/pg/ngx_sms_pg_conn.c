#include "ngx_sms_pg_pipe.h"

#define NGX_SMS_PG_BACKOFF_MIN  50
#define NGX_SMS_PG_BACKOFF_MAX  5000

/* more than the target's own: application name and the end */
#define NGX_SMS_PG_EXTRA        2
#define NGX_SMS_PG_PARAMS_MAX   64


static void ngx_sms_pg_conn_attempt(ngx_sms_pg_conn_t *pc);
static void ngx_sms_pg_conn_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_sms_pg_conn_connect(ngx_sms_pg_conn_t *pc,
    const char *hostaddr);
static void ngx_sms_pg_conn_poll(ngx_sms_pg_conn_t *pc);
static void ngx_sms_pg_conn_event(ngx_event_t *ev);
static void ngx_sms_pg_conn_detach(ngx_sms_pg_conn_t *pc);
static void ngx_sms_pg_conn_late(ngx_event_t *ev);
static void ngx_sms_pg_conn_again(ngx_event_t *ev);
static void ngx_sms_pg_conn_broken(ngx_event_t *ev);


static const char *const  ngx_sms_pg_conn_states[] = {
    "down", "resolving", "connecting", "setup", "ready", "draining"
};


ngx_sms_pg_conn_t *
ngx_sms_pg_conn_create(const ngx_sms_pg_conf_t *conf,
    const ngx_sms_pg_spec_t *spec, ngx_log_t *log)
{
    ngx_pool_t         *pool;
    ngx_sms_pg_conn_t  *pc;

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NULL;
    }

    pc = ngx_pcalloc(pool, sizeof(ngx_sms_pg_conn_t));

    if (pc == NULL
        || ngx_array_init(&pc->tables, pool, 8, sizeof(ngx_sms_pg_table_t))
           != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    pc->pool = pool;
    pc->conf = conf;
    pc->spec = spec;
    pc->log = log;
    pc->backoff = NGX_SMS_PG_BACKOFF_MIN;
    pc->info.reason = "not started";

    ngx_queue_init(&pc->watchers);
    ngx_sms_pg_pipe_init(pc);

    pc->attempt.data = pc;
    pc->attempt.handler = ngx_sms_pg_conn_late;
    pc->attempt.log = log;
    pc->attempt.cancelable = 1;

    pc->reconnect.data = pc;
    pc->reconnect.handler = ngx_sms_pg_conn_again;
    pc->reconnect.log = log;
    pc->reconnect.cancelable = 1;

    pc->broken.data = pc;
    pc->broken.handler = ngx_sms_pg_conn_broken;
    pc->broken.log = log;

    return pc;
}


ngx_int_t
ngx_sms_pg_conn_prepare(ngx_sms_pg_conn_t *pc, const ngx_sms_pg_stmt_t *stmts,
    ngx_uint_t n)
{
    ngx_sms_pg_table_t  *table;

    table = ngx_array_push(&pc->tables);
    if (table == NULL) {
        return NGX_ERROR;
    }

    table->stmts = stmts;
    table->n = n;

    if (pc->state >= NGX_SMS_PG_SETUP) {
        return ngx_sms_pg_setup_prepare(pc, stmts, n);
    }

    return NGX_OK;
}


void
ngx_sms_pg_conn_watch(ngx_sms_pg_conn_t *pc, ngx_sms_pg_watcher_t *w)
{
    ngx_queue_insert_tail(&pc->watchers, &w->queue);
}


void
ngx_sms_pg_conn_unwatch(ngx_sms_pg_watcher_t *w)
{
    ngx_queue_remove(&w->queue);
}


/* a watcher may leave while it is told, but only itself */
static void
ngx_sms_pg_conn_tell(ngx_sms_pg_conn_t *pc, ngx_uint_t ready)
{
    ngx_queue_t           *q, *next;
    ngx_sms_pg_watcher_t  *w;

    for (q = ngx_queue_head(&pc->watchers);
         q != ngx_queue_sentinel(&pc->watchers);
         q = next)
    {
        next = ngx_queue_next(q);
        w = ngx_queue_data(q, ngx_sms_pg_watcher_t, queue);

        if (ready && w->ready != NULL) {
            w->ready(w->data);
        }

        if (!ready && w->down != NULL) {
            w->down(w->data);
        }
    }
}


void
ngx_sms_pg_conn_start(ngx_sms_pg_conn_t *pc)
{
    pc->stopped = 0;

    if (pc->state == NGX_SMS_PG_DOWN && !pc->reconnect.timer_set) {
        ngx_sms_pg_conn_attempt(pc);
    }
}


static ngx_sms_pg_target_t *
ngx_sms_pg_conn_target(const ngx_sms_pg_conn_t *pc)
{
    ngx_sms_pg_target_t  *targets;

    targets = pc->conf->targets.elts;

    return &targets[pc->target % pc->conf->targets.nelts];
}


static void
ngx_sms_pg_conn_attempt(ngx_sms_pg_conn_t *pc)
{
    ngx_resolver_ctx_t   *ctx;
    ngx_sms_pg_target_t  *t;

    t = ngx_sms_pg_conn_target(pc);

    pc->refusal = NULL;
    pc->bloated = 0;
    pc->renew = 0;

    ngx_add_timer(&pc->attempt, pc->conf->connect_timeout);

    if (t->host.len == 0) {
        ngx_sms_pg_conn_connect(pc, t->values[t->hostaddr]);
        return;
    }

    pc->state = NGX_SMS_PG_RESOLVING;

    ctx = ngx_resolve_start(pc->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_sms_pg_conn_down(pc, "no resolver", NULL, NULL);
        return;
    }

    ctx->name = t->host;
    ctx->handler = ngx_sms_pg_conn_resolved;
    ctx->data = pc;
    ctx->timeout = pc->conf->resolver_timeout;
    ctx->cancelable = 1;

    pc->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        pc->resolving = NULL;
        ngx_sms_pg_conn_down(pc, "cannot resolve", NULL, NULL);
    }
}


static void
ngx_sms_pg_conn_resolved(ngx_resolver_ctx_t *ctx)
{
    size_t                len;
    ngx_uint_t            i;
    ngx_sms_pg_conn_t    *pc;
    ngx_resolver_addr_t  *addr;

    pc = ctx->data;

    if (ctx->state) {
        ngx_sms_pg_conn_down(pc, "cannot resolve", NULL,
                             ngx_resolver_strerror(ctx->state));
        return;
    }

    i = pc->resolved++ % ctx->naddrs;
    addr = &ctx->addrs[i];

    len = ngx_sock_ntop(addr->sockaddr, addr->socklen, pc->address,
                        NGX_SOCKADDR_STRLEN, 0);
    pc->address[len] = '\0';

    pc->resolving = NULL;
    ngx_resolve_name_done(ctx);

    ngx_sms_pg_conn_connect(pc, (char *) pc->address);
}


/* What the server says outside of results is for people at a terminal; only
 * the reason of a session's end is of use, and libpq passes it off as a notice
 * when no query is running.                                                  */
static void
ngx_sms_pg_conn_notice(void *data, const PGresult *res)
{
    const char         *severity;
    ngx_sms_pg_conn_t  *pc;

    pc = data;
    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity != NULL && (ngx_strcmp(severity, "FATAL") == 0
                             || ngx_strcmp(severity, "PANIC") == 0))
    {
        ngx_sms_pg_conn_refuse(pc, "connection lost",
                               PQresultErrorField(res, PG_DIAG_SQLSTATE),
                               PQresultErrorField(res,
                                                  PG_DIAG_MESSAGE_PRIMARY));
    }
}


static void
ngx_sms_pg_conn_connect(ngx_sms_pg_conn_t *pc, const char *hostaddr)
{
    u_char                application[64];
    ngx_uint_t            i;
    const char           *keywords[NGX_SMS_PG_PARAMS_MAX];
    const char           *values[NGX_SMS_PG_PARAMS_MAX];
    ngx_sms_pg_target_t  *t;

    t = ngx_sms_pg_conn_target(pc);
    pc->state = NGX_SMS_PG_CONNECTING;

    *ngx_snprintf(application, sizeof(application) - 1, "ngx_sms %s %ui",
                  pc->spec->name, ngx_worker) = '\0';

    /* the target is shared by all connections: each attempt has its own copy */

    keywords[0] = "fallback_application_name";
    values[0] = (char *) application;

    for (i = 0; t->keywords[i] && i + NGX_SMS_PG_EXTRA < NGX_SMS_PG_PARAMS_MAX;
         i++)
    {
        keywords[i + 1] = t->keywords[i];
        values[i + 1] = t->values[i];
    }

    keywords[i + 1] = NULL;
    values[i + 1] = NULL;

    if (t->host.len) {
        values[t->hostaddr + 1] = hostaddr;
    }

    pc->pg = PQconnectStartParams(keywords, values, 0);

    if (pc->pg == NULL) {
        ngx_sms_pg_conn_down(pc, "no memory", NULL, NULL);
        return;
    }

    (void) PQsetNoticeReceiver(pc->pg, ngx_sms_pg_conn_notice, pc);

    if (PQstatus(pc->pg) == CONNECTION_BAD) {
        ngx_sms_pg_conn_down(pc, "cannot connect", NULL,
                             PQerrorMessage(pc->pg));
        return;
    }

    ngx_sms_pg_conn_poll(pc);
}


/* After every poll: the number may be the same, the socket not. */
static ngx_int_t
ngx_sms_pg_conn_attach(ngx_sms_pg_conn_t *pc)
{
    int           fd;
    struct stat   st;

    fd = PQsocket(pc->pg);

    if (fd < 0 || fstat(fd, &st) != 0) {
        return NGX_ERROR;
    }

    if (pc->c != NULL) {

        if (pc->c->fd == fd && pc->ino == st.st_ino) {
            return NGX_OK;
        }

        ngx_sms_pg_conn_detach(pc);
    }

    pc->c = ngx_get_connection(fd, pc->log);
    if (pc->c == NULL) {
        return NGX_ERROR;
    }

    pc->ino = st.st_ino;

    pc->c->data = pc;
    pc->c->read->handler = ngx_sms_pg_conn_event;
    pc->c->write->handler = ngx_sms_pg_conn_event;
    pc->c->read->log = pc->log;
    pc->c->write->log = pc->log;

    return NGX_OK;
}


static ngx_uint_t
ngx_sms_pg_conn_owns(ngx_sms_pg_conn_t *pc, ngx_connection_t *c)
{
    struct stat  st;

    return pc->pg != NULL && PQsocket(pc->pg) == c->fd
           && fstat(c->fd, &st) == 0 && st.st_ino == pc->ino;
}


/* Gives nginx's slot back; libpq closes the descriptor, afterwards.  Otherwise
 * whatever gets the number next meets bookkeeping that is not its own.      */
static void
ngx_sms_pg_conn_detach(ngx_sms_pg_conn_t *pc)
{
    ngx_connection_t  *c;

    c = pc->c;

    if (c == NULL) {
        return;
    }

    pc->c = NULL;

    /* on a lost connection libpq has closed the socket already, and the number
     * may be somebody else's by now: epoll has forgotten it by itself        */

    if (!ngx_sms_pg_conn_owns(pc, c)) {
        c->read->active = 0;
        c->write->active = 0;
    }

    if (c->read->active || c->write->active) {

        if (ngx_del_conn) {
            (void) ngx_del_conn(c, 0);

        } else {
            if (c->read->active) {
                (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
            }

            if (c->write->active) {
                (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
            }
        }
    }

    /* keeps ngx_close_connection from the descriptor, which is libpq's */
    c->shared = 1;
    ngx_close_connection(c);
}


static void
ngx_sms_pg_conn_poll(ngx_sms_pg_conn_t *pc)
{
    PostgresPollingStatusType  status;

    status = PQconnectPoll(pc->pg);

    if (status == PGRES_POLLING_FAILED) {
        ngx_sms_pg_conn_down(pc, "cannot connect", NULL,
                             PQerrorMessage(pc->pg));
        return;
    }

    if (ngx_sms_pg_conn_attach(pc) != NGX_OK) {
        ngx_sms_pg_conn_down(pc, "no free connection of the worker", NULL,
                             NULL);
        return;
    }

    if (status == PGRES_POLLING_OK) {
        pc->state = NGX_SMS_PG_SETUP;
        pc->info.server_version = PQserverVersion(pc->pg);
        pc->info.backend_pid = PQbackendPID(pc->pg);

        if (PQsetnonblocking(pc->pg, 1) != 0
            || PQenterPipelineMode(pc->pg) != 1
            || ngx_sms_pg_pipe_watch(pc, 1, 0) != NGX_OK
            || ngx_sms_pg_setup_start(pc) != NGX_OK)
        {
            ngx_sms_pg_conn_down(pc, "cannot set up", NULL,
                                 PQerrorMessage(pc->pg));
        }

        return;
    }

    if (ngx_sms_pg_pipe_watch(pc, status == PGRES_POLLING_READING,
                              status == PGRES_POLLING_WRITING)
        != NGX_OK)
    {
        ngx_sms_pg_conn_down(pc, "cannot watch the socket", NULL, NULL);
    }
}


static void
ngx_sms_pg_conn_event(ngx_event_t *ev)
{
    ngx_uint_t          failed;
    ngx_connection_t   *c;
    ngx_sms_pg_conn_t  *pc;

    c = ev->data;
    pc = c->data;

    if (c->close) {
        /* worker_shutdown_timeout: nobody may keep the worker any longer */
        pc->stopped = 1;
        ngx_sms_pg_conn_down(pc, "worker is shutting down", NULL, NULL);
        return;
    }

    if (pc->state == NGX_SMS_PG_CONNECTING) {
        ngx_sms_pg_conn_poll(pc);
        return;
    }

    failed = 0;

    if (ev->write) {
        failed = ngx_sms_pg_pipe_flush(pc) != NGX_OK;

    } else if (PQconsumeInput(pc->pg) != 1) {
        failed = 1;
    }

    /* also after a failure: answers may stand in the buffer before it, and
     * also after a flush, which reads when the socket is full               */

    if (ngx_sms_pg_pipe_results(pc) != NGX_OK || failed) {
        ngx_sms_pg_conn_lost(pc);
        return;
    }

    if (pc->spec->notify != NULL) {
        ngx_post_event(&pc->deliver, &ngx_posted_events);
    }
}


void
ngx_sms_pg_conn_refuse(ngx_sms_pg_conn_t *pc, const char *reason,
    const char *sqlstate, const char *detail)
{
    if (pc->refusal != NULL) {
        return;
    }

    pc->refusal = reason;

    ngx_cpystrn((u_char *) pc->refusal_state,
                (u_char *) (sqlstate ? sqlstate : ""),
                sizeof(pc->refusal_state));

    ngx_cpystrn((u_char *) pc->refusal_text, (u_char *) (detail ? detail : ""),
                sizeof(pc->refusal_text));
}


void
ngx_sms_pg_conn_lost(ngx_sms_pg_conn_t *pc)
{
    /* lets libpq find a last message in what it has read */
    (void) PQisBusy(pc->pg);

    if (pc->refusal == NULL) {
        ngx_sms_pg_conn_refuse(pc, "connection lost", NULL,
                               PQerrorMessage(pc->pg));
    }

    ngx_sms_pg_conn_down(pc, pc->refusal, pc->refusal_state, pc->refusal_text);
}


void
ngx_sms_pg_conn_break(ngx_sms_pg_conn_t *pc, const char *reason)
{
    if (!pc->broken.posted) {
        pc->broken_reason = reason;
        ngx_post_event(&pc->broken, &ngx_posted_events);
    }
}


static void
ngx_sms_pg_conn_broken(ngx_event_t *ev)
{
    ngx_sms_pg_conn_t  *pc;

    pc = ev->data;

    ngx_sms_pg_conn_down(pc, pc->broken_reason, NULL, PQerrorMessage(pc->pg));
}


static void
ngx_sms_pg_conn_late(ngx_event_t *ev)
{
    ngx_sms_pg_conn_down(ev->data, "connect timeout", NULL, NULL);
}


static void
ngx_sms_pg_conn_again(ngx_event_t *ev)
{
    ngx_sms_pg_conn_attempt(ev->data);
}


void
ngx_sms_pg_conn_up(ngx_sms_pg_conn_t *pc)
{
    ngx_del_timer(&pc->attempt);

    pc->state = NGX_SMS_PG_READY;
    pc->tried = 0;
    pc->backoff = NGX_SMS_PG_BACKOFF_MIN;
    pc->info.connects++;
    pc->info.reason = "";

    ngx_log_error(NGX_LOG_NOTICE, pc->log, 0,
                  "sms pg: %s: ready: target=%V server=%d backend=%d",
                  pc->spec->name, &ngx_sms_pg_conn_target(pc)->name,
                  pc->info.server_version, pc->info.backend_pid);

    ngx_sms_pg_conn_tell(pc, 1);
}


/* releases everything of this attempt; no callback is made here */
static void
ngx_sms_pg_conn_close(ngx_sms_pg_conn_t *pc)
{
    PGconn  *pg;

    if (pc->attempt.timer_set) {
        ngx_del_timer(&pc->attempt);
    }

    if (pc->broken.posted) {
        ngx_delete_posted_event(&pc->broken);
    }

    if (pc->resolving != NULL) {
        ngx_resolve_name_done(pc->resolving);
        pc->resolving = NULL;
    }

    ngx_sms_pg_conn_detach(pc);

    pg = pc->pg;
    pc->pg = NULL;
    pc->state = NGX_SMS_PG_DOWN;

    if (pg != NULL) {
        PQfinish(pg);
    }
}


static void
ngx_sms_pg_conn_wait(ngx_sms_pg_conn_t *pc, ngx_uint_t was_ready)
{
    ngx_msec_t  wait;

    if (pc->at_once) {
        pc->at_once = 0;
        ngx_add_timer(&pc->reconnect, 1);
        return;
    }

    wait = pc->backoff;

    if (!was_ready) {
        pc->target++;
        pc->tried++;

        /* the other hosts at once, then patience with all of them */
        if (pc->tried < pc->conf->targets.nelts) {
            wait = NGX_SMS_PG_BACKOFF_MIN;

        } else {
            pc->tried = 0;
            pc->backoff = ngx_min(pc->backoff * 2, NGX_SMS_PG_BACKOFF_MAX);
        }
    }

    /* ±25 %, or all workers of all nodes come back in the same instant */
    wait = wait * (75 + (ngx_msec_t) ngx_random() % 51) / 100;

    ngx_add_timer(&pc->reconnect, wait);
}


void
ngx_sms_pg_conn_down(ngx_sms_pg_conn_t *pc, const char *reason,
    const char *sqlstate, const char *detail)
{
    char        text[256];
    ngx_uint_t  was, level;

    was = pc->state;

    /* detail may be libpq's own memory, which is about to go */
    ngx_cpystrn((u_char *) text, (u_char *) (detail ? detail : ""),
                sizeof(text));

    ngx_sms_pg_conn_close(pc);

    pc->info.reason = reason;
    pc->refusal = NULL;

    if (was >= NGX_SMS_PG_READY) {
        pc->info.losses++;
    }

    level = pc->stopped || was == NGX_SMS_PG_DRAINING ? NGX_LOG_INFO
                                                      : NGX_LOG_ERR;

    ngx_sms_pg_error_log(level, pc->log, pc->spec->name, reason, sqlstate,
                         text);

    ngx_sms_pg_pipe_lost(pc);

    if (was >= NGX_SMS_PG_READY) {
        ngx_sms_pg_conn_tell(pc, 0);
    }

    if (was == NGX_SMS_PG_DRAINING) {
        pc->stopped = 1;
    }

    if (!pc->stopped && pc->state == NGX_SMS_PG_DOWN) {
        ngx_sms_pg_conn_wait(pc, was >= NGX_SMS_PG_READY);
    }
}


void
ngx_sms_pg_conn_drain(ngx_sms_pg_conn_t *pc)
{
    pc->stopped = 1;

    if (pc->reconnect.timer_set) {
        ngx_del_timer(&pc->reconnect);
    }

    if (pc->state == NGX_SMS_PG_READY && pc->queued != 0) {
        pc->state = NGX_SMS_PG_DRAINING;
        return;
    }

    if (pc->state != NGX_SMS_PG_DOWN && pc->state != NGX_SMS_PG_DRAINING) {
        ngx_sms_pg_conn_down(pc, "drained", NULL, NULL);
    }
}


void
ngx_sms_pg_conn_recycle(ngx_sms_pg_conn_t *pc, const char *reason)
{
    if (pc->state == NGX_SMS_PG_DOWN) {
        return;
    }

    /* the server is there: readers should miss the connection only briefly */
    pc->at_once = pc->state == NGX_SMS_PG_READY;

    ngx_sms_pg_conn_down(pc, reason, NULL, NULL);
}


void
ngx_sms_pg_conn_destroy(ngx_sms_pg_conn_t *pc)
{
    ngx_sms_pg_conn_close(pc);
    ngx_sms_pg_pipe_free(pc);

    if (pc->reconnect.timer_set) {
        ngx_del_timer(&pc->reconnect);
    }

    ngx_destroy_pool(pc->pool);
}


ngx_uint_t
ngx_sms_pg_conn_ready(const ngx_sms_pg_conn_t *pc)
{
    return pc->state == NGX_SMS_PG_READY && !pc->broken.posted;
}


const char *
ngx_sms_pg_conn_state_name(ngx_sms_pg_state_t state)
{
    return ngx_sms_pg_conn_states[state];
}


void
ngx_sms_pg_conn_info(const ngx_sms_pg_conn_t *pc, ngx_sms_pg_info_t *info)
{
    *info = pc->info;

    info->state = pc->state;
    info->target = ngx_sms_pg_conn_target(pc)->name;
    info->queued = pc->queued;
}


const ngx_sms_pg_conf_t *
ngx_sms_pg_conn_conf(const ngx_sms_pg_conn_t *pc)
{
    return pc->conf;
}


ngx_log_t *
ngx_sms_pg_conn_log(const ngx_sms_pg_conn_t *pc)
{
    return pc->log;
}
