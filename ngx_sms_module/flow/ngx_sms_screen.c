#include "ngx_sms_screen.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_round.h"
#include "ngx_sms_store_screen.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_work.h"


#define NGX_SMS_SCREEN_LIMIT    1000
#define NGX_SMS_SCREEN_IDLE     50          /* ms between empty looks         */
#define NGX_SMS_SCREEN_PAUSE    1000        /* after a failure                */

/*
 * Rounds under way: while one is stored the next is taken and decided.  Those that
 * wait for an answer about consent are none of the database's business, and there
 * are enough of them to fill the pace at which questions may leave.
 */
#define NGX_SMS_SCREEN_ROUNDS   16
#define NGX_SMS_SCREEN_BUSY     3           /* of these, not waiting          */
#define NGX_SMS_SCREEN_STORES   2           /* and of these, being stored     */


static void ngx_sms_screen_lease(void *data, ngx_uint_t held);
static void ngx_sms_screen_tick(void *data);
static void ngx_sms_screen_release(void);
static void ngx_sms_screen_released(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_take(void);
static ngx_sms_store_id_t *ngx_sms_screen_busy(ngx_pool_t *pool,
    ngx_uint_t *n);
static void ngx_sms_screen_taken(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_begin(const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_decided(void *data);
static void ngx_sms_screen_store(void);
static void ngx_sms_screen_stored(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_end(ngx_sms_round_t *round);
static void ngx_sms_screen_pause(void);


static const ngx_sms_screen_conf_t  *ngx_sms_screen_conf;
static ngx_sms_zone_t               *ngx_sms_screen_zone;
static ngx_log_t                    *ngx_sms_screen_log;
static ngx_sms_lease_t              *ngx_sms_screen_held;
static ngx_sms_timer_t               ngx_sms_screen_timer;

/* being decided, and decided: the latter are stored in the order of their end */
static ngx_queue_t                   ngx_sms_screen_rounds;
static ngx_queue_t                   ngx_sms_screen_done;
static ngx_uint_t                    ngx_sms_screen_nrounds;
static ngx_uint_t                    ngx_sms_screen_nstores;

static ngx_sms_store_query_t        *ngx_sms_screen_query;
static ngx_sms_store_query_t        *ngx_sms_screen_retries;
static ngx_msec_t                    ngx_sms_screen_looked;     /* for retries */
static ngx_uint_t                    ngx_sms_screen_stopped;
static ngx_uint_t                    ngx_sms_screen_paused;
static ngx_uint_t                    ngx_sms_screen_more;
static ngx_uint_t                    ngx_sms_screen_alone;
static ngx_uint_t                    ngx_sms_screen_partial;


ngx_int_t
ngx_sms_screen_init(const ngx_sms_screen_conf_t *conf, ngx_sms_zone_t *zone,
    ngx_log_t *log)
{
    ngx_str_t  name = ngx_string("screen");

    ngx_sms_screen_conf = conf;
    ngx_sms_screen_zone = zone;
    ngx_sms_screen_log = log;
    ngx_sms_screen_stopped = 0;
    ngx_sms_screen_paused = 0;
    ngx_sms_screen_partial = 0;
    ngx_sms_screen_query = NULL;
    ngx_sms_screen_retries = NULL;
    ngx_sms_screen_looked = ngx_current_msec - NGX_SMS_SCREEN_IDLE;
    ngx_sms_screen_nrounds = 0;
    ngx_sms_screen_nstores = 0;
    ngx_queue_init(&ngx_sms_screen_rounds);
    ngx_queue_init(&ngx_sms_screen_done);

    ngx_sms_timer_housekeeping(&ngx_sms_screen_timer, ngx_sms_screen_tick,
                               NULL, log);

    ngx_sms_screen_held = ngx_sms_lease_want(&name, ngx_sms_screen_lease,
                                             NULL);

    return ngx_sms_screen_held ? NGX_OK : NGX_ERROR;
}


void
ngx_sms_screen_stop(void)
{
    ngx_sms_screen_stopped = 1;
    ngx_sms_timer_stop(&ngx_sms_screen_timer);
}


void
ngx_sms_screen_exit(void)
{
    ngx_queue_t      *list[2], *q;
    ngx_uint_t        i;
    ngx_sms_round_t  *round;

    if (ngx_sms_screen_conf == NULL) {
        return;
    }

    ngx_sms_screen_stop();

    if (ngx_sms_screen_query) {
        ngx_sms_store_query_forget(ngx_sms_screen_query);
        ngx_sms_screen_query = NULL;
    }

    if (ngx_sms_screen_retries) {
        ngx_sms_store_query_forget(ngx_sms_screen_retries);
        ngx_sms_screen_retries = NULL;
    }

    list[0] = &ngx_sms_screen_rounds;
    list[1] = &ngx_sms_screen_done;

    for (i = 0; i < 2; i++) {
        while (!ngx_queue_empty(list[i])) {

            q = ngx_queue_head(list[i]);
            round = ngx_queue_data(q, ngx_sms_round_t, queue);

            if (round->query) {
                ngx_sms_store_query_forget(round->query);
            }

            ngx_sms_screen_end(round);
        }
    }
}


void
ngx_sms_screen_poke(void)
{
    if (ngx_sms_screen_stopped || !ngx_sms_screen_held->held) {
        return;
    }

    ngx_sms_screen_more = 1;

    if (ngx_sms_screen_query == NULL && !ngx_sms_screen_paused) {
        ngx_sms_timer_start(&ngx_sms_screen_timer, 1);
    }
}


static void
ngx_sms_screen_lease(void *data, ngx_uint_t held)
{
    (void) data;

    if (held && !ngx_sms_screen_stopped) {
        ngx_sms_timer_start(&ngx_sms_screen_timer, 1);

    } else {
        ngx_sms_timer_stop(&ngx_sms_screen_timer);
    }
}


static void
ngx_sms_screen_tick(void *data)
{
    (void) data;

    ngx_sms_screen_paused = 0;
    ngx_sms_timer_start(&ngx_sms_screen_timer, NGX_SMS_SCREEN_IDLE);

    ngx_sms_screen_release();
    ngx_sms_screen_take();
}


/* retries, OTPs among them, wait for nothing that screen does */

static void
ngx_sms_screen_release(void)
{
    if (ngx_sms_screen_retries
        || ngx_current_msec - ngx_sms_screen_looked < NGX_SMS_SCREEN_IDLE
        || !ngx_sms_lease_valid(ngx_sms_screen_held))
    {
        return;
    }

    ngx_sms_screen_looked = ngx_current_msec;
    ngx_sms_screen_retries = ngx_sms_store_due_release(NGX_SMS_SCREEN_LIMIT,
                                 ngx_sms_timer_now_us(),
                                 ngx_sms_screen_released, NULL);
}


static void
ngx_sms_screen_released(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_screen_retries = NULL;

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: cannot release: sqlstate=%s",
                      res->sqlstate);
    }
}


static void
ngx_sms_screen_take(void)
{
    ngx_uint_t           n, busy;
    ngx_queue_t         *q;
    ngx_pool_t          *pool;
    ngx_sms_round_t     *round;
    ngx_sms_store_id_t  *ids;

    if (ngx_sms_screen_query || ngx_sms_screen_paused || ngx_sms_screen_stopped
        || ngx_sms_screen_nrounds == NGX_SMS_SCREEN_ROUNDS
        || !ngx_sms_lease_valid(ngx_sms_screen_held))
    {
        return;
    }

    busy = ngx_sms_screen_nrounds;

    for (q = ngx_queue_head(&ngx_sms_screen_rounds);
         q != ngx_queue_sentinel(&ngx_sms_screen_rounds);
         q = ngx_queue_next(q))
    {
        round = ngx_queue_data(q, ngx_sms_round_t, queue);
        busy -= round->asking;
    }

    if (busy >= NGX_SMS_SCREEN_BUSY) {
        return;
    }

    pool = ngx_sms_work_pool(1024, ngx_sms_screen_log);
    if (pool == NULL) {
        return;
    }

    ids = ngx_sms_screen_busy(pool, &n);

    if (ids) {
        ngx_sms_screen_more = 0;
        ngx_sms_screen_alone = !ngx_sms_screen_alone;
        ngx_sms_screen_query = ngx_sms_store_screen_take(NGX_SMS_SCREEN_LIMIT,
                                   ids, n, ngx_sms_screen_alone,
                                   ngx_sms_timer_now_us(),
                                   ngx_sms_screen_taken, NULL);
    }

    ngx_destroy_pool(pool);
}


/* what is under way must not be taken again */

static ngx_sms_store_id_t *
ngx_sms_screen_busy(ngx_pool_t *pool, ngx_uint_t *n)
{
    ngx_uint_t           i, k;
    ngx_queue_t         *list[2], *q;
    ngx_sms_round_t     *round;
    ngx_sms_store_id_t  *ids;

    list[0] = &ngx_sms_screen_rounds;
    list[1] = &ngx_sms_screen_done;
    ids = NULL;
    k = 0;

    for (i = 0; i < 4; i++) {

        if (i == 2) {
            ids = ngx_palloc(pool, ngx_max(k, 1) * sizeof(ngx_sms_store_id_t));
            if (ids == NULL) {
                return NULL;
            }

            k = 0;
        }

        for (q = ngx_queue_head(list[i % 2]);
             q != ngx_queue_sentinel(list[i % 2]);
             q = ngx_queue_next(q))
        {
            round = ngx_queue_data(q, ngx_sms_round_t, queue);

            if (ids) {
                ngx_memcpy(&ids[k], round->groups,
                           round->ngroups * sizeof(ngx_sms_store_id_t));
            }

            k += round->ngroups;
        }
    }

    *n = k;

    return ids;
}


static void
ngx_sms_screen_taken(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_screen_query = NULL;

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: cannot take: sqlstate=%s", res->sqlstate);
    }

    if (ngx_sms_screen_stopped) {
        return;
    }

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_sms_screen_pause();
        return;
    }

    if (!ngx_sms_store_screen_empty(res)) {
        ngx_sms_screen_more = 1;
        ngx_sms_screen_begin(res);
    }

    if (ngx_sms_screen_more) {
        ngx_sms_screen_take();
    }
}


