#include "ngx_sms_upkeep.h"

#include <jansson.h>

#include "ngx_sms_counter.h"
#include "ngx_sms_evidence.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_store_lease.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_UPKEEP_TICK  250        /* ms between two jobs at the most */


typedef struct {
    const char   *what;
    ngx_msec_t    every;
    int32_t       limit;
} ngx_sms_upkeep_job_t;


static void ngx_sms_upkeep_lease(void *data, ngx_uint_t held);
static void ngx_sms_upkeep_tick(void *data);
static void ngx_sms_upkeep_answer(void *data, const ngx_sms_pg_res_t *res);
static ngx_uint_t ngx_sms_upkeep_told(const char *what, ngx_str_t *counts);


/*
 * Partitions first: nothing can be stored without them.  A job does a bit of its
 * work at a time, and goes on at once while there is more.
 */
static const ngx_sms_upkeep_job_t  ngx_sms_upkeep_jobs[] = {
    { "partitions",   3600 * 1000, 0 },
    { "in_doubt",     1000,        1000 },
    { "orphans",      1000,        1000 },
    { "expire",       5000,        1000 },
    { "opted_out",    10 * 1000,   1000 },
    { "no_receipt",   60 * 1000,   1000 },
    { "idempotency",  3600 * 1000, 10000 },
    { "books",        60 * 1000,   20000 },
    { "retention",    3600 * 1000, 10000 },
    { "webhooks",     60 * 1000,   1000 },
    { "inbound",      10 * 1000,   1000 },
    { "stops",        1000,        1000 },
    { "consents",     60 * 1000,   10000 },
    { "evidence",     60 * 1000,   2000 },
    { "clocks",       3600 * 1000, 2000 }
};

#define NGX_SMS_UPKEEP_JOBS                                                   \
    (sizeof(ngx_sms_upkeep_jobs) / sizeof(ngx_sms_upkeep_job_t))


static ngx_sms_lease_t        *ngx_sms_upkeep_held;
static ngx_sms_timer_t         ngx_sms_upkeep_timer;
static ngx_sms_store_query_t  *ngx_sms_upkeep_query;
static ngx_msec_t              ngx_sms_upkeep_due[NGX_SMS_UPKEEP_JOBS];
static ngx_uint_t              ngx_sms_upkeep_last;
static ngx_sms_zone_t         *ngx_sms_upkeep_zone;
static ngx_log_t              *ngx_sms_upkeep_log;


ngx_int_t
ngx_sms_upkeep_init(ngx_sms_zone_t *zone, ngx_log_t *log)
{
    ngx_str_t  name = ngx_string("upkeep");

    ngx_sms_upkeep_zone = zone;
    ngx_sms_upkeep_log = log;
    ngx_sms_upkeep_query = NULL;
    ngx_sms_timer_housekeeping(&ngx_sms_upkeep_timer, ngx_sms_upkeep_tick,
                               NULL, log);

    ngx_sms_upkeep_held = ngx_sms_lease_want(&name, ngx_sms_upkeep_lease,
                                             NULL);

    return ngx_sms_upkeep_held ? NGX_OK : NGX_ERROR;
}


void
ngx_sms_upkeep_stop(void)
{
    ngx_sms_timer_stop(&ngx_sms_upkeep_timer);

    if (ngx_sms_upkeep_query) {
        ngx_sms_store_query_forget(ngx_sms_upkeep_query);
        ngx_sms_upkeep_query = NULL;
    }
}


static void
ngx_sms_upkeep_lease(void *data, ngx_uint_t held)
{
    ngx_uint_t  i;

    (void) data;

    if (!held) {
        ngx_sms_timer_stop(&ngx_sms_upkeep_timer);
        return;
    }

    for (i = 0; i < NGX_SMS_UPKEEP_JOBS; i++) {
        ngx_sms_upkeep_due[i] = ngx_current_msec;
    }

    ngx_sms_upkeep_last = NGX_SMS_UPKEEP_JOBS - 1;
    ngx_sms_timer_start(&ngx_sms_upkeep_timer, 1);
}


