#include "ngx_sms_pg_pipe.h"

/* libpq's input buffer never shrinks; above this a connection is made anew */
#define NGX_SMS_PG_BLOATED  (16 * 1024 * 1024)

/* what the server may take beyond its own statement_timeout before the
 * connection counts as dead (stopped process, black hole)                  */
#define NGX_SMS_PG_STALL    5000


static void ngx_sms_pg_pipe_deliver(ngx_event_t *ev);
static void ngx_sms_pg_pipe_stalled(ngx_event_t *ev);


void
ngx_sms_pg_pipe_init(ngx_sms_pg_conn_t *pc)
{
    ngx_queue_init(&pc->expected);
    ngx_queue_init(&pc->answered);
    ngx_queue_init(&pc->unused);

    pc->deliver.data = pc;
    pc->deliver.handler = ngx_sms_pg_pipe_deliver;
    pc->deliver.log = pc->log;

    pc->stall.data = pc;
    pc->stall.handler = ngx_sms_pg_pipe_stalled;
    pc->stall.log = pc->log;
    pc->stall.cancelable = 1;
}


ngx_sms_pg_slot_t *
ngx_sms_pg_pipe_slot(ngx_sms_pg_conn_t *pc)
{
    ngx_queue_t        *q;
    ngx_sms_pg_slot_t  *slot;

    if (!ngx_queue_empty(&pc->unused)) {
        q = ngx_queue_head(&pc->unused);
        ngx_queue_remove(q);
        slot = ngx_queue_data(q, ngx_sms_pg_slot_t, queue);
        ngx_memzero(slot, sizeof(ngx_sms_pg_slot_t));

    } else {
        slot = ngx_pcalloc(pc->pool, sizeof(ngx_sms_pg_slot_t));
    }

    if (slot != NULL) {
        slot->conn = pc;
    }

    return slot;
}


void
ngx_sms_pg_pipe_give_back(ngx_sms_pg_conn_t *pc, ngx_sms_pg_slot_t *slot)
{
    PQclear(slot->result);
    PQclear(slot->error);

    slot->result = NULL;
    slot->error = NULL;
    slot->query = NULL;

    ngx_queue_insert_head(&pc->unused, &slot->queue);
}


