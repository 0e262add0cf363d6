/*
 * How a link ties parts together and what it puts at their end: every way for
 * every alphabet, the text put together again from what goes out, and never
 * another number of parts than was charged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/operator/smpp/smpp_part.c"
#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_split.c"
#include "../../plugins/operator/smpp/smpp_text.c"
#include "../../plugins/operator/smpp/smpp_vendor.c"


#define NOW  INT64_C(1767258000000000)

typedef struct {
    char               text[4096];
    sms_msg_t          msg;
    sms_brand_t        brand;
    uint32_t           n;               /* parts that were charged             */
    sms_part_t         part[40];
    sms_segment_out_t  out[40];
} host_t;

static smpp_part_t  encoded;


/* the host's parts of "text", as flow/ngx_sms_link.c makes them */
static host_t *
host(const char *text, uint8_t encoding, unsigned suffix)
{
    host_t                 *h;
    uint32_t                i;
    sms_segment_t           count;
    sms_segment_part_t      parts[40];
    sms_segment_profile_t   pf;

    h = calloc(1, sizeof(host_t));
    assert_non_null(h);
    assert_true(strlen(text) < sizeof(h->text));
    strcpy(h->text, text);
    memset(&pf, 0, sizeof(pf));
    pf.force = encoding;
    pf.max_parts = 40;
    pf.suffix = (uint8_t) suffix;
    assert_int_equal(sms_segment_count(&pf, h->text, strlen(text), &count,
                                       parts, 40), SMS_SEGMENT_OK);
    h->n = count.parts;
    h->msg.text = (sms_str_t) { h->text, strlen(text) };
    h->msg.to = (sms_str_t) SMS_STR("905321112233");
    h->msg.from = (sms_str_t) SMS_STR("ORNEK");
    h->msg.encoding = encoding;
    h->msg.parts = count.parts;
    h->msg.brand = &h->brand;
    h->msg.id[14] = 0xAB;
    h->msg.id[15] = 0xCD;

    for (i = 0; i < h->n; i++) {
        assert_int_equal(sms_segment_split(&pf, &count, &parts[i], h->text,
                                           strlen(text), i + 1, 0xABCD,
                                           &h->out[i]), SMS_SEGMENT_OK);
        h->part[i].msg = &h->msg;
        h->part[i].number = (uint16_t) (i + 1);
        h->part[i].total = count.parts;
        h->part[i].encoding = encoding;
        h->part[i].udh = (sms_str_t) { (char *) h->out[i].udh,
                                       h->out[i].udh_len };
        h->part[i].payload = (sms_str_t) { (char *) h->out[i].payload,
                                           h->out[i].payload_len };
    }

    return h;
}


static void
conf_of(smpp_conf_t *c, smpp_long_t how, smpp_suffix_t suffix)
{
    memset(c, 0, sizeof(*c));
    c->coding_ucs2 = 8;
    c->split.how = how;
    c->split.suffix = suffix;
    c->split.turkish = 1;
    memcpy(c->split.append, " B001", 6);
}


static const char *
repeated(const char *unit, size_t n)
{
    static char  text[4096];

    text[0] = 0;
    assert_true(strlen(unit) * n < sizeof(text));

    while (n--) {
        strcat(text, unit);
    }

    return text;
}


/* what a handset makes of a PDU: its header and text appended to *all */
static void
receive(const smpp_pdu_t *pdu, char *all, sms_segment_udh_t *udh)
{
    char             out[16384];
    size_t           len;
    sms_str_t        text, header, value;
    const smpp_SM_t *sm;

    sm = &pdu->u.SM;
    text = sm->short_message;
    header = (sms_str_t) { NULL, 0 };
    memset(udh, 0, sizeof(*udh));

    if (smpp_tlv_find(pdu->tlvs, SMPP_TLV_MESSAGE_PAYLOAD, &value)) {
        assert_int_equal(text.len, 0);
        text = value;
    }

    if (sm->esm_class & SMPP_ESM_UDHI) {
        assert_true(smpp_text_split_udh(&text, &header));
        assert_int_equal(sms_segment_udh_read((const uint8_t *) header.ptr,
                                              header.len, udh), 0);
    }

    /* 140 octets on air */
    if (sm->short_message.len) {
        assert_true(header.len + (sm->data_coding == 8
                                  ? text.len : (text.len * 7 + 7) / 8) <= 140);
    }

    assert_int_equal(sms_segment_text(sm->data_coding,
                                      (const uint8_t *) header.ptr, header.len,
                                      (const uint8_t *) text.ptr, text.len, out,
                                      sizeof(out), &len), SMS_SEGMENT_OK);
    out[len] = 0;
    strcat(all, out);
}


