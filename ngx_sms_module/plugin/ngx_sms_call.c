#include "ngx_sms_call.h"

#include "sms_slots.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_guard.h"
#include "ngx_sms_op.h"
#include "ngx_sms_plugin_live.h"
#include "ngx_sms_run.h"


static sms_slots_t  ngx_sms_calls;


static void ngx_sms_call_result(ngx_sms_call_t *call, sms_rc_t rc);
static void ngx_sms_call_adapt(ngx_sms_plugin_t *p, ngx_uint_t op,
    ngx_uint_t n, uint64_t ns);
static ngx_sms_call_t *ngx_sms_call_find(ngx_sms_plugin_t *p,
    sms_call_t token);


void
ngx_sms_call_init(void)
{
    sms_slots_init(&ngx_sms_calls, NGX_SMS_CALLS_MAX);
}


void
ngx_sms_call_done(void)
{
    sms_slots_close(&ngx_sms_calls);
}


sms_rc_t
ngx_sms_call_start(ngx_sms_run_t *run, ngx_uint_t n)
{
    uint64_t           ns;
    sms_rc_t           rc;
    sms_run_pt         fn;
    ngx_sms_call_t    *call;
    ngx_sms_guard_t    guard;
    ngx_sms_plugin_t  *p;

    p = run->plugin;
    fn = ngx_sms_op_function(p->ops, run->op);

    call = ngx_pcalloc(run->pool, sizeof(ngx_sms_call_t));
    if (call == NULL) {
        return SMS_E_NOMEM;
    }

    call->token = sms_slots_take(&ngx_sms_calls, call);
    if (call->token == 0) {
        return SMS_E_BUSY;
    }

    call->run = run;
    call->plugin = p;
    call->first = run->next;

    call->batch.size = sizeof(sms_batch_t);
    call->batch.n = (uint32_t) n;
    call->batch.items = run->items + call->first * run->item_stride;
    call->batch.item_stride = (uint32_t) run->item_stride;
    call->batch.results = run->results + call->first * run->result_stride;
    call->batch.result_stride = (uint32_t) run->result_stride;
    call->batch.deadline_us = run->deadline_us;

    p->stats.calls++;
    p->stats.items += n;
    ngx_sms_call_count(p, NGX_SMS_PM_CALLS, NGX_SMS_C_PLUGIN_CALLS, 1);
    ngx_sms_call_count(p, NGX_SMS_PM_ITEMS, NGX_SMS_C_MAX, (int64_t) n);

    call->inside = 1;

    ngx_sms_guard_enter(&guard, p, run->op);
    rc = fn(p->inst, call->token, &call->batch);
    ns = ngx_sms_guard_leave(&guard);

    call->inside = 0;

    ngx_sms_call_adapt(p, run->op, n, ns);

    if (call->completed) {
        /* from inside: the return value has been overtaken */
        rc = call->rc;

    } else if (rc == SMS_PENDING && ngx_sms_ops[run->op].must_finish) {
        ngx_log_error(NGX_LOG_ERR, p->live->log, 0,
                      "sms plugin: %s must finish in the call: name=%V",
                      ngx_sms_ops[run->op].name, &p->name);

        ngx_sms_call_cancel(call);
        ngx_sms_run_fail(run, call->first, n, SMS_E_INTERNAL);
        return SMS_OK;

    } else if (rc == SMS_PENDING) {
        ngx_queue_insert_tail(&run->pending, &call->queue);
        p->stats.pending++;
        ngx_sms_call_count(p, NGX_SMS_PM_PENDING, NGX_SMS_C_MAX, 1);
        return SMS_OK;
    }

    if (!call->completed) {
        (void) sms_slots_free(&ngx_sms_calls, call->token);
    }

    ngx_sms_call_result(call, rc);

    return SMS_OK;
}


