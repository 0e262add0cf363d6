#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_gsm7.h"
#include "sms_utf8.h"

#define SS  SMS_GSM7_SHIFT_TR
#define LS  SMS_GSM7_LOCK_TR


/* 23.038 6.2.1 as the standard draws it, row by row; ESC shows as U+241B here */
static const char  default_alphabet[] =
    "@£$¥èéùìòÇ\nØø\rÅå" "Δ_ΦΓΛΩΠΨΣΘΞ\u241BÆæßÉ"
    " !\"#¤%&'()*+,-./" "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO" "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno" "pqrstuvwxyzäöñüà";

static const char  turkish_alphabet[] =
    "@£$¥€éùıòÇ\nĞğ\rÅå" "Δ_ΦΓΛΩΠΨΣΘΞ\u241BŞşßÉ"
    " !\"#¤%&'()*+,-./" "0123456789:;<=>?"
    "İABCDEFGHIJKLMNO" "PQRSTUVWXYZÄÖÑÜ§"
    "çabcdefghijklmno" "pqrstuvwxyzäöñüà";

static const struct {
    uint8_t      code;
    const char  *text;
    int          turkish;
} extension[] = {
    { 0x0A, "\f", 0 }, { 0x14, "^", 0 }, { 0x28, "{", 0 }, { 0x29, "}", 0 },
    { 0x2F, "\\", 0 }, { 0x3C, "[", 0 }, { 0x3D, "~", 0 }, { 0x3E, "]", 0 },
    { 0x40, "|", 0 }, { 0x65, "€", 0 },
    { 0x47, "Ğ", 1 }, { 0x49, "İ", 1 }, { 0x53, "Ş", 1 }, { 0x63, "ç", 1 },
    { 0x67, "ğ", 1 }, { 0x69, "ı", 1 }, { 0x73, "ş", 1 }
};


static void
base_table(const char *alphabet, unsigned tables)
{
    char         buf[8], expect[4];
    size_t       n;
    uint8_t      code[2], c;
    uint32_t     cp;
    unsigned     i;
    const char  *p, *end;

    p = alphabet;
    end = p + strlen(p);

    for (i = 0; i < 128; i++) {
        cp = sms_utf8_next(&p, end);

        if (i == SMS_GSM7_ESC) {
            assert_int_equal(cp, 0x241B);
            continue;
        }

        assert_int_equal(sms_gsm7_put(cp, tables, code), 1);
        assert_int_equal(code[0], i);
        assert_int_equal(sms_gsm7_cost(cp, tables), 1);

        c = (uint8_t) i;
        n = sms_gsm7_decode(&c, 1, tables, buf, sizeof(buf));
        assert_int_equal(n, sms_utf8_put(expect, cp));
        assert_memory_equal(buf, expect, n);
    }

    assert_ptr_equal(p, end);
}


static void
test_base_tables(void **state)
{
    (void) state;

    base_table(default_alphabet, 0);
    base_table(default_alphabet, SS);
    base_table(turkish_alphabet, LS);
    base_table(turkish_alphabet, LS|SS);
}


static void
test_extension_tables(void **state)
{
    char         buf[8];
    size_t       i, n;
    uint8_t      code[2];
    uint32_t     cp;
    unsigned     tables, expect;
    const char  *p;

    (void) state;

    for (i = 0; i < sizeof(extension) / sizeof(extension[0]); i++) {
        for (tables = 0; tables < 4; tables++) {
            p = extension[i].text;
            cp = sms_utf8_next(&p, p + strlen(p));

            /* in the locking table the seven letters and the euro cost one */

            if ((tables & LS) && (extension[i].turkish || cp == 0x20AC)) {
                expect = 1;

            } else if (extension[i].turkish) {
                expect = (tables & SS) ? 2 : 0;

            } else {
                expect = 2;
            }

            assert_int_equal(sms_gsm7_put(cp, tables, code), expect);

            if (expect == 2) {
                assert_int_equal(code[0], SMS_GSM7_ESC);
                assert_int_equal(code[1], extension[i].code);
            }

            /* a receiver has the extension table whatever the base table is */
            code[0] = SMS_GSM7_ESC;
            code[1] = extension[i].code;
            n = sms_gsm7_decode(code, 2, tables, buf, sizeof(buf));
            buf[n] = '\0';

            if (!extension[i].turkish || (tables & SS)) {
                assert_string_equal(buf, extension[i].text);

            } else {
                /* shown as the letter it looks like */
                assert_int_equal(n, 1);
                assert_int_equal(buf[0], extension[i].code);
            }
        }
    }
}


static void
test_repertoire(void **state)
{
    uint32_t  cp;
    unsigned  count[4], tables, costs[3];

    (void) state;

    memset(count, 0, sizeof(count));

    for (cp = 0; cp < 0x110000; cp++) {
        for (tables = 0; tables < 4; tables++) {
            count[tables] += sms_gsm7_cost(cp, tables) != 0;
        }

        /* the locking table offers nothing that single shift does not */
        if (sms_gsm7_cost(cp, LS)) {
            assert_true(sms_gsm7_cost(cp, SS));
        }

        sms_gsm7_costs(cp, costs);
        assert_int_equal(costs[0], sms_gsm7_cost(cp, 0));
        assert_int_equal(costs[1], sms_gsm7_cost(cp, SS));
        assert_int_equal(costs[2], sms_gsm7_cost(cp, LS));
    }

    assert_int_equal(count[0], 127 + 10);
    assert_int_equal(count[SS], 127 + 10 + 7);
    assert_int_equal(count[LS], 127 + 9);       /* the euro is in both tables */
    assert_int_equal(count[LS|SS], 127 + 9);

    assert_int_equal(sms_gsm7_cost(SMS_UTF8_BAD, 0), 0);
}


