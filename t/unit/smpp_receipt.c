/*
 * Receipts in the dialects that operators write, and ids of both ends in one
 * form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/operator/smpp/smpp_id.c"
#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_receipt.c"


typedef struct {
    const char           *text, *id;
    sms_receipt_state_t   state;
    uint32_t              error;
    int64_t               done_s;       /* UTC, 0: none                        */
} dialect_t;

#define NOON  1767258000                /* 2026-01-01 12:00:00 at UTC+3        */

static const dialect_t  dialects[] = {
    { "id:0123456789 sub:001 dlvrd:001 submit date:2601011159 "
      "done date:2601011200 stat:DELIVRD err:000 text:Merhaba",
      "0123456789", SMS_RECEIPT_DELIVERED, 0, NOON },
    { "id:A1B2 sub:001 dlvrd:000 submit date:260101115900 "
      "done date:260101120005 stat:UNDELIV err:012 text:",
      "A1B2", SMS_RECEIPT_UNDELIVERED, 12, NOON + 5 },
    { "ID:7 STAT:EXPIRED ERR:27 DONE DATE:20260101120000",
      "7", SMS_RECEIPT_EXPIRED, 27, NOON },
    { "stat:REJECTD err:045 id:c0ffee-77", "c0ffee-77", SMS_RECEIPT_REJECTED,
      45, 0 },
    { "id:9 stat:delivered donedate:202601011200", "9",
      SMS_RECEIPT_DELIVERED, 0, NOON },
    { "id: 55 sub: 001 stat: ACCEPTD err: 000", "55", SMS_RECEIPT_ACCEPTED, 0,
      0 },
    { "id:1 sub: dlvrd: submit date: done date: stat:ENROUTE err: text:", "1",
      SMS_RECEIPT_ENROUTE, 0, 0 },
    { "id:1\nstat:UNKNOWN\nerr:3", "1", SMS_RECEIPT_UNKNOWN, 3, 0 },
    { "id:1,stat:DELETED,err:3", "1", SMS_RECEIPT_DELETED, 3, 0 },
    { "id:1 stat:Undeliverable err:E12 text:x", "1", SMS_RECEIPT_UNDELIVERED,
      0, 0 },
    /* the sender's own words do not count */
    { "id:5 stat:UNDELIV err:001 text:id:6 stat:DELIVRD err:000", "5",
      SMS_RECEIPT_UNDELIVERED, 1, 0 },
    /* dates that are none */
    { "id:5 done date:2613011200 stat:DELIVRD", "5", SMS_RECEIPT_DELIVERED, 0,
      0 },
    { "id:5 done date:2602301200 stat:DELIVRD", "5", SMS_RECEIPT_DELIVERED, 0,
      0 },
    { "id:5 done date:260101 stat:DELIVRD", "5", SMS_RECEIPT_DELIVERED, 0, 0 },
};

static const char *const  unreadable[] = {
    "", "Merhaba", "id:5", "stat:DELIVRD", "id: stat:DELIVRD", "id:5 stat:",
    "id:5 stat:NONSENSE", ":::::", "text:id:5 stat:DELIVRD", "id:5 stat"
};


static void
test_dialects(void **state)
{
    size_t          i;
    sms_str_t       text, none = { NULL, 0 };
    smpp_receipt_t  r;

    (void) state;

    for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        text.ptr = dialects[i].text;
        text.len = strlen(text.ptr);

        if (!smpp_receipt_parse(&r, text, none, 10800)) {
            fail_msg("not read: %s", text.ptr);
        }

        assert_int_equal(r.id.len, strlen(dialects[i].id));
        assert_memory_equal(r.id.ptr, dialects[i].id, r.id.len);
        assert_int_equal(r.state, dialects[i].state);
        assert_int_equal(r.error, dialects[i].error);
        assert_int_equal(r.done_us, dialects[i].done_s * INT64_C(1000000));
    }

    for (i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++) {
        text.ptr = unreadable[i];
        text.len = strlen(text.ptr);

        if (smpp_receipt_parse(&r, text, none, 10800)) {
            fail_msg("read: %s", text.ptr);
        }
    }
}


static void
test_parameters_win(void **state)
{
    sms_str_t       text = SMS_STR("id:5 stat:UNDELIV err:000"), tlvs, none;
    smpp_receipt_t  r;

    (void) state;
    none = (sms_str_t) { NULL, 0 };
    tlvs = (sms_str_t) { "\x00\x1E\x00\x03" "77\0" "\x04\x27\x00\x01\x02"
                         "\x04\x23\x00\x03\x03\x01\x02", 19 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, 0));
    assert_int_equal(r.id.len, 2);
    assert_memory_equal(r.id.ptr, "77", 2);
    assert_int_equal(r.state, SMS_RECEIPT_DELIVERED);
    assert_int_equal(r.error, 0x102);

    assert_true(smpp_receipt_parse(&r, none, tlvs, 0));
    assert_int_equal(r.state, SMS_RECEIPT_DELIVERED);

    /* a state outside the standard leaves the text's */
    tlvs = (sms_str_t) { "\x04\x27\x00\x01\x63", 5 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, 0));
    assert_int_equal(r.state, SMS_RECEIPT_UNDELIVERED);
}


static void
id_is(sms_str_t raw, int as_is, const char *expected)
{
    smpp_id_t  id;

    smpp_id_normal(&id, raw, as_is);
    assert_string_equal(id.s, expected);
    assert_int_equal(id.len, strlen(expected));
}


