#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_header.h"


static void
test_check(void **state)
{
    int     rc, mode;
    size_t  i;

    static const struct {
        const char  *text;
        int          strict, lax;
    } rows[] = {
        { "ORNEK", 0, 0 }, { "ABC", 0, 0 }, { "ORNEKMARKA1", 0, 0 },
        { "A.B-C D", 0, 0 }, { "1A2", 0, 0 }, { "A.S", 0, 0 },
        { "ORNEK A.S", 0, 0 }, { "SMS ORNEK", 0, 0 },
        { "Ornek", SMS_HEADER_E_LOWER, 0 },
        { "ORNEK*1", SMS_HEADER_E_CHARACTER, 0 },
        { "", SMS_HEADER_E_SHORT, SMS_HEADER_E_SHORT },
        { "AB", SMS_HEADER_E_SHORT, SMS_HEADER_E_SHORT },
        { "ABCDEFGHIJKL", SMS_HEADER_E_LONG, SMS_HEADER_E_LONG },
        { "ŞİRKET", SMS_HEADER_E_TURKISH, SMS_HEADER_E_TURKISH },
        { "ABCDEFGHIJŞ", SMS_HEADER_E_TURKISH, SMS_HEADER_E_TURKISH },
        { "KAĞIT", SMS_HEADER_E_TURKISH, SMS_HEADER_E_TURKISH },
        { "ışık", SMS_HEADER_E_TURKISH, SMS_HEADER_E_TURKISH },
        { "ORNEK_1", SMS_HEADER_E_CHARACTER, SMS_HEADER_E_CHARACTER },
        { "ORN\xFF" "EK", SMS_HEADER_E_CHARACTER, SMS_HEADER_E_CHARACTER },
        { "жук", SMS_HEADER_E_CHARACTER, SMS_HEADER_E_CHARACTER },
        { " ORNEK", SMS_HEADER_E_EDGE, SMS_HEADER_E_EDGE },
        { "ORNEK.", SMS_HEADER_E_EDGE, SMS_HEADER_E_EDGE },
        { "-ORNEK", SMS_HEADER_E_EDGE, SMS_HEADER_E_EDGE },
        { "ORNEK*", SMS_HEADER_E_CHARACTER, SMS_HEADER_E_EDGE },
        { "4605", SMS_HEADER_E_NUMERIC, SMS_HEADER_E_NUMERIC },
        { "850 123", SMS_HEADER_E_NUMERIC, SMS_HEADER_E_NUMERIC },
        { "INFO", SMS_HEADER_E_GENERIC, SMS_HEADER_E_GENERIC },
        { "SMS", SMS_HEADER_E_GENERIC, SMS_HEADER_E_GENERIC },
        { "SMS INFO", SMS_HEADER_E_GENERIC, SMS_HEADER_E_GENERIC },
        { "SMS-ALERT", SMS_HEADER_E_GENERIC, SMS_HEADER_E_GENERIC },
        { "OFFER", SMS_HEADER_E_GENERIC, SMS_HEADER_E_GENERIC },
        { "NOTICE", SMS_HEADER_E_GENERIC, SMS_HEADER_E_GENERIC },
        { "Info", SMS_HEADER_E_LOWER, SMS_HEADER_E_GENERIC },
        { "ORNEK.COM", SMS_HEADER_E_DOMAIN, SMS_HEADER_E_DOMAIN },
        { "ORNEK.TR", SMS_HEADER_E_DOMAIN, SMS_HEADER_E_DOMAIN },
        { "A.COM.TR", SMS_HEADER_E_DOMAIN, SMS_HEADER_E_DOMAIN },
        { "WWW.ORNEK", SMS_HEADER_E_DOMAIN, SMS_HEADER_E_DOMAIN },
        { "ornek.net", SMS_HEADER_E_LOWER, SMS_HEADER_E_DOMAIN },
        { "WWW", 0, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (mode = SMS_HEADER_STRICT; mode <= SMS_HEADER_LAX; mode++) {
            rc = sms_header_check(rows[i].text, strlen(rows[i].text), mode);

            if (rc != (mode == SMS_HEADER_STRICT ? rows[i].strict
                                                 : rows[i].lax))
            {
                fail_msg("\"%s\" mode %d: %s", rows[i].text, mode,
                         sms_header_slug(rc));
            }
        }
    }
}


static void
test_suggest(void **state)
{
    char    out[12];
    size_t  i;

    static const struct {
        const char  *from, *to;
    } rows[] = {
        { "Şirket", "SIRKET" },
        { "Örnek Mağazacılık", "ORNEK MAGAZ" },
        { "  örnek!", "ORNEK" },
        { "\"A&B\"", "AB" },
        { "Örnek Gıda Ltd.", "ORNEK GIDA" },
        { "жук", "" },
        { "a\xFF" "b\xFF" "c", "ABC" },
        { "", "" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_header_suggest(rows[i].from,
                                            strlen(rows[i].from), out),
                         strlen(rows[i].to));
        assert_string_equal(out, rows[i].to);
    }
}


static void
test_slugs(void **state)
{
    int  i, k;

    (void) state;

    for (i = 0; i <= SMS_HEADER_E_DOMAIN; i++) {
        for (k = 0; k < i; k++) {
            assert_string_not_equal(sms_header_slug(i), sms_header_slug(k));
        }
    }

    assert_string_equal(sms_header_slug(SMS_HEADER_E_DOMAIN), "domain");
    assert_string_equal(sms_header_slug(-1), "unknown");
    assert_string_equal(sms_header_slug(SMS_HEADER_E_DOMAIN + 1), "unknown");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_suggest),
        cmocka_unit_test(test_slugs),
    };

    return cmocka_run_group_tests_name("sms_header", tests, NULL, NULL);
}
