/*
 * Parts: window, results, loss in mid window, deadlines, rate, encoding.
 */
#define _GNU_SOURCE
#include "smpp_smsc.h"


static void
test_bind_and_submit(void **state)
{
    load_t        *l;
    smsc_t        *s;
    const seen_t  *seen;

    (void) state;
    s = start((const char *[]) { "window=4", NULL });

    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_BIND_TRANSCEIVER), 1);
    assert_int_equal(fakehost_window(s->fh), 4);
    assert_true(fakehost_window_opened(s->fh) >= 1);

    l = load(s, 10, 0);
    submit(s, l);
    assert_int_equal(fakehost_call_state(s->fh, l->call), FAKEHOST_CALL_OPEN);
    fakehost_advance(s->fh, 100);

    assert_int_equal(fakehost_call_state(s->fh, l->call),
                     FAKEHOST_CALL_COMPLETED);
    assert_int_equal(tally(l).sent, 10);
    assert_int_equal(s->submits, 10);
    assert_int_equal(result(l, 0)->operator_id.len, 4);
    assert_memory_equal(result(l, 0)->operator_id.ptr, "1001", 4);
    assert_memory_equal(result(l, 9)->operator_id.ptr, "1010", 4);

    seen = smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM);
    assert_string_equal(seen->source, "ORNEK");
    assert_string_equal(seen->dest, "905321112233");
    assert_string_equal(seen->period, "000000010000000R");
    assert_int_equal(seen->ton, 5);
    assert_int_equal(seen->npi, 0);
    assert_int_equal(seen->esm_class, 0);
    assert_int_equal(fakehost_window(s->fh), 4);

    unload(s, l);
    stop(s);
}


static void
test_window_is_kept(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=3", NULL });
    s->hold = 1;
    l = load(s, 8, 0);
    submit(s, l);
    fakehost_advance(s->fh, 100);
    assert_int_equal(s->submits, 3);
    assert_int_equal(fakehost_window(s->fh), 0);

    smsc_answer(s, s->seen[2].sequence, ESME_ROK);      /* out of order */
    fakehost_advance(s->fh, 10);
    assert_int_equal(s->submits, 4);

    s->hold = 0;
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    smsc_answer(s, s->seen[3].sequence, ESME_ROK);
    smsc_answer(s, s->seen[4].sequence, ESME_ROK);
    fakehost_advance(s->fh, 100);
    assert_int_equal(s->submits, 8);
    assert_int_equal(tally(l).sent, 8);
    assert_memory_equal(result(l, 1)->operator_id.ptr, "1001", 4);
    unload(s, l);
    stop(s);
}


/* one answered, four written and not answered, five not written */
static void
test_loss_in_mid_window(void **state)
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
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    fakehost_advance(s->fh, 10);
    assert_int_equal(s->submits, 5);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 10);

    assert_int_equal(fakehost_call_state(s->fh, l->call),
                     FAKEHOST_CALL_COMPLETED);
    t = tally(l);
    assert_int_equal(t.sent, 1);
    assert_int_equal(t.unknown, 4);
    assert_int_equal(t.retry, 5);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_SENT);
    assert_int_equal(result(l, 4)->outcome, SMS_SUBMIT_UNKNOWN);
    assert_int_equal(result(l, 5)->outcome, SMS_SUBMIT_RETRY);
    unload(s, l);

    /* nothing is written again by itself, and the next bind begins anew */
    s->hold = 0;
    fakehost_advance(s->fh, 3000);
    assert_int_equal(s->connects, 2);
    assert_int_equal(s->submits, 5);
    assert_int_equal(fakehost_window(s->fh), 4);
    stop(s);
}


static void
test_no_bind_is_retry(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    fakehost_peer(s->fh, NULL, NULL);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_window(s->fh), 0);
    l = load(s, 3, 0);
    submit(s, l);
    assert_int_equal(fakehost_call_state(s->fh, l->call),
                     FAKEHOST_CALL_RETURNED);
    assert_int_equal(tally(l).retry, 3);
    unload(s, l);
    stop(s);
}


