/*
 * query_sm, cancel_sm, and the forms of a submit: data_sm, validity, replace.
 */
#define _GNU_SOURCE
#include "smpp_smsc.h"


typedef struct {
    sms_brand_t        brand;
    sms_msg_t          msg[4];
    sms_sent_t         sent[4];
    fakehost_batch_t  *batch;
    sms_call_t         call;
} ask_t;


/* Questions go in where submits do: the fake host need not know them. */
static smpp_job_kind_t  ask_kind;
static sms_ops_t        ask_ops;


static sms_rc_t
ask_run(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    switch (ask_kind) {

    case SMPP_JOB_QUERY:
        return smpp_ops.operator_query(inst, call, batch);

    case SMPP_JOB_CANCEL:
        return smpp_ops.operator_cancel(inst, call, batch);

    default:
        return smpp_ops.operator_submit(inst, call, batch);
    }
}


static ask_t *
ask(smsc_t *s, smpp_job_kind_t kind, uint32_t n, const char *id)
{
    ask_t     *a;
    uint32_t   i;

    a = calloc(1, sizeof(ask_t));
    assert_non_null(a);
    a->brand.size = sizeof(sms_brand_t);

    for (i = 0; i < n; i++) {
        a->msg[i].to = (sms_str_t) SMS_STR("905321112233");
        a->msg[i].from = (sms_str_t) SMS_STR("ORNEK");
        a->msg[i].brand = &a->brand;
        a->sent[i].msg = &a->msg[i];
        a->sent[i].number = 1;
        a->sent[i].total = 1;
        a->sent[i].operator_id.ptr = id;
        a->sent[i].operator_id.len = strlen(id);
    }

    a->batch = fakehost_batch_of(FAKEHOST_OPERATOR_SUBMIT, a->sent, sizeof(sms_sent_t), n);
    ask_kind = kind;
    a->call = fakehost_call(s->fh, FAKEHOST_OPERATOR_SUBMIT, &a->batch->batch);
    ask_kind = SMPP_JOB_SUBMIT;
    assert_true(a->call != 0);

    return a;
}


static const sms_asked_t *
asked(const ask_t *a, uint32_t i)
{
    return SMS_AT(const sms_asked_t, a->batch->batch.results,
                  a->batch->batch.result_stride, i);
}


static const sms_ack_t *
acked(const ask_t *a, uint32_t i)
{
    return SMS_AT(const sms_ack_t, a->batch->batch.results,
                  a->batch->batch.result_stride, i);
}


static void
unask(smsc_t *s, ask_t *a)
{
    fakehost_call_end(s->fh, a->call);
    assert_true(fakehost_batch_intact(a->batch));
    fakehost_batch_free(a->batch);
    free(a);
}


static void
test_query(void **state)
{
    ask_t   *a;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "query=on", "receipt_error=5=invalid_number",
                                 NULL });
    s->state = SMS_RECEIPT_UNDELIVERED;
    s->error = 5;
    a = ask(s, SMPP_JOB_QUERY, 2, "1001");
    assert_int_equal(fakehost_call_state(s->fh, a->call), FAKEHOST_CALL_OPEN);
    fakehost_advance(s->fh, 20);
    assert_int_equal(fakehost_call_state(s->fh, a->call),
                     FAKEHOST_CALL_COMPLETED);
    assert_int_equal(asked(a, 1)->status, SMS_OK);
    assert_int_equal(asked(a, 1)->state, SMS_RECEIPT_UNDELIVERED);
    assert_int_equal(asked(a, 1)->operator_code, 5);
    assert_int_equal(asked(a, 1)->reason, SMS_REASON_INVALID_NUMBER);
    /* 2026-01-01 12:00:00 three hours east of UTC */
    assert_true(asked(a, 1)->at_us == INT64_C(1767258000000000));
    assert_string_equal(smsc_last(s, (uint32_t) SMPP_CMD_QUERY_SM)->id, "1001");
    assert_string_equal(smsc_last(s, (uint32_t) SMPP_CMD_QUERY_SM)->source,
                        "ORNEK");
    unask(s, a);

    /* it does not know the message: that is an answer, too */
    s->state = 0;
    a = ask(s, SMPP_JOB_QUERY, 1, "1002");
    fakehost_advance(s->fh, 20);
    assert_int_equal(asked(a, 0)->status, SMS_OK);
    assert_int_equal(asked(a, 0)->state, 0);
    unask(s, a);

    /* that it could not look is none, nor is one without a state */
    s->query_status = ESME_RQUERYFAIL;
    a = ask(s, SMPP_JOB_QUERY, 1, "1002");
    fakehost_advance(s->fh, 20);
    assert_int_equal(asked(a, 0)->status, SMS_E_INVAL);
    unask(s, a);
    s->query_status = ESME_ROK;
    s->state = 9;
    a = ask(s, SMPP_JOB_QUERY, 1, "1002");
    fakehost_advance(s->fh, 20);
    assert_int_equal(asked(a, 0)->status, SMS_E_TIMEOUT);
    assert_int_equal(asked(a, 0)->state, 0);
    unask(s, a);

    /* what was never answered has no id to ask by */
    a = ask(s, SMPP_JOB_QUERY, 1, "");
    fakehost_advance(s->fh, 20);
    assert_int_equal(asked(a, 0)->status, SMS_E_INVAL);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_QUERY_SM), 5);
    unask(s, a);

    /* no answer is none */
    s->mute = 1;
    a = ask(s, SMPP_JOB_QUERY, 1, "1003");
    fakehost_advance(s->fh, 31000);
    assert_int_equal(asked(a, 0)->status, SMS_E_TIMEOUT);
    unask(s, a);
    stop(s);
}


