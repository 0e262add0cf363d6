/*
 * What a bind is at: told to the host, logged once; pairs, refused credentials, a
 * link that rests.
 */
#define _GNU_SOURCE
#include "smpp_smsc.h"


static const sms_bind_t *
told(smsc_t *s)
{
    const sms_bind_t  *b;

    b = fakehost_bind(s->fh, "1");
    assert_non_null(b);

    return b;
}


static uint32_t
lines(smsc_t *s, const char *text)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < fakehost_log_count(s->fh); i++) {
        n += strstr(fakehost_log_line(s->fh, i), text) != NULL;
    }

    return n;
}


static void
test_bound(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=4", "rate=100", NULL });
    assert_int_equal(told(s)->state, SMS_BIND_BOUND);
    assert_int_equal(told(s)->window, 4);
    assert_int_equal(told(s)->rate, 100);
    assert_int_equal(told(s)->inflight, 0);
    assert_true(told(s)->since_us <= fakehost_now(s->fh));

    s->hold = 1;
    l = load(s, 3, 0);
    submit(s, l);
    fakehost_advance(s->fh, 1500);
    assert_int_equal(told(s)->inflight, 3);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    s->bind_status = ESME_RBINDFAIL;
    fakehost_advance(s->fh, 1);
    assert_int_equal(told(s)->state, SMS_BIND_WAITING);
    assert_true(told(s)->retry_us > fakehost_now(s->fh));
    assert_string_equal(told(s)->error.ptr,
                        "connection lost: refused, reset or unreachable");
    fakehost_advance(s->fh, 2000);
    assert_int_equal(told(s)->error_code, ESME_RBINDFAIL);
    unload(s, l);
    stop(s);
}


static void
test_throttled_is_told(void **state)
{
    load_t    *l;
    smsc_t    *s;
    uint32_t   rate;

    (void) state;
    s = start((const char *[]) { "window=10", "rate=200", "throttle_wait=100ms",
                                 NULL });
    s->throttle = 3;
    l = load(s, 40, 0);
    submit(s, l);
    fakehost_advance(s->fh, 3000);
    assert_int_equal(told(s)->throttled, 1);
    rate = told(s)->rate;
    assert_in_range(rate, 1, 199);
    unload(s, l);

    /* it comes back to what is configured, step by step, and not above */
    l = load(s, 200, 0);
    submit(s, l);
    fakehost_advance(s->fh, 20000);
    assert_true(told(s)->rate > rate);
    assert_true(told(s)->rate <= 200);
    unload(s, l);
    stop(s);
}


static void
test_wrong_password_is_one_line(void **state)
{
    smsc_t    *s;
    uint32_t   first;

    (void) state;
    smsc_paired = 1;
    s = start((const char *[]) { "binds=4", "reconnect_min=100ms",
                                 "reconnect_max=10s", NULL });
    assert_int_equal(s->connects, 4);
    s->bind_status = ESME_RINVPASWD;
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 1000);
    first = s->connects;
    assert_int_equal(first, 5);
    assert_int_equal(lines(s, "bind refused: ESME_RINVPASWD"), 1);

    /* 10 s, 20 s, 40 s, 80 s, 100 s, 100 s ...: each pause is one try */
    fakehost_advance(s->fh, 3600 * 1000 - 5000);
    assert_in_range(s->connects - first, 25, 45);
    assert_int_equal(lines(s, "bind refused: ESME_RINVPASWD"), 1);
    assert_int_equal(fakehost_metric(s->fh, "smpp_bind_failed_total"),
                     s->connects - 4);

    s->bind_status = 0;
    fakehost_advance(s->fh, 110 * 1000);
    assert_in_range(lines(s, "times more"), 1, 4);
    assert_int_equal(fakehost_metric(s->fh, "smpp_bound"), 4);
    smsc_paired = 0;
    stop(s);
}


/* All binds of a link begin together: only one tries credentials nobody proved. */
static void
test_first_bind_alone(void **state)
{
    smsc_t  *s;

    (void) state;
    s = calloc(1, sizeof(smsc_t));
    assert_non_null(s);
    s->bind_status = ESME_RINVSYSID;
    s->fh = fakehost_new();
    fakehost_peer(s->fh, &smsc_peer, s);
    assert_int_equal(fakehost_start(s->fh, &smpp_ops, (const char *[]) {
                     "host=127.0.0.1", "system_id=demo", "binds=8" }, 3,
                     (char [256]) { 0 }, 256), SMS_OK);
    fakehost_advance(s->fh, 50000);
    assert_int_equal(s->connects, 1);
    stop(s);
}


