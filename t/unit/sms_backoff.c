#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_backoff.h"


static void
backoff_grows(void **state)
{
    unsigned  i;
    int64_t   mean, least, most;

    (void) state;

    for (i = 1, mean = SMS_BACKOFF_FIRST_US; i < 40; i++, mean *= 2) {

        if (mean > SMS_BACKOFF_MAX_US || i > 6) {
            mean = SMS_BACKOFF_MAX_US;
        }

        least = sms_backoff_us(i, 0);
        most = sms_backoff_us(i, (uint32_t) (mean / 2));
        assert_int_equal(least, mean - mean / 4);
        assert_int_equal(most, mean + mean / 4);
    }

    assert_int_equal(sms_backoff_us(0, 0), sms_backoff_us(1, 0));
    assert_int_equal(sms_backoff_us(UINT32_MAX, 0), sms_backoff_us(7, 0));
}


static void
backoff_spread(void **state)
{
    uint32_t  i, random, low, high;
    int64_t   wait;

    (void) state;
    low = high = 0;
    random = 12345;

    for (i = 0; i < 10000; i++) {
        random = random * 1664525u + 1013904223u;
        wait = sms_backoff_us(3, random);
        assert_true(wait >= 3000000 && wait <= 5000000);
        low += wait < 3500000;
        high += wait > 4500000;
    }

    /* both ends of the span get their quarter */
    assert_true(low > 2000 && low < 3000);
    assert_true(high > 2000 && high < 3000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(backoff_grows),
        cmocka_unit_test(backoff_spread)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
