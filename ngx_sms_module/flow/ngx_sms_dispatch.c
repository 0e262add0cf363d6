#include "ngx_sms_dispatch.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_ids.h"
#include "ngx_sms_inquiry.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_link.h"
#include "ngx_sms_store_flow.h"
#include "ngx_sms_store_lease.h"
#include "ngx_sms_timer.h"


/*
 * What another worker queued is found by looking: an empty look costs the
 * database a tenth of a millisecond.  The longer a link's lanes are empty, the
 * seldomer; what this worker queues is told by a poke.  An OTP does not wait for a
 * look: all workers are told, once for all that come within a while.
 */
#define NGX_SMS_DISPATCH_LOOK   25      /* ms */
#define NGX_SMS_DISPATCH_IDLE   100
#define NGX_SMS_DISPATCH_TELL   5

/* a claim of all lanes leaves the nth part of the window to OTP */
#define NGX_SMS_DISPATCH_KEPT   8

/* a session that is quiet may take this long to close, then its lease goes */
#define NGX_SMS_DISPATCH_CLOSE  6000    /* ms */


static void ngx_sms_dispatch_lease(void *data, ngx_uint_t held);
static void ngx_sms_dispatch_tick(void *data);
static void ngx_sms_dispatch_tell(void *data);
static void ngx_sms_dispatch_tell_done(void *data,
    const ngx_sms_pg_res_t *res);
static void ngx_sms_dispatch_go(ngx_sms_link_t *link);
static void ngx_sms_dispatch_go_otp(ngx_sms_link_t *link);
static uint32_t ngx_sms_dispatch_window(ngx_sms_link_t *link);
static ngx_sms_lease_t *ngx_sms_dispatch_held(ngx_sms_link_t *link);
static ngx_sms_link_t *ngx_sms_dispatch_link(uint32_t id);
static void ngx_sms_dispatch_ask(ngx_sms_ask_t *ask, ngx_uint_t parts,
    ngx_uint_t otp);
