#include "ngx_sms_pg_flight.h"


#define NGX_SMS_PG_FLIGHT_POOL  16384


ngx_sms_pg_entry_t *
ngx_sms_pg_batch_first(ngx_sms_pg_flight_t *f)
{
    if (ngx_queue_empty(&f->entries)) {
        return NULL;
    }

    return ngx_queue_data(ngx_queue_head(&f->entries), ngx_sms_pg_entry_t,
                          queue);
}


ngx_sms_pg_entry_t *
ngx_sms_pg_batch_after(ngx_sms_pg_flight_t *f, ngx_sms_pg_entry_t *e)
{
    ngx_queue_t  *q;

    q = ngx_queue_next(&e->queue);

    if (q == ngx_queue_sentinel(&f->entries)) {
        return NULL;
    }

    return ngx_queue_data(q, ngx_sms_pg_entry_t, queue);
}


ngx_sms_pg_entry_t *
ngx_sms_pg_batch_next(ngx_sms_pg_flight_t *f)
{
    ngx_sms_pg_entry_t  *e;

    e = ngx_sms_pg_batch_first(f);

    if (e != NULL) {
        ngx_sms_pg_batch_detach(e);
    }

    return e;
}


void
ngx_sms_pg_flight_free(ngx_sms_pg_flight_t *f)
{
    while (ngx_sms_pg_batch_next(f) != NULL) { /* void */ }

    f->batch->info.unanswered_rows -= f->rows;

    ngx_destroy_pool(f->pool);
}


/* the answer that no server gave */
static void
ngx_sms_pg_flight_no_memory(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f)
{
    ngx_sms_pg_res_t  res;

    ngx_memzero(&res, sizeof(ngx_sms_pg_res_t));

    res.rc = NGX_SMS_PG_ERROR;
    res.action = NGX_SMS_PG_ACT_WAIT;
    ngx_memcpy(res.sqlstate, "53200", sizeof("53200"));
    res.message = "out of memory";
    res.detail = "";
    res.hint = "";
    res.constraint = "";

    b->info.failed++;
    b->spec->done(b->spec->data, f, &res);
}


static ngx_sms_pg_flight_t *
ngx_sms_pg_flight_create(ngx_sms_pg_batch_t *b)
{
    ngx_pool_t           *pool;
    ngx_sms_pg_flight_t  *f;

    pool = ngx_create_pool(NGX_SMS_PG_FLIGHT_POOL, b->log);
    if (pool == NULL) {
        return NULL;
    }

    f = ngx_pcalloc(pool, sizeof(ngx_sms_pg_flight_t));
    if (f == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    f->pool = pool;
    f->batch = b;
    ngx_queue_init(&f->entries);

    return f;
}


static void
ngx_sms_pg_flight_move(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f,
    ngx_sms_pg_entry_t *e)
{
    ngx_queue_remove(&e->queue);
    ngx_queue_insert_tail(&f->entries, &e->queue);

    if (e->flight == NULL) {
        b->info.waiting_rows -= e->rows;
    }

    e->flight = f;

    f->nentries++;
    f->rows += e->rows;
    f->octets += e->octets;
}


/*
 * Takes what waits, up to "rows": the oldest entry's line first, which is one of
 * as many as there are flights and one that waits; then, of a small batch, what
 * is next.  So the rows that a batch has in common (an account's) are fewer, and
 * nobody waits for more than all lines once.
 */
static void
ngx_sms_pg_flight_gather(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f,
    ngx_uint_t rows)
{
    ngx_uint_t           lines, line, all;
    ngx_queue_t         *q, *next;
    ngx_sms_pg_entry_t  *e;

    lines = b->max_inflight + 1;
    all = b->info.waiting_rows <= rows;
    e = ngx_queue_data(ngx_queue_head(&b->waiting), ngx_sms_pg_entry_t, queue);
    line = e->kin % lines;

    for ( ;; ) {

        for (q = ngx_queue_head(&b->waiting);
             q != ngx_queue_sentinel(&b->waiting);
             q = next)
        {
            next = ngx_queue_next(q);
            e = ngx_queue_data(q, ngx_sms_pg_entry_t, queue);

            if (!all && e->kin % lines != line) {
                continue;
            }

            if (f->nentries != 0
                && (f->rows + e->rows > rows
                    || f->octets + e->octets > b->max_octets))
            {
                return;
            }

            ngx_sms_pg_flight_move(b, f, e);
        }

        if (all) {
            return;
        }

        all = 1;
        rows = ngx_min(rows, NGX_SMS_PG_FLIGHT_SMALL);
    }
}


static ngx_sms_pg_flight_t *
ngx_sms_pg_flight_build(ngx_sms_pg_batch_t *b, ngx_sms_pg_flight_t *f)
{
    if (b->spec->build(b->spec->data, f) != NGX_OK
        || (f->params == NULL && b->spec->stmt->nparams != 0))
    {
        ngx_sms_pg_flight_no_memory(b, f);
        ngx_sms_pg_flight_free(f);
        return NULL;
    }

    return f;
}


ngx_sms_pg_flight_t *
ngx_sms_pg_flight_take(ngx_sms_pg_batch_t *b)
{
    ngx_uint_t            rows;
    ngx_sms_pg_flight_t  *f;

    /*
     * As much waits as each flight has.  If one took all that there is, nobody
     * would be left to send the next request while the database works, nor to
     * give it work while they are answered.
     */
    rows = b->info.unanswered_rows / (b->max_inflight + 1);
    rows = ngx_max(rows, NGX_SMS_PG_FLIGHT_SMALL);
    rows = ngx_min(rows, b->max_rows);

    f = ngx_sms_pg_flight_create(b);
    if (f == NULL) {
        return NULL;
    }

    ngx_sms_pg_flight_gather(b, f, rows);
    b->last_rows = f->rows;

    return ngx_sms_pg_flight_build(b, f);
}


ngx_sms_pg_flight_t *
ngx_sms_pg_flight_part(ngx_sms_pg_batch_t *b, ngx_queue_t *from,
    ngx_uint_t max_entries)
{
    ngx_sms_pg_flight_t  *f;

    f = ngx_sms_pg_flight_create(b);
    if (f == NULL) {
        return NULL;
    }

    while (!ngx_queue_empty(from) && f->nentries < max_entries) {
        ngx_sms_pg_flight_move(b, f, ngx_queue_data(ngx_queue_head(from),
                                                   ngx_sms_pg_entry_t, queue));
    }

    b->info.unanswered_rows += f->rows;

    return ngx_sms_pg_flight_build(b, f);
}
