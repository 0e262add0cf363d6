/*
 * smpp_smsc - for unit tests: the whole plugin in the fake host, with a virtual
 * clock, against an SMSC in memory that does exactly what a test says.  To be
 * included once by a test program, after _GNU_SOURCE.
 */
#ifndef SMPP_SMSC_H
#define SMPP_SMSC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/operator/smpp/smpp.c"
#include "../../plugins/operator/smpp/smpp_ask.c"
#include "../../plugins/operator/smpp/smpp_conf.c"
#include "../../plugins/operator/smpp/smpp_data.c"
#include "../../plugins/operator/smpp/smpp_deliver.c"
#include "../../plugins/operator/smpp/smpp_frame.c"
#include "../../plugins/operator/smpp/smpp_id.c"
#include "../../plugins/operator/smpp/smpp_part.c"
#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_probe.c"
#include "../../plugins/operator/smpp/smpp_rate.c"
#include "../../plugins/operator/smpp/smpp_receipt.c"
#include "../../plugins/operator/smpp/smpp_result.c"
#include "../../plugins/operator/smpp/smpp_session.c"
#include "../../plugins/operator/smpp/smpp_split.c"
#include "../../plugins/operator/smpp/smpp_status.c"
#include "../../plugins/operator/smpp/smpp_submit.c"
#include "../../plugins/operator/smpp/smpp_text.c"
#include "../../plugins/operator/smpp/smpp_told.c"
#include "../../plugins/operator/smpp/smpp_vendor.c"
#include "../../plugins/operator/smpp/smpp_window.c"

#include "../../plugins/sdk/fakehost/fakehost.c"
#include "../../plugins/sdk/fakehost/fakehost_batch.c"
#include "../../plugins/sdk/fakehost/fakehost_call.c"
#include "../../plugins/sdk/fakehost/fakehost_conf.c"
#include "../../plugins/sdk/fakehost/fakehost_db.c"
#include "../../plugins/sdk/fakehost/fakehost_dict.c"
#include "../../plugins/sdk/fakehost/fakehost_event.c"
#include "../../plugins/sdk/fakehost/fakehost_http.c"
#include "../../plugins/sdk/fakehost/fakehost_inbound.c"
#include "../../plugins/sdk/fakehost/fakehost_lease.c"
#include "../../plugins/sdk/fakehost/fakehost_memory.c"
#include "../../plugins/sdk/fakehost/fakehost_metric.c"
#include "../../plugins/sdk/fakehost/fakehost_outbox.c"
#include "../../plugins/sdk/fakehost/fakehost_socket.c"
#include "../../plugins/sdk/fakehost/fakehost_stream.c"


#define SEEN_MAX   4096
#define PARTS_MAX  256

typedef struct {
    uint32_t  command, status, sequence;
    uint8_t   esm_class, data_coding, ton, npi;
    char      source[32], dest[32], period[20], text[256], id[72];
    uint8_t   replace;
    uint32_t  ttl;
    size_t    ntext;
    int64_t   at_us;
} seen_t;

typedef struct {
    fakehost_t    *fh;
    sms_handle_t   stream;              /* the newest connection               */
    uint32_t       connects, closes, n, submits;
    uint32_t       hold;                /* submits are not answered            */
    uint32_t       mute;                /* nothing is answered                 */
    uint32_t       bind_status, status, throttle;
    uint32_t       paired;              /* connections live side by side       */
    sms_handle_t   tx, rx;              /* of the last transmitter, receiver   */
    uint32_t       state, error;        /* of query_sm_resp                    */
    uint32_t       query_status;        /* 0: that of the state, 0x0C without  */
    uint32_t       cancel_status;
    uint32_t       id, answer;
    seen_t         seen[SEEN_MAX];
} smsc_t;

typedef struct {
    sms_brand_t        brand;
    sms_msg_t          msg[PARTS_MAX];
    sms_part_t         part[PARTS_MAX];
    fakehost_batch_t  *batch;
    sms_call_t         call;
} load_t;

typedef struct { uint32_t sent, rejected, retry, throttled, unknown, none; } tally_t;


static void
smsc_send(smsc_t *s, const smpp_pdu_t *pdu)
{
    char    buf[1024];
    size_t  n;

    n = smpp_pdu_encode(pdu, buf, sizeof(buf));
    assert_true(n > 0);
    fakehost_peer_send(s->fh, s->stream, buf, n, 0);
}


