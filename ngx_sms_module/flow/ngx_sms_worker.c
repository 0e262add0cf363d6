#include "ngx_sms_worker.h"

#include "ngx_sms_curl.h"
#include "ngx_sms_dispatch.h"
#include "ngx_sms_exit.h"
#include "ngx_sms_halts.h"
#include "ngx_sms_host.h"
#include "ngx_sms_ids.h"
#include "ngx_sms_evidence.h"
#include "ngx_sms_inbound.h"
#include "ngx_sms_intake.h"
#include "ngx_sms_lease_hooks.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_pool.h"
#include "ngx_sms_post.h"
#include "ngx_sms_profiles.h"
#include "ngx_sms_receive.h"
#include "ngx_sms_resolve.h"
#include "ngx_sms_shadow.h"
#include "ngx_sms_slot.h"
#include "ngx_sms_store_lease.h"
#include "ngx_sms_tally.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_tls.h"
#include "ngx_sms_upkeep.h"
#include "ngx_sms_webhook.h"
#include "ngx_sms_work.h"


#define NGX_SMS_HEARTBEAT  1000


typedef struct {
    ngx_sms_done_pt          done;
    void                    *data;
} ngx_sms_outbox_wait_t;


static void ngx_sms_worker_notify(void *data, const char *channel,
    const char *payload);
