#include "ngx_sms_stream.h"

#include <ngx_event_connect.h>

#include "ngx_sms_stream_flow.h"
#include "ngx_sms_tls.h"


static void ngx_sms_stream_resolved(void *data, sms_rc_t rc,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n);
static void ngx_sms_stream_try(ngx_sms_stream_t *s);
static void ngx_sms_stream_late(void *data);
static void ngx_sms_stream_lingered(void *data);
static void ngx_sms_stream_turn(ngx_event_t *ev);
static void ngx_sms_stream_connect_event(ngx_event_t *ev);
static ngx_int_t ngx_sms_stream_connect_error(ngx_connection_t *c);
static void ngx_sms_stream_connected(ngx_sms_stream_t *s);
static void ngx_sms_stream_handshaked(ngx_connection_t *c);
static void ngx_sms_stream_opened(ngx_sms_stream_t *s);
static void ngx_sms_stream_disconnect(ngx_sms_stream_t *s);
static void ngx_sms_stream_teardown(ngx_sms_stream_t *s);
static ngx_int_t ngx_sms_stream_copy(ngx_pool_t *pool, ngx_str_t *dst,
    const u_char *p, size_t n);


ngx_sms_stream_t *
ngx_sms_stream_connect(ngx_str_t *peer, ngx_uint_t port, const sms_tls_t *tls,
    ngx_msec_t timeout, const ngx_sms_stream_cb_t *cb, void *data,
    ngx_log_t *log)
{
    sms_rc_t           rc;
    ngx_pool_t        *pool;
    ngx_sms_stream_t  *s;

    if (peer->len == 0 || peer->len > 253 || port == 0 || port > 65535) {
        return NULL;
    }

    pool = ngx_create_pool(2048, log);
    if (pool == NULL) {
        return NULL;
    }

    s = ngx_pcalloc(pool, sizeof(ngx_sms_stream_t));
    if (s == NULL) {
        goto failed;
    }

    s->pool = pool;
    s->log = log;
    s->cb = cb;
    s->data = data;
    s->port = (in_port_t) port;
    s->ident = (ngx_socket_t) -1;

    s->turn.handler = ngx_sms_stream_turn;
    s->turn.data = s;
    s->turn.log = log;

    ngx_sms_timer_housekeeping(&s->connecting, ngx_sms_stream_late, s, log);
    ngx_sms_timer_deadline(&s->lingering, ngx_sms_stream_lingered, s, log);

    s->addrs = ngx_palloc(pool, NGX_SMS_RESOLVE_MAX
                                * sizeof(ngx_sms_resolve_addr_t));

    if (s->addrs == NULL
        || ngx_sms_stream_copy(pool, &s->peer, peer->data, peer->len)
           != NGX_OK)
    {
        goto failed;
    }

    s->until_us = ngx_sms_timer_mono_us() + (int64_t) timeout * 1000;
    ngx_sms_timer_start(&s->connecting, timeout);

    rc = SMS_OK;

    if (tls) {
        rc = ngx_sms_tls_context(tls, &s->ssl, log);

        if (tls->server_name.len) {
            if (ngx_sms_stream_copy(pool, &s->server_name,
                                    (u_char *) tls->server_name.ptr,
                                    tls->server_name.len)
                != NGX_OK)
            {
                rc = SMS_E_NOMEM;
            }

        } else {
            s->server_name = s->peer;
        }
    }

    if (rc == SMS_OK) {
        rc = ngx_sms_resolve(&s->peer, s->port, &s->addrs[0], &s->lookup,
                             ngx_sms_stream_resolved, s, log);

        if (rc == SMS_PENDING) {
            return s;
        }
    }

    if (rc == SMS_OK) {
        s->naddrs = 1;
        ngx_post_event(&s->turn, &ngx_posted_events);

    } else {
        ngx_sms_stream_end(s, rc);
    }

    return s;

failed:

    if (s) {
        ngx_sms_timer_stop(&s->connecting);
    }

    ngx_destroy_pool(pool);

    return NULL;
}


sms_rc_t
ngx_sms_stream_write(ngx_sms_stream_t *s, const void *p, size_t n)
{
    if (s->state != NGX_SMS_STREAM_OPEN) {
        return SMS_E_DOWN;
    }

    if (n > NGX_SMS_STREAM_WRITE) {
        return SMS_E_INVAL;
    }

    if (s->out.len + n > NGX_SMS_STREAM_WRITE) {
        s->want_writable = 1;
        return SMS_E_BUSY;
    }

    if (ngx_sms_stream_buf_add(&s->out, p, n) != NGX_OK) {
        return SMS_E_NOMEM;
    }

    /* what is written in one turn leaves in one packet */
    ngx_post_event(&s->turn, &ngx_posted_events);

    return SMS_OK;
}


void
ngx_sms_stream_close(ngx_sms_stream_t *s)
{
    if (s->state >= NGX_SMS_STREAM_CLOSING) {
        return;
    }

    if (s->state != NGX_SMS_STREAM_OPEN) {
        ngx_sms_stream_end(s, SMS_OK);
        return;
    }

    s->state = NGX_SMS_STREAM_CLOSING;
    ngx_sms_timer_start(&s->lingering, NGX_SMS_STREAM_LINGER);
    ngx_post_event(&s->turn, &ngx_posted_events);
}


