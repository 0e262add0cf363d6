/*
 * Sessions: bind, probes, leases, drain, frames, and what the SMSC brings.
 */
#define _GNU_SOURCE
#include "smpp_smsc.h"


static void
test_reconnect_backs_off(void **state)
{
    smsc_t    *s;
    uint32_t   first;

    (void) state;
    s = start((const char *[]) { "reconnect_min=1s", "reconnect_max=8s",
                                 NULL });
    s->bind_status = ESME_RBINDFAIL;
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 10);
    first = s->connects;

    /* pauses of 0.5-1, 1-2, 2-4, 4-8, 4-8 ... s */
    fakehost_advance(s->fh, 1010);
    assert_int_equal(s->connects, first + 1);
    fakehost_advance(s->fh, 60000);
    assert_in_range(s->connects, first + 8, first + 18);
    stop(s);
}


static void
test_bad_password_waits_longest(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "reconnect_min=100ms", "reconnect_max=60s",
                                 NULL });
    s->bind_status = ESME_RINVPASWD;
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 1000);
    assert_int_equal(s->connects, 2);
    fakehost_advance(s->fh, 58000);
    assert_int_equal(s->connects, 2);
    fakehost_advance(s->fh, 3000);
    assert_int_equal(s->connects, 3);
    stop(s);
}


static void
test_enquire_link(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "enquire_link=10s", "response_timeout=5s",
                                 NULL });
    fakehost_advance(s->fh, 35000);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK), 3);
    assert_int_equal(s->connects, 1);

    /* theirs is answered with its own number */
    smsc_simple(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK, 0, 77);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP)
                     ->sequence, 77);

    s->mute = 1;
    fakehost_advance(s->fh, 14000);
    assert_int_equal(s->connects, 1);
    fakehost_advance(s->fh, 3000);
    assert_int_equal(s->closes, 1);
    assert_int_equal(s->connects, 2);
    stop(s);
}


static void
test_lease_lost(void **state)
{
    load_t   *l;
    smsc_t   *s;
    tally_t   t;

    (void) state;
    s = start((const char *[]) { "window=4", NULL });
    s->hold = 1;
    l = load(s, 10, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    assert_int_equal(s->submits, 4);
    fakehost_lease_take(s->fh, "1");
    fakehost_advance(s->fh, 1000);
    t = tally(l);
    assert_int_equal(t.unknown, 4);
    assert_int_equal(t.retry, 6);
    assert_int_equal(s->submits, 4);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND), 1);
    assert_int_equal(s->closes, 1);

    /* without the lease it stays away, with it it comes back */
    fakehost_advance(s->fh, 120000);
    assert_int_equal(s->connects, 1);
    fakehost_lease_give(s->fh, "1");
    fakehost_advance(s->fh, 100);
    assert_int_equal(s->connects, 2);
    assert_int_equal(fakehost_window(s->fh), 4);
    unload(s, l);
    stop(s);
}


static void
test_two_binds(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "binds=3", "window=5", NULL });
    assert_int_equal(fakehost_lease_count(s->fh), 3);
    assert_string_equal(fakehost_lease_name(s->fh, 2), "3");
    assert_int_equal(s->connects, 3);
    stop(s);
}


static void
deliver(smsc_t *s, uint32_t sequence, uint8_t esm_class, const char *text)
{
    smpp_pdu_t  pdu;

    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_DELIVER_SM;
    pdu.sequence = sequence;
    pdu.u.SM.esm_class = esm_class;
    pdu.u.SM.source_addr = (sms_str_t) SMS_STR("+905321112233");
    pdu.u.SM.destination_addr = (sms_str_t) SMS_STR("4605");
    pdu.u.SM.short_message.ptr = text;
    pdu.u.SM.short_message.len = strlen(text);
    smsc_send(s, &pdu);
}


#define RECEIPT  "id:0001001 sub:001 dlvrd:001 submit date:2601011200 "       \
                 "done date:2601011159 stat:DELIVRD err:000 text:"

