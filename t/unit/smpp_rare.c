/*
 * What seldom happens on a link: a host that fails, PDUs that come at the wrong
 * time, whole tables from end to end.
 */
#define _GNU_SOURCE
#include "smpp_smsc.h"


static const char *
last_log(smsc_t *s)
{
    return fakehost_log_line(s->fh, fakehost_log_count(s->fh) - 1);
}


static void
bring(smsc_t *s, uint32_t command, uint32_t sequence, const char *text)
{
    smpp_pdu_t  pdu;

    memset(&pdu, 0, sizeof(pdu));
    pdu.command = command;
    pdu.sequence = sequence;

    if (command == (uint32_t) SMPP_CMD_DELIVER_SM) {
        pdu.u.SM.source_addr = (sms_str_t) SMS_STR("905321112233");
        pdu.u.SM.destination_addr = (sms_str_t) SMS_STR("4605");
        pdu.u.SM.short_message = (sms_str_t) { text, strlen(text) };
    }

    smsc_send(s, &pdu);
}


/* every command_status of the standard has a name and a verdict */
static void
test_every_status(void **state)
{
    size_t  i;

    static const struct {
        uint32_t     code;
        const char  *name;
    } table[] = {
#define SMPP_STATUS(name, code, klass, reason)  { code, #name },
#include "../../plugins/operator/smpp/smpp_status.def"
#undef SMPP_STATUS
    };

    (void) state;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_string_equal(smpp_status_name(table[i].code), table[i].name);
        assert_true(smpp_status_judge(table[i].code, NULL, 0).klass
                    == SMPP_CLASS_OK || table[i].code != 0);
    }

    assert_int_equal(smpp_status_judge(0xABCDEF, NULL, 0).klass,
                     SMPP_CLASS_FINAL);
    assert_string_equal(smpp_status_name(0xABCDEF), "vendor");
}


static void
test_every_command(void **state)
{
    (void) state;

#define SMPP_CHECK(name, id, shape)                                           \
    assert_string_equal(smpp_pdu_name(id), #name);

    SMPP_PDUS(SMPP_CHECK)

    assert_string_equal(smpp_pdu_name(0x77), "unknown");
}


/* a PDU that does not fit the buffer is not written at all */
static void
test_encoding_without_room(void **state)
{
    char        buf[64], tlvs[32];
    size_t      cap, whole;
    smpp_pdu_t  pdu;

    (void) state;
    memset(&pdu, 0, sizeof(pdu));
    memset(tlvs, 0, sizeof(tlvs));
    pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM_RESP;
    pdu.u.SM_RESP.message_id = (sms_str_t) SMS_STR("1234");
    pdu.tlvs = (sms_str_t) { tlvs, 8 };
    whole = 16 + 5 + 8;

    for (cap = 0; cap < whole; cap++) {
        assert_int_equal(smpp_pdu_encode(&pdu, buf, cap), 0);
    }

    assert_int_equal(smpp_pdu_encode(&pdu, buf, whole), whole);

    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM;
    assert_int_equal(smpp_pdu_encode(&pdu, buf, sizeof(buf)), 16 + 17);

    for (cap = 0; cap < 16 + 17; cap++) {
        assert_int_equal(smpp_pdu_encode(&pdu, buf, cap), 0);
    }
}


static void
test_pdu_beyond_the_limit(void **state)
{
    char         tlvs[SMPP_PDU_MAX];
    smpp_pdu_t   pdu;
    static char  out[2 * SMPP_PDU_MAX];

    (void) state;
    memset(&pdu, 0, sizeof(pdu));
    memset(tlvs, 0, sizeof(tlvs));
    pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM_RESP;
    pdu.tlvs = (sms_str_t) { tlvs, sizeof(tlvs) };
    assert_int_equal(smpp_pdu_encode(&pdu, out, sizeof(out)), 0);
    pdu.tlvs.len -= 17;
    assert_int_equal(smpp_pdu_encode(&pdu, out, sizeof(out)), SMPP_PDU_MAX);
}


/* numbers and short numbers have types of their own */
static void
test_senders_of_digits(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "short_ton=3", "short_npi=9", "number_ton=2",
                                 "number_npi=8", "validity=1m", NULL });
    l = load(s, 2, 0);
    l->msg[0].from = (sms_str_t) SMS_STR("4605");
    l->msg[1].from = (sms_str_t) SMS_STR("+908501234567");
    submit(s, l);
    fakehost_advance(s->fh, 10);
    assert_int_equal(s->seen[1].ton, 3);
    assert_int_equal(s->seen[1].npi, 9);
    assert_int_equal(s->seen[2].ton, 2);
    assert_int_equal(s->seen[2].npi, 8);
    assert_string_equal(s->seen[2].source, "908501234567");
    assert_string_equal(s->seen[2].period, "000000000100000R");
    assert_int_equal(tally(l).sent, 2);
    unload(s, l);
    stop(s);
}


