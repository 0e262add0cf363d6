/*
 * Plugins as flow/ and http/ see them.
 *
 * A plugin here is an instance: one "sms_plugin <kind> <name> <file>" block.
 * The collection belongs to the configuration; the worker's part of it is
 * filled by ngx_sms_plugins_init_process().
 *
 * Calling one:
 *
 *     run = ngx_sms_run_create(n, sizeof(sms_msg_t), log);
 *     m = ngx_sms_run_item(run, sms_msg_t, i);     fill; strings: run->pool or
 *                                                  memory that outlives run
 *     run->done = ...; run->data = ...; run->timeout = 2000;
 *
 *     switch (ngx_sms_plugin_run(p, NGX_SMS_OP_RULE_EVALUATE, run)) {
 *     case NGX_OK:     results are there                 -> use, run_free
 *     case NGX_AGAIN:  run->done(run) follows, from a posted event
 *     case NGX_ERROR:  run->rc tells                     -> policy, run_free
 *     }
 *
 * The host cuts a run into calls that stay under 1 ms by the plugin's own
 * measured cost per item (D16); a run of several calls always ends with
 * NGX_AGAIN, and the loop turns between its calls.  One call that fails fails
 * its own items only: look at each result's "status".  run->rc is SMS_OK when
 * no call failed, else the rc of the first one that did.
 *
 * Memory: run->pool owns run, items and results.  To make something else live
 * as long as the run (a submission), add a pool cleanup to run->pool that lets
 * go of it.  ngx_sms_plugin_run_free() ends it; when a plugin without cancel()
 * may still write into the results, the pool waits for that.  A finished run
 * may be run again, with another plugin or operation: same items, new results.
 */
#ifndef NGX_SMS_PLUGIN_H
#define NGX_SMS_PLUGIN_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "sms_plugin.h"

#include "ngx_sms_pg_conn.h"
#include "ngx_sms_slot.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_zone.h"


#define NGX_SMS_KINDS             (SMS_KIND_LOOKUP + 1)
#define NGX_SMS_PLUGINS_MAX       64


/* what the configuration may grant; core and loop are always granted */
#define NGX_SMS_GRANT_STREAM      0x01
#define NGX_SMS_GRANT_HTTP        0x02
#define NGX_SMS_GRANT_DB          0x04
#define NGX_SMS_GRANT_DICT        0x08
#define NGX_SMS_GRANT_METRIC      0x10
#define NGX_SMS_GRANT_OUTBOX      0x20
#define NGX_SMS_GRANT_INBOUND     0x40


/* what happens to an item whose call failed */
typedef enum {
    NGX_SMS_ON_ERROR_DEFER = 1,         /* try again later                    */
    NGX_SMS_ON_ERROR_DENY,
    NGX_SMS_ON_ERROR_ALLOW              /* as if the plugin were not there    */
} ngx_sms_on_error_e;


/* in the order of sms_ops_t */
typedef enum {
    NGX_SMS_OP_RULE_EVALUATE = 0,
    NGX_SMS_OP_CONSENT_LOOKUP,
    NGX_SMS_OP_BILLING_QUOTE,           /* SMS_PENDING is refused (D5)        */
    NGX_SMS_OP_BILLING_HOLD,
    NGX_SMS_OP_BILLING_SETTLE,
    NGX_SMS_OP_BILLING_RELEASE,
    NGX_SMS_OP_ROUTER_CHOOSE,
    NGX_SMS_OP_OPERATOR_SUBMIT,
    NGX_SMS_OP_AUTH_CHECK,
    NGX_SMS_OP_NOTIFIER_SEND,
    NGX_SMS_OP_LOOKUP_NETWORK,
    NGX_SMS_OP_HTTP_IN,
    NGX_SMS_OP_OPERATOR_QUERY,
    NGX_SMS_OP_OPERATOR_CANCEL,
    NGX_SMS_OPS
} ngx_sms_op_e;


/* what an administrator has made of an operator's link: column sms.link.halt */
typedef enum {
    NGX_SMS_LINK_OPEN = 0,
    NGX_SMS_LINK_DRAINED,               /* nothing new is claimed for it      */
    NGX_SMS_LINK_STOPPED                /* nor accepted or routed to it       */
} ngx_sms_link_halt_e;


