/*
 * ngx_sms_rate.h - token buckets of all workers, by 64-bit id.
 *
 * One bucket is one 64-bit word, changed by compare-and-swap: no lock, and a
 * worker that dies leaves a valid bucket.  The table is fixed; when the places
 * for an id are taken the bucket that is full soonest gives way, which is
 * lossless when it is full already and is counted otherwise.
 *
 * Answers fit the RateLimit header fields of draft-ietf-httpapi-ratelimit-
 * headers and Retry-After (RFC 9110, 10.2.3): whole seconds, rounded up.
 */
#ifndef NGX_SMS_RATE_H
#define NGX_SMS_RATE_H

#include "ngx_sms_zone.h"

typedef struct {
    ngx_uint_t  allowed;
    uint32_t    limit;                      /* the burst                      */
    uint32_t    remaining;                  /* tokens left now                */
    uint32_t    reset_s;                    /* until the bucket is full       */
    uint32_t    retry_s;                    /* refused: until "cost" tokens
                                               are there; 0 when allowed      */
} ngx_sms_rate_t;

/* Takes "cost" tokens from bucket "id", which gains "rate" tokens per
 * "period_ms" and holds "burst" at most.  Refused takes nothing.  NGX_OK
 * allowed, NGX_BUSY refused; "cost" above "burst" is always refused.  rate 0:
 * no limit.  "id": mix kind and account with ngx_sms_rate_id().              */
ngx_int_t ngx_sms_rate_take(ngx_sms_zone_t *zone, uint64_t id, uint32_t rate,
    ngx_msec_t period_ms, uint32_t burst, uint32_t cost, ngx_sms_rate_t *out);

/* never 0; "kind" keeps buckets of different use apart                      */
uint64_t ngx_sms_rate_id(uint32_t kind, uint64_t number);

#endif /* NGX_SMS_RATE_H */
