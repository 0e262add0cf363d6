#include "sms_bucket.h"


#define SMS_BUCKET_NANO  INT64_C(1000000000)


static int64_t
sms_bucket_clamp(int64_t v, int64_t max)
{
    if (v < 0) {
        return 0;
    }

    return v > max ? max : v;
}


static int64_t
sms_bucket_burst(const sms_bucket_limit_t *l)
{
    return sms_bucket_clamp(l->burst, SMS_BUCKET_TOKENS_MAX) * SMS_BUCKET_NANO;
}


void
sms_bucket_init(sms_bucket_t *b, const sms_bucket_limit_t *l, int64_t now_us)
{
    b->level_nano = sms_bucket_burst(l);
    b->at_us = now_us;
}


static void
sms_bucket_refill(sms_bucket_t *b, const sms_bucket_limit_t *l, int64_t now_us)
{
    int64_t   rate, burst, missing;
    uint64_t  elapsed;

    burst = sms_bucket_burst(l);
    rate = sms_bucket_clamp(l->rate_milli, SMS_BUCKET_RATE_MAX);
    b->level_nano = sms_bucket_clamp(b->level_nano, burst);

    if (now_us <= b->at_us) {
        return;
    }

    /* unsigned: the two times may be further apart than an int64_t */
    elapsed = (uint64_t) now_us - (uint64_t) b->at_us;
    b->at_us = now_us;
    missing = burst - b->level_nano;

    if (rate == 0) {
        return;
    }

    /* a thousandth of a token a second is a nano-token a microsecond */

    if (elapsed > (uint64_t) (missing / rate)) {
        b->level_nano = burst;

    } else {
        b->level_nano += (int64_t) elapsed * rate;
    }
}


int
sms_bucket_take(sms_bucket_t *b, const sms_bucket_limit_t *l, int64_t now_us,
    int64_t n, int64_t *wait_us)
{
    int64_t  rate, want;

    sms_bucket_refill(b, l, now_us);

    if (wait_us != NULL) {
        *wait_us = 0;
    }

    if (n <= 0) {
        return 1;
    }

    rate = sms_bucket_clamp(l->rate_milli, SMS_BUCKET_RATE_MAX);

    if (n <= SMS_BUCKET_TOKENS_MAX) {
        want = n * SMS_BUCKET_NANO;

        if (want <= b->level_nano) {
            b->level_nano -= want;
            return 1;
        }

        if (rate > 0 && want <= sms_bucket_burst(l)) {
            if (wait_us != NULL) {
                *wait_us = (want - b->level_nano + rate - 1) / rate;
            }

            return 0;
        }
    }

    if (wait_us != NULL) {
        *wait_us = INT64_MAX;
    }

    return 0;
}


int64_t
sms_bucket_level(sms_bucket_t *b, const sms_bucket_limit_t *l, int64_t now_us)
{
    sms_bucket_refill(b, l, now_us);

    return b->level_nano / SMS_BUCKET_NANO;
}


void
sms_bucket_give(sms_bucket_t *b, const sms_bucket_limit_t *l, int64_t n)
{
    int64_t  burst;

    burst = sms_bucket_burst(l);
    b->level_nano = sms_bucket_clamp(b->level_nano, burst);
    n = sms_bucket_clamp(n, SMS_BUCKET_TOKENS_MAX);

    b->level_nano = sms_bucket_clamp(b->level_nano + n * SMS_BUCKET_NANO,
                                     burst);
}
