/*
 * Upkeep: what somebody of the fleet must do now and then.
 *
 * One worker holds the lease "upkeep" and calls sms.upkeep(): in-doubt claims,
 * orphaned receipts, expiry, messages without a receipt, partitions, old
 * idempotency keys, webhooks that nobody takes, and the ledger's check.
 */
#ifndef NGX_SMS_UPKEEP_H
#define NGX_SMS_UPKEEP_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_zone.h"


ngx_int_t ngx_sms_upkeep_init(ngx_sms_zone_t *zone, ngx_log_t *log);
void ngx_sms_upkeep_stop(void);

#endif /* NGX_SMS_UPKEEP_H */
