/*
 * http_pace - when the next message may go to the operator.
 *
 * Times are monotonic microseconds; nothing here reads a clock.
 */
#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stdint.h>

typedef enum {
    HTTP_PACE_OPEN, HTTP_PACE_THROTTLED, HTTP_PACE_DOWN, HTTP_PACE_RESTING
} http_pace_state_t;

typedef struct {
    uint32_t           concurrency, inflight;
    int64_t            interval_us;     /* between messages; 0: no limit       */
    int64_t            burst_us;        /* so much may be caught up            */
    int64_t            next_us;         /* when the next one is due            */
    int64_t            pause_us;        /* nothing goes until then             */
    http_pace_state_t  state;           /* why; OPEN again after a success     */
    uint32_t           failures;        /* in a row, of the same sort          */
} http_pace_t;

void http_pace_init(http_pace_t *p, uint32_t concurrency, uint32_t rate, int64_t now_us);

/* How many may go now.  After a pause one tries, and its success opens the rest. */
uint32_t http_pace_room(const http_pace_t *p, int64_t now_us);
void http_pace_sent(http_pace_t *p, int64_t now_us);
void http_pace_ended(http_pace_t *p);

void http_pace_succeeded(http_pace_t *p, int64_t now_us);
/* Pauses for wait_us, or, where that is 0, first_us doubled for each failure in a
 * row, at most most_us.  Answers what came of it, us.                         */
int64_t http_pace_failed(http_pace_t *p, http_pace_state_t state, int64_t wait_us,
    int64_t first_us, int64_t most_us, int64_t now_us);

/* When there is room again by time alone; INT64_MAX: by an answer only. */
int64_t http_pace_due(const http_pace_t *p, int64_t now_us);

#endif /* HTTP_PACE_H */
