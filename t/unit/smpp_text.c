/*
 * What stands in short_message and around it: headers, alphabets, packing,
 * senders, periods; vendor parameters, statuses, the rate and the window.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_rate.c"
#include "../../plugins/operator/smpp/smpp_status.c"
#include "../../plugins/operator/smpp/smpp_text.c"
#include "../../plugins/operator/smpp/smpp_vendor.c"
#include "../../plugins/operator/smpp/smpp_window.c"


static void
test_split_udh(void **state)
{
    sms_str_t  text, udh;

    (void) state;
    text = (sms_str_t) { "\x05\x00\x03\x01\x02\x01" "abc", 9 };
    assert_true(smpp_text_split_udh(&text, &udh));
    assert_int_equal(udh.len, 6);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.ptr, "abc", 3);

    text = (sms_str_t) { "\x05\x00\x03\x01\x02", 5 };
    assert_false(smpp_text_split_udh(&text, &udh));
    assert_int_equal(text.len, 5);
    text = (sms_str_t) { "\x00", 1 };
    assert_true(smpp_text_split_udh(&text, &udh));
    assert_int_equal(udh.len, 1);
    text.len = 0;
    assert_false(smpp_text_split_udh(&text, &udh));
}


static void
test_alphabets(void **state)
{
    size_t  i;

    static const uint8_t  pairs[][2] = {
        { 0x00, 0x00 }, { 0x01, 0x01 }, { 0x02, 0x04 }, { 0x03, 0x03 },
        { 0x04, 0x04 }, { 0x08, 0x08 }, { 0x05, 0x05 }, { 0x10, 0x00 },
        { 0x15, 0x04 }, { 0x18, 0x08 }, { 0x48, 0x08 }, { 0xC8, 0x00 },
        { 0xD1, 0x00 }, { 0xE0, 0x08 }, { 0xF0, 0x00 }, { 0xF1, 0x00 },
        { 0xF4, 0x04 }, { 0xF7, 0x04 }, { 0x80, 0x80 }
    };

    (void) state;

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(smpp_text_alphabet(pairs[i][0]), pairs[i][1]);
    }
}


/* octets as on air: TS 23.038 with the header's fill bits */
static void
test_packing(void **state)
{
    char    out[200], back[200];
    size_t  i, n;

    static const struct {
        const char  *septets;
        size_t       n, udh;
        const char  *octets;
        size_t       len;
    } cases[] = {
        { "hello", 5, 0, "\xE8\x32\x9B\xFD\x06", 5 },
        { "a\x1B\x65", 3, 0, "\xE1\x4D\x19", 3 },
        { "\x1B\x67", 2, 4, "\xD8\x9C\x01", 3 },
        { "\x1B\x53\x65\x6B\x65\x72", 6, 4, "\xD8\x4C\xCB\xEB\xB2\x1C", 6 },
        { "\x40\x1D", 2, 4, "\x00\x76\x00", 3 },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sms_str_t  in = { cases[i].septets, cases[i].n };
        sms_str_t  packed = { out, 0 };

        n = smpp_text_pack(in, cases[i].udh, out, sizeof(out));
        assert_int_equal(n, cases[i].len);
        assert_memory_equal(out, cases[i].octets, n);
        assert_int_equal(smpp_text_pack(in, cases[i].udh, out, n - 1), 0);

        packed.len = smpp_text_pack(in, cases[i].udh, out, sizeof(out));
        n = smpp_text_unpack(packed, cases[i].udh, back, sizeof(back));
        assert_int_equal(n, cases[i].n);
        assert_memory_equal(back, cases[i].septets, n);
    }
}


static void
test_receipts_in_other_alphabets(void **state)
{
    char    out[32];
    size_t  n;

    (void) state;
    n = smpp_text_ascii((sms_str_t) { "\0i\0d\0:\0" "1\x01\x5F", 10 }, 0x08,
                        out, sizeof(out));
    assert_int_equal(n, 5);
    assert_memory_equal(out, "id:1?", 5);
    n = smpp_text_ascii((sms_str_t) { "a\x11" "b\xFF", 4 }, 0x00, out,
                        sizeof(out));
    assert_memory_equal(out, "a_b\xFF", 4);
    n = smpp_text_ascii((sms_str_t) { "a\rb\tc\0", 6 }, 0x00, out,
                        sizeof(out));
    assert_memory_equal(out, "a b c ", 6);
    n = smpp_text_ascii((sms_str_t) SMS_STR("abcdef"), 0x00, out, 3);
    assert_int_equal(n, 3);
}


