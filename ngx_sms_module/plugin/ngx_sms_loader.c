#include "ngx_sms_loader.h"

#include <dlfcn.h>

#include "ngx_sms_call.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_exit.h"
#include "ngx_sms_guard.h"
#include "ngx_sms_host.h"
#include "ngx_sms_op.h"
#include "ngx_sms_plugin_live.h"


#define NGX_SMS_LOADER_WHY  256


static const sms_ops_t *ngx_sms_loader_say(u_char *buf, size_t cap,
    const char *fmt, ...);
static ngx_int_t ngx_sms_loader_create(ngx_cycle_t *cycle,
    ngx_sms_plugin_t *p);
static void ngx_sms_loader_metrics(ngx_sms_plugin_t *p);
static void ngx_sms_loader_init(ngx_sms_plugin_t *p);
static void ngx_sms_loader_drain(void *data);
static void ngx_sms_loader_drain_one(ngx_sms_plugin_t *p);


const sms_ops_t *
ngx_sms_loader_open(ngx_sms_plugin_t *p, u_char *buf, size_t cap)
{
    void                   *so;
    ngx_uint_t              op;
    const sms_ops_t        *ops, *const *symbol;
    const sms_manifest_t   *m;

    so = dlopen((char *) p->path.data, RTLD_NOW|RTLD_LOCAL|RTLD_NODELETE);

    if (so == NULL) {
        return ngx_sms_loader_say(buf, cap, "cannot be loaded: %s", dlerror());
    }

    m = dlsym(so, "sms_plugin_manifest");
    symbol = dlsym(so, "sms_plugin_ops");

    if (m == NULL || symbol == NULL || *symbol == NULL) {
        return ngx_sms_loader_say(buf, cap, "exports no sms_plugin_manifest or "
                                  "no sms_plugin_ops");
    }

    /* the file may have been replaced since its manifest was read */

    if (m->abi_major != p->manifest.abi_major
        || m->abi_minor != p->manifest.abi_minor)
    {
        return ngx_sms_loader_say(buf, cap, "was replaced by one for ABI %d.%d",
                                  (int) m->abi_major, (int) m->abi_minor);
    }

    ops = *symbol;

    if (ops->size < offsetof(sms_ops_t, rule_evaluate)) {
        return ngx_sms_loader_say(buf, cap, "has a table of functions of %uD "
                                  "bytes, too short", ops->size);
    }

    op = ngx_sms_op_required(p->kind);

    if (op != NGX_SMS_OPS && ngx_sms_op_function(ops, op) == NULL) {
        return ngx_sms_loader_say(buf, cap, "has no function %s, which kind "
                                  "\"%s\" needs", ngx_sms_op_name(op),
                                  ngx_sms_plugin_kind_name(p->kind));
    }

    if (p->kind == SMS_KIND_OPERATOR && (ops->flags & SMS_OPERATOR_WHOLE)) {
        return ngx_sms_loader_say(buf, cap, "asks for whole messages "
                                  "(SMS_OPERATOR_WHOLE), this version gives "
                                  "parts only");
    }

    for (op = NGX_SMS_OP_BILLING_HOLD; op <= NGX_SMS_OP_BILLING_RELEASE; op++) {
        if (p->kind == SMS_KIND_BILLING && ngx_sms_op_function(ops, op)) {
            return ngx_sms_loader_say(buf, cap, "has %s, which this version "
                                      "does not call: funds lie in the host's "
                                      "ledger", ngx_sms_op_name(op));
        }
    }

    return ops;
}


