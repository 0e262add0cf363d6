/*
 * iys_pump.c - when the next request leaves.
 *
 * One step at a time: a slot of the common pace is taken, at its beginning
 * either the token or the first waiting query is sent, and the next step is
 * planned.  A step that needs nothing (no query, all in flight, own token
 * request under way) plans nothing: whoever changes that calls again.
 */
#include "iys.h"
#include "iys_ask.h"

#include <string.h>

#define IYS_PUMP_LOOK_US  100000        /* for another worker's token          */


static void iys_pump_timer(void *data);


static void
iys_pump_refuse(iys_t *iys, const char *code)
{
    sms_rc_t            rc;
    const iys_error_t  *e;

    e = iys_error_of(code, strlen(code));

    switch (e == NULL ? IYS_ERROR_RETRY : e->klass) {

    case IYS_ERROR_SILENT:
        rc = SMS_E_BUSY;
        break;

    case IYS_ERROR_CREDENTIAL:
    case IYS_ERROR_REAUTH:
        rc = SMS_E_DENIED;
        break;

    default:
        rc = SMS_E_DOWN;
    }

    while (iys->waiting != NULL) {
        iys_query_fail(iys->waiting, rc, code);
    }

    iys_ask_fail_all(iys, rc == SMS_E_DENIED ? "stop" : "retry", code);
}


static void
iys_pump_arm(iys_t *iys, int64_t now, int64_t at, uint32_t slot)
{
    int64_t  delay_ms;

    delay_ms = at > now ? (at - now + 999) / 1000 : 0;

    if (delay_ms > 60000) {
        delay_ms = 60000;
    }

    iys->pump_slot = slot;
    iys->pump_timer = iys->host->loop->timer(iys->host, (uint32_t) delay_ms, 1,
                                             iys_pump_timer, iys);

    /* without a timer nothing would ever move again */

    while (iys->pump_timer == 0 && iys->waiting != NULL) {
        iys_query_fail(iys->waiting, SMS_E_NOMEM, "no_memory");
    }

    if (iys->pump_timer == 0) {
        iys_ask_fail_all(iys, "retry", "no_memory");
    }
}


/* Status queries first: messages wait for them.  Then whatever else is asked,
 * and in between what has waited for too long. */

static int
iys_pump_send(iys_t *iys, int64_t now)
{
    int64_t       next;
    iys_ask_t    *ask;
    iys_query_t  *q;

    q = iys_query_due(iys, now, &next);
    ask = iys_ask_due(iys);

    if (ask != NULL
        && (q == NULL || ask->since_us + IYS_ASK_PATIENCE_US <= now))
    {
        return iys_ask_send(ask, now);
    }

    return iys_query_send(q, now);
}


/* Whether a query may go now.  Plans the next look, or refuses them all. */

static int
iys_pump_ready(iys_t *iys, int64_t now, iys_token_state_t *token)
{
    int64_t      until;
    const char  *code;

    if ((iys->waiting == NULL && iys->asks == NULL)
        || iys->nsent >= IYS_SENT_MAX)
    {
        return 0;
    }

    if (iys_halt_get(iys, IYS_HALT_PAUSE, iys->far_id, now, &until, NULL)) {
        iys_pump_arm(iys, now, until, 0);
        return 0;
    }

    if (iys_query_due(iys, now, &until) == NULL && iys_ask_due(iys) == NULL) {
        iys_pump_arm(iys, now, until, 0);
        return 0;
    }

    *token = iys_token_state(iys, now, &code);

    switch (*token) {

    case IYS_TOKEN_READY:
    case IYS_TOKEN_NEEDED:
        return 1;

    case IYS_TOKEN_WAITING:
        iys_pump_arm(iys, now, now + IYS_PUMP_LOOK_US, 0);
        return 0;

    case IYS_TOKEN_REFUSED:
        iys_pump_refuse(iys, code);
        return 0;

    default:
        return 0;
    }
}


static void
iys_pump_step(iys_t *iys, uint32_t slot)
{
    int64_t             now, at;
    iys_token_state_t   token;

    now = iys->host->core->now_us(iys->host);

    while (iys->pump_timer == 0 && iys_pump_ready(iys, now, &token)) {

        if (!slot) {
            at = iys_budget_slot(iys, now);

            if (at > now) {
                iys_pump_arm(iys, now, at, 1);
                return;
            }
        }

        slot = 0;

        if (token == IYS_TOKEN_READY) {
            slot = !iys_pump_send(iys, now);
            continue;
        }

        iys_token_fetch(iys, now);

        /* not ours to fetch in this second */

        if (iys->token.request == 0
            && iys_token_state(iys, now, NULL) == IYS_TOKEN_NEEDED)
        {
            iys_pump_arm(iys, now, now + IYS_PUMP_LOOK_US, 0);
        }
    }
}


void
iys_pump(iys_t *iys)
{
    if (iys->pumping || (iys->pump_timer != 0 && iys->pump_slot)) {
        return;
    }

    /* a look planned for later does not hold up what may go now */

    if (iys->pump_timer != 0) {
        iys->host->loop->stop(iys->host, iys->pump_timer);
        iys->pump_timer = 0;
    }

    iys->pumping = 1;
    iys_pump_step(iys, 0);
    iys->pumping = 0;
}


static void
iys_pump_timer(void *data)
{
    iys_t  *iys;

    iys = data;
    iys->pump_timer = 0;

    iys->pumping = 1;
    iys_pump_step(iys, iys->pump_slot);
    iys->pumping = 0;

    iys_call_flush(iys);
}
