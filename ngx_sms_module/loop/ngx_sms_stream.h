/*
 * A TCP or TLS client connection with buffers.
 *
 * Life: connect() -> opened() -> data()* -> closed().  Every stream that
 * connect() returned ends with exactly one closed(), except one that was given
 * up with ngx_sms_stream_drop().  No callback runs from inside connect(),
 * write() or close(): what they find out is told from the loop.
 *
 * reading   data() says how many bytes it used; the rest comes again in front
 *           of what arrives next.  A stream whose unused rest reaches
 *           NGX_SMS_STREAM_READ is closed with SMS_E_INVAL.
 * writing   bytes are copied, all or none.  Above NGX_SMS_STREAM_WRITE queued
 *           bytes write() answers SMS_E_BUSY, and writable() follows once the
 *           queue has fallen below a half.
 * closing   close() first sends what is queued, at most for
 *           NGX_SMS_STREAM_LINGER ms.
 *
 * An open stream keeps no worker alive by itself: its user drains (SMPP
 * unbinds) under a deadline of its own.  When worker_shutdown_timeout strikes,
 * closed(SMS_E_DOWN) comes.
 */
#ifndef NGX_SMS_STREAM_H
#define NGX_SMS_STREAM_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"


#define NGX_SMS_STREAM_WRITE   (256 * 1024)
#define NGX_SMS_STREAM_READ    (256 * 1024)
#define NGX_SMS_STREAM_LINGER  5000


typedef struct ngx_sms_stream_s  ngx_sms_stream_t;

/* any member may be NULL; without data() input is thrown away */
typedef struct {
    void    (*opened)(void *data, ngx_sms_stream_t *s);
    size_t  (*data)(void *data, ngx_sms_stream_t *s, const char *p, size_t n);
    void    (*writable)(void *data, ngx_sms_stream_t *s);
    /* why: SMS_OK the peer ended it or close() is done; SMS_E_TIMEOUT no
     * connection in time; SMS_E_DOWN refused, reset, not resolved;
     * SMS_E_DENIED the certificate was not accepted; SMS_E_CONFIG;
     * SMS_E_INVAL.  The stream is freed when it returns.                     */
    void    (*closed)(void *data, ngx_sms_stream_t *s, sms_rc_t why);
} ngx_sms_stream_cb_t;


/* "peer" is an address or a name; tls NULL: plain.  timeout covers name, TCP
 * and TLS together.  NULL: no memory, port 0 or a name that is none.         */
ngx_sms_stream_t *ngx_sms_stream_connect(ngx_str_t *peer, ngx_uint_t port,
    const sms_tls_t *tls, ngx_msec_t timeout, const ngx_sms_stream_cb_t *cb,
    void *data, ngx_log_t *log);

/* SMS_OK, SMS_E_BUSY, SMS_E_NOMEM, or SMS_E_DOWN after close() or before
 * opened()                                                                   */
sms_rc_t ngx_sms_stream_write(ngx_sms_stream_t *s, const void *p, size_t n);

void ngx_sms_stream_close(ngx_sms_stream_t *s);
/* at once, without closed(); also from inside a callback */
void ngx_sms_stream_drop(ngx_sms_stream_t *s);

#endif /* NGX_SMS_STREAM_H */