ngx_int_t
ngx_sms_plugins_init_process(ngx_cycle_t *cycle, ngx_sms_plugins_t *plugins,
    const ngx_sms_host_hooks_t *hooks)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **p;

    plugins->hooks = hooks;

    ngx_sms_call_init();

    p = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {
        if (ngx_sms_loader_create(cycle, p[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_sms_guard_blame(plugins, cycle->log);

    for (i = 0; i < plugins->all.nelts; i++) {
        ngx_sms_loader_init(p[i]);
    }

    return ngx_sms_exit_add(NGX_SMS_EXIT_PLUGINS, ngx_sms_loader_drain,
                            plugins);
}


static ngx_int_t
ngx_sms_loader_create(ngx_cycle_t *cycle, ngx_sms_plugin_t *p)
{
    ngx_uint_t              i;
    ngx_pool_t             *pool;
    ngx_sms_plugin_live_t  *live;

    pool = ngx_create_pool(4096, cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    live = ngx_pcalloc(pool, sizeof(ngx_sms_plugin_live_t));
    if (live == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    live->plugin = p;
    live->pool = pool;
    live->log = cycle->log;

    for (i = 0; i < NGX_SMS_OPS; i++) {
        live->chunk[i] = NGX_SMS_CALL_ITEMS;
    }

    p->live = live;
    p->loaded = 0;
    p->quarantined = 0;
    p->draining = 0;
    p->why = "not loaded";
    p->inst = NULL;
    p->ops = NULL;
    ngx_memzero(&p->stats, sizeof(p->stats));

    ngx_sms_loader_metrics(p);

    return ngx_sms_host_create(p, cycle);
}


static void
ngx_sms_loader_metrics(ngx_sms_plugin_t *p)
{
    ngx_uint_t  i;

    static const struct {
        ngx_sms_metric_type_t   type;
        const char             *name;
        const char             *help;
    } metrics[NGX_SMS_PM_MAX] = {
        { NGX_SMS_METRIC_COUNTER, "run_calls_total",
          "Calls into the plugin" },
        { NGX_SMS_METRIC_COUNTER, "run_items_total",
          "Items given to the plugin" },
        { NGX_SMS_METRIC_COUNTER, "run_errors_total",
          "Calls that ended in an error" },
        { NGX_SMS_METRIC_COUNTER, "callback_slow_total",
          "Callbacks over their budget" },
        { NGX_SMS_METRIC_HISTOGRAM, "callback_us",
          "Microseconds inside one callback" },
        { NGX_SMS_METRIC_GAUGE, "run_pending",
          "Calls without an answer" },
        { NGX_SMS_METRIC_GAUGE, "quarantined",
          "Workers in which it gets no calls" }
    };

    if (p->plugins->zone == NULL) {
        return;
    }

    for (i = 0; i < NGX_SMS_PM_MAX; i++) {
        p->live->metric[i] = ngx_sms_counter_define(p->plugins->zone,
                                                    (char *) p->name.data,
                                                    metrics[i].type,
                                                    metrics[i].name,
                                                    metrics[i].help);
    }
}


static void
ngx_sms_loader_init(ngx_sms_plugin_t *p)
{
    u_char                   buf[NGX_SMS_LOADER_WHY];
    char                     why[NGX_SMS_LOADER_WHY];
    sms_rc_t                 rc;
    ngx_sms_guard_t          guard;
    ngx_sms_keys_error_t     err;
    ngx_sms_plugin_live_t   *live;

    live = p->live;

    if (ngx_sms_guard_crashed(p)) {
        ngx_sms_guard_quarantine(p, "crashed too often");
        return;
    }

    /* a constructor is the plugin's code, too */

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_INIT);
    p->ops = ngx_sms_loader_open(p, buf, sizeof(buf));
    (void) ngx_sms_guard_leave(&guard);

    if (p->ops == NULL) {
        ngx_log_error(NGX_LOG_ERR, live->log, 0,
                      "sms plugin: not loaded: name=%V: \"%V\" %s; on_error=%s "
                      "applies", &p->name, &p->path, buf,
                      ngx_sms_plugin_on_error_name(p->on_error));
        return;
    }

    live->keys = ngx_sms_keys_build(p->ops, p, live->pool, &err);
    if (live->keys == NULL) {
        ngx_log_error(NGX_LOG_ERR, live->log, 0,
                      "sms plugin: not loaded: name=%V: %s; on_error=%s "
                      "applies", &p->name, err.text,
                      ngx_sms_plugin_on_error_name(p->on_error));
        return;
    }

    rc = SMS_OK;
    why[0] = '\0';

    if (SMS_HAS(sms_ops_t, p->ops, init)) {
        live->initialising = 1;

        ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_INIT);
        rc = p->ops->init(p->host, &live->keys->conf, &p->inst, why,
                          sizeof(why));
        (void) ngx_sms_guard_leave(&guard);

        live->initialising = 0;
        why[NGX_SMS_LOADER_WHY - 1] = '\0';
    }

    if (rc != SMS_OK) {
        ngx_log_error(NGX_LOG_ERR, live->log, 0,
                      "sms plugin: init() failed: name=%V rc=%d: %s; "
                      "on_error=%s applies", &p->name, (int) rc,
                      why[0] ? why : "it gave no reason",
                      ngx_sms_plugin_on_error_name(p->on_error));

        p->why = "init() failed";
        ngx_sms_host_release(p);
        return;
    }

    p->flags = p->ops->flags;

    if (SMS_HAS(sms_ops_t, p->ops, operator_flags)) {
        ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_INIT);
        p->flags |= p->ops->operator_flags(p->inst);
        (void) ngx_sms_guard_leave(&guard);
    }

    p->loaded = 1;
    p->why = "";
}


/* The worker begins to leave.  Requests that it has taken already, or whose first
 * octet has yet to come, are finished here, and need what answers requests: the
 * others get the drain now, these at the end.                                */
static void
ngx_sms_loader_drain(void *data)
{
    ngx_uint_t           i;
    ngx_sms_plugin_t   **p;
    ngx_sms_plugins_t   *plugins = data;

    p = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {

        switch (p[i]->kind) {

        case SMS_KIND_OPERATOR:
        case SMS_KIND_CONSENT:
        case SMS_KIND_NOTIFIER:
            ngx_sms_loader_drain_one(p[i]);
            break;

        default:
            break;
        }
    }
}


void
ngx_sms_plugins_drain(ngx_sms_plugins_t *plugins)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **p;

    p = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {
        ngx_sms_loader_drain_one(p[i]);
    }
}


static void
ngx_sms_loader_drain_one(ngx_sms_plugin_t *p)
{
    ngx_sms_guard_t  guard;

    if (!p->loaded || p->draining) {
        return;
    }

    p->draining = 1;
    p->why = "draining";

    if (!SMS_HAS(sms_ops_t, p->ops, drain)) {
        return;
    }

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_DRAIN);
    p->ops->drain(p->inst);
    (void) ngx_sms_guard_leave(&guard);
}


