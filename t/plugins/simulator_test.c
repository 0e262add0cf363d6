/*
 * simulator_test.c - operator/simulator under the fake host.
 */
#include "fakehost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const sms_ops_t *const  sms_plugin_ops;

static unsigned  tests, failures;


static void
is(long long got, long long want, const char *what)
{
    int  pass = got == want;

    failures += !pass;
    printf("%s %u - %s\n", pass ? "ok" : "not ok", ++tests, what);
    if (!pass) {
        printf("# got %lld, expected %lld\n", got, want);
    }
}


static fakehost_t *
begin(const char *const *conf, size_t n)
{
    fakehost_t  *fh;
    char         err[128];
    sms_rc_t     rc;

    fh = fakehost_new();
    rc = fakehost_start(fh, sms_plugin_ops, conf, n, err, sizeof(err));
    is(rc, SMS_OK, "starts");
    (void) fakehost_advance(fh, 1);

    return fh;
}


static void
end(fakehost_t *fh)
{
    fakehost_stop(fh);
    is(fakehost_left(fh), 0, "nothing left");
    is(fakehost_violations(fh), 0, "nothing misused");
    fakehost_free(fh);
}


/* one part to a number; the result is copied before the call ends */
static sms_submit_t
submit(fakehost_t *fh, const char *to, uint16_t attempt, char *id)
{
    static sms_brand_t  brand;

    fakehost_batch_t  *b;
    sms_submit_t       r;
    sms_part_t         part;
    sms_msg_t          msg;
    sms_call_t         call;

    memset(&msg, 0, sizeof(msg));
    memset(&part, 0, sizeof(part));
    msg.to = (sms_str_t) { to, strlen(to) };
    msg.from = (sms_str_t) SMS_STR("ORNEK");
    msg.attempt = attempt;
    msg.brand = &brand;
    part.msg = &msg;
    part.number = part.total = 1;

    b = fakehost_batch_of(FAKEHOST_OPERATOR_SUBMIT, &part, sizeof(part), 1);
    call = fakehost_call(fh, FAKEHOST_OPERATOR_SUBMIT, &b->batch);
    while (fakehost_call_state(fh, call) == FAKEHOST_CALL_OPEN && fakehost_step(fh)) {
        /* until it has answered */
    }
    memcpy(&r, b->batch.results, sizeof(r));
    snprintf(id, 65, "%.*s", (int) r.operator_id.len, r.operator_id.len ? r.operator_id.ptr : "");
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    return r;
}


static void
test_fates(void)
{
    static const char *const  conf[] = {
        "receipt_delay=2s", "undeliverable=11", "undeliverable=12", "expired=2",
        "rejected=3", "throttled=4", "unanswered=5", "no_receipt=6"
    };

    const sms_inbound_t  *ev;
    fakehost_t           *fh;
    sms_submit_t          r;
    char                  id[65], first[65];

    fh = begin(conf, 8);

    r = submit(fh, "905320000000", 1, first);
    is(r.outcome, SMS_SUBMIT_SENT, "an ordinary number");
    (void) fakehost_advance(fh, 1999);
    is(fakehost_inbound_count(fh), 0, "no receipt before its time");
    (void) fakehost_advance(fh, 10);
    is(fakehost_inbound_count(fh), 1, "the receipt");
    ev = fakehost_inbound(fh, 0);
    is(ev->state, SMS_RECEIPT_DELIVERED, "delivered");
    is(ev->operator_id.len == strlen(first)
       && memcmp(ev->operator_id.ptr, first, strlen(first)) == 0, 1, "with the operator id");
    is(ev->from.len == 12 && memcmp(ev->from.ptr, "905320000000", 12) == 0, 1,
       "from the recipient");

    r = submit(fh, "905320000011", 1, id);
    is(strcmp(id, first) != 0, 1, "ids differ");
    (void) fakehost_advance(fh, 2100);
    is(fakehost_inbound(fh, 1)->state, SMS_RECEIPT_UNDELIVERED, "undeliverable");

    r = submit(fh, "905320000002", 1, id);
    (void) fakehost_advance(fh, 2100);
    is(fakehost_inbound(fh, 2)->state, SMS_RECEIPT_EXPIRED, "expired");

    r = submit(fh, "905320000003", 1, id);
    is(r.outcome, SMS_SUBMIT_REJECTED, "rejected");
    is(r.reason, SMS_REASON_INVALID_NUMBER, "with a reason");
    is(r.operator_code, 0x0b, "and the operator's code");

    r = submit(fh, "905320000004", 1, id);
    is(r.outcome, SMS_SUBMIT_THROTTLED, "throttled once");
    is(r.retry_after_ms, 1000, "and told to wait");
    r = submit(fh, "905320000004", 2, id);
    is(r.outcome, SMS_SUBMIT_THROTTLED, "throttled twice");
    r = submit(fh, "905320000004", 3, id);
    is(r.outcome, SMS_SUBMIT_SENT, "and sent at last");
    (void) fakehost_advance(fh, 2100);

    r = submit(fh, "905320000005", 1, id);
    is(r.outcome, SMS_SUBMIT_UNKNOWN, "no answer");
    is((long long) strlen(id), 0, "hence no id");
    (void) fakehost_advance(fh, 2100);
    is(fakehost_inbound_count(fh), 5, "and yet a receipt");

    r = submit(fh, "905320000006", 1, id);
    is(r.outcome, SMS_SUBMIT_SENT, "sent");
    (void) fakehost_advance(fh, 86400000);
    is(fakehost_inbound_count(fh), 5, "and never heard of again");
    end(fh);
}


