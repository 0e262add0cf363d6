/*
 * ngx_sms_dict.h - a key/value store of all workers, with expiry.
 *
 * A cache: anything may be gone at any time (evicted, shard emptied after its
 * holder died, nginx restarted).  16 shards, each under its own lock with the
 * holder's pid; work under a lock is bounded and neither allocates nor logs.  A
 * shard whose holder died is emptied by the next one who wants it.  When full,
 * the entry that was not used since the hand last passed gives way (clock).
 *
 * Keys up to 255 octets, values up to NGX_SMS_DICT_VALUE; the caller keeps name
 * spaces apart by a prefix.
 */
#ifndef NGX_SMS_DICT_H
#define NGX_SMS_DICT_H

#include "ngx_sms_zone.h"

#define NGX_SMS_DICT_KEY    255
#define NGX_SMS_DICT_VALUE  8192

/* RETURNS  NGX_OK; NGX_DECLINED not there; NGX_AGAIN the lock was not to be had
 * within 2 ms, do without; NGX_ERROR key or value too long, or (incr) the value
 * is no number or would overflow.                                            */

/* Copies at most "cap" octets, *len is the value's whole length: larger than
 * "cap" means that it was cut.                                               */
ngx_int_t ngx_sms_dict_get(ngx_sms_zone_t *zone, ngx_str_t *key, u_char *buf,
    size_t cap, size_t *len);

/* ttl_ms 0: no expiry.  Replaces. */
ngx_int_t ngx_sms_dict_set(ngx_sms_zone_t *zone, ngx_str_t *key,
    ngx_str_t *value, ngx_msec_t ttl_ms);

/* set, unless it is there: then NGX_DECLINED                                 */
ngx_int_t ngx_sms_dict_add(ngx_sms_zone_t *zone, ngx_str_t *key,
    ngx_str_t *value, ngx_msec_t ttl_ms);

/* Decimal text.  A missing key starts at 0 and gets "ttl_ms"; an existing one
 * keeps its own, so that a counter per hour ends with its hour.              */
ngx_int_t ngx_sms_dict_incr(ngx_sms_zone_t *zone, ngx_str_t *key, int64_t by,
    ngx_msec_t ttl_ms, int64_t *now);

ngx_int_t ngx_sms_dict_delete(ngx_sms_zone_t *zone, ngx_str_t *key);

#endif /* NGX_SMS_DICT_H */
