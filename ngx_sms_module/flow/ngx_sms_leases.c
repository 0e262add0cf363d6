#include "ngx_sms_leases.h"

#include "ngx_sms_ids.h"
#include "ngx_sms_store_lease.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_LEASE_SETTLE  20        /* ms between looks at what is busy   */
#define NGX_SMS_LEASE_NEWS    20        /* ms that others are waited for      */
#define NGX_SMS_LEASE_CHANCE  16        /* hexadecimal digits                 */

#define ngx_sms_lease_busy(l)  ((l)->busy && (l)->busy((l)->data))


static void ngx_sms_leases_give_back(void);
static void ngx_sms_leases_tick(void *data);
static void ngx_sms_leases_settle(void *data);
static ngx_uint_t ngx_sms_leases_settled(void);
static void ngx_sms_lease_free(ngx_sms_lease_t *lease);
static void ngx_sms_leases_answer(void *data, const ngx_sms_pg_res_t *res);
static ngx_msec_t ngx_sms_leases_next(void);
static ngx_uint_t ngx_sms_leases_news(void);
static void ngx_sms_leases_ready(void *data);
static void ngx_sms_leases_released(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_leases_clean(void);
static void ngx_sms_leases_cleaned(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_lease_lost(ngx_sms_lease_t *lease, const char *why);
static ngx_sms_lease_t *ngx_sms_lease_find(const ngx_str_t *name);


static ngx_queue_t             ngx_sms_leases;
static ngx_uint_t              ngx_sms_leases_n;
static ngx_str_t               ngx_sms_leases_holder;
static u_char                  ngx_sms_leases_name[128];
static ngx_sms_timer_t         ngx_sms_leases_timer;
static ngx_sms_timer_t         ngx_sms_leases_patience;
static ngx_msec_t              ngx_sms_leases_until;
static ngx_sms_store_query_t  *ngx_sms_leases_query;
static ngx_uint_t              ngx_sms_leases_asked;
static int64_t                 ngx_sms_leases_sent_us;
static ngx_sms_pg_watcher_t    ngx_sms_leases_watcher;
static ngx_log_t              *ngx_sms_leases_log;
static ngx_uint_t              ngx_sms_leases_leaving;


ngx_int_t
ngx_sms_leases_init(const ngx_str_t *node, ngx_log_t *log)
{
    u_char  *p, unique[16];

    ngx_queue_init(&ngx_sms_leases);
    ngx_sms_leases_n = 0;
    ngx_sms_leases_query = NULL;
    ngx_sms_leases_leaving = 0;
    ngx_sms_leases_log = log;

    if (ngx_sms_id_make(unique) != NGX_OK) {
        return NGX_ERROR;
    }

    /*
     * One process of all.  Nodes may share a name, and containers start with the
     * same pids in the same second, so chance has the last word, and the room
     * that it needs.
     */
    p = ngx_snprintf(ngx_sms_leases_name,
                     sizeof(ngx_sms_leases_name) - NGX_SMS_LEASE_CHANCE,
                     "%V:%P:%T:", node, ngx_pid, ngx_time());
    p = ngx_hex_dump(p, unique + 16 - NGX_SMS_LEASE_CHANCE / 2,
                     NGX_SMS_LEASE_CHANCE / 2);
    ngx_sms_leases_holder.data = ngx_sms_leases_name;
    ngx_sms_leases_holder.len = (size_t) (p - ngx_sms_leases_name);

    ngx_memzero(&ngx_sms_leases_watcher, sizeof(ngx_sms_pg_watcher_t));
    ngx_sms_leases_watcher.ready = ngx_sms_leases_ready;
    ngx_sms_pg_conn_watch(ngx_sms_store.control, &ngx_sms_leases_watcher);

    /* this one keeps a leaving worker */
    ngx_sms_timer_deadline(&ngx_sms_leases_patience, ngx_sms_leases_settle,
                           NULL, log);
    ngx_sms_timer_housekeeping(&ngx_sms_leases_timer, ngx_sms_leases_tick,
                               NULL, log);
    ngx_sms_timer_start(&ngx_sms_leases_timer, NGX_SMS_LEASE_TICK);

    return NGX_OK;
}


void
ngx_sms_leases_exit(void)
{
    ngx_queue_t      *q;
    ngx_sms_lease_t  *lease;

    ngx_sms_leases_give_back();

    ngx_sms_timer_stop(&ngx_sms_leases_timer);
    ngx_sms_timer_stop(&ngx_sms_leases_patience);
    ngx_sms_pg_conn_unwatch(&ngx_sms_leases_watcher);

    if (ngx_sms_leases_query) {
        ngx_sms_store_query_forget(ngx_sms_leases_query);
        ngx_sms_leases_query = NULL;
    }

    while (!ngx_queue_empty(&ngx_sms_leases)) {
        q = ngx_queue_head(&ngx_sms_leases);
        ngx_queue_remove(q);
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (lease->bind) {
            ngx_free(lease->bind);
        }

        ngx_free(lease);
    }
}


/*
 * A worker that is stopped at once cannot wait for an answer, but what it says
 * last is read by the server.  By now the adapters have closed their sessions.
 */

static void
ngx_sms_leases_give_back(void)
{
    ngx_str_t               names[NGX_SMS_LEASES_MAX];
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_sms_lease_t        *lease;
    ngx_sms_store_query_t  *query;

    n = 0;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (lease->held || lease->tainted) {
            names[n++] = lease->name;
        }
    }

    if (n == 0) {
        return;
    }

    query = ngx_sms_store_lease_release(names, n, &ngx_sms_leases_holder,
                                        ngx_sms_leases_released, NULL);

    if (query) {
        ngx_sms_store_query_forget(query);
    }
}


void
ngx_sms_leases_release(void)
{
    ngx_sms_leases_leaving = 1;
    ngx_sms_leases_until = ngx_current_msec + NGX_SMS_LEASE_DRAIN;

    /* from the loop: those who hold them are told first that they leave */
    ngx_sms_timer_start(&ngx_sms_leases_patience, 1);
}


/*
 * Gives back what is dropped or, when the worker leaves, held, as soon as
 * nothing of it is under way.
 */

static void
ngx_sms_leases_settle(void *data)
{
    (void) data;

    if (ngx_sms_leases_settled()) {

        if (ngx_sms_leases_leaving) {
            ngx_sms_timer_stop(&ngx_sms_leases_timer);
        }

        return;
    }

    if (ngx_sms_leases_leaving
        && (ngx_msec_int_t) (ngx_sms_leases_until - ngx_current_msec) <= 0)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_leases_log, 0,
                      "sms lease: not given back: work is still under way");
        return;
    }

    ngx_sms_timer_start(&ngx_sms_leases_patience, NGX_SMS_LEASE_SETTLE);
}