static void
test_lease(void)
{
    static const char *const  conf[] = { "binds=2", "window=3", "delay=100ms" };

    fakehost_batch_t  *b;
    fakehost_t        *fh;
    sms_submit_t       r;
    sms_call_t         call;
    char               id[65];

    fh = fakehost_new();
    fakehost_lease_manual(fh, 1);
    is(fakehost_start(fh, sms_plugin_ops, conf, 3, id, sizeof(id)), SMS_OK, "starts");
    is(fakehost_lease_wanted(fh, "1") && fakehost_lease_wanted(fh, "2"), 1, "wants two");
    is(fakehost_window(fh), 0, "no lease, no window");
    r = submit(fh, "905320000000", 1, id);
    is(r.outcome, SMS_SUBMIT_RETRY, "and nothing is sent");
    fakehost_lease_give(fh, "2");
    (void) fakehost_advance(fh, 1);
    is(fakehost_window(fh), 3, "a window for each lease");
    is(fakehost_window_opened(fh), 1, "and the host is told");

    b = fakehost_batch(FAKEHOST_OPERATOR_SUBMIT, 5, 0, 0);
    call = fakehost_call(fh, FAKEHOST_OPERATOR_SUBMIT, &b->batch);
    is(fakehost_call_state(fh, call), FAKEHOST_CALL_OPEN, "answers later");
    is(fakehost_window(fh), 0, "the window is full");
    fakehost_lease_take(fh, "2");
    (void) fakehost_advance(fh, 1);
    is(fakehost_call_rc(fh, call), SMS_OK, "a lost lease ends the call");
    is(SMS_AT(sms_submit_t, b->batch.results, b->batch.result_stride, 2)->outcome,
       SMS_SUBMIT_UNKNOWN, "nobody knows about these");
    is(SMS_AT(sms_submit_t, b->batch.results, b->batch.result_stride, 3)->outcome,
       SMS_SUBMIT_RETRY, "those had no room");
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);
    end(fh);
}


static void
test_retry(void)
{
    static const char *const  conf[] = { "receipt_delay=1s" };

    fakehost_t  *fh;
    char         id[65];

    fh = begin(conf, 1);
    (void) submit(fh, "905320000000", 1, id);
    fakehost_fail(fh, FAKEHOST_ON_STORED, 0, SMS_E_DOWN);
    (void) fakehost_advance(fh, 1300);
    is(fakehost_inbound_count(fh) >= 2, 1, "delivered again when it was not stored");
    is(fakehost_inbound_stored(fh, 0), 0, "not stored");
    fakehost_fail(fh, FAKEHOST_ON_STORED, 0, SMS_OK);
    fakehost_fail(fh, FAKEHOST_ON_DELIVER, 2, SMS_E_BUSY);
    (void) fakehost_advance(fh, 20000);
    is(fakehost_inbound_stored(fh, fakehost_inbound_count(fh) - 1), 1, "until it is");
    is(fakehost_waiting(fh), 0, "and then no more");
    end(fh);

    fh = begin(conf, 1);
    (void) submit(fh, "905320000000", 1, id);
    fakehost_stop(fh);
    is(fakehost_inbound_count(fh), 1, "a worker that goes delivers at once");
    is(fakehost_left(fh), 0, "and leaves nothing");
    fakehost_free(fh);
}


