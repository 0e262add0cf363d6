/* Parts as octets, sending and receiving: 23.040 9.2.3.24, 23.038 packing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_gsm7.h"
#include "sms_segment.h"

#define G7  SMS_SEGMENT_GSM7
#define SS  SMS_SEGMENT_TR_SINGLE
#define LS  SMS_SEGMENT_TR_LOCKING
#define U2  SMS_SEGMENT_UCS2


/* "a*161" is 161 times a, anything else is itself */
static size_t
build(const char *recipe, char *out)
{
    size_t  n;

    if (recipe[0] == 'a' && recipe[1] == '*') {
        n = (size_t) atol(recipe + 2);
        memset(out, 'a', n);
        return n;
    }

    n = strlen(recipe);
    memcpy(out, recipe, n);

    return n;
}


static size_t
unhex(const char *hex, uint8_t *out)
{
    size_t    n;
    unsigned  v;

    for (n = 0; *hex; hex += 2) {
        while (*hex == ' ') {
            hex++;
        }

        assert_int_equal(sscanf(hex, "%2x", &v), 1);
        out[n++] = (uint8_t) v;
    }

    return n;
}


/* TP-UD octets and TP-UDL of the byte vectors */
static void
test_bytes(void **state)
{
    size_t                 i, n, len;
    uint8_t                expected[64], ud[160];
    sms_segment_t          s;
    sms_segment_out_t      out;
    sms_segment_part_t     part;
    sms_segment_profile_t  pf;

    static const struct {
        const char  *text;
        uint8_t      force;
        const char  *septets;
        unsigned     udl;
        const char  *ud;
    } rows[] = {
        { "ğ", SS, "1B 67", 7, "03 24 01 01 D8 9C 01" },
        { "ğ", LS, "0C", 6, "03 25 01 01 60 00" },
        { "İş", SS, "1B 49 1B 73", 9, "03 24 01 01 D8 24 37 73" },
        { "İş", LS, "40 1D", 7, "03 25 01 01 00 76 00" },
        { "Şeker", SS, "1B 53 65 6B 65 72", 11,
          "03 24 01 01 D8 4C CB EB B2 1C" },
        { "Şeker", LS, "1C 65 6B 65 72", 10, "03 25 01 01 E0 94 D7 65 39" },
        { "ŞĞİşğıç", SS, "1B53 1B47 1B49 1B73 1B67 1B69 1B63", 19,
          "03 24 01 01 D8 4C 37 C7 4D 72 33 DF 9C 37 E9 CD 18" },
        { "ŞĞİşğıç", LS, "1C 0B 40 1D 0C 07 60", 12,
          "03 25 01 01 E0 2C 80 1D C6 01 0C" },
        { "a€", G7, "61 1B 65", 3, "E1 4D 19" },
        { "a€", LS, "61 04", 7, "03 25 01 01 08 13 00" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(&pf, 0, sizeof(pf));
        pf.force = rows[i].force;
        n = strlen(rows[i].text);

        assert_int_equal(sms_segment_count(&pf, rows[i].text, n, &s, &part, 1),
                         0);
        assert_int_equal(sms_segment_split(&pf, &s, &part, rows[i].text, n, 1,
                                           0x1234, &out), 0);
        assert_int_equal(out.data_coding, 0);

        len = unhex(rows[i].septets, expected);
        assert_int_equal(out.payload_len, len);
        assert_int_equal(out.septets, len);
        assert_memory_equal(out.payload, expected, len);

        memcpy(ud, out.udh, out.udh_len);
        len = out.udh_len
              + sms_gsm7_pack(out.payload, out.payload_len,
                              sms_gsm7_fill(out.udh_len), ud + out.udh_len,
                              sizeof(ud) - out.udh_len);

        assert_int_equal(len, unhex(rows[i].ud, expected));
        assert_memory_equal(ud, expected, len);
        assert_int_equal(sms_gsm7_header_septets(out.udh_len) + out.septets,
                         rows[i].udl);
    }
}


static void
test_headers(void **state)
{
    char                   text[1024];
    size_t                 i, n, len;
    uint8_t                expected[32];
    sms_segment_t          s;
    sms_segment_udh_t      h;
    sms_segment_out_t      out;
    sms_segment_part_t     parts[7];
    sms_segment_profile_t  pf;

    static const struct {
        const char  *recipe;
        uint8_t      force, ref_bits;
        unsigned     k;
        const char  *udh;
        uint8_t      coding;
    } rows[] = {
        { "abc", G7, 8, 1, "", 0 },
        { "abc", SS, 8, 1, "03 24 01 01", 0 },
        { "abc", LS, 16, 1, "03 25 01 01", 0 },
        { "abc", U2, 8, 1, "", 8 },
        { "a*161", G7, 8, 1, "05 00 03 CD 02 01", 0 },
        { "a*161", G7, 8, 2, "05 00 03 CD 02 02", 0 },
        { "a*161", G7, 16, 2, "06 08 04 AB CD 02 02", 0 },
        { "a*161", SS, 8, 2, "08 00 03 CD 02 02 24 01 01", 0 },
        { "a*161", LS, 8, 1, "08 00 03 CD 02 01 25 01 01", 0 },
        { "a*161", LS, 16, 1, "09 08 04 AB CD 02 01 25 01 01", 0 },
        { "a*161", U2, 8, 3, "05 00 03 CD 03 03", 8 },
        { "a*161", U2, 16, 3, "06 08 04 AB CD 03 03", 8 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = build(rows[i].recipe, text);
        memset(&pf, 0, sizeof(pf));
        pf.force = rows[i].force;
        pf.ref_bits = rows[i].ref_bits;

        assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
        assert_int_equal(sms_segment_split(&pf, &s, &parts[rows[i].k - 1],
                                           text, n, rows[i].k, 0xABCD, &out),
                         0);

        len = unhex(rows[i].udh, expected);
        assert_int_equal(out.udh_len, len);
        assert_memory_equal(out.udh, expected, len);
        assert_int_equal(out.data_coding, rows[i].coding);

        /* 140 octets on the air */
        if (rows[i].coding) {
            assert_true(out.udh_len + out.payload_len <= 140);

        } else {
            assert_true(sms_gsm7_header_septets(out.udh_len)
                        + out.payload_len <= 160);
        }

        if (len) {
            assert_int_equal(sms_segment_udh_read(out.udh, len, &h), 0);
            assert_int_equal(h.total, s.parts > 1 ? s.parts : 0);
            assert_int_equal(h.seq, s.parts > 1 ? rows[i].k : 0);
            assert_int_equal(h.shift, rows[i].force == SS);
            assert_int_equal(h.lock, rows[i].force == LS);
        }
    }
}


static void
test_payload(void **state)
{
    char                   text[1024], back[2048];
    size_t                 n, len;
    sms_segment_t          s;
    sms_segment_out_t      out;
    sms_segment_part_t     parts[7];
    sms_segment_profile_t  pf;

    (void) state;

    memset(&pf, 0, sizeof(pf));

    n = build("aж€😀", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(sms_segment_split(&pf, &s, parts, text, n, 1, 0, &out), 0);
    assert_int_equal(out.payload_len, 10);
    assert_memory_equal(out.payload,
                        "\x00\x61\x04\x36\x20\xAC\xD8\x3D\xDE\x00", 10);
    assert_int_equal(out.septets, 0);

    /* the suffix goes into the last part only, and only if it is ours */

    pf.suffix = 5;
    pf.append = " B138";
    n = build("a*200", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(sms_segment_split(&pf, &s, &parts[0], text, n, 1, 0, &out),
                     0);
    assert_int_equal(out.payload_len, 153);
    assert_int_equal(sms_segment_split(&pf, &s, &parts[1], text, n, 2, 0, &out),
                     0);
    assert_int_equal(out.payload_len, 52);
    assert_int_equal(out.payload_len, parts[1].units);
    assert_memory_equal(out.payload + 47, " B138", 5);

    pf.append = NULL;
    assert_int_equal(sms_segment_split(&pf, &s, &parts[1], text, n, 2, 0, &out),
                     0);
    assert_int_equal(out.payload_len, 47);

    pf.append = " B138";
    n = build("ж", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(sms_segment_split(&pf, &s, parts, text, n, 1, 0, &out), 0);
    assert_int_equal(sms_segment_text(8, NULL, 0, out.payload, out.payload_len,
                                      back, sizeof(back), &len), 0);
    assert_int_equal(len, 7);
    assert_memory_equal(back, "ж B138", 7);
}


static void
test_udh_read(void **state)
{
    int                rc;
    size_t             i, n;
    uint8_t            udh[64];
    sms_segment_udh_t  h;

    static const struct {
        const char         *hex;
        int                 rc;
        sms_segment_udh_t   h;
    } rows[] = {
        { "00", 0, { 0 } },
        { "05 00 03 AB 03 02", 0,
          { .ref = 0xAB, .ref_bits = 8, .total = 3, .seq = 2 } },
        { "06 24 01 01 25 01 01", 0, { .lock = 1, .shift = 1 } },
        { "0B 25 01 01 24 01 01 00 03 01 02 01", 0,
          { .ref = 1, .ref_bits = 8, .total = 2, .seq = 1, .lock = 1,
            .shift = 1 } },
        { "0B 00 03 01 02 01 24 01 01 25 01 01", 0,
          { .ref = 1, .ref_bits = 8, .total = 2, .seq = 1, .lock = 1,
            .shift = 1 } },
        { "06 08 04 12 34 02 02", 0,
          { .ref = 0x1234, .ref_bits = 16, .total = 2, .seq = 2 } },
        { "06 05 04 0B 84 23 F0", 0, { 0 } },       /* ports: skipped     */
        { "03 24 01 03", 0, { .shift = 3 } },
        { "06 24 01 03 24 01 01", 0, { .shift = 1 } },
        { "", SMS_SEGMENT_E_HEADER, { 0 } },
        { "01", SMS_SEGMENT_E_HEADER, { 0 } },
        { "04 24 01 01", SMS_SEGMENT_E_HEADER, { 0 } },
        { "03 24 02 01", SMS_SEGMENT_E_HEADER, { 0 } },
        { "01 24", SMS_SEGMENT_E_HEADER, { 0 } },
        { "04 00 02 01 01", SMS_SEGMENT_E_HEADER, { 0 } },
        { "05 00 03 AB 00 01", SMS_SEGMENT_E_HEADER, { 0 } },
        { "05 00 03 AB 02 00", SMS_SEGMENT_E_HEADER, { 0 } },
        { "05 00 03 AB 02 03", SMS_SEGMENT_E_HEADER, { 0 } },
        { "02 25 00", SMS_SEGMENT_E_HEADER, { 0 } },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = unhex(rows[i].hex, udh);
        rc = sms_segment_udh_read(udh, n, &h);

        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(h.ref, rows[i].h.ref);
        assert_int_equal(h.ref_bits, rows[i].h.ref_bits);
        assert_int_equal(h.total, rows[i].h.total);
        assert_int_equal(h.seq, rows[i].h.seq);
        assert_int_equal(h.lock, rows[i].h.lock);
        assert_int_equal(h.shift, rows[i].h.shift);
    }
}


static void
test_received(void **state)
{
    int      rc;
    char     text[64];
    size_t   i, n, nu, len;
    uint8_t  octets[32], udh[16];

    static const struct {
        unsigned     coding;
        const char  *udh, *octets;
        int          rc;
        const char  *text;
    } rows[] = {
        { 0x00, "", "52 45 54", 0, "RET" },
        { 0x00, "03 24 01 01", "1B 49 70 74 61 6C", 0, "İptal" },
        { 0x00, "03 25 01 01", "40 70 74 61 6C", 0, "İptal" },
        { 0x00, "06 24 01 01 25 01 01", "40 1B 73", 0, "İş" },
        { 0x00, "03 24 01 02", "1B 49", 0, "I" },
        { 0x01, "", "52 45 54 FF", 0, "RET\uFFFD" },
        { 0x03, "", "D6 72 6E 65 6B", 0, "Örnek" },
        { 0x08, "", "01 30 01 5F D8 3D DE 00", 0, "İş😀" },
        { 0x08, "", "D8 3D 00 41", 0, "\uFFFD" "A" },
        { 0x08, "", "DE 00 00 41 00", 0, "\uFFFD" "A\uFFFD" },
        { 0x08, "", "00 41 D8 3D", 0, "A\uFFFD" },
        { 0x08, "", "00 41 00 00", 0, "A\uFFFD" },
        { 0x03, "", "41 00", 0, "A\uFFFD" },
        { 0x04, "", "41", SMS_SEGMENT_E_ENCODING, "" },
        { 0x00, "05 00", "41", SMS_SEGMENT_E_HEADER, "" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = unhex(rows[i].octets, octets);
        nu = unhex(rows[i].udh, udh);

        rc = sms_segment_text(rows[i].coding, udh, nu, octets, n, text,
                              sizeof(text), &len);
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(len, strlen(rows[i].text));
        assert_memory_equal(text, rows[i].text, len);
    }

    assert_int_equal(sms_segment_text(0, NULL, 0, octets, 5, text, 14, &len),
                     SMS_SEGMENT_E_SPACE);
    assert_int_equal(sms_segment_text(8, NULL, 0, (const uint8_t *)
                                      "\x20\xAC", 2, text, 2, &len),
                     SMS_SEGMENT_E_SPACE);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_udh_read),
        cmocka_unit_test(test_received),
    };

    return cmocka_run_group_tests_name("sms_segment_wire", tests, NULL, NULL);
}
