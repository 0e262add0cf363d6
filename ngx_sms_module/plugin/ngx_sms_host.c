#include "ngx_sms_host.h"

#include "sms_slots.h"

#include "ngx_sms_call.h"


#define NGX_SMS_HANDLES_MAX  131072


static sms_slots_t  ngx_sms_handles;


static void ngx_sms_host_cut(ngx_event_t *ev);


ngx_int_t
ngx_sms_host_create(ngx_sms_plugin_t *p, ngx_cycle_t *cycle)
{
    ngx_core_conf_t        *ccf;
    struct sms_host_s      *h;
    ngx_sms_plugin_live_t  *live;

    if (ngx_sms_handles.limit == 0) {
        sms_slots_init(&ngx_sms_handles, NGX_SMS_HANDLES_MAX);
    }

    live = p->live;
    h = &live->host;

    ngx_queue_init(&live->handles);

    if (ngx_array_init(&live->stmts, live->pool, 4, sizeof(void *)) != NGX_OK) {
        return NGX_ERROR;
    }

    live->cut.handler = ngx_sms_host_cut;
    live->cut.data = p;
    live->cut.log = live->log;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    h->size = sizeof(struct sms_host_s);
    h->abi_major = SMS_ABI_MAJOR;
    h->abi_minor = SMS_ABI_MINOR;
    h->worker = (uint32_t) ngx_worker;
    h->workers = (uint32_t) (ccf->worker_processes > 0 ? ccf->worker_processes
                                                       : 1);
    h->link = p->link;
    h->nlinks = (uint32_t) p->plugins->links;
    h->link_stride = sizeof(sms_link_t);
    h->links = p->plugins->link;
    h->name.ptr = (char *) p->name.data;
    h->name.len = p->name.len;
    h->impl = p;

    h->core = &ngx_sms_host_core;
    h->loop = &ngx_sms_host_loop;

    if (p->grants & NGX_SMS_GRANT_STREAM) {
        h->stream = &ngx_sms_host_stream;
    }

    if (p->grants & NGX_SMS_GRANT_HTTP) {
        h->http = &ngx_sms_host_http;
    }

    if (p->grants & NGX_SMS_GRANT_DB) {
        h->db = &ngx_sms_host_db;
    }

    if (p->grants & NGX_SMS_GRANT_DICT) {
        h->dict = &ngx_sms_host_dict;
    }

    if (p->grants & NGX_SMS_GRANT_METRIC) {
        h->metric = &ngx_sms_host_metric;
    }

    if (p->grants & NGX_SMS_GRANT_OUTBOX) {
        h->outbox = &ngx_sms_host_outbox;
    }

    if (p->grants & NGX_SMS_GRANT_INBOUND) {
        h->inbound = &ngx_sms_host_inbound;
    }

    p->host = h;

    return NGX_OK;
}


void
ngx_sms_host_release(ngx_sms_plugin_t *p)
{
    ngx_queue_t            *q;
    ngx_sms_plugin_live_t  *live;

    live = p->live;

    while (!ngx_queue_empty(&live->handles)) {
        q = ngx_queue_head(&live->handles);
        ngx_sms_host_handle_stop(ngx_queue_data(q, ngx_sms_handle_t, queue));
    }

    if (live->window.posted) {
        ngx_delete_posted_event(&live->window);
    }

    if (live->cut.posted) {
        ngx_delete_posted_event(&live->cut);
    }
}


void
ngx_sms_host_done(void)
{
    sms_slots_close(&ngx_sms_handles);
}


void *
ngx_sms_host_handle_add(ngx_sms_plugin_t *p, ngx_uint_t type, size_t size,
    ngx_uint_t *used, ngx_uint_t limit)
{
    ngx_sms_handle_t  *h;

    if (*used >= limit || p->live->cut_off) {
        return NULL;
    }

    h = ngx_calloc(size, p->live->log);
    if (h == NULL) {
        return NULL;
    }

    h->id = sms_slots_take(&ngx_sms_handles, h);

    if (h->id == 0) {
        ngx_free(h);
        return NULL;
    }

    h->plugin = p;
    h->type = type;

    ngx_queue_insert_tail(&p->live->handles, &h->queue);
    (*used)++;

    return h;
}


void *
ngx_sms_host_handle_find(ngx_sms_plugin_t *p, ngx_uint_t type,
    sms_handle_t id)
{
    ngx_sms_handle_t  *h;

    h = sms_slots_lookup(&ngx_sms_handles, id);

    if (h == NULL || h->plugin != p || (type && h->type != type)) {
        return NULL;
    }

    return h;
}


void
ngx_sms_host_handle_free(void *object, ngx_uint_t *used)
{
    ngx_sms_handle_t  *h = object;

    (void) sms_slots_free(&ngx_sms_handles, h->id);

    ngx_queue_remove(&h->queue);
    (*used)--;

    ngx_free(h);
}


void
ngx_sms_host_handle_stop(ngx_sms_handle_t *h)
{
    switch (h->type) {

    case NGX_SMS_HANDLE_TIMER:
        ngx_sms_host_timer_stop(h);
        break;

    case NGX_SMS_HANDLE_WATCH:
        ngx_sms_host_watch_stop(h);
        break;

    case NGX_SMS_HANDLE_STREAM:
        ngx_sms_host_stream_stop(h);
        break;

    case NGX_SMS_HANDLE_REQUEST:
        ngx_sms_host_request_stop(h);
        break;

    case NGX_SMS_HANDLE_QUERY:
        ngx_sms_host_query_stop(h);
        break;
    }
}


static void
ngx_sms_host_cut(ngx_event_t *ev)
{
    ngx_sms_plugin_t  *p = ev->data;

    ngx_sms_call_cancel_all(p);
    ngx_sms_host_release(p);
}
