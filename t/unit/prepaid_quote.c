/*
 * The plugin in a fake host: loading, refreshing, quoting.
 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/billing/prepaid/prepaid.c"
#include "../../plugins/billing/prepaid/prepaid_prices.c"

#include "content_fakehost.h"


#define NOW_US   (FAKEHOST_EPOCH_US + 1000000)

/* 2026-01-01 09:00:00.5 UTC, in the first second of the fake clock */
#define LATER    "1767258000500000"

static const char *const  rows[] = {
    "1", "90", "3", "-62135596800000000", "120000", "TRY",
    "1", "90", "3", LATER, "130000", "TRY",
    "1", "90", "1", "-62135596800000000", "1", "CRD",
    "1", "9053383", "3", "-62135596800000000", NULL, "TRY",
    "1", "44", "3", "-62135596800000000", "9223372036854775", "TRY"
};

static sms_brand_t        brand;
static sms_msg_t          msg;
static char               err[128];
static fakehost_batch_t  *batch;
static sms_call_t         call;


static fakehost_t *
start(uint32_t nrows)
{
    static const char *const  conf[] = { "refresh=10s" };

    fakehost_t  *fh;

    fh = fakehost_new();
    if (nrows) {
        fakehost_db_answer(fh, "sms.tariffs($1", nrows, 6, rows);
    }
    assert_int_equal(fakehost_start(fh, &prepaid_ops, conf, 1, err, sizeof(err)), SMS_OK);

    memset(&msg, 0, sizeof(msg));
    msg.brand = &brand;
    msg.tariff = 1;
    msg.klass = SMS_CLASS_COMMERCIAL;
    msg.parts = 2;
    msg.accepted_us = NOW_US;
    msg.to = (sms_str_t) SMS_STR("905321234567");

    return fh;
}


static const sms_quote_t *
quote(fakehost_t *fh, sms_rc_t rc)
{
    batch = fakehost_batch_of(FAKEHOST_BILLING_QUOTE, &msg, sizeof(msg), 1);
    call = fakehost_call(fh, FAKEHOST_BILLING_QUOTE, &batch->batch);
    assert_int_equal(fakehost_call_rc(fh, call), rc);

    return batch->batch.results;
}


static void
quoted(fakehost_t *fh)
{
    fakehost_call_end(fh, call);
    fakehost_batch_free(batch);
}


static void
check_refused(fakehost_t *fh, const char *word)
{
    const sms_quote_t  *q;

    q = quote(fh, SMS_OK);
    assert_int_equal(q->status, SMS_E_INVAL);
    assert_int_equal(q->amount_micro, 0);
    assert_int_equal(q->tariff.len, strlen(word));
    assert_memory_equal(q->tariff.ptr, word, q->tariff.len);
    quoted(fh);
}


static void
check_price(fakehost_t *fh, int64_t micro, const char *unit, const char *tariff)
{
    const sms_quote_t  *q;

    q = quote(fh, SMS_OK);
    assert_int_equal(q->status, SMS_OK);
    assert_int_equal(q->amount_micro, micro);
    assert_string_equal(q->unit, unit);
    assert_int_equal(q->tariff.len, strlen(tariff));
    assert_memory_equal(q->tariff.ptr, tariff, q->tariff.len);
    quoted(fh);
}


static void
stop(fakehost_t *fh)
{
    fakehost_stop(fh);
    assert_int_equal(fakehost_left(fh), 0);
    assert_int_equal(fakehost_violations(fh), 0);
    fakehost_free(fh);
}


static void
test_quote(void **state)
{
    fakehost_t  *fh;

    (void) state;
    fh = start(5);
    quote(fh, SMS_E_BUSY);
    quoted(fh);
    fakehost_advance(fh, 5);

    assert_int_equal(fakehost_db_count(fh), 1);
    assert_string_equal(strchr(fakehost_db_sent(fh, 0), '\n'), "\n2026-01-01T08:00:00.000Z");

    check_price(fh, 260000, "TRY", "1/90/commercial@2026-01-01T09:00:00.500Z");
    msg.accepted_us = FAKEHOST_EPOCH_US;
    check_price(fh, 240000, "TRY", "1/90/commercial");
    msg.klass = SMS_CLASS_OTP;
    msg.parts = 1;
    check_price(fh, 1, "CRD", "1/90/otp");

    msg.klass = SMS_CLASS_INFORMATIONAL;
    check_refused(fh, "no-tariff");
    msg.klass = SMS_CLASS_COMMERCIAL;
    msg.tariff = 2;
    check_refused(fh, "no-tariff");
    msg.tariff = 1;
    msg.to = (sms_str_t) SMS_STR("905338312345");
    check_refused(fh, "not-sold");
    msg.to = (sms_str_t) SMS_STR("447700900123");
    msg.parts = 1000;
    check_price(fh, 9223372036854775000, "TRY", "1/44/commercial");
    msg.parts = 1001;
    check_refused(fh, "no-amount");
    msg.parts = 0;
    check_refused(fh, "no-amount");

    stop(fh);
}


