#include "ngx_sms_webhook.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_webhook_post.h"


/*
 * What ends goes together.  A request for each event costs more than the event
 * itself, so where many messages end more of each account's are waited for.
 */
#define NGX_SMS_WEBHOOK_LINGER    100       /* ms                             */
#define NGX_SMS_WEBHOOK_LINGER_BUSY  1000
#define NGX_SMS_WEBHOOK_BUSY      64        /* events of a take               */
#define NGX_SMS_WEBHOOK_STORE     25        /* ms: answers are stored together */
#define NGX_SMS_WEBHOOK_PAUSE     1000      /* after a failure of ours        */
#define NGX_SMS_WEBHOOK_HIDE_US   30000000  /* well above the timeout         */
#define NGX_SMS_WEBHOOK_EVENTS    50000     /* of one take                    */
#define NGX_SMS_WEBHOOK_POSTS     32        /* side by side                   */
#define NGX_SMS_WEBHOOK_EACH      4         /* of them to one endpoint        */


static void ngx_sms_webhook_lease(void *data, ngx_uint_t held);
static ngx_uint_t ngx_sms_webhook_busy(void *data);
static void ngx_sms_webhook_tick(void *data);
static void ngx_sms_webhook_taken(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_webhook_ended(ngx_sms_webhook_post_t *post);
static ngx_uint_t ngx_sms_webhook_open(void);
static void ngx_sms_webhook_store(void *data);
static void ngx_sms_webhook_stored(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_webhook_remove(ngx_sms_webhook_post_t *post);


static ngx_sms_zone_t          *ngx_sms_webhook_zone;
static ngx_log_t               *ngx_sms_webhook_log;
static ngx_sms_lease_t         *ngx_sms_webhook_held;
static ngx_sms_timer_t          ngx_sms_webhook_timer;
static ngx_sms_curl_guard_t     ngx_sms_webhook_guard;
static ngx_sms_store_query_t   *ngx_sms_webhook_taking;
static ngx_sms_store_query_t   *ngx_sms_webhook_storing;
static ngx_queue_t              ngx_sms_webhook_posts;
static ngx_uint_t               ngx_sms_webhook_n;
static ngx_uint_t               ngx_sms_webhook_asked;
static ngx_uint_t               ngx_sms_webhook_stopped;
static ngx_msec_t               ngx_sms_webhook_linger;
static ngx_msec_t               ngx_sms_webhook_split_at;
static ngx_uint_t               ngx_sms_webhook_splitting;
static ngx_sms_timer_t          ngx_sms_webhook_answers;


ngx_int_t
ngx_sms_webhook_init(ngx_uint_t private, ngx_sms_zone_t *zone, ngx_log_t *log)
{
    ngx_str_t  name = ngx_string("webhook");

    ngx_sms_webhook_zone = zone;
    ngx_sms_webhook_log = log;
    ngx_sms_webhook_taking = NULL;
    ngx_sms_webhook_storing = NULL;
    ngx_sms_webhook_n = 0;
    ngx_sms_webhook_stopped = 0;
    ngx_sms_webhook_linger = NGX_SMS_WEBHOOK_LINGER;
    ngx_sms_webhook_split_at = ngx_current_msec - NGX_SMS_WEBHOOK_LINGER;
    ngx_queue_init(&ngx_sms_webhook_posts);

    ngx_memzero(&ngx_sms_webhook_guard, sizeof(ngx_sms_curl_guard_t));
    ngx_sms_webhook_guard.connect = NGX_SMS_WEBHOOK_CONNECT;
    ngx_sms_webhook_guard.public_only = !private;
    ngx_sms_webhook_guard.discard = 1;

    ngx_sms_timer_housekeeping(&ngx_sms_webhook_timer, ngx_sms_webhook_tick,
                               NULL, log);
    ngx_sms_timer_deadline(&ngx_sms_webhook_answers, ngx_sms_webhook_store,
                           NULL, log);

    ngx_sms_webhook_held = ngx_sms_lease_want(&name, ngx_sms_webhook_lease,
                                              NULL);
    if (ngx_sms_webhook_held == NULL) {
        return NGX_ERROR;
    }

    ngx_sms_webhook_held->busy = ngx_sms_webhook_busy;

    return NGX_OK;
}


void
ngx_sms_webhook_stop(void)
{
    ngx_sms_webhook_stopped = 1;
    ngx_sms_timer_stop(&ngx_sms_webhook_timer);
}


void
ngx_sms_webhook_exit(void)
{
    ngx_queue_t  *q;

    ngx_sms_webhook_stop();
    ngx_sms_timer_stop(&ngx_sms_webhook_answers);

    if (ngx_sms_webhook_taking) {
        ngx_sms_store_query_forget(ngx_sms_webhook_taking);
        ngx_sms_webhook_taking = NULL;
    }

    if (ngx_sms_webhook_storing) {
        ngx_sms_store_query_forget(ngx_sms_webhook_storing);
        ngx_sms_webhook_storing = NULL;
    }

    while (!ngx_queue_empty(&ngx_sms_webhook_posts)) {
        q = ngx_queue_head(&ngx_sms_webhook_posts);
        ngx_sms_webhook_remove(ngx_queue_data(q, ngx_sms_webhook_post_t,
                                              queue));
    }
}


static void
ngx_sms_webhook_lease(void *data, ngx_uint_t held)
{
    (void) data;

    if (held && !ngx_sms_webhook_stopped) {
        ngx_sms_timer_start(&ngx_sms_webhook_timer, 1);

    } else {
        ngx_sms_timer_stop(&ngx_sms_webhook_timer);
    }
}


static ngx_uint_t
ngx_sms_webhook_busy(void *data)
{
    (void) data;

    return ngx_sms_webhook_taking != NULL || ngx_sms_webhook_n > 0;
}


static void
ngx_sms_webhook_tick(void *data)
{
    const u_char                  *busy[NGX_SMS_WEBHOOK_POSTS];
    ngx_uint_t                     n;
    ngx_queue_t                   *q;
    ngx_sms_webhook_post_t        *post;
    ngx_sms_store_webhook_take_t   take;

    (void) data;

    ngx_sms_timer_start(&ngx_sms_webhook_timer, NGX_SMS_WEBHOOK_LINGER);

    /* what could not be stored the last time */
    ngx_sms_webhook_store(NULL);

    if (ngx_sms_webhook_taking || ngx_sms_webhook_n == NGX_SMS_WEBHOOK_POSTS
        || !ngx_sms_lease_valid(ngx_sms_webhook_held))
    {
        return;
    }

    n = 0;

    for (q = ngx_queue_head(&ngx_sms_webhook_posts);
         q != ngx_queue_sentinel(&ngx_sms_webhook_posts);
         q = ngx_queue_next(q))
    {
        post = ngx_queue_data(q, ngx_sms_webhook_post_t, queue);
        busy[n++] = post->webhook;
    }

    ngx_sms_webhook_asked = NGX_SMS_WEBHOOK_POSTS - n;

    ngx_sms_webhook_splitting = (ngx_msec_int_t) (ngx_current_msec
                                                  - ngx_sms_webhook_split_at)
                                >= (ngx_msec_int_t) ngx_sms_webhook_linger;

    if (ngx_sms_webhook_splitting) {
        ngx_sms_webhook_split_at = ngx_current_msec;
    }

    take.events = ngx_sms_webhook_splitting ? NGX_SMS_WEBHOOK_EVENTS : 0;
    take.posts = (int32_t) ngx_sms_webhook_asked;
    take.each = NGX_SMS_WEBHOOK_EACH;
    take.busy = busy;
    take.nbusy = n;
    take.now_us = ngx_sms_timer_now_us();
    take.until_us = take.now_us + NGX_SMS_WEBHOOK_HIDE_US;

    ngx_sms_webhook_taking = ngx_sms_store_webhook_take(&take,
                                 ngx_sms_webhook_taken, NULL);
}


static void
ngx_sms_webhook_taken(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t               i, n;
    ngx_sms_webhook_post_t  *post;

    (void) data;

    ngx_sms_webhook_taking = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_webhook_log, 0,
                      "sms webhook: cannot take: sqlstate=%s", res->sqlstate);

        if (!ngx_sms_webhook_stopped) {
            ngx_sms_timer_start(&ngx_sms_webhook_timer, NGX_SMS_WEBHOOK_PAUSE);
        }

        return;
    }

    /* also when stopped meanwhile: they would be hidden for nothing */

    i = 0;

    for (n = 0; i < res->nrows && n < ngx_sms_webhook_asked; n++) {

        post = ngx_sms_webhook_post_read(res, &i, ngx_sms_webhook_log);

        if (post == NULL) {
            ngx_log_error(NGX_LOG_ERR, ngx_sms_webhook_log, 0,
                          "sms webhook: cannot send: row=%ui rows=%ui", i,
                          res->nrows);
            break;
        }

        ngx_queue_insert_tail(&ngx_sms_webhook_posts, &post->queue);
        ngx_sms_webhook_n++;
        ngx_sms_webhook_post_send(post, &ngx_sms_webhook_guard,
                                  ngx_sms_webhook_ended);
    }

    if (ngx_sms_webhook_splitting) {
        ngx_sms_webhook_linger = res->nrows >= NGX_SMS_WEBHOOK_BUSY
                                 ? NGX_SMS_WEBHOOK_LINGER_BUSY
                                 : NGX_SMS_WEBHOOK_LINGER;
    }

    /* a full take: there is more */

    if (n == ngx_sms_webhook_asked && ngx_sms_webhook_held->held && !ngx_sms_webhook_stopped)
    {
        ngx_sms_timer_start(&ngx_sms_webhook_timer, 1);
    }
}


