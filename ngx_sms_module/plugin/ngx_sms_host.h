/*
 * The tables that a plugin gets as sms_host_t, and the handles in them.
 * Private to plugin/.
 *
 * Handles (timers, watches, streams, HTTP requests) are slot and generation in
 * one table of the worker; an entry belongs to one plugin and has one type, so
 * a stale, invented or another plugin's handle finds nothing.
 */
#ifndef NGX_SMS_HOST_H
#define NGX_SMS_HOST_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"

#include "ngx_sms_plugin_live.h"


typedef enum {
    NGX_SMS_HANDLE_TIMER = 1,
    NGX_SMS_HANDLE_WATCH,
    NGX_SMS_HANDLE_STREAM,
    NGX_SMS_HANDLE_REQUEST,
    NGX_SMS_HANDLE_QUERY
} ngx_sms_handle_type_e;

/* first member of what a handle stands for */
typedef struct {
    ngx_queue_t              queue;         /* live->handles                  */
    ngx_sms_plugin_t        *plugin;
    ngx_uint_t               type;
    sms_handle_t             id;
} ngx_sms_handle_t;


extern const sms_core_api_t     ngx_sms_host_core;
extern const sms_loop_api_t     ngx_sms_host_loop;
extern const sms_stream_api_t   ngx_sms_host_stream;
extern const sms_http_api_t     ngx_sms_host_http;
extern const sms_db_api_t       ngx_sms_host_db;
extern const sms_dict_api_t     ngx_sms_host_dict;
extern const sms_metric_api_t   ngx_sms_host_metric;
extern const sms_outbox_api_t   ngx_sms_host_outbox;
extern const sms_inbound_api_t  ngx_sms_host_inbound;


#define ngx_sms_host_plugin(h)  ((ngx_sms_plugin_t *) (h)->impl)

/* fills p->host with what is granted; NGX_OK or NGX_ERROR */
ngx_int_t ngx_sms_host_create(ngx_sms_plugin_t *p, ngx_cycle_t *cycle);

/* ends everything that the plugin has under way; no callback runs */
void ngx_sms_host_release(ngx_sms_plugin_t *p);
/* from exit_process, after the last plugin */
void ngx_sms_host_done(void);
/* what was put and has no answer; nothing may answer it any more */
void ngx_sms_host_puts_done(void);

/* a zeroed object of "size" whose first member is ngx_sms_handle_t; 0 when the
 * plugin has reached "limit" (counted in *used) or memory is out             */
void *ngx_sms_host_handle_add(ngx_sms_plugin_t *p, ngx_uint_t type,
    size_t size, ngx_uint_t *used, ngx_uint_t limit);
void *ngx_sms_host_handle_find(ngx_sms_plugin_t *p, ngx_uint_t type,
    sms_handle_t id);
void ngx_sms_host_handle_free(void *object, ngx_uint_t *used);

/* one for each type: ends the object without a callback and frees it */
void ngx_sms_host_timer_stop(void *object);
void ngx_sms_host_watch_stop(void *object);
void ngx_sms_host_stream_stop(void *object);
void ngx_sms_host_request_stop(void *object);
void ngx_sms_host_query_stop(void *object);
/* of any type */
void ngx_sms_host_handle_stop(ngx_sms_handle_t *h);

#endif /* NGX_SMS_HOST_H */