void
ngx_sms_stream_drop(ngx_sms_stream_t *s)
{
    ngx_sms_stream_teardown(s);

    s->state = NGX_SMS_STREAM_DROPPED;

    if (s->busy == 0) {
        ngx_sms_stream_free(s);
    }
}


static void
ngx_sms_stream_resolved(void *data, sms_rc_t rc,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n)
{
    ngx_sms_stream_t  *s = data;

    s->lookup = NULL;

    if (rc != SMS_OK) {
        ngx_sms_stream_end(s, rc);
        return;
    }

    ngx_memcpy(s->addrs, addrs, n * sizeof(ngx_sms_resolve_addr_t));
    s->naddrs = n;

    ngx_sms_stream_try(s);
}


/* the next address; each gets an equal share of the time that is left */
static void
ngx_sms_stream_try(ngx_sms_stream_t *s)
{
    u_char                   text[NGX_SOCKADDR_STRLEN];
    int64_t                  left;
    ngx_int_t                rc;
    ngx_str_t                name;
    ngx_connection_t        *c;
    ngx_peer_connection_t    pc;
    ngx_sms_resolve_addr_t  *addr;

    ngx_sms_stream_disconnect(s);

    for ( /* void */ ; s->tried < s->naddrs; s->tried++) {

        left = s->until_us - ngx_sms_timer_mono_us();

        if (left <= 0) {
            ngx_sms_stream_end(s, SMS_E_TIMEOUT);
            return;
        }

        addr = &s->addrs[s->tried];

        name.data = text;
        name.len = ngx_sock_ntop(&addr->sockaddr.sockaddr, addr->socklen, text,
                                 NGX_SOCKADDR_STRLEN, 1);

        ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

        pc.sockaddr = &addr->sockaddr.sockaddr;
        pc.socklen = addr->socklen;
        pc.name = &name;
        pc.get = ngx_event_get_peer;
        pc.log = s->log;
        pc.log_error = NGX_ERROR_ERR;
        pc.so_keepalive = 1;

        rc = ngx_event_connect_peer(&pc);

        if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
            if (pc.connection) {
                ngx_close_connection(pc.connection);
            }

            continue;
        }

        s->tried++;

        c = pc.connection;
        c->data = s;
        c->pool = s->pool;
        c->log = s->log;
        c->read->log = s->log;
        c->write->log = s->log;
        c->read->handler = ngx_sms_stream_connect_event;
        c->write->handler = ngx_sms_stream_connect_event;

        s->c = c;

        if (rc == NGX_OK) {
            s->state = NGX_SMS_STREAM_CONNECTED;
            ngx_post_event(&s->turn, &ngx_posted_events);
            return;
        }

        s->state = NGX_SMS_STREAM_CONNECTING;
        ngx_sms_timer_start(&s->connecting,
                            (ngx_msec_t) (left / 1000
                                          / (int64_t) (s->naddrs - s->tried + 1)
                                          + 1));
        return;
    }

    ngx_sms_stream_end(s, SMS_E_DOWN);
}


static void
ngx_sms_stream_late(void *data)
{
    ngx_sms_stream_t  *s = data;

    ngx_log_error(NGX_LOG_ERR, s->log, NGX_ETIMEDOUT,
                  "sms stream: no connection: peer=\"%V\" port=%ui",
                  &s->peer, (ngx_uint_t) s->port);

    if (s->state == NGX_SMS_STREAM_CONNECTING && s->tried < s->naddrs) {
        ngx_sms_stream_try(s);
        return;
    }

    ngx_sms_stream_end(s, SMS_E_TIMEOUT);
}


static void
ngx_sms_stream_lingered(void *data)
{
    ngx_sms_stream_t  *s = data;

    ngx_sms_stream_end(s, (s->state == NGX_SMS_STREAM_FINISHING)
                          ? SMS_OK : SMS_E_TIMEOUT);
}


static void
ngx_sms_stream_turn(ngx_event_t *ev)
{
    ngx_sms_stream_t  *s = ev->data;

    switch (s->state) {

    case NGX_SMS_STREAM_RESOLVING:
        ngx_sms_stream_try(s);
        return;

    case NGX_SMS_STREAM_CONNECTED:
        ngx_sms_stream_connected(s);
        return;

    case NGX_SMS_STREAM_OPEN:
    case NGX_SMS_STREAM_CLOSING:
        ngx_sms_stream_flush(s);
        return;

    case NGX_SMS_STREAM_ENDED:

        if (s->cb->closed) {
            s->busy++;
            s->cb->closed(s->data, s, s->why);
            s->busy--;
        }

        ngx_sms_stream_free(s);
        return;

    default:
        return;
    }
}


