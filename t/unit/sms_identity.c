#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_identity.h"


static void
test_tckn(void **state)
{
    size_t  i;

    static const char  *const valid[] = {
        "10000000146", "17291716060", "12345678950", "98765432150",
        "20000000114", "57703411244", "11111111110"
    };

    static const char  *const invalid[] = {
        "10000000147", "12345678901", "01234567890", "10000000156", "",
        "1000000014", "100000001460", "1000000014a", " 0000000146",
        "00000000000"
    };

    (void) state;

    for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        assert_true(sms_identity_tckn(valid[i], strlen(valid[i])));
    }

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_false(sms_identity_tckn(invalid[i], strlen(invalid[i])));
    }
}


static void
test_vkn(void **state)
{
    size_t  i;
    char    last, text[11];

    static const char  *const valid[] = {
        "4540536920", "8790017566", "0150015264", "8450525470", "4820159045",
        "3100000009", "9999999994", "1234567890"
    };

    static const char  *const invalid[] = {
        "4540536921", "", "454053692", "45405369200", "454053692o"
    };

    (void) state;

    for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        assert_true(sms_identity_vkn(valid[i], strlen(valid[i])));

        /* no other check digit will do */
        strcpy(text, valid[i]);

        for (last = '0'; last <= '9'; last++) {
            text[9] = last;
            assert_int_equal(sms_identity_vkn(text, 10), last == valid[i][9]);
        }
    }

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_false(sms_identity_vkn(invalid[i], strlen(invalid[i])));
    }
}


static void
test_mersis(void **state)
{
    size_t  i;

    static const struct {
        const char  *digits;
        int          kind;
    } rows[] = {
        { "0015001526400497", SMS_IDENTITY_LEGAL },
        { "0879001756600379", SMS_IDENTITY_LEGAL },
        { "0482015904500019", SMS_IDENTITY_LEGAL },
        { "0123456789012345", SMS_IDENTITY_LEGAL },
        { "1000000014600001", SMS_IDENTITY_NATURAL },
        { "0015001526500497", SMS_IDENTITY_NONE },
        { "1000000014700001", SMS_IDENTITY_NONE },
        { "001500152640049", SMS_IDENTITY_NONE },
        { "00150015264004970", SMS_IDENTITY_NONE },
        { "00150015264004a7", SMS_IDENTITY_NONE },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_identity_mersis(rows[i].digits,
                                             strlen(rows[i].digits)),
                         rows[i].kind);
    }
}


static void
test_find_mersis(void **state)
{
    int                   found;
    size_t                i, n;
    sms_identity_match_t  m;

    static const struct {
        const char  *text;
        int          found, kind, labelled;
        const char  *piece;
    } rows[] = {
        { "Mersis: 0015 0015 2640 0497", 1, SMS_IDENTITY_LEGAL, 1,
          "0015 0015 2640 0497" },
        { "MERSIS 0015001526400497", 1, SMS_IDENTITY_LEGAL, 1,
          "0015001526400497" },
        { "MERSİS No: 0015.0015.2640.0497.", 1, SMS_IDENTITY_LEGAL, 1,
          "0015.0015.2640.0497" },
        { "mersis no 0015-0015-2640-0497 Tel 08501234567", 1,
          SMS_IDENTITY_LEGAL, 1, "0015-0015-2640-0497" },
        { "Mersıs Numaramız:0879001756600379", 1, SMS_IDENTITY_LEGAL, 1,
          "0879001756600379" },
        { "Mersis:0123456789012345 Tel:08501234567", 1, SMS_IDENTITY_LEGAL, 1,
          "0123456789012345" },
        { "0879001756600379 08501234567", 1, SMS_IDENTITY_LEGAL, 0,
          "0879001756600379" },
        { "Tel 0850 123 45 67 0015 0015 2640 0497", 1, SMS_IDENTITY_LEGAL, 0,
          "0015 0015 2640 0497" },
        { "Mersis 1000000014600001", 1, SMS_IDENTITY_NATURAL, 1,
          "1000000014600001" },
        { "Mersis 0015001526500497", 1, SMS_IDENTITY_NONE, 1,
          "0015001526500497" },
        { "kart 0015001526500497", 0, 0, 0, "" },
        { "Mersis 00150015264004971", 0, 0, 0, "" },
        { "Mersis 001500152640049", 0, 0, 0, "" },
        { "Mersis 0015  001526400497", 0, 0, 0, "" },
        { "Mersis 0015/001526400497", 0, 0, 0, "" },
        { "", 0, 0, 0, "" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = strlen(rows[i].text);
        found = sms_identity_find_mersis(rows[i].text, n, 0, &m);

        if (found != rows[i].found) {
            fail_msg("%s", rows[i].text);
        }

        if (!found) {
            continue;
        }

        assert_int_equal(m.kind, rows[i].kind);
        assert_int_equal(m.labelled, rows[i].labelled);
        assert_int_equal(m.len, strlen(rows[i].piece));
        assert_memory_equal(rows[i].text + m.begin, rows[i].piece, m.len);
        assert_int_equal(strlen(m.digits), 16);

        assert_false(sms_identity_find_mersis(rows[i].text, n, m.begin + m.len,
                                              &m));
    }

    assert_true(sms_identity_find_mersis("x 0015001526400497 y "
                                         "0879001756600379", 37, 18, &m));
    assert_string_equal(m.digits, "0879001756600379");
}


static void
test_find_digits(void **state)
{
    size_t       i, begin, len;
    const char  *text;

    static const struct {
        const char  *text, *digits;
        int          found;
    } rows[] = {
        { "TC 10000000146", "10000000146", 1 },
        { "TC 100 000 001 46.", "10000000146", 1 },
        { "TC 110000000146", "10000000146", 0 },
        { "TC 100000001461", "10000000146", 0 },
        { "VKN:454.053.69-20", "4540536920", 1 },
        { "VKN 454..0536920", "4540536920", 0 },
        { "", "1", 0 },
        { "1", "", 0 },
        { "1", "1", 1 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_identity_find_digits(rows[i].text,
                             strlen(rows[i].text), rows[i].digits,
                             strlen(rows[i].digits), NULL, NULL),
                         rows[i].found);
    }

    text = "a 1 2 b 12 c";
    assert_true(sms_identity_find_digits(text, strlen(text), "12", 2, &begin,
                                         &len));
    assert_int_equal(begin, 2);
    assert_int_equal(len, 3);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_tckn),
        cmocka_unit_test(test_vkn),
        cmocka_unit_test(test_mersis),
        cmocka_unit_test(test_find_mersis),
        cmocka_unit_test(test_find_digits),
    };

    return cmocka_run_group_tests_name("sms_identity", tests, NULL, NULL);
}