static void
test_what_the_operator_has_not(void **state)
{
    ask_t   *a;
    smsc_t  *s;

    (void) state;
    s = start(NULL);
    a = ask(s, SMPP_JOB_QUERY, 1, "1001");
    assert_int_equal(asked(a, 0)->status, SMS_E_INVAL);
    unask(s, a);
    a = ask(s, SMPP_JOB_CANCEL, 2, "1001");
    assert_int_equal(acked(a, 1)->status, SMS_E_INVAL);
    unask(s, a);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_QUERY_SM), 0);
    stop(s);

    /* there is no session to ask over */
    s = start((const char *[]) { "query=on", NULL });
    s->bind_status = ESME_RBINDFAIL;
    fakehost_peer_close(s->fh, s->stream, SMS_E_DOWN);
    fakehost_advance(s->fh, 5);
    a = ask(s, SMPP_JOB_QUERY, 1, "1001");
    assert_int_equal(asked(a, 0)->status, SMS_E_DOWN);
    unask(s, a);
    stop(s);
}


static void
test_cancel_sm(void **state)
{
    ask_t         *a;
    smsc_t        *s;
    const seen_t  *seen;

    (void) state;
    s = start((const char *[]) { "cancel=on", NULL });
    a = ask(s, SMPP_JOB_CANCEL, 1, "1001");
    fakehost_advance(s->fh, 20);
    assert_int_equal(acked(a, 0)->status, SMS_OK);
    seen = smsc_last(s, (uint32_t) SMPP_CMD_CANCEL_SM);
    assert_string_equal(seen->id, "1001");
    assert_string_equal(seen->source, "ORNEK");
    assert_string_equal(seen->dest, "905321112233");
    unask(s, a);

    /* without an id it would take back also what nobody doubts */
    a = ask(s, SMPP_JOB_CANCEL, 1, "");
    fakehost_advance(s->fh, 20);
    assert_int_equal(acked(a, 0)->status, SMS_E_INVAL);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_CANCEL_SM), 1);
    unask(s, a);

    s->cancel_status = ESME_RCANCELFAIL;
    a = ask(s, SMPP_JOB_CANCEL, 1, "6");
    fakehost_advance(s->fh, 20);
    assert_int_equal(acked(a, 0)->status, SMS_E_INVAL);
    unask(s, a);

    s->cancel_status = ESME_RTHROTTLED;
    a = ask(s, SMPP_JOB_CANCEL, 1, "7");
    fakehost_advance(s->fh, 20);
    assert_int_equal(acked(a, 0)->status, SMS_E_BUSY);
    unask(s, a);
    stop(s);
}


/* The host keeps "2af"; the SMSC called it "0000000002AF". */
static void
test_ids_as_they_were(void **state)
{
    ask_t       *a;
    load_t      *l;
    smsc_t      *s;
    smpp_pdu_t   pdu;

    (void) state;
    s = start((const char *[]) { "query=on", "message_id=hex",
                                 "receipt_id=hex", NULL });
    s->hold = 1;
    s->state = SMS_RECEIPT_DELIVERED;
    l = load(s, 1, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    memset(&pdu, 0, sizeof(pdu));
    pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM_RESP;
    pdu.sequence = smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM)->sequence;
    pdu.u.SM_RESP.message_id = (sms_str_t) SMS_STR("0000000002AF");
    smsc_send(s, &pdu);
    fakehost_advance(s->fh, 10);
    assert_int_equal(result(l, 0)->operator_id.len, 3);
    a = ask(s, SMPP_JOB_QUERY, 1, "2af");
    fakehost_advance(s->fh, 10);
    assert_string_equal(smsc_last(s, (uint32_t) SMPP_CMD_QUERY_SM)->id,
                        "0000000002AF");
    assert_int_equal(asked(a, 0)->state, SMS_RECEIPT_DELIVERED);
    unask(s, a);
    unload(s, l);
    stop(s);
}


/* A question and a submit share the window; an answer of the wrong sort under a
 * part's number says nothing of the part.                                     */
