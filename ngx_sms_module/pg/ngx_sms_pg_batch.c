#include "ngx_sms_pg_flight.h"

#define NGX_SMS_PG_BATCH_BACKOFF_MIN  50
#define NGX_SMS_PG_BATCH_BACKOFF_MAX  5000

/* what comes one by one, as from a peer that waits for each answer, does not
 * wait for more: only after a batch of so many rows                          */
#define NGX_SMS_PG_BATCH_LINGER       8



static void ngx_sms_pg_batch_ready(void *data);
static void ngx_sms_pg_batch_posted(ngx_event_t *ev);
static void ngx_sms_pg_batch_guarded(ngx_event_t *ev);
static ngx_uint_t ngx_sms_pg_batch_lingers(const ngx_sms_pg_batch_t *b);
static void ngx_sms_pg_batch_flush(ngx_sms_pg_batch_t *b);
static void ngx_sms_pg_batch_answer(void *data, const ngx_sms_pg_res_t *res);


ngx_sms_pg_batch_t *
ngx_sms_pg_batch_create(ngx_sms_pg_conn_t *pc,
    const ngx_sms_pg_batch_spec_t *spec)
{
    ngx_sms_pg_batch_t       *b;
    const ngx_sms_pg_conf_t  *conf;

    b = ngx_calloc(sizeof(ngx_sms_pg_batch_t), ngx_sms_pg_conn_log(pc));
    if (b == NULL) {
        return NULL;
    }

    conf = ngx_sms_pg_conn_conf(pc);

    b->conn = pc;
    b->spec = spec;
    b->log = ngx_sms_pg_conn_log(pc);

    b->max_rows = spec->max_rows ? spec->max_rows : conf->batch_rows;
    b->max_octets = spec->max_octets ? spec->max_octets : conf->batch_size;
    b->max_inflight = spec->inflight ? spec->inflight : conf->inflight;
    b->limit_rows = spec->limit_rows ? spec->limit_rows : conf->queue_rows;

    ngx_queue_init(&b->waiting);
    ngx_queue_init(&b->built);
    ngx_queue_init(&b->flying);

    b->flush.data = b;
    b->flush.handler = ngx_sms_pg_batch_posted;
    b->flush.log = b->log;

    b->timer.data = b;
    b->timer.handler = ngx_sms_pg_batch_posted;
    b->timer.log = b->log;
    b->timer.cancelable = 1;

    b->guard.data = b;
    b->guard.handler = ngx_sms_pg_batch_guarded;
    b->guard.log = b->log;

    b->linger.data = b;
    b->linger.handler = ngx_sms_pg_batch_posted;
    b->linger.log = b->log;

    b->watcher.ready = ngx_sms_pg_batch_ready;
    b->watcher.data = b;

    ngx_sms_pg_conn_watch(pc, &b->watcher);

    return b;
}


ngx_int_t
ngx_sms_pg_batch_add(ngx_sms_pg_batch_t *b, ngx_sms_pg_entry_t *e)
{
    /* one entry alone may be larger than the limit, or it could never go */

    if (b->info.unanswered_rows != 0
        && b->info.unanswered_rows + e->rows > b->limit_rows)
    {
        b->info.refused++;
        return NGX_BUSY;
    }

    e->batch = b;
    e->flight = NULL;

    ngx_queue_insert_tail(&b->waiting, &e->queue);

    b->info.waiting_rows += e->rows;
    b->info.unanswered_rows += e->rows;

    if (b->spec->linger && !b->linger.timer_set
        && b->last_rows >= NGX_SMS_PG_BATCH_LINGER)
    {
        ngx_add_timer(&b->linger, b->spec->linger);
    }

    if (!b->flush.posted && !ngx_sms_pg_batch_lingers(b)) {
        /* nginx looks at the sockets once more before these run, without
         * waiting: what has arrived meanwhile joins                         */
        ngx_post_event(&b->flush, &ngx_posted_next_events);
    }

    return NGX_OK;
}


/* The entry's rows stay counted while its flight is out: they are still work
 * for the database.                                                          */
void
ngx_sms_pg_batch_detach(ngx_sms_pg_entry_t *e)
{
    ngx_sms_pg_batch_t  *b;

    b = e->batch;

    if (b == NULL) {
        return;
    }

    ngx_queue_remove(&e->queue);

    if (e->flight == NULL) {
        b->info.waiting_rows -= e->rows;
        b->info.unanswered_rows -= e->rows;
    }

    e->batch = NULL;
    e->flight = NULL;
}


