/*
 * sms_metrics: counters of all workers in Prometheus' text format 0.0.4.
 */
#ifndef NGX_SMS_METRICS_H
#define NGX_SMS_METRICS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


ngx_int_t ngx_sms_metrics_handler(ngx_http_request_t *r);

#endif /* NGX_SMS_METRICS_H */
