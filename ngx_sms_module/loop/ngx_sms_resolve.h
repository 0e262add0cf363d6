/*
 * Host names to addresses through nginx's resolver, off the loop's back.
 *
 * A literal IPv4 or IPv6 address ("127.0.0.1", "::1", "[::1]") needs no
 * resolver and no packet.  A name needs one: without "resolver" in the
 * configuration the answer is SMS_E_CONFIG.  nginx's resolver does not read
 * /etc/hosts, so "localhost" is a name like any other.
 */
#ifndef NGX_SMS_RESOLVE_H
#define NGX_SMS_RESOLVE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"


#define NGX_SMS_RESOLVE_MAX  16         /* addresses of one name              */


typedef struct ngx_sms_resolve_s  ngx_sms_resolve_t;

typedef struct {
    ngx_sockaddr_t           sockaddr;
    socklen_t                socklen;
} ngx_sms_resolve_addr_t;

/* rc: SMS_OK, SMS_E_DOWN (no such name, server failed), SMS_E_TIMEOUT.  The
 * lookup is freed when the callback returns.                                 */
typedef void (*ngx_sms_resolve_pt)(void *data, sms_rc_t rc,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n);


/* once per worker; r may be NULL: then only literal addresses work */
void ngx_sms_resolve_init(ngx_resolver_t *r, ngx_msec_t timeout);

/* SMS_OK: "addr" is filled, the name was an address; SMS_PENDING: "handler"
 * will be called, *lookup can be cancelled until then; else the error.
 * "handler" is never called from inside this function.                       */
sms_rc_t ngx_sms_resolve(ngx_str_t *name, in_port_t port,
    ngx_sms_resolve_addr_t *addr, ngx_sms_resolve_t **lookup,
    ngx_sms_resolve_pt handler, void *data, ngx_log_t *log);

/* handler will not run */
void ngx_sms_resolve_cancel(ngx_sms_resolve_t *lookup);

#endif /* NGX_SMS_RESOLVE_H */
