#include "latency.h"


void
latency_add(latency_t *l, uint64_t us)
{
    uint32_t  shift;

    l->n++;

    if (us > l->max) {
        l->max = us;
    }

    if (us < 64) {
        l->buckets[us]++;
        return;
    }

    /* 64 buckets to each power of two */
    shift = (uint32_t) (57 - __builtin_clzll(us));

    if (shift > 38) {
        l->buckets[LATENCY_BUCKETS - 1]++;
        return;
    }

    l->buckets[64 * shift + (us >> shift)]++;
}


uint64_t
latency_at(const latency_t *l, double share)
{
    uint32_t  i;
    uint64_t  wanted, seen;

    if (l->n == 0) {
        return 0;
    }

    wanted = (uint64_t) (share * (double) l->n);
    seen = 0;

    for (i = 0; i < LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];

        if (seen > wanted) {
            break;
        }
    }

    if (i < 128) {
        return i;
    }

    return (uint64_t) (i % 64 + 64) << (i / 64 - 1);
}