static ngx_int_t
ngx_sms_pg_batch_send(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f)
{
    ngx_int_t  rc;

    f->query.stmt = b->spec->stmt;
    f->query.params = f->params;
    f->query.done = ngx_sms_pg_batch_answer;
    f->query.data = f;
    f->query.text = b->spec->text;
    f->query.deadline_ms = 0;

    rc = ngx_sms_pg_query(b->conn, &f->query);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_queue_insert_tail(&b->flying, &f->queue);

    f->inflight = 1;
    f->sent++;
    f->sent_at = ngx_current_msec;

    b->info.inflight++;
    b->info.sendings++;

    if (!b->guard.timer_set) {
        /* The connection gives a silent server up before this; it is here so
         * that a worker that is leaving waits for the answer.               */
        ngx_add_timer(&b->guard,
                      ngx_sms_pg_conn_conf(b->conn)->statement_timeout
                      + 10000);
    }

    return NGX_OK;
}


static ngx_sms_pg_flight_t *
ngx_sms_pg_batch_due(ngx_sms_pg_batch_t *b)
{
    ngx_queue_t          *q;
    ngx_sms_pg_flight_t  *f;

    for (q = ngx_queue_head(&b->built);
         q != ngx_queue_sentinel(&b->built);
         q = ngx_queue_next(q))
    {
        f = ngx_queue_data(q, ngx_sms_pg_flight_t, queue);

        if ((ngx_msec_int_t) (f->not_before - ngx_current_msec) <= 0) {
            return f;
        }
    }

    return NULL;
}


/* wakes up at the end of the shortest back-off */
static void
ngx_sms_pg_batch_alarm(ngx_sms_pg_batch_t *b)
{
    ngx_queue_t          *q;
    ngx_msec_int_t        left, least;
    ngx_sms_pg_flight_t  *f;

    least = (ngx_msec_int_t) (b->pause_until - ngx_current_msec);

    if (least <= 0) {
        least = 0;

        for (q = ngx_queue_head(&b->built);
             q != ngx_queue_sentinel(&b->built);
             q = ngx_queue_next(q))
        {
            f = ngx_queue_data(q, ngx_sms_pg_flight_t, queue);
            left = (ngx_msec_int_t) (f->not_before - ngx_current_msec);

            if (left > 0 && (least == 0 || left < least)) {
                least = left;
            }
        }
    }

    if (least > 0) {
        ngx_add_timer(&b->timer, least);
    }
}


static ngx_uint_t
ngx_sms_pg_batch_lingers(const ngx_sms_pg_batch_t *b)
{
    return b->linger.timer_set && b->info.waiting_rows < b->spec->linger_rows;
}


static void
ngx_sms_pg_batch_flush(ngx_sms_pg_batch_t *b)
{
    ngx_sms_pg_flight_t  *f;

    if (!ngx_sms_pg_conn_ready(b->conn)) {
        return;
    }

    if ((ngx_msec_int_t) (b->pause_until - ngx_current_msec) > 0) {
        ngx_sms_pg_batch_alarm(b);
        return;
    }

    while (b->info.inflight < b->max_inflight) {

        f = ngx_sms_pg_batch_due(b);

        if (f != NULL) {
            ngx_queue_remove(&f->queue);

        } else if (!ngx_queue_empty(&b->waiting)
                   && !ngx_sms_pg_batch_lingers(b)
                   && (b->info.inflight == 0
                       || b->info.waiting_rows >= NGX_SMS_PG_FLIGHT_SMALL))
        {
            f = ngx_sms_pg_flight_take(b);

            if (f == NULL) {
                /* no memory: answered or left waiting, the rest a bit later */
                ngx_add_timer(&b->timer, NGX_SMS_PG_BATCH_BACKOFF_MIN);
                break;
            }

        } else {
            break;
        }

        if (ngx_sms_pg_batch_send(b, f) != NGX_OK) {
            /* never on the wire: it keeps its place */
            ngx_queue_insert_head(&b->built, &f->queue);

            if (ngx_sms_pg_conn_ready(b->conn)) {
                f->not_before = ngx_current_msec + NGX_SMS_PG_BATCH_BACKOFF_MIN;
            }

            break;
        }
    }

    if (!ngx_queue_empty(&b->built) && b->info.inflight < b->max_inflight) {
        ngx_sms_pg_batch_alarm(b);
    }
}


static void
ngx_sms_pg_batch_posted(ngx_event_t *ev)
{
    ngx_sms_pg_batch_flush(ev->data);
}


