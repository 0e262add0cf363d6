#include "ngx_sms_tls.h"

#include <sys/stat.h>


#define NGX_SMS_TLS_FILES  3


typedef struct {
    ngx_ssl_t          ssl;             /* ctx NULL: free                     */
    char              *file[NGX_SMS_TLS_FILES];
    struct timespec    mtime[NGX_SMS_TLS_FILES];
    ino_t              ino[NGX_SMS_TLS_FILES];
    ngx_uint_t         used;
} ngx_sms_tls_entry_t;


static ngx_sms_tls_entry_t  ngx_sms_tls_entries[NGX_SMS_TLS_CONTEXTS];
static ngx_uint_t           ngx_sms_tls_clock;


static ngx_uint_t ngx_sms_tls_match(ngx_sms_tls_entry_t *e,
    const sms_str_t **names);
static ngx_uint_t ngx_sms_tls_fresh(ngx_sms_tls_entry_t *e);
static sms_rc_t ngx_sms_tls_make(ngx_sms_tls_entry_t *e,
    const sms_str_t **names, ngx_log_t *log);
static void ngx_sms_tls_free(ngx_sms_tls_entry_t *e);
static int ngx_sms_tls_no_password(char *buf, int size, int rwflag,
    void *data);


sms_rc_t
ngx_sms_tls_context(const sms_tls_t *tls, ngx_ssl_t *ssl, ngx_log_t *log)
{
    ngx_uint_t            i;
    const sms_str_t      *names[NGX_SMS_TLS_FILES];
    ngx_sms_tls_entry_t  *e, *oldest;
    sms_rc_t              rc;

    names[0] = &tls->ca_file;
    names[1] = &tls->cert_file;
    names[2] = &tls->key_file;

    if ((tls->cert_file.len == 0) != (tls->key_file.len == 0)) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "sms tls: a client certificate and its key go together");
        return SMS_E_CONFIG;
    }

    oldest = NULL;

    for (i = 0; i < NGX_SMS_TLS_CONTEXTS; i++) {
        e = &ngx_sms_tls_entries[i];

        if (e->ssl.ctx && ngx_sms_tls_match(e, names)) {
            if (ngx_sms_tls_fresh(e)) {
                oldest = e;
                goto found;
            }

            oldest = e;
            break;
        }

        if (oldest == NULL || e->used < oldest->used) {
            oldest = e;
        }
    }

    /* streams hold references of their own to the SSL_CTX */

    ngx_sms_tls_free(oldest);

    rc = ngx_sms_tls_make(oldest, names, log);

    if (rc != SMS_OK) {
        ngx_sms_tls_free(oldest);
        return rc;
    }

found:

    oldest->used = ++ngx_sms_tls_clock;

    *ssl = oldest->ssl;
    (void) SSL_CTX_up_ref(ssl->ctx);

    return SMS_OK;
}


void
ngx_sms_tls_release(ngx_ssl_t *ssl)
{
    if (ssl->ctx) {
        SSL_CTX_free(ssl->ctx);
        ssl->ctx = NULL;
    }
}


