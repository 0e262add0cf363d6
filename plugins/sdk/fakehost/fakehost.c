/*
 * fakehost.c - one instance from start to stop, and what is watched meanwhile:
 * violations, failures to play, the plugin's use of time.
 */
#define _GNU_SOURCE
#include "fakehost_impl.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

__thread int  fakehost_plugin_runs;

static const char *const  fakehost_services[FAKEHOST_SERVICES] = {
    "core->alloc", "core->post", "core->lease_want", "loop->timer",
    "loop->watch", "loop->rewatch", "stream->connect", "stream->write",
    "http->request", "http answer", "db->prepare", "db->query", "db answer",
    "dict->get", "dict->set", "dict->incr", "metric->define",
    "outbox->put", "outbox commit", "inbound->deliver", "inbound commit"
};


static int64_t
fakehost_clock_us(clockid_t id)
{
    struct timespec  ts;

    clock_gettime(id, &ts);
    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


fakehost_t *
fakehost_new(void)
{
    static const char *const  names[FAKEHOST_LINKS][2] = {
        { "link_a", "Operator A" }, { "link_b", "Operator B" }, { "link_c", "Operator C" }
    };

    fakehost_t  *fh;
    uint32_t     i;

    fh = fakehost_grab(sizeof(*fh));
    fh->thread = pthread_self();
    fh->now_us = FAKEHOST_EPOCH_US;
    fh->mono_us = 1000000000;
    fh->lease_epoch = 40;
    pthread_mutex_init(&fh->lock, NULL);
    if (pipe2(fh->wake, O_NONBLOCK | O_CLOEXEC) != 0) {
        abort();
    }

    for (i = 0; i < FAKEHOST_LINKS; i++) {
        fh->links[i].id = i + 1;
        fh->links[i].name = (sms_str_t) { names[i][0], strlen(names[i][0]) };
        fh->links[i].operator_name = (sms_str_t) { names[i][1], strlen(names[i][1]) };
    }

    fh->host.size = sizeof(struct sms_host_s);
    fh->host.abi_major = SMS_ABI_MAJOR;
    fh->host.abi_minor = SMS_ABI_MINOR;
    fh->host.worker = 0;
    fh->host.workers = 1;
    fh->host.link = 1;
    fh->host.nlinks = FAKEHOST_LINKS;
    fh->host.link_stride = sizeof(sms_link_t);
    fh->host.links = fh->links;
    fh->host.impl = fh;

    fakehost_core_table(fh);
    fakehost_lease_table(fh);
    fakehost_loop_table(fh);
    fakehost_stream_table(fh);
    fakehost_http_table(fh);
    fakehost_db_table(fh);
    fakehost_dict_table(fh);
    fakehost_metric_table(fh);
    fakehost_outbox_table(fh);
    fakehost_inbound_table(fh);
    fh->host.core = &fh->core;
    fh->host.loop = &fh->loop;

    fakehost_name(fh, "under_test");
    fakehost_grant(fh, FAKEHOST_ALL);

    return fh;
}


void
fakehost_free(fakehost_t *fh)
{
    size_t  i;

    fakehost_stop(fh);
    fakehost_call_clear(fh);
    fakehost_event_clear(fh);
    fakehost_watch_clear(fh);
    fakehost_stream_clear(fh);
    fakehost_http_clear(fh);
    fakehost_db_clear(fh);
    fakehost_dict_clear(fh);
    fakehost_metric_clear(fh);
    fakehost_lease_clear(fh);
    fakehost_inbound_clear(fh);
    fakehost_list_free(&fh->logs);
    fakehost_list_free(&fh->puts);
    fakehost_list_free(&fh->faults);
    for (i = 0; i < fh->clocks.n; i++) {
        free(((fakehost_clock_t *) fh->clocks.at[i])->what);
    }
    fakehost_list_free(&fh->clocks);
    pthread_mutex_destroy(&fh->lock);
    close(fh->wake[0]);
    close(fh->wake[1]);
    free(fh->left);
    free(fh->name);
    free(fh);
}


sms_host_t *
fakehost_host(fakehost_t *fh)
{
    return &fh->host;
}


void
fakehost_grant(fakehost_t *fh, uint32_t tables)
{
    fh->host.stream = (tables & FAKEHOST_STREAM) ? &fh->stream : NULL;
    fh->host.http = (tables & FAKEHOST_HTTP) ? &fh->http : NULL;
    fh->host.db = (tables & FAKEHOST_DB) ? &fh->db : NULL;
    fh->host.dict = (tables & FAKEHOST_DICT) ? &fh->dict : NULL;
    fh->host.metric = (tables & FAKEHOST_METRIC) ? &fh->metric : NULL;
    fh->host.outbox = (tables & FAKEHOST_OUTBOX) ? &fh->outbox : NULL;
    fh->host.inbound = (tables & FAKEHOST_INBOUND) ? &fh->inbound : NULL;
}


void
fakehost_name(fakehost_t *fh, const char *name)
{
    free(fh->name);
    fh->name = fakehost_copy(name, strlen(name));
    fh->host.name = (sms_str_t) { fh->name, strlen(fh->name) };
}


sms_rc_t
fakehost_start(fakehost_t *fh, const sms_ops_t *ops, const char *const *conf, size_t nconf,
    char *err, size_t errcap)
{
    fakehost_span_t  span;
    sms_rc_t         rc;

    if (errcap) {
        err[0] = '\0';
    }

    fh->conf = fakehost_conf(ops, conf, nconf, err, errcap);
    if (fh->conf == NULL) {
        return SMS_E_CONFIG;
    }

    fakehost_conf_links(fh->conf, fh->links, FAKEHOST_LINKS);

    rc = SMS_OK;
    if (SMS_HAS(sms_ops_t, ops, check)) {
        fakehost_begin(fh, &span, "check");
        rc = ops->check(fakehost_conf_table(fh->conf), err, errcap);
        fakehost_finish(fh, &span);
    }

    fh->ops = ops;
    if (rc == SMS_OK && SMS_HAS(sms_ops_t, ops, init)) {
        fh->starting = 1;
        fakehost_begin(fh, &span, "init");
        rc = ops->init(&fh->host, fakehost_conf_table(fh->conf), &fh->inst, err, errcap);
        fakehost_finish(fh, &span);
        fh->starting = 0;
    }

    if (rc != SMS_OK) {
        fakehost_conf_free(fh->conf);
        fh->conf = NULL;
        fh->inst = NULL;
        fh->ops = NULL;
        return rc;
    }

    fh->started = 1;
    return SMS_OK;
}


void
fakehost_stop(fakehost_t *fh)
{
    fakehost_span_t  span;
    uint32_t         i;

    if (!fh->started) {
        return;
    }

    if (SMS_HAS(sms_ops_t, fh->ops, drain)) {
        fakehost_begin(fh, &span, "drain");
        fh->ops->drain(fh->inst);
        fakehost_finish(fh, &span);
    }

    for (i = 0; i < FAKEHOST_CALLS; i++) {
        if (fh->calls[i].state == FAKEHOST_CALL_OPEN) {
            fakehost_cancel(fh, ((uint64_t) fh->calls[i].generation << 32) | i);
        }
    }

    if (SMS_HAS(sms_ops_t, fh->ops, exit)) {
        fakehost_begin(fh, &span, "exit");
        fh->ops->exit(fh->inst);
        fakehost_finish(fh, &span);
    }

    fh->started = 0;
    fh->inst = NULL;
    fh->ops = NULL;
    fakehost_conf_free(fh->conf);
    fh->conf = NULL;
}


void *
fakehost_instance(fakehost_t *fh)
{
    return fh->inst;
}


const char *
fakehost_left_names(fakehost_t *fh)
{
    /* queries and posts cannot be taken back, so they are nobody's leak */
    static const char *const  kinds[] = {
        "timer", NULL, "request", NULL, NULL, NULL, NULL
    };

    const fakehost_event_t   *ev;
    const fakehost_watch_t   *w;
    const fakehost_stream_t  *s;
    char                     *more;

    free(fh->left);
    fh->left = fakehost_copy("", 0);

    for (ev = fh->events; ev; ev = ev->next) {
        if (kinds[ev->kind]) {
            more = fakehost_text("%s%s%s", fh->left, fh->left[0] ? " " : "", kinds[ev->kind]);
            free(fh->left);
            fh->left = more;
        }
    }
    for (w = fh->watches; w; w = w->next) {
        more = fakehost_text("%s%swatch", fh->left, fh->left[0] ? " " : "");
        free(fh->left);
        fh->left = more;
    }
    for (s = fh->streams; s; s = s->next) {
        if (!s->gone && !s->closing) {
            more = fakehost_text("%s%sstream", fh->left, fh->left[0] ? " " : "");
            free(fh->left);
            fh->left = more;
        }
    }

    return fh->left;
}


uint32_t
fakehost_left(fakehost_t *fh)
{
    const char  *p;
    uint32_t     n;

    n = 0;
    for (p = fakehost_left_names(fh); *p; p++) {
        n += (*p == ' ');
    }

    return fh->left[0] ? n + 1 : 0;
}


int
fakehost_enter(fakehost_t *fh, const char *what)
{
    int  was;

    was = fakehost_plugin_runs;
    fakehost_plugin_runs = 0;
    if (!pthread_equal(pthread_self(), fh->thread)) {
        /* the lists are not made for two threads: say so and stop here */
        fprintf(stderr, "fakehost: %s called off the loop thread\n", what);
        if (fh->blame) {
            snprintf(fh->blame, fh->blame_cap, "%s called off the loop thread", what);
        }
        abort();
    }

    return was;
}


void
fakehost_fault(fakehost_t *fh, const char *fmt, ...)
{
    va_list  args;
    char     buf[256];

    va_start(args, fmt);
    vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    fakehost_push(&fh->faults, fakehost_copy(buf, strlen(buf)));
}


uint32_t
fakehost_violations(fakehost_t *fh)
{
    return (uint32_t) fh->faults.n;
}


const char *
fakehost_violation(fakehost_t *fh, uint32_t i)
{
    return i < fh->faults.n ? fh->faults.at[i] : NULL;
}


void
fakehost_forgive(fakehost_t *fh)
{
    fakehost_list_free(&fh->faults);
}


const char *
fakehost_service_name(fakehost_service_t s)
{
    return fakehost_services[s];
}


void
fakehost_fail(fakehost_t *fh, fakehost_service_t s, uint32_t nth, sms_rc_t rc)
{
    fh->plans[s].used = 0;
    fh->plans[s].nth = nth;
    fh->plans[s].rc = rc;
}


uint32_t
fakehost_used(fakehost_t *fh, fakehost_service_t s)
{
    return fh->plans[s].used;
}


int
fakehost_failing(fakehost_t *fh, fakehost_service_t s, sms_rc_t *rc)
{
    fakehost_plan_t  *p = &fh->plans[s];

    p->used++;
    if (p->rc == SMS_OK || (p->nth != 0 && p->nth != p->used)) {
        return 0;
    }

    *rc = p->rc;
    return 1;
}


void
fakehost_begin(fakehost_t *fh, fakehost_span_t *span, const char *what)
{
    struct rusage  ru;

    if (fh->blame) {
        snprintf(fh->blame, fh->blame_cap, "%s", what);
    }

    snprintf(span->what, sizeof(span->what), "%s", what);
    getrusage(RUSAGE_THREAD, &ru);
    span->waits = ru.ru_nvcsw;
    span->was = fakehost_plugin_runs;
    span->wall = fakehost_clock_us(CLOCK_MONOTONIC);
    span->cpu = fakehost_clock_us(CLOCK_THREAD_CPUTIME_ID);
    fakehost_plugin_runs = 1;
}


void
fakehost_finish(fakehost_t *fh, fakehost_span_t *span)
{
    struct rusage      ru;
    fakehost_clock_t  *c;
    int64_t            cpu, wall, waits;
    size_t             i;

    fakehost_plugin_runs = span->was;
    cpu = fakehost_clock_us(CLOCK_THREAD_CPUTIME_ID) - span->cpu;
    wall = fakehost_clock_us(CLOCK_MONOTONIC) - span->wall;
    getrusage(RUSAGE_THREAD, &ru);
    waits = ru.ru_nvcsw - span->waits;
    if (fh->blame && span->was == 0) {
        fh->blame[0] = '\0';
    }

    for (i = 0; i < fh->clocks.n; i++) {
        c = fh->clocks.at[i];
        if (strcmp(c->what, span->what) == 0) {
            break;
        }
    }
    if (i == fh->clocks.n) {
        c = fakehost_grab(sizeof(*c));
        c->what = fakehost_copy(span->what, strlen(span->what));
        fakehost_push(&fh->clocks, c);
    }

    c = fh->clocks.at[i];
    if (c->t.count == 0 || cpu < c->t.cpu_min_us) {
        c->t.cpu_min_us = cpu;
    }
    if (c->t.count == 0 || cpu > c->t.cpu_max_us) {
        c->t.cpu_max_us = cpu;
    }
    if (c->t.count == 0 || wall < c->t.wall_min_us) {
        c->t.wall_min_us = wall;
    }
    if (c->t.count == 0 || wall > c->t.wall_max_us) {
        c->t.wall_max_us = wall;
    }
    if (c->t.count == 0 || waits < c->t.waits_min) {
        c->t.waits_min = waits;
    }
    c->t.count++;
    c->t.slowest = c->what;
}


fakehost_timing_t
fakehost_timing(fakehost_t *fh, const char *what)
{
    const fakehost_clock_t  *c;
    fakehost_timing_t        t;
    size_t                   i;

    memset(&t, 0, sizeof(t));
    t.slowest = "";

    for (i = 0; i < fh->clocks.n; i++) {
        c = fh->clocks.at[i];
        if (c->t.count == 0 || (what && strcmp(what, c->what) != 0)) {
            continue;
        }
        if (t.count == 0) {
            t = c->t;
            continue;
        }
        if (c->t.cpu_max_us > t.cpu_max_us) {
            t.cpu_max_us = c->t.cpu_max_us;
            t.slowest = c->what;
        }
        if (c->t.wall_max_us > t.wall_max_us) {
            t.wall_max_us = c->t.wall_max_us;
        }
        if (c->t.cpu_min_us < t.cpu_min_us) {
            t.cpu_min_us = c->t.cpu_min_us;
        }
        if (c->t.wall_min_us < t.wall_min_us) {
            t.wall_min_us = c->t.wall_min_us;
        }
        if (c->t.waits_min < t.waits_min) {
            t.waits_min = c->t.waits_min;
        }
        t.count += c->t.count;
    }

    return t;
}


void
fakehost_timing_reset(fakehost_t *fh)
{
    fakehost_clock_t  *c;
    size_t             i;

    for (i = 0; i < fh->clocks.n; i++) {
        c = fh->clocks.at[i];
        memset(&c->t, 0, sizeof(c->t));
    }
}


void
fakehost_blame(fakehost_t *fh, char *buf, size_t cap)
{
    fh->blame = buf;
    fh->blame_cap = cap;
}


int
fakehost_in_plugin(void)
{
    return fakehost_plugin_runs;
}