static void
test_unanswered_submit_is_unknown(void **state)
{
    load_t  *l, *m;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "response_timeout=5s", "window=4", NULL });
    s->mute = 1;
    l = load(s, 2, 0);
    submit(s, l);
    fakehost_advance(s->fh, 4900);
    assert_int_equal(fakehost_call_state(s->fh, l->call), FAKEHOST_CALL_OPEN);
    fakehost_advance(s->fh, 200);
    assert_int_equal(fakehost_call_state(s->fh, l->call),
                     FAKEHOST_CALL_COMPLETED);
    assert_int_equal(tally(l).unknown, 2);

    /* the far end is probed and gets nothing until it answers */
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK), 1);
    assert_int_equal(fakehost_window(s->fh), 0);
    m = load(s, 1, 0);
    submit(s, m);
    assert_int_equal(tally(m).retry, 1);
    s->mute = 0;
    smsc_simple(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP, 0,
                smsc_last(s, (uint32_t) SMPP_CMD_ENQUIRE_LINK)->sequence);
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_window(s->fh), 4);

    /* an answer that comes after all changes nothing */
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    fakehost_advance(s->fh, 10);
    assert_int_equal(tally(l).unknown, 2);
    assert_int_equal(fakehost_metric(s->fh, "smpp_late_total"), 1);
    unload(s, l);
    unload(s, m);
    stop(s);
}


static void
test_deadline_of_the_call(void **state)
{
    load_t   *l;
    smsc_t   *s;
    tally_t   t;

    (void) state;
    s = start((const char *[]) { "response_timeout=30s", "window=2", NULL });
    s->hold = 1;
    l = load(s, 5, 2000);
    submit(s, l);
    fakehost_advance(s->fh, 1990);
    t = tally(l);
    assert_int_equal(fakehost_call_state(s->fh, l->call),
                     FAKEHOST_CALL_COMPLETED);
    assert_int_equal(t.unknown, 2);
    assert_int_equal(t.retry, 3);

    /* the SMSC still works on the two: their places stay taken */
    assert_int_equal(fakehost_window(s->fh), 0);
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    fakehost_advance(s->fh, 10);
    assert_int_equal(fakehost_window(s->fh), 1);
    unload(s, l);
    stop(s);
}


static void
test_cancel(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "window=2", NULL });
    s->hold = 1;
    l = load(s, 5, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    fakehost_cancel(s->fh, l->call);
    fakehost_batch_seal(l->batch);      /* touching it is a crash from now on */
    fakehost_call_end(s->fh, l->call);
    smsc_answer(s, s->seen[1].sequence, ESME_ROK);
    smsc_answer(s, s->seen[2].sequence, ESME_ROK);
    fakehost_advance(s->fh, 60000);
    assert_int_equal(s->submits, 2);
    assert_int_equal(fakehost_window(s->fh), 2);
    fakehost_batch_free(l->batch);
    free(l);
    stop(s);
}


static void
test_throttled(void **state)
{
    load_t    *l, *m;
    smsc_t    *s;
    uint32_t   before;

    (void) state;
    s = start((const char *[]) { "window=20", "throttle_wait=1s", NULL });
    s->throttle = 15;
    l = load(s, 20, 0);
    submit(s, l);
    fakehost_advance(s->fh, 50);
    assert_int_equal(tally(l).throttled, 15);
    assert_int_equal(tally(l).sent, 5);
    assert_in_range(result(l, 0)->retry_after_ms, 1, 1000);
    assert_int_equal(result(l, 0)->operator_code, ESME_RTHROTTLED);
    assert_int_equal(fakehost_window(s->fh), 0);        /* the pause */
    before = fakehost_window_opened(s->fh);
    fakehost_advance(s->fh, 1500);
    assert_true(fakehost_window(s->fh) > 0);
    assert_true(fakehost_window_opened(s->fh) > before);

    /* the learned rate, 4 a second, is far below the window */
    m = load(s, 20, 60000);
    submit(s, m);
    fakehost_advance(s->fh, 1000);
    assert_in_range(tally(m).sent, 1, 8);
    fakehost_advance(s->fh, 30000);
    assert_int_equal(tally(m).sent, 20);
    unload(s, l);
    unload(s, m);
    stop(s);
}


