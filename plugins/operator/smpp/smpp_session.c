#include <stdio.h>
#include <string.h>

#include "smpp.h"


#define SMPP_LASTED_US     10000000     /* a session this old was a good one  */
#define SMPP_UNBIND_US     5000000
#define SMPP_RECHECK_US    1000000

static void smpp_session_opened(void *data, sms_handle_t s);
static size_t smpp_session_data(void *data, sms_handle_t s, const char *p,
    size_t n);
static void smpp_session_writable(void *data, sms_handle_t s);
static void smpp_session_closed(void *data, sms_handle_t s, sms_rc_t why);

static const sms_stream_cb_t  smpp_session_cb = {
    sizeof(sms_stream_cb_t),
    smpp_session_opened,
    smpp_session_data,
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
           && b->smpp->conf.mode != SMPP_BIND_RECEIVER
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


static void
smpp_session_connect(smpp_bind_t *b)
{
    sms_tls_t     tls;
    sms_host_t   *h;
    smpp_conf_t  *conf;

    h = b->smpp->host;
    conf = &b->smpp->conf;

    memset(&tls, 0, sizeof(sms_tls_t));
    tls.size = sizeof(sms_tls_t);
    tls.server_name = conf->tls_name;
    tls.ca_file = conf->ca;
    tls.cert_file = conf->cert;
    tls.key_file = conf->key;

    b->state = SMPP_CONNECT;
    b->state_due_us = 0;
    smpp_count(b->smpp, SMPP_METRIC_CONNECTS, 1);

    b->stream = h->stream->connect(h, conf->host, conf->port,
                                   conf->tls ? &tls : NULL, conf->connect_ms,
                                   &smpp_session_cb, b);
    if (b->stream == 0) {
        smpp_log(b->smpp, SMS_LOG_ERROR, "bind %s: connect failed: the host "
                 "gave no stream", b->name);
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
    b->state = SMPP_IDLE;
    b->state_due_us = 0;

    smpp_submit_lost(b);

    if (b->held && !b->smpp->draining) {
        if (wait_ms == 0) {
            wait_ms = smpp_session_backoff(b);
        }

        b->failures++;
        b->state = SMPP_WAIT;
        b->state_due_us = now + (int64_t) wait_ms * 1000;

    } else if (b->smpp->draining && b->wanted) {
        b->held = 0;
        b->wanted = 0;
        h->core->lease_drop(h, smpp_session_name(b));
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

    b->state = SMPP_UNBIND_SENT;
    b->state_due_us = smpp_now(b->smpp) + SMPP_UNBIND_US;
    smpp_session_arm(b);
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

    smpp_log(b->smpp, SMS_LOG_NOTICE, "bind %s: lease lost", b->name);

    if (b->state == SMPP_BOUND) {
        /* another worker may bind any moment; answers may still come until
         * the SMSC has answered the unbind                                   */
        smpp_session_unbind(b);
        smpp_submit_pump(b->smpp);

    } else if (b->state != SMPP_IDLE && b->state != SMPP_UNBIND_SENT) {
        smpp_session_close(b, 0);
    }
}


void
smpp_session_drain(smpp_bind_t *b)
{
    if (b->state == SMPP_BOUND) {
        smpp_session_settle(b);
        smpp_session_arm(b);

    } else if (b->state != SMPP_UNBIND_SENT) {
        smpp_session_close(b, 0);
    }
}


void
smpp_session_settle(smpp_bind_t *b)
{
    if (b->smpp->draining && b->state == SMPP_BOUND && b->window.used == 0
        && b->arrivals == 0 && b->smpp->nqueue == 0)
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
            smpp_log(b->smpp, SMS_LOG_ERROR,
                     "bind %s: bind failed: no answer", b->name);
            smpp_session_close(b, 0);
            return;
        }

        break;

    case SMPP_BOUND:
        smpp_submit_expire(b, now);

        if (b->state != SMPP_BOUND) {
            return;
        }

        if (b->probe_due_us && now >= b->probe_due_us) {
            smpp_log(b->smpp, SMS_LOG_ERROR,
                     "bind %s: session lost: enquire_link not answered",
                     b->name);
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

        smpp_session_settle(b);
        break;

    case SMPP_UNBIND_SENT:
        smpp_submit_expire(b, now);

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

    if (b->state == SMPP_BOUND || b->state == SMPP_UNBIND_SENT) {
        due = smpp_session_earlier(due, smpp_window_due(&b->window));
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
    pdu.command = commands[conf->mode];
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

    b->state = SMPP_BIND_SENT;
    b->state_due_us = smpp_now(b->smpp) + (int64_t) conf->response_ms * 1000;
    smpp_session_arm(b);
}


static void
smpp_session_bound(smpp_bind_t *b, const smpp_pdu_t *pdu)
{
    uint32_t      wait_ms;
    smpp_conf_t  *conf;

    conf = &b->smpp->conf;

    if (pdu->status != ESME_ROK) {
        wait_ms = pdu->status == ESME_RINVPASWD || pdu->status == ESME_RINVSYSID
                  || pdu->status == ESME_RINVSYSTYP
                  ? conf->reconnect_max_ms : 0;
        smpp_log(b->smpp, SMS_LOG_ERROR, "bind %s: bind refused: %s status=0x%x",
                 b->name, smpp_status_name(pdu->status), pdu->status);
        smpp_session_close(b, wait_ms);
        return;
    }

    b->state = SMPP_BOUND;
    b->state_due_us = 0;
    b->bound_us = smpp_now(b->smpp);
    b->bound_metric = 1;
    smpp_count(b->smpp, SMPP_METRIC_BOUND, 1);

    if (conf->enquire_ms) {
        b->enquire_us = b->bound_us + (int64_t) conf->enquire_ms * 1000;
    }

    smpp_log(b->smpp, SMS_LOG_NOTICE, "bind %s: bound: epoch=%llu window=%u",
             b->name, (unsigned long long) b->epoch, b->window.size);

    smpp_session_settle(b);
}


static void
smpp_session_malformed(smpp_bind_t *b, const smpp_pdu_t *pdu, uint32_t status)
{
    smpp_count(b->smpp, SMPP_METRIC_MALFORMED, 1);
    smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: malformed PDU: command=0x%x %s",
             b->name, pdu->command, smpp_status_name(status));

    if (pdu->command == (uint32_t) SMPP_CMD_SUBMIT_SM_RESP) {
        /* an answer all the same; its id, if any, is lost */
        smpp_submit_answer(b, pdu);

    } else if (pdu->command == (uint32_t) SMPP_CMD_DELIVER_SM
               || pdu->command == (uint32_t) SMPP_CMD_DATA_SM)
    {
        smpp_session_simple(b, pdu->command | SMPP_ANSWER, status,
                            pdu->sequence);

    } else if (!(pdu->command & SMPP_ANSWER)) {
        smpp_session_simple(b, (uint32_t) SMPP_CMD_GENERIC_NACK, status,
                            pdu->sequence);
    }
}


static void
smpp_session_pdu(smpp_bind_t *b, const char *p, size_t n)
{
    uint32_t    status;
    smpp_pdu_t  pdu;

    status = smpp_pdu_decode(&pdu, p, n);

    if (status != ESME_ROK) {
        smpp_session_malformed(b, &pdu, status);
        return;
    }

    switch (pdu.command) {

    case (uint32_t) SMPP_CMD_BIND_TRANSCEIVER_RESP:
    case (uint32_t) SMPP_CMD_BIND_TRANSMITTER_RESP:
    case (uint32_t) SMPP_CMD_BIND_RECEIVER_RESP:
        if (b->state == SMPP_BIND_SENT) {
            smpp_session_bound(b, &pdu);
        }

        break;

    case (uint32_t) SMPP_CMD_GENERIC_NACK:
        if (b->state == SMPP_BIND_SENT) {
            if (pdu.status == ESME_ROK) {
                pdu.status = ESME_RINVCMDID;
            }

            smpp_session_bound(b, &pdu);
            break;
        }

        if (b->probe_due_us && pdu.sequence == b->probe) {
            /* it knows no enquire_link, but it is there */
            b->probe_due_us = 0;
            b->suspect = 0;
            break;
        }

        /* an SMSC that could not even read a submit has not taken it */
        if (pdu.status == ESME_ROK) {
            pdu.status = ESME_RUNKNOWNERR;
        }

        smpp_submit_answer(b, &pdu);
        break;

    case (uint32_t) SMPP_CMD_SUBMIT_SM_RESP:
        smpp_submit_answer(b, &pdu);
        break;

    case (uint32_t) SMPP_CMD_DELIVER_SM:
    case (uint32_t) SMPP_CMD_DATA_SM:
        if (b->state == SMPP_BOUND || b->state == SMPP_UNBIND_SENT) {
            smpp_deliver_add(b, p, n);

        } else {
            smpp_session_simple(b, pdu.command | SMPP_ANSWER,
                                ESME_RINVBNDSTS, pdu.sequence);
        }

        break;

    case (uint32_t) SMPP_CMD_ENQUIRE_LINK:
        smpp_session_simple(b, (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP, ESME_ROK,
                            pdu.sequence);
        break;

    case (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP:
        b->probe_due_us = 0;
        b->suspect = 0;
        break;

    case (uint32_t) SMPP_CMD_UNBIND:
        smpp_log(b->smpp, SMS_LOG_NOTICE, "bind %s: the SMSC unbinds", b->name);
        smpp_deliver_flush(b);
        smpp_session_simple(b, (uint32_t) SMPP_CMD_UNBIND_RESP, ESME_ROK,
                            pdu.sequence);
        smpp_session_close(b, 0);
        break;

    case (uint32_t) SMPP_CMD_UNBIND_RESP:
        if (b->state == SMPP_UNBIND_SENT) {
            smpp_deliver_flush(b);
            smpp_session_close(b, 0);
        }

        break;

    case (uint32_t) SMPP_CMD_OUTBIND:
    case (uint32_t) SMPP_CMD_ALERT_NOTIFICATION:
        /* neither has an answer, and neither changes what we do */
        break;

    default:
        if (!(pdu.command & SMPP_ANSWER)) {
            smpp_session_simple(b, (uint32_t) SMPP_CMD_GENERIC_NACK,
                                ESME_RINVCMDID, pdu.sequence);
        }
    }
}


static size_t
smpp_session_data(void *data, sms_handle_t s, const char *p, size_t n)
{
    size_t        used;
    int32_t       len;
    smpp_bind_t  *b;

    b = data;
    used = 0;

    if (s != b->stream) {
        return n;
    }

    if (b->enquire_us) {
        b->enquire_us = smpp_now(b->smpp)
                        + (int64_t) b->smpp->conf.enquire_ms * 1000;
    }

    while (used < n) {
        len = smpp_pdu_length(p + used, n - used);

        if (len < 0) {
            smpp_count(b->smpp, SMPP_METRIC_MALFORMED, 1);
            smpp_log(b->smpp, SMS_LOG_ERROR,
                     "bind %s: session lost: command_length is no length",
                     b->name);
            smpp_deliver_flush(b);
            smpp_session_simple(b, (uint32_t) SMPP_CMD_GENERIC_NACK,
                                ESME_RINVCMDLEN, 0);
            smpp_session_close(b, 0);
            return n;
        }

        if (len == 0 || (size_t) len > n - used) {
            break;
        }

        smpp_session_pdu(b, p + used, (size_t) len);

        if (s != b->stream) {
            return n;
        }

        used += (size_t) len;
    }

    smpp_deliver_flush(b);
    smpp_submit_pump(b->smpp);
    smpp_session_settle(b);

    if (s == b->stream) {
        smpp_session_arm(b);
    }

    return used;
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
    smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: %s: rc=%d", b->name,
             b->state == SMPP_CONNECT ? "connect failed" : "connection lost",
             (int) why);
    smpp_session_close(b, 0);
}