static void
test_fail(void)
{
    static const char *const  conf[] = { "fail=30", "receipt_delay=0ms" };

    fakehost_t  *fh;
    char         id[65], to[16];
    uint32_t     i, bad, again;

    fh = begin(conf, 2);
    for (i = 0; i < 1000; i++) {
        snprintf(to, sizeof(to), "90532%07u", i * 11 + 7777);
        (void) submit(fh, to, 1, id);
        (void) fakehost_advance(fh, 5);
    }
    for (i = 0, bad = 0; i < fakehost_inbound_count(fh); i++) {
        bad += fakehost_inbound(fh, i)->state == SMS_RECEIPT_UNDELIVERED;
    }
    is(bad > 250 && bad < 350, 1, "about the percentage fails");
    again = bad;
    for (i = 0, bad = 0; i < 1000; i++) {
        snprintf(to, sizeof(to), "90532%07u", i * 11 + 7777);
        (void) submit(fh, to, 1, id);
        (void) fakehost_advance(fh, 5);
        bad += fakehost_inbound(fh, fakehost_inbound_count(fh) - 1)->state
               == SMS_RECEIPT_UNDELIVERED;
    }
    /* 0001 to 0006 are of the default lists and stay out of both counts alike */
    is(bad + 3 >= again && bad <= again + 3, 1, "and always the same numbers");
    end(fh);
}


/* asks about, or takes back, one part; "id" empty: no answer came */
static int32_t
asked(fakehost_t *fh, fakehost_op_t op, const char *to, uint16_t attempt, const char *id,
    uint32_t *state)
{
    static sms_brand_t  brand;

    fakehost_batch_t  *b;
    sms_asked_t        r;
    sms_sent_t         sent;
    sms_call_t         call;
    sms_msg_t          msg;
    int32_t            status;

    memset(&msg, 0, sizeof(msg));
    memset(&sent, 0, sizeof(sent));
    msg.to = (sms_str_t) { to, strlen(to) };
    msg.from = (sms_str_t) SMS_STR("ORNEK");
    msg.attempt = attempt;
    msg.brand = &brand;
    sent.msg = &msg;
    sent.number = sent.total = 1;
    sent.operator_id = (sms_str_t) { id, strlen(id) };

    b = fakehost_batch_of(op, &sent, sizeof(sent), 1);
    call = fakehost_call(fh, op, &b->batch);
    while (fakehost_call_state(fh, call) == FAKEHOST_CALL_OPEN && fakehost_step(fh)) {
        /* until it has answered */
    }
    if (op == FAKEHOST_OPERATOR_QUERY) {
        memcpy(&r, b->batch.results, sizeof(r));
        *state = r.state;
    }
    memcpy(&status, b->batch.results, sizeof(status));
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    return status;
}


static void
test_asked(void)
{
    static const char *const  conf[] = { "receipt_delay=2s", "stuck=77", "no_receipt=66" };

    fakehost_t    *fh;
    sms_submit_t   r;
    uint32_t       state;
    char           id[65];

    fh = begin(conf, 3);

    r = submit(fh, "905320000000", 1, id);
    is(asked(fh, FAKEHOST_OPERATOR_QUERY, "905320000000", 1, id, &state), SMS_OK, "asked");
    is(state, SMS_RECEIPT_ENROUTE, "its receipt is still to come");
    (void) fakehost_advance(fh, 2010);
    is(asked(fh, FAKEHOST_OPERATOR_QUERY, "905320000000", 1, id, &state), SMS_OK, "later");
    is(state, SMS_RECEIPT_DELIVERED, "what the receipt said");
    is(asked(fh, FAKEHOST_OPERATOR_CANCEL, "905320000000", 1, "", &state), SMS_E_INVAL,
       "it has gone out");

    r = submit(fh, "905320000066", 1, id);
    is(asked(fh, FAKEHOST_OPERATOR_QUERY, "905320000066", 1, id, &state), SMS_OK,
       "one without a receipt");
    is(state, SMS_RECEIPT_DELIVERED, "tells when it is asked");

    r = submit(fh, "905320000077", 1, id);
    is(r.outcome, SMS_SUBMIT_UNKNOWN, "one that is stuck");
    (void) fakehost_advance(fh, 5000);
    is(fakehost_inbound_count(fh), 1, "and gets no receipt");
    is(asked(fh, FAKEHOST_OPERATOR_QUERY, "905320000077", 1, "", &state), SMS_E_INVAL,
       "cannot be asked about without an id");
    is(asked(fh, FAKEHOST_OPERATOR_CANCEL, "905320000077", 1, "", &state), SMS_OK,
       "but is taken back");
    r = submit(fh, "905320000077", 2, id);
    is(r.outcome, SMS_SUBMIT_SENT, "and goes the second time");

    end(fh);
}


int
main(void)
{
    static const char *const  wrong[] = { "expired=+90" };

    fakehost_t  *fh;
    char         err[128];

    test_fates();
    test_asked();
    test_lease();
    test_retry();
    test_fail();

    fh = fakehost_new();
    is(fakehost_start(fh, sms_plugin_ops, wrong, 1, err, sizeof(err)), SMS_E_CONFIG,
       "a suffix is digits");
    fakehost_free(fh);
    printf("1..%u\n", tests);

    return failures != 0;
}
