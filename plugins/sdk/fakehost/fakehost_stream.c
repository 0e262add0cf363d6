/*
 * fakehost_stream.c - streams: the plugin's side, and the peer in memory.
 */
#include "fakehost_impl.h"

#include <unistd.h>


void
fakehost_stream_append(char **buf, size_t *len, const void *p, size_t n)
{
    char  *grown;

    if (n == 0) {
        return;
    }
    grown = fakehost_grab(*len + n);
    if (*len) {
        memcpy(grown, *buf, *len);
    }
    memcpy(grown + *len, p, n);
    free(*buf);
    *buf = grown;
    *len += n;
}


static fakehost_stream_t *
fakehost_stream_find(fakehost_t *fh, sms_handle_t handle)
{
    fakehost_stream_t  *s;

    for (s = fh->streams; s; s = s->next) {
        if (s->handle == handle && !s->gone) {
            return s;
        }
    }

    return NULL;
}


static fakehost_event_t *
fakehost_stream_event(fakehost_t *fh, fakehost_stream_t *s, uint32_t delay_ms,
    fakehost_fire_pt fire)
{
    fakehost_event_t  *ev;

    ev = fakehost_event(fh, FAKEHOST_EV_STREAM, delay_ms, fire);
    ev->number = s->handle;

    return ev;
}


void
fakehost_stream_opened(fakehost_t *fh, fakehost_stream_t *s)
{
    fakehost_span_t  span;

    s->open = 1;
    if (SMS_HAS(sms_stream_cb_t, &s->cb, opened) && fh->started) {
        fakehost_begin(fh, &span, "stream opened");
        s->cb.opened(s->data, s->handle);
        fakehost_finish(fh, &span);
    }
}


void
fakehost_stream_gone(fakehost_t *fh, fakehost_stream_t *s, sms_rc_t why)
{
    fakehost_span_t  span;

    if (s->gone) {
        return;
    }
    s->gone = 1;
    s->open = 0;
    if (s->fd != -1) {
        close(s->fd);
        s->fd = -1;
    }
    if (SMS_HAS(sms_stream_cb_t, &s->cb, closed) && fh->started) {
        fakehost_begin(fh, &span, "stream closed");
        s->cb.closed(s->data, s->handle, why);
        fakehost_finish(fh, &span);
    }
}


void
fakehost_stream_writable(fakehost_t *fh, fakehost_stream_t *s)
{
    fakehost_span_t  span;

    if (!s->starved || s->nout > FAKEHOST_UNSENT / 2) {
        return;
    }
    s->starved = 0;
    if (SMS_HAS(sms_stream_cb_t, &s->cb, writable) && fh->started) {
        fakehost_begin(fh, &span, "stream writable");
        s->cb.writable(s->data, s->handle);
        fakehost_finish(fh, &span);
    }
}


/* shows the plugin what has arrived; it may use a part and get the rest again */
void
fakehost_stream_feed(fakehost_t *fh, fakehost_stream_t *s)
{
    fakehost_span_t  span;
    size_t           used, visible;
    char            *shown;

    visible = s->visible < s->nin ? s->visible : s->nin;
    if (visible == 0 || s->gone || s->closing) {
        return;
    }
    if (!SMS_HAS(sms_stream_cb_t, &s->cb, data) || !fh->started) {
        used = visible;

    } else {
        /* a copy of just this size, so that reading past it is seen by sanitizers */
        shown = fakehost_copy(s->in, visible);
        fakehost_begin(fh, &span, "stream data");
        used = s->cb.data(s->data, s->handle, shown, visible);
        fakehost_finish(fh, &span);
        memset(shown, FAKEHOST_CANARY, visible);
        free(shown);
    }

    if (used > visible) {
        fakehost_fault(fh, "stream data() used %zu of %zu bytes", used, visible);
        used = visible;
    }
    memmove(s->in, s->in + used, s->nin - used);
    s->nin -= used;
    s->visible -= used;
}


static void
fakehost_stream_connect_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_stream_t  *s;

    s = fakehost_stream_find(fh, ev->number);
    if (s == NULL) {
        return;
    }
    if (ev->rc == SMS_OK && !s->closing) {
        fakehost_stream_opened(fh, s);
    } else {
        fakehost_stream_gone(fh, s, ev->rc);
    }
}


static void
fakehost_stream_close_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_stream_t  *s;

    s = fakehost_stream_find(fh, ev->number);
    if (s) {
        fakehost_stream_gone(fh, s, ev->rc);
    }
}


/* plugin to peer */
static void
fakehost_stream_flow_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_stream_t  *s;
    size_t              used;

    s = fakehost_stream_find(fh, ev->number);
    if (s == NULL || s->nout == 0) {
        return;
    }
    used = s->nout;
    if (fh->has_peer && fh->peer.data) {
        used = fh->peer.data(fh->peer_data, fh, s->handle, s->out, s->nout);
    }
    memmove(s->out, s->out + used, s->nout - used);
    s->nout -= used;
    fakehost_stream_writable(fh, s);
}


/* peer to plugin */
static void
fakehost_stream_feed_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_stream_t  *s;

    s = fakehost_stream_find(fh, ev->number);
    if (s == NULL) {
        return;
    }
    if (!s->open) {
        (void) fakehost_stream_event(fh, s, 1, fakehost_stream_feed_fire);
        return;
    }
    s->visible += s->piece ? s->piece : s->nin;
    if (s->visible > s->nin) {
        s->visible = s->nin;
    }
    fakehost_stream_feed(fh, s);
    if (s->visible < s->nin && !s->gone) {
        (void) fakehost_stream_event(fh, s, 0, fakehost_stream_feed_fire);
    }
}