static void
ngx_sms_webhook_ended(ngx_sms_webhook_post_t *post)
{
    ngx_uint_t  taken;

    taken = post->status >= 200 && post->status < 300;

    if (post->events) {
        ngx_sms_counter_inc(ngx_sms_webhook_zone,
                            taken ? NGX_SMS_C_WEBHOOK_TAKEN
                                  : NGX_SMS_C_WEBHOOK_FAILED);
        ngx_sms_counter_add(ngx_sms_webhook_zone,
                            taken ? NGX_SMS_C_WEBHOOK_EVENTS_TAKEN
                                  : NGX_SMS_C_WEBHOOK_EVENTS_FAILED,
                            (int64_t) post->events);
        ngx_sms_counter_add(ngx_sms_webhook_zone, NGX_SMS_C_WEBHOOK_SECONDS,
                            post->took_us);
    }

    if (!taken) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_sms_webhook_log, 0,
                      "sms webhook: not taken: account=%L status=%D events=%ui",
                      post->account, post->status, post->events);
    }

    if (ngx_sms_webhook_open() == 0) {
        ngx_sms_webhook_store(NULL);

    } else if (!ngx_sms_timer_running(&ngx_sms_webhook_answers)) {
        ngx_sms_timer_start(&ngx_sms_webhook_answers, NGX_SMS_WEBHOOK_STORE);
    }
}