static void
smsc_simple(smsc_t *s, uint32_t command, uint32_t status, uint32_t sequence)
{
    smpp_pdu_t  pdu;

    memset(&pdu, 0, sizeof(pdu));
    pdu.command = command;
    pdu.status = status;
    pdu.sequence = sequence;
    smsc_send(s, &pdu);
}


static void
smsc_answer(smsc_t *s, uint32_t sequence, uint32_t status)
{
    char        id[16];
    smpp_pdu_t  pdu;

    memset(&pdu, 0, sizeof(pdu));
    pdu.command = s->answer ? s->answer : (uint32_t) SMPP_CMD_SUBMIT_SM_RESP;
    pdu.status = status;
    pdu.sequence = sequence;
    pdu.u.SM_RESP.message_id.len = (size_t) snprintf(id, sizeof(id), "%u",
                                                     1000 + ++s->id);
    pdu.u.SM_RESP.message_id.ptr = id;
    smsc_send(s, &pdu);
}


static void
smsc_copy(char *to, size_t cap, sms_str_t s)
{
    assert_true(s.len < cap);

    if (s.len) {
        memcpy(to, s.ptr, s.len);
    }

    to[s.len] = 0;
}


static void
smsc_seen_data(smsc_t *s, seen_t *seen, const smpp_pdu_t *pdu)
{
    sms_str_t       v;
    const uint8_t  *p;

    s->submits++;
    seen->esm_class = pdu->u.DATA_SM.esm_class;
    seen->data_coding = pdu->u.DATA_SM.data_coding;
    seen->ton = pdu->u.DATA_SM.source_addr_ton;
    smsc_copy(seen->source, sizeof(seen->source), pdu->u.DATA_SM.source_addr);
    smsc_copy(seen->dest, sizeof(seen->dest), pdu->u.DATA_SM.destination_addr);
    assert_true(smpp_tlv_find(pdu->tlvs, SMPP_TLV_MESSAGE_PAYLOAD, &v));
    memcpy(seen->text, v.ptr, v.len);
    seen->ntext = v.len;

    if (smpp_tlv_find(pdu->tlvs, SMPP_TLV_QOS_TIME_TO_LIVE, &v)) {
        p = (const uint8_t *) v.ptr;
        seen->ttl = (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
                    | (uint32_t) p[2] << 8 | p[3];
    }
}


static void
smsc_asked(smsc_t *s, const smpp_pdu_t *pdu)
{
    smpp_pdu_t  answer;

    memset(&answer, 0, sizeof(answer));
    answer.command = (uint32_t) SMPP_CMD_QUERY_SM_RESP;
    answer.sequence = pdu->sequence;
    answer.status = s->query_status ? s->query_status
                    : s->state ? ESME_ROK : ESME_RINVMSGID;
    answer.u.QUERY_RESP.message_id = pdu->u.QUERY.message_id;
    answer.u.QUERY_RESP.final_date = (sms_str_t) SMS_STR("260101120000012+");
    answer.u.QUERY_RESP.message_state = (uint8_t) s->state;
    answer.u.QUERY_RESP.error_code = (uint8_t) s->error;
    smsc_send(s, &answer);
}


static void
smsc_pdu(smsc_t *s, const smpp_pdu_t *pdu)
{
    seen_t  *seen;

    assert_true(s->n < SEEN_MAX);
    seen = &s->seen[s->n++];
    memset(seen, 0, sizeof(*seen));
    seen->command = pdu->command;
    seen->status = pdu->status;
    seen->sequence = pdu->sequence;
    seen->at_us = fakehost_now(s->fh);

    if (pdu->command == (uint32_t) SMPP_CMD_SUBMIT_SM) {
        s->submits++;
        seen->esm_class = pdu->u.SM.esm_class;
        seen->data_coding = pdu->u.SM.data_coding;
        seen->ton = pdu->u.SM.source_addr_ton;
        seen->npi = pdu->u.SM.source_addr_npi;
        smsc_copy(seen->source, sizeof(seen->source), pdu->u.SM.source_addr);
        smsc_copy(seen->dest, sizeof(seen->dest), pdu->u.SM.destination_addr);
        smsc_copy(seen->period, sizeof(seen->period),
                  pdu->u.SM.validity_period);
        memcpy(seen->text, pdu->u.SM.short_message.ptr,
               pdu->u.SM.short_message.len);
        seen->ntext = pdu->u.SM.short_message.len;
    }

    if (pdu->command == (uint32_t) SMPP_CMD_SUBMIT_SM) {
        seen->replace = pdu->u.SM.replace_if_present_flag;
    }

    if (pdu->command == (uint32_t) SMPP_CMD_DATA_SM) {
        smsc_seen_data(s, seen, pdu);
    }

    if (pdu->command == (uint32_t) SMPP_CMD_QUERY_SM) {
        smsc_copy(seen->id, sizeof(seen->id), pdu->u.QUERY.message_id);
        smsc_copy(seen->source, sizeof(seen->source), pdu->u.QUERY.source_addr);
    }

    if (pdu->command == (uint32_t) SMPP_CMD_CANCEL_SM) {
        smsc_copy(seen->id, sizeof(seen->id), pdu->u.CANCEL.message_id);
        smsc_copy(seen->source, sizeof(seen->source), pdu->u.CANCEL.source_addr);
        smsc_copy(seen->dest, sizeof(seen->dest), pdu->u.CANCEL.destination_addr);
    }

    if (s->mute) {
        return;
    }

    switch (pdu->command) {

    case (uint32_t) SMPP_CMD_BIND_TRANSCEIVER:
        smsc_simple(s, (uint32_t) SMPP_CMD_BIND_TRANSCEIVER_RESP,
                    s->bind_status, pdu->sequence);
        break;

    case (uint32_t) SMPP_CMD_BIND_TRANSMITTER:
        s->tx = s->stream;
        smsc_simple(s, (uint32_t) SMPP_CMD_BIND_TRANSMITTER_RESP,
                    s->bind_status, pdu->sequence);
        break;

    case (uint32_t) SMPP_CMD_BIND_RECEIVER:
        s->rx = s->stream;
        smsc_simple(s, (uint32_t) SMPP_CMD_BIND_RECEIVER_RESP,
                    s->bind_status, pdu->sequence);
        break;

    case (uint32_t) SMPP_CMD_QUERY_SM:
        smsc_asked(s, pdu);
        break;

    case (uint32_t) SMPP_CMD_CANCEL_SM:
        smsc_simple(s, (uint32_t) SMPP_CMD_CANCEL_SM_RESP, s->cancel_status,
                    pdu->sequence);
        break;

    case (uint32_t) SMPP_CMD_SUBMIT_SM:
    case (uint32_t) SMPP_CMD_DATA_SM:
        s->answer = pdu->command | SMPP_ANSWER;

        if (s->throttle) {
            s->throttle--;
            smsc_answer(s, pdu->sequence, ESME_RTHROTTLED);

        } else if (!s->hold) {
            smsc_answer(s, pdu->sequence, s->status);
        }

        break;

    case (uint32_t) SMPP_CMD_ENQUIRE_LINK:
        smsc_simple(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP, 0,
                    pdu->sequence);
        break;

    case (uint32_t) SMPP_CMD_UNBIND:
        smsc_simple(s, (uint32_t) SMPP_CMD_UNBIND_RESP, 0, pdu->sequence);
        break;

    default:
        break;
    }
}


static size_t
smsc_data(void *d, fakehost_t *fh, sms_handle_t h, const char *p, size_t n)
{
    size_t        used;
    smsc_t       *s;
    int32_t       len;
    smpp_pdu_t    pdu;
    sms_handle_t  newest;

    (void) fh;
    s = d;

    for (used = 0; used < n; used += (size_t) len) {
        len = smpp_pdu_length(p + used, n - used);

        if (len == 0 || (size_t) len > n - used) {
            break;
        }

        assert_true(len > 0);
        assert_int_equal(smpp_pdu_decode(&pdu, p + used, (size_t) len), 0);

        /* an old connection's octets are not the new one's */
        newest = s->stream;

        if (h == newest || s->paired) {
            s->stream = h;
            smsc_pdu(s, &pdu);
            s->stream = newest;
        }
    }

    return used;
}


static sms_rc_t
smsc_accept(void *d, fakehost_t *fh, sms_handle_t h, sms_str_t peer,
    uint32_t port, const sms_tls_t *tls)
{
    smsc_t  *s;

    (void) fh;
    (void) peer;
    (void) tls;
    s = d;
    assert_int_equal(port, 2775);
    s->stream = h;
    s->connects++;

    return SMS_OK;
}


static void
smsc_closed(void *d, fakehost_t *fh, sms_handle_t h)
{
    (void) fh;
    (void) h;
    ((smsc_t *) d)->closes++;
}


static const fakehost_peer_t  smsc_peer = {
    smsc_accept, smsc_data, smsc_closed, 0
};


static uint32_t
smsc_count(const smsc_t *s, uint32_t command)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < s->n; i++) {
        n += s->seen[i].command == command;
    }

    return n;
}