static void
test_senders(void **state)
{
    (void) state;
    assert_int_equal(smpp_text_sender_kind((sms_str_t) SMS_STR("ORNEK")),
                     SMPP_SENDER_ALPHA);
    assert_int_equal(smpp_text_sender_kind((sms_str_t) SMS_STR("4605")),
                     SMPP_SENDER_SHORT);
    assert_int_equal(smpp_text_sender_kind((sms_str_t) SMS_STR("8501234567")),
                     SMPP_SENDER_NUMBER);
    assert_int_equal(smpp_text_sender_kind((sms_str_t) SMS_STR("+908501234567")),
                     SMPP_SENDER_NUMBER);
    assert_int_equal(smpp_text_sender_kind((sms_str_t) SMS_STR("24SAAT")),
                     SMPP_SENDER_ALPHA);
    assert_int_equal(smpp_text_sender_kind((sms_str_t) SMS_STR("")),
                     SMPP_SENDER_ALPHA);
    assert_int_equal(smpp_text_address((sms_str_t) SMS_STR("+90532"), 0).len,
                     5);
    assert_int_equal(smpp_text_address((sms_str_t) SMS_STR("0090532"), 1).len,
                     5);
    assert_int_equal(smpp_text_address((sms_str_t) SMS_STR("0090532"), 0).len,
                     7);
}


static void
test_periods(void **state)
{
    char  out[SMPP_PERIOD_LEN + 1];

    (void) state;
    smpp_text_period(86400, out);
    assert_string_equal(out, "000001000000000R");
    smpp_text_period(180, out);
    assert_string_equal(out, "000000000300000R");
    smpp_text_period(2 * 86400 - 1, out);
    assert_string_equal(out, "000001235959000R");
    smpp_text_period(UINT32_MAX, out);
    assert_string_equal(out, "000030000000000R");
}


static void
test_statuses(void **state)
{
    smpp_verdict_t  v, over[1];

    (void) state;
    v = smpp_status_judge(0x58, NULL, 0);
    assert_int_equal(v.klass, SMPP_CLASS_THROTTLED);
    assert_string_equal(smpp_status_name(0x58), "ESME_RTHROTTLED");
    v = smpp_status_judge(0x455, NULL, 0);
    assert_int_equal(v.klass, SMPP_CLASS_FINAL);
    assert_string_equal(smpp_status_name(0x455), "vendor");

    assert_int_equal(smpp_status_parse(
        (sms_str_t) SMS_STR("0x455=blacklist"), &over[0]), SMS_OK);
    v = smpp_status_judge(0x455, over, 1);
    assert_int_equal(v.klass, SMPP_CLASS_FINAL);
    assert_int_equal(v.reason, SMS_REASON_BLACKLIST);
    assert_int_equal(smpp_status_parse((sms_str_t) SMS_STR("88=retry"),
                                       &over[0]), SMS_OK);
    v = smpp_status_judge(0x58, over, 1);
    assert_int_equal(v.klass, SMPP_CLASS_RETRY);

    assert_int_equal(smpp_status_parse((sms_str_t) SMS_STR("=retry"), &v),
                     SMS_E_CONFIG);
    assert_int_equal(smpp_status_parse((sms_str_t) SMS_STR("0x=retry"), &v),
                     SMS_E_CONFIG);
    assert_int_equal(smpp_status_parse((sms_str_t) SMS_STR("12=maybe"), &v),
                     SMS_E_CONFIG);
    assert_int_equal(smpp_status_parse(
        (sms_str_t) SMS_STR("4294967296=retry"), &v), SMS_E_CONFIG);
    assert_int_equal(smpp_status_parse((sms_str_t) SMS_STR("12"), &v),
                     SMS_E_CONFIG);
}


static void
vendor(smpp_vendor_t *v, const char *item)
{
    assert_int_equal(smpp_vendor_parse((sms_str_t) { item, strlen(item) }, v),
                     SMS_OK);
}