static void
test_receipt_is_answered_when_stored(void **state)
{
    smsc_t               *s;
    const sms_inbound_t  *ev;

    (void) state;
    s = start(NULL);
    deliver(s, 501, SMPP_ESM_RECEIPT, RECEIPT);
    fakehost_advance(s->fh, 0);
    assert_int_equal(fakehost_inbound_count(s->fh), 1);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP), 0);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)
                     ->sequence, 501);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_ROK);
    ev = fakehost_inbound(s->fh, 0);
    assert_int_equal(ev->type, SMS_INBOUND_RECEIPT);
    assert_int_equal(ev->state, SMS_RECEIPT_DELIVERED);
    assert_int_equal(ev->operator_id.len, 4);
    assert_memory_equal(ev->operator_id.ptr, "1001", 4);
    assert_int_equal(ev->from.len, 12);
    assert_memory_equal(ev->from.ptr, "905321112233", 12);
    assert_int_equal(ev->at_us, FAKEHOST_EPOCH_US - 60000000);

    /* not stored: it has to come again */
    fakehost_fail(s->fh, FAKEHOST_ON_STORED, 1, SMS_E_DOWN);
    deliver(s, 502, SMPP_ESM_RECEIPT, RECEIPT);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_RX_T_APPN);
    fakehost_fail(s->fh, FAKEHOST_ON_DELIVER, 1, SMS_E_BUSY);
    deliver(s, 503, SMPP_ESM_RECEIPT, RECEIPT);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)
                     ->sequence, 503);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_RX_T_APPN);

    /* unreadable: refused for good, and nothing goes up */
    deliver(s, 504, SMPP_ESM_RECEIPT, "what is this");
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_RX_R_APPN);
    assert_int_equal(fakehost_inbound_count(s->fh), 2);
    stop(s);
}


/* The answer belongs to the connection that brought the event. */
static void
test_receipt_of_a_lost_connection(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "reconnect_min=10ms", "reconnect_max=10ms",
                                 NULL });
    deliver(s, 501, SMPP_ESM_RECEIPT, RECEIPT);
    fakehost_advance(s->fh, 0);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 100);
    assert_int_equal(s->connects, 2);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP), 0);
    stop(s);
}


static void
test_message_from_a_person(void **state)
{
    smsc_t               *s;
    const sms_inbound_t  *ev;

    (void) state;
    s = start(NULL);

    /* looks like a receipt and is none */
    deliver(s, 601, 0, "id:1001 stat:DELIVRD");
    deliver(s, 602, SMPP_ESM_UDHI, "\x05\x02\x03\x41\x02\x01" "RET");
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_inbound_count(s->fh), 2);
    ev = fakehost_inbound(s->fh, 0);
    assert_int_equal(ev->type, SMS_INBOUND_MESSAGE);
    assert_int_equal(ev->octets.len, 20);
    assert_memory_equal(ev->to.ptr, "4605", 4);
    ev = fakehost_inbound(s->fh, 1);
    assert_int_equal(ev->udh.len, 6);
    assert_int_equal(ev->octets.len, 3);
    assert_memory_equal(ev->octets.ptr, "RET", 3);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP), 2);
    stop(s);
}


static void
test_octet_by_octet(void **state)
{
    char                  buf[512];
    size_t                n;
    smsc_t               *s;
    smpp_pdu_t            pdu;

    (void) state;
    s = start(NULL);
    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_DELIVER_SM;
    pdu.sequence = 9;
    pdu.u.SM.esm_class = SMPP_ESM_RECEIPT;
    pdu.u.SM.source_addr = (sms_str_t) SMS_STR("905321112233");
    pdu.u.SM.destination_addr = (sms_str_t) SMS_STR("ORNEK");
    pdu.u.SM.short_message = (sms_str_t) SMS_STR(RECEIPT);
    n = smpp_pdu_encode(&pdu, buf, sizeof(buf));
    fakehost_peer_send(s->fh, s->stream, buf, n, 1);
    fakehost_advance(s->fh, 1000);
    assert_int_equal(fakehost_inbound_count(s->fh), 1);
    assert_int_equal(s->connects, 1);
    stop(s);
}


static void
test_wrong_lengths(void **state)
{
    size_t   i;
    smsc_t  *s;

    static const char *const  lengths[] = {
        "\0\0\0\5\0\0\0\x15\0\0\0\0\0\0\0\1", "\0\0\0\0\0\0\0\x15\0\0\0\0\0\0\0\1",
        "\x7f\xff\xff\xff\0\0\0\x15\0\0\0\0\0\0\0\1",
        "HTTP/1.1 400 Bad"
    };

    (void) state;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        s = start(NULL);
        fakehost_peer_send(s->fh, s->stream, lengths[i], 16, 0);
        fakehost_advance(s->fh, 10);
        assert_int_equal(s->closes, 1);
        assert_int_equal(fakehost_window(s->fh), 0);
        fakehost_advance(s->fh, 2000);
        assert_int_equal(s->connects, 2);
        stop(s);
    }

    /* a frame of the right length with a wrong inside costs one PDU, not the
     * session                                                                 */
    s = start(NULL);
    fakehost_peer_send(s->fh, s->stream,
                       "\0\0\0\x14\0\0\0\5\0\0\0\0\0\0\0\x33" "abcd", 20, 0);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_RINVCMDLEN);
    fakehost_peer_send(s->fh, s->stream,
                       "\0\0\0\x10\0\0\xAA\xAA\0\0\0\0\0\0\0\x34", 16, 0);
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_GENERIC_NACK)->status,
                     ESME_RINVCMDID);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_GENERIC_NACK)->sequence,
                     0x34);
    assert_int_equal(s->closes, 0);
    stop(s);
}


