#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <utf8proc.h>

#include "sms_utf8.h"


typedef struct {
    const char  *text;
    size_t       n;
    size_t       valid;
    unsigned     flags;
} check_t;

#define T(s)  s, sizeof(s) - 1


static void
test_check(void **state)
{
    size_t    i;
    unsigned  flags;

    static const check_t  rows[] = {
        { T(""), 0, 0 },
        { T("Merhaba"), 7, 0 },
        { T("0123456789abcdef0123456789abcdef"), 32, 0 },
        { T("ş\xC2\xA0ğ"), 6, 0 },
        { T("12345678\0abc"), 12, SMS_UTF8_NUL|SMS_UTF8_CONTROL },
        { T("a\nb\rc\fd\te"), 9, 0 },
        { T("a\x1b" "b"), 3, SMS_UTF8_CONTROL },
        { T("\x7f"), 1, SMS_UTF8_CONTROL },
        { T("\xC2\x85"), 2, SMS_UTF8_CONTROL },
        { T("€"), 3, SMS_UTF8_WIDE },
        { T("😀"), 4, SMS_UTF8_WIDE|SMS_UTF8_ASTRAL },
        { T("\xF4\x8F\xBF\xBF"), 4, SMS_UTF8_WIDE|SMS_UTF8_ASTRAL },
        { T("ab\x80"), 2, 0 },
        { T("\xC0\x80"), 0, 0 },
        { T("\xC1\xBF"), 0, 0 },
        { T("\xE0\x9F\xBF"), 0, 0 },
        { T("\xED\xA0\x80"), 0, 0 },
        { T("\xED\x9F\xBF"), 3, SMS_UTF8_WIDE },
        { T("\xEE\x80\x80"), 3, SMS_UTF8_WIDE },
        { T("\xF0\x8F\xBF\xBF"), 0, 0 },
        { T("\xF4\x90\x80\x80"), 0, 0 },
        { T("\xF5\x80\x80\x80"), 0, 0 },
        { T("\xFF"), 0, 0 },
        { T("12345678\xC3"), 8, 0 },
        { T("x\xE2\x82"), 1, 0 },
        { T("x\xF0\x9F\x98"), 1, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        flags = 0xFFFF;
        assert_int_equal(sms_utf8_check(rows[i].text, rows[i].n, &flags),
                         rows[i].valid);
        assert_int_equal(flags, rows[i].flags);
        assert_int_equal(sms_utf8_valid(rows[i].text, rows[i].n),
                         rows[i].valid == rows[i].n);
    }
}


static void
test_every_code_point(void **state)
{
    char         buf[4];
    size_t       n;
    uint32_t     cp;
    const char  *p;

    (void) state;

    for (cp = 0; cp < 0x110010; cp++) {
        n = sms_utf8_put(buf, cp);

        if ((cp >= 0xD800 && cp <= 0xDFFF) || cp > 0x10FFFF) {
            assert_int_equal(n, 0);
            continue;
        }

        assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2
                            : cp < 0x10000 ? 3 : 4);
        p = buf;
        assert_int_equal(sms_utf8_next(&p, buf + n), cp);
        assert_ptr_equal(p, buf + n);

        /* one byte short is malformed, and only the first byte is skipped */
        if (n > 1) {
            p = buf;
            assert_int_equal(sms_utf8_next(&p, buf + n - 1), SMS_UTF8_BAD);
            assert_ptr_equal(p, buf + 1);
        }
    }
}


/* the bytes that need no look are passed over in eights */
static void
test_check_places(void **state)
{
    char      text[40];
    size_t    n, at;
    unsigned  c, flags;

    (void) state;

    assert_int_equal(sms_utf8_check(NULL, 0, &flags), 0);
    assert_int_equal(flags, 0);
    memset(text, '~', sizeof(text));

    for (n = 0; n <= sizeof(text); n++) {

        for (at = 0; at < n; at++) {

            for (c = 0; c < 256; c++) {
                text[at] = (char) c;
                assert_int_equal(sms_utf8_check(text, n, &flags), c < 0x80 ? n : at);
                assert_int_equal(flags, (c < 0x20 && c != '\n' && c != '\r' && c != '\f'
                                         && c != '\t') || c == 0x7F
                                        ? SMS_UTF8_CONTROL | (c ? 0 : SMS_UTF8_NUL) : 0);
            }

            text[at] = '~';
        }
    }
}


