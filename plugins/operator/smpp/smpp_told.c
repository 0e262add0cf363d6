#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "smpp.h"


#define SMPP_TOLD_US    1000000         /* between two tellings of one state   */
#define SMPP_LOGGED_US  INT64_C(3600000000)


static sms_bind_state_t
smpp_told_state(const smpp_bind_t *b, int64_t now_us)
{
    switch (b->state) {

    case SMPP_WAIT:
        return SMS_BIND_WAITING;

    case SMPP_CONNECT:
        return SMS_BIND_CONNECTING;

    case SMPP_BIND_SENT:
        return SMS_BIND_BINDING;

    case SMPP_BOUND:
        return now_us < b->smpp->rest_us ? SMS_BIND_RESTING : SMS_BIND_BOUND;

    default:
        return SMS_BIND_DOWN;
    }
}


/* A pair is as good as its worse half; which one that is stands before the error. */
void
smpp_told(smpp_bind_t *b)
{
    char          error[128];
    int           n;
    int64_t       now, due;
    sms_str_t     name;
    sms_bind_t    bind;
    sms_host_t   *h;
    smpp_bind_t  *shown;

    h = b->smpp->host;

    if (b->second) {
        b = b->pair;
    }

    if (!b->held || !SMS_HAS(sms_core_api_t, h->core, bind_told)) {
        return;
    }

    now = smpp_now(b->smpp);
    shown = b->pair && b->state == SMPP_BOUND && b->pair->state != SMPP_BOUND
            ? b->pair : b;

    memset(&bind, 0, sizeof(sms_bind_t));
    bind.size = sizeof(sms_bind_t);
    bind.state = smpp_told_state(shown, now);
    bind.window = b->window.size;
    bind.inflight = b->window.used;
    bind.rate = smpp_rate_now(&b->rate);
    bind.throttled = b->rate.throttled;
    bind.since_us = shown->since_us;
    bind.error_code = shown->error_code;

    due = bind.state == SMS_BIND_WAITING ? shown->state_due_us
          : bind.state == SMS_BIND_RESTING ? b->smpp->rest_us : 0;

    if (due) {
        bind.retry_us = h->core->now_us(h) + (due > now ? due - now : 1);
    }

    if (shown->error[0]) {
        n = snprintf(error, sizeof(error), "%s%s",
                     b->pair == NULL ? "" : shown->second ? "receiver: "
                                                          : "transmitter: ",
                     shown->error);
        bind.error.ptr = error;
        bind.error.len = n < (int) sizeof(error) ? (size_t) n
                                                 : sizeof(error) - 1;
    }

    b->told_us = now;
    b->told_rest = bind.state == SMS_BIND_RESTING;
    b->told_used = b->window.used;
    b->told_rate = bind.rate;
    b->told_throttled = bind.throttled;

    name.ptr = b->name;
    name.len = strlen(b->name);
    h->core->bind_told(h, name, &bind);
}


int64_t
smpp_told_due(const smpp_bind_t *b)
{
    if (b->told_rest && b->state == SMPP_BOUND) {
        return b->smpp->rest_us;
    }

    if (b->state != SMPP_BOUND || b->second
        || (b->window.used == b->told_used
            && b->rate.throttled == b->told_throttled
            && smpp_rate_now(&b->rate) == b->told_rate))
    {
        return INT64_MAX;
    }

    return b->told_us + SMPP_TOLD_US;
}


void
smpp_told_failure(smpp_bind_t *b, sms_level_t level, uint32_t code,
    const char *format, ...)
{
    int64_t  now;
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(b->error, sizeof(b->error), format, args);
    va_end(args);

    b->error_code = code;
    now = smpp_now(b->smpp);

    if (strcmp(b->error, b->logged) == 0
        && now - b->logged_us < SMPP_LOGGED_US)
    {
        b->again++;
        return;
    }

    smpp_log(b->smpp, level, "bind %s%s: %s", b->name,
             b->second ? " receiver" : "", b->error);
    memcpy(b->logged, b->error, sizeof(b->logged));
    b->logged_us = now;
    b->again = 0;
}


void
smpp_told_link(const smpp_bind_t *b)
{
    uint32_t      i;
    smpp_bind_t  *other;

    for (i = 0; i < b->smpp->nbinds; i++) {
        other = &b->smpp->binds[i];

        if (other == b) {
            continue;
        }

        memcpy(other->logged, b->logged, sizeof(other->logged));
        other->logged_us = b->logged_us;

        if (other->state != SMPP_BOUND) {
            memcpy(other->error, b->error, sizeof(other->error));
            other->error_code = b->error_code;
            smpp_told(other);
        }
    }
}


void
smpp_told_success(smpp_bind_t *b)
{
    if (b->again) {
        smpp_log(b->smpp, SMS_LOG_NOTICE, "bind %s%s: \"%s\" came %u times more",
                 b->name, b->second ? " receiver" : "", b->logged, b->again);
    }

    b->logged[0] = 0;
    b->again = 0;
}


const char *
smpp_told_why(const smpp_bind_t *b, sms_rc_t why)
{
    if (b->state == SMPP_BIND_SENT && b->smpp->conf.tls
        && b->smpp->conf.cert.len == 0 && (why == SMS_OK || why == SMS_E_DOWN))
    {
        /* TLS 1.3 tells a client so only after its side of the handshake */
        return "closed before the bind: does the SMSC want a client certificate?";
    }

    switch (why) {

    case SMS_OK:
        return b->state == SMPP_BIND_SENT
               ? "the SMSC closed it before it answered the bind"
               : "the SMSC closed it";

    case SMS_E_TIMEOUT:
        return "no connection in time";

    case SMS_E_DOWN:
        return b->smpp->conf.tls && b->state == SMPP_CONNECT
               ? "refused, unreachable, or no TLS there"
               : "refused, reset or unreachable";

    case SMS_E_DENIED:
        return "the SMSC's certificate is not accepted (ca, tls_name, dates)";

    case SMS_E_CONFIG:
        return "ca, cert or key cannot be used";

    case SMS_E_INVAL:
        return "more came than can be kept";

    default:
        return "out of memory";
    }
}