static void ngx_sms_worker_links(void *data);
static void ngx_sms_worker_linked(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_worker_beat(void *data);
static void ngx_sms_worker_leave(void *data);
static sms_rc_t ngx_sms_worker_outbox(ngx_sms_plugin_t *p, sms_str_t topic,
    sms_str_t key, sms_str_t payload, int64_t not_before_us,
    ngx_sms_done_pt done, void *data);
static void ngx_sms_worker_outbox_done(void *data,
    const ngx_sms_pg_res_t *res);


ngx_sms_worker_t  ngx_sms_worker;


static ngx_sms_timer_t       ngx_sms_worker_timer;
static ngx_sms_pg_watcher_t  ngx_sms_worker_watcher;

static const ngx_sms_host_hooks_t  ngx_sms_worker_hooks = {
    ngx_sms_worker_outbox,
    ngx_sms_receive,
    ngx_sms_lease_hook_want,
    ngx_sms_lease_hook_drop,
    ngx_sms_lease_hook_valid,
    ngx_sms_dispatch_window_open,
    ngx_sms_dispatch_bind_told
};


ngx_int_t
ngx_sms_worker_start(ngx_cycle_t *cycle, const ngx_sms_settings_t *settings,
    ngx_sms_plugins_t *plugins, ngx_sms_zone_t *zone)
{
    ngx_sms_worker_t  *w;

    w = &ngx_sms_worker;
    ngx_memzero(w, sizeof(ngx_sms_worker_t));
    w->settings = settings;
    w->plugins = plugins;
    w->zone = zone;
    w->judge.plugins = plugins;
    w->judge.sandbox = settings->sandbox;
    w->screen.judge = w->judge;
    w->screen.consent_max_age = settings->consent_max_age;
    w->running = 1;

    plugins->zone = zone;

    if (ngx_sms_slot_claim(zone, &plugins->dead) != NGX_DONE) {
        ngx_memzero(&plugins->dead, sizeof(ngx_sms_slot_info_t));
    }

    ngx_sms_ids_init();
    ngx_sms_tally_init(zone);
    ngx_sms_profiles_init();
    ngx_sms_halts_init(plugins, cycle->log);
    ngx_sms_quality_init(&settings->quality, zone, cycle->log);
    ngx_sms_shadow_init(plugins, cycle->log);
    ngx_sms_evidence_init(settings->evidence_key, cycle->log);
    ngx_sms_resolve_init(settings->resolver, settings->resolver_timeout);

    if (ngx_sms_exit_init(cycle) != NGX_OK
        || ngx_sms_post_init(cycle) != NGX_OK
        || ngx_sms_curl_init(cycle) != NGX_OK
        || ngx_sms_store_init(&settings->pg, cycle->log,
                              ngx_sms_worker_notify)
           != NGX_OK
        || ngx_sms_leases_init(&settings->node, cycle->log) != NGX_OK
        || ngx_sms_intake_init(zone) != NGX_OK
        || ngx_sms_dispatch_init(plugins, zone, cycle->log) != NGX_OK
        || ngx_sms_screen_init(&w->screen, zone, cycle->log) != NGX_OK
        || ngx_sms_inbound_init(zone, cycle->log) != NGX_OK
        || ngx_sms_upkeep_init(zone, cycle->log) != NGX_OK
        || ngx_sms_webhook_init(settings->webhook_private, zone, cycle->log)
           != NGX_OK
        || ngx_sms_exit_add(NGX_SMS_EXIT_FLOW, ngx_sms_worker_leave, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    plugins->db = ngx_sms_store.read;

    if (ngx_sms_plugins_init_process(cycle, plugins, &ngx_sms_worker_hooks)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&ngx_sms_worker_watcher, sizeof(ngx_sms_pg_watcher_t));
    ngx_sms_worker_watcher.ready = ngx_sms_worker_links;
    ngx_sms_pg_conn_watch(ngx_sms_store.control, &ngx_sms_worker_watcher);

    ngx_sms_timer_housekeeping(&ngx_sms_worker_timer, ngx_sms_worker_beat,
                               NULL, cycle->log);
    ngx_sms_timer_start(&ngx_sms_worker_timer, NGX_SMS_HEARTBEAT);

    ngx_sms_store_start();

    return NGX_OK;
}


void
ngx_sms_worker_end(ngx_cycle_t *cycle)
{
    if (!ngx_sms_worker.running) {
        return;
    }

    ngx_sms_timer_stop(&ngx_sms_worker_timer);
    ngx_sms_tally();
    ngx_sms_screen_exit();
    ngx_sms_upkeep_stop();
    ngx_sms_evidence_stop();
    ngx_sms_inbound_stop();
    ngx_sms_webhook_exit();
    ngx_sms_quality_exit();
    ngx_sms_shadow_exit();
    ngx_sms_plugins_exit_process(cycle, ngx_sms_worker.plugins);
    ngx_sms_dispatch_exit();
    ngx_sms_intake_exit();
    ngx_sms_leases_exit();
    ngx_sms_profiles_done();
    ngx_sms_halts_exit();
    ngx_sms_pg_conn_unwatch(&ngx_sms_worker_watcher);
    ngx_sms_store_done();
    ngx_sms_curl_done();
    ngx_sms_tls_done();
    ngx_sms_post_done();
    ngx_sms_exit_done();
    ngx_sms_work_done();
    ngx_sms_pool_done();
    ngx_sms_host_puts_done();
    ngx_sms_slot_release(ngx_sms_worker.zone);
    ngx_sms_worker.running = 0;
}


/* told in the turn in which nginx begins to quit */

static void
ngx_sms_worker_leave(void *data)
{
    (void) data;

    ngx_sms_screen_stop();
    ngx_sms_dispatch_stop();
    ngx_sms_upkeep_stop();
    ngx_sms_evidence_stop();
    ngx_sms_inbound_stop();
    ngx_sms_webhook_stop();
    ngx_sms_quality_stop();
    ngx_sms_shadow_stop();
    ngx_sms_leases_release();
}


static void
ngx_sms_worker_beat(void *data)
{
    (void) data;

    ngx_sms_timer_start(&ngx_sms_worker_timer, NGX_SMS_HEARTBEAT);
    ngx_sms_slot_beat(ngx_sms_worker.zone);
    ngx_sms_tally();
}


static void
ngx_sms_worker_notify(void *data, const char *channel, const char *payload)
{
    int64_t    account;
    ngx_int_t  link;

    (void) data;

    if (ngx_strcmp(channel, "sms_profile") == 0) {
        account = (int64_t) ngx_atoof((u_char *) payload, ngx_strlen(payload));
        ngx_sms_profiles_drop(account > 0 ? account : 0);
        return;
    }

    if (ngx_strcmp(channel, "sms_link") == 0) {
        ngx_sms_halts_read();
        return;
    }

    if (ngx_strcmp(channel, "sms_queue") == 0) {
        link = ngx_atoi((u_char *) payload, ngx_strlen(payload));

        if (link > 0) {
            ngx_sms_dispatch_told((uint32_t) link);
        }
    }
}


/* after each connect: notices may have been missed, links may be new */

static void
ngx_sms_worker_links(void *data)
{
    ngx_uint_t          i;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **p;

    (void) data;

    ngx_sms_profiles_drop(0);
    ngx_sms_halts_read();

    list = &ngx_sms_worker.plugins->kinds[SMS_KIND_OPERATOR];
    p = list->elts;

    for (i = 0; i < list->nelts; i++) {
        (void) ngx_sms_store_link_register(p[i]->link, &p[i]->name,
                                           &p[i]->operator_name,
                                           ngx_sms_worker_linked, p[i]);
    }
}


static void
ngx_sms_worker_linked(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_plugin_t  *p = data;

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "sms worker: link not registered: name=%V sqlstate=%s",
                      &p->name, res->sqlstate);
    }
}


static sms_rc_t
ngx_sms_worker_outbox(ngx_sms_plugin_t *p, sms_str_t topic, sms_str_t key,
    sms_str_t payload, int64_t not_before_us, ngx_sms_done_pt done, void *data)
{
    ngx_sms_outbox_wait_t  *wait;

    (void) p;

    wait = ngx_alloc(sizeof(ngx_sms_outbox_wait_t), ngx_cycle->log);
    if (wait == NULL) {
        return SMS_E_NOMEM;
    }

    wait->done = done;
    wait->data = data;

    if (ngx_sms_store_outbox_put(&topic, &key, &payload, not_before_us,
                                 ngx_sms_worker_outbox_done, wait)
        == NULL)
    {
        ngx_free(wait);
        return SMS_E_DOWN;
    }

    return SMS_OK;
}


static void
ngx_sms_worker_outbox_done(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_outbox_wait_t  *wait = data;

    wait->done(wait->data, res->rc == NGX_SMS_PG_OK ? SMS_OK : SMS_E_DOWN);
    ngx_free(wait);
}
