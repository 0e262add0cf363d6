#include "ngx_sms_host.h"

#include "ngx_sms_guard.h"
#include "ngx_sms_timer.h"


typedef struct {
    ngx_sms_handle_t     handle;
    ngx_sms_timer_t      timer;
    sms_fn               fn;
    void                *data;
} ngx_sms_host_timer_t;


typedef struct {
    ngx_sms_handle_t     handle;
    ngx_connection_t    *c;
    int                  fd;
    uint32_t             want;
    sms_fd_fn            fn;
    void                *data;
} ngx_sms_host_watch_t;


static sms_handle_t ngx_sms_host_timer(sms_host_t *h, uint32_t delay_ms,
    uint32_t keep_worker, sms_fn fn, void *data);
static void ngx_sms_host_timer_fire(void *data);
static sms_handle_t ngx_sms_host_watch(sms_host_t *h, int fd, uint32_t want,
    sms_fd_fn fn, void *data);
static sms_rc_t ngx_sms_host_rewatch(sms_host_t *h, sms_handle_t id,
    uint32_t want);
static ngx_int_t ngx_sms_host_watch_set(ngx_sms_host_watch_t *w,
    uint32_t want);
static void ngx_sms_host_watch_event(ngx_event_t *ev);
static void ngx_sms_host_stop(sms_host_t *h, sms_handle_t id);


const sms_loop_api_t  ngx_sms_host_loop = {
    sizeof(sms_loop_api_t),
    ngx_sms_host_timer,
    ngx_sms_host_watch,
    ngx_sms_host_rewatch,
    ngx_sms_host_stop
};


static sms_handle_t
ngx_sms_host_timer(sms_host_t *h, uint32_t delay_ms, uint32_t keep_worker,
    sms_fn fn, void *data)
{
    ngx_sms_plugin_t      *p;
    ngx_sms_host_timer_t  *t;

    p = ngx_sms_host_plugin(h);

    t = fn ? ngx_sms_host_handle_add(p, NGX_SMS_HANDLE_TIMER,
                                     sizeof(ngx_sms_host_timer_t),
                                     &p->stats.timers,
                                     p->plugins->limits.timers)
           : NULL;
    if (t == NULL) {
        return 0;
    }

    t->fn = fn;
    t->data = data;

    if (keep_worker) {
        ngx_sms_timer_deadline(&t->timer, ngx_sms_host_timer_fire, t,
                               p->live->log);
    } else {
        ngx_sms_timer_housekeeping(&t->timer, ngx_sms_host_timer_fire, t,
                                   p->live->log);
    }

    ngx_sms_timer_start(&t->timer, delay_ms);

    return t->handle.id;
}


static void
ngx_sms_host_timer_fire(void *data)
{
    void                  *fn_data;
    sms_fn                 fn;
    ngx_sms_guard_t        guard;
    ngx_sms_plugin_t      *p;
    ngx_sms_host_timer_t  *t = data;

    p = t->handle.plugin;
    fn = t->fn;
    fn_data = t->data;

    /* one shot: the handle is stale before the callback, which may start
       another */
    ngx_sms_host_handle_free(t, &p->stats.timers);

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_TIMER);
    fn(fn_data);
    (void) ngx_sms_guard_leave(&guard);
}


void
ngx_sms_host_timer_stop(void *object)
{
    ngx_sms_host_timer_t  *t = object;

    ngx_sms_timer_stop(&t->timer);
    ngx_sms_host_handle_free(t, &t->handle.plugin->stats.timers);
}


