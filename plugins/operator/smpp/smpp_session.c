#include <stdio.h>
#include <string.h>

#include "smpp.h"


#define SMPP_LASTED_US     10000000     /* a session this old was a good one  */
#define SMPP_UNBIND_US     5000000
#define SMPP_RECHECK_US    1000000
#define SMPP_DENIED_DOUBLES  4          /* of the pause after refused credentials */
#define SMPP_DENIED_MOST     10         /* times reconnect_max                */

static int64_t smpp_session_idle(const smpp_bind_t *b);
static void smpp_session_opened(void *data, sms_handle_t s);
static void smpp_session_writable(void *data, sms_handle_t s);
static void smpp_session_closed(void *data, sms_handle_t s, sms_rc_t why);

static const sms_stream_cb_t  smpp_session_cb = {
    sizeof(sms_stream_cb_t),
    smpp_session_opened,
    smpp_frame_data,
    smpp_session_writable,
    smpp_session_closed
};


static sms_str_t
smpp_session_name(smpp_bind_t *b)
{
    sms_str_t  s;

    s.ptr = b->name;
    s.len = strlen(b->name);

    return s;
}


int
smpp_session_leased(smpp_bind_t *b)
{
    sms_host_t *h;

    h = b->smpp->host;

    return b->held && h->core->lease_valid(h, smpp_session_name(b));
}


int
smpp_session_ready(smpp_bind_t *b)
{
    return b->state == SMPP_BOUND && !b->suspect
           && b->mode != SMPP_BIND_RECEIVER
           && smpp_session_leased(b);
}


sms_rc_t
smpp_session_send(smpp_bind_t *b, const smpp_pdu_t *pdu)
{
    char         buf[SMPP_PDU_MAX];
    size_t       n;
    sms_host_t  *h;

    n = smpp_pdu_encode(pdu, buf, sizeof(buf));

    if (n == 0) {
        return SMS_E_INVAL;
    }

    if (b->stream == 0) {
        return SMS_E_DOWN;
    }

    h = b->smpp->host;

    return h->stream->write(h, b->stream, buf, n);
}


sms_rc_t
smpp_session_simple(smpp_bind_t *b, uint32_t command, uint32_t status,
    uint32_t sequence)
{
    smpp_pdu_t  pdu;

    memset(&pdu, 0, sizeof(smpp_pdu_t));
    pdu.command = command;
    pdu.status = status;
    pdu.sequence = sequence;

    return smpp_session_send(b, &pdu);
}


void
smpp_session_enter(smpp_bind_t *b, smpp_state_t state)
{
    b->state = state;
    b->since_us = b->smpp->host->core->now_us(b->smpp->host);
    smpp_told(b);
}


/* An SMSC that has not yet let us in is asked once at a time: wrong credentials
 * must not come from all binds together, and not before their pause is over.  */
static int
smpp_session_may_try(smpp_bind_t *b, int64_t now_us)
{
    uint32_t      i;
    smpp_t       *smpp;
    smpp_bind_t  *other;

    smpp = b->smpp;
    b->behind = 0;

    if (now_us < smpp->refused_us) {
        b->state_due_us = smpp->refused_us;
        return 0;
    }

    for (i = 0; !smpp->proved && i < smpp->nbinds; i++) {
        other = &smpp->binds[i];

        if (other != b && (other->state == SMPP_CONNECT
                           || other->state == SMPP_BIND_SENT))
        {
            b->behind = 1;
            b->state_due_us = now_us + SMPP_RECHECK_US;
            return 0;
        }
    }

    return 1;
}


static void
smpp_session_connect(smpp_bind_t *b)
{
    sms_tls_t     tls;
    sms_host_t   *h;
    smpp_conf_t  *conf;

    h = b->smpp->host;
    conf = &b->smpp->conf;

    if (!smpp_session_may_try(b, smpp_now(b->smpp))) {
        smpp_session_enter(b, SMPP_WAIT);
        smpp_session_arm(b);
        return;
    }

    memset(&tls, 0, sizeof(sms_tls_t));
    tls.size = sizeof(sms_tls_t);
    tls.server_name = conf->tls_name;
    tls.ca_file = conf->ca;
    tls.cert_file = conf->cert;
    tls.key_file = conf->key;

    b->state_due_us = 0;
    smpp_session_enter(b, SMPP_CONNECT);
    smpp_count(b->smpp, SMPP_METRIC_CONNECTS, 1);

    b->stream = h->stream->connect(h, conf->host, conf->port,
                                   conf->tls ? &tls : NULL, conf->connect_ms,
                                   &smpp_session_cb, b);
    if (b->stream == 0) {
        smpp_told_failure(b, SMS_LOG_ERROR, 0,
                          "connect failed: the host gave no stream");
        smpp_session_close(b, 0);
    }
}


