#include "ngx_sms_host.h"

#include "ngx_sms_guard.h"


typedef struct {
    ngx_queue_t          queue;
    ngx_sms_plugin_t    *plugin;
    ngx_uint_t           what;
    void               (*done)(void *data, sms_rc_t rc);
    void                *data;
} ngx_sms_host_put_t;


static sms_rc_t ngx_sms_host_outbox_put(sms_host_t *h, sms_str_t topic,
    sms_str_t key, sms_str_t payload, int64_t not_before_us,
    void (*done)(void *data, sms_rc_t rc), void *data);
static sms_rc_t ngx_sms_host_inbound_deliver(sms_host_t *h,
    const sms_inbound_t *ev, uint32_t stride, uint32_t n,
    void (*done)(void *data, sms_rc_t rc), void *data);
static ngx_sms_host_put_t *ngx_sms_host_put_create(ngx_sms_plugin_t *p,
    ngx_uint_t what, void (*done)(void *data, sms_rc_t rc), void *data);
static void ngx_sms_host_put_done(void *data, sms_rc_t rc);
static sms_rc_t ngx_sms_host_put_started(ngx_sms_host_put_t *put,
    sms_rc_t rc);
static void ngx_sms_host_put_free(ngx_sms_host_put_t *put);


static ngx_queue_t  ngx_sms_host_puts;


const sms_outbox_api_t  ngx_sms_host_outbox = {
    sizeof(sms_outbox_api_t),
    ngx_sms_host_outbox_put
};


const sms_inbound_api_t  ngx_sms_host_inbound = {
    sizeof(sms_inbound_api_t),
    ngx_sms_host_inbound_deliver
};


static sms_rc_t
ngx_sms_host_outbox_put(sms_host_t *h, sms_str_t topic, sms_str_t key,
    sms_str_t payload, int64_t not_before_us,
    void (*done)(void *data, sms_rc_t rc), void *data)
{
    ngx_sms_plugin_t    *p;
    ngx_sms_host_put_t  *put;

    p = ngx_sms_host_plugin(h);

    if (topic.len == 0 || topic.len > 128 || key.len > 255
        || payload.len > 65536)
    {
        return SMS_E_INVAL;
    }

    put = ngx_sms_host_put_create(p, NGX_SMS_GUARD_OUTBOX, done, data);
    if (put == NULL) {
        return SMS_E_NOMEM;
    }

    return ngx_sms_host_put_started(put,
               p->plugins->hooks->outbox_put(p, topic, key, payload,
                                             not_before_us,
                                             ngx_sms_host_put_done, put));
}


static sms_rc_t
ngx_sms_host_inbound_deliver(sms_host_t *h, const sms_inbound_t *ev,
    uint32_t stride, uint32_t n, void (*done)(void *data, sms_rc_t rc),
    void *data)
{
    uint32_t              i, k;
    ngx_sms_plugin_t     *p;
    ngx_sms_host_put_t   *put;
    const sms_inbound_t  *e;

    p = ngx_sms_host_plugin(h);

    if (p->kind != SMS_KIND_OPERATOR) {
        return SMS_E_DENIED;
    }

    if (n == 0 || n > SMS_BATCH_MAX || ev == NULL
        || stride < sizeof(sms_inbound_t))
    {
        return SMS_E_INVAL;
    }

    for (i = 0; i < n; i++) {
        e = SMS_AT(const sms_inbound_t, ev, stride, i);

        if ((e->type != SMS_INBOUND_RECEIPT && e->type != SMS_INBOUND_MESSAGE)
            || (e->type == SMS_INBOUND_RECEIPT
                && (e->state < SMS_RECEIPT_ENROUTE
                    || e->state > SMS_RECEIPT_REJECTED))
            || e->reason > SMS_REASON_PORTED || e->reading > SMS_READINGS
            || e->operator_id.len > SMS_OPERATOR_ID_MAX
            || e->nattrs > SMS_ATTRS_MAX)
        {
            return SMS_E_INVAL;
        }

        for (k = 0; k < SMS_READINGS; k++) {
            if (e->readings[k].len > SMS_OPERATOR_ID_MAX) {
                return SMS_E_INVAL;
            }
        }
    }

    put = ngx_sms_host_put_create(p, NGX_SMS_GUARD_INBOUND, done, data);
    if (put == NULL) {
        return SMS_E_NOMEM;
    }

    return ngx_sms_host_put_started(put,
               p->plugins->hooks->inbound_deliver(p, ev, stride, n,
                                                  ngx_sms_host_put_done, put));
}


static ngx_sms_host_put_t *
ngx_sms_host_put_create(ngx_sms_plugin_t *p, ngx_uint_t what,
    void (*done)(void *data, sms_rc_t rc), void *data)
{
    ngx_sms_host_put_t  *put;

    put = ngx_alloc(sizeof(ngx_sms_host_put_t), p->live->log);
    if (put == NULL) {
        return NULL;
    }

    if (ngx_sms_host_puts.next == NULL) {
        ngx_queue_init(&ngx_sms_host_puts);
    }

    ngx_queue_insert_tail(&ngx_sms_host_puts, &put->queue);
    put->plugin = p;
    put->what = what;
    put->done = done;
    put->data = data;

    return put;
}


static sms_rc_t
ngx_sms_host_put_started(ngx_sms_host_put_t *put, sms_rc_t rc)
{
    if (rc == SMS_OK || rc == SMS_PENDING) {
        /* for the plugin both mean: done() will tell */
        return SMS_OK;
    }

    ngx_sms_host_put_free(put);

    return rc;
}


static void
ngx_sms_host_put_free(ngx_sms_host_put_t *put)
{
    ngx_queue_remove(&put->queue);
    ngx_free(put);
}


void
ngx_sms_host_puts_done(void)
{
    while (ngx_sms_host_puts.next && !ngx_queue_empty(&ngx_sms_host_puts)) {
        ngx_sms_host_put_free(ngx_queue_data(
                                  ngx_queue_head(&ngx_sms_host_puts),
                                  ngx_sms_host_put_t, queue));
    }
}


static void
ngx_sms_host_put_done(void *data, sms_rc_t rc)
{
    ngx_sms_guard_t     guard;
    ngx_sms_host_put_t  put;

    put = *(ngx_sms_host_put_t *) data;
    ngx_sms_host_put_free(data);

    /* exit() has been told: its memory is gone */

    if (put.done == NULL || !put.plugin->loaded || put.plugin->live->cut_off) {
        return;
    }

    ngx_sms_guard_enter(&guard, put.plugin, put.what);
    put.done(put.data, rc);
    (void) ngx_sms_guard_leave(&guard);
}