static void
ngx_sms_call_result(ngx_sms_call_t *call, sms_rc_t rc)
{
    char                *result;
    int32_t              status;
    ngx_uint_t           i, bad;
    ngx_sms_run_t       *run;
    ngx_sms_plugin_t    *p;
    const ngx_sms_op_t  *op;

    run = call->run;
    p = call->plugin;
    op = &ngx_sms_ops[run->op];

    if (rc != SMS_OK) {
        ngx_sms_run_fail(run, call->first, call->batch.n,
                         rc < 0 && rc >= SMS_E_INTERNAL ? rc
                                                        : SMS_E_INTERNAL);
        return;
    }

    bad = 0;

    for (i = call->first; i < call->first + call->batch.n; i++) {
        result = run->results + i * run->result_stride;
        status = SMS_OK;

        if (!op->no_status) {
            ngx_memcpy(&status, result, sizeof(int32_t));
        }

        if (status == SMS_OK && op->valid(run->items + i * run->item_stride,
                                          result))
        {
            continue;
        }

        p->stats.item_errors++;

        if (status < 0 && status >= SMS_E_INTERNAL) {
            continue;
        }

        /* what is out of the contract is no result */

        bad++;
        status = SMS_E_INTERNAL;
        ngx_memzero(result, run->result_stride);

        if (op->no_status) {
            run->rc = SMS_E_INTERNAL;

        } else {
            ngx_memcpy(result, &status, sizeof(int32_t));
        }
    }

    if (bad) {
        p->stats.invalid += bad;

        ngx_log_error(NGX_LOG_ERR, p->live->log, 0,
                      "sms plugin: results out of the contract: name=%V op=%s "
                      "items=%ui", &p->name, op->name, bad);
    }
}


/* no longer pending */
void
ngx_sms_call_end(ngx_sms_call_t *call)
{
    ngx_queue_remove(&call->queue);
    call->plugin->stats.pending--;
    ngx_sms_call_count(call->plugin, NGX_SMS_PM_PENDING, NGX_SMS_C_MAX, -1);
}


/* takes the batch away from the plugin */
void
ngx_sms_call_cancel(ngx_sms_call_t *call)
{
    ngx_sms_guard_t    guard;
    ngx_sms_plugin_t  *p;

    p = call->plugin;

    if (!SMS_HAS(sms_ops_t, p->ops, cancel)) {
        /* it may write until it completes: its memory must wait for that */
        call->orphan = 1;
        call->run->refs++;
        return;
    }

    /* first: complete() inside cancel() is late already */
    (void) sms_slots_free(&ngx_sms_calls, call->token);

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_CANCEL);
    p->ops->cancel(p->inst, call->token);
    (void) ngx_sms_guard_leave(&guard);
}


sms_rc_t
ngx_sms_call_complete(ngx_sms_plugin_t *p, sms_call_t token, sms_rc_t rc)
{
    ngx_sms_run_t   *run;
    ngx_sms_call_t  *call;

    call = ngx_sms_call_find(p, token);

    if (call == NULL || call->orphan) {
        p->stats.stale++;
        ngx_sms_call_count(p, NGX_SMS_PM_MAX, NGX_SMS_C_PLUGIN_STALE, 1);

        if (call) {
            (void) sms_slots_free(&ngx_sms_calls, token);
            ngx_sms_run_unref(call->run);
        }

        return SMS_E_STALE;
    }

    (void) sms_slots_free(&ngx_sms_calls, token);

    if (call->inside) {
        call->completed = 1;
        call->rc = rc;
        return SMS_OK;
    }

    run = call->run;

    ngx_sms_call_end(call);
    ngx_sms_call_result(call, rc);
    ngx_sms_run_check(run);

    return SMS_OK;
}


void *
ngx_sms_call_alloc(ngx_sms_plugin_t *p, sms_call_t token, size_t n)
{
    ngx_sms_call_t  *call;

    call = ngx_sms_call_find(p, token);

    if (call == NULL || call->orphan
        || n > p->plugins->limits.call_bytes - call->bytes)
    {
        return NULL;
    }

    call->bytes += n;

    return ngx_palloc(call->run->pool, n ? n : 1);
}


void
ngx_sms_call_cancel_all(ngx_sms_plugin_t *p)
{
    uint64_t         token;
    ngx_sms_run_t   *run;
    ngx_sms_call_t  *call;

    for (token = sms_slots_next(&ngx_sms_calls, 0);
         token;
         token = sms_slots_next(&ngx_sms_calls, token))
    {
        call = sms_slots_lookup(&ngx_sms_calls, token);

        if (call->plugin != p || call->orphan) {
            continue;
        }

        run = call->run;

        ngx_sms_run_cancel(run, SMS_E_DOWN);
        ngx_sms_run_check(run);
    }
}


