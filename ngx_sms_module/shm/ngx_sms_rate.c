#include "ngx_sms_rate.h"

#include "ngx_sms_area.h"
#include "ngx_sms_counter.h"
#include "sms_bucket.h"

#define NGX_SMS_RATE_WAYS  8

/* "full_ns" is when the bucket will be full again, by the monotonic clock that
 * all processes of a machine share: the whole state of a bucket in one word.
 * Nanoseconds, because a microsecond lost per request is 10 % at 100,000/s.   */
typedef struct {
    volatile ngx_atomic_t  id;
    volatile ngx_atomic_t  full_ns;
} ngx_sms_rate_cell_t;

struct ngx_sms_rates_s {
    ngx_uint_t           sets;              /* a power of two                 */
    u_char               pad[NGX_SMS_LINE - sizeof(ngx_uint_t)];
    ngx_sms_rate_cell_t  cell[];            /* sets * NGX_SMS_RATE_WAYS       */
};

_Static_assert(sizeof(ngx_atomic_t) == 8, "a bucket is one 64-bit word");


ngx_int_t
ngx_sms_rate_area_init(ngx_sms_rates_t *rates, size_t size)
{
    size_t  set;

    set = NGX_SMS_RATE_WAYS * sizeof(ngx_sms_rate_cell_t);

    if (size < sizeof(ngx_sms_rates_t) + set) {
        return NGX_ERROR;
    }

    size -= sizeof(ngx_sms_rates_t);
    rates->sets = 1;

    while (rates->sets * 2 * set <= size) {
        rates->sets *= 2;
    }

    return NGX_OK;
}


static uint64_t
ngx_sms_rate_mix(uint64_t x)
{
    /* splitmix64's finaliser */
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;

    return x;
}


uint64_t
ngx_sms_rate_id(uint32_t kind, uint64_t number)
{
    uint64_t  id;

    id = ngx_sms_rate_mix(number
                          ^ ngx_sms_rate_mix(kind + UINT64_C(0x9e3779b9)));

    return id ? id : 1;
}


static int64_t
ngx_sms_rate_now_ns(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static ngx_sms_rate_cell_t *
ngx_sms_rate_cell(ngx_sms_zone_t *zone, uint64_t id, int64_t now)
{
    int64_t               full, oldest;
    ngx_uint_t            i, tries;
    ngx_atomic_uint_t     was;
    ngx_sms_rate_cell_t  *set, *victim;

    set = &zone->rates->cell[(ngx_sms_rate_mix(id) & (zone->rates->sets - 1))
                             * NGX_SMS_RATE_WAYS];

    for (tries = 0; tries < NGX_SMS_RATE_WAYS; tries++) {

        victim = NULL;
        oldest = INT64_MAX;

        for (i = 0; i < NGX_SMS_RATE_WAYS; i++) {

            if (set[i].id == id) {
                return &set[i];
            }

            full = set[i].id == 0 ? INT64_MIN : (int64_t) set[i].full_ns;

            if (full < oldest) {
                oldest = full;
                victim = &set[i];
            }
        }

        if (victim == NULL) {
            return &set[0];
        }

        was = victim->id;

        /* another worker may be here for the same id: look again */
        if (!ngx_atomic_cmp_set(&victim->id, was, id)) {
            continue;
        }

        if (oldest > now) {
            ngx_sms_counter_inc(zone, NGX_SMS_C_RATE_EVICTED);
        }

        /* the newcomer starts full; who still writes for the old one loses */
        victim->full_ns = 0;

        return victim;
    }

    return &set[id % NGX_SMS_RATE_WAYS];
}


/* seconds, rounded up */
static uint32_t
ngx_sms_rate_seconds(int64_t us)
{
    int64_t  s;

    if (us <= 0) {
        return 0;
    }

    s = us / 1000000 + (us % 1000000 != 0);

    return s > UINT32_MAX ? UINT32_MAX : (uint32_t) s;
}


ngx_int_t
ngx_sms_rate_take(ngx_sms_zone_t *zone, uint64_t id, uint32_t rate,
    ngx_msec_t period_ms, uint32_t burst, uint32_t cost, ngx_sms_rate_t *out)
{
    int                   ok;
    int64_t               now, now_us, full, next, wait_us, gap;
    sms_bucket_t          bucket;
    ngx_atomic_uint_t     was;
    sms_bucket_limit_t    limit;
    ngx_sms_rate_cell_t  *cell;

    ngx_memzero(out, sizeof(ngx_sms_rate_t));

    burst = ngx_min(burst, SMS_BUCKET_TOKENS_MAX);
    out->limit = burst;

    if (rate == 0 || period_ms == 0) {
        out->allowed = 1;
        out->remaining = burst;
        return NGX_OK;
    }

    limit.rate_milli = (int64_t) ((uint64_t) rate * 1000000 / period_ms);
    limit.burst = burst;

    if (limit.rate_milli == 0) {
        limit.rate_milli = 1;
    }

    now = ngx_sms_rate_now_ns();
    now_us = now / 1000;

    cell = ngx_sms_rate_cell(zone, id, now);

    for ( ;; ) {

        was = cell->full_ns;
        full = (int64_t) was;

        /* what the bucket lacks: time until full by tokens a time.  The level
         * is 10^-9 tokens, the rate 10^-3 tokens a second: ns * rate / 1000.  */

        gap = full > now ? full - now : 0;

        sms_bucket_init(&bucket, &limit, now_us);

        if (gap) {
            next = (int64_t) ((unsigned __int128) gap
                              * (uint64_t) limit.rate_milli / 1000);
            bucket.level_nano = next > bucket.level_nano
                                ? 0 : bucket.level_nano - next;
        }

        ok = sms_bucket_take(&bucket, &limit, now_us, cost, &wait_us);

        out->remaining = (uint32_t) (bucket.level_nano / 1000000000);

        gap = (int64_t) (((unsigned __int128) ((int64_t) burst * 1000000000
                          - bucket.level_nano) * 1000
                          + (uint64_t) limit.rate_milli - 1)
                         / (uint64_t) limit.rate_milli);

        out->reset_s = ngx_sms_rate_seconds((gap + 999) / 1000);

        if (!ok) {
            out->allowed = 0;
            out->retry_s = ngx_sms_rate_seconds(wait_us);

            if (out->retry_s == 0) {
                out->retry_s = 1;
            }

            return NGX_BUSY;
        }

        if (ngx_atomic_cmp_set(&cell->full_ns, was,
                               (ngx_atomic_uint_t) (now + gap)))
        {
            out->allowed = 1;
            return NGX_OK;
        }
    }
}