static void
test_rate(void **state)
{
    load_t    *l;
    smsc_t    *s;

    (void) state;
    s = start((const char *[]) { "window=100", "rate=40", NULL });
    l = load(s, 100, 0);
    submit(s, l);
    fakehost_advance(s->fh, 1000);
    assert_in_range(s->submits, 38, 42);
    fakehost_advance(s->fh, 2000);
    assert_int_equal(s->submits, 100);
    assert_int_equal(tally(l).sent, 100);
    unload(s, l);
    stop(s);
}


static void
test_statuses(void **state)
{
    size_t   i;
    load_t  *l;
    smsc_t  *s;

    static const struct {
        uint32_t       status;
        sms_outcome_t  outcome;
        sms_reason_t   reason;
    } cases[] = {
        { ESME_RINVDSTADR, SMS_SUBMIT_REJECTED, SMS_REASON_INVALID_NUMBER },
        { ESME_RINVSRCADR, SMS_SUBMIT_FAILOVER, SMS_REASON_SENDER },
        { ESME_RINVSERTYP, SMS_SUBMIT_FAILOVER, SMS_REASON_OTHER },
        { ESME_RX_P_APPN, SMS_SUBMIT_REJECTED, SMS_REASON_OTHER },
        { ESME_RSYSERR, SMS_SUBMIT_RETRY, SMS_REASON_NONE },
        { ESME_RMSGQFUL, SMS_SUBMIT_THROTTLED, SMS_REASON_NONE },
        { 0x455, SMS_SUBMIT_REJECTED, SMS_REASON_CONSENT },
        { 0x456, SMS_SUBMIT_REJECTED, SMS_REASON_OTHER },
        { 0x457, SMS_SUBMIT_RETRY, SMS_REASON_NONE },
        { 0x458, SMS_SUBMIT_FAILOVER, SMS_REASON_OTHER },
        { 0x459, SMS_SUBMIT_STOP, SMS_REASON_NONE },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s = start((const char *[]) { "status=0x455=consent",
                                     "status=1111=retry",
                                     "status=0x458=failover",
                                     "status=0x459=stop", NULL });
        s->status = cases[i].status;
        l = load(s, 1, 0);
        submit(s, l);
        fakehost_advance(s->fh, 50);
        assert_int_equal(result(l, 0)->outcome, cases[i].outcome);
        assert_int_equal(result(l, 0)->reason, cases[i].reason);
        assert_int_equal(result(l, 0)->operator_code, cases[i].status);
        unload(s, l);
        stop(s);
    }
}


static void
test_session_that_is_not_bound(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    s->status = ESME_RINVBNDSTS;
    l = load(s, 1, 0);
    submit(s, l);
    fakehost_advance(s->fh, 50);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_RETRY);
    assert_int_equal(s->closes, 1);
    unload(s, l);
    stop(s);
}


static uint32_t  lease_asked, lease_limit;


static int
lease_valid_until(sms_host_t *h, sms_str_t name)
{
    (void) h;
    (void) name;
    lease_asked++;

    return lease_asked <= lease_limit;
}


/* The lease ends between two writes: what was written is written, and not one
 * octet of a submit follows.                                                  */
static void
test_lease_asked_before_each_write(void **state)
{
    load_t          *l;
    smsc_t          *s;
    tally_t          t;
    sms_core_api_t  *core;

    (void) state;
    s = start((const char *[]) { "window=100", NULL });
    core = (sms_core_api_t *) (uintptr_t) fakehost_host(s->fh)->core;
    core->lease_valid = lease_valid_until;
    lease_asked = 0;
    lease_limit = 13;
    l = load(s, 50, 0);
    submit(s, l);
    fakehost_advance(s->fh, 50);
    t = tally(l);
    assert_true(s->submits > 0 && s->submits < lease_limit);
    assert_int_equal(t.sent, s->submits);
    assert_int_equal(t.retry, 50 - s->submits);
    assert_int_equal(fakehost_window(s->fh), 0);
    unload(s, l);
    stop(s);
}


