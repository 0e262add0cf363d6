/*
 * What an SMSC brings, in the fake host: receipts and messages in every wrapping,
 * their parameters; and what a link says of itself.
 */
#define _GNU_SOURCE
#include "smpp_smsc.h"


typedef struct {
    uint8_t     esm_class, data_coding;
    int         data_sm;                /* instead of deliver_sm               */
    sms_str_t   text, tlvs;
} brought_t;


static const sms_inbound_t *
bring(smsc_t *s, const brought_t *b)
{
    uint32_t    before;
    smpp_pdu_t  pdu;

    static uint32_t  sequence = 900;

    memset(&pdu, 0, sizeof(pdu));
    pdu.sequence = ++sequence;
    pdu.tlvs = b->tlvs;

    if (b->data_sm) {
        pdu.command = (uint32_t) SMPP_CMD_DATA_SM;
        pdu.u.DATA_SM.esm_class = b->esm_class;
        pdu.u.DATA_SM.data_coding = b->data_coding;
        pdu.u.DATA_SM.source_addr = (sms_str_t) SMS_STR("905321112233");
        pdu.u.DATA_SM.destination_addr = (sms_str_t) SMS_STR("4605");

    } else {
        pdu.command = (uint32_t) SMPP_CMD_DELIVER_SM;
        pdu.u.SM.esm_class = b->esm_class;
        pdu.u.SM.data_coding = b->data_coding;
        pdu.u.SM.source_addr = (sms_str_t) SMS_STR("905321112233");
        pdu.u.SM.destination_addr = (sms_str_t) SMS_STR("4605");
        pdu.u.SM.short_message = b->text;
    }

    before = fakehost_inbound_count(s->fh);
    smsc_send(s, &pdu);
    fakehost_advance(s->fh, 10);

    return fakehost_inbound(s->fh, before);
}


static void
is(sms_str_t s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}


/* a receipt or a message in its TLVs, over data_sm, as UCS-2, as octets */
static void
test_wrappings(void **state)
{
    smsc_t               *s;
    const sms_inbound_t  *ev;

    (void) state;
    s = start(NULL);

    /* message_payload instead of short_message */
    ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_RECEIPT,
        .tlvs = SMS_STR("\x04\x24\x00\x13" "id:1001 stat:EXPIRED") });
    assert_null(ev);                    /* one octet short: "EXPIRE"           */
    ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_RECEIPT,
        .tlvs = SMS_STR("\x04\x24\x00\x14" "id:1001 stat:EXPIRED") });
    assert_int_equal(ev->state, SMS_RECEIPT_EXPIRED);
    assert_int_equal(ev->reason, SMS_REASON_EXPIRED);

    /* data_sm with a receipt in parameters alone, unmarked */
    ev = bring(s, &(brought_t) { .data_sm = 1,
        .tlvs = SMS_STR("\x00\x1E\x00\x05" "1001\0" "\x04\x27\x00\x01\x02") });
    assert_int_equal(ev->type, SMS_INBOUND_RECEIPT);
    is(ev->operator_id, "1001");

    ev = bring(s, &(brought_t) { .data_sm = 1, .data_coding = 8,
        .tlvs = SMS_STR("\x04\x24\x00\x04\x01\x5E\x00\x41") });
    assert_int_equal(ev->type, SMS_INBOUND_MESSAGE);
    assert_int_equal(ev->data_coding, 8);
    assert_int_equal(ev->octets.len, 4);

    /* an intermediate notification, in UCS-2 */
    ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_INTERMEDIATE,
        .data_coding = 8,
        .text = SMS_STR("\0i\0d\0:\0" "7\0 \0s\0t\0a\0t\0:\0" "E\0N\0R\0O\0U\0T\0E") });
    assert_int_equal(ev->state, SMS_RECEIPT_ENROUTE);
    is(ev->operator_id, "7");

    /* acknowledgements of handsets are taken and forgotten */
    ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_DELIVERY_ACK,
                                 .text = SMS_STR("x") });
    assert_null(ev);
    assert_int_equal(smsc_last(s, (uint32_t) SMPP_CMD_DELIVER_SM_RESP)->status,
                     ESME_ROK);

    /* SAR parameters become the header that the host knows; not when torn */
    ev = bring(s, &(brought_t) { .text = SMS_STR("RET"),
        .tlvs = SMS_STR("\x02\x0C\x00\x02\x12\x34" "\x02\x0E\x00\x01\x02"
                        "\x02\x0F\x00\x01\x01") });
    assert_int_equal(ev->udh.len, 7);
    assert_memory_equal(ev->udh.ptr, "\x06\x08\x04\x12\x34\x02\x01", 7);
    ev = bring(s, &(brought_t) { .text = SMS_STR("RET"),
        .tlvs = SMS_STR("\x02\x0C\x00\x01\x12" "\x02\x0E\x00\x01\x02"
                        "\x02\x0F\x00\x01\x01") });
    assert_int_equal(ev->udh.len, 0);
    stop(s);
}


