/*
 * What a worker knows of a plugin beside the public part.  Private to plugin/.
 */
#ifndef NGX_SMS_PLUGIN_LIVE_H
#define NGX_SMS_PLUGIN_LIVE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"

#include "ngx_sms_keys.h"
#include "ngx_sms_plugin.h"


/* sms_plugin_<name>{plugin="..."}; beside the sums of ngx_sms_counter.def */
typedef enum {
    NGX_SMS_PM_CALLS = 0,
    NGX_SMS_PM_ITEMS,
    NGX_SMS_PM_ERRORS,
    NGX_SMS_PM_SLOW,
    NGX_SMS_PM_CALLBACK_US,
    NGX_SMS_PM_PENDING,
    NGX_SMS_PM_QUARANTINED,
    NGX_SMS_PM_MAX
} ngx_sms_plugin_metric_e;


struct ngx_sms_plugin_live_s {
    struct sms_host_s        host;
    ngx_sms_plugin_t        *plugin;
    ngx_pool_t              *pool;
    ngx_log_t               *log;
    ngx_sms_keys_t          *keys;
    ngx_queue_t              handles;       /* ngx_sms_handle_t               */
    ngx_array_t              stmts;         /* ngx_sms_pg_stmt_t *            */
    uint32_t                 metric[NGX_SMS_PM_MAX];
    ngx_event_t              window;        /* window_open() is due           */
    ngx_event_t              cut;           /* cutting it off is due          */

    /* D16: nanoseconds an item has cost, and items the next call may have */
    uint64_t                 cost_ns[NGX_SMS_OPS];
    ngx_uint_t               chunk[NGX_SMS_OPS];

    /* guard */
    int64_t                  window_us;     /* when the window began          */
    ngx_uint_t               slow;
    ngx_uint_t               stalls;
    unsigned                 initialising:1;
    unsigned                 cut_off:1;
};

#endif /* NGX_SMS_PLUGIN_LIVE_H */