/* requests without an answer */

static ngx_uint_t
ngx_sms_webhook_open(void)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_sms_webhook_post_t  *post;

    n = 0;

    for (q = ngx_queue_head(&ngx_sms_webhook_posts);
         q != ngx_queue_sentinel(&ngx_sms_webhook_posts);
         q = ngx_queue_next(q))
    {
        post = ngx_queue_data(q, ngx_sms_webhook_post_t, queue);
        n += !post->ended;
    }

    return n;
}


/* all that have ended since the last call, in one */

static void
ngx_sms_webhook_store(void *data)
{
    ngx_uint_t                     i, n;
    ngx_queue_t                   *q;
    ngx_sms_webhook_post_t        *post, *posts[NGX_SMS_WEBHOOK_POSTS];
    ngx_sms_store_webhook_done_t   list[NGX_SMS_WEBHOOK_POSTS];

    (void) data;

    ngx_sms_timer_stop(&ngx_sms_webhook_answers);

    if (ngx_sms_webhook_storing) {
        return;
    }

    n = 0;

    for (q = ngx_queue_head(&ngx_sms_webhook_posts);
         q != ngx_queue_sentinel(&ngx_sms_webhook_posts);
         q = ngx_queue_next(q))
    {
        post = ngx_queue_data(q, ngx_sms_webhook_post_t, queue);

        if (!post->ended) {
            continue;
        }

        list[n].account = post->account;
        list[n].webhook = post->webhook;
        list[n].post = post->id;
        list[n].status = post->status;
        list[n].took_ms = (int32_t) (post->took_us / 1000);
        list[n].events = (int32_t) post->events;
        list[n].retry_s = post->retry_s;
        posts[n++] = post;
    }

    if (n == 0) {
        return;
    }

    ngx_sms_webhook_storing = ngx_sms_store_webhook_done(list, n,
                                  ngx_sms_timer_now_us(),
                                  ngx_sms_webhook_stored, NULL);

    for (i = 0; i < n && ngx_sms_webhook_storing; i++) {
        posts[i]->storing = 1;
    }
}


static void
ngx_sms_webhook_stored(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t               keep, full;
    ngx_queue_t             *q, *next;
    ngx_sms_webhook_post_t  *post;

    (void) data;

    ngx_sms_webhook_storing = NULL;
    keep = 0;
    full = ngx_sms_webhook_n == NGX_SMS_WEBHOOK_POSTS;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_webhook_log, 0,
                      "sms webhook: answers not stored: sqlstate=%s",
                      res->sqlstate);

        /* without the lease somebody else sends them again */
        keep = ngx_sms_webhook_held->held && !ngx_sms_webhook_stopped;
    }

    for (q = ngx_queue_head(&ngx_sms_webhook_posts);
         q != ngx_queue_sentinel(&ngx_sms_webhook_posts);
         q = next)
    {
        next = ngx_queue_next(q);
        post = ngx_queue_data(q, ngx_sms_webhook_post_t, queue);

        if (!post->storing) {
            continue;
        }

        if (keep) {
            post->storing = 0;

        } else {
            ngx_sms_webhook_remove(post);
        }
    }

    if (keep) {
        ngx_sms_timer_start(&ngx_sms_webhook_timer, NGX_SMS_WEBHOOK_PAUSE);
        return;
    }

    ngx_sms_webhook_store(NULL);

    if (full && ngx_sms_webhook_held->held && !ngx_sms_webhook_stopped) {
        ngx_sms_timer_start(&ngx_sms_webhook_timer, 1);
    }
}


static void
ngx_sms_webhook_remove(ngx_sms_webhook_post_t *post)
{
    ngx_queue_remove(&post->queue);
    ngx_sms_webhook_n--;
    ngx_sms_webhook_post_destroy(post);
}
