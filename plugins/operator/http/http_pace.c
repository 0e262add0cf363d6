#include <string.h>

#include "http_pace.h"


void
http_pace_init(http_pace_t *p, uint32_t concurrency, uint32_t rate, int64_t now_us)
{
    memset(p, 0, sizeof(http_pace_t));
    p->concurrency = concurrency;
    p->next_us = now_us;

    if (rate) {
        p->interval_us = 1000000 / rate > 0 ? 1000000 / rate : 1;
        /* a tenth of a second: timers are not finer than the loop */
        p->burst_us = p->interval_us > 100000 ? 0 : 100000;
    }
}


uint32_t
http_pace_room(const http_pace_t *p, int64_t now_us)
{
    int64_t   due;
    uint32_t  most, room;

    most = p->state == HTTP_PACE_OPEN ? p->concurrency : 1;

    if (now_us < p->pause_us || p->inflight >= most) {
        return 0;
    }

    room = most - p->inflight;

    if (p->interval_us) {
        due = now_us - p->next_us;

        if (due > p->burst_us) {
            due = p->burst_us;
        }

        due = due < 0 ? 0 : due / p->interval_us + 1;

        if (room > (uint64_t) due) {
            room = (uint32_t) due;
        }
    }

    return room;
}


void
http_pace_sent(http_pace_t *p, int64_t now_us)
{
    p->inflight++;

    if (p->interval_us) {
        if (p->next_us < now_us - p->burst_us) {
            p->next_us = now_us - p->burst_us;
        }

        p->next_us += p->interval_us;
    }
}


void
http_pace_ended(http_pace_t *p)
{
    p->inflight--;
}


void
http_pace_succeeded(http_pace_t *p, int64_t now_us)
{
    /* it was under way when the operator asked for the pause */
    if (now_us < p->pause_us) {
        return;
    }

    p->state = HTTP_PACE_OPEN;
    p->failures = 0;
    p->pause_us = 0;
}


int64_t
http_pace_failed(http_pace_t *p, http_pace_state_t state, int64_t wait_us,
    int64_t first_us, int64_t most_us, int64_t now_us)
{
    uint32_t  i;

    /* those that were under way together fail together: that is one failure */
    if (now_us < p->pause_us && state == p->state && wait_us == 0) {
        return p->pause_us - now_us;
    }

    p->failures = state == p->state ? p->failures + 1 : 1;
    p->state = state;

    if (wait_us == 0) {
        for (i = 1, wait_us = first_us; i < p->failures && wait_us < most_us; i++) {
            wait_us *= 2;
        }

        wait_us = wait_us < most_us ? wait_us : most_us;
    }

    if (p->pause_us < now_us + wait_us) {
        p->pause_us = now_us + wait_us;
    }

    return p->pause_us - now_us;
}


int64_t
http_pace_due(const http_pace_t *p, int64_t now_us)
{
    int64_t   at;

    if (p->inflight >= (p->state == HTTP_PACE_OPEN ? p->concurrency : 1)) {
        return INT64_MAX;
    }

    at = p->interval_us && p->next_us > now_us ? p->next_us : now_us;

    return at > p->pause_us ? at : p->pause_us;
}