static void
test_counts(void **state)
{
    (void) state;

    assert_int_equal(sms_utf8_count(T("aş€😀")), 4);
    assert_int_equal(sms_utf8_units(T("aş€😀")), 5);
    assert_int_equal(sms_utf8_count(T("a\xFF\xC3")), 3);
    assert_int_equal(sms_utf8_units(T("a\xFF\xC3")), 3);
    assert_int_equal(sms_utf8_count("", 0), 0);
}


static void
test_nfc(void **state)
{
    int     rc;
    char    out[64];
    size_t  i, len;

    static const struct {
        const char  *from, *to;
    } rows[] = {
        { "", "" },
        { "düz metin", "düz metin" },
        { "s\u0327", "ş" },
        { "I\u0307stanbul", "İstanbul" },
        { "g\u0306u\u0308c\u0327", "ğüç" },
        { "I\u0307 \u2019 ş", "İ \u2019 ş" },
        { "😀 \u2019", "😀 \u2019" },
        { "\u212B", "Å" },
        { "\u1100\u1161", "\uAC00" },
        { "\u0958", "\u0915\u093C" },
        { "e\u0323\u0301", "\u1EB9\u0301" },
        { "e\u0301\u0323", "\u1EB9\u0301" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rc = sms_utf8_nfc(rows[i].from, strlen(rows[i].from), out,
                          sizeof(out), &len);
        assert_int_equal(rc, SMS_UTF8_OK);
        assert_int_equal(len, strlen(rows[i].to));
        assert_memory_equal(out, rows[i].to, len);

        if (len) {
            rc = sms_utf8_nfc(rows[i].from, strlen(rows[i].from), out,
                              strlen(rows[i].to) - 1, &len);
            assert_int_equal(rc, SMS_UTF8_E_SPACE);
            assert_int_equal(len, strlen(rows[i].to));
        }
    }

    assert_int_equal(sms_utf8_nfc("a\xFF", 2, out, sizeof(out), &len),
                     SMS_UTF8_E_INVALID);
}


/* The fast path may only say "NFC already" when utf8proc says so too. */
static void
test_nfc_quick(void **state)
{
    char                       buf[16];
    size_t                     n;
    uint32_t                   cp;
    utf8proc_uint8_t          *nfc;
    const utf8proc_property_t  *prop;

    (void) state;

    for (cp = 1; cp < 0x110000; cp++) {
        n = sms_utf8_put(buf, cp);

        if (n == 0 || !sms_utf8_nfc_quick(buf, n)) {
            continue;
        }

        prop = utf8proc_get_property((utf8proc_int32_t) cp);
        assert_int_equal(prop->combining_class, 0);

        buf[n] = '\0';
        nfc = utf8proc_NFC((utf8proc_uint8_t *) buf);
        assert_string_equal((char *) nfc, buf);
        free(nfc);

        /* nor may it be absorbed by a letter before it */
        memmove(buf + 1, buf, n);
        buf[0] = 's';
        buf[n + 1] = '\0';
        nfc = utf8proc_NFC((utf8proc_uint8_t *) buf);
        assert_string_equal((char *) nfc, buf);
        free(nfc);
    }

    assert_int_equal(sms_utf8_nfc_quick(T("s\u0327")), 0);
    assert_int_equal(sms_utf8_nfc_quick(T("abc\xCC")), 0);
    assert_int_equal(sms_utf8_nfc_quick(T("ş€😀")), 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_check_places),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_nfc),
        cmocka_unit_test(test_nfc_quick),
    };

    return cmocka_run_group_tests_name("sms_utf8", tests, NULL, NULL);
}