ngx_int_t
ngx_sms_pg_pipe_watch(ngx_sms_pg_conn_t *pc, ngx_uint_t rd, ngx_uint_t wr)
{
    ngx_event_t  *rev, *wev;

    rev = pc->c->read;
    wev = pc->c->write;

    if (rd && !rev->active) {
        if (ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (!rd && rev->active) {
        if (ngx_del_event(rev, NGX_READ_EVENT, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (wr && !wev->active) {
        if (ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (!wr && wev->active) {
        if (ngx_del_event(wev, NGX_WRITE_EVENT, 0) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_sms_pg_pipe_flush(ngx_sms_pg_conn_t *pc)
{
    int  rc;

    rc = PQflush(pc->pg);

    if (rc < 0) {
        return NGX_ERROR;
    }

    /* reading goes on meanwhile: a server that cannot write stops reading */
    return ngx_sms_pg_pipe_watch(pc, 1, rc == 1);
}


void
ngx_sms_pg_pipe_sent(ngx_sms_pg_conn_t *pc, ngx_sms_pg_slot_t *slot)
{
    ngx_queue_insert_tail(&pc->expected, &slot->queue);
    pc->queued++;

    if (!pc->stall.timer_set && pc->state >= NGX_SMS_PG_READY) {
        ngx_add_timer(&pc->stall,
                      pc->conf->statement_timeout + NGX_SMS_PG_STALL);
    }

    if (PQpipelineSync(pc->pg) != 1 || ngx_sms_pg_pipe_flush(pc) != NGX_OK) {
        ngx_sms_pg_conn_break(pc, "cannot send");
        return;
    }

    /* When the socket is full libpq reads while it sends; what it read then is
     * announced by no event, so somebody has to look.                       */
    ngx_post_event(&pc->deliver, &ngx_posted_events);
}


static void
ngx_sms_pg_pipe_answer(ngx_sms_pg_conn_t *pc, ngx_sms_pg_slot_t *slot)
{
    ngx_queue_remove(&slot->queue);
    ngx_queue_insert_tail(&pc->answered, &slot->queue);
    pc->queued--;

    ngx_post_event(&pc->deliver, &ngx_posted_events);
}


/* A message of severity FATAL ends the session; whether a commit slipped
 * through before it is not known.  One without sqlstate is libpq's own.     */
static ngx_uint_t
ngx_sms_pg_pipe_fatal(ngx_sms_pg_conn_t *pc, PGresult *res)
{
    const char  *severity, *sqlstate;

    sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (sqlstate != NULL
        && (severity == NULL || ngx_strcmp(severity, "ERROR") == 0))
    {
        return 0;
    }

    ngx_sms_pg_conn_refuse(pc, "connection lost", sqlstate,
                           PQresultErrorMessage(res));

    return 1;
}


ngx_int_t
ngx_sms_pg_pipe_results(ngx_sms_pg_conn_t *pc)
{
    PGresult           *res;
    ngx_uint_t          nulls;
    ngx_queue_t        *q;
    ngx_sms_pg_slot_t  *slot;

    nulls = 0;

    /* never PQgetResult while busy: it would block the worker */

    while (!ngx_queue_empty(&pc->expected) && !PQisBusy(pc->pg)) {

        q = ngx_queue_head(&pc->expected);
        slot = ngx_queue_data(q, ngx_sms_pg_slot_t, queue);

        res = PQgetResult(pc->pg);

        if (res == NULL) {
            /* one separates queries; two mean that libpq expects nothing,
             * which cannot be while we do                                  */
            if (++nulls == 2) {
                return NGX_ERROR;
            }

            continue;
        }

        nulls = 0;

        switch (PQresultStatus(res)) {

        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY:

            if (PQresultMemorySize(res) > NGX_SMS_PG_BLOATED) {
                pc->bloated = 1;
            }

            PQclear(slot->result);
            slot->result = res;
            break;

        case PGRES_PIPELINE_SYNC:
            PQclear(res);
            ngx_sms_pg_pipe_answer(pc, slot);

            if (pc->stall.timer_set) {
                ngx_del_timer(&pc->stall);
            }

            if (!ngx_queue_empty(&pc->expected)
                && pc->state >= NGX_SMS_PG_READY)
            {
                ngx_add_timer(&pc->stall,
                              pc->conf->statement_timeout + NGX_SMS_PG_STALL);
            }

            break;

        case PGRES_PIPELINE_ABORTED:
            PQclear(res);
            break;

        case PGRES_FATAL_ERROR:

            if (ngx_sms_pg_pipe_fatal(pc, res)) {
                PQclear(res);
                return NGX_ERROR;
            }

            if (slot->error == NULL) {
                slot->error = res;

            } else {
                PQclear(res);
            }

            break;

        default:                    /* COPY has no place in a pipeline */
            PQclear(res);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_sms_pg_pipe_lost(ngx_sms_pg_conn_t *pc)
{
    ngx_queue_t        *q;
    ngx_sms_pg_slot_t  *slot;

    if (pc->stall.timer_set) {
        ngx_del_timer(&pc->stall);
    }

    while (!ngx_queue_empty(&pc->expected)) {
        q = ngx_queue_head(&pc->expected);
        slot = ngx_queue_data(q, ngx_sms_pg_slot_t, queue);

        slot->lost = 1;
        ngx_sms_pg_pipe_answer(pc, slot);
    }

    pc->steps = 0;
}


static const char *
ngx_sms_pg_pipe_field(PGresult *res, int field)
{
    const char  *s = PQresultErrorField(res, field);

    return s ? s : "";
}


/* DDL beside a running server changes what a statement returns; PostgreSQL
 * then refuses it until it is prepared anew, with the code of "not supported" */
static ngx_uint_t
ngx_sms_pg_pipe_stale_plan(const ngx_sms_pg_res_t *r)
{
    return ngx_strcmp(r->sqlstate, "0A000") == 0
           && ngx_strcmp(ngx_sms_pg_pipe_field(r->raw,
                                               PG_DIAG_SOURCE_FUNCTION),
                         "RevalidateCachedQuery") == 0;
}


static void
ngx_sms_pg_pipe_judge(ngx_sms_pg_slot_t *slot, ngx_sms_pg_res_t *r)
{
    const char  *affected;

    ngx_memzero(r, sizeof(ngx_sms_pg_res_t));

    r->message = "";
    r->detail = "";
    r->hint = "";
    r->constraint = "";

    if (slot->error != NULL) {
        r->rc = NGX_SMS_PG_ERROR;
        r->raw = slot->error;

        ngx_cpystrn((u_char *) r->sqlstate,
                    (u_char *) ngx_sms_pg_pipe_field(r->raw, PG_DIAG_SQLSTATE),
                    sizeof(r->sqlstate));

        r->message = ngx_sms_pg_pipe_field(r->raw, PG_DIAG_MESSAGE_PRIMARY);
        r->detail = ngx_sms_pg_pipe_field(r->raw, PG_DIAG_MESSAGE_DETAIL);
        r->hint = ngx_sms_pg_pipe_field(r->raw, PG_DIAG_MESSAGE_HINT);
        r->constraint = ngx_sms_pg_pipe_field(r->raw, PG_DIAG_CONSTRAINT_NAME);

        r->action = ngx_sms_pg_pipe_stale_plan(r)
                    ? NGX_SMS_PG_ACT_RECONNECT
                    : ngx_sms_pg_error_action(r->sqlstate);
        return;
    }

    if (slot->lost) {
        r->rc = NGX_SMS_PG_UNKNOWN;
        return;
    }

    r->rc = NGX_SMS_PG_OK;
    r->raw = slot->result;

    if (r->raw != NULL) {
        r->nrows = (ngx_uint_t) PQntuples(r->raw);
        r->ncols = (ngx_uint_t) PQnfields(r->raw);

        affected = PQcmdTuples(r->raw);
        if (affected[0] != '\0') {
            r->affected = strtoll(affected, NULL, 10);
        }
    }
}


static void
ngx_sms_pg_pipe_hand_over(ngx_sms_pg_conn_t *pc, ngx_sms_pg_slot_t *slot)
{
    ngx_sms_pg_res_t     res;
    ngx_sms_pg_query_t  *query;

    ngx_sms_pg_pipe_judge(slot, &res);

    if (slot->step != NULL) {
        /* of this connection, not of one that went meanwhile */
        if (!slot->lost && pc->state >= NGX_SMS_PG_SETUP) {
            slot->step(pc, slot, &res);
        }

        ngx_sms_pg_pipe_give_back(pc, slot);
        return;
    }

    switch (res.rc) {

    case NGX_SMS_PG_ERROR:
        pc->info.errors++;

        if (res.action == NGX_SMS_PG_ACT_RECONNECT && !slot->lost) {
            pc->renew = 1;
        }

        break;

    case NGX_SMS_PG_UNKNOWN:
        pc->info.unknown++;
        break;

    default:
        break;
    }

    query = slot->query;

    if (query != NULL) {
        slot->query = NULL;
        query->slot = NULL;

        if (query->timer.timer_set) {
            ngx_del_timer(&query->timer);
        }

        query->done(query->data, &res);
    }

    ngx_sms_pg_pipe_give_back(pc, slot);
}


static void
ngx_sms_pg_pipe_deliver(ngx_event_t *ev)
{
    PGnotify           *n;
    ngx_queue_t        *q;
    ngx_sms_pg_conn_t  *pc;

    pc = ev->data;

    while (pc->spec->notify != NULL && pc->state >= NGX_SMS_PG_READY
           && (n = PQnotifies(pc->pg)) != NULL)
    {
        pc->spec->notify(pc->spec->data, n->relname, n->extra ? n->extra : "");
        PQfreemem(n);
    }

    /* after PQnotifies, which parses and may have found a result */

    if (pc->state >= NGX_SMS_PG_SETUP
        && ngx_sms_pg_pipe_results(pc) != NGX_OK)
    {
        ngx_sms_pg_conn_lost(pc);
    }

    while (!ngx_queue_empty(&pc->answered)) {
        q = ngx_queue_head(&pc->answered);
        ngx_queue_remove(q);

        ngx_sms_pg_pipe_hand_over(pc,
                                  ngx_queue_data(q, ngx_sms_pg_slot_t, queue));
    }

    if (pc->renew) {
        pc->renew = 0;
        ngx_sms_pg_conn_recycle(pc, "server cannot serve");
        return;
    }

    if (pc->queued == 0) {

        if (pc->state == NGX_SMS_PG_DRAINING) {
            ngx_sms_pg_conn_down(pc, "drained", NULL, NULL);

        } else if (pc->bloated && pc->state == NGX_SMS_PG_READY) {
            ngx_sms_pg_conn_recycle(pc, "buffer has grown");
        }
    }
}


static void
ngx_sms_pg_pipe_stalled(ngx_event_t *ev)
{
    ngx_sms_pg_conn_down(ev->data, "no answer", NULL, NULL);
}


void
ngx_sms_pg_pipe_free(ngx_sms_pg_conn_t *pc)
{
    ngx_uint_t           i;
    ngx_queue_t         *q, *lists[2];
    ngx_sms_pg_slot_t   *slot;
    ngx_sms_pg_query_t  *query;

    lists[0] = &pc->expected;
    lists[1] = &pc->answered;

    for (i = 0; i < 2; i++) {
        while (!ngx_queue_empty(lists[i])) {
            q = ngx_queue_head(lists[i]);
            ngx_queue_remove(q);

            slot = ngx_queue_data(q, ngx_sms_pg_slot_t, queue);
            query = slot->query;

            if (query != NULL) {
                query->slot = NULL;

                if (query->timer.timer_set) {
                    ngx_del_timer(&query->timer);
                }
            }

            ngx_sms_pg_pipe_give_back(pc, slot);
        }
    }

    if (pc->stall.timer_set) {
        ngx_del_timer(&pc->stall);
    }

    if (pc->deliver.posted) {
        ngx_delete_posted_event(&pc->deliver);
    }
}
