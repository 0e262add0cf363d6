/*
 * Deadlines of one length, any number of them behind one timer.
 *
 * Who starts last is due last, so they stand in a line and only the first one
 * is timed: to start and to stop costs two pointers, where a timer of its own
 * goes into nginx's tree and out again, past the timers of all connections.
 *
 * A wait keeps the worker alive until it is over, as a deadline timer does
 * (ngx_sms_timer.h).  It is embedded in its owner's struct, which zeroes it, and
 * must be stopped before that memory goes.
 */
#ifndef NGX_SMS_TIMER_LINE_H
#define NGX_SMS_TIMER_LINE_H

#include "ngx_sms_timer.h"


typedef struct {
    ngx_queue_t        waits;
    ngx_msec_t         length;
    ngx_sms_timer_t    timer;
} ngx_sms_timer_line_t;

typedef struct {
    ngx_queue_t             queue;
    ngx_sms_timer_line_t   *line;       /* NULL: it does not run              */
    ngx_msec_t              due;
    ngx_sms_timer_pt        handler;
    void                   *data;
} ngx_sms_timer_wait_t;


/* also before the worker is there: nothing is timed yet */
void ngx_sms_timer_line_init(ngx_sms_timer_line_t *line, ngx_msec_t length,
    ngx_log_t *log);

/* "wait" has handler and data, and does not run */
void ngx_sms_timer_line_start(ngx_sms_timer_line_t *line,
    ngx_sms_timer_wait_t *wait);
/* harmless when it does not run */
void ngx_sms_timer_line_stop(ngx_sms_timer_wait_t *wait);

#define ngx_sms_timer_line_running(wait)  ((wait)->line != NULL)

#endif /* NGX_SMS_TIMER_LINE_H */