static const seen_t *
smsc_last(const smsc_t *s, uint32_t command)
{
    uint32_t  i;

    for (i = s->n; i > 0; i--) {
        if (s->seen[i - 1].command == command) {
            return &s->seen[i - 1];
        }
    }

    fail();
    return NULL;
}


/* what start() starts; a test may put another in its place */
static const sms_ops_t  *smsc_ops = &smpp_ops;
/* what the next one's "paired" shall be from the beginning */
static uint32_t          smsc_paired;


/* starts the plugin with "extra" keys (NULL ends them) */
static smsc_t *
start(const char *const *extra)
{
    char         err[256];
    size_t       n;
    smsc_t      *s;
    const char  *conf[32];

    s = calloc(1, sizeof(smsc_t));
    assert_non_null(s);
    s->paired = smsc_paired;
    s->fh = fakehost_new();
    fakehost_peer(s->fh, &smsc_peer, s);

    n = 0;
    conf[n++] = "host=127.0.0.1";
    conf[n++] = "system_id=demo";
    conf[n++] = "password=demo";

    while (extra && *extra) {
        conf[n++] = *extra++;
    }

    if (fakehost_start(s->fh, smsc_ops, conf, n, err, sizeof(err)) != SMS_OK) {
        fail_msg("%s", err);
    }

    fakehost_advance(s->fh, 100);

    return s;
}