/* limits of one plugin in one worker; docs/PLUGINS.md has the same table */
typedef struct {
    ngx_uint_t               calls;         /* pending calls          1024    */
    size_t                   call_bytes;    /* core->alloc() a call   1 MiB   */
    ngx_uint_t               timers;        /*                        4096    */
    ngx_uint_t               watches;       /*                        256     */
    ngx_uint_t               streams;       /*                        64      */
    ngx_uint_t               requests;      /* HTTP out               256     */
    ngx_uint_t               queries;       /* in flight              256     */
    ngx_msec_t               stall;         /* a callback this long   250 ms  */
    ngx_uint_t               stalls;        /* so many in a window    3       */
    ngx_uint_t               slow;          /* callbacks over budget  1000    */
    ngx_msec_t               window;        /*                        60 s    */
    ngx_uint_t               crashes;       /* in crash_window        3       */
    ngx_msec_t               crash_window;  /*                        600 s   */
} ngx_sms_plugin_limits_t;


/* of this worker since its start */
#define NGX_SMS_PLUGIN_TIMES  8

typedef struct {
    uint64_t                 calls;
    uint64_t                 items;
    uint64_t                 errors;        /* calls that failed              */
    uint64_t                 item_errors;   /* results with a status          */
    uint64_t                 invalid;       /* results out of range           */
    uint64_t                 stale;         /* late, double, forged           */
    uint64_t                 timeouts;
    uint64_t                 refused;       /* BUSY, quarantined, not loaded  */
    uint64_t                 callbacks;     /* of every sort                  */
    uint64_t                 slow;          /* over SMS_CALLBACK_BUDGET_US    */
    uint64_t                 time_us;       /* sum over callbacks             */
    uint64_t                 time[NGX_SMS_PLUGIN_TIMES]; /* <= 50 100 250 500
                                               1000 2000 10000 us, more       */
    ngx_uint_t               pending;       /* calls now                      */
    ngx_uint_t               timers;
    ngx_uint_t               watches;
    ngx_uint_t               streams;
    ngx_uint_t               requests;
    ngx_uint_t               queries;
} ngx_sms_plugin_stats_t;


typedef struct {
    ngx_str_t                name;
    ngx_str_t                value;
    ngx_str_t                file;          /* where it stands                */
    ngx_uint_t               line;
} ngx_sms_plugin_value_t;


typedef struct ngx_sms_plugin_s       ngx_sms_plugin_t;
typedef struct ngx_sms_plugins_s      ngx_sms_plugins_t;
typedef struct ngx_sms_plugin_live_s  ngx_sms_plugin_live_t;
typedef struct ngx_sms_run_s          ngx_sms_run_t;

typedef void (*ngx_sms_done_pt)(void *data, sms_rc_t rc);


/* Up-calls of the host tables that only flow/ can answer.  Every member is
 * set.  "done" is called once from the loop, never from inside the up-call, and
 * only when SMS_OK or SMS_PENDING was returned; flow/ copies the strings.    */
typedef struct {
    sms_rc_t  (*outbox_put)(ngx_sms_plugin_t *p, sms_str_t topic,
                  sms_str_t key, sms_str_t payload, int64_t not_before_us,
                  ngx_sms_done_pt done, void *data);
    /* p->link is the link; ev[].link is not filled */
    sms_rc_t  (*inbound_deliver)(ngx_sms_plugin_t *p, const sms_inbound_t *ev,
                  uint32_t stride, uint32_t n, ngx_sms_done_pt done,
                  void *data);
    sms_rc_t  (*lease_want)(ngx_sms_plugin_t *p, sms_str_t name);
    void      (*lease_drop)(ngx_sms_plugin_t *p, sms_str_t name);
    int       (*lease_valid)(ngx_sms_plugin_t *p, sms_str_t name);
    /* at most once a turn, from a posted event */
    void      (*window_open)(ngx_sms_plugin_t *p);
    void      (*bind_told)(ngx_sms_plugin_t *p, sms_str_t name,
                  const sms_bind_t *bind);
} ngx_sms_host_hooks_t;


struct ngx_sms_plugin_s {
    /* configuration */
    ngx_str_t                name;          /* unique                         */
    sms_kind_t               kind;
    ngx_uint_t               index;         /* in plugins->all                */
    ngx_int_t                order;         /* low first; then as written     */
    uint32_t                 link;          /* operators: unique, not 0       */
    ngx_str_t                operator_name; /* operators                      */
    uint32_t                 flags;         /* operators: SMS_OPERATOR_*, once
                                               loaded                         */
    ngx_uint_t               classes;       /* operators: bit 1 << sms_class_t
                                               for each that may use the link;
                                               0: all                         */
    ngx_uint_t               encodings;     /* the same of sms_encoding_t     */
    ngx_uint_t               abroad;        /* operators: enters from abroad  */
    ngx_msec_t               wait;          /* lookups: a request waits so long
                                               for an answer that is not at
                                               hand; 0: not at all            */
    ngx_str_t                shadow;        /* rules: judges beside the one of
                                               this name, without effect      */
    ngx_uint_t               share;         /* of a shadow: percent of texts  */
    ngx_uint_t               on_error;      /* ngx_sms_on_error_e             */
    ngx_uint_t               grants;
    ngx_str_t                path;          /* absolute, NUL-terminated       */
    ngx_str_t                conf_file;
    ngx_uint_t               conf_line;
    ngx_array_t              values;        /* ngx_sms_plugin_value_t         */
    ngx_str_t                location_file; /* of an sms_plugin_location      */
    ngx_uint_t               location_line; /* 0: it gets no requests         */
    sms_manifest_t           manifest;
    uint32_t                 stamp;         /* of block and file: a crashed one
                                               gets a new chance when it
                                               changes                        */
    ngx_sms_plugins_t       *plugins;