static uint32_t
smpp_session_backoff(smpp_bind_t *b)
{
    uint64_t      ms, r;
    smpp_conf_t  *conf;

    conf = &b->smpp->conf;
    ms = conf->reconnect_min_ms;
    ms <<= b->failures < 16 ? b->failures : 16;

    if (ms > conf->reconnect_max_ms) {
        ms = conf->reconnect_max_ms;
    }

    /* xorshift64: many workers must not come back in the same millisecond */
    r = b->smpp->random;
    r ^= r << 13;
    r ^= r >> 7;
    r ^= r << 17;
    b->smpp->random = r;

    return (uint32_t) (ms / 2 + r % (ms / 2 + 1));
}


/* The worker leaves: the lease goes with the last session that it covers. */
static void
smpp_session_give_up(smpp_bind_t *b)
{
    sms_host_t   *h;
    smpp_bind_t  *owner;

    h = b->smpp->host;
    owner = b->second ? b->pair : b;

    if (owner->pair && owner->pair->state != SMPP_IDLE) {
        /* whoever submits goes first, receipts come to the end */
        smpp_session_settle(owner->pair);
        return;
    }

    if (owner->wanted && owner->state == SMPP_IDLE) {
        owner->wanted = 0;
        owner->held = 0;

        if (owner->pair) {
            owner->pair->held = 0;
        }

        h->core->lease_drop(h, smpp_session_name(owner));
    }
}


void
smpp_session_close(smpp_bind_t *b, uint32_t wait_ms)
{
    int64_t       now;
    sms_host_t   *h;
    sms_handle_t  stream;

    h = b->smpp->host;
    now = smpp_now(b->smpp);
    stream = b->stream;

    /* the handle is given up first: closed() of it says nothing new */
    b->stream = 0;

    if (stream) {
        h->stream->close(h, stream);
    }

    if (b->bound_metric) {
        smpp_count(b->smpp, SMPP_METRIC_BOUND, -1);
        b->bound_metric = 0;
    }

    if (b->bound_us && now - b->bound_us >= SMPP_LASTED_US) {
        b->failures = 0;
    }

    b->generation++;
    b->nframes = 0;
    b->blocked = 0;
    b->suspect = 0;
    b->bound_us = 0;
    b->enquire_us = 0;
    b->probe_due_us = 0;
    b->behind = 0;
    b->state = SMPP_IDLE;
    b->state_due_us = 0;

    smpp_result_lost(b);

    if (b->held && !b->smpp->draining) {
        if (wait_ms == 0) {
            wait_ms = smpp_session_backoff(b);
        }

        b->failures++;
        b->state_due_us = now + (int64_t) wait_ms * 1000;
        smpp_session_enter(b, SMPP_WAIT);

    } else {
        smpp_session_enter(b, SMPP_IDLE);

        if (b->smpp->draining) {
            smpp_session_give_up(b);
        }
    }

    smpp_submit_pump(b->smpp);
    smpp_session_arm(b);
}


static void
smpp_session_unbind(smpp_bind_t *b)
{
    if (b->state != SMPP_BOUND
        || smpp_session_simple(b, (uint32_t) SMPP_CMD_UNBIND, ESME_ROK,
                               smpp_window_sequence(&b->window)) != SMS_OK)
    {
        smpp_session_close(b, 0);
        return;
    }

    b->state_due_us = smpp_now(b->smpp) + SMPP_UNBIND_US;
    smpp_session_enter(b, SMPP_UNBIND_SENT);
    smpp_session_arm(b);
}


void
smpp_session_unbinds(smpp_bind_t *b, uint32_t sequence)
{
    smpp_deliver_flush(b);
    b->unbind = sequence;
    b->state_due_us = smpp_now(b->smpp) + SMPP_UNBIND_US;
    smpp_session_enter(b, SMPP_UNBIND_GOT);
    smpp_session_settle(b);
}


