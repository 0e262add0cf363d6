#include "ngx_sms_pg_conf.h"

#include "ngx_sms_pg_error.h"

#include <libpq-fe.h>

#define NGX_SMS_PG_SOCKET_DIR  "/var/run/postgresql"
#define NGX_SMS_PG_TARGETS     16
#define NGX_SMS_PG_PASSED      48

/* the first libpq whose TLS neither fails nor hangs in non-blocking mode */
#define NGX_SMS_PG_TLS_LIBPQ   150019

typedef struct {
    ngx_conf_t         *cf;
    ngx_sms_pg_conf_t  *conf;
    PQconninfoOption   *options;
    const char         *sslmode;
} ngx_sms_pg_parse_t;

typedef struct {
    const char  *keyword;
    const char  *value;
} ngx_sms_pg_default_t;

/* A dead peer is otherwise noticed after two hours, or after 15 minutes with
 * data on the way (Linux tcp(7)).                                            */
static const ngx_sms_pg_default_t  ngx_sms_pg_defaults[] = {
    { "keepalives_idle",     "10" },
    { "keepalives_interval", "5" },
    { "keepalives_count",    "3" },
    { "tcp_user_timeout",    "15000" },
    { NULL, NULL }
};

/* decided here, not passed through */
static const char *const  ngx_sms_pg_own[] = {
    "host", "hostaddr", "port", "sslmode", "gssencmode", "connect_timeout",
    "target_session_attrs", "client_encoding", "service", "replication", NULL
};


void
ngx_sms_pg_conf_unset(ngx_sms_pg_conf_t *conf)
{
    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->statement_timeout = NGX_CONF_UNSET_MSEC;
    conf->lock_timeout = NGX_CONF_UNSET_MSEC;
    conf->queue = NGX_CONF_UNSET_UINT;
    conf->queue_rows = NGX_CONF_UNSET_UINT;
    conf->batch_rows = NGX_CONF_UNSET_UINT;
    conf->batch_size = NGX_CONF_UNSET_SIZE;
    conf->inflight = NGX_CONF_UNSET_UINT;
    conf->unsafe = NGX_CONF_UNSET;
}


static const char *
ngx_sms_pg_conf_option(ngx_sms_pg_parse_t *p, const char *keyword)
{
    PQconninfoOption  *o;

    for (o = p->options; o->keyword; o++) {
        if (ngx_strcmp(o->keyword, keyword) == 0) {
            return o->val && o->val[0] ? o->val : NULL;
        }
    }

    return NULL;
}


static char *
ngx_sms_pg_conf_copy(ngx_pool_t *pool, const char *s, size_t len)
{
    char  *p;

    p = ngx_pnalloc(pool, len + 1);

    if (p != NULL) {
        ngx_memcpy(p, s, len);
        p[len] = '\0';
    }

    return p;
}


static ngx_int_t
ngx_sms_pg_conf_check(ngx_sms_pg_parse_t *p)
{
    ngx_int_t    seconds;
    const char  *v;

    v = ngx_sms_pg_conf_option(p, "service");
    if (v != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: \"service\" is not supported, write "
                           "its parameters here");
        return NGX_ERROR;
    }

    v = ngx_sms_pg_conf_option(p, "replication");
    if (v != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: \"replication\" is not supported");
        return NGX_ERROR;
    }

    v = ngx_sms_pg_conf_option(p, "client_encoding");
    if (v != NULL && ngx_strcasecmp((u_char *) v, (u_char *) "UTF8") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: client_encoding is always UTF8");
        return NGX_ERROR;
    }

    v = ngx_sms_pg_conf_option(p, "gssencmode");
    if (v != NULL && ngx_strcmp(v, "disable") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: gssencmode can only be \"disable\"");
        return NGX_ERROR;
    }

    v = ngx_sms_pg_conf_option(p, "target_session_attrs");
    if (v != NULL && ngx_strcmp(v, "any") != 0
        && ngx_strcmp(v, "read-write") != 0 && ngx_strcmp(v, "primary") != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: target_session_attrs \"%s\" is not "
                           "supported", v);
        return NGX_ERROR;
    }

    p->sslmode = ngx_sms_pg_conf_option(p, "sslmode");
    if (p->sslmode != NULL
        && ngx_strcmp(p->sslmode, "disable") != 0
        && ngx_strcmp(p->sslmode, "require") != 0
        && ngx_strcmp(p->sslmode, "verify-ca") != 0
        && ngx_strcmp(p->sslmode, "verify-full") != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: sslmode \"%s\" is not one of disable, "
                           "require, verify-ca, verify-full", p->sslmode);
        return NGX_ERROR;
    }

    if (p->sslmode != NULL) {
        p->sslmode = ngx_sms_pg_conf_copy(p->cf->pool, p->sslmode,
                                          ngx_strlen(p->sslmode));
        if (p->sslmode == NULL) {
            return NGX_ERROR;
        }
    }

    v = ngx_sms_pg_conf_option(p, "connect_timeout");
    if (v != NULL) {
        seconds = ngx_atoi((u_char *) v, ngx_strlen(v));

        if (seconds < 1 || seconds > 3600) {
            ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                               "database: connect_timeout \"%s\" is not "
                               "between 1 and 3600 seconds", v);
            return NGX_ERROR;
        }

        p->conf->connect_timeout = (ngx_msec_t) seconds * 1000;
    }

    return NGX_OK;
}