/* many at once, more than one call of deliver() takes */
static void
test_many_frames(void **state)
{
    char        buf[128 * 100], one[128];
    size_t      n, len;
    smsc_t     *s;
    uint32_t    i;
    smpp_pdu_t  pdu;

    (void) state;
    s = start(NULL);
    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_DELIVER_SM;
    pdu.u.SM.source_addr = (sms_str_t) SMS_STR("905321112233");
    pdu.u.SM.destination_addr = (sms_str_t) SMS_STR("4605");
    pdu.u.SM.short_message = (sms_str_t) SMS_STR("RET");

    for (i = 0, len = 0; i < 100; i++) {
        pdu.sequence = 1000 + i;
        n = smpp_pdu_encode(&pdu, one, sizeof(one));
        memcpy(buf + len, one, n);
        len += n;
    }

    fakehost_peer_send(s->fh, s->stream, buf, len, 0);
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_inbound_count(s->fh), 100);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP), 100);
    stop(s);
}


/* what is still on its way to the database when the worker leaves */
static void
test_leaving_amid_arrivals(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    bring(s, (uint32_t) SMPP_CMD_DELIVER_SM, 1, "RET");
    bring(s, (uint32_t) SMPP_CMD_DELIVER_SM, 2, "RET");
    fakehost_advance(s->fh, 0);
    bring(s, (uint32_t) SMPP_CMD_DELIVER_SM, 3, "RET");
    fakehost_advance(s->fh, 0);
    assert_int_equal(fakehost_inbound_count(s->fh), 3);
    stop(s);
}


static void
test_pdus_at_the_wrong_time(void **state)
{
    smsc_t    *s;
    uint32_t   n;

    (void) state;
    s = start(NULL);
    n = s->n;

    /* neither has an answer */
    bring(s, (uint32_t) SMPP_CMD_ALERT_NOTIFICATION, 11, NULL);
    bring(s, (uint32_t) SMPP_CMD_OUTBIND, 12, NULL);
    bring(s, (uint32_t) SMPP_CMD_UNBIND_RESP, 13, NULL);
    bring(s, (uint32_t) SMPP_CMD_BIND_TRANSCEIVER_RESP, 14, NULL);
    bring(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP, 15, NULL);
    fakehost_advance(s->fh, 10);
    assert_int_equal(s->n, n);

    /* what an SMSC never asks of us */
    bring(s, (uint32_t) SMPP_CMD_SUBMIT_SM, 16, NULL);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_GENERIC_NACK)->status,
                     ESME_RINVCMDID);

    /* a nack with ESME_ROK still says no */
    bring(s, (uint32_t) SMPP_CMD_GENERIC_NACK, 999, NULL);
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_metric(s->fh, "smpp_late_total"), 1);
    stop(s);
}


