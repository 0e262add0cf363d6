/*
 * Stands around every callback into a plugin: who is on the stack (blame slot
 * in shared memory), how long it took, and what follows from that.
 *
 * slow     longer than SMS_CALLBACK_BUDGET_US by its own doing (it computed or
 *          blocked; being preempted does not count)
 * stall    the same, longer than limits.stall
 *
 * More than limits.slow or limits.stalls of them within limits.window and the
 * plugin is quarantined in this worker: it gets no new calls, those that wait
 * may still end.  If it goes on stalling from its timers and streams, these are
 * taken from it too.
 *
 * A worker's death is put to the account of the plugin that was on its stack;
 * after limits.crashes within limits.crash_window it is not initialised any
 * more, in no worker, until its block or its file changes.
 */
#ifndef NGX_SMS_GUARD_H
#define NGX_SMS_GUARD_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_plugin.h"


/* operations 0 .. NGX_SMS_OPS - 1 are ngx_sms_op_e */
typedef enum {
    NGX_SMS_GUARD_INIT = 32,
    NGX_SMS_GUARD_LEASE,
    NGX_SMS_GUARD_DRAIN,
    NGX_SMS_GUARD_EXIT,
    NGX_SMS_GUARD_CANCEL,
    NGX_SMS_GUARD_WINDOW,
    NGX_SMS_GUARD_TIMER,
    NGX_SMS_GUARD_WATCH,
    NGX_SMS_GUARD_POST,
    NGX_SMS_GUARD_STREAM,
    NGX_SMS_GUARD_HTTP,
    NGX_SMS_GUARD_DB,
    NGX_SMS_GUARD_OUTBOX,
    NGX_SMS_GUARD_INBOUND,
    NGX_SMS_GUARD_READY
} ngx_sms_guard_what_e;

typedef struct {
    ngx_sms_plugin_t    *plugin;
    ngx_uint_t           what;
    uint64_t             before;
    int64_t              since_ns;
    int64_t              cpu_us;
    long                 blocks;        /* times it gave up the processor     */
} ngx_sms_guard_t;


/* on the caller's stack, nested as calls are */
void ngx_sms_guard_enter(ngx_sms_guard_t *g, ngx_sms_plugin_t *p,
    ngx_uint_t what);
/* nanoseconds since enter */
uint64_t ngx_sms_guard_leave(ngx_sms_guard_t *g);

/* "why" is a constant */
void ngx_sms_guard_quarantine(ngx_sms_plugin_t *p, const char *why);

/* at init_process, before any plugin is loaded: reads plugins->dead */
void ngx_sms_guard_blame(ngx_sms_plugins_t *plugins, ngx_log_t *log);
/* 1: it has crashed too often to be initialised */
ngx_uint_t ngx_sms_guard_crashed(ngx_sms_plugin_t *p);

#endif /* NGX_SMS_GUARD_H */
