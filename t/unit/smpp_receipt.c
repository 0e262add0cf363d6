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

static const smpp_receipt_word_t  own_words[] = {
    { SMS_STR("HLR_ABSENT"), SMS_RECEIPT_UNDELIVERED },
    { SMS_STR("Failed"), SMS_RECEIPT_ENROUTE }
};

static const smpp_receipt_ways_t  turkey = { 10800, 2, own_words };
static const smpp_receipt_ways_t  utc = { 0, 0, NULL };

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
    /* other names, other signs between, any order, words around */
    { "MsgId=77;Status=DELIVERED;Error=0;DoneDate=2601011200", "77",
      SMS_RECEIPT_DELIVERED, 0, NOON },
    { "message id:77 done_date:260101120000 state:2 err_code:0", "77",
      SMS_RECEIPT_DELIVERED, 0, NOON },
    { "stat:UNDELIV id:\"77\" err:'34'", "77", SMS_RECEIPT_UNDELIVERED, 34, 0 },
    { "id : 77 stat : DELIVRD err : 3", "77", SMS_RECEIPT_DELIVERED, 3, 0 },
    { "Receipt for you: id:77 stat:DELIVRD", "77", SMS_RECEIPT_DELIVERED, 0,
      0 },
    { "id:77  sub:001  stat:DELIVRD   err:000  ", "77", SMS_RECEIPT_DELIVERED,
      0, 0 },
    /* ids and dates with a colon inside */
    { "id:2026:11:77 stat:DELIVRD", "2026:11:77", SMS_RECEIPT_DELIVERED, 0,
      0 },
    { "id:YWJj== stat:DELIVRD", "YWJj==", SMS_RECEIPT_DELIVERED, 0, 0 },
    { "id:5 done date:2026-01-01T12:00:05 stat:DELIVRD", "5",
      SMS_RECEIPT_DELIVERED, 0, NOON + 5 },
    { "id:5 done date:26/01/01-12:00 stat:DELIVRD", "5",
      SMS_RECEIPT_DELIVERED, 0, NOON },
    { "id:5 done date:2026-01-01T12:00:05.123 stat:DELIVRD", "5",
      SMS_RECEIPT_DELIVERED, 0, 0 },
    { "id:5 done date:26O1011200 stat:DELIVRD", "5", SMS_RECEIPT_DELIVERED, 0,
      0 },
    { "id:5 done date:2601012500 stat:DELIVRD", "5", SMS_RECEIPT_DELIVERED, 0,
      0 },
    /* errors in hexadecimal, too long, of letters */
    { "id:5 stat:UNDELIV err:0x1B", "5", SMS_RECEIPT_UNDELIVERED, 27, 0 },
    { "id:5 stat:UNDELIV err:01b", "5", SMS_RECEIPT_UNDELIVERED, 27, 0 },
    { "id:5 stat:UNDELIV err:99999999999", "5", SMS_RECEIPT_UNDELIVERED, 0,
      0 },
    { "id:5 stat:UNDELIV err:4294967296", "5", SMS_RECEIPT_UNDELIVERED, 0,
      0 },
    { "id:5 stat:UNDELIV err:0x", "5", SMS_RECEIPT_UNDELIVERED, 0, 0 },
    { "id:5 stat:UNDELIV err:1G", "5", SMS_RECEIPT_UNDELIVERED, 0, 0 },
    /* no stat: */
    { "id:5 sub:001 dlvrd:001 err:000", "5", SMS_RECEIPT_DELIVERED, 0, 0 },
    { "id:5 sub:001 dlvrd:000 err:034", "5", SMS_RECEIPT_UNDELIVERED, 34, 0 },
    /* this operator's own words, also against the table's */
    { "id:5 stat:hlr_absent err:1", "5", SMS_RECEIPT_UNDELIVERED, 1, 0 },
    { "id:5 stat:FAILED", "5", SMS_RECEIPT_ENROUTE, 0, 0 },
    { "id:5 stat:0", "5", SMS_RECEIPT_ENROUTE, 0, 0 },
    { "id:5 stat:9", "5", SMS_RECEIPT_UNDELIVERED, 0, 0 },
    { "id:5 stat:REPLACED", "5", SMS_RECEIPT_DELETED, 0, 0 },
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
    "id:5 stat:NONSENSE", "id:5 sub:001 dlvrd:001 stat:NONSENSE",
    "id:5 sub:001 dlvrd:000 err:000", "id:5 sub:000 dlvrd:001", "id:5 stat:=",
    "id:5 status", "?id:77?stat:DELIVRD", ":::::", "text:id:5 stat:DELIVRD", "id:5 stat"
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

        if (!smpp_receipt_parse(&r, text, none, &turkey)) {
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

        if (smpp_receipt_parse(&r, text, none, &turkey)) {
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
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.id.len, 2);
    assert_memory_equal(r.id.ptr, "77", 2);
    assert_int_equal(r.state, SMS_RECEIPT_DELIVERED);
    assert_int_equal(r.error, 0x102);

    assert_true(smpp_receipt_parse(&r, none, tlvs, &utc));
    assert_int_equal(r.state, SMS_RECEIPT_DELIVERED);

    /* numbers written as digits, as one octet or two, and of the SMPP to come */
    tlvs = (sms_str_t) { "\x04\x27\x00\x01" "5" "\x04\x23\x00\x03" "034", 12 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.state, SMS_RECEIPT_UNDELIVERED);
    assert_int_equal(r.error, 34);
    tlvs = (sms_str_t) { "\x04\x23\x00\x02\x01\x02", 6 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.error, 0x102);
    tlvs = (sms_str_t) { "\x04\x23\x00\x01\x08", 5 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.error, 8);
    tlvs = (sms_str_t) { "\x04\x23\x00\x05\x01\x02\x03\x04\x05", 9 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.error, 0);
    tlvs = (sms_str_t) { "\x04\x27\x00\x01\x09", 5 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.state, SMS_RECEIPT_UNDELIVERED);

    /* a text without id or state beside them, and an empty id */
    tlvs = (sms_str_t) { "\x00\x1E\x00\x03" "77\0" "\x04\x27\x00\x01\x02", 12 };
    assert_true(smpp_receipt_parse(&r, (sms_str_t) SMS_STR("err:007 text:x"),
                                   tlvs, &utc));
    assert_int_equal(r.error, 7);
    assert_memory_equal(r.id.ptr, "77", 2);
    tlvs = (sms_str_t) { "\x00\x1E\x00\x02\0\0", 6 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_memory_equal(r.id.ptr, "5", 1);

    /* a state outside the standard leaves the text's */
    tlvs = (sms_str_t) { "\x04\x27\x00\x01\x63", 5 };
    assert_true(smpp_receipt_parse(&r, text, tlvs, &utc));
    assert_int_equal(r.state, SMS_RECEIPT_UNDELIVERED);
}


static void
test_words_of_an_operator(void **state)
{
    smpp_receipt_word_t  w;

    (void) state;
    assert_true(smpp_receipt_word((sms_str_t) SMS_STR("HLR=Undelivered"), &w));
    assert_int_equal(w.word.len, 3);
    assert_int_equal(w.state, SMS_RECEIPT_UNDELIVERED);
    assert_true(smpp_receipt_word((sms_str_t) SMS_STR("x=rejected"), &w));
    assert_int_equal(w.state, SMS_RECEIPT_REJECTED);
    assert_false(smpp_receipt_word((sms_str_t) SMS_STR(""), &w));
    assert_false(smpp_receipt_word((sms_str_t) SMS_STR("x"), &w));
    assert_false(smpp_receipt_word((sms_str_t) SMS_STR("=rejected"), &w));
    assert_false(smpp_receipt_word((sms_str_t) SMS_STR("x=gone"), &w));
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

    smpp_id_answer(book, &id, (sms_str_t) { raw, strlen(raw) },
                   (sms_str_t) SMS_STR("+905321112233"));
}


static smpp_reading_t  r;

/* the reading that would be tried first, for the number "to" */
static const char *
receipt_from(smpp_id_book_t *book, const char *raw, const char *to)
{
    smpp_id_receipt(book, &r, (sms_str_t) { raw, strlen(raw) },
                    (sms_str_t) { to, strlen(to) });

    return r.id[r.best].s;
}


static const char *
receipt(smpp_id_book_t *book, const char *raw)
{
    return receipt_from(book, raw, "905321112233");
}


static void
test_fixed_formats(void **state)
{
    static smpp_id_book_t  book;

    (void) state;
    smpp_id_book_init(&book, SMPP_ID_HEX, SMPP_ID_DECIMAL);
    assert_string_equal(receipt(&book, "0228783031"), "da2f3b7");
    assert_false(r.open);
    smpp_id_book_init(&book, SMPP_ID_DECIMAL, SMPP_ID_HEX);
    assert_string_equal(receipt(&book, "0DA2F3B7"), "228783031");
    assert_false(r.open);
    smpp_id_book_init(&book, SMPP_ID_DECIMAL, SMPP_ID_DECIMAL);
    assert_string_equal(receipt(&book, "00042"), "42");
    assert_false(r.open);
    smpp_id_book_init(&book, SMPP_ID_AS_IS, SMPP_ID_AS_IS);
    assert_string_equal(receipt(&book, "00042aB"), "00042aB");
    assert_false(r.open);
}


static void
test_learning(void **state)
{
    static smpp_id_book_t  book;

    (void) state;

    /* nothing known: every reading, the plain one first */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    assert_string_equal(receipt(&book, "0256"), "256");
    assert_true(r.open && !r.sure);
    assert_string_equal(r.id[SMPP_ID_TO_HEX].s, "100");
    assert_string_equal(r.id[SMPP_ID_TO_DECIMAL].s, "598");

    answer(&book, "0DA2F3B7");
    assert_string_equal(receipt(&book, "228783031"), "da2f3b7");
    assert_int_equal(smpp_id_known(&book), SMPP_ID_TO_HEX);
    assert_true(r.changed && r.sure);
    assert_string_equal(receipt(&book, "256"), "100");
    assert_true(!r.changed && r.sure);

    /* an answer may be what was missing: the next receipt tells */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    receipt(&book, "DA2F3B7");
    assert_true(!r.changed && !r.sure);

    while (smpp_id_known(&book) == SMPP_ID_NONE) {
        answer(&book, "7000000001");
    }

    receipt(&book, "DA2F3B8");
    assert_true(r.changed);
    receipt(&book, "DA2F3B9");
    assert_false(r.changed);

    /* the other way round */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "228783031");
    assert_string_equal(receipt(&book, "DA2F3B7"), "228783031");
    assert_int_equal(smpp_id_known(&book), SMPP_ID_TO_DECIMAL);

    /* the same on both sides, zeros apart */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "0000777001");
    assert_string_equal(receipt(&book, "777001"), "777001");
    assert_int_equal(smpp_id_known(&book), SMPP_ID_SAME);

    /* letters on both sides, or ids that are no numbers */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "1a");
    receipt(&book, "2B");
    assert_int_equal(smpp_id_known(&book), SMPP_ID_SAME);
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "sms-17");
    assert_string_equal(receipt(&book, "1234"), "1234");
    assert_true(r.sure);

    /* one side is configured */
    smpp_id_book_init(&book, SMPP_ID_HEX, SMPP_ID_AUTO);
    receipt(&book, "16");
    assert_int_equal(r.id[SMPP_ID_TO_DECIMAL].len, 0);
    assert_string_equal(r.id[SMPP_ID_TO_HEX].s, "10");
    assert_true(r.open && !r.sure);
}