static void
test_other_alphabets(void **state)
{
    smsc_t               *s;
    const sms_inbound_t  *ev;

    (void) state;
    s = start((const char *[]) { "septets=packed", NULL });
    ev = bring(s, &(brought_t) { .text = SMS_STR("\xE8\x32\x9B\xFD\x06") });
    is(ev->octets, "hello");
    assert_int_equal(ev->data_coding, 0);
    stop(s);

    s = start((const char *[]) { "default_alphabet=latin1", NULL });
    ev = bring(s, &(brought_t) { .text = SMS_STR("\xD6rnek") });
    assert_int_equal(ev->data_coding, 3);
    stop(s);
}


/* what the SMSC says beside the text goes up with it */
static void
test_parameters(void **state)
{
    smsc_t               *s;
    const sms_inbound_t  *ev;

    (void) state;
    s = start((const char *[]) { "tlv_in=0x1411=string:partner",
                                 "tlv_in=0x1412=int2:operator", NULL });
    ev = bring(s, &(brought_t) { .text = SMS_STR("RET"),
        .tlvs = SMS_STR("\x14\x12\x00\x02\x01\x02" "\x14\x11\x00\x03" "P7\0"
                        "\x14\x99\x00\x01" "x") });
    assert_int_equal(ev->nattrs, 2);
    is(ev->attrs[0].name, "partner");
    is(ev->attrs[0].value, "P7");
    is(ev->attrs[1].name, "operator");
    is(ev->attrs[1].value, "258");

    ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_RECEIPT,
        .text = SMS_STR("id:1 stat:DELIVRD"),
        .tlvs = SMS_STR("\x14\x12\x00\x02\x00\x05") });
    assert_int_equal(ev->type, SMS_INBOUND_RECEIPT);
    assert_int_equal(ev->nattrs, 1);
    is(ev->attrs[0].value, "5");
    stop(s);
}


/* the SIM was changed, the number moved: told by err:, by table of the operator */
static void
test_reasons(void **state)
{
    size_t                i;
    smsc_t               *s;
    const sms_inbound_t  *ev;

    static const struct {
        sms_str_t     text;
        sms_reason_t  reason;
    } cases[] = {
        { SMS_STR("id:1 stat:UNDELIV err:069"),  SMS_REASON_SIM_CHANGED },
        { SMS_STR("id:1 stat:REJECTD err:0x46"), SMS_REASON_PORTED },
        { SMS_STR("id:1 stat:UNDELIV err:071"),  SMS_REASON_BLACKLIST },
        { SMS_STR("id:1 stat:UNDELIV err:072"),  SMS_REASON_NONE },
        { SMS_STR("id:1 stat:UNDELIV err:073"),  SMS_REASON_NONE },
        { SMS_STR("id:1 stat:EXPIRED err:073"),  SMS_REASON_EXPIRED },
        { SMS_STR("id:1 stat:EXPIRED err:069"),  SMS_REASON_SIM_CHANGED }
    };

    (void) state;
    s = start((const char *[]) { "receipt_error=69=sim_changed",
        "receipt_error=0x46=ported", "receipt_error=71=blacklist",
        "receipt_error=72=other", NULL });

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_RECEIPT,
                                     .text = cases[i].text });
        assert_int_equal(ev->reason, cases[i].reason);
    }

    stop(s);
}


static void
test_ways_of_an_operator(void **state)
{
    smsc_t               *s;
    const sms_inbound_t  *ev;

    (void) state;
    s = start((const char *[]) { "receipt_stat=TESLIM=delivered",
                                 "receipt_unmarked=on", NULL });
    ev = bring(s, &(brought_t) { .esm_class = SMPP_ESM_RECEIPT,
                                 .text = SMS_STR("id:1 stat:Teslim") });
    assert_int_equal(ev->state, SMS_RECEIPT_DELIVERED);

    /* this SMSC does not mark them; a person's text stays one */
    ev = bring(s, &(brought_t) { .text = SMS_STR("id:1 stat:DELIVRD") });
    assert_int_equal(ev->type, SMS_INBOUND_RECEIPT);
    ev = bring(s, &(brought_t) { .text = SMS_STR("RET") });
    assert_int_equal(ev->type, SMS_INBOUND_MESSAGE);
    stop(s);
}


/* what this link cannot carry is given to another, and nothing is written */
static void
test_failover(void **state)
{
    load_t       *l;
    smsc_t       *s;
    static char   text[159];

    (void) state;
    memset(text, 'x', 158);
    s = start((const char *[]) { "suffix=by_us", "suffix_code=B001", NULL });
    l = load(s, 2, 0);
    l->msg[0].text = (sms_str_t) { text, 158 };
    l->part[0].payload = l->msg[0].text;
    l->msg[0].parts = l->msg[1].parts = 1;
    submit(s, l);
    fakehost_advance(s->fh, 10);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_FAILOVER);
    assert_int_equal(tally(l).sent, 1);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_SUBMIT_SM), 1);
    assert_int_equal(fakehost_metric(s->fh, "smpp_failover_total"), 1);
    assert_memory_equal(smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM)->text,
                        "Merhaba B001", 12);
    unload(s, l);
    stop(s);
}