/* a message before the bind is answered is refused; a nack ends the try */
static void
test_before_the_bind(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "reconnect_min=10ms", "reconnect_max=10ms",
                                 "response_timeout=1s", NULL });
    s->mute = 1;
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 50);
    assert_int_equal(s->connects, 2);
    bring(s, (uint32_t) SMPP_CMD_DELIVER_SM, 21, "RET");
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_RINVBNDSTS);
    bring(s, (uint32_t) SMPP_CMD_GENERIC_NACK, 1, NULL);
    fakehost_advance(s->fh, 0);
    assert_int_equal(s->closes, 1);
    fakehost_advance(s->fh, 50);
    assert_int_equal(s->connects, 3);

    /* no answer at all */
    fakehost_advance(s->fh, 1500);
    assert_true(s->connects >= 4);
    stop(s);
}


static void
test_leases_that_go(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    s->mute = 1;

    /* while the bind is not answered yet */
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 3000);
    fakehost_lease_take(s->fh, "1");
    fakehost_advance(s->fh, 10);
    assert_string_equal(last_log(s), "notice: bind 1: lease lost");
    fakehost_lease_take(s->fh, "1");    /* told twice: nothing more            */
    fakehost_advance(s->fh, 10);
    stop(s);
}


/* a host that gives no stream, or no room on it */
static void
test_host_that_fails(void **state)
{
    char         err[256];
    smsc_t      *s;
    fakehost_t  *fh;

    static const char *const  conf[] = { "host=127.0.0.1", "system_id=demo" };

    (void) state;
    s = start((const char *[]) { "reconnect_min=10ms", "reconnect_max=10ms",
                                 NULL });
    fakehost_fail(s->fh, FAKEHOST_ON_CONNECT, 1, SMS_E_NOMEM);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 100);
    assert_int_equal(fakehost_window(s->fh), 10);       /* tried again         */

    fakehost_fail(s->fh, FAKEHOST_ON_WRITE, 1, SMS_E_BUSY);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 100);
    assert_int_equal(fakehost_window(s->fh), 10);
    stop(s);

    fh = fakehost_new();
    fakehost_grant(fh, FAKEHOST_ALL & ~(uint32_t) FAKEHOST_INBOUND);
    assert_int_equal(fakehost_start(fh, &smpp_ops, conf, 2, err, sizeof(err)),
                     SMS_E_DENIED);
    fakehost_free(fh);
    fh = fakehost_new();
    fakehost_fail(fh, FAKEHOST_ON_LEASE_WANT, 1, SMS_E_BUSY);
    assert_int_equal(fakehost_start(fh, &smpp_ops, conf, 2, err, sizeof(err)),
                     SMS_E_BUSY);
    assert_non_null(strstr(err, "no lease for bind 1"));
    assert_string_equal(fakehost_left_names(fh), "");
    fakehost_free(fh);
}


/* calls beside each other: one is taken back, one is done, in any order */
static void
test_calls_beside_each_other(void **state)
{
    load_t  *a, *b, *c;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=2", NULL });
    s->hold = 1;
    a = load(s, 3, 0);
    b = load(s, 3, 0);
    c = load(s, 1, 0);
    submit(s, a);
    submit(s, b);
    submit(s, c);
    fakehost_advance(s->fh, 10);
    fakehost_cancel(s->fh, b->call);
    fakehost_advance(s->fh, 10);
    s->hold = 0;
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    smsc_answer(s, s->seen[2].sequence, ESME_ROK);
    fakehost_advance(s->fh, 100);
    assert_int_equal(tally(a).sent, 3);
    assert_int_equal(tally(c).sent, 1);
    assert_int_equal(tally(b).none, 3);
    unload(s, a);
    unload(s, b);
    unload(s, c);

    /* no memory for a call */
    a = load(s, 1, 0);
    fakehost_fail(s->fh, FAKEHOST_ON_ALLOC, 1, SMS_E_NOMEM);
    submit(s, a);
    assert_int_equal(fakehost_call_rc(s->fh, a->call), SMS_E_NOMEM);
    unload(s, a);
    stop(s);
}