static void
test_unbind_by_the_smsc(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=2", NULL });
    s->hold = 1;
    l = load(s, 3, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    smsc_simple(s, (uint32_t) SMPP_CMD_UNBIND, 0, 4);
    fakehost_advance(s->fh, 10);

    /* nothing more is written; what is in flight may still be answered */
    assert_int_equal(tally(l).retry, 1);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND_RESP), 0);
    smsc_answer(s, smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM)->sequence, 0);
    fakehost_advance(s->fh, 6000);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_UNBIND_RESP)->sequence,
                     4);
    assert_int_equal(s->submits, 2);
    assert_int_equal(tally(l).sent, 1);
    assert_int_equal(tally(l).unknown, 1);
    unload(s, l);
    stop(s);
}


/* The worker leaves: what is in flight is waited for, then unbind, and only
 * then may another worker have the lease.                                     */
static void
test_drain(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=2", NULL });
    s->hold = 1;
    l = load(s, 3, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    smpp_ops.drain(fakehost_instance(s->fh));
    fakehost_advance(s->fh, 1000);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND), 0);
    assert_true(fakehost_lease_wanted(s->fh, "1"));
    assert_int_equal(fakehost_window(s->fh), 0);

    s->hold = 0;
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    smsc_answer(s, s->seen[2].sequence, ESME_ROK);
    fakehost_advance(s->fh, 1000);
    assert_int_equal(tally(l).sent, 3);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND), 1);
    assert_int_equal(s->closes, 1);
    assert_false(fakehost_lease_wanted(s->fh, "1"));
    fakehost_advance(s->fh, 120000);
    assert_int_equal(s->connects, 1);
    unload(s, l);
    stop(s);
}


/* Hexadecimal ids in answers, decimal ones in receipts: found out alone. */
static void
test_ids_are_learned(void **state)
{
    smsc_t               *s;
    smpp_t               *smpp;
    smpp_id_t             id;
    sms_str_t             raw = SMS_STR("0DA2F3B7");
    sms_str_t             to = SMS_STR("905321112233");

    (void) state;
    s = start(NULL);
    smpp = fakehost_instance(s->fh);
    smpp_id_answer(smpp->book, &id, raw, to);
    assert_string_equal(id.s, "da2f3b7");
    deliver(s, 701, SMPP_ESM_RECEIPT, "id:228783031 stat:DELIVRD");
    deliver(s, 702, SMPP_ESM_RECEIPT, "id:256 stat:UNDELIV err:7");
    fakehost_advance(s->fh, 10);
    assert_memory_equal(fakehost_inbound(s->fh, 0)->operator_id.ptr,
                        "da2f3b7", 7);
    assert_memory_equal(fakehost_inbound(s->fh, 1)->operator_id.ptr, "100", 3);
    assert_int_equal(fakehost_inbound(s->fh, 1)->operator_code, 7);
    assert_int_equal(fakehost_inbound(s->fh, 1)->reading, 1 + SMPP_ID_TO_HEX);
    assert_memory_equal(fakehost_inbound(s->fh, 1)->readings[0].ptr, "256", 3);
    assert_string_equal(fakehost_dict(s->fh, "receipt_id"), "to_hex");
    stop(s);
}


/* A receipt of no use is refused alone: what came beside it is stored, as it is. */
static void
test_octets_of_nobody(void **state)
{
    smsc_t               *s;
    smpp_pdu_t            pdu;
    const sms_inbound_t  *ev;

    (void) state;
    s = start(NULL);
    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_DELIVER_SM;
    pdu.u.SM.esm_class = SMPP_ESM_RECEIPT;
    pdu.u.SM.source_addr = (sms_str_t) SMS_STR("905321112233");
    pdu.u.SM.destination_addr = (sms_str_t) SMS_STR("\xD6RNEK");

    /* receipted_message_id of blanks, then of two bytes of UTF-8 cut short */
    pdu.sequence = 801;
    pdu.tlvs = (sms_str_t) { "\0\x1E\0\2 \0\4\x27\0\1\2", 11 };
    smsc_send(s, &pdu);
    pdu.sequence = 802;
    pdu.tlvs = (sms_str_t) { "\0\x1E\0\4\x31\xC3\0\x32\4\x27\0\1\2", 13 };
    smsc_send(s, &pdu);
    fakehost_advance(s->fh, 100);

    assert_int_equal(fakehost_inbound_count(s->fh), 1);
    ev = fakehost_inbound(s->fh, 0);
    assert_int_equal(ev->operator_id.len, 4);
    assert_memory_equal(ev->operator_id.ptr, "1\xC3\0" "2", 4);
    assert_memory_equal(ev->to.ptr, "\xD6RNEK", 5);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)
                     ->sequence, 802);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_ROK);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP), 2);
    stop(s);
}


