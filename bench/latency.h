/*
 * latency - a histogram of microseconds, exact below 64 and within 1/64 above.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS  (64 * 40)

typedef struct {
    uint64_t  n, max;
    uint64_t  buckets[LATENCY_BUCKETS];
} latency_t;

void latency_add(latency_t *l, uint64_t us);

/* Smallest value that "share" (0 to 1) of all are not above; 0 without any. */
uint64_t latency_at(const latency_t *l, double share);

#endif /* LATENCY_H */
