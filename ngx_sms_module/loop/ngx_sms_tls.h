/*
 * TLS client contexts: TLS 1.2 or newer, the peer is always verified.
 *
 * Contexts are kept per worker by (CA file, certificate, key): reading the
 * system's 140 CA certificates takes some 20 ms.  A context is made again when
 * one of its files has changed, so a renewed certificate is taken up by the
 * next connection.
 */
#ifndef NGX_SMS_TLS_H
#define NGX_SMS_TLS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "sms_plugin.h"


#define NGX_SMS_TLS_CONTEXTS  32


/* SMS_OK: *ssl holds the context, until it is released: a connection comes to
 * its handshake later, when its place here may be another's.  SMS_E_CONFIG: a
 * file cannot be read or does not fit; the reason is logged.                 */
sms_rc_t ngx_sms_tls_context(const sms_tls_t *tls, ngx_ssl_t *ssl,
    ngx_log_t *log);
/* one that was never filled (zeroed) is left alone */
void ngx_sms_tls_release(ngx_ssl_t *ssl);

/* Makes c a TLS client connection whose certificate must carry "name", a host
 * name or an address.  NGX_OK or NGX_ERROR.                                  */
ngx_int_t ngx_sms_tls_start(ngx_ssl_t *ssl, ngx_connection_t *c,
    ngx_str_t *name);

/* why the handshake failed, for the log; "" when TLS itself knows nothing    */
const char *ngx_sms_tls_verify_error(ngx_connection_t *c);

/* from exit_process */
void ngx_sms_tls_done(void);

#endif /* NGX_SMS_TLS_H */
