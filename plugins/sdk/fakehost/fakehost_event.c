/*
 * fakehost_event.c - the virtual clock: events in order, timers, watches, post().
 */
#define _GNU_SOURCE
#include "fakehost_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>


static void
fakehost_event_insert(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_event_t  **at;

    for (at = &fh->events; *at && (*at)->at_us <= ev->at_us; at = &(*at)->next) {
        /* equal times keep their order */
    }
    ev->next = *at;
    *at = ev;
}


fakehost_event_t *
fakehost_event(fakehost_t *fh, fakehost_kind_t kind, uint32_t delay_ms,
    fakehost_fire_pt fire)
{
    fakehost_event_t  *ev;

    ev = fakehost_grab(sizeof(*ev));
    ev->at_us = fh->now_us + (int64_t) delay_ms * 1000;
    ev->handle = ++fh->last_handle;
    ev->kind = kind;
    ev->fire = fire;
    fakehost_event_insert(fh, ev);

    return ev;
}


static void
fakehost_event_free(fakehost_event_t *ev)
{
    if (ev->drop) {
        ev->drop(ev);
    }
    free(ev);
}


int
fakehost_event_stop(fakehost_t *fh, sms_handle_t handle, fakehost_kind_t kind)
{
    fakehost_event_t  **at, *ev;

    for (at = &fh->events; *at; at = &(*at)->next) {
        ev = *at;
        if (ev->handle == handle && ev->kind == kind) {
            *at = ev->next;
            fakehost_event_free(ev);
            return 1;
        }
    }

    return 0;
}


void
fakehost_event_clear(fakehost_t *fh)
{
    fakehost_event_t  *ev;

    while ((ev = fh->events) != NULL) {
        fh->events = ev->next;
        fakehost_event_free(ev);
    }
    while ((ev = fh->posted) != NULL) {
        fh->posted = ev->next;
        free(ev);
    }
}


typedef struct { void (*done)(void *d, sms_rc_t rc); } fakehost_done_t;


static void
fakehost_done_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_done_t  *d = ev->more;
    fakehost_span_t   span;

    if (d->done && fh->started) {
        fakehost_begin(fh, &span, "done");
        d->done(ev->data, ev->rc);
        fakehost_finish(fh, &span);
    }
}


static void
fakehost_done_drop(fakehost_event_t *ev)
{
    free(ev->more);
}


void
fakehost_event_done(fakehost_t *fh, void (*done)(void *d, sms_rc_t rc), void *data,
    sms_rc_t rc)
{
    fakehost_event_t  *ev;
    fakehost_done_t   *d;

    d = fakehost_grab(sizeof(*d));
    d->done = done;
    ev = fakehost_event(fh, FAKEHOST_EV_DONE, 1, fakehost_done_fire);
    ev->drop = fakehost_done_drop;
    ev->data = data;
    ev->rc = rc;
    ev->more = d;
}


static void
fakehost_fn_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_span_t  span;

    fakehost_begin(fh, &span, ev->kind == FAKEHOST_EV_TIMER ? "timer" : "post");
    ev->fn(ev->data);
    fakehost_finish(fh, &span);
}


static sms_handle_t
fakehost_timer(sms_host_t *h, uint32_t delay_ms, uint32_t keep_worker, sms_fn fn, void *d)
{
    fakehost_event_t  *ev;
    sms_handle_t       handle;
    sms_rc_t           rc;
    FAKEHOST_ENTER(h, "timer()");

    handle = 0;
    if (fn == NULL) {
        fakehost_fault(fh, "timer() without a function");

    } else if (!fakehost_failing(fh, FAKEHOST_ON_TIMER, &rc)) {
        ev = fakehost_event(fh, FAKEHOST_EV_TIMER, delay_ms, fakehost_fn_fire);
        ev->fn = fn;
        ev->data = d;
        ev->keep = keep_worker;
        handle = ev->handle;
    }

    FAKEHOST_LEAVE();
    return handle;
}


int
fakehost_keeps(fakehost_t *fh)
{
    const fakehost_event_t  *ev;

    for (ev = fh->events; ev && !ev->keep; ev = ev->next) {
        /* void */
    }

    return ev != NULL;
}