static void
test_expired_is_not_sent(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    l = load(s, 2, 0);
    l->msg[0].expires_us = fakehost_now(s->fh) - 1;
    l->msg[1].expires_us = fakehost_now(s->fh) + 90 * 1000000;
    submit(s, l);
    fakehost_advance(s->fh, 10);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_REJECTED);
    assert_int_equal(result(l, 0)->reason, SMS_REASON_EXPIRED);
    assert_int_equal(result(l, 1)->outcome, SMS_SUBMIT_SENT);
    assert_int_equal(s->submits, 1);
    assert_string_equal(smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM)->period,
                        "000000000130000R");
    unload(s, l);
    stop(s);
}


static void
test_parts_with_headers(void **state)
{
    load_t        *l;
    smsc_t        *s;
    const seen_t  *seen;

    (void) state;
    s = start((const char *[]) { "coding_turkish=1", NULL });
    l = load(s, 3, 0);
    l->part[0].udh = (sms_str_t) { "\x05\x00\x03\xA1\x02\x01", 6 };
    l->part[1].encoding = SMS_ENC_GSM7_TR_SINGLE;
    l->part[1].udh = (sms_str_t) { "\x03\x24\x01\x01", 4 };
    l->part[1].payload = (sms_str_t) { "\x1B\x49\x1B\x73", 4 };
    l->part[2].encoding = SMS_ENC_UCS2;
    l->part[2].payload = (sms_str_t) { "\x01\x5F\x01\x31", 4 };
    submit(s, l);
    fakehost_advance(s->fh, 10);

    seen = &s->seen[1];
    assert_int_equal(seen->esm_class, 0x40);
    assert_int_equal(seen->ntext, 13);
    assert_memory_equal(seen->text, "\x05\x00\x03\xA1\x02\x01Merhaba", 13);
    seen = &s->seen[2];
    assert_int_equal(seen->data_coding, 1);
    assert_int_equal(seen->esm_class, 0x40);
    assert_memory_equal(seen->text, "\x03\x24\x01\x01\x1B\x49\x1B\x73", 8);
    seen = &s->seen[3];
    assert_int_equal(seen->data_coding, 8);
    assert_int_equal(seen->esm_class, 0);
    unload(s, l);
    stop(s);
}


static void
test_what_cannot_be_written(void **state)
{
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    l = load(s, 3, 0);
    l->msg[0].to = (sms_str_t) SMS_STR("123456789012345678901");
    l->msg[1].from = (sms_str_t) SMS_STR("ABCDEFGHIJKLMNOPQRSTU");
    submit(s, l);
    fakehost_advance(s->fh, 10);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_REJECTED);
    assert_int_equal(result(l, 0)->reason, SMS_REASON_INVALID_NUMBER);
    assert_int_equal(result(l, 1)->outcome, SMS_SUBMIT_REJECTED);
    assert_int_equal(result(l, 1)->reason, SMS_REASON_SENDER);
    assert_int_equal(result(l, 2)->outcome, SMS_SUBMIT_SENT);
    unload(s, l);
    stop(s);
}


static void
test_write_that_is_refused(void **state)
{
    load_t   *l;
    smsc_t   *s;
    tally_t   t;

    (void) state;
    s = start((const char *[]) { "window=10", NULL });
    s->hold = 1;
    fakehost_fail(s->fh, FAKEHOST_ON_WRITE, 3, SMS_E_DOWN);
    l = load(s, 5, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    assert_int_equal(s->submits, 2);
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 10);
    t = tally(l);
    assert_int_equal(t.unknown, 2);
    assert_int_equal(t.retry, 3);
    unload(s, l);
    stop(s);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind_and_submit),
        cmocka_unit_test(test_window_is_kept),
        cmocka_unit_test(test_loss_in_mid_window),
        cmocka_unit_test(test_no_bind_is_retry),
        cmocka_unit_test(test_unanswered_submit_is_unknown),
        cmocka_unit_test(test_deadline_of_the_call),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_throttled),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_session_that_is_not_bound),
        cmocka_unit_test(test_lease_asked_before_each_write),
        cmocka_unit_test(test_expired_is_not_sent),
        cmocka_unit_test(test_parts_with_headers),
        cmocka_unit_test(test_what_cannot_be_written),
        cmocka_unit_test(test_write_that_is_refused),
    };

    return cmocka_run_group_tests_name("smpp_submit", tests, NULL, NULL);
}
