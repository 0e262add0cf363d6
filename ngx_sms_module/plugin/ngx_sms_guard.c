#include "ngx_sms_guard.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_dict.h"
#include "ngx_sms_host.h"
#include "ngx_sms_plugin_live.h"

#include <sys/resource.h>
#include <time.h>


/*
 * What the worker has used so far is read anew when the last reading is older
 * than this: a system call for each callback would cost more than most of them
 * do.  By so much the budget may be misjudged.
 */
#define NGX_SMS_GUARD_FRESH_NS  100000


static int64_t ngx_sms_guard_now_ns(void);
static int64_t ngx_sms_guard_cpu_us(const struct rusage *ru);
static ngx_uint_t ngx_sms_guard_own(ngx_sms_guard_t *g);
static void ngx_sms_guard_count(ngx_sms_plugin_t *p, uint64_t us);
static void ngx_sms_guard_slow(ngx_sms_plugin_t *p, ngx_uint_t what,
    uint64_t us);
static void ngx_sms_guard_key(ngx_sms_plugin_t *p, const char *prefix,
    u_char *buf, size_t cap, ngx_str_t *key);
static ngx_uint_t ngx_sms_guard_number(ngx_sms_plugin_t *p);


static struct rusage  ngx_sms_guard_usage;
static int64_t        ngx_sms_guard_usage_ns;


static const uint64_t  ngx_sms_guard_bounds[NGX_SMS_PLUGIN_TIMES - 1] = {
    50, 100, 250, 500, 1000, 2000, 10000
};

static const char  *ngx_sms_guard_names[] = {
    "init", "lease", "drain", "exit", "cancel", "operator_window", "timer",
    "watch", "post", "stream", "http", "db", "outbox", "inbound", "ready"
};


void
ngx_sms_guard_enter(ngx_sms_guard_t *g, ngx_sms_plugin_t *p, ngx_uint_t what)
{
    ngx_sms_zone_t  *zone;

    zone = p->plugins->zone;

    g->plugin = p;
    g->what = what;
    g->before = 0;

    if (zone) {
        g->before = ngx_sms_slot_enter(zone, ngx_sms_guard_number(p), what);
    }

    g->since_ns = ngx_sms_guard_now_ns();

    if (ngx_sms_guard_usage_ns == 0
        || g->since_ns - ngx_sms_guard_usage_ns > NGX_SMS_GUARD_FRESH_NS)
    {
        (void) getrusage(RUSAGE_THREAD, &ngx_sms_guard_usage);
        ngx_sms_guard_usage_ns = g->since_ns;
    }

    g->cpu_us = ngx_sms_guard_cpu_us(&ngx_sms_guard_usage);
    g->blocks = ngx_sms_guard_usage.ru_nvcsw;
}


uint64_t
ngx_sms_guard_leave(ngx_sms_guard_t *g)
{
    uint64_t           ns, us;
    ngx_sms_plugin_t  *p;

    p = g->plugin;
    ns = (uint64_t) (ngx_sms_guard_now_ns() - g->since_ns);
    us = ns / 1000;

    if (p->plugins->zone) {
        ngx_sms_slot_leave(p->plugins->zone, g->before);
    }

    ngx_sms_guard_count(p, us);

    /* init() reads files, exit() hurts nobody any more */

    if (us > SMS_CALLBACK_BUDGET_US && g->what != NGX_SMS_GUARD_INIT
        && g->what != NGX_SMS_GUARD_EXIT && ngx_sms_guard_own(g))
    {
        ngx_sms_guard_slow(p, g->what, us);
    }

    return ns;
}


static void
ngx_sms_guard_count(ngx_sms_plugin_t *p, uint64_t us)
{
    ngx_uint_t               i;
    ngx_sms_zone_t          *zone;
    ngx_sms_plugin_stats_t  *st;

    st = &p->stats;
    st->callbacks++;
    st->time_us += us;

    for (i = 0; i < NGX_SMS_PLUGIN_TIMES - 1; i++) {
        if (us <= ngx_sms_guard_bounds[i]) {
            break;
        }
    }

    st->time[i]++;

    zone = p->plugins->zone;

    if (zone) {
        ngx_sms_counter_add(zone, NGX_SMS_C_PLUGIN_SECONDS, (int64_t) us);
        ngx_sms_counter_plugin_add(zone,
                                   p->live->metric[NGX_SMS_PM_CALLBACK_US],
                                   (int64_t) us);
    }
}


static void
ngx_sms_guard_slow(ngx_sms_plugin_t *p, ngx_uint_t what, uint64_t us)
{
    int64_t                   now;
    ngx_sms_plugin_live_t    *live;
    ngx_sms_plugin_limits_t  *lim;

    live = p->live;
    lim = &p->plugins->limits;

    p->stats.slow++;

    if (p->plugins->zone) {
        ngx_sms_counter_inc(p->plugins->zone, NGX_SMS_C_PLUGIN_SLOW);
        ngx_sms_counter_plugin_add(p->plugins->zone,
                                   live->metric[NGX_SMS_PM_SLOW], 1);
    }

    now = ngx_sms_timer_mono_us();

    if (now - live->window_us > (int64_t) lim->window * 1000) {
        live->window_us = now;
        live->slow = 0;
        live->stalls = 0;
    }

    live->slow++;

    if (us >= (uint64_t) lim->stall * 1000) {
        live->stalls++;

        ngx_log_error(NGX_LOG_WARN, live->log, 0,
                      "sms plugin: stall: name=%V in=%s ms=%uL",
                      &p->name, ngx_sms_plugin_slot_operation(what), us / 1000);
    }

    if (live->slow < lim->slow && live->stalls < lim->stalls) {
        return;
    }

    live->slow = 0;
    live->stalls = 0;

    if (!p->quarantined) {
        ngx_sms_guard_quarantine(p, "too slow");
        return;
    }

    if (!live->cut_off) {
        live->cut_off = 1;

        ngx_log_error(NGX_LOG_ERR, live->log, 0,
                      "sms plugin: cut off: name=%V: slow in quarantine",
                      &p->name);

        /* not from inside its own callback */
        ngx_post_event(&live->cut, &ngx_posted_events);
    }
}


