/*
 * ngx_sms_area.h - private to shm/: the pieces of which the zone is made.
 *
 * An area is zeroed memory when it is made, once, in the master.  None holds a
 * pointer: each process may see the zone at another address after an upgrade.
 */
#ifndef NGX_SMS_AREA_H
#define NGX_SMS_AREA_H

#include "ngx_sms_zone.h"

/* two lines: Intel's prefetcher fetches pairs */
#define NGX_SMS_LINE  128

/* fixed, zeroed is ready */
size_t ngx_sms_slot_area_size(void);
size_t ngx_sms_counter_area_size(void);

/* fill what they get; NGX_ERROR: too little */
ngx_int_t ngx_sms_rate_area_init(ngx_sms_rates_t *rates, size_t size);
ngx_int_t ngx_sms_dict_area_init(ngx_sms_dict_t *dict, size_t size);

/* is this process gone? (shm/ngx_sms_slot.c) */
ngx_uint_t ngx_sms_slot_pid_gone(ngx_pid_t pid);

#endif /* NGX_SMS_AREA_H */