static void
ngx_sms_upkeep_tick(void *data)
{
    ngx_uint_t  i, n;

    (void) data;

    ngx_sms_timer_start(&ngx_sms_upkeep_timer, NGX_SMS_UPKEEP_TICK);

    if (ngx_sms_upkeep_query || !ngx_sms_lease_valid(ngx_sms_upkeep_held)) {
        return;
    }

    /* in turn: a job that has much to do leaves room for the others */

    for (n = 1; n <= NGX_SMS_UPKEEP_JOBS; n++) {

        i = (ngx_sms_upkeep_last + n) % NGX_SMS_UPKEEP_JOBS;

        if ((ngx_msec_int_t) (ngx_current_msec - ngx_sms_upkeep_due[i]) < 0) {
            continue;
        }

        ngx_sms_upkeep_last = i;
        ngx_sms_upkeep_due[i] = ngx_current_msec
                                + ngx_sms_upkeep_jobs[i].every;
        ngx_sms_upkeep_query = ngx_sms_store_upkeep(
                                   ngx_sms_upkeep_jobs[i].what,
                                   ngx_sms_timer_now_us(),
                                   ngx_sms_upkeep_jobs[i].limit,
                                   ngx_sms_upkeep_answer, (void *)
                                   &ngx_sms_upkeep_jobs[i]);
        return;
    }
}


static void
ngx_sms_upkeep_answer(void *data, const ngx_sms_pg_res_t *res)
{
    const ngx_sms_upkeep_job_t  *job = data;

    ngx_str_t  counts;

    ngx_sms_upkeep_query = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_upkeep_log, 0,
                      "sms upkeep: job failed: what=%s sqlstate=%s", job->what,
                      res->sqlstate);
        return;
    }

    if (res->nrows && ngx_sms_pg_row_text(res, 0, 0, &counts) == NGX_OK
        && ngx_sms_upkeep_told(job->what, &counts))
    {
        ngx_sms_upkeep_due[job - ngx_sms_upkeep_jobs] = ngx_current_msec;
        ngx_sms_timer_start(&ngx_sms_upkeep_timer, 1);
    }

    if (ngx_strcmp(job->what, "evidence") == 0) {
        ngx_sms_evidence_sign();
    }
}


/* 1: there is more to do.  Most of the time there was nothing, told quietly */

static ngx_uint_t
ngx_sms_upkeep_told(const char *what, ngx_str_t *counts)
{
    json_t      *root, *value;
    const char  *name;
    ngx_uint_t   level, more;
    json_int_t   dropped, late, soon;

    level = NGX_LOG_DEBUG;
    root = json_loadb((const char *) counts->data, counts->len, 0, NULL);

    json_object_foreach(root, name, value) {
        if (ngx_strcmp(name, "accounts") != 0 && ngx_strcmp(name, "large") != 0
            && json_integer_value(value))
        {
            level = NGX_LOG_INFO;
        }
    }

    ngx_log_error(level, ngx_sms_upkeep_log, 0,
                  "sms upkeep: what=%s counts=%V", what, counts);

    if (json_array_size(json_object_get(root, "drift"))) {
        /* money that nobody can account for */
        ngx_log_error(NGX_LOG_CRIT, ngx_sms_upkeep_log, 0,
                      "sms upkeep: the books do not balance: %V", counts);
    }

    ngx_sms_counter_add(ngx_sms_upkeep_zone, NGX_SMS_C_IN_DOUBT,
                        json_integer_value(json_object_get(root,
                                                           "in_doubt")));

    dropped = json_integer_value(json_object_get(root, "webhooks_dropped"));

    if (dropped) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_upkeep_log, 0,
                      "sms upkeep: webhook events dropped, nobody took them: "
                      "events=%L", (int64_t) dropped);
        ngx_sms_counter_add(ngx_sms_upkeep_zone,
                            NGX_SMS_C_WEBHOOK_EVENTS_DROPPED, dropped);
    }

    soon = json_integer_value(json_object_get(root, "soon"));
    late = json_integer_value(json_object_get(root, "late"));

    if (soon) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_upkeep_log, 0,
                      "sms upkeep: refusals are due in İYS by the end of the "
                      "day: refusals=%L", (int64_t) soon);
    }

    if (late) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_upkeep_log, 0,
                      "sms upkeep: refusals are overdue in İYS, commercial "
                      "messages rest: brands=%L", (int64_t) late);
    }

    more = json_is_true(json_object_get(root, "more"));
    json_decref(root);

    return more;
}