static void
smpp_session_unbound(smpp_bind_t *b)
{
    smpp_session_simple(b, (uint32_t) SMPP_CMD_UNBIND_RESP, ESME_ROK, b->unbind);
    smpp_told_failure(b, SMS_LOG_NOTICE, 0, "the SMSC ended the session");
    smpp_session_close(b, 0);
}


sms_rc_t
smpp_session_want(smpp_bind_t *b)
{
    sms_rc_t     rc;
    sms_host_t  *h;

    h = b->smpp->host;
    rc = h->core->lease_want(h, smpp_session_name(b));
    b->wanted = rc == SMS_OK;

    return rc;
}


void
smpp_session_lease(smpp_bind_t *b, int held, uint64_t epoch)
{
    if (!held && !b->held) {
        return;
    }

    b->held = held ? 1 : 0;
    b->epoch = epoch;

    if (held) {
        if (b->state == SMPP_IDLE && !b->smpp->draining) {
            b->failures = 0;
            smpp_session_connect(b);
        }

        return;
    }

    if (!b->second) {
        smpp_log(b->smpp, SMS_LOG_NOTICE, "bind %s: lease lost", b->name);
    }

    if (b->state == SMPP_BOUND) {
        /* another worker may bind any moment; answers may still come until
         * the SMSC has answered the unbind                                   */
        smpp_session_unbind(b);
        smpp_submit_pump(b->smpp);

    } else if (b->state != SMPP_IDLE && b->state < SMPP_UNBIND_SENT) {
        smpp_session_close(b, 0);
    }
}


void
smpp_session_drain(smpp_bind_t *b)
{
    if (b->state == SMPP_BOUND) {
        smpp_session_settle(b);
        smpp_session_arm(b);

    } else if (b->state < SMPP_UNBIND_SENT) {
        smpp_session_close(b, 0);
    }
}


void
smpp_session_settle(smpp_bind_t *b)
{
    if (b->window.used || b->arrivals) {
        return;
    }

    if (b->state == SMPP_UNBIND_GOT) {
        smpp_session_unbound(b);
        return;
    }

    if (b->smpp->draining && b->state == SMPP_BOUND
        && (b->second ? b->pair->state == SMPP_IDLE : b->smpp->nqueue == 0))
    {
        smpp_session_unbind(b);
    }
}


void
smpp_session_free(smpp_bind_t *b)
{
    sms_host_t   *h;
    sms_handle_t  stream;

    h = b->smpp->host;

    if (b->timer) {
        h->loop->stop(h, b->timer);
        b->timer = 0;
    }

    stream = b->stream;
    b->stream = 0;

    if (stream) {
        h->stream->close(h, stream);
    }

    if (b->wanted) {
        h->core->lease_drop(h, smpp_session_name(b));
    }

    smpp_window_free(&b->window);
}


static void
smpp_session_tick(void *data)
{
    int64_t       now;
    smpp_bind_t  *b;

    b = data;
    b->timer = 0;
    b->timer_us = 0;
    now = smpp_now(b->smpp);

    switch (b->state) {

    case SMPP_WAIT:
        if (now >= b->state_due_us) {
            if (smpp_session_leased(b)) {
                smpp_session_connect(b);

            } else {
                /* D20: lapsed, and lease() has not told yet */
                b->state_due_us = now + SMPP_RECHECK_US;
            }
        }

        break;

    case SMPP_BIND_SENT:
        if (now >= b->state_due_us) {
            smpp_told_failure(b, SMS_LOG_ERROR, 0, "bind failed: no answer");
            smpp_session_close(b, 0);
            return;
        }

        break;

    case SMPP_BOUND:
        smpp_result_expire(b, now);

        if (b->state != SMPP_BOUND) {
            return;
        }

        if (b->probe_due_us && now >= b->probe_due_us) {
            smpp_told_failure(b, SMS_LOG_ERROR, 0,
                              "session lost: enquire_link not answered");
            smpp_session_close(b, 0);
            return;
        }

        if (b->enquire_us && now >= b->enquire_us) {
            smpp_probe(b, now);
            b->enquire_us = now + (b->probe_due_us
                                   ? (int64_t) b->smpp->conf.enquire_ms * 1000
                                   : SMPP_RECHECK_US);
        }

        if (b->suspect) {
            smpp_probe(b, now);
        }

        if (now >= smpp_told_due(b)) {
            smpp_told(b);
        }

        if (now >= smpp_session_idle(b)) {
            smpp_log(b->smpp, SMS_LOG_NOTICE,
                     "bind %s: bound anew: nothing came or went", b->name);
            smpp_session_unbind(b);
            return;
        }

        smpp_session_settle(b);
        break;

    case SMPP_UNBIND_GOT:
        smpp_result_expire(b, now);

        if (now >= b->state_due_us) {
            smpp_session_unbound(b);
            return;
        }

        break;

    case SMPP_UNBIND_SENT:
        smpp_result_expire(b, now);

        if (now >= b->state_due_us) {
            smpp_session_close(b, 0);
            return;
        }

        break;

    case SMPP_IDLE:
    case SMPP_CONNECT:
        break;
    }

    smpp_submit_pump(b->smpp);
    smpp_session_arm(b);
}