static void
test_database_comes_later(void **state)
{
    fakehost_t  *fh;
    uint32_t     i, asked;

    (void) state;
    fh = start(5);
    fakehost_fail(fh, FAKEHOST_ON_QUERY, 0, SMS_E_DOWN);
    fakehost_advance(fh, 60000);
    quote(fh, SMS_E_BUSY);
    quoted(fh);

    /* 200 ms, doubling up to 5 s */
    asked = fakehost_used(fh, FAKEHOST_ON_QUERY);
    assert_in_range(asked, 15, 20);
    assert_int_equal(fakehost_log_count(fh), 1);
    assert_string_equal(fakehost_log_line(fh, 0),
                        "warn: tariffs not read, nothing is sold yet: rc=-6");

    fakehost_fail(fh, FAKEHOST_ON_QUERY, 0, SMS_OK);
    for (i = 0; i < 51; i++) {
        fakehost_advance(fh, 100);
    }
    check_price(fh, 260000, "TRY", "1/90/commercial@2026-01-01T09:00:00.500Z");
    assert_string_equal(fakehost_log_line(fh, 1), "notice: tariffs read: prices=5");

    stop(fh);
}


static void
test_refresh(void **state)
{
    fakehost_t  *fh;
    uint32_t     n;

    (void) state;
    fh = start(5);
    fakehost_advance(fh, 35000);
    assert_int_equal(fakehost_db_count(fh), 4);

    fakehost_fail(fh, FAKEHOST_ON_ROWS, 0, SMS_E_TIMEOUT);
    fakehost_advance(fh, 60000);
    check_price(fh, 260000, "TRY", "1/90/commercial@2026-01-01T09:00:00.500Z");
    n = fakehost_log_count(fh);
    assert_string_equal(fakehost_log_line(fh, n - 1),
                        "warn: tariffs not read again, old prices stay: "
                        "rc=-4 sqlstate=08006");

    fakehost_fail(fh, FAKEHOST_ON_ROWS, 0, SMS_OK);
    fakehost_advance(fh, 60000);
    assert_int_equal(fakehost_log_count(fh), n + 1);
    check_price(fh, 260000, "TRY", "1/90/commercial@2026-01-01T09:00:00.500Z");

    stop(fh);
}


static void
test_no_timer(void **state)
{
    fakehost_t  *fh;
    uint32_t     asked;

    (void) state;
    fh = start(5);
    fakehost_fail(fh, FAKEHOST_ON_TIMER, 0, SMS_E_NOMEM);
    fakehost_advance(fh, 100);
    asked = fakehost_used(fh, FAKEHOST_ON_QUERY);
    check_price(fh, 260000, "TRY", "1/90/commercial@2026-01-01T09:00:00.500Z");
    assert_int_equal(fakehost_used(fh, FAKEHOST_ON_QUERY), asked + 1);

    /* one question at a time */
    check_price(fh, 260000, "TRY", "1/90/commercial@2026-01-01T09:00:00.500Z");
    assert_int_equal(fakehost_used(fh, FAKEHOST_ON_QUERY), asked + 1);

    stop(fh);
}


static void
test_strange_rows(void **state)
{
    static const char *const  bad[][6] = {
        { "1", "90", "3", "0", "120000", "try" },
        { "1", "90", "3", "0", "120000", "EURO" },
        { "1", "90", "3", "0", "120000", NULL },
        { "1", "90", "3", "0", "12.5", "TRY" },
        { "1", "90", "3", "0", "-1", "TRY" },
        { "1", "90", "3", "", "1", "TRY" },
        { "1", "90", "3", NULL, "1", "TRY" },
        { "1", "90", "7", "0", "1", "TRY" },
        { "1", "9a", "3", "0", "1", "TRY" },
        { "1", NULL, "3", "0", "1", "TRY" },
        { "-1", "90", "3", "0", "1", "TRY" },
        { "99999999999999999999", "90", "3", "0", "1", "TRY" }
    };
    static const char *const  conf[] = { "refresh=10s" };

    fakehost_t  *fh;
    size_t       i;

    (void) state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fh = fakehost_new();
        fakehost_db_answer(fh, "sms.tariffs($1", 1, 6, bad[i]);
        assert_int_equal(fakehost_start(fh, &prepaid_ops, conf, 1, err, sizeof(err)), SMS_OK);
        fakehost_advance(fh, 1000);
        quote(fh, SMS_E_BUSY);
        quoted(fh);
        assert_string_equal(fakehost_log_line(fh, 0), "warn: tariffs not read, "
                            "nothing is sold yet: row 1 is no price");
        stop(fh);
    }

    fh = start(0);
    fakehost_advance(fh, 1000);
    check_refused(fh, "no-tariff");
    stop(fh);
}


static void
test_not_granted(void **state)
{
    fakehost_t  *fh;

    (void) state;
    fh = fakehost_new();
    fakehost_grant(fh, 0);
    assert_int_equal(fakehost_start(fh, &prepaid_ops, NULL, 0, err, sizeof(err)),
                     SMS_E_DENIED);
    assert_string_equal(err, "billing/prepaid needs the grant \"db\"");
    fakehost_free(fh);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_database_comes_later),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_no_timer),
        cmocka_unit_test(test_strange_rows),
        cmocka_unit_test(test_not_granted)
    };

    return cmocka_run_group_tests_name("prepaid_quote", tests, NULL, NULL);
}
