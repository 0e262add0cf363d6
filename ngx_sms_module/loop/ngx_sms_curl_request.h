/*
 * One HTTP request: from the plugin's struct to an easy handle, and its answer
 * back.  Private to ngx_sms_curl.c.
 */
#ifndef NGX_SMS_CURL_REQUEST_H
#define NGX_SMS_CURL_REQUEST_H

#include <ngx_config.h>
#include <ngx_core.h>

#include <curl/curl.h>

#include "sms_plugin.h"

#include "ngx_sms_curl.h"
#include "ngx_sms_resolve.h"
#include "ngx_sms_stream_buf.h"
#include "ngx_sms_timer.h"


struct ngx_sms_curl_s {
    ngx_queue_t            queue;
    ngx_pool_t            *pool;
    ngx_log_t             *log;
    CURL                  *easy;
    struct curl_slist     *headers;
    struct curl_slist     *pinned;
    ngx_str_t              host;        /* to be resolved                     */
    ngx_str_t              name;        /* in the URL that libcurl gets       */
    in_port_t              port;
    ngx_msec_t             timeout;
    ngx_sms_curl_guard_t   guard;
    ngx_uint_t             begun;           /* times it was about to be sent  */
    ngx_sms_resolve_t     *lookup;
    ngx_sms_timer_t        deadline;
    ngx_sms_curl_pt        done;
    void                  *data;

    ngx_sms_stream_buf_t   body;
    ngx_array_t            answer;      /* sms_kv_t                           */
    size_t                 answer_bytes;
    char                   error[CURL_ERROR_SIZE];
    unsigned               added:1;     /* to the multi handle                */
    unsigned               too_large:1;
    unsigned               no_memory:1;
    unsigned               denied:1;    /* the address                        */
};


/* NULL: *rc is SMS_E_INVAL or SMS_E_NOMEM */
ngx_sms_curl_t *ngx_sms_curl_request_create(const sms_http_req_t *req,
    const ngx_sms_curl_guard_t *guard, ngx_log_t *log, sms_rc_t *rc);
void ngx_sms_curl_request_destroy(ngx_sms_curl_t *r);

/* tells libcurl where r->name is; SMS_E_DENIED: not where the guard lets it */
sms_rc_t ngx_sms_curl_request_pin(ngx_sms_curl_t *r,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n);

/* 1: strangers may name it */
ngx_uint_t ngx_sms_curl_request_public(const struct sockaddr *sa);

sms_rc_t ngx_sms_curl_request_result(ngx_sms_curl_t *r, CURLcode code);

/* pointers into r */
void ngx_sms_curl_request_answer(ngx_sms_curl_t *r, sms_rc_t rc,
    sms_http_res_t *res);

#endif /* NGX_SMS_CURL_REQUEST_H */
