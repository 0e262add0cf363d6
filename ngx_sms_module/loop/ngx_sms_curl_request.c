#include "ngx_sms_curl_request.h"

#include "sms_address.h"


static sms_rc_t ngx_sms_curl_request_url(ngx_sms_curl_t *r,
    const sms_http_req_t *req, ngx_str_t *host_header);
static sms_rc_t ngx_sms_curl_request_headers(ngx_sms_curl_t *r,
    const sms_http_req_t *req, ngx_str_t *host_header);
static sms_rc_t ngx_sms_curl_request_options(ngx_sms_curl_t *r,
    const sms_http_req_t *req);
static sms_rc_t ngx_sms_curl_request_tls(ngx_sms_curl_t *r,
    const sms_tls_t *tls);
static ngx_int_t ngx_sms_curl_header(ngx_sms_curl_t *r, const char *name,
    size_t nlen, const char *value, size_t vlen);
static int ngx_sms_curl_begin(void *data, char *remote, char *local,
    int remote_port, int local_port);
static size_t ngx_sms_curl_write_body(char *p, size_t size, size_t n,
    void *data);
static size_t ngx_sms_curl_write_header(char *p, size_t size, size_t n,
    void *data);
static char *ngx_sms_curl_cstr(ngx_pool_t *pool, const char *p, size_t n);
static ngx_uint_t ngx_sms_curl_token(const char *p, size_t n);
static ngx_uint_t ngx_sms_curl_printable(const char *p, size_t n);


ngx_sms_curl_t *
ngx_sms_curl_request_create(const sms_http_req_t *req,
    const ngx_sms_curl_guard_t *guard, ngx_log_t *log, sms_rc_t *rc)
{
    ngx_str_t        host_header;
    ngx_pool_t      *pool;
    ngx_sms_curl_t  *r;

    pool = ngx_create_pool(2048, log);
    if (pool == NULL) {
        *rc = SMS_E_NOMEM;
        return NULL;
    }

    r = ngx_pcalloc(pool, sizeof(ngx_sms_curl_t));
    if (r == NULL) {
        ngx_destroy_pool(pool);
        *rc = SMS_E_NOMEM;
        return NULL;
    }

    r->pool = pool;
    r->log = log;
    r->timeout = req->timeout_ms ? req->timeout_ms : NGX_SMS_CURL_TIMEOUT;

    if (guard) {
        r->guard = *guard;
    }

    if (ngx_array_init(&r->answer, pool, 8, sizeof(sms_kv_t)) != NGX_OK) {
        *rc = SMS_E_NOMEM;
        goto failed;
    }

    r->easy = curl_easy_init();
    if (r->easy == NULL) {
        *rc = SMS_E_NOMEM;
        goto failed;
    }

    ngx_str_null(&host_header);

    *rc = ngx_sms_curl_request_url(r, req, &host_header);

    if (*rc == SMS_OK) {
        *rc = ngx_sms_curl_request_headers(r, req, &host_header);
    }

    if (*rc == SMS_OK) {
        *rc = ngx_sms_curl_request_options(r, req);
    }

    if (*rc == SMS_OK) {
        return r;
    }

failed:

    ngx_sms_curl_request_destroy(r);

    return NULL;
}


void
ngx_sms_curl_request_destroy(ngx_sms_curl_t *r)
{
    if (r->easy) {
        curl_easy_cleanup(r->easy);
    }

    curl_slist_free_all(r->headers);
    curl_slist_free_all(r->pinned);
    ngx_sms_stream_buf_free(&r->body);
    ngx_destroy_pool(r->pool);
}