/* "host" is a name, an address or a socket directory; "addr" NULL: none yet */
static ngx_int_t
ngx_sms_pg_conf_target(ngx_sms_pg_parse_t *p, const char *host,
    const char *addr, const char *port)
{
    u_char                      *end;
    ngx_int_t                    n;
    ngx_uint_t                   i, k, local;
    const char                  *sslmode, **own;
    ngx_addr_t                   parsed;
    PQconninfoOption            *o;
    ngx_sms_pg_target_t         *t;
    const ngx_sms_pg_default_t  *d;

    if (p->conf->targets.nelts == NGX_SMS_PG_TARGETS) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: more than %d addresses",
                           NGX_SMS_PG_TARGETS);
        return NGX_ERROR;
    }

    t = ngx_array_push(&p->conf->targets);
    if (t == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(t, sizeof(ngx_sms_pg_target_t));

    t->keywords = ngx_pcalloc(p->cf->pool, NGX_SMS_PG_PASSED * sizeof(char *));
    t->values = ngx_pcalloc(p->cf->pool, NGX_SMS_PG_PASSED * sizeof(char *));
    t->name.data = ngx_pnalloc(p->cf->pool, ngx_strlen(host)
                               + ngx_strlen(port) + (addr ? ngx_strlen(addr)
                               : 0) + sizeof(":()"));

    if (t->keywords == NULL || t->values == NULL || t->name.data == NULL) {
        return NGX_ERROR;
    }

    n = ngx_atoi((u_char *) port, ngx_strlen(port));
    if (n < 1 || n > 65535) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: invalid port \"%s\"", port);
        return NGX_ERROR;
    }

    t->port = (in_port_t) n;

    end = ngx_sprintf(t->name.data, "%s:%s", host, port);

    if (addr != NULL && ngx_strcmp(addr, host) != 0) {
        end = ngx_sprintf(end, "(%s)", addr);
    }

    t->name.len = end - t->name.data;

    local = host[0] == '/' || host[0] == '@';

    if (addr == NULL && !local) {
        t->host.data = (u_char *) host;
        t->host.len = ngx_strlen(host);
    }

    if (p->sslmode != NULL) {
        sslmode = p->sslmode;

    } else if (local) {
        sslmode = "disable";

    } else if (addr != NULL
               && ngx_parse_addr(p->cf->pool, &parsed, (u_char *) addr,
                                 ngx_strlen(addr)) == NGX_OK
               && ((parsed.sockaddr->sa_family == AF_INET
                    && ngx_strncmp(addr, "127.", 4) == 0)
                   || ngx_strcmp(addr, "::1") == 0))
    {
        sslmode = "disable";

    } else if (ngx_sms_pg_conf_option(p, "sslrootcert") != NULL) {
        sslmode = "verify-full";

    } else {
        sslmode = "require";
    }

    /* libpq never speaks TLS on a socket directory, whatever sslmode says */
    if (!local && ngx_strcmp(sslmode, "disable") != 0) {
        p->conf->tls = 1;
    }

    k = 0;

