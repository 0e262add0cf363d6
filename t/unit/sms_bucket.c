#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_bucket.h"

#define S  INT64_C(1000000)


static void
test_take(void **state)
{
    int64_t             wait;
    sms_bucket_t        b;
    sms_bucket_limit_t  l;

    (void) state;

    l.rate_milli = 10000;               /* 10 a second                    */
    l.burst = 5;
    sms_bucket_init(&b, &l, 0);

    assert_int_equal(sms_bucket_level(&b, &l, 0), 5);
    assert_true(sms_bucket_take(&b, &l, 0, 5, &wait));
    assert_int_equal(wait, 0);
    assert_false(sms_bucket_take(&b, &l, 0, 1, &wait));
    assert_int_equal(wait, 100000);
    assert_false(sms_bucket_take(&b, &l, 99999, 1, &wait));
    assert_int_equal(wait, 1);
    assert_true(sms_bucket_take(&b, &l, 100000, 1, NULL));

    /* not above the burst, however long nobody came */
    assert_int_equal(sms_bucket_level(&b, &l, 3600 * S), 5);
    assert_false(sms_bucket_take(&b, &l, 3600 * S, 6, &wait));
    assert_true(wait == INT64_MAX);
    assert_int_equal(sms_bucket_level(&b, &l, 3600 * S), 5);

    /* a refused take takes nothing */
    assert_true(sms_bucket_take(&b, &l, 3600 * S, 3, NULL));
    assert_false(sms_bucket_take(&b, &l, 3600 * S, 3, &wait));
    assert_int_equal(wait, 100000);
    assert_true(sms_bucket_take(&b, &l, 3600 * S, 2, NULL));

    assert_true(sms_bucket_take(&b, &l, 3600 * S, 0, &wait));
    assert_true(sms_bucket_take(&b, &l, 3600 * S, -3, &wait));
    assert_int_equal(sms_bucket_level(&b, &l, 3600 * S), 0);
}


/* ten a minute, asked every millisecond: no rounding eats the rate */
static void
test_exact(void **state)
{
    int                 taken;
    int64_t             t;
    sms_bucket_t        b;
    sms_bucket_limit_t  l;

    (void) state;

    l.rate_milli = 167;                 /* 10.02 a minute                 */
    l.burst = 1;
    sms_bucket_init(&b, &l, 0);
    taken = 0;

    for (t = 0; t <= 1000 * S; t += 1000) {
        taken += sms_bucket_take(&b, &l, t, 1, NULL);
    }

    assert_int_equal(taken, 167);       /* 1 + 166.x, each waits for a ms */
}


static void
test_clock(void **state)
{
    int64_t             wait;
    sms_bucket_t        b;
    sms_bucket_limit_t  l;

    (void) state;

    l.rate_milli = 1000;
    l.burst = 10;
    sms_bucket_init(&b, &l, 100 * S);
    assert_true(sms_bucket_take(&b, &l, 100 * S, 10, NULL));

    /* back: nothing is refilled, and the same second is not given twice */
    assert_int_equal(sms_bucket_level(&b, &l, 50 * S), 0);
    assert_int_equal(sms_bucket_level(&b, &l, 101 * S), 1);
    assert_int_equal(sms_bucket_level(&b, &l, 100 * S), 1);
    assert_int_equal(sms_bucket_level(&b, &l, 101 * S), 1);

    /* the whole range of a clock */
    b.at_us = INT64_MIN;
    assert_int_equal(sms_bucket_level(&b, &l, INT64_MAX), 10);

    /* rate 0 never refills; a negative one is 0 */
    l.rate_milli = 0;
    sms_bucket_init(&b, &l, 0);
    assert_true(sms_bucket_take(&b, &l, 0, 10, NULL));
    assert_false(sms_bucket_take(&b, &l, INT64_MAX, 1, &wait));
    assert_true(wait == INT64_MAX);
    l.rate_milli = -5;
    assert_false(sms_bucket_take(&b, &l, INT64_MAX, 1, &wait));
    assert_true(wait == INT64_MAX);
}


static void
test_limits(void **state)
{
    int64_t             wait;
    sms_bucket_t        b;
    sms_bucket_limit_t  l;

    (void) state;

    l.rate_milli = INT64_MAX;
    l.burst = INT64_MAX;
    sms_bucket_init(&b, &l, 0);
    assert_int_equal(sms_bucket_level(&b, &l, 1), SMS_BUCKET_TOKENS_MAX);
    assert_false(sms_bucket_take(&b, &l, 1, INT64_MAX, &wait));
    assert_true(wait == INT64_MAX);
    assert_true(sms_bucket_take(&b, &l, 1, SMS_BUCKET_TOKENS_MAX, &wait));
    assert_int_equal(sms_bucket_level(&b, &l, 2), 1000);

    /* a smaller burst takes what is above it */
    l.burst = 3;
    l.rate_milli = 1;
    assert_int_equal(sms_bucket_level(&b, &l, 3), 3);

    assert_true(sms_bucket_take(&b, &l, 3, 3, NULL));
    sms_bucket_give(&b, &l, 2);
    assert_int_equal(sms_bucket_level(&b, &l, 3), 2);
    sms_bucket_give(&b, &l, INT64_MAX);
    assert_int_equal(sms_bucket_level(&b, &l, 3), 3);
    sms_bucket_give(&b, &l, -2);
    assert_int_equal(sms_bucket_level(&b, &l, 3), 3);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests_name("sms_bucket", tests, NULL, NULL);
}
