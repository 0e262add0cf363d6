#include "ngx_sms_timer.h"

#include <time.h>


static void ngx_sms_timer_init(ngx_sms_timer_t *t, ngx_sms_timer_pt handler,
    void *data, ngx_log_t *log, unsigned cancelable);
static void ngx_sms_timer_fire(ngx_event_t *ev);


void
ngx_sms_timer_deadline(ngx_sms_timer_t *t, ngx_sms_timer_pt handler,
    void *data, ngx_log_t *log)
{
    ngx_sms_timer_init(t, handler, data, log, 0);
}


void
ngx_sms_timer_housekeeping(ngx_sms_timer_t *t, ngx_sms_timer_pt handler,
    void *data, ngx_log_t *log)
{
    ngx_sms_timer_init(t, handler, data, log, 1);
}


static void
ngx_sms_timer_init(ngx_sms_timer_t *t, ngx_sms_timer_pt handler, void *data,
    ngx_log_t *log, unsigned cancelable)
{
    ngx_memzero(t, sizeof(ngx_sms_timer_t));

    t->data = data;
    t->handler = handler;
    t->ident = (ngx_socket_t) -1;

    t->ev.data = t;
    t->ev.handler = ngx_sms_timer_fire;
    t->ev.log = log;
    t->ev.cancelable = cancelable;
}


void
ngx_sms_timer_start(ngx_sms_timer_t *t, ngx_msec_t ms)
{
    /* nginx keeps a running timer that differs by less than 300 ms */
    if (t->ev.timer_set) {
        ngx_del_timer(&t->ev);
    }

    t->ev.timedout = 0;

    ngx_add_timer(&t->ev, ms);
}


void
ngx_sms_timer_stop(ngx_sms_timer_t *t)
{
    if (t->ev.timer_set) {
        ngx_del_timer(&t->ev);
    }
}


static void
ngx_sms_timer_fire(ngx_event_t *ev)
{
    ngx_sms_timer_t  *t = ev->data;

    t->handler(t->data);
}


ngx_msec_t
ngx_sms_timer_jitter(ngx_msec_t ms)
{
    ngx_msec_t  quarter;

    quarter = ms / 4;

    if (quarter == 0) {
        return ms;
    }

    return ms - quarter + (ngx_msec_t) ngx_random() % (2 * quarter + 1);
}


int64_t
ngx_sms_timer_mono_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


int64_t
ngx_sms_timer_now_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