void
ngx_sms_plugins_exit_process(ngx_cycle_t *cycle, ngx_sms_plugins_t *plugins)
{
    ngx_uint_t          i;
    ngx_sms_guard_t     guard;
    ngx_sms_plugin_t  **p;

    /* SIGTERM and single process mode come without a drain */
    ngx_sms_plugins_drain(plugins);

    p = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {

        if (p[i]->live == NULL) {
            continue;
        }

        if (p[i]->loaded) {
            ngx_sms_call_cancel_all(p[i]);

            if (SMS_HAS(sms_ops_t, p[i]->ops, exit)) {
                ngx_sms_guard_enter(&guard, p[i], NGX_SMS_GUARD_EXIT);
                p[i]->ops->exit(p[i]->inst);
                (void) ngx_sms_guard_leave(&guard);
            }

            p[i]->loaded = 0;
            p[i]->why = "exited";

            ngx_sms_call_forget_all(p[i]);
        }

        ngx_sms_host_release(p[i]);
        ngx_destroy_pool(p[i]->live->pool);
        p[i]->live = NULL;
    }

    ngx_sms_host_done();
    ngx_sms_call_done();
}


static const sms_ops_t *
ngx_sms_loader_say(u_char *buf, size_t cap, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + cap - 1, fmt, args);
    va_end(args);

    *p = '\0';

    return NULL;
}