static void
test_normal_form(void **state)
{
    char  text[80];

    (void) state;
    id_is((sms_str_t) SMS_STR("000123AbC"), 0, "123abc");
    id_is((sms_str_t) SMS_STR("000123AbC"), 1, "000123AbC");
    id_is((sms_str_t) SMS_STR(" 42 "), 0, "42");
    id_is((sms_str_t) SMS_STR("42\0\0"), 1, "42");
    id_is((sms_str_t) SMS_STR("0000"), 0, "0");
    id_is((sms_str_t) SMS_STR(""), 0, "");
    id_is((sms_str_t) SMS_STR("C0FFEE-12_x"), 0, "c0ffee-12_x");
    memset(text, '7', sizeof(text));
    text[64] = 0;
    id_is((sms_str_t) { text, 80 }, 0, text);
}


static void
convert(const char *from, smpp_id_change_t change, const char *to)
{
    smpp_id_t  in, out;

    smpp_id_normal(&in, (sms_str_t) { from, strlen(from) }, 0);

    if (to == NULL) {
        assert_false(smpp_id_convert(&out, &in, change));
        return;
    }

    assert_true(smpp_id_convert(&out, &in, change));
    assert_string_equal(out.s, to);
}


static void
test_bases(void **state)
{
    (void) state;
    convert("228783031", SMPP_ID_TO_HEX, "da2f3b7");
    convert("da2f3b7", SMPP_ID_TO_DECIMAL, "228783031");
    convert("18446744073709551616", SMPP_ID_TO_HEX, "10000000000000000");
    convert("ffffffffffffffffffffffffffffffff", SMPP_ID_TO_DECIMAL,
            "340282366920938463463374607431768211455");
    convert("0", SMPP_ID_TO_HEX, "0");
    convert("12a", SMPP_ID_TO_HEX, NULL);
    convert("xyz", SMPP_ID_TO_DECIMAL, NULL);
    convert("", SMPP_ID_TO_HEX, NULL);
    /* 64 hexadecimal digits need 77 decimal ones */
    convert("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            SMPP_ID_TO_DECIMAL, NULL);
}


static void
answer(smpp_id_book_t *book, const char *raw)
{
    smpp_id_t  id;

    smpp_id_answer(book, &id, (sms_str_t) { raw, strlen(raw) });
}


static const char *
receipt(smpp_id_book_t *book, const char *raw)
{
    static smpp_id_t  id;

    smpp_id_receipt(book, &id, (sms_str_t) { raw, strlen(raw) });

    return id.s;
}


static void
test_fixed_formats(void **state)
{
    static smpp_id_book_t  book;

    (void) state;
    smpp_id_book_init(&book, SMPP_ID_HEX, SMPP_ID_DECIMAL);
    assert_string_equal(receipt(&book, "0228783031"), "da2f3b7");
    smpp_id_book_init(&book, SMPP_ID_DECIMAL, SMPP_ID_HEX);
    assert_string_equal(receipt(&book, "0DA2F3B7"), "228783031");
    smpp_id_book_init(&book, SMPP_ID_DECIMAL, SMPP_ID_DECIMAL);
    assert_string_equal(receipt(&book, "00042"), "42");
    smpp_id_book_init(&book, SMPP_ID_AS_IS, SMPP_ID_AS_IS);
    assert_string_equal(receipt(&book, "00042aB"), "00042aB");
}


static void
test_learning(void **state)
{
    static smpp_id_book_t  book;

    (void) state;

    /* nothing known: taken as it is */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    assert_string_equal(receipt(&book, "0256"), "256");

    answer(&book, "0DA2F3B7");
    assert_string_equal(receipt(&book, "228783031"), "da2f3b7");
    assert_int_equal(book.learned, SMPP_ID_TO_HEX);
    assert_string_equal(receipt(&book, "256"), "100");

    /* the other way round */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "228783031");
    assert_string_equal(receipt(&book, "DA2F3B7"), "228783031");
    assert_int_equal(book.learned, SMPP_ID_TO_DECIMAL);

    /* the same on both sides, zeros apart */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "0000777001");
    assert_string_equal(receipt(&book, "777001"), "777001");
    assert_int_equal(book.learned, SMPP_ID_SAME);
    assert_int_equal(book.sure, 1);
}


/* small numbers in a row: one receipt fits two answers */
static void
test_ambiguous_ids(void **state)
{
    int                    i;
    char                   raw[16], hex[16];
    static smpp_id_book_t  book;

    (void) state;
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);

    for (i = 1; i <= 40; i++) {
        snprintf(raw, sizeof(raw), "%X", i);
        answer(&book, raw);
    }

    for (i = 1; i <= 40; i++) {
        snprintf(raw, sizeof(raw), "%010d", i);
        snprintf(hex, sizeof(hex), "%x", i);
        assert_string_equal(receipt(&book, raw), hex);
    }

    /* one coincidence does not overturn what is known, three in a row do */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "5000");
    receipt(&book, "5000");
    answer(&book, "10");
    assert_string_equal(receipt(&book, "16"), "16");
    assert_int_equal(book.learned, SMPP_ID_SAME);
    receipt(&book, "16");
    assert_string_equal(receipt(&book, "16"), "10");
    assert_int_equal(book.learned, SMPP_ID_TO_HEX);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_parameters_win),
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_fixed_formats),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_ambiguous_ids),
    };

    return cmocka_run_group_tests_name("smpp_receipt", tests, NULL, NULL);
}