void
ngx_sms_guard_quarantine(ngx_sms_plugin_t *p, const char *why)
{
    if (p->quarantined) {
        return;
    }

    p->quarantined = 1;
    p->why = why;

    if (p->plugins->zone) {
        ngx_sms_counter_plugin_add(p->plugins->zone,
                                   p->live->metric[NGX_SMS_PM_QUARANTINED], 1);
    }

    ngx_log_error(NGX_LOG_ERR, p->live->log, 0,
                  "sms plugin: quarantined: name=%V: %s; on_error=%s applies",
                  &p->name, why, ngx_sms_plugin_on_error_name(p->on_error));
}


void
ngx_sms_guard_blame(ngx_sms_plugins_t *plugins, ngx_log_t *log)
{
    u_char               buf[NGX_SMS_DICT_KEY];
    int64_t              crashes;
    ngx_str_t            key, one;
    ngx_sms_plugin_t    *p;

    if (plugins->zone == NULL || plugins->dead.pid == 0
        || plugins->dead.plugin == 0)
    {
        return;
    }

    p = ngx_sms_plugin_by_slot(plugins, plugins->dead.plugin);

    if (p == NULL) {
        /* of a configuration that is gone */
        return;
    }

    ngx_sms_counter_inc(plugins->zone, NGX_SMS_C_PLUGIN_BLAMED);

    crashes = 0;
    ngx_sms_guard_key(p, "plugin-crash", buf, sizeof(buf), &key);
    (void) ngx_sms_dict_incr(plugins->zone, &key, 1,
                             plugins->limits.crash_window, &crashes);

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "sms plugin: worker %P died in it: name=%V in=%s times=%L",
                  plugins->dead.pid, &p->name,
                  ngx_sms_plugin_slot_operation(plugins->dead.operation),
                  crashes);

    if (crashes >= (int64_t) plugins->limits.crashes) {
        ngx_str_set(&one, "1");
        ngx_sms_guard_key(p, "plugin-out", buf, sizeof(buf), &key);
        (void) ngx_sms_dict_set(plugins->zone, &key, &one, 0);
    }
}


ngx_uint_t
ngx_sms_guard_crashed(ngx_sms_plugin_t *p)
{
    u_char     buf[NGX_SMS_DICT_KEY], value[8];
    size_t     len;
    ngx_str_t  key;

    if (p->plugins->zone == NULL) {
        return 0;
    }

    ngx_sms_guard_key(p, "plugin-out", buf, sizeof(buf), &key);

    return ngx_sms_dict_get(p->plugins->zone, &key, value, sizeof(value), &len)
           == NGX_OK;
}


ngx_sms_plugin_t *
ngx_sms_plugin_by_slot(ngx_sms_plugins_t *plugins, ngx_uint_t number)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **all;

    all = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {
        if (ngx_sms_guard_number(all[i]) == number) {
            return all[i];
        }
    }

    return NULL;
}


const char *
ngx_sms_plugin_slot_operation(ngx_uint_t what)
{
    if (what < NGX_SMS_OPS) {
        return ngx_sms_op_name(what);
    }

    if (what >= NGX_SMS_GUARD_INIT && what <= NGX_SMS_GUARD_READY) {
        return ngx_sms_guard_names[what - NGX_SMS_GUARD_INIT];
    }

    return "?";
}


/* Whether the time was the plugin's own: it computed, or it blocked.  On a busy
 * machine the kernel takes the processor away for longer than the budget, and
 * that is nobody's fault.                                                    */
static ngx_uint_t
ngx_sms_guard_own(ngx_sms_guard_t *g)
{
    struct rusage  now;

    if (getrusage(RUSAGE_THREAD, &now) != 0) {
        return 1;
    }

    return now.ru_nvcsw != g->blocks
           || ngx_sms_guard_cpu_us(&now) - g->cpu_us > SMS_CALLBACK_BUDGET_US;
}


static int64_t
ngx_sms_guard_cpu_us(const struct rusage *ru)
{
    return ((int64_t) ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000
           + ru->ru_utime.tv_usec + ru->ru_stime.tv_usec;
}


static int64_t
ngx_sms_guard_now_ns(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static void
ngx_sms_guard_key(ngx_sms_plugin_t *p, const char *prefix, u_char *buf,
    size_t cap, ngx_str_t *key)
{
    key->data = buf;
    key->len = ngx_snprintf(buf, cap, "%s:%08xD:%V", prefix, p->stamp,
                            &p->name)
               - buf;
}


/* Index and a piece of the stamp: a dead worker may have had an older
 * configuration, in which the same index was another plugin.                 */
static ngx_uint_t
ngx_sms_guard_number(ngx_sms_plugin_t *p)
{
    return (p->index + 1) | ((ngx_uint_t) (p->stamp & 0xffff) << 8);
}