static void
flags_are(const char *const *conf, uint32_t flags)
{
    smsc_t  *s;

    s = start(conf);
    assert_int_equal(smpp_ops.operator_flags(fakehost_instance(s->fh)), flags);
    stop(s);
}


static void
test_flags(void **state)
{
    (void) state;
    flags_are(NULL, 0);
    flags_are((const char *[]) { "long=payload", NULL }, SMS_OPERATOR_WHOLE);
    flags_are((const char *[]) { "turkish=off", NULL },
              SMS_OPERATOR_NO_NATIONAL);
}


/* each wrong value is named, with what is allowed */
static void
test_wrong_configuration(void **state)
{
    char         err[256];
    size_t       i, k, n;
    fakehost_t  *fh;
    const char  *conf[80];

    static const struct {
        const char  *item[2], *said;
    } cases[] = {
        { { "suffix=by_us" }, "suffix_code" },
        { { "suffix_code=B001" }, "suffix" },
        { { "suffix=by_us", "suffix_code=b001" }, "suffix_code" },
        { { "suffix=by_us", "suffix_code=B0011" }, "suffix_code" },
        { { "tlv=0x1411" }, "TAG=TYPE:VALUE" },
        { { "tlv_in=0x1411=text:$x" }, "TAG=TYPE:NAME" },
        { { "tlv_in=0x1411=text:a", "tlv_in=5137=text:b" }, "given before" },
        { { "receipt_stat=X=gone" }, "delivered" },
        { { "receipt_error=1=gone" }, "CODE=WORD" },
        { { "status=1" }, "CODE=WORD" },
        { { "message_id=as_is" }, "as_is" },
        { { "cert=/x" }, "cert" },
        { { "ca=/x" }, "tls" },
        { { "reconnect_min=2m" }, "reconnect_min" },
        { { "bind=paired", "binds=64" }, "binds" },
        { { "clock_offset=7" }, "clock_offset" },
        { { "submit=data_sm", "replace_if_present=on" }, "replace_if_present" },
        { { "bind=receiver", "query=on" }, "query" },
        { { "system_type=1234567890123" }, "system_type" },
        { { "service_type=123456" }, "service_type" },
        { { "address_range=12345678901234567890123456789012345678901" },
          "address_range" },
        { { "password=12345678901234567890123456789012345678901234567890"
            "123456789012345" }, "password" },
    };

    static const struct {
        const char  *item;
        uint32_t     most;
    } lists[] = {
        { "tlv=0x1411=text:a", SMPP_VENDOR_MAX },
        { "tlv_in=0x1411=text:a", SMPP_VENDOR_MAX },
        { "receipt_stat=X=unknown", SMPP_LIST_MAX },
        { "status=1=retry", SMPP_LIST_MAX }
    };

    (void) state;
    fh = fakehost_new();

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = 0;
        conf[n++] = "host=127.0.0.1";
        conf[n++] = "system_id=demo";
        conf[n++] = cases[i].item[0];

        if (cases[i].item[1]) {
            conf[n++] = cases[i].item[1];
        }

        if (fakehost_start(fh, &smpp_ops, conf, n, err, sizeof(err))
            != SMS_E_CONFIG || strstr(err, cases[i].said) == NULL)
        {
            fail_msg("%s: %s", cases[i].item[0], err);
        }
    }

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        n = 0;
        conf[n++] = "host=127.0.0.1";
        conf[n++] = "system_id=demo";

        for (k = 0; k <= lists[i].most; k++) {
            conf[n++] = lists[i].item;
        }

        assert_int_equal(fakehost_start(fh, &smpp_ops, conf, n, err,
                                        sizeof(err)), SMS_E_CONFIG);
        assert_non_null(strstr(err, "more than"));
    }

    conf[1] = "system_id=1234567890123456";
    assert_int_equal(fakehost_start(fh, &smpp_ops, conf, 2, err, sizeof(err)),
                     SMS_E_CONFIG);
    conf[0] = "host=";
    assert_int_equal(fakehost_start(fh, &smpp_ops, conf, 2, err, sizeof(err)),
                     SMS_E_CONFIG);
    fakehost_free(fh);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrappings),
        cmocka_unit_test(test_other_alphabets),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_ways_of_an_operator),
        cmocka_unit_test(test_failover),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_wrong_configuration),
    };

    return cmocka_run_group_tests_name("smpp_deliver", tests, NULL, NULL);
}