/* 1: there is nothing to wait for */

static ngx_uint_t
ngx_sms_leases_settled(void)
{
    ngx_str_t         names[NGX_SMS_LEASES_MAX];
    ngx_uint_t        i, n, left;
    ngx_queue_t      *q, *next;
    ngx_sms_lease_t  *lease, *gone[NGX_SMS_LEASES_MAX];

    n = 0;
    left = 0;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = next)
    {
        next = ngx_queue_next(q);
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (!lease->dropped && !(ngx_sms_leases_leaving && lease->held)) {
            continue;
        }

        if (lease->held && ngx_sms_lease_busy(lease)) {
            left++;
            continue;
        }

        if (lease->held) {
            names[n] = lease->name;
            gone[n++] = lease;
            ngx_sms_lease_lost(lease, ngx_sms_leases_leaving
                                      ? "worker leaves" : "not wanted");
            continue;
        }

        ngx_sms_lease_free(lease);
    }

    if (n) {
        (void) ngx_sms_store_lease_release(names, n, &ngx_sms_leases_holder,
                                           ngx_sms_leases_released, NULL);
    }

    for (i = 0; i < n; i++) {
        if (gone[i]->dropped) {
            ngx_sms_lease_free(gone[i]);
        }
    }

    return left == 0;
}


static void
ngx_sms_lease_free(ngx_sms_lease_t *lease)
{
    ngx_queue_remove(&lease->queue);
    ngx_sms_leases_n--;

    if (lease->bind) {
        ngx_free(lease->bind);
    }

    ngx_free(lease);
}


static void
ngx_sms_leases_released(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_sms_leases_log, 0,
                      "sms lease: not released, it runs out by itself");
    }
}


ngx_sms_lease_t *
ngx_sms_lease_want(const ngx_str_t *name,
    void (*changed)(void *data, ngx_uint_t held), void *data)
{
    ngx_sms_lease_t  *lease;

    if (ngx_sms_leases_n >= NGX_SMS_LEASES_MAX) {
        return NULL;
    }

    lease = ngx_calloc(sizeof(ngx_sms_lease_t) + name->len,
                       ngx_sms_leases_log);
    if (lease == NULL) {
        return NULL;
    }

    lease->name.data = (u_char *) (lease + 1);
    lease->name.len = name->len;
    ngx_memcpy(lease->name.data, name->data, name->len);
    lease->changed = changed;
    lease->data = data;
    ngx_queue_insert_tail(&ngx_sms_leases, &lease->queue);
    ngx_sms_leases_n++;

    if (!ngx_sms_leases_leaving) {
        ngx_sms_timer_start(&ngx_sms_leases_timer, 1);
    }

    return lease;
}


