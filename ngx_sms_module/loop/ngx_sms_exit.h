/*
 * Being told that the worker leaves.
 *
 * nginx has no hook for "start to quit": a connection with fd -2 that calls
 * itself idle is told by ngx_close_idle_connections() in the same turn in which
 * the worker begins to exit.  Drain callbacks then run in ascending order,
 * those of equal order as they were added.
 *
 * SIGTERM and a crash skip all of this: nothing durable may depend on it.
 */
#ifndef NGX_SMS_EXIT_H
#define NGX_SMS_EXIT_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_SMS_EXIT_LEASES    10       /* give leases back                   */
#define NGX_SMS_EXIT_FLOW      20       /* claim no more                      */
#define NGX_SMS_EXIT_PLUGINS   30       /* ops->drain()                       */
#define NGX_SMS_EXIT_LOOP      40       /* HTTP client, idle streams          */
#define NGX_SMS_EXIT_DATABASE  50

#define NGX_SMS_EXIT_MAX       32


typedef void (*ngx_sms_exit_pt)(void *data);


/* once per worker, from init_process; NGX_OK or NGX_ERROR */
ngx_int_t ngx_sms_exit_init(ngx_cycle_t *cycle);
/* from exit_process: gives the watcher back if the worker was not told       */
void ngx_sms_exit_done(void);

/* NGX_OK, or NGX_ERROR when the table is full.  When the worker is leaving
 * already, the callback runs at once.                                        */
ngx_int_t ngx_sms_exit_add(ngx_uint_t order, ngx_sms_exit_pt drain,
    void *data);

/* 1 from the moment in which the drain began */
ngx_uint_t ngx_sms_exit_begun(void);

#endif /* NGX_SMS_EXIT_H */