sms_rc_t
ngx_sms_curl_request_pin(ngx_sms_curl_t *r,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n)
{
    u_char      *p, *buf, *last;
    size_t       len;
    ngx_uint_t   i, v6;

    for (i = 0; r->guard.public_only && i < n; i++) {
        if (!ngx_sms_curl_request_public(&addrs[i].sockaddr.sockaddr)) {
            ngx_log_error(NGX_LOG_ERR, r->log, 0,
                          "sms http: private address refused: host=\"%V\"",
                          &r->host);
            return SMS_E_DENIED;
        }
    }

    len = r->name.len + sizeof("::65535:")
          + n * (NGX_SOCKADDR_STRLEN + sizeof(",[]")) + 1;

    buf = ngx_pnalloc(r->pool, len);
    if (buf == NULL) {
        return SMS_E_NOMEM;
    }

    last = buf + len;
    p = ngx_slprintf(buf, last, "%V:%ui:", &r->name, (ngx_uint_t) r->port);

    for (i = 0; i < n; i++) {
        v6 = addrs[i].sockaddr.sockaddr.sa_family != AF_INET;

        if (i) {
            *p++ = ',';
        }

        if (v6) {
            *p++ = '[';
        }

        p += ngx_sock_ntop((struct sockaddr *) &addrs[i].sockaddr.sockaddr,
                           addrs[i].socklen, p, last - p, 0);
        if (v6) {
            *p++ = ']';
        }
    }

    *p = '\0';

    r->pinned = curl_slist_append(NULL, (char *) buf);
    if (r->pinned == NULL) {
        return SMS_E_NOMEM;
    }

    curl_easy_setopt(r->easy, CURLOPT_RESOLVE, r->pinned);

    return SMS_OK;
}


ngx_uint_t
ngx_sms_curl_request_public(const struct sockaddr *sa)
{
    const struct sockaddr_in   *sin;
    const struct sockaddr_in6  *sin6;

    if (sa->sa_family == AF_INET) {
        sin = (const struct sockaddr_in *) sa;
        return sms_address_public((const uint8_t *) &sin->sin_addr, 4);
    }

    if (sa->sa_family == AF_INET6) {
        sin6 = (const struct sockaddr_in6 *) sa;
        return sms_address_public((const uint8_t *) &sin6->sin6_addr, 16);
    }

    return 0;
}


sms_rc_t
ngx_sms_curl_request_result(ngx_sms_curl_t *r, CURLcode code)
{
    if (r->too_large) {
        return SMS_E_INVAL;
    }

    if (r->no_memory) {
        return SMS_E_NOMEM;
    }

    if (r->denied) {
        ngx_log_error(NGX_LOG_ERR, r->log, 0,
                      "sms http: private address refused: host=\"%V\"",
                      &r->host);
        return SMS_E_DENIED;
    }

    if (code == CURLE_OK) {
        return SMS_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->log, 0,
                  "sms http: request failed: host=\"%V\" port=%ui code=%d "
                  "cause=\"%s\"",
                  &r->host, (ngx_uint_t) r->port, (int) code,
                  r->error[0] ? r->error : curl_easy_strerror(code));

    switch (code) {

    case CURLE_OPERATION_TIMEDOUT:
        return SMS_E_TIMEOUT;

    case CURLE_PEER_FAILED_VERIFICATION:
        return SMS_E_DENIED;

    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return SMS_E_CONFIG;

    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return SMS_E_INVAL;

    case CURLE_OUT_OF_MEMORY:
        return SMS_E_NOMEM;

    default:
        return SMS_E_DOWN;
    }
}


void
ngx_sms_curl_request_answer(ngx_sms_curl_t *r, sms_rc_t rc,
    sms_http_res_t *res)
{
    long  status, sent;

    ngx_memzero(res, sizeof(sms_http_res_t));

    res->rc = rc;

    /* an error after the first byte: it may have been acted upon */

    sent = 0;
    (void) curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &sent);
    res->flags = sent > 0 || r->begun > 1 ? NGX_SMS_CURL_SENT : 0;

    if (rc != SMS_OK) {
        return;
    }

    status = 0;
    (void) curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);

    res->status = (uint32_t) status;
    res->headers = r->answer.elts;
    res->nheaders = (uint32_t) r->answer.nelts;
    res->body.ptr = r->body.data ? (char *) r->body.data : "";
    res->body.len = r->body.len;
}