static const struct {
    const char  *unit;
    uint8_t      encoding;
} alphabets[] = {
    { "Siparis kargoda. ",             SMS_ENC_GSM7 },
    { "Tutar 12\xE2\x82\xAC [ok] ",    SMS_ENC_GSM7 },
    { "\xC5\x9Eubemize bekleriz. ",    SMS_ENC_GSM7_TR_SINGLE },
    { "\xC5\x9E\xC4\xB1k \xC4\x9F\xC3\xBC\xC5\x9F ", SMS_ENC_GSM7_TR_LOCKING },
    { "Merhaba \xF0\x9F\x91\x8B ",     SMS_ENC_UCS2 }
};

#define ALPHABETS  (sizeof(alphabets) / sizeof(alphabets[0]))


/* every way for every alphabet and many lengths: the text arrives whole */
static void
test_text_arrives(void **state)
{
    char               all[8192], expected[4200];
    host_t            *h;
    size_t             a, n;
    sms_rc_t           rc;
    uint32_t           i, carried, refused, suffix;
    sms_str_t          value;
    smpp_long_t        how;
    smpp_conf_t        conf;
    smpp_suffix_t      mode;
    sms_segment_udh_t  udh;

    (void) state;
    carried = 0;
    refused = 0;

    for (a = 0; a < ALPHABETS; a++) {
        for (n = 1; n < 60; n++) {
            for (suffix = 0; suffix <= 5; suffix += 5) {
                for (how = SMPP_LONG_UDH8; how <= SMPP_LONG_SAR; how++) {
                    for (mode = SMPP_SUFFIX_NONE; mode <= SMPP_SUFFIX_BY_US;
                         mode++)
                    {
                        h = host(repeated(alphabets[a].unit, n),
                                 alphabets[a].encoding, suffix);
                        conf_of(&conf, how, mode);
                        all[0] = 0;

                        for (i = 0, rc = SMS_OK; i < h->n && rc == SMS_OK;
                             i++)
                        {
                            rc = smpp_part_encode(&encoded, &conf, &h->part[i],
                                                  NOW);
                            if (rc != SMS_OK) {
                                break;
                            }

                            receive(&encoded.pdu, all, &udh);

                            if (h->n == 1) {
                                assert_int_equal(udh.ref_bits, 0);
                                continue;
                            }

                            if (how == SMPP_LONG_SAR) {
                                assert_int_equal(udh.ref_bits, 0);
                                assert_true(smpp_tlv_find(encoded.pdu.tlvs,
                                    SMPP_TLV_SAR_SEQUENCE, &value));
                                assert_int_equal(value.ptr[0], i + 1);
                                assert_true(smpp_tlv_find(encoded.pdu.tlvs,
                                    SMPP_TLV_SAR_TOTAL, &value));
                                assert_int_equal(value.ptr[0], h->n);
                                assert_true(smpp_tlv_find(encoded.pdu.tlvs,
                                    SMPP_TLV_SAR_REF, &value));
                                assert_memory_equal(value.ptr, "\xAB\xCD", 2);
                                continue;
                            }

                            assert_int_equal(udh.seq, i + 1);
                            assert_int_equal(udh.total, h->n);

                            if (udh.ref_bits == 16) {
                                assert_int_equal(how, SMPP_LONG_UDH16);
                                assert_int_equal(udh.ref, 0xABCD);

                            } else {
                                assert_int_equal(udh.ref, 0xCD);
                            }
                        }

                        if (rc == SMS_E_DENIED) {
                            /* only where nobody counted what this link needs,
                             * and before the first part is written */
                            assert_int_equal(i, 0);
                            assert_int_equal(suffix, 0);
                            assert_int_not_equal(mode, SMPP_SUFFIX_NONE);
                            refused++;

                        } else {
                            assert_int_equal(rc, SMS_OK);
                            strcpy(expected, h->text);

                            if (mode == SMPP_SUFFIX_BY_US) {
                                strcat(expected, " B001");
                            }

                            assert_string_equal(all, expected);
                            carried++;
                        }

                        free(h);
                    }
                }
            }
        }
    }

    assert_true(carried > 4000);
    assert_true(refused > 10);
}