void
ngx_sms_lease_drop(ngx_sms_lease_t *lease)
{
    lease->dropped = 1;
    ngx_sms_timer_start(&ngx_sms_leases_patience, 1);
}


ngx_uint_t
ngx_sms_lease_valid(const ngx_sms_lease_t *lease)
{
    return lease->held
           && ngx_sms_timer_mono_us() - lease->renewed_us
              < (int64_t) NGX_SMS_LEASE_STOP * 1000;
}


static void
ngx_sms_leases_ready(void *data)
{
    (void) data;

    if (!ngx_sms_leases_leaving) {
        ngx_sms_timer_start(&ngx_sms_leases_timer, 1);
    }
}


static void
ngx_sms_leases_tick(void *data)
{
    int64_t                 now;
    ngx_uint_t              n, tainted;
    ngx_queue_t            *q, *next;
    ngx_sms_lease_t        *lease;
    ngx_sms_store_renew_t   list[NGX_SMS_LEASES_MAX];

    (void) data;

    ngx_sms_timer_start(&ngx_sms_leases_timer, NGX_SMS_LEASE_TICK);

    now = ngx_sms_timer_mono_us();
    n = 0;
    tainted = 0;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = next)
    {
        next = ngx_queue_next(q);
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (lease->tainted) {
            tainted += !ngx_sms_lease_busy(lease);
            continue;
        }

        if (lease->held && !ngx_sms_lease_valid(lease)) {
            ngx_sms_lease_lost(lease, "not renewed in time");
        }

        if (!lease->held && (lease->dropped || ngx_sms_leases_leaving)) {
            continue;
        }

        if (lease->held && !lease->news
            && now - lease->renewed_us
               < (int64_t) (NGX_SMS_LEASE_RENEW - NGX_SMS_LEASE_TICK / 2)
                 * 1000)
        {
            continue;
        }

        list[n].name = lease->name;
        list[n++].bind = lease->held ? lease->bind : NULL;
    }

    if (ngx_sms_leases_query) {
        return;
    }

    if (tainted) {
        ngx_sms_leases_clean();
        return;
    }

    if (n == 0) {
        return;
    }

    ngx_sms_leases_sent_us = now;
    ngx_sms_leases_asked = n;
    ngx_sms_leases_query = ngx_sms_store_lease_renew(list, n,
                               &ngx_sms_leases_holder, NGX_SMS_LEASE_TTL,
                               ngx_sms_leases_answer, NULL);

    for (q = ngx_queue_head(&ngx_sms_leases);
         ngx_sms_leases_query && q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);
        lease->news = 0;
    }
}


static void
ngx_sms_leases_answer(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t                  i, left;
    ngx_sms_lease_t            *lease;
    ngx_sms_store_lease_row_t   row;

    (void) data;

    ngx_sms_leases_query = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        return;
    }

    /* what was never held has no row */
    left = ngx_sms_leases_asked > res->nrows;

    for (i = 0; i < res->nrows; i++) {

        if (ngx_sms_store_lease_row(res, i, &row) != NGX_OK) {
            continue;
        }

        left |= row.left_ms == 0;

        /* it may have been dropped while the answer was on its way */
        lease = ngx_sms_lease_find(&row.name);

        if (lease == NULL || lease->tainted) {
            continue;
        }

        if (!row.held) {
            if (lease->held) {
                ngx_sms_lease_lost(lease, "held by another");
            }

            continue;
        }

        lease->renewed_us = ngx_sms_leases_sent_us;

        if (lease->held && lease->epoch != row.epoch) {
            /* it ran out unnoticed and was taken again: that is a new time */
            ngx_sms_lease_lost(lease, "taken anew");
            lease->renewed_us = ngx_sms_leases_sent_us;
        }

        if (!lease->held && (lease->dropped || ngx_sms_leases_leaving)) {
            /* nobody wants it here any more */
            (void) ngx_sms_store_lease_release(&lease->name, 1,
                                               &ngx_sms_leases_holder,
                                               ngx_sms_leases_released, NULL);
            continue;
        }

        if (!lease->held) {
            lease->held = 1;
            lease->epoch = row.epoch;
            ngx_log_error(NGX_LOG_NOTICE, ngx_sms_leases_log, 0,
                          "sms lease: taken name=%V epoch=%L", &lease->name,
                          lease->epoch);
            lease->changed(lease->data, 1);
        }
    }

    if (ngx_sms_leases_leaving) {
        return;
    }

    if (ngx_sms_leases_news()) {
        ngx_sms_timer_start(&ngx_sms_leases_timer, NGX_SMS_LEASE_NEWS);

    } else if (left) {
        ngx_sms_timer_start(&ngx_sms_leases_timer, ngx_sms_leases_next());
    }
}