void
ngx_sms_call_forget_all(ngx_sms_plugin_t *p)
{
    uint64_t         token;
    ngx_sms_call_t  *call;

    for (token = sms_slots_next(&ngx_sms_calls, 0);
         token;
         token = sms_slots_next(&ngx_sms_calls, token))
    {
        call = sms_slots_lookup(&ngx_sms_calls, token);

        if (call->plugin != p || !call->orphan) {
            continue;
        }

        (void) sms_slots_free(&ngx_sms_calls, token);
        ngx_sms_run_unref(call->run);
    }
}


/* D16: the next call has as many items as fit under 1 ms by what they cost; it
 * may at most double, and falls at once                                      */
static void
ngx_sms_call_adapt(ngx_sms_plugin_t *p, ngx_uint_t op, ngx_uint_t n,
    uint64_t ns)
{
    uint64_t               cost;
    ngx_uint_t             fit;
    ngx_sms_plugin_live_t *live;

    live = p->live;
    cost = ns / n + 1;

    live->cost_ns[op] = live->cost_ns[op]
                        ? (3 * live->cost_ns[op] + cost) / 4 : cost;

    fit = NGX_SMS_CALL_TARGET_NS / ngx_max(live->cost_ns[op], 1);

    if (fit > live->chunk[op]) {
        /* small calls say little about large ones */
        fit = (n < live->chunk[op]) ? live->chunk[op]
                                    : ngx_min(fit, 2 * live->chunk[op]);
    }

    live->chunk[op] = ngx_max(1, ngx_min(fit, SMS_BATCH_MAX));
}


void
ngx_sms_call_count(ngx_sms_plugin_t *p, ngx_uint_t metric,
    ngx_sms_counter_id_t id, int64_t n)
{
    ngx_sms_zone_t  *zone;

    zone = p->plugins->zone;

    if (zone == NULL) {
        return;
    }

    if (id != NGX_SMS_C_MAX) {
        ngx_sms_counter_add(zone, id, n);
    }

    if (metric != NGX_SMS_PM_MAX && p->live) {
        ngx_sms_counter_plugin_add(zone, p->live->metric[metric], n);
    }
}


static ngx_sms_call_t *
ngx_sms_call_find(ngx_sms_plugin_t *p, sms_call_t token)
{
    ngx_sms_call_t  *call;

    call = sms_slots_lookup(&ngx_sms_calls, token);

    return (call && call->plugin == p) ? call : NULL;
}


uint32_t
ngx_sms_plugin_window(ngx_sms_plugin_t *p)
{
    uint32_t         n;
    ngx_sms_guard_t  guard;

    if (!ngx_sms_plugin_usable(p)
        || !SMS_HAS(sms_ops_t, p->ops, operator_window))
    {
        return 0;
    }

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_WINDOW);
    n = p->ops->operator_window(p->inst);
    (void) ngx_sms_guard_leave(&guard);

    return n;
}


ngx_uint_t
ngx_sms_plugin_ready(ngx_sms_plugin_t *p)
{
    int              ready;
    ngx_sms_guard_t  guard;

    if (!ngx_sms_plugin_usable(p)) {
        return 0;
    }

    if (!SMS_HAS(sms_ops_t, p->ops, ready)) {
        return 1;
    }

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_READY);
    ready = p->ops->ready(p->inst);
    (void) ngx_sms_guard_leave(&guard);

    return ready != 0;
}


void
ngx_sms_plugin_lease(ngx_sms_plugin_t *p, sms_str_t name, int held,
    uint64_t epoch)
{
    ngx_sms_guard_t  guard;

    /* a draining plugin must hear that it lost one */

    if (!p->loaded || !SMS_HAS(sms_ops_t, p->ops, lease)) {
        return;
    }

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_LEASE);
    p->ops->lease(p->inst, name, held, epoch);
    (void) ngx_sms_guard_leave(&guard);
}
