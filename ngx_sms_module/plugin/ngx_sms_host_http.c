#include "ngx_sms_host.h"

#include "ngx_sms_curl.h"
#include "ngx_sms_guard.h"


typedef struct {
    ngx_sms_handle_t     handle;
    ngx_sms_curl_t      *request;
    void               (*done)(void *data, const sms_http_res_t *res);
    void                *data;
} ngx_sms_host_request_t;


static sms_handle_t ngx_sms_host_http_request(sms_host_t *h,
    const sms_http_req_t *req,
    void (*done)(void *data, const sms_http_res_t *res), void *data);
static void ngx_sms_host_http_abort(sms_host_t *h, sms_handle_t id);
static void ngx_sms_host_http_done(void *data, const sms_http_res_t *res);


const sms_http_api_t  ngx_sms_host_http = {
    sizeof(sms_http_api_t),
    ngx_sms_host_http_request,
    ngx_sms_host_http_abort
};


static sms_handle_t
ngx_sms_host_http_request(sms_host_t *h, const sms_http_req_t *req,
    void (*done)(void *data, const sms_http_res_t *res), void *data)
{
    sms_rc_t                 rc;
    sms_tls_t                tls;
    sms_http_req_t           copy;
    ngx_sms_curl_guard_t     guard;
    ngx_sms_plugin_t        *p;
    ngx_sms_host_request_t  *r;

    p = ngx_sms_host_plugin(h);

    if (done == NULL) {
        return 0;
    }

    r = ngx_sms_host_handle_add(p, NGX_SMS_HANDLE_REQUEST,
                                sizeof(ngx_sms_host_request_t),
                                &p->stats.requests,
                                p->plugins->limits.requests);
    if (r == NULL) {
        return 0;
    }

    r->done = done;
    r->data = data;

    /* a plugin of an older minor knows fewer members */

    ngx_memzero(&copy, sizeof(sms_http_req_t));
    ngx_memcpy(&copy, req, ngx_min(req->size, sizeof(sms_http_req_t)));

    if (copy.tls) {
        ngx_memzero(&tls, sizeof(tls));
        ngx_memcpy(&tls, copy.tls, ngx_min(copy.tls->size, sizeof(tls)));
        copy.tls = &tls;
    }

    /* twice to an operator is two messages on a telephone */

    ngx_memzero(&guard, sizeof(ngx_sms_curl_guard_t));
    guard.once = p->kind == SMS_KIND_OPERATOR;

    r->request = ngx_sms_curl_request(&copy, &guard, ngx_sms_host_http_done, r,
                                      p->live->log, &rc);
    if (r->request == NULL) {
        ngx_log_error(NGX_LOG_ERR, p->live->log, 0,
                      "sms plugin: HTTP request refused: name=%V rc=%d",
                      &p->name, (int) rc);

        ngx_sms_host_handle_free(r, &p->stats.requests);
        return 0;
    }

    return r->handle.id;
}


static void
ngx_sms_host_http_abort(sms_host_t *h, sms_handle_t id)
{
    ngx_sms_host_request_t  *r;

    r = ngx_sms_host_handle_find(ngx_sms_host_plugin(h),
                                 NGX_SMS_HANDLE_REQUEST, id);
    if (r) {
        ngx_sms_host_request_stop(r);
    }
}


static void
ngx_sms_host_http_done(void *data, const sms_http_res_t *res)
{
    void                    *done_data;
    ngx_sms_guard_t          guard;
    ngx_sms_plugin_t        *p;
    ngx_sms_host_request_t  *r = data;
    void                   (*done)(void *data, const sms_http_res_t *res);

    p = r->handle.plugin;
    done = r->done;
    done_data = r->data;

    ngx_sms_host_handle_free(r, &p->stats.requests);

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_HTTP);
    done(done_data, res);
    (void) ngx_sms_guard_leave(&guard);
}


void
ngx_sms_host_request_stop(void *object)
{
    ngx_sms_host_request_t  *r = object;

    ngx_sms_curl_abort(r->request);
    ngx_sms_host_handle_free(r, &r->handle.plugin->stats.requests);
}