ngx_int_t
ngx_sms_tls_start(ngx_ssl_t *ssl, ngx_connection_t *c, ngx_str_t *name)
{
    u_char              addr[16];
    char                host[256];
    ngx_str_t           bare;
    SSL                *conn;
    X509_VERIFY_PARAM  *param;

    if (name->len == 0 || name->len >= sizeof(host)) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create_connection(ssl, c, NGX_SSL_CLIENT)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    bare = *name;

    if (bare.len > 2 && bare.data[0] == '[' && bare.data[bare.len - 1] == ']') {
        bare.data++;
        bare.len -= 2;
    }

    ngx_memcpy(host, bare.data, bare.len);
    host[bare.len] = '\0';

    conn = c->ssl->connection;
    param = SSL_get0_param(conn);

    if (ngx_inet_addr(bare.data, bare.len) != INADDR_NONE
#if (NGX_HAVE_INET6)
        || ngx_inet6_addr(bare.data, bare.len, addr) == NGX_OK
#endif
       )
    {
        /* RFC 6066: no server name indication for addresses */

        if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1) {
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (host[bare.len - 1] == '.') {
        host[bare.len - 1] = '\0';
    }

    if (SSL_set_tlsext_host_name(conn, host) != 1) {
        return NGX_ERROR;
    }

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    if (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


const char *
ngx_sms_tls_verify_error(ngx_connection_t *c)
{
    long  rc;

    if (c->ssl == NULL || c->ssl->connection == NULL) {
        return "";
    }

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc == X509_V_OK) {
        return "";
    }

    return X509_verify_cert_error_string(rc);
}


void
ngx_sms_tls_done(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_SMS_TLS_CONTEXTS; i++) {
        ngx_sms_tls_free(&ngx_sms_tls_entries[i]);
    }
}


static ngx_uint_t
ngx_sms_tls_match(ngx_sms_tls_entry_t *e, const sms_str_t **names)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_SMS_TLS_FILES; i++) {
        if (e->file[i] == NULL) {
            if (names[i]->len) {
                return 0;
            }

            continue;
        }

        if (ngx_strlen(e->file[i]) != names[i]->len
            || ngx_memcmp(e->file[i], names[i]->ptr, names[i]->len) != 0)
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_sms_tls_fresh(ngx_sms_tls_entry_t *e)
{
    ngx_uint_t   i;
    struct stat  st;

    for (i = 0; i < NGX_SMS_TLS_FILES; i++) {
        if (e->file[i] == NULL) {
            continue;
        }

        /* a file that has gone for a moment is no reason to stop sending */

        if (stat(e->file[i], &st) == 0
            && (st.st_ino != e->ino[i]
                || st.st_mtim.tv_sec != e->mtime[i].tv_sec
                || st.st_mtim.tv_nsec != e->mtime[i].tv_nsec))
        {
            return 0;
        }
    }

    return 1;
}


static sms_rc_t
ngx_sms_tls_make(ngx_sms_tls_entry_t *e, const sms_str_t **names,
    ngx_log_t *log)
{
    ngx_uint_t   i;
    struct stat  st;
    SSL_CTX     *ctx;

    for (i = 0; i < NGX_SMS_TLS_FILES; i++) {
        if (names[i]->len == 0) {
            continue;
        }

        e->file[i] = malloc(names[i]->len + 1);
        if (e->file[i] == NULL) {
            return SMS_E_NOMEM;
        }

        ngx_memcpy(e->file[i], names[i]->ptr, names[i]->len);
        e->file[i][names[i]->len] = '\0';

        if (stat(e->file[i], &st) != 0) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          "sms tls: cannot read \"%s\"", e->file[i]);
            return SMS_E_CONFIG;
        }

        e->mtime[i] = st.st_mtim;
        e->ino[i] = st.st_ino;
    }

    /* a context outlives the connection whose log this is */
    e->ssl.log = ngx_cycle->log;

    if (ngx_ssl_create(&e->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return SMS_E_NOMEM;
    }

    ctx = e->ssl.ctx;

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);

    if (e->file[0]) {
        if (SSL_CTX_load_verify_locations(ctx, e->file[0], NULL) != 1) {
            ngx_ssl_error(NGX_LOG_ERR, log, 0,
                          "sms tls: cannot load CA certificates from \"%s\"",
                          e->file[0]);
            return SMS_E_CONFIG;
        }

    } else if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
        ngx_ssl_error(NGX_LOG_ERR, log, 0,
                      "sms tls: cannot load the system's CA certificates");
        return SMS_E_CONFIG;
    }

    if (e->file[1] == NULL) {
        return SMS_OK;
    }

    SSL_CTX_set_default_passwd_cb(ctx, ngx_sms_tls_no_password);

    if (SSL_CTX_use_certificate_chain_file(ctx, e->file[1]) != 1) {
        ngx_ssl_error(NGX_LOG_ERR, log, 0,
                      "sms tls: cannot load certificate \"%s\"", e->file[1]);
        return SMS_E_CONFIG;
    }

    if (SSL_CTX_use_PrivateKey_file(ctx, e->file[2], SSL_FILETYPE_PEM) != 1
        || SSL_CTX_check_private_key(ctx) != 1)
    {
        ngx_ssl_error(NGX_LOG_ERR, log, 0,
                      "sms tls: cannot use key \"%s\"", e->file[2]);
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


static void
ngx_sms_tls_free(ngx_sms_tls_entry_t *e)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_SMS_TLS_FILES; i++) {
        free(e->file[i]);
    }

    if (e->ssl.ctx) {
        SSL_CTX_free(e->ssl.ctx);
    }

    ngx_memzero(e, sizeof(ngx_sms_tls_entry_t));
}


/* OpenSSL's default asks on the terminal and would stop the worker there */
static int
ngx_sms_tls_no_password(char *buf, int size, int rwflag, void *data)
{
    return 0;
}
