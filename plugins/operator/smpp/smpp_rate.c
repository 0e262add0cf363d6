#include <string.h>

#include "smpp_rate.h"


static void
smpp_rate_apply(smpp_rate_t *r)
{
    uint64_t  milli;

    milli = r->fixed_milli;

    if (r->learned && (milli == 0 || (uint64_t) r->learned * 1000 < milli)) {
        milli = (uint64_t) r->learned * 1000;
    }

    r->limit.rate_milli = (int64_t) milli;
    r->limit.burst = (int64_t) (milli / 20000);

    if (r->limit.burst < 1) {
        r->limit.burst = 1;
    }
}


/* Counts in seconds; a second without complaint lets the learned rate grow. */
static void
smpp_rate_turn(smpp_rate_t *r, int64_t now_us)
{
    uint32_t  step, most;

    if (now_us - r->slot_us < 1000000) {
        return;
    }

    r->before = now_us - r->slot_us < 2000000 ? r->accepted : 0;

    if (r->learned && r->complaints == 0 && now_us >= r->paused_us
        && r->accepted)
    {
        most = r->fixed_milli / 1000;
        step = (most ? most : r->first) / 40;
        r->learned += step ? step : 1;

        if (r->fixed_milli ? r->learned >= most : r->learned / 10 >= r->first) {
            r->learned = 0;
        }

        smpp_rate_apply(r);
    }

    r->accepted = 0;
    r->complaints = 0;
    r->slot_us = now_us;
}


void
smpp_rate_init(smpp_rate_t *r, uint32_t fixed_milli, uint32_t wait_ms,
    int64_t now_us)
{
    memset(r, 0, sizeof(smpp_rate_t));

    r->fixed_milli = fixed_milli;
    r->wait_ms = wait_ms;
    r->slot_us = now_us;
    smpp_rate_apply(r);
    sms_bucket_init(&r->bucket, &r->limit, now_us);
}


uint32_t
smpp_rate_now(const smpp_rate_t *r)
{
    return (uint32_t) ((r->limit.rate_milli + 999) / 1000);
}


uint32_t
smpp_rate_room(smpp_rate_t *r, int64_t now_us)
{
    int64_t  level;

    smpp_rate_turn(r, now_us);

    if (now_us < r->paused_us) {
        return 0;
    }

    if (r->limit.rate_milli == 0) {
        return UINT32_MAX;
    }

    level = sms_bucket_level(&r->bucket, &r->limit, now_us);

    return level < 0 ? 0 : (uint32_t) level;
}


uint32_t
smpp_rate_worth(const smpp_rate_t *r)
{
    if (r->limit.rate_milli == 0) {
        return UINT32_MAX;
    }

    return (uint32_t) (r->limit.burst / 2 ? r->limit.burst / 2 : 1);
}


int64_t
smpp_rate_due(smpp_rate_t *r, int64_t now_us)
{
    int64_t  wait_us, worth;

    if (now_us < r->paused_us) {
        return r->paused_us;
    }

    if (r->limit.rate_milli == 0) {
        return now_us;
    }

    worth = smpp_rate_worth(r);

    if (sms_bucket_take(&r->bucket, &r->limit, now_us, worth, &wait_us)) {
        sms_bucket_give(&r->bucket, &r->limit, worth);
        return now_us;
    }

    return now_us + wait_us;
}


void
smpp_rate_take(smpp_rate_t *r, int64_t now_us)
{
    if (r->limit.rate_milli) {
        sms_bucket_take(&r->bucket, &r->limit, now_us, 1, NULL);
    }
}


void
smpp_rate_accepted(smpp_rate_t *r, int64_t now_us)
{
    smpp_rate_turn(r, now_us);

    r->accepted++;

    /* answers of submits written before the pause say nothing about it */
    if (now_us >= r->paused_us) {
        r->pause_ms = 0;
    }
}


uint32_t
smpp_rate_throttled(smpp_rate_t *r, int64_t now_us)
{
    uint32_t  rate;

    smpp_rate_turn(r, now_us);

    r->complaints++;

    if (now_us < r->paused_us) {
        /* one burst is one complaint */
        return (uint32_t) ((r->paused_us - now_us) / 1000) + 1;
    }

    rate = r->accepted > r->before ? r->accepted : r->before;
    rate = rate - rate / 5;

    if (r->learned && rate > r->learned) {
        rate = r->learned - r->learned / 5;
    }

    r->throttled++;
    r->learned = rate ? rate : 1;
    r->first = r->learned;

    r->pause_ms = r->pause_ms ? r->pause_ms * 2 : r->wait_ms;

    if (r->pause_ms > SMPP_RATE_PAUSE_MAX_MS) {
        r->pause_ms = SMPP_RATE_PAUSE_MAX_MS;
    }

    r->paused_us = now_us + (int64_t) r->pause_ms * 1000;
    smpp_rate_apply(r);

    return r->pause_ms;
}
