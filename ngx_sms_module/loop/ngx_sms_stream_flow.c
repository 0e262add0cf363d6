#include "ngx_sms_stream_flow.h"


#define NGX_SMS_STREAM_FIN    1000      /* ms for the peer's end of stream    */
#define NGX_SMS_STREAM_CHUNK  16384
#define NGX_SMS_STREAM_READS  16        /* in one turn, then others have one  */


static ngx_int_t ngx_sms_stream_deliver(ngx_sms_stream_t *s);
static void ngx_sms_stream_finish(ngx_sms_stream_t *s);


void
ngx_sms_stream_read_event(ngx_event_t *ev)
{
    u_char            *p;
    size_t             room;
    ssize_t            n;
    ngx_uint_t         i;
    ngx_connection_t  *c;
    ngx_sms_stream_t  *s;

    c = ev->data;
    s = c->data;

    if (c->close) {
        ngx_sms_stream_end(s, SMS_E_DOWN);
        return;
    }

    for (i = 0; i < NGX_SMS_STREAM_READS; i++) {

        room = NGX_SMS_STREAM_CHUNK;

        p = ngx_sms_stream_buf_room(&s->in, room);
        if (p == NULL) {
            ngx_sms_stream_end(s, SMS_E_NOMEM);
            return;
        }

        n = c->recv(c, p, room);

        if (n == NGX_AGAIN) {
            ngx_sms_stream_buf_trim(&s->in);

            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                ngx_sms_stream_end(s, SMS_E_INTERNAL);
            }

            return;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_sms_stream_end(s, (n == 0
                                   || s->state == NGX_SMS_STREAM_FINISHING)
                                  ? SMS_OK : SMS_E_DOWN);
            return;
        }

        s->in.len += n;

        if (ngx_sms_stream_deliver(s) != NGX_OK) {
            return;
        }
    }

    ngx_post_event(c->read, &ngx_posted_next_events);
}


/* NGX_OK: go on reading; NGX_DONE: the stream has ended or has been freed */
static ngx_int_t
ngx_sms_stream_deliver(ngx_sms_stream_t *s)
{
    size_t  used;

    if (s->state != NGX_SMS_STREAM_OPEN || s->cb->data == NULL) {
        s->in.len = 0;
        s->in.pos = 0;
        return NGX_OK;
    }

    s->busy++;
    used = s->cb->data(s->data, s, (char *) s->in.data + s->in.pos, s->in.len);
    s->busy--;

    if (s->state == NGX_SMS_STREAM_DROPPED) {
        ngx_sms_stream_free(s);
        return NGX_DONE;
    }

    if (s->state == NGX_SMS_STREAM_ENDED) {
        return NGX_DONE;
    }

    ngx_sms_stream_buf_used(&s->in, used);

    if (s->in.len >= NGX_SMS_STREAM_READ) {
        ngx_log_error(NGX_LOG_ERR, s->log, 0,
                      "sms stream: input not used up: peer=\"%V\" bytes=%uz",
                      &s->peer, s->in.len);
        ngx_sms_stream_end(s, SMS_E_INVAL);
        return NGX_DONE;
    }

    return NGX_OK;
}


void
ngx_sms_stream_write_event(ngx_event_t *ev)
{
    ngx_connection_t  *c;
    ngx_sms_stream_t  *s;

    c = ev->data;
    s = c->data;

    if (c->close) {
        ngx_sms_stream_end(s, SMS_E_DOWN);
        return;
    }

    if (s->state == NGX_SMS_STREAM_OPEN
        || s->state == NGX_SMS_STREAM_CLOSING)
    {
        ngx_sms_stream_flush(s);
    }
}


void
ngx_sms_stream_flush(ngx_sms_stream_t *s)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = s->c;

    while (s->out.len) {
        n = c->send(c, s->out.data + s->out.pos, s->out.len);

        if (n == NGX_AGAIN || n == 0) {
            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                ngx_sms_stream_end(s, SMS_E_INTERNAL);
                return;
            }

            break;
        }

        if (n == NGX_ERROR) {
            ngx_sms_stream_end(s, SMS_E_DOWN);
            return;
        }

        ngx_sms_stream_buf_used(&s->out, n);
    }

    if (s->out.len == 0) {
        ngx_sms_stream_buf_trim(&s->out);

        if (s->state == NGX_SMS_STREAM_CLOSING) {
            ngx_sms_stream_finish(s);
            return;
        }
    }

    if (s->want_writable && s->out.len < NGX_SMS_STREAM_WRITE / 2
        && s->state == NGX_SMS_STREAM_OPEN)
    {
        s->want_writable = 0;

        if (s->cb->writable) {
            s->busy++;
            s->cb->writable(s->data, s);
            s->busy--;

            if (s->state == NGX_SMS_STREAM_DROPPED) {
                ngx_sms_stream_free(s);
            }
        }
    }
}


/* Ends our direction and reads to the end of theirs: closing with unread input
 * makes the kernel send a reset, which may overtake the last bytes.          */
static void
ngx_sms_stream_finish(ngx_sms_stream_t *s)
{
    ngx_connection_t  *c;

    c = s->c;

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            ngx_sms_stream_end(s, SMS_OK);
            return;
        }

        c->recv = ngx_recv;
    }

    if (ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1) {
        ngx_sms_stream_end(s, SMS_OK);
        return;
    }

    s->state = NGX_SMS_STREAM_FINISHING;
    c->read->handler = ngx_sms_stream_read_event;
    c->write->handler = ngx_sms_stream_write_event;
    ngx_sms_timer_start(&s->lingering, NGX_SMS_STREAM_FIN);

    ngx_sms_stream_read_event(c->read);
}
