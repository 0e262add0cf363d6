/*
 * http - an operator link over HTTP, described by templates.
 *
 *   http.c           ops, instance, log, metrics
 *   http_keys.c      the keys;  http_conf  read and checked
 *   http_template    texts with variables;  http_escape.c  how values are written
 *   http_message.c   what variables say of a message
 *   http_doc         fields out of JSON, forms, XML, text;  http_xml.c
 *   http_status      what codes and statuses mean;  http_answer  of one answer
 *   http_submit.c    requests under way
 *   http_pace        when the next one may go: concurrency, rate, pauses
 *   http_callback.c  receipts and messages that come in;  http_secret.c  from whom
 *
 * One lease, "1": one worker of the fleet submits.  Callbacks come to any worker.
 * Whole messages: the operator splits.  Grants: http, inbound; metric to be seen;
 * dict to know repeated messages.
 */
#ifndef HTTP_H
#define HTTP_H

#include "http_answer.h"
#include "http_conf.h"
#include "http_pace.h"

typedef struct http_call_s      http_call_t;
typedef struct http_request_s   http_request_t;
typedef struct http_arrival_s   http_arrival_t;

typedef enum {
    HTTP_METRIC_REQUESTS, HTTP_METRIC_FAILED, HTTP_METRIC_THROTTLED, HTTP_METRIC_DOUBT,
    HTTP_METRIC_STOPPED, HTTP_METRIC_INFLIGHT, HTTP_METRIC_RECEIPTS, HTTP_METRIC_MESSAGES,
    HTTP_METRIC_FORBIDDEN, HTTP_METRIC_MALFORMED, HTTP_METRIC_RETURNED, HTTP_METRICS
} http_metric_t;

typedef struct {
    sms_host_t       *host;
    http_conf_t       conf;
    http_pace_t       pace;
    int               held, draining, dropped;
    sms_handle_t      timer;            /* the window opens then               */
    sms_bind_state_t  told;
    int64_t           since_us, told_us;    /* wall; monotonic            */
    const char       *error;            /* the last one, a constant            */
    uint32_t          error_code;
    uint32_t          throttled;
    int64_t           logged_us;        /* of the last warning                 */
    http_call_t      *calls;
    http_request_t   *requests;
    http_arrival_t   *arrivals;
    uint32_t          metric[HTTP_METRICS];
} http_t;

#define HTTP_LEASE  ((sms_str_t) SMS_STR("1"))

void http_log(http_t *http, sms_level_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void http_count(http_t *http, http_metric_t metric, int64_t value);
/* what the link is at, to whoever runs the installation: a change at once, numbers
 * once a second                                                                */
void http_tell(http_t *http);

sms_rc_t http_submit_run(void *inst, sms_call_t call, const sms_batch_t *batch);
uint32_t http_submit_window(void *inst);
/* 0: it is none of submit */
int http_submit_cancel(http_t *http, sms_call_t call);
/* after anything that may have opened the window or ended the work of a drained link */
void http_submit_settle(http_t *http);
void http_submit_free(http_t *http);

sms_rc_t http_callback_run(void *inst, sms_call_t call, const sms_batch_t *batch);
void http_callback_cancel(http_t *http, sms_call_t call);
void http_callback_free(http_t *http);

/* http_secret.c: 1 when the callback comes from where it may come from and brings
 * the secret, of those that are configured                                    */
int http_secret_good(const http_conf_t *c, const sms_http_in_t *in);
int http_net_has(const http_net_t *nets, uint32_t n, sms_str_t ip);

#endif /* HTTP_H */