static void
ngx_sms_stream_connect_event(ngx_event_t *ev)
{
    ngx_connection_t  *c;
    ngx_sms_stream_t  *s;

    c = ev->data;
    s = c->data;

    if (c->close) {
        ngx_sms_stream_end(s, SMS_E_DOWN);
        return;
    }

    if (s->state != NGX_SMS_STREAM_CONNECTING) {
        return;
    }

    if (ngx_sms_stream_connect_error(c) != NGX_OK) {
        ngx_sms_stream_try(s);
        return;
    }

    ngx_sms_stream_connected(s);
}


static ngx_int_t
ngx_sms_stream_connect_error(ngx_connection_t *c)
{
    int                err;
    socklen_t          len;
    ngx_sms_stream_t  *s;

    s = c->data;
    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err == 0) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, c->log, err,
                  "sms stream: connect failed: peer=\"%V\" port=%ui",
                  &s->peer, (ngx_uint_t) s->port);

    return NGX_ERROR;
}


static void
ngx_sms_stream_connected(ngx_sms_stream_t *s)
{
    int64_t            left;
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = s->c;

    (void) ngx_tcp_nodelay(c);

    if (s->ssl.ctx == NULL) {
        ngx_sms_stream_opened(s);
        return;
    }

    left = s->until_us - ngx_sms_timer_mono_us();
    ngx_sms_timer_start(&s->connecting,
                        left > 0 ? (ngx_msec_t) (left / 1000 + 1) : 1);

    s->state = NGX_SMS_STREAM_HANDSHAKE;

    if (ngx_sms_tls_start(&s->ssl, c, &s->server_name) != NGX_OK) {
        ngx_sms_stream_end(s, SMS_E_INTERNAL);
        return;
    }

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_sms_stream_handshaked;
        return;
    }

    ngx_sms_stream_handshaked(c);
}


static void
ngx_sms_stream_handshaked(ngx_connection_t *c)
{
    const char        *error;
    ngx_sms_stream_t  *s;

    s = c->data;

    if (c->ssl->handshaked) {
        ngx_sms_stream_opened(s);
        return;
    }

    error = ngx_sms_tls_verify_error(c);

    ngx_log_error(NGX_LOG_ERR, s->log, 0,
                  "sms stream: TLS handshake failed: peer=\"%V\" port=%ui "
                  "name=\"%V\" verify=\"%s\"",
                  &s->peer, (ngx_uint_t) s->port, &s->server_name, error);

    ngx_sms_stream_end(s, *error ? SMS_E_DENIED : SMS_E_DOWN);
}


static void
ngx_sms_stream_opened(ngx_sms_stream_t *s)
{
    ngx_connection_t  *c;

    c = s->c;

    ngx_sms_timer_stop(&s->connecting);

    s->state = NGX_SMS_STREAM_OPEN;
    c->read->handler = ngx_sms_stream_read_event;
    c->write->handler = ngx_sms_stream_write_event;

    if (s->cb->opened) {
        s->busy++;
        s->cb->opened(s->data, s);
        s->busy--;
    }

    if (s->state == NGX_SMS_STREAM_DROPPED) {
        ngx_sms_stream_free(s);
        return;
    }

    if (s->state == NGX_SMS_STREAM_OPEN) {
        /* bytes may have come with the handshake: no new edge tells of them */
        ngx_sms_stream_read_event(c->read);
    }
}


void
ngx_sms_stream_end(ngx_sms_stream_t *s, sms_rc_t why)
{
    if (s->state >= NGX_SMS_STREAM_ENDED) {
        return;
    }

    ngx_sms_stream_teardown(s);

    s->state = NGX_SMS_STREAM_ENDED;
    s->why = why;

    ngx_post_event(&s->turn, &ngx_posted_events);
}


static void
ngx_sms_stream_disconnect(ngx_sms_stream_t *s)
{
    ngx_connection_t  *c;

    c = s->c;

    if (c == NULL) {
        return;
    }

    s->c = NULL;

    if (c->ssl) {
        /* a polite end needs a socket that takes it; this one is done for */
        c->ssl->no_wait_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->timedout = 1;
            (void) ngx_ssl_shutdown(c);
        }
    }

    c->pool = NULL;
    ngx_close_connection(c);
}


static void
ngx_sms_stream_teardown(ngx_sms_stream_t *s)
{
    if (s->lookup) {
        ngx_sms_resolve_cancel(s->lookup);
        s->lookup = NULL;
    }

    ngx_sms_stream_disconnect(s);
    ngx_sms_timer_stop(&s->connecting);
    ngx_sms_timer_stop(&s->lingering);

    if (s->turn.posted) {
        ngx_delete_posted_event(&s->turn);
    }
}


void
ngx_sms_stream_free(ngx_sms_stream_t *s)
{
    ngx_sms_tls_release(&s->ssl);
    ngx_sms_stream_buf_free(&s->in);
    ngx_sms_stream_buf_free(&s->out);
    ngx_destroy_pool(s->pool);
}


static ngx_int_t
ngx_sms_stream_copy(ngx_pool_t *pool, ngx_str_t *dst, const u_char *p,
    size_t n)
{
    dst->data = ngx_pnalloc(pool, n);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, p, n);
    dst->len = n;

    return NGX_OK;
}
