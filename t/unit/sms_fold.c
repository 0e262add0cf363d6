#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_fold.h"
#include "sms_utf8.h"


static void
test_fold(void **state)
{
    char    out[128];
    size_t  i, n;

    static const struct {
        const char  *from, *to;
    } rows[] = {
        { "", "" },
        { "iıİI", "IIII" },
        { "çÇğĞöÖşŞüÜ", "CCGGOOSSUU" },
        { "Örnek Mağazacılık A.Ş.", "ORNEK MAGAZACILIK A.S." },
        { "âîû", "AIU" },
        { "i\u0307ptal", "IPTAL" },
        { "s\u0327irket", "SIRKET" },
        { "straße", "STRASSE" },
        { "Ænima œuvre", "AENIMA OEUVRE" },
        { "\uFF32\uFF25\uFF34", "RET" },
        { "i\u00ADn\u200Bd\u2060irim", "INDIRIM" },
        { "a\u00A0b\u2003c\td", "A B C D" },
        { "\u201Cevet\u201D \u2018a\u2019 \u2013\u2014", "\"EVET\" 'A' --" },
        { "\u00ABx\u00BB", "\"X\"" },
        { "50\u20BA 5\u20AC\u2026", "50TL 5EUR..." },
        { "ж😀", "ж😀" },
        { "\u1E9E\u1E62", "SSS" },
        { "a\xFFz", "A?Z" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = sms_fold(rows[i].from, strlen(rows[i].from), out, NULL);
        out[n] = '\0';
        assert_string_equal(out, rows[i].to);
    }
}


static void
test_map(void **state)
{
    char         out[64];
    size_t       n;
    uint32_t     map[65];
    const char  *text, *at;

    (void) state;

    /* a soft hyphen inside and a letter of two bytes before the match */
    text = "ş İndi\u00ADrim!";
    n = sms_fold(text, strlen(text), out, map);

    out[n] = '\0';
    assert_string_equal(out, "S INDIRIM!");

    at = strstr(out, "INDIRIM");
    assert_int_equal(map[at - out], 3);
    assert_int_equal(map[at - out + 7], strlen(text) - 1);
    assert_int_equal(map[n], strlen(text));

    /* all bytes of one character point at its beginning */
    n = sms_fold("x\u2026y", 5, out, map);
    assert_int_equal(n, 5);
    assert_int_equal(map[1], 1);
    assert_int_equal(map[3], 1);
    assert_int_equal(map[4], 4);
}


/* No character grows, all results are ASCII, and folding twice changes nothing. */
static void
test_every_code_point(void **state)
{
    char      in[4], out[4], again[4];
    size_t    n, len, i;
    uint32_t  cp;

    (void) state;

    for (cp = 0; cp < 0x110000; cp++) {
        n = sms_utf8_put(in, cp);

        if (n == 0) {
            continue;
        }

        len = sms_fold(in, n, out, NULL);
        assert_true(len <= n);

        if (sms_fold_char(cp, again) != SMS_FOLD_KEEP) {
            for (i = 0; i < len; i++) {
                assert_true((unsigned char) out[i] < 0x80);
                assert_false(out[i] >= 'a' && out[i] <= 'z');
            }
        }

        assert_int_equal(sms_fold(out, len, again, NULL), len);
        assert_memory_equal(out, again, len);
    }
}


static void
test_equal(void **state)
{
    (void) state;

    assert_true(sms_fold_equal("İPTAL", 6, "iptal", 5));
    assert_true(sms_fold_equal("ıptal", 6, "IPTAL", 5));
    assert_true(sms_fold_equal("ß", 2, "ss", 2));
    assert_true(sms_fold_equal("a\u200B", 4, "A", 1));
    assert_true(sms_fold_equal("", 0, "\u200B", 3));
    assert_false(sms_fold_equal("RET", 3, "RETT", 4));
    assert_false(sms_fold_equal("RETT", 4, "RET", 3));
    assert_false(sms_fold_equal("ж", 2, "з", 2));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_equal),
    };

    return cmocka_run_group_tests_name("sms_fold", tests, NULL, NULL);
}
