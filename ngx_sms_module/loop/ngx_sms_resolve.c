#include "ngx_sms_resolve.h"

#include "ngx_sms_timer.h"


struct ngx_sms_resolve_s {
    ngx_resolver_ctx_t  *ctx;
    ngx_sms_resolve_pt   handler;
    void                *data;
    in_port_t            port;
    ngx_log_t           *log;
    /* nginx may answer from its cache inside ngx_resolve_name(); such an
       answer is kept here and told from the timer */
    ngx_sms_timer_t      later;
    sms_rc_t             rc;
    ngx_uint_t           n;
    unsigned             starting:1;
    u_char               name[256];
    ngx_sms_resolve_addr_t  addrs[NGX_SMS_RESOLVE_MAX];
};


static ngx_resolver_t  *ngx_sms_resolver;
static ngx_msec_t       ngx_sms_resolver_timeout;


static ngx_int_t ngx_sms_resolve_literal(ngx_str_t *name, in_port_t port,
    ngx_sms_resolve_addr_t *addr);
static ngx_uint_t ngx_sms_resolve_is_name(ngx_str_t *name);
static void ngx_sms_resolve_answer(ngx_resolver_ctx_t *ctx);
static void ngx_sms_resolve_tell(void *data);


void
ngx_sms_resolve_init(ngx_resolver_t *r, ngx_msec_t timeout)
{
    if (r && r->connections.nelts == 0) {
        r = NULL;
    }

    ngx_sms_resolver = r;
    ngx_sms_resolver_timeout = timeout ? timeout : 30000;
}


sms_rc_t
ngx_sms_resolve(ngx_str_t *name, in_port_t port, ngx_sms_resolve_addr_t *addr,
    ngx_sms_resolve_t **lookup, ngx_sms_resolve_pt handler, void *data,
    ngx_log_t *log)
{
    ngx_resolver_ctx_t  *ctx;
    ngx_sms_resolve_t   *r;

    *lookup = NULL;

    if (ngx_sms_resolve_literal(name, port, addr) == NGX_OK) {
        return SMS_OK;
    }

    if (!ngx_sms_resolve_is_name(name)) {
        return SMS_E_INVAL;
    }

    if (ngx_sms_resolver == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "sms resolve: no resolver defined to resolve \"%V\"",
                      name);
        return SMS_E_CONFIG;
    }

    r = ngx_calloc(sizeof(ngx_sms_resolve_t), log);
    if (r == NULL) {
        return SMS_E_NOMEM;
    }

    r->handler = handler;
    r->data = data;
    r->port = port;
    r->log = log;
    ngx_sms_timer_deadline(&r->later, ngx_sms_resolve_tell, r, log);

    ctx = ngx_resolve_start(ngx_sms_resolver, NULL);
    if (ctx == NULL) {
        ngx_free(r);
        return SMS_E_NOMEM;
    }

    if (ctx == NGX_NO_RESOLVER) {
        ngx_free(r);
        return SMS_E_CONFIG;
    }

    ngx_memcpy(r->name, name->data, name->len);

    ctx->name.data = r->name;
    ctx->name.len = name->len;
    ctx->handler = ngx_sms_resolve_answer;
    ctx->data = r;
    ctx->timeout = ngx_sms_resolver_timeout;
    /* who waits for the answer keeps the worker, or does not care */
    ctx->cancelable = 1;

    r->ctx = ctx;
    r->starting = 1;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        /* the context is freed by nginx */
        ngx_free(r);
        return SMS_E_NOMEM;
    }

    r->starting = 0;
    *lookup = r;

    return SMS_PENDING;
}


void
ngx_sms_resolve_cancel(ngx_sms_resolve_t *r)
{
    if (r->ctx) {
        ngx_resolve_name_done(r->ctx);
    }

    ngx_sms_timer_stop(&r->later);
    ngx_free(r);
}


static ngx_int_t
ngx_sms_resolve_literal(ngx_str_t *name, in_port_t port,
    ngx_sms_resolve_addr_t *addr)
{
    size_t                len;
    u_char               *p;
    in_addr_t             in;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    p = name->data;
    len = name->len;

    if (len == 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(addr, sizeof(ngx_sms_resolve_addr_t));

    in = ngx_inet_addr(p, len);

    if (in != INADDR_NONE
        || (len == 15 && ngx_memcmp(p, "255.255.255.255", 15) == 0))
    {
        sin = &addr->sockaddr.sockaddr_in;
        sin->sin_family = AF_INET;
        sin->sin_addr.s_addr = in;
        sin->sin_port = htons(port);
        addr->socklen = sizeof(struct sockaddr_in);
        return NGX_OK;
    }

#if (NGX_HAVE_INET6)

    if (len > 2 && p[0] == '[' && p[len - 1] == ']') {
        p++;
        len -= 2;
    }

    sin6 = &addr->sockaddr.sockaddr_in6;

    if (ngx_inet6_addr(p, len, sin6->sin6_addr.s6_addr) == NGX_OK) {
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(port);
        addr->socklen = sizeof(struct sockaddr_in6);
        return NGX_OK;
    }

#endif

    return NGX_DECLINED;
}


/* letters, digits, '-', '_' and '.', labels of 1 to 63: what DNS can ask */
static ngx_uint_t
ngx_sms_resolve_is_name(ngx_str_t *name)
{
    u_char      ch;
    size_t      i, label;

    if (name->len == 0 || name->len > 253) {
        return 0;
    }

    label = 0;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (ch == '.') {
            if (label == 0) {
                return 0;
            }

            label = 0;
            continue;
        }

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_')
            || ++label > 63)
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_sms_resolve_answer(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t          i;
    ngx_sms_resolve_t  *r;

    r = ctx->data;

    if (ctx->state) {
        ngx_log_error(NGX_LOG_ERR, r->log, 0,
                      "sms resolve: \"%V\" could not be resolved (%i: %s)",
                      &ctx->name, ctx->state,
                      ngx_resolver_strerror(ctx->state));

        r->rc = (ctx->state == NGX_RESOLVE_TIMEDOUT) ? SMS_E_TIMEOUT
                                                     : SMS_E_DOWN;

    } else {
        for (i = 0; i < ctx->naddrs && r->n < NGX_SMS_RESOLVE_MAX; i++) {
            if (ctx->addrs[i].socklen > sizeof(ngx_sockaddr_t)) {
                continue;
            }

            ngx_memcpy(&r->addrs[r->n].sockaddr, ctx->addrs[i].sockaddr,
                       ctx->addrs[i].socklen);
            r->addrs[r->n].socklen = ctx->addrs[i].socklen;
            ngx_inet_set_port(&r->addrs[r->n].sockaddr.sockaddr, r->port);
            r->n++;
        }

        r->rc = r->n ? SMS_OK : SMS_E_DOWN;
    }

    r->ctx = NULL;

    ngx_resolve_name_done(ctx);

    if (r->starting) {
        ngx_sms_timer_start(&r->later, 0);
        return;
    }

    ngx_sms_resolve_tell(r);
}


static void
ngx_sms_resolve_tell(void *data)
{
    ngx_sms_resolve_t  *r = data;

    r->handler(r->data, r->rc, r->addrs, r->n);

    ngx_free(r);
}