#define ngx_sms_pg_put(keyword, value)                                        \
    t->keywords[k] = keyword;                                                 \
    t->values[k++] = value

    ngx_sms_pg_put("host", host);

    t->hostaddr = k;

    if (!local) {
        ngx_sms_pg_put("hostaddr", addr);
    }

    ngx_sms_pg_put("port", port);
    ngx_sms_pg_put("sslmode", sslmode);
    ngx_sms_pg_put("gssencmode", "disable");
    ngx_sms_pg_put("client_encoding", "UTF8");

    for (o = p->options; o->keyword; o++) {

        if (o->val == NULL || o->val[0] == '\0') {
            continue;
        }

        own = (const char **) ngx_sms_pg_own;

        while (*own != NULL && ngx_strcmp(*own, o->keyword) != 0) {
            own++;
        }

        if (*own != NULL) {
            continue;
        }

        if (k + 8 >= NGX_SMS_PG_PASSED) {
            ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                               "database: too many parameters");
            return NGX_ERROR;
        }

        t->keywords[k] = ngx_sms_pg_conf_copy(p->cf->pool, o->keyword,
                                              ngx_strlen(o->keyword));
        t->values[k] = ngx_sms_pg_conf_copy(p->cf->pool, o->val,
                                            ngx_strlen(o->val));

        if (t->keywords[k] == NULL || t->values[k] == NULL) {
            return NGX_ERROR;
        }

        k++;
    }

    if (!local) {
        for (d = ngx_sms_pg_defaults; d->keyword; d++) {

            for (i = 0; i < k; i++) {
                if (ngx_strcmp(t->keywords[i], d->keyword) == 0) {
                    break;
                }
            }

            if (i == k) {
                ngx_sms_pg_put(d->keyword, d->value);
            }
        }
    }

#undef ngx_sms_pg_put

    return NGX_OK;
}


