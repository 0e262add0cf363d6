/*
 * smpp_rate - how fast one bind may submit.  Pure: the caller brings the clock.
 *
 * Two limits, the lower one counts:
 *   - the configured rate, kept by a token bucket of 50 ms, so that no second
 *     sees more than 5 % above it;
 *   - a learned rate.  An answer "throttled" stops the bind for a moment (the
 *     pause doubles, up to 30 s, while no submit is accepted in between), and
 *     sets the learned rate to four fifths of what the SMSC accepted in the
 *     last second.  Each second of traffic without complaint adds the same step,
 *     a fortieth of the configured rate (without one, of the first value), until
 *     the configured rate (ten times the first value) is reached.
 */
#ifndef SMPP_RATE_H
#define SMPP_RATE_H

#include <stdint.h>

#include <sms/sms_bucket.h>

#define SMPP_RATE_PAUSE_MAX_MS  30000

typedef struct {
    uint32_t            fixed_milli;    /* configured, a 1000 seconds; 0: none */
    uint32_t            wait_ms;        /* first pause after "throttled"       */
    uint32_t            learned;        /* a second; 0: none                   */
    uint32_t            first;          /* learned when it was set             */
    uint32_t            pause_ms;       /* the last pause                      */
    int64_t             paused_us;      /* no submit before                    */
    int64_t             slot_us;        /* begin of the counting second        */
    uint32_t            accepted, before;   /* this second, the one before     */
    uint32_t            complaints;     /* this second                         */
    uint32_t            throttled;      /* pauses so far                       */
    sms_bucket_limit_t  limit;
    sms_bucket_t        bucket;
} smpp_rate_t;

void smpp_rate_init(smpp_rate_t *r, uint32_t fixed_milli, uint32_t wait_ms,
    int64_t now_us);

/* Submits a second at this moment; 0: no limit. */
uint32_t smpp_rate_now(const smpp_rate_t *r);

/* Submits that may be written now; UINT32_MAX: no limit. */
uint32_t smpp_rate_room(smpp_rate_t *r, int64_t now_us);
/* Parts worth asking the host for at once: half of the bucket, at least 1;
 * UINT32_MAX: no limit.                                                      */
uint32_t smpp_rate_worth(const smpp_rate_t *r);
/* When room() will be worth(); now_us when it is. */
int64_t smpp_rate_due(smpp_rate_t *r, int64_t now_us);

void smpp_rate_take(smpp_rate_t *r, int64_t now_us);
void smpp_rate_accepted(smpp_rate_t *r, int64_t now_us);
/* Returns milliseconds after which the part may be tried again. */
uint32_t smpp_rate_throttled(smpp_rate_t *r, int64_t now_us);

#endif /* SMPP_RATE_H */