static void
test_vendor_parameters(void **state)
{
    char           buf[128];
    size_t         i, n;
    sms_msg_t      msg;
    sms_brand_t    brand;
    smpp_vendor_t  v[6];

    static const char *const  wrong[] = {
        "", "0x1501", "0x1501=string", "0x1501=string:", "0=string:a",
        "0x10000=string:a", "0x1501=words:a", "0x1501=int1:a",
        "0x1501=string:$nothing", "0x1501=hex:0", "0x1501=hex:0G",
        "0x1501=hex:G0", "0x1501=string:$attr.", "0x1501=string:$attr.Name",
        "0x=string:a", "=string:a", "0x1501=int1:256", "0x1501=int2:0x10000",
        "0x1501=int4:18446744073709551617",
        ("1=string:"
         "12345678901234567890123456789012345678901234567890123456789012345")
    };

    (void) state;
    memset(&msg, 0, sizeof(msg));
    memset(&brand, 0, sizeof(brand));
    msg.brand = &brand;
    msg.klass = SMS_CLASS_COMMERCIAL;
    msg.account = 300;
    brand.iys_code = 123456;
    brand.tckn = (sms_str_t) SMS_STR("10000000146");

    vendor(&v[0], "0x1501=string:$iys_code");
    vendor(&v[1], "0x1502=int1:$class");
    vendor(&v[2], "0x1503=text:BULK");
    vendor(&v[3], "0x1504=string:$brand_code");     /* 0: left out */
    vendor(&v[4], "5381=int4:$account");
    vendor(&v[5], "0x1506=text:$owner_id");
    n = smpp_vendor_put(v, 6, &msg, buf, sizeof(buf));
    assert_int_equal(n, 4 + 7 + 4 + 1 + 4 + 4 + 4 + 4 + 4 + 11);
    assert_memory_equal(buf, "\x15\x01\x00\x07" "123456\0"
                        "\x15\x02\x00\x01\x03" "\x15\x03\x00\x04" "BULK"
                        "\x15\x05\x00\x04\x00\x00\x01\x2C"
                        "\x15\x06\x00\x0B" "10000000146", n);

    /* a number that its octets cannot hold is left out, not cut */
    vendor(&v[0], "0x1501=int2:$iys_code");
    vendor(&v[1], "0x1502=int1:255");
    n = smpp_vendor_put(v, 2, &msg, buf, sizeof(buf));
    assert_int_equal(n, 5);
    assert_memory_equal(buf, "\x15\x02\x00\x01\xFF", n);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(smpp_vendor_parse(
            (sms_str_t) { wrong[i], strlen(wrong[i]) }, &v[0]), SMS_E_CONFIG);
    }
}


/* a Turkish carrier's partner number: the account's own, else the house's */
static void
test_parameters_of_an_account(void **state)
{
    char           buf[256];
    size_t         n;
    sms_msg_t      msg;
    sms_brand_t    brand;
    smpp_vendor_t  v[8];

    static const sms_kv_t  attrs[] = {
        { SMS_STR("other"), SMS_STR("x") },
        { SMS_STR("partner"), SMS_STR("P-0042") },
        { SMS_STR("blob"), SMS_STR("0aFF") }
    };

    (void) state;
    memset(&msg, 0, sizeof(msg));
    memset(&brand, 0, sizeof(brand));
    msg.brand = &brand;
    msg.encoding = SMS_ENC_UCS2;
    msg.parts = 3;
    vendor(&v[0], "0x1411=string:$attr.partner");
    vendor(&v[1], "0x1411=string:ORTAK01");
    vendor(&v[2], "0x1412=hex:00Ff");
    vendor(&v[3], "0x1413=hex:$attr.blob");
    vendor(&v[4], "0x1414=hex:$attr.other");        /* no digits: left out */
    vendor(&v[5], "0x1415=int2:$attr.partner");     /* no number: left out */
    vendor(&v[6], "0x1416=int1:$encoding");
    vendor(&v[7], "0x1417=int2:$parts");

    n = smpp_vendor_put(v, 8, &msg, buf, sizeof(buf));
    assert_int_equal(n, 12 + 6 + 5 + 6);
    assert_memory_equal(buf, "\x14\x11\x00\x08" "ORTAK01\0"
                        "\x14\x12\x00\x02\x00\xFF"
                        "\x14\x16\x00\x01\x04" "\x14\x17\x00\x02\x00\x03", n);

    msg.attrs = attrs;
    msg.nattrs = 3;
    n = smpp_vendor_put(v, 8, &msg, buf, sizeof(buf));
    assert_int_equal(n, 11 + 6 + 6 + 5 + 6);
    assert_memory_equal(buf, "\x14\x11\x00\x07" "P-0042\0"
                        "\x14\x12\x00\x02\x00\xFF"
                        "\x14\x13\x00\x02\x0A\xFF", 11 + 6 + 6);

    /* every variable, and no more than there is room for */
    brand.vkn = (sms_str_t) SMS_STR("1234567890");
    brand.name = (sms_str_t) SMS_STR("Marka");
    brand.brand_code = 7;
    brand.retailer_code = 8;
    msg.basis = 2;
    msg.exemption = 3;
    msg.recipient_type = 1;
    msg.id[0] = 0x01;
    vendor(&v[0], "1=text:$brand_code");
    vendor(&v[1], "2=text:$retailer_code");
    vendor(&v[2], "3=text:$basis");
    vendor(&v[3], "4=text:$exemption");
    vendor(&v[4], "5=text:$recipient_type");
    vendor(&v[5], "6=text:$brand");
    vendor(&v[6], "7=text:$message_id");
    vendor(&v[7], "8=text:$owner_id");
    n = smpp_vendor_put(v, 8, &msg, buf, sizeof(buf));
    assert_int_equal(n, 5 * 5 + 4 + 5 + 4 + 32 + 4 + 10);
    assert_memory_equal(buf + 25, "\0\x06\0\x05Marka\0\x07\0\x20" "0100", 17);
    assert_int_equal(smpp_vendor_put(v, 8, &msg, buf, 30), 25);
    brand.vkn.len = 0;
    brand.mersis = (sms_str_t) SMS_STR("0123456789012345");
    assert_int_equal(smpp_vendor_put(v, 8, &msg, buf, sizeof(buf)), n + 6);
}