/* 0x09 is the capital; the small letter is not in the default alphabet */
static void
test_cedilla(void **state)
{
    char     buf[4];
    uint8_t  code[2];

    (void) state;

    assert_int_equal(sms_gsm7_put(0xC7, 0, code), 1);
    assert_int_equal(code[0], 0x09);
    assert_int_equal(sms_gsm7_cost(0xE7, 0), 0);
    assert_int_equal(sms_gsm7_cost(0xE7, SS), 2);
    assert_int_equal(sms_gsm7_cost(0xE7, LS), 1);

    code[0] = 0x09;
    assert_int_equal(sms_gsm7_decode(code, 1, 0, buf, 4), 2);
    assert_memory_equal(buf, "Ç", 2);
}


static void
test_decode_odd(void **state)
{
    char    buf[64];
    size_t  i, n;

    static const struct {
        const char  *septets;
        size_t       n;
        unsigned     tables;
        const char  *text;
    } rows[] = {
        { "", 0, 0, "" },
        { "\x1b", 1, 0, " " },
        { "A\x1b", 2, 0, "A " },
        { "\x1b\x1b" "A", 3, 0, " A" },
        { "\x1b\x41", 2, 0, "A" },
        { "\x1b\x00", 2, 0, "@" },
        { "\x1b\x1c", 2, LS, "Ş" },
        { "\xE1", 1, 0, "a" },              /* bit 7 does not count */
        { "\x1c\x0b\x40", 3, LS, "ŞĞİ" },
        { "\x1c\x0b\x40", 3, 0, "ÆØ¡" },
        { "\x1b\x73\x1b\x67", 4, SS, "şğ" },
        { "\x1b\x73\x1b\x67", 4, 0, "sg" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = sms_gsm7_decode((const uint8_t *) rows[i].septets, rows[i].n,
                            rows[i].tables, buf, sizeof(buf));
        buf[n] = '\0';
        assert_string_equal(buf, rows[i].text);
    }

    /* output ends before the character that does not fit */
    assert_int_equal(sms_gsm7_decode((const uint8_t *) "\x04", 1, LS, buf, 2),
                     0);
    assert_int_equal(sms_gsm7_decode((const uint8_t *) "a\x04", 2, LS, buf, 3),
                     1);
}


static void
test_encode(void **state)
{
    uint8_t  out[8];

    (void) state;

    assert_int_equal(sms_gsm7_encode("", 0, 0, out, 0), 0);
    assert_int_equal(sms_gsm7_encode("a€", 4, 0, out, 8), 3);
    assert_memory_equal(out, "\x61\x1b\x65", 3);
    assert_int_equal(sms_gsm7_encode("a€", 4, 0, out, 2), -1);
    assert_int_equal(sms_gsm7_encode("a€", 4, LS, out, 2), 2);
    assert_int_equal(sms_gsm7_encode("ж", 2, LS, out, 8), -1);
    assert_int_equal(sms_gsm7_encode("a\xFF", 2, 0, out, 8), -1);
    assert_int_equal(sms_gsm7_encode("`", 1, SS, out, 8), -1);
}


/* fill bits and header septets by UDHL */
static void
test_fill(void **state)
{
    size_t  i;

    static const struct {
        size_t    udhl;
        unsigned  fill;
        size_t    septets;
    } rows[] = {
        { 3, 3, 5 }, { 5, 1, 7 }, { 6, 0, 8 }, { 8, 5, 11 }, { 9, 4, 12 },
        { 11, 2, 14 }
    };

    (void) state;

    assert_int_equal(sms_gsm7_fill(0), 0);
    assert_int_equal(sms_gsm7_header_septets(0), 0);

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_gsm7_fill(rows[i].udhl + 1), rows[i].fill);
        assert_int_equal(sms_gsm7_header_septets(rows[i].udhl + 1),
                         rows[i].septets);
    }
}


static void
test_pack(void **state)
{
    size_t    n, len, i;
    uint8_t   in[200], packed[200], out[200];
    unsigned  fill;

    (void) state;

    srand(7);

    for (n = 1; n <= 160; n++) {
        for (fill = 0; fill < 7; fill++) {

            for (i = 0; i < n; i++) {
                in[i] = rand() & 0x7F;
            }

            len = sms_gsm7_pack(in, n, fill, packed, sizeof(packed));
            assert_int_equal(len, (fill + 7 * n + 7) / 8);
            assert_int_equal(sms_gsm7_pack(in, n, fill, packed, len - 1), 0);
            assert_int_equal(packed[0] & ((1u << fill) - 1), 0);

            assert_int_equal(sms_gsm7_unpack(packed, len, fill, out, n), n);
            assert_memory_equal(in, out, n);
        }
    }

    assert_int_equal(sms_gsm7_pack(in, 0, 0, packed, 10), 0);
    assert_int_equal(sms_gsm7_pack(in, 1, 7, packed, 10), 0);
    assert_int_equal(sms_gsm7_unpack(packed, 0, 0, out, 10), 0);
    assert_int_equal(sms_gsm7_unpack(packed, 7, 0, out, 200), 8);
    assert_int_equal(sms_gsm7_unpack(packed, 2, 7, out, 200), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_base_tables),
        cmocka_unit_test(test_extension_tables),
        cmocka_unit_test(test_repertoire),
        cmocka_unit_test(test_cedilla),
        cmocka_unit_test(test_decode_odd),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_pack),
    };

    return cmocka_run_group_tests_name("sms_gsm7", tests, NULL, NULL);
}
