#include "ngx_sms_host.h"

#include "ngx_sms_guard.h"
#include "ngx_sms_stream.h"


typedef struct {
    ngx_sms_handle_t         handle;
    ngx_sms_stream_t        *stream;
    const sms_stream_cb_t   *cb;
    void                    *data;
} ngx_sms_host_stream_t;


static sms_handle_t ngx_sms_host_stream_connect(sms_host_t *h, sms_str_t peer,
    uint32_t port, const sms_tls_t *tls, uint32_t timeout_ms,
    const sms_stream_cb_t *cb, void *data);
static sms_rc_t ngx_sms_host_stream_write(sms_host_t *h, sms_handle_t id,
    const void *p, size_t n);
static void ngx_sms_host_stream_close(sms_host_t *h, sms_handle_t id);
static void ngx_sms_host_stream_opened(void *data, ngx_sms_stream_t *stream);
static size_t ngx_sms_host_stream_data(void *data, ngx_sms_stream_t *stream,
    const char *p, size_t n);
static void ngx_sms_host_stream_writable(void *data, ngx_sms_stream_t *stream);
static void ngx_sms_host_stream_closed(void *data, ngx_sms_stream_t *stream,
    sms_rc_t why);


const sms_stream_api_t  ngx_sms_host_stream = {
    sizeof(sms_stream_api_t),
    ngx_sms_host_stream_connect,
    ngx_sms_host_stream_write,
    ngx_sms_host_stream_close
};


static const ngx_sms_stream_cb_t  ngx_sms_host_stream_cb = {
    ngx_sms_host_stream_opened,
    ngx_sms_host_stream_data,
    ngx_sms_host_stream_writable,
    ngx_sms_host_stream_closed
};


static sms_handle_t
ngx_sms_host_stream_connect(sms_host_t *h, sms_str_t peer, uint32_t port,
    const sms_tls_t *tls, uint32_t timeout_ms, const sms_stream_cb_t *cb,
    void *data)
{
    ngx_str_t               name;
    sms_tls_t               copy;
    ngx_sms_plugin_t       *p;
    ngx_sms_host_stream_t  *s;

    p = ngx_sms_host_plugin(h);

    if (cb == NULL) {
        return 0;
    }

    s = ngx_sms_host_handle_add(p, NGX_SMS_HANDLE_STREAM,
                                sizeof(ngx_sms_host_stream_t),
                                &p->stats.streams, p->plugins->limits.streams);
    if (s == NULL) {
        return 0;
    }

    s->cb = cb;
    s->data = data;

    if (tls) {
        /* a plugin of an older minor knows fewer members */
        ngx_memzero(&copy, sizeof(copy));
        ngx_memcpy(&copy, tls, ngx_min(tls->size, sizeof(copy)));
    }

    name.data = (u_char *) peer.ptr;
    name.len = peer.len;

    s->stream = ngx_sms_stream_connect(&name, port, tls ? &copy : NULL,
                                       timeout_ms ? timeout_ms : 10000,
                                       &ngx_sms_host_stream_cb, s,
                                       p->live->log);
    if (s->stream == NULL) {
        ngx_sms_host_handle_free(s, &p->stats.streams);
        return 0;
    }

    return s->handle.id;
}


static sms_rc_t
ngx_sms_host_stream_write(sms_host_t *h, sms_handle_t id, const void *p,
    size_t n)
{
    ngx_sms_host_stream_t  *s;

    s = ngx_sms_host_handle_find(ngx_sms_host_plugin(h),
                                 NGX_SMS_HANDLE_STREAM, id);

    return s ? ngx_sms_stream_write(s->stream, p, n) : SMS_E_STALE;
}


static void
ngx_sms_host_stream_close(sms_host_t *h, sms_handle_t id)
{
    ngx_sms_host_stream_t  *s;

    s = ngx_sms_host_handle_find(ngx_sms_host_plugin(h),
                                 NGX_SMS_HANDLE_STREAM, id);

    if (s) {
        ngx_sms_stream_close(s->stream);
    }
}


static void
ngx_sms_host_stream_opened(void *data, ngx_sms_stream_t *stream)
{
    ngx_sms_guard_t         guard;
    ngx_sms_host_stream_t  *s = data;

    if (!SMS_HAS(sms_stream_cb_t, s->cb, opened)) {
        return;
    }

    ngx_sms_guard_enter(&guard, s->handle.plugin, NGX_SMS_GUARD_STREAM);
    s->cb->opened(s->data, s->handle.id);
    (void) ngx_sms_guard_leave(&guard);
}


static size_t
ngx_sms_host_stream_data(void *data, ngx_sms_stream_t *stream, const char *p,
    size_t n)
{
    size_t                  used;
    ngx_sms_guard_t         guard;
    ngx_sms_host_stream_t  *s = data;

    if (!SMS_HAS(sms_stream_cb_t, s->cb, data)) {
        return n;
    }

    ngx_sms_guard_enter(&guard, s->handle.plugin, NGX_SMS_GUARD_STREAM);
    used = s->cb->data(s->data, s->handle.id, p, n);
    (void) ngx_sms_guard_leave(&guard);

    return used;
}


static void
ngx_sms_host_stream_writable(void *data, ngx_sms_stream_t *stream)
{
    ngx_sms_guard_t         guard;
    ngx_sms_host_stream_t  *s = data;

    if (!SMS_HAS(sms_stream_cb_t, s->cb, writable)) {
        return;
    }

    ngx_sms_guard_enter(&guard, s->handle.plugin, NGX_SMS_GUARD_STREAM);
    s->cb->writable(s->data, s->handle.id);
    (void) ngx_sms_guard_leave(&guard);
}


static void
ngx_sms_host_stream_closed(void *data, ngx_sms_stream_t *stream, sms_rc_t why)
{
    void                   *cb_data;
    sms_handle_t            id;
    ngx_sms_guard_t         guard;
    ngx_sms_plugin_t       *p;
    const sms_stream_cb_t  *cb;
    ngx_sms_host_stream_t  *s = data;

    p = s->handle.plugin;
    id = s->handle.id;
    cb = s->cb;
    cb_data = s->data;

    /* stale before the last callback, which may connect again */
    ngx_sms_host_handle_free(s, &p->stats.streams);

    if (!SMS_HAS(sms_stream_cb_t, cb, closed)) {
        return;
    }

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_STREAM);
    cb->closed(cb_data, id, why);
    (void) ngx_sms_guard_leave(&guard);
}


void
ngx_sms_host_stream_stop(void *object)
{
    ngx_sms_host_stream_t  *s = object;

    ngx_sms_stream_drop(s->stream);
    ngx_sms_host_handle_free(s, &s->handle.plugin->stats.streams);
}