/* An SMSC that refuses enquire_link is there all the same. */
static void
test_enquire_link_unknown(void **state)
{
    uint32_t  i;
    smsc_t   *s;

    (void) state;
    s = start((const char *[]) { "enquire_link=10s", "response_timeout=5s",
                                 NULL });
    s->mute = 1;

    for (i = 1; i <= 3; i++) {
        fakehost_advance(s->fh, 10000);
        assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK), i);
        smsc_simple(s, (uint32_t) SMPP_CMD_GENERIC_NACK, ESME_RINVCMDID,
                    smsc_last(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK)->sequence);
        fakehost_advance(s->fh, 0);
    }

    assert_int_equal(s->closes, 0);

    /* somebody else's number is no sign of life */
    fakehost_advance(s->fh, 10000);
    smsc_simple(s, (uint32_t) SMPP_CMD_GENERIC_NACK, ESME_RINVCMDID, 9999);
    smsc_simple(s, (uint32_t) SMPP_CMD_SUBMIT_SM_RESP, ESME_ROK, 9998);
    smsc_simple(s, (uint32_t) SMPP_CMD_BIND_TRANSCEIVER_RESP, ESME_RALYBND, 1);
    fakehost_advance(s->fh, 4000);
    assert_int_equal(s->closes, 0);
    fakehost_advance(s->fh, 2000);
    assert_int_equal(s->closes, 1);
    stop(s);
}


/* A peer that reads nothing: what cannot be written cannot be answered either. */
static void
test_peer_that_does_not_read(void **state)
{
    uint32_t  i;
    smsc_t   *s;

    (void) state;
    s = start((const char *[]) { "enquire_link=10s", "response_timeout=5s",
                                 NULL });

    for (i = 0; i < 20 && s->closes == 0; i++) {
        fakehost_fail(s->fh, FAKEHOST_ON_WRITE, 1, SMS_E_BUSY);
        fakehost_advance(s->fh, 1000);
    }

    assert_int_equal(s->closes, 1);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK), 0);
    stop(s);
}


/* D20: a lease that lapsed is nobody's to bind under, told or not. */
static void
test_lease_lapsed(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "reconnect_min=100ms", NULL });
    fakehost_lease_lapse(s->fh, "1", 1);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 60000);
    assert_int_equal(s->connects, 1);
    fakehost_lease_lapse(s->fh, "1", 0);
    fakehost_advance(s->fh, 1100);
    assert_int_equal(s->connects, 2);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_BIND_TRANSCEIVER), 2);
    stop(s);
}


/* Whatever timer was running, the worker waits for the answer to our unbind. */
static void
test_drain_keeps_the_worker(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "enquire_link=10s", NULL });
    fakehost_advance(s->fh, 8000);
    assert_false(fakehost_keeps(s->fh));
    s->mute = 1;
    smpp_ops.drain(fakehost_instance(s->fh));
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND), 1);
    assert_true(fakehost_keeps(s->fh));

    /* for five seconds */
    fakehost_advance(s->fh, 5000);
    assert_false(fakehost_keeps(s->fh));
    assert_int_equal(s->closes, 1);
    assert_false(fakehost_lease_wanted(s->fh, "1"));
    stop(s);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reconnect_backs_off),
        cmocka_unit_test(test_bad_password_waits_longest),
        cmocka_unit_test(test_enquire_link),
        cmocka_unit_test(test_lease_lost),
        cmocka_unit_test(test_two_binds),
        cmocka_unit_test(test_receipt_is_answered_when_stored),
        cmocka_unit_test(test_receipt_of_a_lost_connection),
        cmocka_unit_test(test_message_from_a_person),
        cmocka_unit_test(test_octet_by_octet),
        cmocka_unit_test(test_wrong_lengths),
        cmocka_unit_test(test_unbind_by_the_smsc),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_ids_are_learned),
        cmocka_unit_test(test_octets_of_nobody),
        cmocka_unit_test(test_enquire_link_unknown),
        cmocka_unit_test(test_peer_that_does_not_read),
        cmocka_unit_test(test_lease_lapsed),
        cmocka_unit_test(test_drain_keeps_the_worker),
    };

    return cmocka_run_group_tests_name("smpp_session", tests, NULL, NULL);
}
