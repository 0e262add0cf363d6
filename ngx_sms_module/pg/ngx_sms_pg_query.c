#include "ngx_sms_pg_pipe.h"

/* the intake call has some 40 arrays; PostgreSQL's own limit is 65535 */
#define NGX_SMS_PG_PARAMS  128


static void ngx_sms_pg_query_late(ngx_event_t *ev);


ngx_int_t
ngx_sms_pg_query(ngx_sms_pg_conn_t *pc, ngx_sms_pg_query_t *q)
{
    int                        lengths[NGX_SMS_PG_PARAMS];
    int                        formats[NGX_SMS_PG_PARAMS];
    const char                *values[NGX_SMS_PG_PARAMS];
    ngx_uint_t                 i, n;
    ngx_sms_pg_slot_t         *slot;
    const ngx_sms_pg_param_t  *p;

    q->slot = NULL;

    if (pc->state != NGX_SMS_PG_READY || pc->broken.posted) {
        return NGX_DECLINED;
    }

    if (pc->queued >= pc->conf->queue) {
        return NGX_AGAIN;
    }

    n = q->stmt->nparams;

    if (n > NGX_SMS_PG_PARAMS) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        p = &q->params[i];

        values[i] = p->data;
        lengths[i] = (int) p->len;
        formats[i] = p->binary ? 1 : 0;
    }

    slot = ngx_sms_pg_pipe_slot(pc);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    if (PQsendQueryPrepared(pc->pg, q->stmt->name, (int) n, values, lengths,
                            formats, q->text ? 0 : 1) != 1)
    {
        /* half a message may stand in libpq's buffer: nothing can follow it */
        ngx_sms_pg_pipe_give_back(pc, slot);
        ngx_sms_pg_conn_break(pc, "cannot send");
        return NGX_DECLINED;
    }

    slot->query = q;
    q->slot = slot;
    pc->info.queries++;

    ngx_memzero(&q->timer, sizeof(ngx_event_t));

    if (q->deadline_ms) {
        q->timer.data = q;
        q->timer.handler = ngx_sms_pg_query_late;
        q->timer.log = pc->log;
        q->timer.cancelable = q->background;

        ngx_add_timer(&q->timer, q->deadline_ms);
    }

    ngx_sms_pg_pipe_sent(pc, slot);

    return NGX_OK;
}


void
ngx_sms_pg_query_forget(ngx_sms_pg_query_t *q)
{
    ngx_sms_pg_slot_t  *slot;

    slot = q->slot;

    if (slot == NULL) {
        return;
    }

    slot->query = NULL;
    q->slot = NULL;

    if (q->timer.timer_set) {
        ngx_del_timer(&q->timer);
    }
}


static void
ngx_sms_pg_query_late(ngx_event_t *ev)
{
    ngx_sms_pg_res_t     res;
    ngx_sms_pg_slot_t   *slot;
    ngx_sms_pg_query_t  *q;

    q = ev->data;
    slot = q->slot;

    slot->conn->info.timeouts++;
    ngx_sms_pg_query_forget(q);

    ngx_memzero(&res, sizeof(ngx_sms_pg_res_t));

    res.rc = NGX_SMS_PG_UNKNOWN;
    res.timeout = 1;
    res.message = "";
    res.detail = "";
    res.hint = "";
    res.constraint = "";

    q->done(q->data, &res);
}
