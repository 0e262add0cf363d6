#include "ngx_sms_run.h"

#include "ngx_sms_call.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_op.h"
#include "ngx_sms_plugin_live.h"
#include "ngx_sms_pool.h"


typedef enum {
    NGX_SMS_RUN_NEW = 0,
    NGX_SMS_RUN_GOING,
    NGX_SMS_RUN_TELL,                   /* all is there, done() is due        */
    NGX_SMS_RUN_FINISHED
} ngx_sms_run_state_e;


static ngx_uint_t ngx_sms_run_step(ngx_sms_run_t *run);
static void ngx_sms_run_turn(ngx_event_t *ev);
static void ngx_sms_run_late(void *data);
static ngx_int_t ngx_sms_run_refuse(ngx_sms_run_t *run, sms_rc_t rc);


ngx_uint_t
ngx_sms_plugin_usable(ngx_sms_plugin_t *p)
{
    return p->loaded && !p->quarantined && !p->draining;
}


ngx_uint_t
ngx_sms_plugin_has(ngx_sms_plugin_t *p, ngx_uint_t op)
{
    if (op >= NGX_SMS_OPS
        || (ngx_sms_ops[op].kind != p->kind && !ngx_sms_ops[op].any_kind))
    {
        return 0;
    }

    return ngx_sms_op_function(p->ops, op) != NULL;
}


ngx_sms_run_t *
ngx_sms_run_create(ngx_uint_t n, size_t item_stride, ngx_log_t *log)
{
    ngx_pool_t     *pool;
    ngx_sms_run_t  *run;

    pool = ngx_sms_pool_take(log);
    if (pool == NULL) {
        return NULL;
    }

    run = ngx_pcalloc(pool, sizeof(ngx_sms_run_t));
    if (run == NULL) {
        ngx_sms_pool_give(pool);
        return NULL;
    }

    run->items = ngx_pcalloc(pool, n * item_stride + 1);
    if (run->items == NULL) {
        ngx_sms_pool_give(pool);
        return NULL;
    }

    run->pool = pool;
    run->n = n;
    run->item_stride = item_stride;
    run->refs = 1;
    ngx_queue_init(&run->pending);

    run->turn.handler = ngx_sms_run_turn;
    run->turn.data = run;
    run->turn.log = log;

    ngx_sms_timer_deadline(&run->deadline, ngx_sms_run_late, run, log);

    return run;
}


ngx_int_t
ngx_sms_plugin_run(ngx_sms_plugin_t *p, ngx_uint_t op, ngx_sms_run_t *run)
{
    if (run->timeout == 0) {
        run->timeout = NGX_SMS_CALL_TIMEOUT;
    }

    run->plugin = p;
    run->op = op;
    run->next = 0;
    run->rc = SMS_OK;

    if (op >= NGX_SMS_OPS || run->n == 0) {
        run->state = NGX_SMS_RUN_FINISHED;
        run->rc = SMS_E_INVAL;
        return NGX_ERROR;
    }

    run->result_stride = ngx_sms_ops[op].result_size;
    run->results = ngx_pcalloc(run->pool, run->n * run->result_stride);

    if (run->results == NULL) {
        run->state = NGX_SMS_RUN_FINISHED;
        run->rc = SMS_E_NOMEM;
        return NGX_ERROR;
    }

    if (!ngx_sms_plugin_usable(p)) {
        return ngx_sms_run_refuse(run, SMS_E_DOWN);
    }

    if (!ngx_sms_plugin_has(p, op)) {
        return ngx_sms_run_refuse(run, SMS_E_INVAL);
    }

    if (p->stats.pending >= p->plugins->limits.calls) {
        return ngx_sms_run_refuse(run, SMS_E_BUSY);
    }

    run->state = NGX_SMS_RUN_GOING;
    run->deadline_us = ngx_sms_timer_now_us() + (int64_t) run->timeout * 1000;

    if (ngx_sms_run_step(run)) {
        run->state = NGX_SMS_RUN_FINISHED;
        return run->rc == SMS_OK ? NGX_OK : NGX_ERROR;
    }

    ngx_sms_timer_start(&run->deadline, run->timeout);

    return NGX_AGAIN;
}


void
ngx_sms_plugin_run_free(ngx_sms_run_t *run)
{
    ngx_sms_timer_stop(&run->deadline);

    if (run->turn.posted) {
        ngx_delete_posted_event(&run->turn);
    }

    ngx_sms_run_unref(run);
}


void
ngx_sms_plugin_run_abandon(ngx_sms_run_t *run)
{
    ngx_sms_run_cancel(run, SMS_E_STALE);
    ngx_sms_plugin_run_free(run);
}


