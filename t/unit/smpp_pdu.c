/*
 * SMPP 3.4 octets: against PDUs written out by hand from the standard, and
 * against everything that a peer can cut off or make too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/operator/smpp/smpp_pdu.c"


/* bind_transmitter of SMPP 3.4 issue 1.2, 2.8: the standard's own example */
static const char  example[] =
    "\x00\x00\x00\x2F\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01"
    "SMPP3TEST\0" "secret08\0" "SUBMIT1\0" "\x00\x01\x01\0";

static const char  deliver[] =
    "\x00\x00\x00\x49\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x2A"
    "\0" "\x01\x01" "905321112233\0" "\x05\x00" "ORNEK\0" "\x04\x00\x00"
    "\0" "\0" "\x00\x00\x00\x00" "\x05" "hello"
    "\x00\x1E\x00\x05" "1A2B\0" "\x04\x27\x00\x01\x02"
    "\x14\x01\x00\x00";


static void
is(sms_str_t s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}


static void
test_example_of_the_standard(void **state)
{
    char        buf[64];
    smpp_pdu_t  pdu;

    (void) state;
    assert_int_equal(sizeof(example) - 1, 0x2F);
    assert_int_equal(smpp_pdu_length(example, 4), 0x2F);
    assert_int_equal(smpp_pdu_decode(&pdu, example, sizeof(example) - 1), 0);
    assert_int_equal(pdu.command, 2);
    assert_int_equal(pdu.sequence, 1);
    is(pdu.u.BIND.system_id, "SMPP3TEST");
    is(pdu.u.BIND.password, "secret08");
    is(pdu.u.BIND.system_type, "SUBMIT1");
    assert_int_equal(pdu.u.BIND.interface_version, 0);
    assert_int_equal(pdu.u.BIND.addr_ton, 1);
    assert_int_equal(pdu.u.BIND.addr_npi, 1);
    is(pdu.u.BIND.address_range, "");

    assert_int_equal(smpp_pdu_encode(&pdu, buf, sizeof(buf)), 0x2F);
    assert_memory_equal(buf, example, 0x2F);
    assert_int_equal(smpp_pdu_encode(&pdu, buf, 0x2E), 0);
}


static void
test_deliver_with_parameters(void **state)
{
    int         n;
    uint16_t    tag;
    sms_str_t   rest, value;
    smpp_pdu_t  pdu;

    (void) state;
    assert_int_equal(sizeof(deliver) - 1, 0x49);
    assert_int_equal(smpp_pdu_decode(&pdu, deliver, 0x49), 0);
    is(pdu.u.SM.source_addr, "905321112233");
    is(pdu.u.SM.destination_addr, "ORNEK");
    is(pdu.u.SM.short_message, "hello");
    assert_int_equal(pdu.u.SM.esm_class, 4);

    assert_true(smpp_tlv_find(pdu.tlvs, SMPP_TLV_RECEIPTED_MESSAGE_ID, &value));
    assert_int_equal(value.len, 5);
    assert_true(smpp_tlv_find(pdu.tlvs, SMPP_TLV_MESSAGE_STATE, &value));
    assert_int_equal(value.ptr[0], 2);
    assert_false(smpp_tlv_find(pdu.tlvs, SMPP_TLV_MESSAGE_PAYLOAD, &value));

    rest = pdu.tlvs;
    for (n = 0; smpp_tlv_next(&rest, &tag, &value) == 1; n++) {
        /* void */
    }

    assert_int_equal(n, 3);
    assert_int_equal(tag, 0x1401);
    assert_int_equal(value.len, 0);
}


/* cut at each octet, with command_length made to agree: never accepted as a
 * whole one, never read past its end (the copy is of exactly that size)       */
static void
test_every_truncation(void **state)
{
    char        *cut;
    size_t       n, good;
    smpp_pdu_t   pdu;

    (void) state;
    good = 0;

    for (n = 0; n < 0x49; n++) {
        cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, deliver, n);

        if (n >= SMPP_HEADER_LEN) {
            smpp_pdu_put32(cut, (uint32_t) n);
            good += smpp_pdu_decode(&pdu, cut, n) == ESME_ROK;

        } else {
            assert_int_equal(smpp_pdu_decode(&pdu, cut, n), ESME_RINVCMDLEN);
        }

        free(cut);
    }

    /* before, between and not inside the three optional parameters */
    assert_int_equal(good, 3);
}


