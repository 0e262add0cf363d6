#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_gsm7.h"
#include "sms_translit.h"


static void
test_translit(void **state)
{
    char    out[128];
    size_t  i, n, changed;

    static const struct {
        unsigned     flags;
        const char  *from, *to;
        size_t       changed;
    } rows[] = {
        { 0, "çÇğ€\u2019", "çÇğ€\u2019", 0 },
        { SMS_TRANSLIT_FULL, "çÇğĞıIiİöÖşŞüÜ", "cCgGiIiIoOsSuU", 12 },
        { SMS_TRANSLIT_MINIMAL, "çÇğĞıIiİöÖşŞüÜ", "cÇgGiIiIöÖsSüÜ", 7 },
        { SMS_TRANSLIT_MINIMAL|SMS_TRANSLIT_FULL, "ÇçÖ", "CcO", 3 },
        { SMS_TRANSLIT_FULL, "kâğıt", "kâgit", 2 },
        { SMS_TRANSLIT_FULL|SMS_TRANSLIT_ACCENTS, "kâğıt îû ÂÎÛ",
          "kagit iu AIU", 8 },
        { SMS_TRANSLIT_CURRENCY, "5€ 10₺", "5EUR 10TL", 2 },
        { SMS_TRANSLIT_PUNCT, "\u2018a\u2019 \u201Cb\u201D\u201E \u2013\u2014"
          "\u2026\u00A0\t₺ €", "'a' \"b\"\" --...  TL €", 11 },
        { SMS_TRANSLIT_FULL, "ж😀", "ж😀", 0 },
        { SMS_TRANSLIT_FULL, "ŞİRKET", "SIRKET", 2 },
        { SMS_TRANSLIT_FULL, "a\xFFş", "a\xFFs", 1 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = sms_translit(rows[i].from, strlen(rows[i].from), rows[i].flags,
                         out, &changed);
        out[n] = '\0';
        assert_string_equal(out, rows[i].to);
        assert_int_equal(changed, rows[i].changed);

        /* in place */
        strcpy(out, rows[i].from);
        n = sms_translit(out, strlen(out), rows[i].flags, out, NULL);
        out[n] = '\0';
        assert_string_equal(out, rows[i].to);
    }
}


/* What the switches are for: the text fits into the default alphabet. */
static void
test_becomes_gsm7(void **state)
{
    char         out[128];
    size_t       n;
    uint8_t      septets[128];
    const char  *text;

    (void) state;

    text = "Çığlık, şeker; \u201Ckâğıt\u201D \u2013 5₺\u2026 Ğ İ";
    assert_int_equal(sms_gsm7_encode(text, strlen(text), 0, septets, 128), -1);

    n = sms_translit(text, strlen(text), SMS_TRANSLIT_MINIMAL
                     |SMS_TRANSLIT_ACCENTS|SMS_TRANSLIT_PUNCT, out, NULL);
    assert_true(sms_gsm7_encode(out, n, 0, septets, 128) > 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_translit),
        cmocka_unit_test(test_becomes_gsm7),
    };

    return cmocka_run_group_tests_name("sms_translit", tests, NULL, NULL);
}