/* Numbers in a row, each to a number of its own; receipts "lag" behind. */
static uint32_t
run(smpp_id_book_t *book, const char *answer_form, const char *receipt_form,
    int n, int people, int lag, smpp_id_change_t right)
{
    int         i;
    char        raw[24], to[24];
    uint32_t    wrong;
    smpp_id_t   id;

    wrong = 0;

    for (i = 1; i <= n + lag; i++) {
        if (i <= n) {
            snprintf(raw, sizeof(raw), answer_form, i);
            snprintf(to, sizeof(to), "90532%07d", i % people);
            smpp_id_answer(book, &id, (sms_str_t) { raw, strlen(raw) },
                           (sms_str_t) { to, strlen(to) });
        }

        if (i > lag) {
            snprintf(raw, sizeof(raw), receipt_form, i - lag);
            snprintf(to, sizeof(to), "90532%07d", (i - lag) % people);
            receipt_from(book, raw, to);

            /* one digit reads the same */
            if (r.open && r.sure && r.best != right) {
                wrong++;
            }

            /* the right one is always among them */
            assert_true(!r.open || r.id[right].len);
        }
    }

    return wrong;
}


/* The bug: small ids in a row taught the wrong base, for ever. */
static void
test_small_ids(void **state)
{
    size_t                 i, k;
    static smpp_id_book_t  book;

    static const struct { const char *answer, *receipt; smpp_id_change_t is; }
        forms[] = {
        { "%d", "%x", SMPP_ID_TO_DECIMAL }, { "%X", "%d", SMPP_ID_TO_HEX },
        { "%x", "%010d", SMPP_ID_TO_HEX }, { "%d", "%08X", SMPP_ID_TO_DECIMAL },
        { "%d", "%d", SMPP_ID_SAME }, { "%x", "%X", SMPP_ID_SAME },
        { "%08x", "%x", SMPP_ID_SAME }, { "%d", "%010d", SMPP_ID_SAME }
    };
    static const int  people[] = { 1000000, 50, 7 };
    static const int  lags[] = { 0, 3, 40, 700 };

    (void) state;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        for (k = 0; k < 12; k++) {
            smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
            assert_int_equal(run(&book, forms[i].answer, forms[i].receipt, 3000,
                                 people[k % 3], lags[k / 3], forms[i].is), 0);
            assert_int_equal(smpp_id_known(&book), forms[i].is);
        }
    }
}