static void
vendor_in(smpp_vendor_t *v, const char *item, sms_rc_t rc)
{
    assert_int_equal(smpp_vendor_parse_in((sms_str_t) { item, strlen(item) }, v),
                     rc);
}


static void
test_parameters_that_come_in(void **state)
{
    char           buf[1024], *to, big[300];
    size_t         len;
    sms_kv_t       kv[8];
    uint32_t       i;
    sms_str_t      tlvs;
    smpp_vendor_t  v[8];

    static const char *const  shown[] = {
        "P-0042", "00ff", "300", "0a0b0c", "\xC5\x9Eube", "ff00", ""
    };

    (void) state;
    vendor_in(&v[0], "0x1411=string:partner", SMS_OK);
    vendor_in(&v[1], "0x1412=hex:blob", SMS_OK);
    vendor_in(&v[2], "0x1413=int2:count", SMS_OK);
    vendor_in(&v[3], "0x1414=int4:odd", SMS_OK);        /* three octets came */
    vendor_in(&v[4], "0x1415=text:branch", SMS_OK);
    vendor_in(&v[5], "0x1416=text:octets", SMS_OK);
    vendor_in(&v[6], "0x1417=string:empty", SMS_OK);
    vendor_in(&v[7], "0x1418=text:missing", SMS_OK);
    vendor_in(&v[7], "0x1418=text:$x", SMS_E_CONFIG);
    vendor_in(&v[7], "0x1418=text:Name", SMS_E_CONFIG);
    vendor_in(&v[7], "0x1418=text", SMS_E_CONFIG);
    vendor_in(&v[7], "0x1419=text:missing", SMS_OK);

    tlvs = (sms_str_t) SMS_STR("\x14\x12\x00\x02\x00\xFF"
        "\x14\x11\x00\x07" "P-0042\0" "\x14\x13\x00\x02\x01\x2C"
        "\x14\x14\x00\x03\x0A\x0B\x0C" "\x14\x15\x00\x05\xC5\x9Eube"
        "\x14\x16\x00\x02\xFF\x00" "\x14\x17\x00\x01\0");
    to = buf;
    assert_int_equal(smpp_vendor_get(v, 8, tlvs, kv, &to), 7);

    for (i = 0; i < 7; i++) {
        assert_int_equal(kv[i].value.len, strlen(shown[i]));
        assert_memory_equal(kv[i].value.ptr, shown[i], kv[i].value.len);
    }

    assert_int_equal(kv[0].name.len, 7);
    assert_memory_equal(kv[0].name.ptr, "partner", 7);

    /* a control character is shown in digits, and no more than 256 octets */
    memset(big, 0x01, sizeof(big));
    len = 0;
    assert_true(smpp_tlv_put(buf, sizeof(buf), &len, 0x1411,
                             (sms_str_t) { big, sizeof(big) }));
    to = buf + 400;
    assert_int_equal(smpp_vendor_get(v, 1, (sms_str_t) { buf, len }, kv, &to),
                     1);
    assert_int_equal(kv[0].value.len, 512);
    assert_memory_equal(kv[0].value.ptr, "0101", 4);
}


