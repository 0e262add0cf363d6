/*
 * sms_health: is this worker able to take messages?  200 or 503, with JSON.
 *
 * It tells the database connections, the durability settings (D23), plugins
 * and links; nothing of accounts.
 */
#ifndef NGX_SMS_HEALTH_H
#define NGX_SMS_HEALTH_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


ngx_int_t ngx_sms_health_handler(ngx_http_request_t *r);

#endif /* NGX_SMS_HEALTH_H */