static ngx_uint_t ngx_sms_dispatch_busy(void *data);
static void ngx_sms_dispatch_claimed(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_dispatch_claimed_otp(void *data,
    const ngx_sms_pg_res_t *res);
static ngx_int_t ngx_sms_dispatch_answer(ngx_sms_ask_t *ask,
    const ngx_sms_pg_res_t *res);
static ngx_sms_bind_t *ngx_sms_dispatch_bind(ngx_sms_link_t *link,
    sms_str_t name);


static ngx_array_t   ngx_sms_dispatch_links;        /* ngx_sms_link_t */
static ngx_pool_t   *ngx_sms_dispatch_pool;
static ngx_uint_t    ngx_sms_dispatch_stopped;


ngx_int_t
ngx_sms_dispatch_init(ngx_sms_plugins_t *plugins, ngx_sms_zone_t *zone,
    ngx_log_t *log)
{
    ngx_uint_t          i, n;
    ngx_sms_link_t     *link;
    ngx_sms_plugin_t  **p;

    ngx_sms_dispatch_stopped = 0;
    ngx_sms_dispatch_pool = ngx_create_pool(4096, log);

    if (ngx_sms_dispatch_pool == NULL) {
        return NGX_ERROR;
    }

    p = plugins->kinds[SMS_KIND_OPERATOR].elts;
    n = plugins->kinds[SMS_KIND_OPERATOR].nelts;

    if (ngx_array_init(&ngx_sms_dispatch_links, ngx_sms_dispatch_pool,
                       n ? n : 1, sizeof(ngx_sms_link_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        /* the array does not grow: pointers into it stay */
        link = ngx_array_push(&ngx_sms_dispatch_links);

        if (ngx_sms_link_init(link, p[i], plugins, zone, log) != NGX_OK) {
            return NGX_ERROR;
        }

        p[i]->user = link;
        link->told_at = ngx_current_msec - NGX_SMS_DISPATCH_TELL;
        ngx_sms_timer_housekeeping(&link->timer, ngx_sms_dispatch_tick, link,
                                   log);
        ngx_sms_timer_housekeeping(&link->tell, ngx_sms_dispatch_tell, link,
                                   log);
    }

    return NGX_OK;
}


void
ngx_sms_dispatch_stop(void)
{
    ngx_uint_t       i;
    ngx_sms_link_t  *link;

    ngx_sms_dispatch_stopped = 1;
    link = ngx_sms_dispatch_links.elts;

    for (i = 0; i < ngx_sms_dispatch_links.nelts; i++) {
        link[i].quiet_at = ngx_current_msec;
        ngx_sms_inquiry_stop(&link[i]);
    }
}


void
ngx_sms_dispatch_exit(void)
{
    ngx_uint_t       i;
    ngx_sms_link_t  *link;

    if (ngx_sms_dispatch_pool == NULL) {
        return;
    }

    link = ngx_sms_dispatch_links.elts;

    for (i = 0; i < ngx_sms_dispatch_links.nelts; i++) {
        ngx_sms_timer_stop(&link[i].timer);
        ngx_sms_timer_stop(&link[i].tell);

        if (link[i].telling) {
            ngx_sms_store_query_forget(link[i].telling);
        }

        if (link[i].all.query) {
            ngx_sms_store_query_forget(link[i].all.query);
        }

        if (link[i].otp.query) {
            ngx_sms_store_query_forget(link[i].otp.query);
        }

        ngx_sms_inquiry_exit(&link[i]);
        ngx_sms_link_exit(&link[i]);
    }

    ngx_destroy_pool(ngx_sms_dispatch_pool);
    ngx_sms_dispatch_pool = NULL;
}


void
ngx_sms_dispatch_poke(uint32_t id, ngx_uint_t otp)
{
    ngx_sms_link_t  *link;

    link = ngx_sms_dispatch_link(id);

    if (link == NULL) {
        return;
    }

    if (link->nheld == 0) {

        if (otp) {
            link->untold = 1;
            ngx_sms_dispatch_tell(link);
        }

        return;
    }

    if (otp) {
        link->drained_otp = 0;
        link->more_otp = 1;
        ngx_sms_dispatch_go_otp(link);

    } else {
        link->drained = 0;
        link->more = 1;
        ngx_sms_dispatch_go(link);
    }
}


void
ngx_sms_dispatch_told(uint32_t id)
{
    ngx_sms_link_t  *link;

    link = ngx_sms_dispatch_link(id);

    if (link && link->nheld) {
        link->drained_otp = 0;
        link->more_otp = 1;
        ngx_sms_dispatch_go_otp(link);
    }
}


/*
 * Each NOTIFY wakes all workers of all nodes, so there is one under way at most, and
 * then none for a while.  One that is lost costs no more than the wait for a look.
 */

static void
ngx_sms_dispatch_tell(void *data)
{
    ngx_sms_link_t  *link = data;

    ngx_msec_t  since;

    if (!link->untold || link->telling || ngx_sms_timer_running(&link->tell)) {
        return;
    }

    since = ngx_current_msec - link->told_at;

    if (since < NGX_SMS_DISPATCH_TELL) {
        ngx_sms_timer_start(&link->tell, NGX_SMS_DISPATCH_TELL - since);
        return;
    }

    link->untold = 0;
    link->told_at = ngx_current_msec;
    link->telling = ngx_sms_store_queue_tell(link->id,
                                             ngx_sms_dispatch_tell_done, link);
}


static void
ngx_sms_dispatch_tell_done(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_link_t  *link = data;

    (void) res;

    link->telling = NULL;
    ngx_sms_dispatch_tell(link);
}


ngx_uint_t
ngx_sms_dispatch_binds(uint32_t id)
{
    ngx_sms_link_t  *link;

    link = ngx_sms_dispatch_link(id);

    return link ? link->nheld : 0;
}


static ngx_sms_link_t *
ngx_sms_dispatch_link(uint32_t id)
{
    ngx_uint_t       i;
    ngx_sms_link_t  *link;

    if (ngx_sms_dispatch_pool == NULL) {
        return NULL;
    }

    link = ngx_sms_dispatch_links.elts;

    for (i = 0; i < ngx_sms_dispatch_links.nelts; i++) {
        if (link[i].id == id) {
            return &link[i];
        }
    }

    return NULL;
}


/* ---- leases ------------------------------------------------------------- */

sms_rc_t
ngx_sms_dispatch_lease_want(ngx_sms_plugin_t *p, sms_str_t name)
{
    u_char          *last, full[128];
    ngx_str_t        s;
    ngx_sms_bind_t  *bind;
    ngx_sms_link_t  *link = p->user;

    if (name.len == 0 || name.len > NGX_SMS_BIND_NAME) {
        return SMS_E_INVAL;
    }

    if (link == NULL) {
        return SMS_E_DENIED;
    }

    if (ngx_sms_dispatch_bind(link, name)) {
        return SMS_OK;
    }

    if (link->nbinds >= NGX_SMS_BINDS_MAX) {
        return SMS_E_BUSY;
    }

    bind = &link->binds[link->nbinds];
    ngx_memzero(bind, sizeof(ngx_sms_bind_t));
    bind->link = link;
    bind->name_len = name.len;
    ngx_memcpy(bind->name, name.ptr, name.len);

    last = ngx_snprintf(full, sizeof(full), "bind/%uD/%*s", link->id, name.len,
                        name.ptr);
    s.data = full;
    s.len = (size_t) (last - full);

    bind->lease = ngx_sms_lease_want(&s, ngx_sms_dispatch_lease, bind);

    if (bind->lease == NULL) {
        return SMS_E_NOMEM;
    }

    bind->lease->busy = ngx_sms_dispatch_busy;
    bind->lease->paused = link->plugin->unbind;
    link->nbinds++;

    return SMS_OK;
}


void
ngx_sms_dispatch_lease_drop(ngx_sms_plugin_t *p, sms_str_t name)
{
    ngx_sms_bind_t  *bind;
    ngx_sms_link_t  *link = p->user;

    bind = link ? ngx_sms_dispatch_bind(link, name) : NULL;

    if (bind == NULL) {
        return;
    }

    if (bind->lease->held) {
        link->nheld--;
    }

    ngx_sms_lease_drop(bind->lease);
    bind->lease = NULL;
}


int
ngx_sms_dispatch_lease_valid(ngx_sms_plugin_t *p, sms_str_t name)
{
    ngx_sms_bind_t  *bind;
    ngx_sms_link_t  *link = p->user;

    bind = link ? ngx_sms_dispatch_bind(link, name) : NULL;

    return bind && ngx_sms_lease_valid(bind->lease);
}


void
ngx_sms_dispatch_bind_told(ngx_sms_plugin_t *p, sms_str_t name,
    const sms_bind_t *told)
{
    ngx_sms_bind_t  *bind;
    ngx_sms_link_t  *link = p->user;

    bind = link ? ngx_sms_dispatch_bind(link, name) : NULL;

    if (bind) {
        ngx_sms_lease_tell(bind->lease, told);
    }
}


static ngx_sms_bind_t *
ngx_sms_dispatch_bind(ngx_sms_link_t *link, sms_str_t name)
{
    ngx_uint_t       i;
    ngx_sms_bind_t  *bind;

    bind = link->binds;

    for (i = 0; i < link->nbinds; i++) {
        if (bind[i].lease && bind[i].name_len == name.len
            && ngx_memcmp(bind[i].name, name.ptr, name.len) == 0)
        {
            return &bind[i];
        }
    }

    return NULL;
}


static void
ngx_sms_dispatch_lease(void *data, ngx_uint_t held)
{
    ngx_sms_bind_t  *bind = data;

    sms_str_t        name;
    ngx_sms_link_t  *link;

    link = bind->link;
    link->nheld += held ? 1 : (ngx_uint_t) -1;
    name.ptr = (const char *) bind->name;
    name.len = bind->name_len;

    ngx_sms_plugin_lease(link->plugin, name, held ? 1 : 0,
                         (uint64_t) bind->lease->epoch);

    if (link->nheld) {
        link->look = NGX_SMS_DISPATCH_LOOK;
        ngx_sms_timer_start(&link->timer, 1);

        if (!ngx_sms_dispatch_stopped) {
            ngx_sms_inquiry_start(link);
        }

    } else {
        ngx_sms_timer_stop(&link->timer);
        ngx_sms_inquiry_stop(link);
    }
}


/*
 * A bind's lease is needed while anything of the link is on its way to the
 * operator or back to the database, and until its adapter, told to leave, has
 * closed the session and dropped it.
 */

static ngx_uint_t
ngx_sms_dispatch_busy(void *data)
{
    ngx_sms_bind_t  *bind = data;

    ngx_sms_link_t  *link = bind->link;

    if (ngx_sms_link_busy(link)) {
        link->quiet_at = ngx_current_msec;
        return 1;
    }

    return ngx_sms_dispatch_stopped && bind->lease
           && SMS_HAS(sms_ops_t, link->plugin->ops, drain)
           && (ngx_msec_int_t) (ngx_current_msec - link->quiet_at)
              < NGX_SMS_DISPATCH_CLOSE;
}


/* ---- claims ------------------------------------------------------------- */

void
ngx_sms_dispatch_window_open(ngx_sms_plugin_t *p)
{
    ngx_sms_link_t  *link = p->user;

    if (link && link->nheld) {
        ngx_sms_dispatch_go_otp(link);
        ngx_sms_dispatch_go(link);
    }
}


static void
ngx_sms_dispatch_tick(void *data)
{
    ngx_sms_link_t  *link = data;

    ngx_sms_timer_start(&link->timer, link->look);
    link->more = 1;
    ngx_sms_dispatch_go(link);
}


static void
ngx_sms_dispatch_go(ngx_sms_link_t *link)
{
    uint32_t  window;

    if (link->all.query || !link->more) {
        return;
    }

    window = ngx_sms_dispatch_window(link);

    /*
     * Answers trickle in one by one; claiming each freed place alone would
     * cost a commit a message.  Half a window keeps the wire busy.
     */
    if (window == 0 || (link->inflight && window < link->window_max / 2)) {
        return;
    }

    if (window > link->window_max / NGX_SMS_DISPATCH_KEPT) {
        window -= link->window_max / NGX_SMS_DISPATCH_KEPT;
    }

    /* a look that will find little leaves the room to batches of intake */
    if (link->drained && window > 4) {
        window /= 4;
    }

    link->more = 0;
    ngx_sms_dispatch_ask(&link->all, ngx_min(window, NGX_SMS_CLAIM_MAX), 0);
}


/*
 * An OTP does not stand behind the statements of a campaign: it is claimed alone,
 * and into the places that claims of all lanes leave free.
 */

static void
ngx_sms_dispatch_go_otp(ngx_sms_link_t *link)
{
    uint32_t  window;

    if (link->otp.query || !link->more_otp) {
        return;
    }

    window = ngx_sms_dispatch_window(link);

    if (window == 0) {
        return;
    }

    link->more_otp = 0;
    ngx_sms_dispatch_ask(&link->otp,
                         ngx_min(window, ngx_max(link->window_max
                                                 / NGX_SMS_DISPATCH_KEPT, 1)),
                         1);
}


/* places that are free and not asked for */

static uint32_t
ngx_sms_dispatch_window(ngx_sms_link_t *link)
{
    uint32_t    window;
    ngx_uint_t  asked;

    if (ngx_sms_link_rests(link)) {
        return 0;
    }

    window = ngx_sms_plugin_window(link->plugin);

    if (window > link->window_max) {
        link->window_max = window;
    }

    asked = (link->all.query ? link->all.parts : 0)
            + (link->otp.query ? link->otp.parts : 0) + link->promised;

    return window > asked ? window - (uint32_t) asked : 0;
}


/* a lease under which something may be claimed now */

static ngx_sms_lease_t *
ngx_sms_dispatch_held(ngx_sms_link_t *link)
{
    ngx_uint_t  i;

    if (link->plugin->halt != NGX_SMS_LINK_OPEN) {
        return NULL;
    }

    for (i = 0; !ngx_sms_dispatch_stopped && i < link->nbinds; i++) {
        if (link->binds[i].lease && ngx_sms_lease_valid(link->binds[i].lease)) {
            return link->binds[i].lease;
        }
    }

    return NULL;
}


static void
ngx_sms_dispatch_ask(ngx_sms_ask_t *ask, ngx_uint_t parts, ngx_uint_t otp)
{
    ngx_sms_link_t   *link;
    ngx_sms_lease_t  *lease;

    link = ask->link;
    lease = ngx_sms_dispatch_held(link);

    if (lease == NULL || ngx_sms_id_make(ask->id) != NGX_OK) {
        return;
    }

    ask->parts = parts;
    ask->query = ngx_sms_store_claim(link->id, &lease->name, lease->epoch,
                                     (int32_t) parts, link->inflight == 0,
                                     ask->id, otp, ngx_sms_timer_now_us(),
                                     otp ? ngx_sms_dispatch_claimed_otp
                                         : ngx_sms_dispatch_claimed,
                                     ask);
}


static void
ngx_sms_dispatch_claimed(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_ask_t  *ask = data;

    ngx_sms_link_t  *link = ask->link;

    switch (ngx_sms_dispatch_answer(ask, res)) {

    case NGX_OK:
        link->look = NGX_SMS_DISPATCH_LOOK;
        link->more = 1;
        ngx_sms_dispatch_go(link);
        return;

    case NGX_DECLINED:
        link->look = ngx_min(link->look * 2, NGX_SMS_DISPATCH_IDLE);
        return;

    default:
        return;
    }
}


static void
ngx_sms_dispatch_claimed_otp(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_ask_t  *ask = data;

    ngx_int_t  rc;

    rc = ngx_sms_dispatch_answer(ask, res);

    if (rc == NGX_OK) {
        ask->link->more_otp = 1;
    }

    /* one may have been queued after an empty look */
    if (rc != NGX_ERROR) {
        ngx_sms_dispatch_go_otp(ask->link);
    }
}


/* NGX_OK: on its way; NGX_DECLINED: there was nothing; NGX_ERROR */

static ngx_int_t
ngx_sms_dispatch_answer(ngx_sms_ask_t *ask, const ngx_sms_pg_res_t *res)
{
    ngx_sms_link_t  *link = ask->link;

    ask->query = NULL;

    if (res->rc == NGX_SMS_PG_UNKNOWN) {
        /*
         * The claim may be committed, and its messages will never be written.
         * A new epoch makes it an old one, which upkeep decides.
         */
        ngx_sms_link_renounce(link);
        return NGX_ERROR;
    }

    /* halted, and this worker will be told in a moment */
    if (ngx_strcmp(res->sqlstate, "SMS06") == 0) {
        return NGX_DECLINED;
    }

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, link->log, 0,
                      "sms dispatch: claim refused: sqlstate=%s link=%uD",
                      res->sqlstate, link->id);
        return NGX_ERROR;
    }

    if (ask == &link->all) {
        link->drained = ngx_sms_store_claim_drained(res);
    }

    if (ask == &link->otp || link->drained) {
        link->drained_otp = ngx_sms_store_claim_drained(res);
    }

    if (ngx_sms_store_claim_empty(res)) {
        return NGX_DECLINED;
    }

    if (ngx_sms_link_submit(link, ask->id, res) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "sms dispatch: claim cannot be worked on: no memory "
                      "link=%uD", link->id);
        ngx_sms_link_renounce(link);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* ---- messages that are claimed with their acceptance ---------------------- */

ngx_int_t
ngx_sms_dispatch_promise(uint32_t id, ngx_uint_t parts, ngx_uint_t otp,
    ngx_sms_promise_t *p, ngx_pool_t *pool)
{
    uint32_t          kept;
    ngx_sms_link_t   *link;
    ngx_sms_lease_t  *lease;

    link = ngx_sms_dispatch_link(id);

    if (link == NULL || !(otp ? link->drained_otp : link->drained)) {
        return NGX_DECLINED;
    }

    kept = otp ? 0 : link->window_max / NGX_SMS_DISPATCH_KEPT;
    lease = ngx_sms_dispatch_held(link);

    if (lease == NULL || parts + kept > ngx_sms_dispatch_window(link)
        || ngx_sms_id_make(p->claim.id) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p->claim.link = id;
    p->claim.epoch = lease->epoch;
    p->claim.lease.len = lease->name.len;
    p->claim.lease.data = ngx_pstrdup(pool, &lease->name);

    if (p->claim.lease.data == NULL) {
        return NGX_DECLINED;
    }

    p->parts = parts;
    link->promised += parts;

    return NGX_OK;
}


void
ngx_sms_dispatch_keep(ngx_sms_promise_t *p, ngx_sms_store_row_t *rows,
    ngx_uint_t n)
{
    ngx_sms_link_t  *link;

    link = ngx_sms_dispatch_link(p->claim.link);

    if (link == NULL || p->parts == 0) {
        return;
    }

    link->promised -= p->parts;
    p->parts = 0;

    if (ngx_sms_link_submit_rows(link, p->claim.id, rows, n) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "sms dispatch: claim cannot be worked on: no memory "
                      "link=%uD rows=%ui", link->id, n);
        ngx_sms_link_renounce(link);
    }
}


void
ngx_sms_dispatch_break(ngx_sms_promise_t *p, ngx_uint_t lost)
{
    ngx_sms_link_t  *link;

    link = ngx_sms_dispatch_link(p->claim.link);

    if (link == NULL || p->parts == 0) {
        return;
    }

    link->promised -= p->parts;
    p->parts = 0;

    if (lost) {
        ngx_sms_link_renounce(link);
    }
}