static sms_rc_t
ngx_sms_curl_request_url(ngx_sms_curl_t *r, const sms_http_req_t *req,
    ngx_str_t *host_header)
{
    char      *url, *scheme, *host, *port, *whole, *name;
    CURLU     *u;
    size_t     len;
    ngx_int_t  n;
    sms_rc_t   rc;

    scheme = NULL;
    host = NULL;
    port = NULL;
    whole = NULL;

    if (req->url.len == 0 || req->url.len > 8192
        || !ngx_sms_curl_printable(req->url.ptr, req->url.len))
    {
        return SMS_E_INVAL;
    }

    url = ngx_sms_curl_cstr(r->pool, req->url.ptr, req->url.len);
    u = curl_url();

    if (url == NULL || u == NULL) {
        curl_url_cleanup(u);
        return SMS_E_NOMEM;
    }

    rc = SMS_E_INVAL;

    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK
        || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK
        || curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK
        || curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)
           != CURLUE_OK)
    {
        goto done;
    }

    if (ngx_strcmp(scheme, "http") != 0 && ngx_strcmp(scheme, "https") != 0) {
        goto done;
    }

    n = ngx_atoi((u_char *) port, ngx_strlen(port));

    if (n < 1 || n > 65535) {
        goto done;
    }

    r->port = (in_port_t) n;
    r->host.len = ngx_strlen(host);
    r->host.data = (u_char *) ngx_sms_curl_cstr(r->pool, host, r->host.len);
    r->name = r->host;

    if (r->host.data == NULL) {
        rc = SMS_E_NOMEM;
        goto done;
    }

    if (req->tls && req->tls->server_name.len) {

        /* libcurl checks the certificate against the URL's host, so the name
           goes there, and the host into the Host header */

        name = ngx_sms_curl_cstr(r->pool, req->tls->server_name.ptr,
                                 req->tls->server_name.len);
        len = r->host.len + sizeof(":65535");
        host_header->data = ngx_pnalloc(r->pool, len);

        if (name == NULL || host_header->data == NULL) {
            rc = SMS_E_NOMEM;
            goto done;
        }

        if (curl_url_set(u, CURLUPART_HOST, name, 0) != CURLUE_OK) {
            goto done;
        }

        r->name.data = (u_char *) name;
        r->name.len = req->tls->server_name.len;

        host_header->len = ngx_snprintf(host_header->data, len, "%V:%ui",
                                        &r->host, (ngx_uint_t) r->port)
                           - host_header->data;
    }

    if (curl_url_get(u, CURLUPART_URL, &whole, 0) != CURLUE_OK
        || curl_easy_setopt(r->easy, CURLOPT_URL, whole) != CURLE_OK)
    {
        rc = SMS_E_NOMEM;
        goto done;
    }

    rc = SMS_OK;

done:

    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(whole);
    curl_url_cleanup(u);

    return rc;
}


