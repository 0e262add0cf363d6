/*
 * sms_bucket.h - token bucket arithmetic, integers only, no clock.
 *
 * The level is kept in thousand-millionths of a token, so that a rate in
 * thousandths per second times microseconds is exact: nothing is lost however
 * often the bucket is asked.  A clock that goes back refills nothing.
 */
#ifndef SMS_BUCKET_H
#define SMS_BUCKET_H

#include <stddef.h>
#include <stdint.h>


#define SMS_BUCKET_TOKENS_MAX  1000000000       /* burst and take, tokens         */
#define SMS_BUCKET_RATE_MAX    1000000000000    /* thousandths a second           */

typedef struct {
    int64_t  rate_milli;        /* tokens in 1000 seconds; 100/s is 100000        */
    int64_t  burst;             /* tokens that fit                                */
} sms_bucket_limit_t;

typedef struct {
    int64_t  level_nano;
    int64_t  at_us;             /* time of level_nano, same clock as "now_us"     */
} sms_bucket_t;


/* Full.  Rate and burst are brought into 0 .. the maximum wherever used. */
void sms_bucket_init(sms_bucket_t *b, const sms_bucket_limit_t *l,
    int64_t now_us);

/*
 * Takes n tokens: 1, or 0 when there are not as many; then nothing is taken
 * and *wait_us (may be NULL) is the time until there are, INT64_MAX for never
 * (rate 0, or n above burst).
 */
int sms_bucket_take(sms_bucket_t *b, const sms_bucket_limit_t *l,
    int64_t now_us, int64_t n, int64_t *wait_us);

/* Whole tokens there are now; refills. */
int64_t sms_bucket_level(sms_bucket_t *b, const sms_bucket_limit_t *l,
    int64_t now_us);

/* Puts back n that were taken and not used; never above burst. */
void sms_bucket_give(sms_bucket_t *b, const sms_bucket_limit_t *l, int64_t n);


#endif /* SMS_BUCKET_H */
