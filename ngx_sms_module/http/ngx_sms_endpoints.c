#include "ngx_sms_endpoints.h"

#include "sms_word.h"
#include "ngx_sms_manage.h"
#include "ngx_sms_send.h"
#include "ngx_sms_version.h"


#define NGX_SMS_ALLOW_MAX  64


static const ngx_sms_endpoint_t  ngx_sms_endpoints[] = {
#define NGX_SMS_ENDPOINT(method, path, scope, takes, handler)                 \
    { method, path, scope, NGX_SMS_TAKES_ ## takes, handler },
#include "ngx_sms_endpoints.def"
#undef NGX_SMS_ENDPOINT
    { NULL, NULL, 0, 0, NULL }
};


static ngx_uint_t ngx_sms_endpoint_match(const char *pattern, ngx_str_t *uri);
static void ngx_sms_endpoint_allow(ngx_http_request_t *r, const char *methods,
    size_t len);


sms_problem_t
ngx_sms_endpoint_find(ngx_http_request_t *r,
    const ngx_sms_endpoint_t **endpoint)
{
    u_char                    *p, allow[NGX_SMS_ALLOW_MAX];
    ngx_str_t                  method;
    const ngx_sms_endpoint_t  *e;

    p = allow;
    method = r->method_name;

    /* the same without a body, which nginx leaves out */
    if (r->method == NGX_HTTP_HEAD) {
        ngx_str_set(&method, "GET");
    }

    for (e = ngx_sms_endpoints; e->method; e++) {

        if (!ngx_sms_endpoint_match(e->path, &r->uri)) {
            continue;
        }

        if (method.len == ngx_strlen(e->method)
            && ngx_strncmp(method.data, e->method, method.len) == 0)
        {
            *endpoint = e;
            return SMS_PROBLEM_NONE;
        }

        p = ngx_slprintf(p, allow + sizeof(allow), "%s%s%s",
                         p == allow ? "" : ", ", e->method,
                         ngx_strcmp(e->method, "GET") == 0 ? ", HEAD" : "");
    }

    if (p == allow) {
        return SMS_PROBLEM_NOT_FOUND;
    }

    ngx_sms_endpoint_allow(r, (const char *) allow, (size_t) (p - allow));

    return SMS_PROBLEM_METHOD_NOT_ALLOWED;
}


static ngx_uint_t
ngx_sms_endpoint_match(const char *pattern, ngx_str_t *uri)
{
    u_char  *p, *last;

    p = uri->data;
    last = uri->data + uri->len;

    while (*pattern) {

        if (*pattern != '{') {
            if (p == last || *p != (u_char) *pattern) {
                return 0;
            }

            p++;
            pattern++;
            continue;
        }

        if (p == last || *p == '/' || *p == ':') {
            return 0;
        }

        while (p < last && *p != '/' && *p != ':') {
            p++;
        }

        while (*pattern != '}') {
            pattern++;
        }

        pattern++;
    }

    return p == last;
}


static void
ngx_sms_endpoint_allow(ngx_http_request_t *r, const char *methods, size_t len)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "Allow");
    h->value.data = ngx_pnalloc(r->pool, len);

    if (h->value.data == NULL) {
        h->hash = 0;
        h->value.len = 0;
        return;
    }

    ngx_memcpy(h->value.data, methods, len);
    h->value.len = len;
}