static sms_rc_t
ngx_sms_curl_request_headers(ngx_sms_curl_t *r, const sms_http_req_t *req,
    ngx_str_t *host_header)
{
    uint32_t         i;
    ngx_uint_t       host, type;
    const sms_kv_t  *h;

    host = 0;
    type = 0;

    if (req->nheaders > NGX_SMS_CURL_HEADERS_MAX) {
        return SMS_E_INVAL;
    }

    for (i = 0; i < req->nheaders; i++) {
        h = &req->headers[i];

        if (!ngx_sms_curl_token(h->name.ptr, h->name.len)
            || !ngx_sms_curl_printable(h->value.ptr, h->value.len))
        {
            return SMS_E_INVAL;
        }

        host |= h->name.len == 4
                && ngx_strncasecmp((u_char *) h->name.ptr, (u_char *) "host", 4)
                   == 0;
        type |= h->name.len == 12
                && ngx_strncasecmp((u_char *) h->name.ptr,
                                   (u_char *) "content-type", 12) == 0;

        if (ngx_sms_curl_header(r, h->name.ptr, h->name.len, h->value.ptr,
                                h->value.len)
            != NGX_OK)
        {
            return SMS_E_NOMEM;
        }
    }

    if (host_header->len && !host
        && ngx_sms_curl_header(r, "Host", 4, (char *) host_header->data,
                               host_header->len)
           != NGX_OK)
    {
        return SMS_E_NOMEM;
    }

    /* a name without a value takes libcurl's own header away: no waiting for
       "100 Continue", no form type on bodies that are none */

    if (ngx_sms_curl_header(r, "Expect", 6, NULL, 0) != NGX_OK
        || (!type && ngx_sms_curl_header(r, "Content-Type", 12, NULL, 0)
                     != NGX_OK))
    {
        return SMS_E_NOMEM;
    }

    return SMS_OK;
}


static sms_rc_t
ngx_sms_curl_request_options(ngx_sms_curl_t *r, const sms_http_req_t *req)
{
    char      *method;
    CURL      *e;
    ngx_msec_t connect;

    e = r->easy;

    if (req->method.len > 32
        || (req->method.len
            && !ngx_sms_curl_token(req->method.ptr, req->method.len)))
    {
        return SMS_E_INVAL;
    }

    method = req->method.len
             ? ngx_sms_curl_cstr(r->pool, req->method.ptr, req->method.len)
             : "GET";

    if (method == NULL) {
        return SMS_E_NOMEM;
    }

    connect = r->guard.connect ? r->guard.connect : NGX_SMS_CURL_CONNECT;
    connect = ngx_min(r->timeout, connect);

    curl_easy_setopt(e, CURLOPT_PRIVATE, r);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long) r->timeout);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long) connect);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "ngx_sms");
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t) NGX_SMS_CURL_BODY_MAX);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, ngx_sms_curl_write_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, ngx_sms_curl_write_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers);

    if (r->guard.once) {
        curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, ngx_sms_curl_begin);
        curl_easy_setopt(e, CURLOPT_PREREQDATA, r);
    }

    if (ngx_strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);

    } else if (req->body.len || ngx_strcmp(method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) req->body.len);

        if (curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS,
                             req->body.len ? req->body.ptr : "")
            != CURLE_OK)
        {
            return SMS_E_NOMEM;
        }
    }

    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);

    return ngx_sms_curl_request_tls(r, req->tls);
}


static sms_rc_t
ngx_sms_curl_request_tls(ngx_sms_curl_t *r, const sms_tls_t *tls)
{
    char        *file;
    CURL        *e;
    ngx_uint_t   i;

    e = r->easy;

    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    /* an encrypted key must not be asked for on the terminal */
    curl_easy_setopt(e, CURLOPT_KEYPASSWD, "");

    if (tls == NULL) {
        return SMS_OK;
    }

    const struct {
        const sms_str_t  *name;
        CURLoption        option;
    } files[] = {
        { &tls->ca_file, CURLOPT_CAINFO },
        { &tls->cert_file, CURLOPT_SSLCERT },
        { &tls->key_file, CURLOPT_SSLKEY }
    };

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {

        if (files[i].name->len == 0) {
            continue;
        }

        file = ngx_sms_curl_cstr(r->pool, files[i].name->ptr,
                                 files[i].name->len);
        if (file == NULL
            || curl_easy_setopt(e, files[i].option, file) != CURLE_OK)
        {
            return SMS_E_NOMEM;
        }
    }

    return SMS_OK;
}


