#include "ngx_sms_receive.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_inbound.h"
#include "ngx_sms_quality.h"
#include "ngx_sms_store_flow.h"
#include "ngx_sms_work.h"


/* one deliver(): its receipts, how many messages are still being stored */
typedef struct {
    ngx_sms_pg_entry_t        entry;
    ngx_pool_t               *pool;
    ngx_sms_link_t           *link;
    ngx_sms_store_receipt_t  *receipts;
    ngx_uint_t                nreceipts;
    ngx_uint_t                waiting;      /* statements without an answer   */
    sms_rc_t                  rc;
    ngx_sms_done_pt           done;
    void                     *data;
    ngx_event_t               failed;       /* tells "done" from the loop     */
    ngx_socket_t              ident;
} ngx_sms_delivery_t;


static ngx_int_t ngx_sms_receive_receipt(ngx_sms_delivery_t *d,
    const sms_inbound_t *ev);
static ngx_int_t ngx_sms_receive_message(ngx_sms_delivery_t *d,
    const sms_inbound_t *ev);
static ngx_int_t ngx_sms_receive_str(ngx_pool_t *pool, sms_str_t s,
    ngx_str_t *out);
static int64_t ngx_sms_receive_number(sms_str_t s);
static ngx_uint_t ngx_sms_receive_unsure(const ngx_sms_store_receipt_t *r);
static ngx_int_t ngx_sms_receive_build(void *data, ngx_sms_pg_flight_t *f);
static void ngx_sms_receive_stored(void *data, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res);
static void ngx_sms_receive_measure(ngx_sms_delivery_t *d);
static void ngx_sms_receive_inbound(void *data, sms_rc_t rc);
static void ngx_sms_receive_finish(ngx_sms_delivery_t *d, sms_rc_t rc);
static void ngx_sms_receive_posted(ngx_event_t *ev);


ngx_sms_pg_batch_t *
ngx_sms_receive_batch(ngx_sms_link_t *link)
{
    ngx_sms_pg_batch_spec_t  *spec;

    spec = &link->receipts_spec;
    spec->name = "receipts";
    spec->stmt = &ngx_sms_store_flow_stmts[NGX_SMS_STMT_RECEIPTS];
    spec->build = ngx_sms_receive_build;
    spec->done = ngx_sms_receive_stored;
    spec->inflight = 1;
    spec->linger = NGX_SMS_LINK_LINGER;
    spec->linger_rows = NGX_SMS_LINK_LINGER_ROWS;
    spec->data = link;

    return ngx_sms_pg_batch_create(ngx_sms_store.flow, spec);
}


sms_rc_t
ngx_sms_receive(ngx_sms_plugin_t *p, const sms_inbound_t *ev, uint32_t stride,
    uint32_t n, ngx_sms_done_pt done, void *data)
{
    uint32_t              i;
    ngx_int_t             rc;
    ngx_pool_t           *pool;
    ngx_sms_link_t       *link = p->user;
    const sms_inbound_t  *e;
    ngx_sms_delivery_t   *d;

    if (link == NULL) {
        return SMS_E_DENIED;
    }

    pool = ngx_sms_work_pool(2048, link->log);
    if (pool == NULL) {
        return SMS_E_NOMEM;
    }

    d = ngx_pcalloc(pool, sizeof(ngx_sms_delivery_t));
    if (d == NULL) {
        ngx_destroy_pool(pool);
        return SMS_E_NOMEM;
    }

    d->pool = pool;
    d->link = link;
    d->done = done;
    d->data = data;
    d->waiting = 1;

    d->receipts = ngx_pcalloc(pool, n * sizeof(ngx_sms_store_receipt_t));
    rc = d->receipts ? NGX_OK : NGX_ERROR;

    for (i = 0; i < n && rc == NGX_OK; i++) {

        e = SMS_AT(const sms_inbound_t, ev, stride, i);

        rc = e->type == SMS_INBOUND_RECEIPT ? ngx_sms_receive_receipt(d, e)
             : e->type == SMS_INBOUND_MESSAGE ? ngx_sms_receive_message(d, e)
             : NGX_DECLINED;
    }

    if (rc == NGX_OK && d->nreceipts) {

        d->entry.rows = (uint32_t) d->nreceipts;
        d->entry.octets = (uint32_t) d->nreceipts * 96;
        d->waiting++;

        rc = ngx_sms_pg_batch_add(link->receipts, &d->entry);

        if (rc != NGX_OK) {
            d->waiting--;
        }
    }

    if (rc != NGX_OK) {
        d->rc = rc == NGX_DECLINED ? SMS_E_INVAL
                : rc == NGX_BUSY ? SMS_E_BUSY : SMS_E_DOWN;
    }

    if (d->waiting > 1) {
        d->waiting--;
        return SMS_OK;
    }

    /* nothing is on its way: the adapter is told from the loop all the same */
    d->failed.data = d;
    d->failed.handler = ngx_sms_receive_posted;
    d->failed.log = link->log;
    ngx_post_event(&d->failed, &ngx_posted_events);

    return SMS_OK;
}


