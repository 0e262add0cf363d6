/*
 * HTTP out: libcurl's multi-socket interface inside nginx's loop.
 *
 * Names are resolved by nginx's resolver and pinned with CURLOPT_RESOLVE, so
 * libcurl starts no resolver thread.  No redirects, no proxies from the
 * environment, no cookies, only http and https; https is always verified.
 * Connections are kept and used again.
 *
 * The request's strings are copied.  done() runs once, from the loop, never
 * from inside request(), and not after abort(); what it is given is valid until
 * it returns.  res->rc: SMS_OK an answer of any status, SMS_E_TIMEOUT,
 * SMS_E_DOWN no answer, SMS_E_DENIED certificate or address refused, SMS_E_INVAL
 * answer above NGX_SMS_CURL_BODY_MAX, SMS_E_CONFIG a file of tls cannot be used.
 * res->flags has NGX_SMS_CURL_SENT when bytes of the request had left: with an
 * error it may have been acted upon.  Header names come in lower case.
 *
 * A running request keeps a leaving worker until it ends or times out.
 */
#ifndef NGX_SMS_CURL_H
#define NGX_SMS_CURL_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"


#define NGX_SMS_CURL_BODY_MAX     (8 * 1024 * 1024)
#define NGX_SMS_CURL_HEADERS_MAX  64
#define NGX_SMS_CURL_HEADER_BYTES (64 * 1024)
#define NGX_SMS_CURL_TIMEOUT      30000     /* where the request says 0       */
#define NGX_SMS_CURL_CONNECT      10000     /* at most, of the timeout        */
#define NGX_SMS_CURL_SENT         1         /* res->flags                    */
#define NGX_SMS_CURL_HOST_MAX     16        /* connections to one host        */


typedef struct ngx_sms_curl_s  ngx_sms_curl_t;

typedef void (*ngx_sms_curl_pt)(void *data, const sms_http_res_t *res);

/* for URLs that strangers have chosen */
typedef struct {
    ngx_msec_t               connect;       /* 0: NGX_SMS_CURL_CONNECT        */
    unsigned                 public_only:1; /* sms_address_public(), looked at
                                               when resolved and when connected */
    unsigned                 discard:1;     /* the answer's body is not kept  */
    unsigned                 once:1;        /* libcurl sends again by itself where
                                               a kept connection ends without an
                                               answer: not this one           */
} ngx_sms_curl_guard_t;


/* once per worker, after ngx_sms_resolve_init(); NGX_OK or NGX_ERROR */
ngx_int_t ngx_sms_curl_init(ngx_cycle_t *cycle);
/* from exit_process; requests that still run end without done() */
void ngx_sms_curl_done(void);

/* NULL: bad URL, refused address, no memory, worker leaving for good (*rc says
 * which).  "guard" may be NULL */
ngx_sms_curl_t *ngx_sms_curl_request(const sms_http_req_t *req,
    const ngx_sms_curl_guard_t *guard, ngx_sms_curl_pt done, void *data,
    ngx_log_t *log, sms_rc_t *rc);
void ngx_sms_curl_abort(ngx_sms_curl_t *r);

#endif /* NGX_SMS_CURL_H */