/* where 16 bits would cost a part more, 8 do; elsewhere it is 16 */
static void
test_reference_of_16_bits(void **state)
{
    char               all[8192];
    host_t            *h;
    smpp_conf_t        conf;
    sms_segment_udh_t  udh;

    (void) state;
    conf_of(&conf, SMPP_LONG_UDH16, SMPP_SUFFIX_NONE);
    h = host(repeated("x", 306), SMS_ENC_GSM7, 0);      /* 153 + 153 */
    assert_int_equal(h->n, 2);
    all[0] = 0;
    assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[1], NOW), 0);
    receive(&encoded.pdu, all, &udh);
    assert_int_equal(udh.ref_bits, 8);
    free(h);

    h = host(repeated("x", 304), SMS_ENC_GSM7, 0);      /* 152 + 152 */
    assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[1], NOW), 0);
    receive(&encoded.pdu, all, &udh);
    assert_int_equal(udh.ref_bits, 16);
    assert_int_equal(encoded.pdu.u.SM.short_message.len, 7 + 152);
    free(h);
}


/* the whole in message_payload, with the table's header alone */
static void
test_payload(void **state)
{
    char               all[16384];
    host_t            *h;
    size_t             a;
    sms_part_t         whole;
    smpp_conf_t        conf;
    smpp_suffix_t      mode;
    sms_segment_udh_t  udh;

    (void) state;

    for (a = 0; a < ALPHABETS; a++) {
        for (mode = SMPP_SUFFIX_NONE; mode <= SMPP_SUFFIX_BY_US; mode++) {
            h = host(repeated(alphabets[a].unit, 30), alphabets[a].encoding, 5);
            assert_true(h->n > 1);
            conf_of(&conf, SMPP_LONG_PAYLOAD, mode);
            memset(&whole, 0, sizeof(whole));
            whole.msg = &h->msg;
            whole.number = 1;
            whole.total = 1;
            whole.encoding = h->msg.encoding;
            all[0] = 0;
            assert_int_equal(smpp_part_encode(&encoded, &conf, &whole, NOW), 0);
            receive(&encoded.pdu, all, &udh);
            assert_int_equal(udh.ref_bits, 0);
            assert_int_equal(udh.shift,
                             h->msg.encoding == SMS_ENC_GSM7_TR_SINGLE);
            assert_int_equal(udh.lock,
                             h->msg.encoding == SMS_ENC_GSM7_TR_LOCKING);
            assert_memory_equal(all, h->text, strlen(h->text));
            assert_string_equal(all + strlen(h->text),
                                mode == SMPP_SUFFIX_BY_US ? " B001" : "");

            /* another number of parts would be another price */
            h->msg.parts++;
            assert_int_equal(smpp_part_encode(&encoded, &conf, &whole, NOW),
                             SMS_E_DENIED);
            free(h);
        }
    }

    /* one part needs no payload parameter, and goes as it came */
    h = host("Merhaba", SMS_ENC_GSM7, 5);
    conf_of(&conf, SMPP_LONG_PAYLOAD, SMPP_SUFFIX_NONE);
    assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[0], NOW), 0);
    assert_int_equal(encoded.pdu.u.SM.short_message.len, 7);
    assert_int_equal(encoded.pdu.tlvs.len, 0);
    free(h);
}


