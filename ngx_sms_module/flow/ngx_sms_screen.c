#include "ngx_sms_screen.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_round.h"
#include "ngx_sms_store_flow.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_SCREEN_LIMIT    1000
#define NGX_SMS_SCREEN_IDLE     50          /* ms between empty looks         */
#define NGX_SMS_SCREEN_PAUSE    1000        /* after a failure                */


static void ngx_sms_screen_lease(void *data, ngx_uint_t held);
static void ngx_sms_screen_tick(void *data);
static void ngx_sms_screen_free(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_taken(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_store(void *data);
static void ngx_sms_screen_stored(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_screen_end(ngx_msec_t pause);


static const ngx_sms_screen_conf_t  *ngx_sms_screen_conf;
static ngx_sms_zone_t               *ngx_sms_screen_zone;
static ngx_log_t                    *ngx_sms_screen_log;
static ngx_sms_lease_t              *ngx_sms_screen_held;
static ngx_sms_timer_t               ngx_sms_screen_timer;
static ngx_sms_store_query_t        *ngx_sms_screen_query;
static ngx_sms_store_query_t        *ngx_sms_screen_released;
static ngx_sms_round_t              *ngx_sms_screen_round;
static ngx_uint_t                    ngx_sms_screen_stopped;
static ngx_uint_t                    ngx_sms_screen_more;
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
    ngx_sms_screen_partial = 0;
    ngx_sms_screen_query = NULL;
    ngx_sms_screen_released = NULL;
    ngx_sms_screen_round = NULL;

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
    ngx_sms_screen_stop();

    if (ngx_sms_screen_query) {
        ngx_sms_store_query_forget(ngx_sms_screen_query);
        ngx_sms_screen_query = NULL;
    }

    if (ngx_sms_screen_released) {
        ngx_sms_store_query_forget(ngx_sms_screen_released);
        ngx_sms_screen_released = NULL;
    }

    if (ngx_sms_screen_round) {
        ngx_sms_screen_end(0);
    }
}


void
ngx_sms_screen_poke(void)
{
    if (ngx_sms_screen_stopped || !ngx_sms_screen_held->held) {
        return;
    }

    ngx_sms_screen_more = 1;

    if (ngx_sms_screen_round == NULL && ngx_sms_screen_query == NULL) {
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

    ngx_sms_timer_start(&ngx_sms_screen_timer, NGX_SMS_SCREEN_IDLE);

    if (ngx_sms_screen_query || !ngx_sms_lease_valid(ngx_sms_screen_held)) {
        return;
    }

    if (ngx_sms_screen_round) {

        /* retries, OTPs among them, do not wait until İYS has answered */
        if (ngx_sms_screen_released == NULL) {
            ngx_sms_screen_released = ngx_sms_store_screen_take(0,
                                          ngx_sms_timer_now_us(),
                                          ngx_sms_screen_free, NULL);
        }

        return;
    }

    ngx_sms_screen_more = 0;
    ngx_sms_screen_query = ngx_sms_store_screen_take(NGX_SMS_SCREEN_LIMIT,
                               ngx_sms_timer_now_us(), ngx_sms_screen_taken, NULL);
}


static void
ngx_sms_screen_free(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_screen_released = NULL;

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: cannot release: sqlstate=%s",
                      res->sqlstate);
    }
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
        ngx_sms_timer_start(&ngx_sms_screen_timer, NGX_SMS_SCREEN_PAUSE);
        return;
    }

    if (res->nrows == 0) {
        return;
    }

    ngx_sms_screen_more = res->nrows == NGX_SMS_SCREEN_LIMIT;
    ngx_sms_screen_round = ngx_sms_round_create(ngx_sms_screen_conf,
                               ngx_sms_screen_zone, res, ngx_sms_screen_log);

    if (ngx_sms_screen_round == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: round cannot begin rows=%ui", res->nrows);
        ngx_sms_timer_start(&ngx_sms_screen_timer, NGX_SMS_SCREEN_PAUSE);
        return;
    }

    ngx_sms_screen_round->whole = ngx_sms_screen_partial;
    ngx_sms_round_start(ngx_sms_screen_round, ngx_sms_screen_store, NULL);
}


static void
ngx_sms_screen_store(void *data)
{
    ngx_sms_round_t  *round;

    (void) data;

    round = ngx_sms_screen_round;
    ngx_sms_counter_add(ngx_sms_screen_zone, NGX_SMS_C_SCREENED,
                        (int64_t) round->n);

    ngx_sms_screen_query = ngx_sms_store_screened(round->answers, round->n,
                               ngx_sms_timer_now_us(), ngx_sms_screen_stored, NULL);

    if (ngx_sms_screen_query == NULL) {
        /* nothing was decided: the rows are still due */
        ngx_sms_screen_end(NGX_SMS_SCREEN_PAUSE);
    }
}


static void
ngx_sms_screen_stored(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_screen_query = NULL;

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_screen_log, 0,
                      "sms screen: answers not stored: sqlstate=%s",
                      res->sqlstate);
    }

    ngx_sms_screen_end(res->rc == NGX_SMS_PG_OK ? 0 : NGX_SMS_SCREEN_PAUSE);
}


static void
ngx_sms_screen_end(ngx_msec_t pause)
{
    ngx_sms_screen_partial = ngx_sms_screen_round->partial;
    ngx_sms_screen_more |= ngx_sms_screen_partial;
    ngx_sms_round_destroy(ngx_sms_screen_round);
    ngx_sms_screen_round = NULL;

    if (!ngx_sms_screen_stopped && ngx_sms_screen_held->held) {
        ngx_sms_timer_start(&ngx_sms_screen_timer,
                            pause ? pause
                            : ngx_sms_screen_more ? 1 : NGX_SMS_SCREEN_IDLE);
    }
}