/* 1: of a bind, which came while the last renewal was under way */

static ngx_uint_t
ngx_sms_leases_news(void)
{
    ngx_queue_t      *q;
    ngx_sms_lease_t  *lease;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (lease->news) {
            return 1;
        }
    }

    return 0;
}


void
ngx_sms_lease_tell(ngx_sms_lease_t *lease, const sms_bind_t *bind)
{
    size_t                 i, len;
    ngx_uint_t             changed;
    ngx_sms_store_bind_t  *b;

    if (!lease->held || lease->dropped) {
        return;
    }

    changed = 1;
    b = lease->bind;

    if (b == NULL) {
        b = ngx_calloc(sizeof(ngx_sms_store_bind_t), ngx_sms_leases_log);

        if (b == NULL) {
            return;
        }

        lease->bind = b;

    } else {
        changed = b->bind.state != bind->state;
    }

    /* the renewal must not fail for what an operator's text holds */
    len = ngx_min(bind->error.len, sizeof(b->error));

    for (i = 0; i < len; i++) {
        b->error[i] = (u_char) bind->error.ptr[i];

        if (b->error[i] < ' ' || b->error[i] > '~') {
            b->error[i] = '?';
        }
    }

    b->bind = *bind;
    b->bind.error.ptr = (const char *) b->error;
    b->bind.error.len = len;

    if (!changed || lease->news || ngx_sms_leases_leaving) {
        return;
    }

    lease->news = 1;

    if (ngx_sms_leases_query == NULL) {
        ngx_sms_timer_start(&ngx_sms_leases_timer, NGX_SMS_LEASE_NEWS);
    }
}


/* whoever holds less comes first */

static ngx_msec_t
ngx_sms_leases_next(void)
{
    ngx_msec_t        ms;
    ngx_queue_t      *q;
    ngx_sms_lease_t  *lease;

    ms = NGX_SMS_LEASE_NEXT;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);
        ms += lease->held ? NGX_SMS_LEASE_NEXT : 0;
    }

    return ngx_min(ms, NGX_SMS_LEASE_TICK);
}


static void
ngx_sms_leases_clean(void)
{
    ngx_str_t         names[NGX_SMS_LEASES_MAX];
    ngx_uint_t        n;
    ngx_queue_t      *q;
    ngx_sms_lease_t  *lease;

    n = 0;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (lease->tainted && !ngx_sms_lease_busy(lease)) {
            names[n++] = lease->name;
            lease->cleaning = 1;
        }
    }

    ngx_sms_leases_query = ngx_sms_store_lease_release(names, n,
                               &ngx_sms_leases_holder, ngx_sms_leases_cleaned,
                               NULL);
}


static void
ngx_sms_leases_cleaned(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_queue_t      *q;
    ngx_sms_lease_t  *lease;

    (void) data;

    ngx_sms_leases_query = NULL;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (res->rc == NGX_SMS_PG_OK && lease->cleaning) {
            lease->tainted = 0;
        }

        lease->cleaning = 0;
    }

    if (res->rc != NGX_SMS_PG_OK) {
        return;
    }

    if (!ngx_sms_leases_leaving) {
        ngx_sms_timer_start(&ngx_sms_leases_timer, 1);
    }
}


void
ngx_sms_lease_renounce(ngx_sms_lease_t *lease)
{
    lease->tainted = 1;

    if (lease->held) {
        ngx_sms_lease_lost(lease, "renounced");
    }
}


static void
ngx_sms_lease_lost(ngx_sms_lease_t *lease, const char *why)
{
    lease->held = 0;
    lease->news = 0;

    if (lease->bind) {
        ngx_free(lease->bind);
        lease->bind = NULL;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_sms_leases_log, 0,
                  "sms lease: given up name=%V: %s", &lease->name, why);

    if (!lease->dropped) {
        lease->changed(lease->data, 0);
    }
}


/* one that is wanted again comes before its predecessor, which is dropped */

static ngx_sms_lease_t *
ngx_sms_lease_find(const ngx_str_t *name)
{
    ngx_queue_t      *q;
    ngx_sms_lease_t  *lease, *dropped;

    dropped = NULL;

    for (q = ngx_queue_head(&ngx_sms_leases);
         q != ngx_queue_sentinel(&ngx_sms_leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_sms_lease_t, queue);

        if (lease->name.len == name->len
            && ngx_memcmp(lease->name.data, name->data, name->len) == 0)
        {
            if (!lease->dropped) {
                return lease;
            }

            dropped = lease;
        }
    }

    return dropped;
}