/* more than the parameter may hold is another link's */
static void
test_payload_too_long(void **state)
{
    host_t                 *h;
    sms_part_t              whole;
    smpp_conf_t             conf;
    static char             text[16000];
    sms_segment_t           count;
    sms_segment_profile_t   pf;

    (void) state;
    memset(text, 'x', sizeof(text));
    memset(&pf, 0, sizeof(pf));
    pf.force = SMS_ENC_GSM7;
    pf.max_parts = 255;
    assert_int_equal(sms_segment_count(&pf, text, sizeof(text), &count, NULL,
                                       0), 0);
    h = host("x", SMS_ENC_GSM7, 0);
    h->msg.text = (sms_str_t) { text, sizeof(text) };
    h->msg.parts = count.parts;
    memset(&whole, 0, sizeof(whole));
    whole.msg = &h->msg;
    whole.number = 1;
    whole.total = 1;
    whole.encoding = SMS_ENC_GSM7;
    conf_of(&conf, SMPP_LONG_PAYLOAD, SMPP_SUFFIX_NONE);
    assert_int_equal(smpp_part_encode(&encoded, &conf, &whole, NOW),
                     SMS_E_DENIED);
    free(h);
}


/* our code stands there once, whoever wrote it (C8) */
static void
test_never_twice(void **state)
{
    char               all[8192];
    host_t            *h;
    size_t             i;
    uint32_t           k;
    smpp_conf_t        conf;
    sms_segment_udh_t  udh;

    static const struct {
        const char  *text, *sent;
    } cases[] = {
        { "Merhaba",         "Merhaba B001" },
        { "Merhaba B001",    "Merhaba B001" },
        { "Merhaba B001.",   "Merhaba B001." },
        { "Merhaba\nB001 ",  "Merhaba\nB001 " },
        /* another's code, or what only looks like one: ours is still asked for */
        { "Merhaba B002",    "Merhaba B002 B001" },
        { "Kodunuz XB001",   "Kodunuz XB001 B001" },
        { "B001 ile gelin",  "B001 ile gelin B001" },
        { "B001",            "B001" },
    };

    (void) state;
    conf_of(&conf, SMPP_LONG_UDH8, SMPP_SUFFIX_BY_US);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        h = host(cases[i].text, SMS_ENC_GSM7, 5);
        all[0] = 0;
        assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[0], NOW),
                         0);
        receive(&encoded.pdu, all, &udh);
        assert_string_equal(all, cases[i].sent);
        free(h);
    }

    /* 160 characters that end with it: one part where the account does not count
     * the operator's code, two where it does; neither is split otherwise */
    for (i = 0; i <= 5; i += 5) {
        h = host(repeated("x", 155), SMS_ENC_GSM7, 0);
        free(h);
        strcpy(all, repeated("x", 155));
        strcat(all, " B001");
        h = host(all, SMS_ENC_GSM7, (unsigned) i);
        assert_int_equal(h->n, i ? 2 : 1);
        all[0] = 0;

        for (k = 0; k < h->n; k++) {
            assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[k],
                                              NOW), 0);
            receive(&encoded.pdu, all, &udh);
        }

        assert_string_equal(all, h->text);
        free(h);
    }
}


static void
test_no_room_for_the_suffix(void **state)
{
    host_t         *h;
    smpp_conf_t     conf;
    smpp_suffix_t   mode;

    (void) state;
    h = host(repeated("x", 158), SMS_ENC_GSM7, 0);
    assert_int_equal(h->n, 1);

    for (mode = SMPP_SUFFIX_NONE; mode <= SMPP_SUFFIX_BY_US; mode++) {
        conf_of(&conf, SMPP_LONG_UDH8, mode);
        assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[0], NOW),
                         mode == SMPP_SUFFIX_NONE ? SMS_OK : SMS_E_DENIED);
    }

    free(h);
}