static void
stop(smsc_t *s)
{
    fakehost_stop(s->fh);

    if (fakehost_violations(s->fh)) {
        fail_msg("%s", fakehost_violation(s->fh, 0));
    }

    assert_string_equal(fakehost_left_names(s->fh), "");
    fakehost_free(s->fh);
    free(s);
}


static load_t *
load(smsc_t *s, uint32_t n, int64_t deadline_ms)
{
    load_t    *l;
    uint32_t   i;

    l = calloc(1, sizeof(load_t));
    assert_non_null(l);
    l->brand.size = sizeof(sms_brand_t);
    l->brand.iys_code = 123456;
    l->brand.vkn = (sms_str_t) SMS_STR("1234567890");

    for (i = 0; i < n; i++) {
        l->msg[i].to = (sms_str_t) SMS_STR("905321112233");
        l->msg[i].from = (sms_str_t) SMS_STR("ORNEK");
        l->msg[i].text = (sms_str_t) SMS_STR("Merhaba");
        l->msg[i].klass = SMS_CLASS_INFORMATIONAL;
        l->msg[i].brand = &l->brand;
        l->msg[i].expires_us = fakehost_now(s->fh) + INT64_C(3600000000);
        l->part[i].msg = &l->msg[i];
        l->part[i].number = 1;
        l->part[i].total = 1;
        l->part[i].encoding = SMS_ENC_GSM7;
        l->part[i].payload = (sms_str_t) SMS_STR("Merhaba");
    }

    l->batch = fakehost_batch_of(FAKEHOST_OPERATOR_SUBMIT, l->part,
                                 sizeof(sms_part_t), n);
    l->batch->batch.deadline_us = deadline_ms
                                  ? fakehost_now(s->fh) + deadline_ms * 1000
                                  : 0;
    return l;
}


static void
submit(smsc_t *s, load_t *l)
{
    l->call = fakehost_call(s->fh, FAKEHOST_OPERATOR_SUBMIT, &l->batch->batch);
    assert_true(l->call != 0);
}


static const sms_submit_t *
result(const load_t *l, uint32_t i)
{
    return SMS_AT(const sms_submit_t, l->batch->batch.results,
                  l->batch->batch.result_stride, i);
}


static tally_t
tally(const load_t *l)
{
    tally_t   t;
    uint32_t  i;

    memset(&t, 0, sizeof(t));

    for (i = 0; i < l->batch->batch.n; i++) {
        switch (result(l, i)->outcome) {

        case SMS_SUBMIT_SENT:
            t.sent++;
            break;

        case SMS_SUBMIT_REJECTED:
            t.rejected++;
            break;

        case SMS_SUBMIT_RETRY:
            t.retry++;
            break;

        case SMS_SUBMIT_THROTTLED:
            t.throttled++;
            break;

        case SMS_SUBMIT_UNKNOWN:
            t.unknown++;
            break;

        default:
            t.none++;
        }
    }

    return t;
}


static void
unload(smsc_t *s, load_t *l)
{
    fakehost_call_end(s->fh, l->call);
    assert_true(fakehost_batch_intact(l->batch));
    fakehost_batch_free(l->batch);
    free(l);
}

#endif /* SMPP_SMSC_H */