/* a stream that was full and has room again */
static void
test_stream_with_room_again(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    l = load(s, 1, 0);
    fakehost_fail(s->fh, FAKEHOST_ON_WRITE, 1, SMS_E_BUSY);
    submit(s, l);
    assert_int_equal(tally(l).sent, 0);
    smpp_session_cb.writable(&((smpp_t *) fakehost_instance(s->fh))->binds[0],
                             s->stream);
    fakehost_advance(s->fh, 10);
    assert_int_equal(tally(l).sent, 1);
    unload(s, l);
    stop(s);
}


/* more unanswered events than a session may have: the SMSC keeps the next */
static void
test_too_many_arrivals(void **state)
{
    smsc_t       *s;
    smpp_bind_t  *b;

    (void) state;
    s = start(NULL);
    b = &((smpp_t *) fakehost_instance(s->fh))->binds[0];
    b->arrivals += 4096;
    bring(s, (uint32_t) SMPP_CMD_DELIVER_SM, 31, "RET");
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_RX_T_APPN);
    assert_int_equal(fakehost_inbound_count(s->fh), 0);
    b->arrivals -= 4096;
    stop(s);
}


/* what another worker has learned of this link's ids */
static void
test_learned_elsewhere(void **state)
{
    char         err[256];
    fakehost_t  *fh;

    static const char *const  conf[] = { "host=127.0.0.1", "system_id=demo" };

    (void) state;
    fh = fakehost_new();
    fakehost_dict_set(fh, "receipt_id", "to_decimal");
    assert_int_equal(fakehost_start(fh, &smpp_ops, conf, 2, err, sizeof(err)),
                     SMS_OK);
    assert_int_equal(smpp_id_known(((smpp_t *) fakehost_instance(fh))->book),
                     SMPP_ID_TO_DECIMAL);
    fakehost_stop(fh);
    fakehost_free(fh);
}


static void
test_small_things(void **state)
{
    char            out[8];
    smpp_id_t       in, same;
    smpp_vendor_t   v;
    smpp_verdict_t  verdict;

    (void) state;
    smpp_id_normal(&in, (sms_str_t) SMS_STR("12ab"), 0);
    assert_true(smpp_id_convert(&same, &in, SMPP_ID_SAME));
    assert_string_equal(same.s, "12ab");

    assert_int_equal(smpp_text_unpack((sms_str_t) SMS_STR("\xE8\x32\x9B\xFD\x06"),
                                      0, out, 2), 2);
    assert_int_equal(smpp_text_unpack((sms_str_t) { NULL, 0 }, 0, out, 8), 0);
    assert_int_equal(smpp_vendor_parse((sms_str_t) SMS_STR("0xAbC=int2:0x1f"),
                                       &v), SMS_OK);
    assert_int_equal(v.tag, 0xABC);
    assert_int_equal(smpp_status_parse((sms_str_t) SMS_STR("0xaB=ported"),
                                       &verdict), SMS_OK);
    assert_int_equal(verdict.code, 0xAB);
    assert_int_equal(verdict.reason, SMS_REASON_PORTED);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_every_command),
        cmocka_unit_test(test_encoding_without_room),
        cmocka_unit_test(test_pdu_beyond_the_limit),
        cmocka_unit_test(test_senders_of_digits),
        cmocka_unit_test(test_many_frames),
        cmocka_unit_test(test_leaving_amid_arrivals),
        cmocka_unit_test(test_pdus_at_the_wrong_time),
        cmocka_unit_test(test_before_the_bind),
        cmocka_unit_test(test_leases_that_go),
        cmocka_unit_test(test_host_that_fails),
        cmocka_unit_test(test_calls_beside_each_other),
        cmocka_unit_test(test_stream_with_room_again),
        cmocka_unit_test(test_too_many_arrivals),
        cmocka_unit_test(test_learned_elsewhere),
        cmocka_unit_test(test_small_things),
    };

    return cmocka_run_group_tests_name("smpp_rare", tests, NULL, NULL);
}