/* one host of the list: as it is, or each of its addresses */
static ngx_int_t
ngx_sms_pg_conf_host(ngx_sms_pg_parse_t *p, const char *host, const char *addr,
    const char *port)
{
    char        *text;
    u_char       buf[NGX_SOCKADDR_STRLEN];
    size_t       len;
    ngx_url_t    u;
    ngx_addr_t   parsed;
    ngx_uint_t   i;

    if (addr != NULL) {

        if (ngx_parse_addr(p->cf->pool, &parsed, (u_char *) addr,
                           ngx_strlen(addr)) != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                               "database: invalid hostaddr \"%s\"", addr);
            return NGX_ERROR;
        }

        return ngx_sms_pg_conf_target(p, host ? host : addr, addr, port);
    }

    if (host == NULL) {
        return ngx_sms_pg_conf_target(p, NGX_SMS_PG_SOCKET_DIR, NULL, port);
    }

    if (host[0] == '/' || host[0] == '@') {
        return ngx_sms_pg_conf_target(p, host, NULL, port);
    }

    if (ngx_parse_addr(p->cf->pool, &parsed, (u_char *) host, ngx_strlen(host))
        == NGX_OK)
    {
        return ngx_sms_pg_conf_target(p, host, host, port);
    }

    if (p->conf->resolver != NULL) {
        return ngx_sms_pg_conf_target(p, host, NULL, port);
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.host.data = (u_char *) host;
    u.host.len = ngx_strlen(host);
    u.port = 1;

    if (ngx_inet_resolve_host(p->cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: host \"%s\" not found, and no resolver "
                           "is configured", host);
        return NGX_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {
        len = ngx_sock_ntop(u.addrs[i].sockaddr, u.addrs[i].socklen, buf,
                            sizeof(buf), 0);

        text = ngx_sms_pg_conf_copy(p->cf->pool, (char *) buf, len);
        if (text == NULL) {
            return NGX_ERROR;
        }

        if (ngx_sms_pg_conf_target(p, host, text, port) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* cuts the next element off a comma list; empty elements are NULL */
static ngx_int_t
ngx_sms_pg_conf_next(ngx_pool_t *pool, const char **list, const char **item)
{
    size_t       len;
    const char  *comma;

    if (*list == NULL) {
        *item = NULL;
        return NGX_DONE;
    }

    comma = strchr(*list, ',');
    len = comma ? (size_t) (comma - *list) : ngx_strlen(*list);

    if (len == 0) {
        *item = NULL;

    } else {
        *item = ngx_sms_pg_conf_copy(pool, *list, len);

        if (*item == NULL) {
            return NGX_ERROR;
        }
    }

    *list = comma ? comma + 1 : NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_pg_conf_hosts(ngx_sms_pg_parse_t *p)
{
    ngx_int_t    h, a, o;
    ngx_uint_t   n;
    const char  *hosts, *addrs, *ports, *host, *addr, *port, *item;

    hosts = ngx_sms_pg_conf_option(p, "host");
    addrs = ngx_sms_pg_conf_option(p, "hostaddr");
    ports = ngx_sms_pg_conf_option(p, "port");

    port = "5432";

    for (n = 0; n == 0 || hosts != NULL || addrs != NULL; n++) {

        h = ngx_sms_pg_conf_next(p->cf->pool, &hosts, &host);
        a = ngx_sms_pg_conf_next(p->cf->pool, &addrs, &addr);
        o = ngx_sms_pg_conf_next(p->cf->pool, &ports, &item);

        if (h == NGX_ERROR || a == NGX_ERROR || o == NGX_ERROR) {
            return NGX_ERROR;
        }

        /* as in libpq: one port serves all hosts, an empty one is the default */
        if (o == NGX_OK) {
            port = item ? item : "5432";
        }

        if (ngx_sms_pg_conf_host(p, host, addr, port) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ports != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, p->cf, 0,
                           "database: more ports than hosts");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* libpq quotes what it stumbled over, which may be a piece of a password with a
 * blank in it; only a wrong keyword is shown                                 */
static void
ngx_sms_pg_conf_complain(ngx_conf_t *cf, const char *err)
{
    char    text[256];
    size_t  len;

    if (ngx_strncmp(err, "invalid connection option",
                    sizeof("invalid connection option") - 1)
        == 0)
    {
        ngx_cpystrn((u_char *) text, (u_char *) err, sizeof(text));
        len = ngx_strlen(text);

        if (len && text[len - 1] == '\n') {
            text[len - 1] = '\0';
        }

    } else {
        (void) ngx_sms_pg_error_trim(text, sizeof(text), err);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "database: %s", text);
}


ngx_int_t
ngx_sms_pg_conf_init(ngx_conf_t *cf, ngx_sms_pg_conf_t *conf,
    ngx_str_t *conninfo, ngx_resolver_t *resolver, ngx_msec_t resolver_timeout)
{
    char                *text, *err;
    ngx_int_t            rc;
    ngx_sms_pg_parse_t   p;

    /* nginx makes an empty resolver where none is configured */
    if (resolver != NULL && resolver->connections.nelts == 0) {
        resolver = NULL;
    }

    conf->resolver = resolver;
    conf->resolver_timeout = resolver_timeout;

    p.cf = cf;
    p.conf = conf;
    err = NULL;

    text = ngx_sms_pg_conf_copy(cf->pool, (char *) conninfo->data,
                                conninfo->len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&conf->targets, cf->pool, 4,
                       sizeof(ngx_sms_pg_target_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    p.options = PQconninfoParse(text, &err);
    if (p.options == NULL) {
        ngx_sms_pg_conf_complain(cf, err ? err : "no memory");
        PQfreemem(err);
        return NGX_ERROR;
    }

    rc = ngx_sms_pg_conf_check(&p);

    ngx_conf_init_msec_value(conf->connect_timeout, 5000);
    ngx_conf_init_msec_value(conf->statement_timeout, 5000);
    ngx_conf_init_msec_value(conf->lock_timeout, 2000);
    ngx_conf_init_uint_value(conf->queue, 1024);
    ngx_conf_init_uint_value(conf->queue_rows, 20000);
    ngx_conf_init_uint_value(conf->batch_rows, 1000);
    ngx_conf_init_size_value(conf->batch_size, 1024 * 1024);
    ngx_conf_init_uint_value(conf->inflight, 2);
    ngx_conf_init_value(conf->unsafe, 0);

    if (rc == NGX_OK && (conf->statement_timeout == 0 || conf->queue == 0
                         || conf->connect_timeout == 0
                         || conf->batch_rows == 0 || conf->inflight == 0))
    {
        /* without these a stopped server would hold requests for ever */
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "database: timeouts and limits must not be 0");
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        rc = ngx_sms_pg_conf_hosts(&p);
    }

    PQconninfoFree(p.options);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf->tls && PQlibVersion() < NGX_SMS_PG_TLS_LIBPQ) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "database: TLS needs libpq 15.19 or newer, this "
                           "is %d", PQlibVersion());
        return NGX_ERROR;
    }

    return NGX_OK;
}
