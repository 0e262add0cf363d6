/*
 * iys_budget.c - İYS's limits, kept by all workers together.
 *
 * İYS allows 10 requests a second, 1000 single status queries and 100 histories
 * an hour and (the two places that say it disagree) 10 or 100 tokens an hour,
 * each counted per source address.
 *
 * A second is cut into "rate" slots, 5 % longer than they had to be, and each
 * slot belongs to whoever counts its key first.  A request leaves at the
 * beginning of its slot, so that no window of a second, wherever it begins,
 * holds more than "rate" of them; the 5 % are what network and timers may
 * differ.  A counter per second would let 20 through around its turn.
 *
 * Several nodes behind one address share its limits and must divide "rate".
 */
#include "iys.h"

#include <inttypes.h>
#include <stdio.h>

#define IYS_SINGLES_AN_HOUR  1000
#define IYS_HISTORIES_AN_HOUR  50       /* two clock hours touch any hour      */
#define IYS_TOKENS_AN_HOUR   5          /* two clock hours touch any hour      */
#define IYS_SLOTS_AHEAD      64
#define IYS_SLOT_TTL_MS      120000     /* longer than IYS_SLOTS_AHEAD at 1/s */


static sms_rc_t
iys_budget_add(iys_t *iys, const char *what, uint64_t id, int64_t slot,
    int64_t by, uint32_t ttl_ms, int64_t *now)
{
    char       buf[96];
    sms_str_t  key;

    key.ptr = buf;
    key.len = (size_t) snprintf(buf, sizeof(buf),
                                "iys:%s:%016" PRIx64 ":%" PRId64, what, id,
                                slot);

    return iys->host->dict->incr(iys->host, key, by, ttl_ms, now);
}


static sms_rc_t
iys_budget_incr(iys_t *iys, const char *what, uint64_t id, int64_t slot,
    uint32_t ttl_ms, int64_t *now)
{
    return iys_budget_add(iys, what, id, slot, 1, ttl_ms, now);
}


int64_t
iys_budget_slot(iys_t *iys, int64_t from)
{
    int64_t   len, slot, count;
    uint32_t  i;

    len = IYS_SECOND_US * 105 / 100 / iys->rate;
    slot = from / len;

    /* late in a slot is too near to the next one's beginning */

    if (from % len > len / 5) {
        slot++;
    }

    for (i = 0; i < IYS_SLOTS_AHEAD; i++, slot++) {

        if (iys_budget_incr(iys, "r", iys->far_id, slot, IYS_SLOT_TTL_MS,
                            &count)
            != SMS_OK)
        {
            break;
        }

        if (count == 1) {
            return slot * len > from ? slot * len : from;
        }
    }

    /* no dictionary: this worker's share, as if all others were as busy */

    len *= iys->host->workers > 0 ? iys->host->workers : 1;

    if (iys->slot_us < from) {
        iys->slot_us = from;
    }

    iys->slot_us += len;

    return iys->slot_us;
}


int
iys_budget_single(iys_t *iys, int64_t now)
{
    int64_t  count;

    return !iys_halt_get(iys, IYS_HALT_SINGLE, iys->far_id, now, NULL, NULL)
           && iys_budget_incr(iys, "q", iys->far_id, now / IYS_HOUR_US,
                              2 * 3600 * 1000, &count)
              == SMS_OK
           && count <= IYS_SINGLES_AN_HOUR;
}


int
iys_budget_history(iys_t *iys, int64_t now)
{
    int64_t  count;

    return !iys_halt_get(iys, IYS_HALT_HISTORY, iys->far_id, now, NULL, NULL)
           && iys_budget_incr(iys, "y", iys->far_id, now / IYS_HOUR_US,
                              2 * 3600 * 1000, &count)
              == SMS_OK
           && count <= IYS_HISTORIES_AN_HOUR;
}


int
iys_budget_token(iys_t *iys, int64_t now)
{
    int64_t  count;

    return iys_budget_incr(iys, "n", iys->user_id, now / IYS_HOUR_US,
                           2 * 3600 * 1000, &count)
           == SMS_OK
           && count <= IYS_TOKENS_AN_HOUR;
}


void
iys_budget_token_return(iys_t *iys, int64_t now)
{
    int64_t  count;

    (void) iys_budget_add(iys, "n", iys->user_id, now / IYS_HOUR_US, -1,
                          2 * 3600 * 1000, &count);
}


/*
 * The dictionary has no compare-and-set.  "busy" says until when a fetch may
 * take, and ends with its holder's death; the counter of the present second
 * lets one of several workers through that found it free at the same time.
 */

static sms_str_t
iys_budget_lock_key(iys_t *iys, char *buf, size_t cap)
{
    sms_str_t  key;

    key.ptr = buf;
    key.len = (size_t) snprintf(buf, cap, "iys:busy:%016" PRIx64,
                                iys->user_id);

    return key;
}


int
iys_budget_token_locked(iys_t *iys, int64_t now)
{
    char     key[64], value[32];
    size_t   i, len;
    int64_t  until;

    if (iys->host->dict->get(iys->host,
                             iys_budget_lock_key(iys, key, sizeof(key)),
                             value, sizeof(value), &len)
        != SMS_OK || len > 18)
    {
        return 0;
    }

    until = 0;

    for (i = 0; i < len; i++) {
        until = until * 10 + (value[i] - '0');
    }

    return until > now;
}


int
iys_budget_token_lock(iys_t *iys, int64_t now)
{
    char       key[64], value[32];
    int64_t    count, until;
    sms_str_t  v;

    if (iys_budget_token_locked(iys, now)) {
        return 0;
    }

    if (iys_budget_incr(iys, "lock", iys->user_id, now / IYS_SECOND_US, 10000,
                        &count)
        != SMS_OK || count != 1)
    {
        return 0;
    }

    until = now + ((int64_t) iys->timeout_ms + 1000) * 1000;

    v.ptr = value;
    v.len = (size_t) snprintf(value, sizeof(value), "%" PRId64, until);

    return iys->host->dict->set(iys->host,
                                iys_budget_lock_key(iys, key, sizeof(key)), v,
                                iys->timeout_ms + 1000)
           == SMS_OK;
}


void
iys_budget_token_unlock(iys_t *iys)
{
    char       key[64];
    sms_str_t  free_value = SMS_STR("0");

    (void) iys->host->dict->set(iys->host,
                                iys_budget_lock_key(iys, key, sizeof(key)),
                                free_value, 1000);
}