/* When it has been idle for too long; INT64_MAX: never */
static int64_t
smpp_session_idle(const smpp_bind_t *b)
{
    if (b->smpp->conf.inactivity_ms == 0 || b->state != SMPP_BOUND
        || b->window.used || b->arrivals)
    {
        return INT64_MAX;
    }

    return b->active_us + (int64_t) b->smpp->conf.inactivity_ms * 1000;
}


static int64_t
smpp_session_earlier(int64_t a, int64_t b)
{
    return b && b < a ? b : a;
}


void
smpp_session_arm(smpp_bind_t *b)
{
    int64_t      due, now, ms;
    uint32_t     keep;
    sms_host_t  *h;

    /* a worker that leaves waits for the end of the session */
    keep = b->smpp->draining && b->state >= SMPP_BOUND;
    due = smpp_session_earlier(INT64_MAX, b->state_due_us);

    if (b->state >= SMPP_BOUND) {
        due = smpp_session_earlier(due, smpp_window_due(&b->window));
        due = smpp_session_earlier(due, smpp_told_due(b));
        due = smpp_session_earlier(due, smpp_session_idle(b));
        due = smpp_session_earlier(due, b->enquire_us);
        due = smpp_session_earlier(due, b->probe_due_us);

        if (b->suspect && b->probe_due_us == 0) {
            due = smpp_session_earlier(due, smpp_now(b->smpp)
                                            + SMPP_RECHECK_US);
        }
    }

    /* a timer that fires too early only looks and arms again */
    if (b->timer && b->timer_us <= due && b->timer_keeps >= keep) {
        return;
    }

    h = b->smpp->host;

    if (b->timer) {
        h->loop->stop(h, b->timer);
        b->timer = 0;
        b->timer_us = 0;
    }

    if (due == INT64_MAX) {
        return;
    }

    now = smpp_now(b->smpp);
    ms = due > now ? (due - now + 999) / 1000 : 1;
    b->timer_keeps = keep;
    b->timer = h->loop->timer(h, (uint32_t) ms, keep, smpp_session_tick, b);
    b->timer_us = b->timer ? due : 0;
}


static void
smpp_session_opened(void *data, sms_handle_t s)
{
    smpp_pdu_t    pdu;
    smpp_bind_t  *b;
    smpp_conf_t  *conf;

    static const uint32_t  commands[] = {
        (uint32_t) SMPP_CMD_BIND_TRANSCEIVER, (uint32_t) SMPP_CMD_BIND_TRANSMITTER,
        (uint32_t) SMPP_CMD_BIND_RECEIVER
    };

    b = data;

    if (s != b->stream) {
        return;
    }

    if (!smpp_session_leased(b)) {
        smpp_session_close(b, SMPP_RECHECK_US / 1000);
        return;
    }

    conf = &b->smpp->conf;
    smpp_window_reset(&b->window);

    memset(&pdu, 0, sizeof(smpp_pdu_t));
    pdu.command = commands[b->mode];
    pdu.sequence = smpp_window_sequence(&b->window);
    pdu.u.BIND.system_id = conf->system_id;
    pdu.u.BIND.password = conf->password;
    pdu.u.BIND.system_type = conf->system_type;
    pdu.u.BIND.interface_version = 0x34;
    pdu.u.BIND.address_range = conf->address_range;

    if (smpp_session_send(b, &pdu) != SMS_OK) {
        smpp_session_close(b, 0);
        return;
    }

    b->state_due_us = smpp_now(b->smpp) + (int64_t) conf->response_ms * 1000;
    smpp_session_enter(b, SMPP_BIND_SENT);
    smpp_session_arm(b);
}