static void
test_without_national_tables(void **state)
{
    char               all[8192];
    host_t            *h;
    smpp_conf_t        conf;
    sms_segment_udh_t  udh;

    (void) state;
    conf_of(&conf, SMPP_LONG_UDH8, SMPP_SUFFIX_NONE);
    conf.split.turkish = 0;

    /* 40 letters are one part either way */
    h = host(repeated("\xC5\x9F", 40), SMS_ENC_GSM7_TR_LOCKING, 5);
    assert_int_equal(h->n, 1);
    all[0] = 0;
    assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[0], NOW), 0);
    assert_int_equal(encoded.pdu.u.SM.data_coding, 8);
    assert_int_equal(encoded.pdu.u.SM.esm_class & SMPP_ESM_UDHI, 0);
    receive(&encoded.pdu, all, &udh);
    assert_string_equal(all, h->text);
    free(h);

    /* 120 are one part in the table and two in UCS-2: not over this link */
    h = host(repeated("\xC5\x9F", 120), SMS_ENC_GSM7_TR_LOCKING, 5);
    assert_int_equal(h->n, 1);
    assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[0], NOW),
                     SMS_E_DENIED);
    free(h);
}


/* packed as on air: fill bits behind the header, also with our suffix */
static void
test_packed(void **state)
{
    char         back[400];
    host_t      *h;
    size_t       a, n;
    uint32_t     i;
    sms_str_t    text, udh = { NULL, 0 };
    smpp_conf_t  conf;

    (void) state;

    for (a = 0; a < 4; a++) {
        h = host(repeated(alphabets[a].unit, 25), alphabets[a].encoding, 5);
        conf_of(&conf, SMPP_LONG_UDH8, SMPP_SUFFIX_BY_US);
        conf.septets = SMPP_SEPTETS_PACKED;

        for (i = 0, n = 0; i < h->n; i++) {
            assert_int_equal(smpp_part_encode(&encoded, &conf, &h->part[i],
                                              NOW), 0);
            text = encoded.pdu.u.SM.short_message;
            assert_true(text.len <= 140);
            assert_true(smpp_text_split_udh(&text, &udh));
            n = smpp_text_unpack(text, udh.len, back, sizeof(back));
            assert_true(n > 5);
        }

        assert_memory_equal(back + n - 5, " B001", 5);
        free(h);
    }
}


static void
test_nonsense(void **state)
{
    host_t       *h;
    sms_part_t    part;
    smpp_conf_t   conf;
    static char   long_text[300];

    (void) state;
    h = host(repeated("x", 200), SMS_ENC_GSM7, 0);
    conf_of(&conf, SMPP_LONG_SAR, SMPP_SUFFIX_NONE);
    part = h->part[0];
    part.number = 3;
    assert_int_equal(smpp_part_encode(&encoded, &conf, &part, NOW),
                     SMS_E_DENIED);
    part.number = 0;
    assert_int_equal(smpp_part_encode(&encoded, &conf, &part, NOW),
                     SMS_E_DENIED);

    /* octets are nobody's text: as they are, or not at all */
    part = h->part[0];
    part.encoding = SMS_ENC_BINARY;
    part.data_coding = 4;
    conf_of(&conf, SMPP_LONG_UDH8, SMPP_SUFFIX_BY_US);
    assert_int_equal(smpp_part_encode(&encoded, &conf, &part, NOW), SMS_OK);
    assert_int_equal(encoded.pdu.u.SM.data_coding, 4);
    assert_int_equal(encoded.pdu.u.SM.short_message.len,
                     part.udh.len + part.payload.len);
    part.payload = (sms_str_t) { long_text, sizeof(long_text) };
    assert_int_equal(smpp_part_encode(&encoded, &conf, &part, NOW),
                     SMS_E_INVAL);
    part.udh = part.payload;
    assert_int_equal(smpp_part_encode(&encoded, &conf, &part, NOW),
                     SMS_E_INVAL);

    /* nothing at all is a message, too */
    part.udh.len = 0;
    part.payload.len = 0;
    assert_int_equal(smpp_part_encode(&encoded, &conf, &part, NOW), SMS_OK);
    assert_int_equal(encoded.pdu.u.SM.short_message.len, 0);
    free(h);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_arrives),
        cmocka_unit_test(test_reference_of_16_bits),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_payload_too_long),
        cmocka_unit_test(test_never_twice),
        cmocka_unit_test(test_no_room_for_the_suffix),
        cmocka_unit_test(test_without_national_tables),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests_name("smpp_split", tests, NULL, NULL);
}
