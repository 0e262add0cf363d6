/*
 * Which of many dated prices a message has.
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

#include "../../plugins/billing/prepaid/prepaid_prices.c"


static prepaid_prices_t  t;


static int
add(uint32_t tariff, const char *prefix, int klass, int64_t from, int64_t micro)
{
    prepaid_price_t  p;

    memset(&p, 0, sizeof(p));
    p.tariff = tariff;
    p.prefix = prepaid_prices_prefix(prefix, strlen(prefix));
    p.klass = (uint8_t) klass;
    p.valid_from_us = from;
    p.price_micro = micro;
    memcpy(p.unit, "TRY", 3);

    return prepaid_prices_add(&t, &p);
}


static int64_t
price(uint32_t tariff, int klass, const char *to, int64_t at)
{
    const prepaid_price_t  *p;

    p = prepaid_prices_find(&t, tariff, (uint8_t) klass, to, strlen(to), at);

    return p ? p->price_micro : -99;
}


static void
test_choice(void **state)
{
    (void) state;
    assert_int_equal(prepaid_prices_init(&t, 16), 0);

    assert_int_equal(add(1, "", 3, 0, 900), 0);
    assert_int_equal(add(1, "90", 3, 100, 100), 0);
    assert_int_equal(add(1, "90", 3, 300, 300), 0);
    assert_int_equal(add(1, "90", 3, 200, 200), 0);
    assert_int_equal(add(1, "90532", 3, 500, 50), 0);
    assert_int_equal(add(1, "90533", 3, 0, PREPAID_CLOSED), 0);
    assert_int_equal(add(1, "90", 1, 0, 11), 0);
    assert_int_equal(add(2, "90", 3, 0, 22), 0);
    assert_int_equal(add(2, "0", 3, 0, 33), 0);

    /* the newest price that is in force, to the microsecond */
    assert_int_equal(price(1, 3, "905421234567", 99), 900);
    assert_int_equal(price(1, 3, "905421234567", 100), 100);
    assert_int_equal(price(1, 3, "905421234567", 299), 200);
    assert_int_equal(price(1, 3, "905421234567", INT64_MAX), 300);

    /* the longest prefix, once its first price is in force */
    assert_int_equal(price(1, 3, "905321234567", 499), 300);
    assert_int_equal(price(1, 3, "905321234567", 500), 50);
    assert_int_equal(price(1, 3, "905331234567", 500), PREPAID_CLOSED);
    assert_int_equal(price(1, 3, "90", 500), 300);
    assert_int_equal(price(1, 3, "9", 500), 900);
    assert_int_equal(price(1, 3, "", 500), 900);
    assert_int_equal(price(1, 3, "491701234567", 500), 900);

    /* tariff and class are no prefixes of each other */
    assert_int_equal(price(1, 1, "905321234567", 500), 11);
    assert_int_equal(price(2, 3, "905321234567", 500), 22);
    assert_int_equal(price(2, 3, "0532", 500), 33);
    assert_int_equal(price(2, 1, "905321234567", 500), -99);
    assert_int_equal(price(2, 3, "491701234567", 500), -99);
    assert_int_equal(price(3, 3, "905321234567", 500), -99);
    assert_int_equal(price(1, 3, "90532x", 500), 50);
    assert_int_equal(price(1, 3, "9x0532", 500), 900);

    prepaid_prices_free(&t);
}


static void
test_refused(void **state)
{
    prepaid_price_t  p;

    (void) state;
    assert_int_equal(prepaid_prices_init(&t, 2), 0);

    assert_int_equal(prepaid_prices_prefix("1234567890123456", 16), 0);
    assert_int_equal(prepaid_prices_prefix("9 0", 3), 0);
    assert_int_equal(prepaid_prices_prefix("", 0), 1);
    assert_int_equal(prepaid_prices_prefix("00", 2), 100);

    assert_int_equal(add(1, "9x", 3, 0, 1), -1);
    assert_int_equal(add(1, "90", 0, 0, 1), -1);
    assert_int_equal(add(1, "90", 5, 0, 1), -1);
    assert_int_equal(add(1, "90", 3, 0, -2), -1);
    assert_int_equal(t.n, 0);

    memset(&p, 0, sizeof(p));
    p.prefix = 1;
    p.klass = 1;
    memcpy(p.unit, "Try", 3);
    assert_int_equal(prepaid_prices_add(&t, &p), -1);
    memcpy(p.unit, "TRYX", 4);
    assert_int_equal(prepaid_prices_add(&t, &p), -1);

    assert_int_equal(add(1, "90", 3, 0, 1), 0);
    assert_int_equal(add(1, "90", 3, 0, 2), -1);
    assert_int_equal(add(1, "90", 3, 1, 2), 0);
    assert_int_equal(add(1, "90", 3, 2, 2), -1);
    assert_int_equal(price(1, 3, "90", 9), 2);

    prepaid_prices_free(&t);
}


/* the table against the sentence in its header, taken literally */
static void
test_against_model(void **state)
{
    enum { N = 3000 };

    static struct { uint32_t tariff; char prefix[8]; int klass; int64_t from, micro; } rows[N];

    uint32_t  seed, i, k, n;
    int64_t   best_from, want;
    size_t    best_len, len;
    char      to[16];

    (void) state;
    seed = 12345;
    assert_int_equal(prepaid_prices_init(&t, N), 0);

    for (i = 0, n = 0; i < N; i++) {
        seed = seed * 1103515245 + 12345;
        rows[n].tariff = seed >> 16 & 1;
        rows[n].klass = 1 + (int) (seed >> 17 & 3);
        rows[n].from = (int64_t) (seed >> 19 & 15);
        rows[n].micro = (int64_t) i;
        len = seed >> 23 & 3;
        seed = seed * 1103515245 + 12345;
        snprintf(rows[n].prefix, sizeof(rows[n].prefix), "%04u", seed >> 16 & 1023);
        rows[n].prefix[len] = '\0';
        if (add(rows[n].tariff, rows[n].prefix, rows[n].klass, rows[n].from, rows[n].micro)
            == 0)
        {
            n++;
        }
    }
    assert_true(n > 300);

    for (i = 0; i < 4000; i++) {
        seed = seed * 1103515245 + 12345;
        snprintf(to, sizeof(to), "%04u", seed >> 16 & 1023);
        want = -99;
        best_len = 0;
        best_from = -1;
        for (k = 0; k < n; k++) {
            len = strlen(rows[k].prefix);
            if (rows[k].tariff == (i & 1) && rows[k].klass == 1 + (int) (i >> 1 & 3)
                && strncmp(rows[k].prefix, to, len) == 0 && rows[k].from <= (i >> 3 & 15)
                && (want == -99 || len > best_len
                    || (len == best_len && rows[k].from > best_from)))
            {
                want = rows[k].micro;
                best_len = len;
                best_from = rows[k].from;
            }
        }
        assert_int_equal(price(i & 1, 1 + (int) (i >> 1 & 3), to, i >> 3 & 15), want);
    }

    prepaid_prices_free(&t);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_against_model)
    };

    return cmocka_run_group_tests_name("prepaid_prices", tests, NULL, NULL);
}