static void
ngx_sms_pg_batch_ready(void *data)
{
    ngx_sms_pg_batch_t  *b = data;

    /* a server that has just come back gets another chance at once */
    b->pause_until = ngx_current_msec;

    ngx_sms_pg_batch_flush(b);
}


static void
ngx_sms_pg_batch_guarded(ngx_event_t *ev)
{
    ngx_sms_pg_batch_t  *b = ev->data;

    ngx_log_error(NGX_LOG_WARN, b->log, 0,
                  "sms pg: %s: no answer: batches=%ui rows=%ui",
                  b->spec->name, b->info.inflight, b->info.unanswered_rows);
}


/* 50 ms, doubling to 5 s, ±25 % */
static ngx_msec_t
ngx_sms_pg_batch_longer(ngx_msec_t last, ngx_msec_t *wait)
{
    last = last ? ngx_min(last * 2, NGX_SMS_PG_BATCH_BACKOFF_MAX)
                : NGX_SMS_PG_BATCH_BACKOFF_MIN;

    *wait = last * (75 + (ngx_msec_t) ngx_random() % 51) / 100;

    return last;
}


/* in the order in which they were first sent, ahead of what was never sent */
static void
ngx_sms_pg_batch_requeue(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f)
{
    ngx_queue_t          *q;
    ngx_sms_pg_flight_t  *other;

    for (q = ngx_queue_head(&b->built);
         q != ngx_queue_sentinel(&b->built);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_sms_pg_flight_t, queue);

        if (other->sent == 0) {
            break;
        }
    }

    /* before q */
    ngx_queue_insert_tail(q, &f->queue);
}


static void
ngx_sms_pg_batch_retry(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f,
    ngx_sms_pg_action_t action)
{
    ngx_msec_t  wait;

    if (ngx_queue_empty(&f->entries) && !f->unknown) {
        ngx_sms_pg_flight_free(f);
        return;
    }

    b->info.retried++;

    f->backoff = ngx_sms_pg_batch_longer(f->backoff, &wait);
    f->not_before = ngx_current_msec + wait;

    if (action == NGX_SMS_PG_ACT_WAIT) {
        b->pause = ngx_sms_pg_batch_longer(b->pause, &wait);
        b->pause_until = ngx_current_msec + wait;
    }

    ngx_sms_pg_batch_requeue(b, f);
}


static void
ngx_sms_pg_batch_unbuild(ngx_sms_pg_batch_t *b, ngx_queue_t *entries)
{
    ngx_queue_t         *q;
    ngx_sms_pg_entry_t  *e;

    while (!ngx_queue_empty(entries)) {
        q = ngx_queue_last(entries);
        ngx_queue_remove(q);

        e = ngx_queue_data(q, ngx_sms_pg_entry_t, queue);
        e->flight = NULL;

        b->info.waiting_rows += e->rows;
        b->info.unanswered_rows += e->rows;

        ngx_queue_insert_head(&b->waiting, q);
    }
}


/* two halves of those that still wait, built anew and sent next */
static void
ngx_sms_pg_batch_split(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f)
{
    ngx_uint_t            n, half;
    ngx_queue_t           entries, *q;
    ngx_sms_pg_flight_t  *part;

    b->info.split++;

    n = 0;

    for (q = ngx_queue_head(&f->entries);
         q != ngx_queue_sentinel(&f->entries);
         q = ngx_queue_next(q))
    {
        n++;
    }

    ngx_queue_init(&entries);

    if (n != 0) {
        ngx_queue_add(&entries, &f->entries);
        ngx_queue_init(&f->entries);
    }

    ngx_sms_pg_flight_free(f);

    half = n > 1 ? (n + 1) / 2 : n;

    while (!ngx_queue_empty(&entries)) {

        q = ngx_queue_head(&entries);
        part = ngx_sms_pg_flight_part(b, &entries, half);

        if (part != NULL) {
            ngx_sms_pg_batch_requeue(b, part);

        } else if (q == ngx_queue_head(&entries)) {
            /* not even a flight could be had: back to those never built */
            ngx_sms_pg_batch_unbuild(b, &entries);
        }
    }
}


static void
ngx_sms_pg_batch_fail(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res)
{
    b->info.failed++;

    ngx_sms_pg_error_log(NGX_LOG_ERR, b->log, b->spec->name, "batch failed",
                         res->sqlstate, res->message);

    /* the connection is kept busy while the owner answers */
    ngx_sms_pg_batch_flush(b);

    b->spec->done(b->spec->data, f, res);
    ngx_sms_pg_flight_free(f);
}