static void
test_wrong_answer(void **state)
{
    ask_t   *a;
    load_t  *l;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "query=on", "window=1", NULL });
    s->hold = 1;
    s->state = SMS_RECEIPT_DELIVERED;
    l = load(s, 1, 0);
    submit(s, l);
    fakehost_advance(s->fh, 10);
    a = ask(s, SMPP_JOB_QUERY, 1, "1");
    fakehost_advance(s->fh, 10);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_QUERY_SM), 0);
    smsc_simple(s, (uint32_t) SMPP_CMD_CANCEL_SM_RESP, 0,
                smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM)->sequence);
    fakehost_advance(s->fh, 10);
    assert_int_equal(result(l, 0)->outcome, SMS_SUBMIT_UNKNOWN);
    assert_int_equal(asked(a, 0)->state, SMS_RECEIPT_DELIVERED);
    unask(s, a);
    unload(s, l);
    stop(s);
}


static void
test_cancelled_while_asked(void **state)
{
    ask_t   *a;
    smsc_t  *s;

    (void) state;
    s = start((const char *[]) { "query=on", NULL });
    s->mute = 1;
    a = ask(s, SMPP_JOB_QUERY, 2, "1");
    fakehost_advance(s->fh, 10);
    fakehost_cancel(s->fh, a->call);
    fakehost_batch_seal(a->batch);
    smsc_simple(s, (uint32_t) SMPP_CMD_QUERY_SM_RESP, 0,
                smsc_last(s, (uint32_t) SMPP_CMD_QUERY_SM)->sequence);
    fakehost_advance(s->fh, 60000);
    fakehost_batch_free(a->batch);
    free(a);
    stop(s);
}


static void
test_data_sm(void **state)
{
    load_t        *l;
    smsc_t        *s;
    const seen_t  *seen;

    (void) state;
    s = start((const char *[]) { "submit=data_sm", "service_type=CMT", NULL });
    l = load(s, 2, 0);
    submit(s, l);
    fakehost_advance(s->fh, 20);
    assert_int_equal(tally(l).sent, 2);
    assert_int_equal(smsc_count(s, (uint32_t) SMPP_CMD_SUBMIT_SM), 0);
    seen = smsc_last(s, (uint32_t) SMPP_CMD_DATA_SM);
    assert_int_equal(seen->ntext, 7);
    assert_memory_equal(seen->text, "Merhaba", 7);
    assert_string_equal(seen->dest, "905321112233");
    assert_int_equal(seen->ttl, 3600);
    assert_memory_equal(result(l, 0)->operator_id.ptr, "1001", 4);
    unload(s, l);
    stop(s);
}


static void
test_validity_and_replace(void **state)
{
    load_t        *l;
    smsc_t        *s;
    const seen_t  *seen;
    int64_t        us;
    sms_str_t      text;

    (void) state;
    s = start((const char *[]) { "validity_form=absolute", "clock_offset=-210",
                                 "replace_if_present=on", NULL });
    l = load(s, 1, 0);
    submit(s, l);
    fakehost_advance(s->fh, 20);
    seen = smsc_last(s, (uint32_t) SMPP_CMD_SUBMIT_SM);
    assert_int_equal(seen->replace, 1);
    assert_string_equal(seen->period + 12, "014-");
    text.ptr = seen->period;
    text.len = 16;
    assert_true(smpp_text_when(text, &us));
    assert_true(us >= l->msg[0].expires_us - 1000000
                && us <= l->msg[0].expires_us + 1000000);
    unload(s, l);
    stop(s);
}


static void
test_absolute_times(void **state)
{
    char       out[SMPP_PERIOD_LEN + 1];
    int64_t    us;
    size_t     i;
    sms_str_t  text;

    static const struct { const char *text; int64_t second; } good[] = {
        { "260101120000012+", 1767258000 },
        { "260101090000000+", 1767258000 },
        { "260101053000914-", 1767258000 },
        { "240229235959000+", 1709251199 },
    };
    static const char *const  bad[] = {
        "", "260101120000012R", "26010112000001+", "261301120000012+",
        "260230120000012+", "260101240000012+", "260101126000012+",
        "260101120000049+", "2601011200000x2+", "260101120000012+0",
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        text.ptr = good[i].text;
        text.len = 16;
        assert_true(smpp_text_when(text, &us));
        assert_true(us == good[i].second * 1000000);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text.ptr = bad[i];
        text.len = strlen(bad[i]);
        assert_false(smpp_text_when(text, &us));
    }

    smpp_text_time(INT64_C(1767258000000000), 3 * 3600, out);
    assert_string_equal(out, "260101120000012+");
    smpp_text_time(INT64_C(1767258000000000), -5 * 3600 - 1800, out);
    assert_string_equal(out, "260101033000022-");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_what_the_operator_has_not),
        cmocka_unit_test(test_cancel_sm),
        cmocka_unit_test(test_ids_as_they_were),
        cmocka_unit_test(test_wrong_answer),
        cmocka_unit_test(test_cancelled_while_asked),
        cmocka_unit_test(test_data_sm),
        cmocka_unit_test(test_validity_and_replace),
        cmocka_unit_test(test_absolute_times),
    };

    ask_ops = smpp_ops;
    ask_ops.operator_submit = ask_run;
    smsc_ops = &ask_ops;

    return cmocka_run_group_tests_name("smpp_ask", tests, NULL, NULL);
}