    /* this worker */
    unsigned                 loaded:1;      /* init() said SMS_OK             */
    unsigned                 quarantined:1;
    unsigned                 draining:1;
    unsigned                 halt:2;        /* operators: ngx_sms_link_halt_e */
    unsigned                 unbind:1;      /* halted, without its binds      */
    const char              *why;           /* not usable: reason, constant   */
    const sms_ops_t         *ops;
    void                    *inst;
    sms_host_t              *host;
    ngx_sms_plugin_stats_t   stats;
    ngx_sms_plugin_live_t   *live;          /* private to plugin/             */
    void                    *user;          /* for flow/                      */
};


struct ngx_sms_plugins_s {
    ngx_array_t              all;           /* ngx_sms_plugin_t *             */
    ngx_array_t              kinds[NGX_SMS_KINDS]; /* ngx_sms_plugin_t *, by
                                               order, without shadows; filled by
                                               ngx_sms_plugins_init_conf()    */
    ngx_array_t              shadows;       /* ngx_sms_plugin_t *; the same   */
    ngx_str_t                path;          /* sms_plugin_path                */
    ngx_sms_plugin_limits_t  limits;
    ngx_uint_t               links;         /* operators                      */
    sms_link_t              *link;          /* what host->links shows         */
    const ngx_sms_host_hooks_t  *hooks;
    ngx_str_t                prefix;        /* nginx's, for SMS_CONF_PATH     */

    /* this worker; set by the caller of ngx_sms_plugins_init_process() */
    ngx_sms_pg_conn_t       *db;            /* for reads, or NULL             */
    ngx_sms_zone_t          *zone;          /* or NULL: no dict, no metrics, no
                                               blame                          */
    ngx_sms_slot_info_t      dead;          /* as ngx_sms_slot_claim() gave it
                                               with NGX_DONE; else pid 0      */
};


struct ngx_sms_run_s {
    ngx_pool_t              *pool;
    ngx_uint_t               n;             /* items                          */
    char                    *items;         /* zeroed                         */
    size_t                   item_stride;
    char                    *results;       /* after run(): zeroed, filled    */
    size_t                   result_stride;
    ngx_msec_t               timeout;       /* of the whole run; 0: 5000      */
    void                   (*done)(ngx_sms_run_t *run);
    void                    *data;          /* the caller's                   */
    sms_rc_t                 rc;

    /* private to ngx_sms_run.c */
    ngx_sms_plugin_t        *plugin;
    ngx_uint_t               op;
    ngx_uint_t               next;          /* first item not yet given       */
    ngx_uint_t               refs;          /* of the pool                    */
    int64_t                  deadline_us;   /* since the epoch                */
    ngx_queue_t              pending;       /* ngx_sms_call_t                 */
    ngx_sms_timer_t          deadline;
    ngx_event_t              turn;
    ngx_uint_t               state;
};


#define ngx_sms_run_item(run, type, i)                                        \
    ((type *) (void *) ((run)->items + (run)->item_stride * (i)))
#define ngx_sms_run_result(run, type, i)                                      \
    ((type *) (void *) ((run)->results + (run)->result_stride * (i)))


/* ---- configuration (master; ngx_sms_plugin.c) --------------------------- */

/* an empty collection with default limits, in cf->pool; NULL: no memory */
ngx_sms_plugins_t *ngx_sms_plugins_create(ngx_conf_t *cf);

/* From init_main_conf: reads manifests, asks the probe children, orders the
 * lists.  NGX_CONF_OK, or NGX_CONF_ERROR after an emerg with file and line.  */
char *ngx_sms_plugins_init_conf(ngx_conf_t *cf, ngx_sms_plugins_t *plugins);

/* name -> instance, or NULL */
ngx_sms_plugin_t *ngx_sms_plugin_find(ngx_sms_plugins_t *plugins,
    ngx_str_t *name);