/* would the first sending, whose end nobody saw, have met this error too? */
static ngx_uint_t
ngx_sms_pg_batch_certain(const ngx_sms_pg_res_t *res)
{
    return ngx_strncmp(res->sqlstate, "22", 2) == 0
           || ngx_strncmp(res->sqlstate, "23", 2) == 0
           || ngx_strncmp(res->sqlstate, "P0", 2) == 0;
}


static void
ngx_sms_pg_batch_refused(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res)
{
    ngx_sms_pg_action_t  action;

    action = res->action;

    if (f->unknown && action >= NGX_SMS_PG_ACT_SPLIT
        && !ngx_sms_pg_batch_certain(res) && !ngx_queue_empty(&f->entries))
    {
        action = NGX_SMS_PG_ACT_RETRY;
    }

    switch (action) {

    case NGX_SMS_PG_ACT_RETRY:
    case NGX_SMS_PG_ACT_WAIT:
    case NGX_SMS_PG_ACT_RECONNECT:
        ngx_sms_pg_error_log(NGX_LOG_WARN, b->log, b->spec->name,
                             "batch rolled back, again later", res->sqlstate,
                             res->message);
        ngx_sms_pg_batch_retry(b, f, action);
        ngx_sms_pg_batch_flush(b);
        return;

    case NGX_SMS_PG_ACT_SPLIT:

        if (f->nentries > 1) {
            ngx_sms_pg_batch_split(b, f);
            ngx_sms_pg_batch_flush(b);
            return;
        }

        break;

    default:
        break;
    }

    ngx_sms_pg_batch_fail(b, f, res);
}


static void
ngx_sms_pg_batch_answer(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_pg_batch_t   *b;
    ngx_sms_pg_flight_t  *f;

    f = data;
    b = f->batch;

    ngx_queue_remove(&f->queue);
    f->inflight = 0;
    b->info.inflight--;

    if (b->guard.timer_set && b->info.inflight == 0) {
        ngx_del_timer(&b->guard);
    }

    if (res->rc == NGX_SMS_PG_UNKNOWN) {
        f->unknown = 1;
        b->info.resent++;
        ngx_sms_pg_batch_requeue(b, f);

        if (ngx_sms_pg_conn_ready(b->conn) && !b->flush.posted) {
            ngx_post_event(&b->flush, &ngx_posted_events);
        }

        return;
    }

    if (b->spec->observe != NULL) {
        b->spec->observe(b->spec->data, f->rows,
                         ngx_current_msec - f->sent_at);
    }

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_sms_pg_batch_refused(b, f, res);
        return;
    }

    b->info.batches++;
    b->info.rows += f->rows;
    b->pause = 0;

    /* the next batch is on its way before this one's owners are told, so the
     * database works while they are                                          */
    ngx_sms_pg_batch_flush(b);

    b->spec->done(b->spec->data, f, res);
    ngx_sms_pg_flight_free(f);
}


void
ngx_sms_pg_batch_info(const ngx_sms_pg_batch_t *b,
    ngx_sms_pg_batch_info_t *info)
{
    *info = b->info;
}


void
ngx_sms_pg_batch_destroy(ngx_sms_pg_batch_t *b)
{
    ngx_uint_t            i;
    ngx_queue_t          *q, *lists[2];
    ngx_sms_pg_entry_t   *e;
    ngx_sms_pg_flight_t  *f;

    lists[0] = &b->built;
    lists[1] = &b->flying;

    for (i = 0; i < 2; i++) {
        while (!ngx_queue_empty(lists[i])) {
            q = ngx_queue_head(lists[i]);
            ngx_queue_remove(q);

            f = ngx_queue_data(q, ngx_sms_pg_flight_t, queue);
            ngx_sms_pg_query_forget(&f->query);
            ngx_sms_pg_flight_free(f);
        }
    }

    while (!ngx_queue_empty(&b->waiting)) {
        e = ngx_queue_data(ngx_queue_head(&b->waiting), ngx_sms_pg_entry_t,
                           queue);
        ngx_sms_pg_batch_detach(e);
    }

    ngx_sms_pg_conn_unwatch(&b->watcher);

    if (b->flush.posted) {
        ngx_delete_posted_event(&b->flush);
    }

    if (b->timer.timer_set) {
        ngx_del_timer(&b->timer);
    }

    if (b->linger.timer_set) {
        ngx_del_timer(&b->linger);
    }

    if (b->guard.timer_set) {
        ngx_del_timer(&b->guard);
    }

    ngx_free(b);
}