static void
ngx_sms_receive_posted(ngx_event_t *ev)
{
    ngx_sms_delivery_t  *d = ev->data;

    ngx_sms_receive_finish(d, d->rc);
}


static ngx_int_t
ngx_sms_receive_receipt(ngx_sms_delivery_t *d, const sms_inbound_t *ev)
{
    ngx_uint_t                k;
    ngx_sms_store_receipt_t  *r;

    if (ev->state < SMS_RECEIPT_ENROUTE || ev->state > SMS_RECEIPT_REJECTED
        || ev->operator_id.len == 0)
    {
        return NGX_DECLINED;
    }

    r = &d->receipts[d->nreceipts];

    if (ngx_sms_receive_str(d->pool, ev->operator_id, &r->operator_id)
        != NGX_OK
        || ngx_sms_receive_str(d->pool, ev->to, &r->sender) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (k = 0; k < SMS_READINGS; k++) {
        if (ev->readings[k].len
            && ngx_sms_receive_str(d->pool, ev->readings[k], &r->readings[k])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    r->reading = (int16_t) ev->reading;

    /* a receipt comes from the recipient's number to our sender */
    r->to = ngx_sms_receive_number(ev->from);
    r->state = (int16_t) ev->state;
    r->reason = (int16_t) ev->reason;
    r->code = (int32_t) ev->operator_code;
    r->at_us = ev->at_us;
    d->nreceipts++;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_receive_message(ngx_sms_delivery_t *d, const sms_inbound_t *ev)
{
    if (ngx_sms_inbound_put(d->link->id, ev, ngx_sms_receive_inbound, d)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    d->waiting++;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_receive_str(ngx_pool_t *pool, sms_str_t s, ngx_str_t *out)
{
    out->len = s.len;
    out->data = ngx_pnalloc(pool, s.len + 1);

    if (out->data == NULL) {
        return NGX_ERROR;
    }

    if (s.len) {
        ngx_memcpy(out->data, s.ptr, s.len);
    }

    return NGX_OK;
}


/* digits, with or without '+'; 0 for anything else */

static int64_t
ngx_sms_receive_number(sms_str_t s)
{
    size_t   i;
    int64_t  n;

    n = 0;
    i = s.len && s.ptr[0] == '+' ? 1 : 0;

    if (s.len - i > 15) {
        return 0;
    }

    for ( /* void */ ; i < s.len; i++) {

        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return 0;
        }

        n = n * 10 + (s.ptr[i] - '0');
    }

    return n;
}


#define ngx_sms_receive_of(e)  ngx_queue_data(e, ngx_sms_delivery_t, entry)


/* its id may be read in several ways, and which one is right is not known yet */

static ngx_uint_t
ngx_sms_receive_unsure(const ngx_sms_store_receipt_t *r)
{
    ngx_uint_t  k;

    for (k = 0; k < SMS_READINGS; k++) {
        if (r->readings[k].len) {
            return r->reading == 0;
        }
    }

    return 0;
}


static ngx_int_t
ngx_sms_receive_build(void *data, ngx_sms_pg_flight_t *f)
{
    ngx_sms_link_t  *link = data;

    int64_t                   now;
    ngx_uint_t                i, n;
    ngx_sms_delivery_t       *d;
    ngx_sms_pg_entry_t       *e;
    ngx_sms_store_receipt_t  *list, *r;

    now = ngx_sms_timer_now_us();
    f->params = ngx_pcalloc(f->pool, NGX_SMS_RECEIPTS_PARAMS
                                     * sizeof(ngx_sms_pg_param_t));
    list = ngx_palloc(f->pool, f->rows * sizeof(ngx_sms_store_receipt_t));

    if (f->params == NULL || list == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (e = ngx_sms_pg_batch_first(f); e; e = ngx_sms_pg_batch_after(f, e)) {
        d = ngx_sms_receive_of(e);

        for (i = 0; i < d->nreceipts; i++) {

            r = &d->receipts[i];
            r->part = NULL;
            r->took_us = -1;

            if (link->sent && !ngx_sms_receive_unsure(r)) {
                r->part = ngx_sms_sent_find(link->sent, &r->operator_id,
                                            r->to);
                r->took_us = r->part ? ngx_max(now - r->part->sent_us, 0) : -1;
            }

            list[n++] = *r;
        }
    }

    return ngx_sms_store_receipts(list, n, link->id, now,
                                  f->pool, f->params);
}


static void
ngx_sms_receive_stored(void *data, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res)
{
    ngx_sms_link_t  *link = data;

    int64_t              orphans, settled;
    ngx_sms_delivery_t  *d;
    ngx_sms_pg_entry_t  *e;

    if (res->rc == NGX_SMS_PG_OK) {

        ngx_sms_counter_add(link->zone, NGX_SMS_C_RECEIPTS,
                            (int64_t) f->rows);

        if (ngx_sms_pg_row_int(res, 0, 3, &orphans) == NGX_OK) {
            ngx_sms_counter_add(link->zone, NGX_SMS_C_RECEIPTS_ORPHAN,
                                orphans);
        }

        if (ngx_sms_pg_row_int(res, 0, 4, &settled) == NGX_OK) {
            ngx_sms_counter_add(link->zone, NGX_SMS_C_SETTLED, settled);
        }

    } else {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "sms receive: receipts not stored: sqlstate=%s "
                      "link=%uD", res->sqlstate, link->id);
    }

    while ((e = ngx_sms_pg_batch_next(f)) != NULL) {
        d = ngx_sms_receive_of(e);

        if (res->rc == NGX_SMS_PG_OK) {
            ngx_sms_receive_measure(d);
        }

        ngx_sms_receive_finish(d, res->rc == NGX_SMS_PG_OK ? SMS_OK
                                                           : SMS_E_DOWN);
    }
}


static void
ngx_sms_receive_measure(ngx_sms_delivery_t *d)
{
    ngx_uint_t                      i;
    const ngx_sms_store_receipt_t  *r;

    for (i = 0; i < d->nreceipts; i++) {
        r = &d->receipts[i];
        ngx_sms_quality_receipt(d->link->id, &r->sender,
                                (ngx_uint_t) r->state, (ngx_uint_t) r->reason,
                                r->took_us);
    }
}


static void
ngx_sms_receive_inbound(void *data, sms_rc_t rc)
{
    ngx_sms_delivery_t  *d = data;

    ngx_sms_receive_finish(d, rc);
}


static void
ngx_sms_receive_finish(ngx_sms_delivery_t *d, sms_rc_t rc)
{
    if (rc != SMS_OK) {
        d->rc = rc;
    }

    if (--d->waiting) {
        return;
    }

    d->done(d->data, d->rc);
    ngx_destroy_pool(d->pool);
}
