/*
 * The inside of a stream, shared by its two halves: ngx_sms_stream.c makes and
 * ends the connection, ngx_sms_stream_flow.c moves the bytes.  Nobody else
 * includes this.
 */
#ifndef NGX_SMS_STREAM_FLOW_H
#define NGX_SMS_STREAM_FLOW_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sms_resolve.h"
#include "ngx_sms_stream.h"
#include "ngx_sms_stream_buf.h"
#include "ngx_sms_timer.h"


typedef enum {
    NGX_SMS_STREAM_RESOLVING = 0,
    NGX_SMS_STREAM_CONNECTING,
    NGX_SMS_STREAM_CONNECTED,           /* TCP is there, opened() not yet     */
    NGX_SMS_STREAM_HANDSHAKE,
    NGX_SMS_STREAM_OPEN,
    NGX_SMS_STREAM_CLOSING,             /* sends what is queued               */
    NGX_SMS_STREAM_FINISHING,           /* FIN is out, waits for the peer's   */
    NGX_SMS_STREAM_ENDED,               /* closed() is due                    */
    NGX_SMS_STREAM_DROPPED
} ngx_sms_stream_state_e;


struct ngx_sms_stream_s {
    ngx_pool_t                *pool;
    ngx_connection_t          *c;
    ngx_log_t                 *log;
    const ngx_sms_stream_cb_t *cb;
    void                      *data;

    ngx_str_t                  peer;
    in_port_t                  port;
    ngx_str_t                  server_name;
    ngx_ssl_t                  ssl;         /* ctx NULL: plain            */
    ngx_sms_resolve_t         *lookup;
    ngx_sms_resolve_addr_t    *addrs;
    ngx_uint_t                 naddrs;
    ngx_uint_t                 tried;

    ngx_sms_timer_t            connecting;
    ngx_sms_timer_t            lingering;
    int64_t                    until_us;
    ngx_event_t                turn;
    ngx_socket_t               ident;

    ngx_sms_stream_buf_t       in;
    ngx_sms_stream_buf_t       out;

    ngx_uint_t                 state;   /* ngx_sms_stream_state_e             */
    ngx_uint_t                 busy;    /* callbacks on the stack             */
    sms_rc_t                   why;
    unsigned                   want_writable:1;
};


/* handlers of an open connection */
void ngx_sms_stream_read_event(ngx_event_t *ev);
void ngx_sms_stream_write_event(ngx_event_t *ev);

/* sends what is queued; then, of a stream that closes, its end */
void ngx_sms_stream_flush(ngx_sms_stream_t *s);

/* gives the connection up; closed() is posted */
void ngx_sms_stream_end(ngx_sms_stream_t *s, sms_rc_t why);
/* after a callback in which the stream was dropped */
void ngx_sms_stream_free(ngx_sms_stream_t *s);

#endif /* NGX_SMS_STREAM_FLOW_H */
