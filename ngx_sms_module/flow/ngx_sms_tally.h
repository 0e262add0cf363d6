/*
 * What this worker's database connections and batchers count, put into the
 * zone's metrics: with each heartbeat, before /metrics is written, and a last
 * time when the worker ends.
 */
#ifndef NGX_SMS_TALLY_H
#define NGX_SMS_TALLY_H

#include "ngx_sms_zone.h"


/* at the start of a worker: what was counted so far is none of this one's */
void ngx_sms_tally_init(ngx_sms_zone_t *zone);
/* gauges are set; counters get what was added since the last time */
void ngx_sms_tally(void);

#endif /* NGX_SMS_TALLY_H */