/* the next call of the run; 1: nothing is left and nothing pends */
static ngx_uint_t
ngx_sms_run_step(ngx_sms_run_t *run)
{
    sms_rc_t           rc;
    ngx_uint_t         n;
    ngx_sms_plugin_t  *p;

    p = run->plugin;

    n = ngx_min(run->n - run->next, p->live->chunk[run->op]);

    if (!ngx_sms_plugin_usable(p)) {
        rc = SMS_E_DOWN;

    } else if (p->stats.pending >= p->plugins->limits.calls) {
        rc = SMS_E_BUSY;

    } else {
        rc = ngx_sms_call_start(run, n);
    }

    if (rc != SMS_OK) {
        p->stats.refused++;
        ngx_sms_run_fail(run, run->next, n, rc);
    }

    run->next += n;

    if (run->next == run->n) {
        return ngx_queue_empty(&run->pending);
    }

    /* after the loop has turned once: others have work, too */
    ngx_post_event(&run->turn, &ngx_posted_next_events);

    return 0;
}


/* a further call of a long run, or the end of one that had to wait */
static void
ngx_sms_run_turn(ngx_event_t *ev)
{
    ngx_sms_run_t  *run = ev->data;

    if (run->state == NGX_SMS_RUN_GOING && run->next < run->n) {
        if (!ngx_sms_run_step(run)) {
            return;
        }

        run->state = NGX_SMS_RUN_TELL;
    }

    if (run->state != NGX_SMS_RUN_TELL) {
        return;
    }

    ngx_sms_timer_stop(&run->deadline);
    run->state = NGX_SMS_RUN_FINISHED;

    run->done(run);
}


static void
ngx_sms_run_late(void *data)
{
    ngx_sms_run_t  *run = data;

    if (run->state != NGX_SMS_RUN_GOING) {
        return;
    }

    run->plugin->stats.timeouts++;
    ngx_sms_call_count(run->plugin, NGX_SMS_PM_MAX,
                       NGX_SMS_C_PLUGIN_TIMEOUTS, 1);

    ngx_sms_run_cancel(run, SMS_E_TIMEOUT);
    ngx_sms_run_check(run);
}


/* done() is posted, never called: who completes may stand anywhere */
void
ngx_sms_run_check(ngx_sms_run_t *run)
{
    if (run->state != NGX_SMS_RUN_GOING || run->next < run->n
        || !ngx_queue_empty(&run->pending))
    {
        return;
    }

    run->state = NGX_SMS_RUN_TELL;

    if (run->turn.posted) {
        ngx_delete_posted_event(&run->turn);
    }

    ngx_post_event(&run->turn, &ngx_posted_events);
}


/* nothing pends afterwards, nothing more is given; no done() */
void
ngx_sms_run_cancel(ngx_sms_run_t *run, sms_rc_t rc)
{
    ngx_queue_t     *q;
    ngx_sms_call_t  *call;

    while (!ngx_queue_empty(&run->pending)) {
        q = ngx_queue_head(&run->pending);
        call = ngx_queue_data(q, ngx_sms_call_t, queue);

        ngx_sms_call_end(call);
        ngx_sms_call_cancel(call);
        ngx_sms_run_fail(run, call->first, call->batch.n, rc);
    }

    if (run->results && run->next < run->n) {
        ngx_sms_run_fail(run, run->next, run->n - run->next, rc);
        run->next = run->n;
    }
}


/* every item of a failed call has its rc as status */
void
ngx_sms_run_fail(ngx_sms_run_t *run, ngx_uint_t first, ngx_uint_t n,
    sms_rc_t rc)
{
    int32_t      status;
    char        *result;
    ngx_uint_t   i;

    if (run->rc == SMS_OK) {
        run->rc = rc;
    }

    if (rc != SMS_E_STALE) {
        /* the plugin is not to blame for a client that left */
        run->plugin->stats.errors++;
        ngx_sms_call_count(run->plugin, NGX_SMS_PM_ERRORS,
                           NGX_SMS_C_PLUGIN_ERRORS, 1);
    }

    status = rc;

    for (i = first; i < first + n; i++) {
        result = run->results + i * run->result_stride;

        ngx_memzero(result, run->result_stride);

        if (!ngx_sms_ops[run->op].no_status) {
            ngx_memcpy(result, &status, sizeof(int32_t));
        }
    }
}


static ngx_int_t
ngx_sms_run_refuse(ngx_sms_run_t *run, sms_rc_t rc)
{
    run->plugin->stats.refused++;
    run->state = NGX_SMS_RUN_FINISHED;
    run->next = run->n;

    ngx_sms_run_fail(run, 0, run->n, rc);

    return NGX_ERROR;
}


void
ngx_sms_run_unref(ngx_sms_run_t *run)
{
    if (--run->refs == 0) {
        ngx_sms_pool_give(run->pool);
    }
}