static sms_handle_t
ngx_sms_host_watch(sms_host_t *h, int fd, uint32_t want, sms_fd_fn fn,
    void *data)
{
    ngx_connection_t      *c;
    ngx_sms_plugin_t      *p;
    ngx_sms_host_watch_t  *w;

    p = ngx_sms_host_plugin(h);

    /* epoll would answer EEXIST or EPERM with an alert line */

    if (fn == NULL || fd < 0 || ngx_nonblocking(fd) == -1) {
        return 0;
    }

    w = ngx_sms_host_handle_add(p, NGX_SMS_HANDLE_WATCH,
                                sizeof(ngx_sms_host_watch_t),
                                &p->stats.watches, p->plugins->limits.watches);
    if (w == NULL) {
        return 0;
    }

    w->fd = fd;
    w->fn = fn;
    w->data = data;

    c = ngx_get_connection(fd, p->live->log);

    if (c == NULL) {
        ngx_sms_host_handle_free(w, &p->stats.watches);
        return 0;
    }

    w->c = c;
    c->data = w;
    c->log = p->live->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_sms_host_watch_event;
    c->write->handler = ngx_sms_host_watch_event;

    if (ngx_sms_host_watch_set(w, want) != NGX_OK) {
        ngx_sms_host_watch_stop(w);
        return 0;
    }

    return w->handle.id;
}


static sms_rc_t
ngx_sms_host_rewatch(sms_host_t *h, sms_handle_t id, uint32_t want)
{
    ngx_sms_host_watch_t  *w;

    w = ngx_sms_host_handle_find(ngx_sms_host_plugin(h),
                                 NGX_SMS_HANDLE_WATCH, id);
    if (w == NULL) {
        return SMS_E_STALE;
    }

    return ngx_sms_host_watch_set(w, want) == NGX_OK ? SMS_OK
                                                     : SMS_E_INTERNAL;
}


static ngx_int_t
ngx_sms_host_watch_set(ngx_sms_host_watch_t *w, uint32_t want)
{
    ngx_uint_t     rd, wr;
    ngx_event_t   *rev, *wev;

    rev = w->c->read;
    wev = w->c->write;
    rd = (want & SMS_FD_READ) != 0;
    wr = (want & SMS_FD_WRITE) != 0;

    if ((rd && !rev->active
         && ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
        || (!rd && rev->active
            && ngx_del_event(rev, NGX_READ_EVENT, 0) != NGX_OK)
        || (wr && !wev->active
            && ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
        || (!wr && wev->active
            && ngx_del_event(wev, NGX_WRITE_EVENT, 0) != NGX_OK))
    {
        return NGX_ERROR;
    }

    w->want = want;

    return NGX_OK;
}


static void
ngx_sms_host_watch_event(ngx_event_t *ev)
{
    uint32_t               ready;
    ngx_sms_guard_t        guard;
    ngx_connection_t      *c;
    ngx_sms_plugin_t      *p;
    ngx_sms_host_watch_t  *w;

    c = ev->data;
    w = c->data;
    p = w->handle.plugin;

    if (c->close) {
        /* worker_shutdown_timeout: its owner may close and stop it now */
        c->close = 0;
        ready = SMS_FD_ERROR;

    } else {
        ready = ev->write ? SMS_FD_WRITE : SMS_FD_READ;

        if (ev->pending_eof || ev->error || c->error) {
            ready |= SMS_FD_ERROR;
        }
    }

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_WATCH);
    w->fn(w->data, w->fd, ready);
    (void) ngx_sms_guard_leave(&guard);
}


/* the descriptor is the plugin's: only nginx's slot is given back */
void
ngx_sms_host_watch_stop(void *object)
{
    ngx_connection_t      *c;
    ngx_sms_host_watch_t  *w = object;

    c = w->c;

    if (c->read->active || c->write->active) {
        ngx_del_conn(c, 0);
    }

    c->shared = 1;
    ngx_close_connection(c);

    ngx_sms_host_handle_free(w, &w->handle.plugin->stats.watches);
}


/* of any type: what was started is ended, and its callback will not run */
static void
ngx_sms_host_stop(sms_host_t *h, sms_handle_t id)
{
    ngx_sms_handle_t  *handle;

    handle = ngx_sms_host_handle_find(ngx_sms_host_plugin(h), 0, id);

    if (handle) {
        ngx_sms_host_handle_stop(handle);
    }
}