static sms_handle_t
fakehost_stream_connect(sms_host_t *h, sms_str_t peer, uint32_t port, const sms_tls_t *tls,
    uint32_t timeout_ms, const sms_stream_cb_t *cb, void *d)
{
    fakehost_stream_t  *s;
    fakehost_event_t   *ev;
    sms_rc_t            rc;
    sms_handle_t        handle;
    uint32_t            delay;
    FAKEHOST_ENTER(h, "connect()");

    handle = 0;
    if (peer.len == 0 || port == 0 || port > 65535 || cb == NULL || cb->size == 0) {
        fakehost_fault(fh, "connect() without peer, port, callbacks or their size");
        goto leave;
    }
    if (timeout_ms == 0) {
        fakehost_fault(fh, "connect() without a timeout");
        goto leave;
    }
    if (fakehost_failing(fh, FAKEHOST_ON_CONNECT, &rc)) {
        goto leave;
    }

    s = fakehost_grab(sizeof(*s));
    s->handle = handle = ++fh->last_handle;
    s->data = d;
    s->fd = -1;
    memcpy(&s->cb, cb, cb->size < sizeof(s->cb) ? cb->size : sizeof(s->cb));
    s->deadline_us = fh->now_us + (int64_t) timeout_ms * 1000;
    s->next = fh->streams;
    fh->streams = s;

    if (fh->real_sockets && tls == NULL && fakehost_socket_open(s, peer, port)) {
        goto leave;
    }

    delay = fh->has_peer && fh->peer.delay_ms ? fh->peer.delay_ms : 1;
    ev = fakehost_stream_event(fh, s, delay < timeout_ms ? delay : timeout_ms,
                               fakehost_stream_connect_fire);
    if (fh->real_sockets) {
        ev->rc = tls ? SMS_E_DENIED : SMS_E_DOWN;

    } else if (!fh->has_peer) {
        ev->rc = SMS_E_DOWN;

    } else if (delay >= timeout_ms) {
        ev->rc = SMS_E_TIMEOUT;

    } else if (fh->peer.accept) {
        ev->rc = fh->peer.accept(fh->peer_data, fh, handle, peer, port, tls);
    }

leave:

    FAKEHOST_LEAVE();
    return handle;
}


static sms_rc_t
fakehost_stream_write(sms_host_t *h, sms_handle_t handle, const void *p, size_t n)
{
    fakehost_stream_t  *s;
    sms_rc_t            rc;
    FAKEHOST_ENTER(h, "write()");

    s = fakehost_stream_find(fh, handle);
    if (s == NULL || s->closing) {
        fakehost_fault(fh, "write() to a stream that is closed");
        rc = SMS_E_STALE;

    } else if (!s->open) {
        fakehost_fault(fh, "write() before opened()");
        rc = SMS_E_INVAL;

    } else if (fakehost_failing(fh, FAKEHOST_ON_WRITE, &rc)) {
        s->starved = rc == SMS_E_BUSY;
        if (s->starved) {
            (void) fakehost_stream_event(fh, s, 1, fakehost_stream_flow_fire);
        }

    } else if (s->nout + n > FAKEHOST_UNSENT) {
        s->starved = 1;
        rc = SMS_E_BUSY;

    } else {
        fakehost_stream_append(&s->out, &s->nout, p, n);
        if (s->fd == -1) {
            (void) fakehost_stream_event(fh, s, 0, fakehost_stream_flow_fire);
        }
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


static void
fakehost_stream_close(sms_host_t *h, sms_handle_t handle)
{
    fakehost_stream_t  *s;
    FAKEHOST_ENTER(h, "close()");

    s = fakehost_stream_find(fh, handle);
    if (s && !s->closing) {
        s->closing = 1;
        if (fh->has_peer && fh->peer.closed && s->fd == -1) {
            fh->peer.closed(fh->peer_data, fh, handle);
        }
        if (s->fd == -1) {
            (void) fakehost_stream_event(fh, s, 1, fakehost_stream_close_fire);
        }
    }

    FAKEHOST_LEAVE();
}


void
fakehost_peer(fakehost_t *fh, const fakehost_peer_t *peer, void *d)
{
    fh->has_peer = peer != NULL;
    if (peer) {
        fh->peer = *peer;
    }
    fh->peer_data = d;
}


void
fakehost_peer_send(fakehost_t *fh, sms_handle_t handle, const void *p, size_t n, size_t piece)
{
    fakehost_stream_t  *s;

    s = fakehost_stream_find(fh, handle);
    if (s) {
        fakehost_stream_append(&s->in, &s->nin, p, n);
        s->piece = piece;
        (void) fakehost_stream_event(fh, s, 0, fakehost_stream_feed_fire);
    }
}


void
fakehost_peer_close(fakehost_t *fh, sms_handle_t handle, sms_rc_t why)
{
    fakehost_stream_t  *s;

    s = fakehost_stream_find(fh, handle);
    if (s) {
        fakehost_stream_event(fh, s, 0, fakehost_stream_close_fire)->rc = why;
    }
}


void
fakehost_real_sockets(fakehost_t *fh, int on)
{
    fh->real_sockets = on;
}


void
fakehost_stream_table(fakehost_t *fh)
{
    fh->stream.size = sizeof(sms_stream_api_t);
    fh->stream.connect = fakehost_stream_connect;
    fh->stream.write = fakehost_stream_write;
    fh->stream.close = fakehost_stream_close;
}


void
fakehost_stream_clear(fakehost_t *fh)
{
    fakehost_stream_t  *s;

    while ((s = fh->streams) != NULL) {
        fh->streams = s->next;
        if (s->fd != -1) {
            close(s->fd);
        }
        free(s->in);
        free(s->out);
        free(s);
    }
}