static void
test_lengths(void **state)
{
    (void) state;
    assert_int_equal(smpp_pdu_length("\0\0\0", 3), 0);
    assert_int_equal(smpp_pdu_length("\0\0\0\x0F", 4), -1);
    assert_int_equal(smpp_pdu_length("\0\0\0\x10", 4), 16);
    assert_int_equal(smpp_pdu_length("\0\0\x40\0", 4), 16384);
    assert_int_equal(smpp_pdu_length("\0\0\x40\x01", 4), -1);
    assert_int_equal(smpp_pdu_length("\xFF\xFF\xFF\xFF", 4), -1);
}


static void
test_answers_without_body(void **state)
{
    smpp_pdu_t  pdu;

    static const char  answer[] =
        "\0\0\0\x10\x80\0\0\4\0\0\0\x58\0\0\0\7";
    static const char  request[] =
        "\0\0\0\x10\0\0\0\4\0\0\0\0\0\0\0\7";
    static const char  unknown[] =
        "\0\0\0\x10\0\0\0\x77\0\0\0\0\0\0\0\7";

    (void) state;
    assert_int_equal(smpp_pdu_decode(&pdu, answer, 16), ESME_ROK);
    assert_int_equal(pdu.status, 0x58);
    assert_int_equal(pdu.u.SM_RESP.message_id.len, 0);
    assert_int_equal(smpp_pdu_decode(&pdu, request, 16), ESME_RINVCMDLEN);
    assert_int_equal(smpp_pdu_decode(&pdu, unknown, 16), ESME_RINVCMDID);
    assert_int_equal(pdu.sequence, 7);
}


static void
test_encoding_refuses(void **state)
{
    char        buf[512], text[256];
    size_t      n;
    smpp_pdu_t  pdu;

    (void) state;
    memset(text, 'a', sizeof(text));
    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM;
    pdu.u.SM.destination_addr = (sms_str_t) { text, 20 };
    n = smpp_pdu_encode(&pdu, buf, sizeof(buf));
    assert_int_equal(n, 16 + 1 + 2 + 1 + 2 + 21 + 3 + 2 + 4 + 1);
    pdu.u.SM.destination_addr.len = 21;
    assert_int_equal(smpp_pdu_encode(&pdu, buf, sizeof(buf)), 0);

    pdu.u.SM.destination_addr = (sms_str_t) { "90\0" "5", 4 };
    assert_int_equal(smpp_pdu_encode(&pdu, buf, sizeof(buf)), 0);

    pdu.u.SM.destination_addr = (sms_str_t) { "905", 3 };
    pdu.u.SM.short_message = (sms_str_t) { text, 254 };
    n = smpp_pdu_encode(&pdu, buf, sizeof(buf));
    assert_true(n > 254);
    assert_int_equal(smpp_pdu_encode(&pdu, buf, n - 1), 0);
    pdu.u.SM.short_message.len = 255;
    assert_int_equal(smpp_pdu_encode(&pdu, buf, sizeof(buf)), 0);

    pdu.command = 0x77;
    assert_int_equal(smpp_pdu_encode(&pdu, buf, sizeof(buf)), 0);
}


static void
test_parameters_one_by_one(void **state)
{
    char       buf[16];
    size_t     len;
    uint16_t   tag;
    sms_str_t  rest, value;

    (void) state;
    len = 0;
    assert_true(smpp_tlv_put(buf, sizeof(buf), &len, 0x1501,
                             (sms_str_t) { "abc", 3 }));
    assert_true(smpp_tlv_put(buf, sizeof(buf), &len, 0x1502,
                             (sms_str_t) { NULL, 0 }));
    assert_false(smpp_tlv_put(buf, sizeof(buf), &len, 0x1503,
                              (sms_str_t) { "ab", 2 }));
    assert_int_equal(len, 11);

    rest = (sms_str_t) { buf, len };
    assert_int_equal(smpp_tlv_next(&rest, &tag, &value), 1);
    assert_int_equal(tag, 0x1501);
    is(value, "abc");
    assert_int_equal(smpp_tlv_next(&rest, &tag, &value), 1);
    assert_int_equal(value.len, 0);
    assert_int_equal(smpp_tlv_next(&rest, &tag, &value), 0);

    rest = (sms_str_t) { "\x15\x01\x00\x04" "abc", 7 };
    assert_int_equal(smpp_tlv_next(&rest, &tag, &value), -1);
    rest = (sms_str_t) { "\x15\x01\x00", 3 };
    assert_int_equal(smpp_tlv_next(&rest, &tag, &value), -1);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_the_standard),
        cmocka_unit_test(test_deliver_with_parameters),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_answers_without_body),
        cmocka_unit_test(test_encoding_refuses),
        cmocka_unit_test(test_parameters_one_by_one),
    };

    return cmocka_run_group_tests_name("smpp_pdu", tests, NULL, NULL);
}