/* Milliseconds until credentials that were refused are tried again, by any bind of
 * the link: an SMSC that counts wrong passwords closes the account.           */
static uint32_t
smpp_session_denied(smpp_t *smpp)
{
    uint64_t  ms;

    ms = (uint64_t) smpp->conf.reconnect_max_ms
         << (smpp->refusals < SMPP_DENIED_DOUBLES ? smpp->refusals
                                                  : SMPP_DENIED_DOUBLES);

    if (ms > (uint64_t) smpp->conf.reconnect_max_ms * SMPP_DENIED_MOST) {
        ms = (uint64_t) smpp->conf.reconnect_max_ms * SMPP_DENIED_MOST;
    }

    smpp->refusals++;
    smpp->proved = 0;
    smpp->refused_us = smpp_now(smpp) + (int64_t) ms * 1000;

    return (uint32_t) ms;
}


void
smpp_session_bound(smpp_bind_t *b, const smpp_pdu_t *pdu)
{
    uint32_t      i, wait_ms;
    smpp_t       *smpp;
    smpp_conf_t  *conf;

    smpp = b->smpp;
    conf = &smpp->conf;

    if (pdu->status != ESME_ROK) {
        wait_ms = 0;
        smpp_count(smpp, SMPP_METRIC_BIND_FAILED, 1);

        if (pdu->status == ESME_RINVPASWD || pdu->status == ESME_RINVSYSID
            || pdu->status == ESME_RINVSYSTYP)
        {
            wait_ms = smpp_session_denied(smpp);
        }

        smpp_told_failure(b, SMS_LOG_ERROR, pdu->status,
                          "bind refused: %s status=0x%x%s",
                          smpp_status_name(pdu->status), pdu->status,
                          wait_ms ? ": check system_id, password, system_type"
                                  : "");

        if (wait_ms) {
            smpp_told_link(b);
        }

        smpp_session_close(b, wait_ms);
        return;
    }

    b->state_due_us = 0;
    b->bound_us = smpp_now(smpp);
    b->active_us = b->bound_us;
    b->bound_metric = 1;
    smpp->proved = 1;
    smpp->refusals = 0;
    smpp->refused_us = 0;
    smpp_told_success(b);
    smpp_session_enter(b, SMPP_BOUND);
    smpp_count(b->smpp, SMPP_METRIC_BOUND, 1);

    if (conf->enquire_ms) {
        b->enquire_us = b->bound_us + (int64_t) conf->enquire_ms * 1000;
    }

    smpp_log(b->smpp, SMS_LOG_NOTICE, "bind %s: bound: epoch=%llu window=%u",
             b->name, (unsigned long long) b->epoch, b->window.size);

    for (i = 0; i < smpp->nbinds; i++) {
        if (smpp->binds[i].behind && smpp->binds[i].state == SMPP_WAIT) {
            smpp_session_connect(&smpp->binds[i]);
        }
    }

    smpp_session_settle(b);
}


static void
smpp_session_writable(void *data, sms_handle_t s)
{
    smpp_bind_t  *b;

    b = data;

    if (s == b->stream) {
        b->blocked = 0;

        if (b->probe_due_us && b->probe == 0) {
            smpp_probe_send(b);
        }

        smpp_submit_pump(b->smpp);
    }
}


static void
smpp_session_closed(void *data, sms_handle_t s, sms_rc_t why)
{
    smpp_bind_t  *b;

    b = data;

    if (s != b->stream) {
        return;
    }

    b->stream = 0;
    smpp_told_failure(b, why == SMS_E_DENIED || why == SMS_E_CONFIG
                         ? SMS_LOG_ERROR : SMS_LOG_WARN, 0, "%s: %s",
                      b->state == SMPP_CONNECT ? "connect failed"
                                               : "connection lost",
                      smpp_told_why(b, why));
    smpp_session_close(b, 0);
}