static ngx_int_t
ngx_sms_curl_header(ngx_sms_curl_t *r, const char *name, size_t nlen,
    const char *value, size_t vlen)
{
    char               *line, *p;
    struct curl_slist  *list;

    line = ngx_pnalloc(r->pool, nlen + vlen + 3);
    if (line == NULL) {
        return NGX_ERROR;
    }

    p = (char *) ngx_cpymem(line, name, nlen);

    if (vlen) {
        *p++ = ':';
        *p++ = ' ';
        p = (char *) ngx_cpymem(p, value, vlen);

    } else {
        /* libcurl: "Name;" sends an empty value, "Name:" sends none */
        *p++ = value ? ';' : ':';
    }

    *p = '\0';

    list = curl_slist_append(r->headers, line);
    if (list == NULL) {
        return NGX_ERROR;
    }

    r->headers = list;

    return NGX_OK;
}


/* before each sending, the first and those that libcurl adds */

static int
ngx_sms_curl_begin(void *data, char *remote, char *local, int remote_port,
    int local_port)
{
    ngx_sms_curl_t  *r = data;

    (void) remote;
    (void) local;
    (void) remote_port;
    (void) local_port;

    return r->begun++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}


static size_t
ngx_sms_curl_write_body(char *p, size_t size, size_t n, void *data)
{
    ngx_sms_curl_t  *r = data;

    n *= size;

    if (r->guard.discard) {
        return n;
    }

    if (r->body.len + n > NGX_SMS_CURL_BODY_MAX) {
        r->too_large = 1;
        return 0;
    }

    if (n && ngx_sms_stream_buf_add(&r->body, p, n) != NGX_OK) {
        r->no_memory = 1;
        return 0;
    }

    return n;
}


static size_t
ngx_sms_curl_write_header(char *p, size_t size, size_t n, void *data)
{
    char            *colon, *end, *copy, *value;
    sms_kv_t        *kv;
    ngx_sms_curl_t  *r = data;

    n *= size;
    end = p + n;

    /* an interim answer (1xx) came before: only the last one counts */

    if (n >= 5 && ngx_memcmp(p, "HTTP/", 5) == 0) {
        r->answer.nelts = 0;
        return n;
    }

    colon = memchr(p, ':', n);
    if (colon == NULL || colon == p) {
        return n;
    }

    r->answer_bytes += n;

    if (r->answer.nelts == NGX_SMS_CURL_HEADERS_MAX
        || r->answer_bytes > NGX_SMS_CURL_HEADER_BYTES)
    {
        r->too_large = 1;
        return 0;
    }

    while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) {
        end--;
    }

    for (value = colon + 1;
         value < end && (*value == ' ' || *value == '\t');
         value++)
    {
        /* void */
    }

    if (end < value) {
        end = value;
    }

    copy = ngx_pnalloc(r->pool, n + 1);
    kv = ngx_array_push(&r->answer);

    if (copy == NULL || kv == NULL) {
        r->no_memory = 1;
        return 0;
    }

    kv->name.ptr = copy;
    kv->name.len = colon - p;
    ngx_strlow((u_char *) copy, (u_char *) p, kv->name.len);

    kv->value.ptr = copy + kv->name.len;
    kv->value.len = end - value;
    ngx_memcpy(copy + kv->name.len, value, kv->value.len);

    return n;
}


static char *
ngx_sms_curl_cstr(ngx_pool_t *pool, const char *p, size_t n)
{
    char  *s;

    s = ngx_pnalloc(pool, n + 1);
    if (s == NULL) {
        return NULL;
    }

    ngx_memcpy(s, p, n);
    s[n] = '\0';

    return s;
}


/* RFC 9110, 5.6.2 */
static ngx_uint_t
ngx_sms_curl_token(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (p[i] <= ' ' || p[i] >= 127
            || ngx_strchr("\"(),/:;<=>?@[\\]{}", p[i]) != NULL)
        {
            return 0;
        }
    }

    return n > 0;
}


/* no control characters: a line end in a value would start another header */
static ngx_uint_t
ngx_sms_curl_printable(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (((u_char) p[i] < ' ' && p[i] != '\t') || p[i] == 127) {
            return 0;
        }
    }

    return 1;
}
