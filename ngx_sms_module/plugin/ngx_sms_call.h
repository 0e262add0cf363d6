/*
 * One call into a plugin: a part of a run, behind a token.  Private to plugin/;
 * the public face is ngx_sms_plugin.h.
 *
 * The token is slot and generation (sms_slots.h) in one table of the worker.
 * It ends with the call: completed, timed out, abandoned.  A later, second or
 * invented complete(), or one from another plugin, gets SMS_E_STALE and touches
 * nothing.
 *
 * A plugin with cancel() promises to keep its hands off afterwards.  From one
 * without, the run's memory is withheld until it completes the stale token.
 */
#ifndef NGX_SMS_CALL_H
#define NGX_SMS_CALL_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_plugin.h"


#define NGX_SMS_CALLS_MAX        65536  /* tokens of one worker               */
#define NGX_SMS_CALL_ITEMS       32     /* of the first call (D16)            */
#define NGX_SMS_CALL_TARGET_NS   800000 /* aim of one call, under 1 ms        */
#define NGX_SMS_CALL_TIMEOUT     5000   /* ms, where the run says 0           */


typedef struct {
    ngx_queue_t          queue;         /* run->pending                       */
    sms_call_t           token;
    ngx_sms_run_t       *run;
    ngx_sms_plugin_t    *plugin;
    ngx_uint_t           first;         /* item of the run                    */
    size_t               bytes;         /* given by alloc()                   */
    sms_batch_t          batch;
    sms_rc_t             rc;
    unsigned             inside:1;      /* the operation is on the stack      */
    unsigned             completed:1;
    unsigned             orphan:1;      /* nobody waits; no cancel()          */
} ngx_sms_call_t;


/* once per worker, before the first plugin */
void ngx_sms_call_init(void);

/* answers of the core table */
sms_rc_t ngx_sms_call_complete(ngx_sms_plugin_t *p, sms_call_t token,
    sms_rc_t rc);
void *ngx_sms_call_alloc(ngx_sms_plugin_t *p, sms_call_t token, size_t n);

/* Gives the next n items of the run to the plugin.  SMS_OK: their results are
 * there, or the call pends in run->pending; else nothing was called.         */
sms_rc_t ngx_sms_call_start(ngx_sms_run_t *run, ngx_uint_t n);
/* takes it off run->pending */
void ngx_sms_call_end(ngx_sms_call_t *call);
/* takes the batch away from the plugin; the token is stale afterwards        */
void ngx_sms_call_cancel(ngx_sms_call_t *call);

/* metric NGX_SMS_PM_MAX, id NGX_SMS_C_MAX: not that one */
void ngx_sms_call_count(ngx_sms_plugin_t *p, ngx_uint_t metric,
    ngx_sms_counter_id_t id, int64_t n);

/* ends every call of the plugin; their runs end with SMS_E_DOWN */
void ngx_sms_call_cancel_all(ngx_sms_plugin_t *p);
/* after exit(): memory that was withheld for it is given back */
void ngx_sms_call_forget_all(ngx_sms_plugin_t *p);
/* from exit_process, after the last plugin */
void ngx_sms_call_done(void);

#endif /* NGX_SMS_CALL_H */