ngx_sms_plugin_t *ngx_sms_plugin_by_link(ngx_sms_plugins_t *plugins,
    uint32_t link);

const char *ngx_sms_plugin_kind_name(ngx_uint_t kind);         /* "rule" or NULL     */
/* the same, and NULL for the kinds that this version does not call */
const char *ngx_sms_plugin_kind_called(ngx_uint_t kind);
const char *ngx_sms_op_name(ngx_uint_t op);             /* "rule_evaluate"    */
const char *ngx_sms_plugin_on_error_name(ngx_uint_t policy);   /* "defer"            */
const char *ngx_sms_plugin_grant_name(ngx_uint_t bit);         /* 0: "stream"; NULL  */


/* ---- worker (ngx_sms_loader.c) ------------------------------------------ */

/* From init_process, after loop/ (post, exit, resolve, curl), the worker's slot
 * and plugins->db, ->zone, ->dead.  Registers the drain with ngx_sms_exit.  A
 * plugin that does not load is logged and left unusable: never an error here,
 * or a bad plugin would become a respawn loop.  NGX_ERROR only without memory. */
ngx_int_t ngx_sms_plugins_init_process(ngx_cycle_t *cycle,
    ngx_sms_plugins_t *plugins, const ngx_sms_host_hooks_t *hooks);

/* No new calls; ops->drain().  ngx_sms_exit does it by itself: to operators,
 * consent and notifiers when the worker begins to leave, to what answers
 * requests (rule, billing, router, auth, lookup) when the last one has its
 * answer, shortly before exit().                                             */
void ngx_sms_plugins_drain(ngx_sms_plugins_t *plugins);

/* From exit_process, after flow/ has let go of its runs: cancels calls that
 * still wait (done() is not called; their runs stay the caller's), ops->exit(),
 * stops what plugins left behind.  Never dlclose().                          */
void ngx_sms_plugins_exit_process(ngx_cycle_t *cycle,
    ngx_sms_plugins_t *plugins);


/* of ngx_sms_slot_info_t.plugin; NULL: of another configuration */
ngx_sms_plugin_t *ngx_sms_plugin_by_slot(ngx_sms_plugins_t *plugins,
    ngx_uint_t number);
/* ngx_sms_slot_info_t.operation: "rule_evaluate", "timer"; "?" */
const char *ngx_sms_plugin_slot_operation(ngx_uint_t operation);


/* ---- calls (ngx_sms_run.c, ngx_sms_call.c) ------------------------------ */

/* 1 when the plugin is loaded, not quarantined and not draining */
ngx_uint_t ngx_sms_plugin_usable(ngx_sms_plugin_t *p);
/* 1 when it is usable and says that it can do its work */
ngx_uint_t ngx_sms_plugin_ready(ngx_sms_plugin_t *p);
/* 1 when it offers the operation */
ngx_uint_t ngx_sms_plugin_has(ngx_sms_plugin_t *p, ngx_uint_t op);

/* n zeroed items in a pool of their own; NULL: no memory */
ngx_sms_run_t *ngx_sms_run_create(ngx_uint_t n, size_t item_stride,
    ngx_log_t *log);

/* See the top.  Errors of the run as a whole: SMS_E_DOWN not loaded,
 * quarantined or draining; SMS_E_BUSY too many calls pending; SMS_E_INVAL the
 * plugin has no such operation; SMS_E_NOMEM.  Then every status says so too. */
ngx_int_t ngx_sms_plugin_run(ngx_sms_plugin_t *p, ngx_uint_t op,
    ngx_sms_run_t *run);

/* of a finished run, or of one that never ran */
void ngx_sms_plugin_run_free(ngx_sms_run_t *run);
/* nobody waits any more: cancels its calls, done() will not run; frees run   */
void ngx_sms_plugin_run_abandon(ngx_sms_run_t *run);

/* operators: parts it can take now, 0 when not usable */
uint32_t ngx_sms_plugin_window(ngx_sms_plugin_t *p);

/* flow/ tells that a lease was won (held 1, with its epoch) or lost */
void ngx_sms_plugin_lease(ngx_sms_plugin_t *p, sms_str_t name, int held,
    uint64_t epoch);


/* ---- for people (ngx_sms_plugin.c) -------------------------------------- */

/* One JSON object: name, kind, file, version, abi, grants, state, why, policy,
 * order, link, operator and the key table with values, secrets as "***".  In a
 * worker where it is loaded; else without keys.  NGX_OK or NGX_ERROR.        */
ngx_int_t ngx_sms_plugin_describe(ngx_sms_plugin_t *p, ngx_pool_t *pool,
    ngx_str_t *json);

#endif /* NGX_SMS_PLUGIN_H */