/* What was learned is taken back when the matches say otherwise. */
static void
test_unlearning(void **state)
{
    int                    i;
    char                   raw[16];
    static smpp_id_book_t  book;

    (void) state;
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    run(&book, "%d", "%d", 200, 1000000, 5, SMPP_ID_SAME);
    assert_int_equal(smpp_id_known(&book), SMPP_ID_SAME);

    /* one coincidence does not overturn it, but is not taken as sure either */
    answer(&book, "1600");
    receipt(&book, "640");
    assert_true(r.open && !r.sure);
    assert_int_equal(smpp_id_known(&book), SMPP_ID_SAME);

    /* the operator's new software writes hexadecimal receipts */
    for (i = 2000; i < 2050; i++) {
        snprintf(raw, sizeof(raw), "%d", i);
        answer(&book, raw);
        snprintf(raw, sizeof(raw), "%x", i);
        receipt(&book, raw);
        assert_true(!r.sure || r.best == SMPP_ID_TO_DECIMAL);
    }

    assert_int_equal(smpp_id_known(&book), SMPP_ID_TO_DECIMAL);

    /* told by another worker, wrongly: one long match is enough */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    smpp_id_believe(&book, SMPP_ID_TO_HEX);
    answer(&book, "7000000001");
    assert_string_equal(receipt(&book, "7000000001"), "7000000001");
    assert_true(r.sure && r.changed);

    /* another number's receipt is no match */
    smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
    answer(&book, "7000000001");
    receipt_from(&book, "7000000001", "905329999999");
    assert_false(r.sure);
    /* nor one whose recipient is not told, alone */
    receipt_from(&book, "7000000001", "ORNEK");
    assert_false(r.sure);
    receipt_from(&book, "7000000001", "");
    assert_true(r.sure);
    /* with or without the country */
    answer(&book, "7000000002");
    smpp_id_believe(&book, SMPP_ID_NONE);
    book.votes = 0;
    receipt_from(&book, "7000000002", "05321112233");
    assert_true(r.sure);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_parameters_win),
        cmocka_unit_test(test_words_of_an_operator),
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_fixed_formats),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_small_ids),
        cmocka_unit_test(test_unlearning),
    };

    return cmocka_run_group_tests_name("smpp_receipt", tests, NULL, NULL);
}