static void
test_window(void **state)
{
    int            items[8];
    void          *item;
    int64_t        sent;
    uint32_t       i, seq[8];
    smpp_window_t  w;

    (void) state;
    assert_true(smpp_window_init(&w, 8));

    for (i = 0; i < 8; i++) {
        seq[i] = smpp_window_sequence(&w);
        assert_int_equal(seq[i], i + 1);
        smpp_window_add(&w, seq[i], &items[i], 100 + i, 1000 - i);
    }

    assert_int_equal(w.used, 8);
    assert_int_equal(smpp_window_due(&w), 993);
    assert_false(smpp_window_take(&w, 9, &item, &sent));
    assert_false(smpp_window_take(&w, 0, &item, &sent));
    assert_true(smpp_window_take(&w, 3, &item, &sent));
    assert_ptr_equal(item, &items[2]);
    assert_int_equal(sent, 102);
    assert_false(smpp_window_take(&w, 3, &item, &sent));

    smpp_window_forget(&w, 8);
    assert_int_equal(w.used, 7);
    assert_true(smpp_window_expire(&w, 993, &item));
    assert_null(item);
    assert_false(smpp_window_expire(&w, 993, &item));

    /* numbers in flight are skipped when they come round again */
    w.last = 0x7FFFFFFF;
    assert_int_equal(smpp_window_sequence(&w), 3);

    for (i = 0; smpp_window_expire(&w, INT64_MAX, &item); i++) {
        /* void */
    }

    assert_int_equal(i, 6);
    assert_int_equal(w.used, 0);
    assert_int_equal(smpp_window_due(&w), INT64_MAX);
    smpp_window_free(&w);
}


static uint32_t
rate_second(smpp_rate_t *r, int64_t *now, uint32_t smsc_limit,
    uint32_t *complaints)
{
    uint32_t  ms, sent;

    for (ms = 0, sent = 0; ms < 1000; ms++, *now += 1000) {
        while (smpp_rate_room(r, *now)) {
            smpp_rate_take(r, *now);

            if (++sent > smsc_limit) {
                smpp_rate_throttled(r, *now);
                (*complaints)++;
                break;
            }

            smpp_rate_accepted(r, *now);
        }
    }

    return sent;
}


static void
test_rate(void **state)
{
    int64_t      now;
    uint32_t     i, n, sent, complaints;
    smpp_rate_t  r;

    (void) state;
    now = 5000000;
    smpp_rate_init(&r, 0, 1000, now);
    assert_int_equal(smpp_rate_room(&r, now), UINT32_MAX);

    /* a fixed rate of 100 a second, never 5 % more in any second */
    smpp_rate_init(&r, 100000, 1000, now);
    complaints = 0;

    for (i = 0; i < 5; i++) {
        sent = rate_second(&r, &now, 1000, &complaints);
        assert_in_range(sent, 99, 105);
    }

    assert_int_equal(complaints, 0);

    /* an SMSC that takes 200 a second: found, and used well */
    smpp_rate_init(&r, 0, 1000, now);

    for (i = 0, n = 0; i < 60; i++) {
        n += rate_second(&r, &now, 200, &complaints);
    }

    assert_in_range(n, 60 * 150, 60 * 205);
    assert_in_range(complaints, 1, 20);

    /* refused again and again: the pause doubles up to half a minute */
    smpp_rate_init(&r, 0, 1000, now);

    for (i = 0, n = 0; i < 10; i++) {
        n = smpp_rate_throttled(&r, now);
        now = r.paused_us;
    }

    assert_int_equal(n, SMPP_RATE_PAUSE_MAX_MS);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_udh),
        cmocka_unit_test(test_alphabets),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_receipts_in_other_alphabets),
        cmocka_unit_test(test_senders),
        cmocka_unit_test(test_periods),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_vendor_parameters),
        cmocka_unit_test(test_parameters_of_an_account),
        cmocka_unit_test(test_parameters_that_come_in),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_rate),
    };

    return cmocka_run_group_tests_name("smpp_text", tests, NULL, NULL);
}
