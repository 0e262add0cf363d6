/*
 * Timers of two sorts.
 *
 * A worker that was told to quit leaves as soon as nginx sees no timer that is
 * not "cancelable".  So whoever waits for an answer owns a deadline timer, and
 * whatever repeats for ever owns a housekeeping timer:
 *
 *   deadline       keeps the worker alive until it fires or is stopped
 *   housekeeping   is dropped silently when the worker leaves
 *
 * A timer is embedded in its owner's struct, is initialised once, fires once
 * per start and must be stopped before the owner's memory goes.
 */
#ifndef NGX_SMS_TIMER_H
#define NGX_SMS_TIMER_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


typedef void (*ngx_sms_timer_pt)(void *data);

typedef struct {
    void              *data;
    ngx_sms_timer_pt   handler;
    void              *reserved;
    /* nginx's debug log reads an fd here: after 3 pointers, as in
       ngx_connection_t */
    ngx_socket_t       ident;
    ngx_event_t        ev;
} ngx_sms_timer_t;


void ngx_sms_timer_deadline(ngx_sms_timer_t *t, ngx_sms_timer_pt handler,
    void *data, ngx_log_t *log);
void ngx_sms_timer_housekeeping(ngx_sms_timer_t *t, ngx_sms_timer_pt handler,
    void *data, ngx_log_t *log);

/* starts, or starts again, to fire once in "ms" */
void ngx_sms_timer_start(ngx_sms_timer_t *t, ngx_msec_t ms);
/* harmless when it does not run */
void ngx_sms_timer_stop(ngx_sms_timer_t *t);

#define ngx_sms_timer_running(t)  ((t)->ev.timer_set)

/* "ms" give or take a quarter: many workers must not act in step */
ngx_msec_t ngx_sms_timer_jitter(ngx_msec_t ms);

/* microseconds: monotonic, and since the epoch.  Read from the kernel (vDSO),
 * not from nginx's cached time, which stands still during a turn.            */
int64_t ngx_sms_timer_mono_us(void);
int64_t ngx_sms_timer_now_us(void);

#endif /* NGX_SMS_TIMER_H */