static void
ngx_sms_screen_begin(const ngx_sms_pg_res_t *res)
{
    ngx_sms_round_t  *round;

    round = ngx_sms_round_create(ngx_sms_screen_conf, ngx_sms_screen_zone, res,
                                 ngx_sms_screen_log);
    if (round == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: round cannot begin");
        ngx_sms_screen_pause();
        return;
    }

    if (!round->together) {
        round->whole = ngx_sms_screen_partial;
        ngx_sms_screen_partial = 0;
    }

    ngx_queue_insert_tail(&ngx_sms_screen_rounds, &round->queue);
    ngx_sms_screen_nrounds++;

    ngx_sms_round_start(round, ngx_sms_screen_decided, round);
}


static void
ngx_sms_screen_decided(void *data)
{
    ngx_sms_round_t  *round = data;

    ngx_queue_remove(&round->queue);
    ngx_queue_insert_tail(&ngx_sms_screen_done, &round->queue);

    ngx_sms_screen_store();
}


static void
ngx_sms_screen_store(void)
{
    int64_t           now;
    ngx_queue_t      *q, *next;
    ngx_sms_round_t  *round;

    for (q = ngx_queue_head(&ngx_sms_screen_done);
         q != ngx_queue_sentinel(&ngx_sms_screen_done)
         && ngx_sms_screen_nstores < NGX_SMS_SCREEN_STORES;
         q = next)
    {
        next = ngx_queue_next(q);
        round = ngx_queue_data(q, ngx_sms_round_t, queue);

        if (round->query) {
            continue;
        }

        now = ngx_sms_timer_now_us();
        round->query = round->together
            ? ngx_sms_store_screened_submission(round->groups, round->ngroups,
                  round->answers, round->n,
                  (int64_t) ngx_sms_screen_conf->consent_max_age, now,
                  ngx_sms_screen_stored, round)
            : ngx_sms_store_screened(round->answers, round->n, now,
                                     ngx_sms_screen_stored, round);

        if (round->query == NULL) {
            /* nothing was decided: the rows are still due */
            ngx_sms_screen_end(round);
            ngx_sms_screen_pause();
            continue;
        }

        ngx_sms_screen_nstores++;
    }
}


static void
ngx_sms_screen_stored(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_round_t  *round = data;

    ngx_sms_screen_nstores--;

    if (res->rc == NGX_SMS_PG_OK) {
        ngx_sms_counter_add(ngx_sms_screen_zone, NGX_SMS_C_SCREENED,
                            (int64_t) ngx_sms_round_judged(round));

    } else {
        ngx_sms_screen_pause();
    }

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: answers not stored: sqlstate=%s",
                      res->sqlstate);
    }

    ngx_sms_screen_end(round);
    ngx_sms_screen_store();
    ngx_sms_screen_take();
}


static void
ngx_sms_screen_end(ngx_sms_round_t *round)
{
    if (!round->together) {
        ngx_sms_screen_partial |= round->partial;
    }

    ngx_queue_remove(&round->queue);
    ngx_sms_screen_nrounds--;
    ngx_sms_round_destroy(round);
}


static void
ngx_sms_screen_pause(void)
{
    if (ngx_sms_screen_stopped || !ngx_sms_screen_held->held) {
        return;
    }

    ngx_sms_screen_paused = 1;
    ngx_sms_timer_start(&ngx_sms_screen_timer, NGX_SMS_SCREEN_PAUSE);
}
