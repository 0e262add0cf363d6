#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_msisdn.h"


typedef struct {
    const char  *text;
    int          rc;
    int64_t      number;
    unsigned     flags;
} row_t;


static void
test_forms(void **state)
{
    int           rc;
    size_t        i;
    char          plus[24];
    sms_msisdn_t  m;

    static const row_t  rows[] = {
        { "05321234567", 0, 905321234567, 0 },
        { "5321234567", 0, 905321234567, 0 },
        { "905321234567", 0, 905321234567, 0 },
        { "+905321234567", 0, 905321234567, 0 },
        { "00905321234567", 0, 905321234567, 0 },
        { "0532 123 45 67", 0, 905321234567, 0 },
        { "(0532) 123-45-67", 0, 905321234567, 0 },
        { "+90 (532) 123.45.67", 0, 905321234567, 0 },
        { "  0532.123.45.67 ", 0, 905321234567, 0 },
        { "(+90) 532 123 45 67", 0, 905321234567, 0 },

        { "", SMS_MSISDN_E_EMPTY, 0, 0 },
        { " - ", SMS_MSISDN_E_EMPTY, 0, 0 },
        { "+", SMS_MSISDN_E_EMPTY, 0, 0 },
        { "abc", SMS_MSISDN_E_CHARACTER, 0, 0 },
        { "0532123456a", SMS_MSISDN_E_CHARACTER, 0, 0 },
        { "0532/1234567", SMS_MSISDN_E_CHARACTER, 0, 0 },
        { "++905321234567", SMS_MSISDN_E_CHARACTER, 0, 0 },
        { "90+5321234567", SMS_MSISDN_E_CHARACTER, 0, 0 },
        { "0532\u00A01234567", SMS_MSISDN_E_CHARACTER, 0, 0 },
        { "\uFF10\uFF15", SMS_MSISDN_E_CHARACTER, 0, 0 },

        { "532123456", SMS_MSISDN_E_SHORT, 0, 0 },
        { "0532123456", SMS_MSISDN_E_SHORT, 0, 0 },
        { "90532123456", SMS_MSISDN_E_SHORT, 0, 0 },
        { "+90", SMS_MSISDN_E_SHORT, 0, 0 },
        { "00", SMS_MSISDN_E_SHORT, 0, 0 },
        { "4605", SMS_MSISDN_E_SHORT, 0, 0 },
        { "112", SMS_MSISDN_E_SHORT, 0, 0 },
        { "053212345678", SMS_MSISDN_E_LONG, 0, 0 },
        { "53212345678", SMS_MSISDN_E_LONG, 0, 0 },
        { "+9053212345678", SMS_MSISDN_E_LONG, 0, 0 },
        { "05321234567 05321234568", SMS_MSISDN_E_LONG, 0, 0 },

        { "+9005321234567", SMS_MSISDN_E_EXTRA_ZERO, 0, 0 },
        { "9005321234567", SMS_MSISDN_E_EXTRA_ZERO, 0, 0 },
        { "009005321234567", SMS_MSISDN_E_EXTRA_ZERO, 0, 0 },
        { "+90 (0532) 123 45 67", SMS_MSISDN_E_EXTRA_ZERO, 0, 0 },

        { "02121234567", SMS_MSISDN_E_LANDLINE, 0, 0 },
        { "+903121234567", SMS_MSISDN_E_LANDLINE, 0, 0 },
        { "4241234567", SMS_MSISDN_E_LANDLINE, 0, 0 },
        { "4441444", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "444 1 444", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "04441444", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "08501234567", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "+908501234567", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "8001234567", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "9001234567", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "09001234567", SMS_MSISDN_E_SPECIAL, 0, 0 },
        { "0 612 123 45 67", SMS_MSISDN_E_NOT_MOBILE, 0, 0 },
        { "1612123456", SMS_MSISDN_E_NOT_MOBILE, 0, 0 },

        { "05121234567", SMS_MSISDN_E_PAGING, 0, 0 },
        { "05241234567", SMS_MSISDN_E_PAGING, 0, 0 },
        { "05921234567", SMS_MSISDN_E_PAGING, 0, 0 },
        { "05941234567", SMS_MSISDN_E_PAGING, 0, 0 },
        { "05961234567", SMS_MSISDN_E_PAGING, 0, 0 },

        { "05001234567", 0, 905001234567, SMS_MSISDN_UNKNOWN_PREFIX },
        { "05201234567", 0, 905201234567, SMS_MSISDN_UNKNOWN_PREFIX },
        { "05991234567", 0, 905991234567, SMS_MSISDN_UNKNOWN_PREFIX },
        { "05338212345", 0, 905338212345, 0 },
        { "05338312345", 0, 905338312345, SMS_MSISDN_KKTC },
        { "05338712345", 0, 905338712345, SMS_MSISDN_KKTC },
        { "05338812345", 0, 905338812345, 0 },
        { "05428412345", 0, 905428412345, 0 },
        { "05428512345", 0, 905428512345, SMS_MSISDN_KKTC },
        { "05428812345", 0, 905428812345, SMS_MSISDN_KKTC },
        { "05428912345", 0, 905428912345, 0 },

        { "+491711234567", 0, 491711234567, SMS_MSISDN_FOREIGN },
        { "00 49 171 1234567", 0, 491711234567, SMS_MSISDN_FOREIGN },
        { "+12025550123", 0, 12025550123, SMS_MSISDN_FOREIGN },
        { "+1202555012", SMS_MSISDN_E_SHORT, 0, 0 },
        { "+120255501234", SMS_MSISDN_E_LONG, 0, 0 },
        { "+2101234567", SMS_MSISDN_E_COUNTRY, 0, 0 },
        { "+0532123456", SMS_MSISDN_E_COUNTRY, 0, 0 },
        { "491711234567", SMS_MSISDN_E_LONG, 0, 0 },
        { "+4917112345678901", SMS_MSISDN_E_LONG, 0, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rc = sms_msisdn_parse(rows[i].text, strlen(rows[i].text), &m);

        if (rc != rows[i].rc || m.number != rows[i].number
            || m.flags != rows[i].flags)
        {
            fail_msg("\"%s\": %s, %lld, flags %u", rows[i].text,
                     sms_msisdn_slug(rc), (long long) m.number, m.flags);
        }

        if (rc != 0) {
            assert_int_equal(m.text_len, 0);
            continue;
        }

        snprintf(plus, sizeof(plus), "+%lld", (long long) m.number);
        assert_string_equal(m.text, plus);
        assert_int_equal(m.text_len, strlen(plus));

        /* what was stored says the same again */
        assert_int_equal(sms_msisdn_from_number(m.number, &m), 0);
        assert_string_equal(m.text, plus);
        assert_int_equal(m.flags, rows[i].flags);
    }
}


static void
test_networks(void **state)
{
    size_t        i;
    sms_msisdn_t  m;

    static const struct {
        const char  *number, *network;
        unsigned     mcc, mnc;
    } rows[] = {
        { "5301234567", "Turkcell", 286, 1 },
        { "5391234567", "Turkcell", 286, 1 },
        { "5401234567", "Vodafone", 286, 2 },
        { "5491234567", "Vodafone", 286, 2 },
        { "5011234567", "Turk Telekom", 286, 3 },
        { "5051234567", "Turk Telekom", 286, 3 },
        { "5061234567", "Turk Telekom", 286, 3 },
        { "5071234567", "Turk Telekom", 286, 3 },
        { "5511234567", "Turk Telekom", 286, 3 },
        { "5551234567", "Turk Telekom", 286, 3 },
        { "5591234567", "Turk Telekom", 286, 3 },
        { "5161612345", "Turkcell", 286, 1 },
        { "5616112345", "Turkcell", 286, 1 },
        { "5162112345", "", 0, 0 },
        { "5102201234", "Netgsm", 0, 0 },
        { "5102241234", "Netgsm", 0, 0 },
        { "5102251234", "", 0, 0 },
        { "5102271234", "Netgsm", 0, 0 },
        { "5610111234", "selam", 0, 0 },
        { "5202201234", "", 0, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_msisdn_parse(rows[i].number, 10, &m), 0);
        assert_string_equal(m.network, rows[i].network);
        assert_int_equal(m.mcc, rows[i].mcc);
        assert_int_equal(m.mnc, rows[i].mnc);
        assert_memory_equal(m.country, "TR", 2);
    }
}


static void
test_countries(void **state)
{
    size_t        i;
    sms_msisdn_t  m;

    static const struct {
        const char  *number, *country;
    } rows[] = {
        { "+491711234567", "DE" }, { "+12125550123", "US" },
        { "+14165550123", "CA" }, { "+12425550123", "BS" },
        { "+79161234567", "RU" }, { "+77011234567", "KZ" },
        { "+447911123456", "GG" }, { "+447712345678", "GB" },
        { "+35796123456", "CY" }, { "+994501234567", "AZ" },
        { "+393201234567", "IT" }, { "+4740123456", "NO" },
        { "+905321234567", "TR" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_msisdn_parse(rows[i].number,
                                          strlen(rows[i].number), &m), 0);
        assert_memory_equal(m.country, rows[i].country, 2);
    }
}


static void
test_from_number(void **state)
{
    sms_msisdn_t  m;

    (void) state;

    assert_int_equal(sms_msisdn_from_number(0, &m), SMS_MSISDN_E_EMPTY);
    assert_int_equal(sms_msisdn_from_number(-5, &m), SMS_MSISDN_E_EMPTY);

    /* a stored number has its country: +53 is Cuba, not 0532 */
    assert_int_equal(sms_msisdn_from_number(5321234567, &m), 0);
    assert_memory_equal(m.country, "CU", 2);
    assert_int_equal(m.flags, SMS_MSISDN_FOREIGN);

    assert_int_equal(sms_msisdn_from_number(INT64_MAX, &m),
                     SMS_MSISDN_E_LONG);
    assert_int_equal(sms_msisdn_from_number(902121234567, &m),
                     SMS_MSISDN_E_LANDLINE);
}


static void
test_mask(void **state)
{
    char  out[20];

    (void) state;

    assert_int_equal(sms_msisdn_mask(905321234567, out), 13);
    assert_string_equal(out, "+90532*****67");
    assert_int_equal(sms_msisdn_mask(491711234567, out), 13);
    assert_string_equal(out, "+491*******67");
    sms_msisdn_mask(4605, out);
    assert_string_equal(out, "+****");
    sms_msisdn_mask(INT64_MAX, out);
    assert_string_equal(out, "+");
    sms_msisdn_mask(-1, out);
    assert_string_equal(out, "+");
}


static void
test_tables(void **state)
{
    size_t    i, k;
    uint32_t  v;

    static const struct {
        uint32_t  prefix;
        unsigned  digits;
    } mobile[] = {
#define SMS_MSISDN_PREFIX(prefix, digits, network, mnc, flags)               \
        { prefix, digits },
#include "sms_msisdn.def"
    };

    static const struct {
        const char  *prefix, *country;
        unsigned     shortest, longest;
    } country[] = {
#define SMS_COUNTRY(prefix, country, shortest, longest)                      \
        { prefix, country, shortest, longest },
#include "sms_country.def"
    };

    (void) state;

    for (i = 0; i < sizeof(mobile) / sizeof(mobile[0]); i++) {
        assert_in_range(mobile[i].digits, 3, 6);

        for (v = mobile[i].prefix, k = 0; v; v /= 10) {
            k++;
        }

        assert_int_equal(k, mobile[i].digits);

        for (k = 0; k < i; k++) {
            assert_int_not_equal(mobile[i].prefix, mobile[k].prefix);
        }
    }

    for (i = 0; i < sizeof(country) / sizeof(country[0]); i++) {
        assert_int_equal(strlen(country[i].country), 2);
        assert_in_range(strlen(country[i].prefix), 1, 7);
        assert_true(country[i].shortest > strlen(country[i].prefix));
        assert_true(country[i].shortest <= country[i].longest);
        assert_true(country[i].longest <= 15);

        if (i) {
            assert_true(strcmp(country[i - 1].prefix, country[i].prefix) < 0);
        }
    }
}


static void
test_slugs(void **state)
{
    int  i, k;

    (void) state;

    for (i = 0; i <= SMS_MSISDN_E_COUNTRY; i++) {
        for (k = 0; k < i; k++) {
            assert_string_not_equal(sms_msisdn_slug(i), sms_msisdn_slug(k));
        }
    }

    assert_string_equal(sms_msisdn_slug(SMS_MSISDN_E_PAGING), "paging");
    assert_string_equal(sms_msisdn_slug(-1), "unknown");
    assert_string_equal(sms_msisdn_slug(99), "unknown");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_countries),
        cmocka_unit_test(test_from_number),
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_slugs),
    };

    return cmocka_run_group_tests_name("sms_msisdn", tests, NULL, NULL);
}