static void
test_pair(void **state)
{
    load_t        *l;
    smsc_t        *s;
    smpp_pdu_t     pdu;
    sms_handle_t   rx;

    (void) state;
    smsc_paired = 1;
    s = start((const char *[]) { "bind=paired", "window=5", "reconnect_min=1s",
                                 "reconnect_max=1s", NULL });
    smsc_paired = 0;
    assert_int_equal(s->connects, 2);
    assert_int_equal(fakehost_lease_count(s->fh), 1);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_BIND_TRANSMITTER), 1);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_BIND_RECEIVER), 1);
    assert_int_equal(fakehost_window(s->fh), 5);
    assert_int_equal(told(s)->state, SMS_BIND_BOUND);

    /* the receiver goes: what is submitted still is, and it shows */
    rx = s->rx;
    fakehost_peer_close(s->fh, rx, SMS_OK);
    fakehost_advance(s->fh, 10);
    assert_int_equal(told(s)->state, SMS_BIND_WAITING);
    assert_string_equal(told(s)->error.ptr, "receiver: connection lost: the SMSC "
                        "closed it");
    l = load(s, 2, 0);
    submit(s, l);
    fakehost_advance(s->fh, 50);
    assert_int_equal(tally(l).sent, 2);
    unload(s, l);
    fakehost_advance(s->fh, 2000);
    assert_true(s->rx != rx);
    assert_int_equal(told(s)->state, SMS_BIND_BOUND);

    /* the transmitter goes: nothing is taken, and receipts still come */
    fakehost_peer_close(s->fh, s->tx, SMS_OK);
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_window(s->fh), 0);
    assert_int_equal(told(s)->state, SMS_BIND_WAITING);
    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_DELIVER_SM;
    pdu.sequence = 9;
    pdu.u.SM.esm_class = SMPP_ESM_RECEIPT;
    pdu.u.SM.source_addr = (sms_str_t) SMS_STR("905321112233");
    pdu.u.SM.short_message = (sms_str_t) SMS_STR("id:1001 stat:DELIVRD err:0");
    s->stream = s->rx;
    smsc_send(s, &pdu);
    fakehost_advance(s->fh, 100);
    assert_int_equal(fakehost_inbound_count(s->fh), 1);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status, 0);
    fakehost_advance(s->fh, 2000);
    assert_int_equal(fakehost_window(s->fh), 5);

    /* the worker leaves: the transmitter first, one lease for both */
    smpp_ops.drain(fakehost_instance(s->fh));
    fakehost_advance(s->fh, 1000);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND), 2);
    assert_false(fakehost_lease_wanted(s->fh, "1"));
    stop(s);
}


static void
test_stop_rests(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=2", "stop_wait=5s", "status=1040=stop",
                                 NULL });
    s->status = 1040;
    l = load(s, 6, 0);
    submit(s, l);
    fakehost_advance(s->fh, 50);
    assert_int_equal(fakehost_call_state(s->fh, l->call),
                     FAKEHOST_CALL_COMPLETED);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_STOP);
    assert_int_equal(result(l, 0)->operator_code, 1040);
    assert_in_range(result(l, 5)->retry_after_ms, 4000, 5001);
    assert_int_equal(result(l, 5)->outcome, SMS_SUBMIT_STOP);
    assert_in_range(s->submits, 2, 3);
    assert_int_equal(fakehost_window(s->fh), 0);
    assert_int_equal(told(s)->state, SMS_BIND_RESTING);
    assert_int_equal(told(s)->error_code, 1040);
    unload(s, l);

    s->status = 0;
    fakehost_advance(s->fh, 6000);
    assert_int_equal(fakehost_window(s->fh), 2);
    assert_int_equal(told(s)->state, SMS_BIND_BOUND);
    stop(s);
}


static void
test_inactivity(void **state)
{
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "enquire_link=5s", "inactivity_timeout=60s",
                                 NULL });
    fakehost_advance(s->fh, 50000);
    assert_int_equal(s->connects, 1);
    fakehost_advance(s->fh, 15000);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_UNBIND), 1);
    assert_int_equal(s->connects, 2);
    stop(s);
}


/* each way to lose a connection has its words */
static void
test_why(void **state)
{
    size_t       i;
    smpp_t       smpp;
    smpp_bind_t  b;

    static const struct {
        sms_rc_t     why;
        const char  *said;
    } cases[] = {
        { SMS_OK, "the SMSC closed it" },
        { SMS_E_TIMEOUT, "no connection in time" },
        { SMS_E_DOWN, "refused, reset or unreachable" },
        { SMS_E_DENIED, "the SMSC's certificate is not accepted (ca, tls_name, "
                        "dates)" },
        { SMS_E_CONFIG, "ca, cert or key cannot be used" },
        { SMS_E_INVAL, "more came than can be kept" },
        { SMS_E_NOMEM, "out of memory" }
    };

    (void) state;
    memset(&smpp, 0, sizeof(smpp_t));
    memset(&b, 0, sizeof(smpp_bind_t));
    b.smpp = &smpp;
    b.state = SMPP_BOUND;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(smpp_told_why(&b, cases[i].why), cases[i].said);
    }

    b.state = SMPP_BIND_SENT;
    assert_string_equal(smpp_told_why(&b, SMS_OK),
                        "the SMSC closed it before it answered the bind");
    smpp.conf.tls = 1;
    assert_non_null(strstr(smpp_told_why(&b, SMS_E_DOWN), "client certificate"));
    b.state = SMPP_CONNECT;
    assert_non_null(strstr(smpp_told_why(&b, SMS_E_DOWN), "no TLS there"));
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_throttled_is_told),
        cmocka_unit_test(test_wrong_password_is_one_line),
        cmocka_unit_test(test_first_bind_alone),
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_stop_rests),
        cmocka_unit_test(test_inactivity),
        cmocka_unit_test(test_why),
    };

    return cmocka_run_group_tests_name("smpp_told", tests, NULL, NULL);
}