static sms_handle_t
fakehost_watch(sms_host_t *h, int fd, uint32_t want, sms_fd_fn fn, void *d)
{
    fakehost_watch_t  *w;
    sms_handle_t       handle;
    sms_rc_t           rc;
    FAKEHOST_ENTER(h, "watch()");

    handle = 0;
    for (w = fh->watches; w && w->fd != fd; w = w->next) {
        /* search */
    }

    if (fcntl(fd, F_GETFD) == -1) {
        fakehost_fault(fh, "watch() of a descriptor that is not open");

    } else if (w) {
        fakehost_fault(fh, "watch() of a descriptor that is already watched");

    } else if (!fakehost_failing(fh, FAKEHOST_ON_WATCH, &rc)) {
        w = fakehost_grab(sizeof(*w));
        w->handle = ++fh->last_handle;
        w->fd = fd;
        w->want = want;
        w->fn = fn;
        w->data = d;
        w->next = fh->watches;
        fh->watches = w;
        handle = w->handle;
    }

    FAKEHOST_LEAVE();
    return handle;
}


static sms_rc_t
fakehost_rewatch(sms_host_t *h, sms_handle_t handle, uint32_t want)
{
    fakehost_watch_t  *w;
    sms_rc_t           rc;
    FAKEHOST_ENTER(h, "rewatch()");

    for (w = fh->watches; w && w->handle != handle; w = w->next) {
        /* search */
    }

    if (w == NULL) {
        fakehost_fault(fh, "rewatch() of something that is not a watch");
        rc = SMS_E_STALE;

    } else if (!fakehost_failing(fh, FAKEHOST_ON_REWATCH, &rc)) {
        w->want = want;
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


static void
fakehost_stop_handle(sms_host_t *h, sms_handle_t handle)
{
    fakehost_watch_t  **at, *w;
    FAKEHOST_ENTER(h, "stop()");

    /* a handle that has already fired is no fault: the plugin need not know */
    if (!fakehost_event_stop(fh, handle, FAKEHOST_EV_TIMER)) {
        for (at = &fh->watches; *at; at = &(*at)->next) {
            w = *at;
            if (w->handle == handle) {
                if (fcntl(w->fd, F_GETFD) == -1) {
                    fakehost_fault(fh, "stop() of a watch after close(fd)");
                }
                *at = w->next;
                free(w);
                break;
            }
        }
    }

    FAKEHOST_LEAVE();
}


/* the one service that any thread may use */
static sms_rc_t
fakehost_post(sms_host_t *h, sms_fn fn, void *d)
{
    fakehost_t        *fh = h->impl;
    fakehost_event_t  *ev, **at;
    sms_rc_t           rc;
    int                was;

    was = fakehost_plugin_runs;
    fakehost_plugin_runs = 0;

    pthread_mutex_lock(&fh->lock);
    if (!fakehost_failing(fh, FAKEHOST_ON_POST, &rc)) {
        ev = fakehost_grab(sizeof(*ev));
        ev->kind = FAKEHOST_EV_POST;
        ev->fire = fakehost_fn_fire;
        ev->fn = fn;
        ev->data = d;
        for (at = &fh->posted; *at; at = &(*at)->next) {
            /* to the end */
        }
        *at = ev;
        rc = SMS_OK;
    }
    pthread_mutex_unlock(&fh->lock);

    if (rc == SMS_OK && write(fh->wake[1], "", 1) < 0) {
        /* a full pipe wakes the loop as well */
        errno = 0;
    }

    fakehost_plugin_runs = was;
    return rc;
}


void
fakehost_loop_table(fakehost_t *fh)
{
    fh->core.post = fakehost_post;
    fh->loop.size = sizeof(sms_loop_api_t);
    fh->loop.timer = fakehost_timer;
    fh->loop.watch = fakehost_watch;
    fh->loop.rewatch = fakehost_rewatch;
    fh->loop.stop = fakehost_stop_handle;
}


void
fakehost_watch_clear(fakehost_t *fh)
{
    fakehost_watch_t  *w;

    while ((w = fh->watches) != NULL) {
        fh->watches = w->next;
        free(w);
    }
}


static void
fakehost_collect_posts(fakehost_t *fh)
{
    fakehost_event_t  *ev, *next;
    char               buf[64];

    while (read(fh->wake[0], buf, sizeof(buf)) > 0) {
        /* empty the pipe before the list, or a wake-up is lost */
    }

    pthread_mutex_lock(&fh->lock);
    ev = fh->posted;
    fh->posted = NULL;
    pthread_mutex_unlock(&fh->lock);

    for ( ; ev; ev = next) {
        next = ev->next;
        ev->at_us = fh->now_us;
        ev->handle = ++fh->last_handle;
        fakehost_event_insert(fh, ev);
    }
}


/* one ready watch or socket, or the wake-up pipe; 1: something ran */
static int
fakehost_poll(fakehost_t *fh, int timeout_ms)
{
    fakehost_watch_t  *w;
    fakehost_span_t    span;
    struct pollfd      fds[65];
    sms_handle_t       handles[65];
    uint32_t           ready;
    nfds_t             n, i;

    if (fakehost_socket_pump(fh, 0)) {
        return 1;
    }

    n = 0;
    fds[n].fd = fh->wake[0];
    fds[n].events = POLLIN;
    handles[n++] = 0;
    for (w = fh->watches; w && n < 65; w = w->next) {
        fds[n].fd = w->fd;
        fds[n].events = (short) (((w->want & SMS_FD_READ) ? POLLIN : 0)
                                 | ((w->want & SMS_FD_WRITE) ? POLLOUT : 0));
        handles[n++] = w->handle;
    }

    if (timeout_ms > 0 && fh->real_sockets) {
        timeout_ms = timeout_ms > 5 ? 5 : timeout_ms;
    }
    if (poll(fds, n, timeout_ms) <= 0) {
        return 0;
    }

    for (i = 1; i < n; i++) {
        ready = ((fds[i].revents & (POLLIN | POLLHUP)) ? SMS_FD_READ : 0)
                | ((fds[i].revents & POLLOUT) ? SMS_FD_WRITE : 0)
                | ((fds[i].revents & (POLLERR | POLLNVAL)) ? SMS_FD_ERROR : 0);
        if (ready == 0) {
            continue;
        }
        for (w = fh->watches; w && w->handle != handles[i]; w = w->next) {
            /* search: a callback may have stopped it */
        }
        if (w == NULL) {
            continue;
        }
        if (fds[i].revents & POLLNVAL) {
            fakehost_fault(fh, "a watched descriptor was closed before stop()");
            w->fd = -1;
            continue;
        }
        fakehost_begin(fh, &span, "watch");
        w->fn(w->data, w->fd, ready);
        fakehost_finish(fh, &span);
        return 1;
    }

    return 0;
}


static void
fakehost_fire_first(fakehost_t *fh)
{
    fakehost_event_t  *ev;

    ev = fh->events;
    fh->events = ev->next;
    if (ev->at_us > fh->now_us) {
        fh->mono_us += ev->at_us - fh->now_us;
        fh->now_us = ev->at_us;
    }
    ev->fire(fh, ev);
    fakehost_event_free(ev);
}


int
fakehost_step(fakehost_t *fh)
{
    fakehost_collect_posts(fh);
    if (fakehost_poll(fh, 0)) {
        return 1;
    }

    fakehost_collect_posts(fh);
    if (fh->events == NULL) {
        return 0;
    }

    fakehost_fire_first(fh);
    return 1;
}


uint32_t
fakehost_advance(fakehost_t *fh, uint32_t ms)
{
    int64_t   until;
    uint32_t  n;

    until = fh->now_us + (int64_t) ms * 1000;
    for (n = 0; n < 10000000; n++) {
        fakehost_collect_posts(fh);
        if (fakehost_poll(fh, 0)) {
            continue;
        }
        if (fh->events == NULL || fh->events->at_us > until) {
            break;
        }
        fakehost_fire_first(fh);
    }

    fakehost_set_now(fh, until);
    return n;
}


static int64_t
fakehost_real_us(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


uint32_t
fakehost_live(fakehost_t *fh, uint32_t ms)
{
    int64_t   began, offset, until;
    int       wait;
    uint32_t  n;

    began = fakehost_real_us();
    offset = fh->now_us - began;
    until = began + (int64_t) ms * 1000;
    n = 0;

    do {
        fakehost_collect_posts(fh);
        fakehost_set_now(fh, fakehost_real_us() + offset);
        if (fh->events && fh->events->at_us <= fh->now_us) {
            fakehost_fire_first(fh);
            n++;
            continue;
        }
        wait = (int) ((until - fakehost_real_us()) / 1000);
        if (fh->events && (fh->events->at_us - fh->now_us) / 1000 < wait) {
            wait = (int) ((fh->events->at_us - fh->now_us) / 1000);
        }
        n += (uint32_t) fakehost_poll(fh, wait < 0 ? 0 : wait + 1);
    } while (fakehost_real_us() < until);

    return n;
}


int64_t
fakehost_now(fakehost_t *fh)
{
    return fh->now_us;
}


void
fakehost_set_now(fakehost_t *fh, int64_t now_us)
{
    if (now_us > fh->now_us) {
        fh->mono_us += now_us - fh->now_us;
        fh->now_us = now_us;
    }
}


uint32_t
fakehost_waiting(fakehost_t *fh)
{
    const fakehost_event_t  *ev;
    uint32_t                 n;

    fakehost_collect_posts(fh);
    n = 0;
    for (ev = fh->events; ev; ev = ev->next) {
        n++;
    }

    return n;
}
