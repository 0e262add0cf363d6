/*
 * Measured delivery: what becomes of parts, by link and sender.
 *
 * A worker sums in memory and hands its sums over with one statement every few
 * seconds; the answer tells how links stand over all workers and nodes.  Where
 * delivery over a link, or of a sender over it, has fallen, messages take the next
 * eligible link of the route, but for a canary share that shows when it is good
 * again.  Which messages are canaries depends on their ids alone.
 *
 * Sums are statistics: those of a worker that dies, or of a statement that fails
 * for good, are gone.
 */
#ifndef NGX_SMS_QUALITY_H
#define NGX_SMS_QUALITY_H

#include "sms_plugin.h"
#include "ngx_sms_store_quality.h"
#include "ngx_sms_zone.h"


typedef ngx_sms_store_quality_conf_t  ngx_sms_quality_conf_t;


void ngx_sms_quality_init(const ngx_sms_quality_conf_t *conf,
    ngx_sms_zone_t *zone, ngx_log_t *log);
/* hands over what there is */
void ngx_sms_quality_stop(void);
void ngx_sms_quality_exit(void);

/* a part was answered: sms_outcome_t; whoever will be asked again does not count */
void ngx_sms_quality_submitted(uint32_t link, const ngx_str_t *sender,
    ngx_uint_t outcome, ngx_uint_t reason);

/* sms_receipt_state_t; "delay_us" -1: when the part was sent is not known */
void ngx_sms_quality_receipt(uint32_t link, const ngx_str_t *sender,
    ngx_uint_t state, ngx_uint_t reason, int64_t delay_us);

/* 1: take another link where there is one */
ngx_uint_t ngx_sms_quality_fallen(uint32_t link, const sms_str_t *sender);
/* 1: of the share that goes on */
ngx_uint_t ngx_sms_quality_canary(const uint8_t id[16]);
/* a message took another link */
void ngx_sms_quality_moved(void);

/* of the link as a whole: its success in thousandths, -1 where it is not known */
int64_t ngx_sms_quality_success(uint32_t link, ngx_uint_t *fallen);

#endif /* NGX_SMS_QUALITY_H */
