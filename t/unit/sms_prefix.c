#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_prefix.h"


static void
test_find(void **state)
{
    size_t        i;
    uint32_t      v;
    sms_prefix_t  t;

    static const struct {
        const char  *digits;
        int          len;
        uint32_t     value;
    } rows[] = {
        { "905321234567", 5, 532 }, { "905301234567", 3, 5 },
        { "905338312345", 7, 53383 }, { "905338", 3, 5 }, { "90", 2, 90 },
        { "9", 0, 1000 }, { "", 0, 1000 }, { "491711234567", 2, 49 },
        { "90532x", 5, 532 }, { "90x5", 2, 90 }, { "x", 0, 1000 },
    };

    (void) state;

    memset(&t, 0, sizeof(t));
    assert_int_equal(sms_prefix_find(&t, "90", 2, &v), -1);

    assert_int_equal(sms_prefix_add(&t, "90", 2, 90), 0);
    assert_int_equal(sms_prefix_add(&t, "905", 3, 5), 0);
    assert_int_equal(sms_prefix_add(&t, "9053", 4, 532), 0);
    assert_int_equal(sms_prefix_add(&t, "9053", 4, 1), SMS_PREFIX_E_EXISTS);
    assert_int_equal(sms_prefix_add(&t, "49", 2, 49), 0);
    assert_int_equal(sms_prefix_find(&t, "33", 2, &v), -1);
    assert_int_equal(sms_prefix_find(&t, "", 0, &v), -1);
    assert_int_equal(sms_prefix_find_number(&t, 905321234567, &v), 4);
    assert_int_equal(v, 532);
    sms_prefix_free(&t);

    assert_int_equal(sms_prefix_add(&t, "", 0, 1000), 0);
    assert_int_equal(sms_prefix_add(&t, "90", 2, 90), 0);
    assert_int_equal(sms_prefix_add(&t, "905", 3, 5), 0);
    assert_int_equal(sms_prefix_add(&t, "49", 2, 49), 0);
    assert_int_equal(sms_prefix_add(&t, "9053383", 7, 53383), 0);
    assert_int_equal(sms_prefix_add(&t, "90532", 5, 532), 0);

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        v = 4711;
        assert_int_equal(sms_prefix_find(&t, rows[i].digits,
                                         strlen(rows[i].digits), &v),
                         rows[i].len);
        assert_int_equal(v, rows[i].value);
    }

    assert_int_equal(sms_prefix_find_number(&t, 0, &v), 0);
    assert_int_equal(sms_prefix_find_number(&t, INT64_MAX, &v), 0);
    assert_int_equal(sms_prefix_find_number(&t, -1, &v), -1);

    assert_int_equal(sms_prefix_add(&t, "9a", 2, 1), SMS_PREFIX_E_INVALID);
    assert_int_equal(sms_prefix_add(&t, "1", 1, UINT32_MAX),
                     SMS_PREFIX_E_INVALID);
    assert_int_equal(sms_prefix_add(&t, "1234567890123456789", 19, 1),
                     SMS_PREFIX_E_INVALID);

    sms_prefix_free(&t);
    assert_int_equal(sms_prefix_find(&t, "90", 2, &v), -1);
    sms_prefix_free(&t);
}


/* against the obvious way, on random prefixes */
static void
test_oracle(void **state)
{
    int           best, got;
    char          prefixes[500][8], number[13];
    size_t        len[500], i, k, n;
    uint32_t      v, want;
    sms_prefix_t  t;

    (void) state;

    memset(&t, 0, sizeof(t));
    srand(42);

    for (n = 0; n < 500; /* void */ ) {
        len[n] = 1 + (size_t) rand() % 7;

        for (k = 0; k < len[n]; k++) {
            prefixes[n][k] = (char) ('0' + rand() % 4);
        }

        if (sms_prefix_add(&t, prefixes[n], len[n], (uint32_t) n) == 0) {
            n++;
        }
    }

    for (i = 0; i < 20000; i++) {

        for (k = 0; k < 12; k++) {
            number[k] = (char) ('0' + rand() % 5);
        }

        best = -1;
        want = 0;

        for (k = 0; k < 500; k++) {
            if ((int) len[k] > best && memcmp(prefixes[k], number, len[k]) == 0)
            {
                best = (int) len[k];
                want = (uint32_t) k;
            }
        }

        got = sms_prefix_find(&t, number, 12, &v);
        assert_int_equal(got, best);

        if (best >= 0) {
            assert_int_equal(v, want);
        }
    }

    sms_prefix_free(&t);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_oracle),
    };

    return cmocka_run_group_tests_name("sms_prefix", tests, NULL, NULL);
}
