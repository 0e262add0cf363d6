#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_id.h"


static void
test_known(void **state)
{
    char     out[SMS_ID_LEN_MAX];
    size_t   i;
    uint8_t  id[16];

    /* computed by hand: the number in base 32 */
    static const struct {
        uint8_t      id[16];
        const char  *digits;
    } rows[] = {
        { { 0 }, "00000000000000000000000000" },
        { { [15] = 1 }, "00000000000000000000000001" },
        { { [15] = 31 }, "0000000000000000000000000z" },
        { { [15] = 32 }, "00000000000000000000000010" },
        { { [14] = 1 }, "00000000000000000000000080" },
        { { 0x80 }, "40000000000000000000000000" },
        { { 0xE0 }, "70000000000000000000000000" },
        { { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, "7zzzzzzzzzzzzzzzzzzzzzzzzz" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_id_print("msg", rows[i].id, out), 30);
        assert_memory_equal(out, "msg_", 4);
        assert_memory_equal(out + 4, rows[i].digits, 26);

        memset(id, 0x55, 16);
        assert_int_equal(sms_id_parse("msg", out, 30, id), 0);
        assert_memory_equal(id, rows[i].id, 16);
    }
}


static void
test_round_trip(void **state)
{
    int      i, k;
    char     text[26], last[26];
    uint8_t  id[16], back[16], prev[16];

    (void) state;

    srand(11);
    memset(prev, 0, 16);
    memset(last, '0', 26);

    for (i = 0; i < 20000; i++) {
        for (k = 0; k < 16; k++) {
            id[k] = (uint8_t) rand();
        }

        sms_id_digits_print(id, text);
        assert_int_equal(sms_id_digits_parse(text, 26, back), 0);
        assert_memory_equal(id, back, 16);

        /* texts sort as ids do */
        assert_int_equal(memcmp(text, last, 26) < 0, memcmp(id, prev, 16) < 0);
        memcpy(prev, id, 16);
        memcpy(last, text, 26);
    }
}


static void
test_strict(void **state)
{
    int      c, valid;
    char     text[30], out[SMS_ID_LEN_MAX];
    size_t   i;
    uint8_t  id[16];

    static const char  *const invalid[] = {
        "", "msg_", "msg_0000000000000000000000000",
        "msg_000000000000000000000000000", "msg-00000000000000000000000000",
        "sub_00000000000000000000000000", "msg00000000000000000000000000",
        "MSG_00000000000000000000000000", "msg_80000000000000000000000000",
        "msg_z0000000000000000000000000", "msg_0000000000000000000000000Z",
        "msg_0000000000000000000000000i", "msg_0000000000000000000000000l",
        "msg_0000000000000000000000000o", "msg_0000000000000000000000000u",
        "msg_0000000000000-000000000000", "msg_0000000000000000000000000 ",
    };

    (void) state;

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_int_equal(sms_id_parse("msg", invalid[i], strlen(invalid[i]),
                                      id), -1);
    }

    /* every byte in every place */
    for (i = 0; i < 26; i++) {
        for (c = 0; c < 256; c++) {
            memcpy(text, "msg_00000000000000000000000000", 30);
            text[4 + i] = (char) c;
            valid = c && strchr("0123456789abcdefghjkmnpqrstvwxyz", c) != NULL
                    && (i > 0 || c <= '7');
            assert_int_equal(sms_id_parse("msg", text, 30, id),
                             valid ? 0 : -1);
        }
    }

    assert_int_equal(sms_id_print("12345678901234567", id, out), 0);
    assert_int_equal(sms_id_print("1234567890123456", id, out),
                     SMS_ID_LEN_MAX);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_strict),
    };

    return cmocka_run_group_tests_name("sms_id", tests, NULL, NULL);
}
