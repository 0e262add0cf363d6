/*
 * Webhooks: accounts' endpoints are told which of their messages have ended.
 *
 * One worker of the fleet holds the lease "webhook".  It takes requests that are
 * due, sends them side by side, and stores what was answered.  What it takes stays
 * in the database until then, only hidden for a while, so a worker that dies loses
 * nothing; the endpoint may get a request twice, under the same webhook-id.
 */
#ifndef NGX_SMS_WEBHOOK_H
#define NGX_SMS_WEBHOOK_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_zone.h"


/* "private": endpoints may have addresses that are not public */
ngx_int_t ngx_sms_webhook_init(ngx_uint_t private, ngx_sms_zone_t *zone,
    ngx_log_t *log);
/* takes nothing more; what is under way is ended */
void ngx_sms_webhook_stop(void);
void ngx_sms_webhook_exit(void);

#endif /* NGX_SMS_WEBHOOK_H */
