/* libs: -ljansson */

/*
 * What an answer means.  One property stands over all of it: GRANTED is told
 * only for a number that the far end listed, in an answer that could be read
 * completely.
 */
#include "iys_far.h"


static void
test_stopped(void **state)
{
    size_t         i;
    sms_brand_t    other;
    world_call_t  *call;
    char           body[80];
    line_t         script[] = {
        { "/brands/100200/", NULL, 1, 403, SMS_OK, 0, body },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };
    static const struct {
        const char *code; int account;
    } c[] = {
        { "H353", 0 }, { "H520", 1 }, { "H521", 1 }, { "H524", 1 }, { "H586", 1 }
    };

    (void) state;
    other = world_brand;
    other.brand_code = 100201;

    for (i = 0; i < 10; i++) {

        /* İYS's own examples misspell the member */

        snprintf(body, sizeof(body), "{\"errors\":[{\"code%s\":\"%s\"}]}",
                 i % 2 ? ":" : "", c[i / 2].code);
        script[0].times = 1;
        begin(1, script);

        all_told(3, SMS_E_DENIED, SMS_CONSENT_UNKNOWN, c[i / 2].code);
        all_told(3, SMS_E_DENIED, SMS_CONSENT_UNKNOWN, c[i / 2].code);
        assert_int_equal(world_count(BULK), 1);
        assert_int_equal(world_metric("iys_alarms_total"), 1);
        assert_non_null(strstr(world->text, c[i / 2].code));
        assert_null(strstr(world->text, "90532"));

        call = world_call(0, 1, 0, SMS_RECIPIENT_BIREYSEL);
        call->msgs[0].brand = &other;
        (void) world_ask(call);
        world_run(60000);
        assert_int_equal(call->results[0].state, c[i / 2].account
                         ? SMS_CONSENT_UNKNOWN : SMS_CONSENT_GRANTED);

        world_pass(901000);
        all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
        world_free();
    }
}


static void
test_malformed(void **state)
{
    size_t         i;
    static line_t  script[] = {
        { BULK, NULL, 0, 0, SMS_OK, 0, NULL },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };
    static const struct { uint32_t status; const char *body; } c[] = {
        { 200, " " }, { 200, "{" }, { 200, "[]" }, { 200, "{}" },
        { 200, "[\"+905320000000\"]" },
        { 200, "{\"list\":[\"+905320000000\"]}" },
        { 200, "{\"requestId\":\"x\"}" },
        { 200, "{\"requestId\":\"\",\"list\":[\"+905320000000\"]}" },
        { 200, "{\"requestId\":\"a b\",\"list\":[\"+905320000000\"]}" },
        { 200, "{\"requestId\":7,\"list\":[\"+905320000000\"]}" },
        { 200, "{\"requestId\":\"x\",\"list\":\"+905320000000\"}" },
        { 200, "{\"requestId\":\"x\",\"list\":{\"0\":\"+905320000000\"}}" },
        { 200, "{\"requestId\":\"x\",\"list\":[905320000000]}" },
        { 200, "{\"requestId\":\"x\",\"list\":[\"905320000000\"]}" },
        { 200, "{\"requestId\":\"x\",\"list\":[\"+905320000000\",null]}" },
        { 200, "{\"requestId\":\"x\",\"list\":[\"+905329999999\"]}" },
        { 200, "{\"requestId\":\"x\",\"list\":[\"+905320000000\","
               "\"+905320000000\",\"+905320000000\"]}" },
        { 200, "{\"requestId\":\"x\",\"list\":[],"
               "\"list\":[\"+905320000000\"]}" },
        { 200, "{\"requestId\":\"x\",\"list\":[\"+905320000000\"]}x" },
        { 200, "{\"requestId\":\"x\",\"list\":[\"+905320000000" },
        { 200, "{\"errors\":[{\"code\":\"H103\"}]}" },
        { 200, "<html>OK</html>" },
        { 204, "" }, { 302, "" },
        { 202, "{\"requestId\":\"x\",\"list\":[\"+905320000000\"]}" },
        { 422, "{\"requestId\":\"x\",\"list\":[\"+905320000000\"]}" },
        { 404, "{\"requestId\":\"x\",\"list\":[\"+905320000000\"]}" },
        { 422, "{\"errors\":[{\"code\":\"H168\"}]}" },
        { 422, "{\"errors\":[{\"code\":\"H121\"}]}" },
        { 404, "{\"errors\":[{\"code\":\"H018\"}]}" },
    };

    (void) state;

    for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        world_call_t  *call;

        script[0] = (line_t) { BULK, NULL, 100, c[i].status, SMS_OK, 0,
                               c[i].body };
        begin(1, script);
        call = world_call(0, 2, 0, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call);
        world_run(60000);

        assert_int_equal(call->rc, SMS_OK);
        assert_int_equal(call->results[0].state, SMS_CONSENT_UNKNOWN);
        assert_int_equal(call->results[1].state, SMS_CONSENT_UNKNOWN);
        assert_true(call->results[0].status < 0);
        assert_true(call->results[0].code.len > 0);
        assert_int_equal(world_count(BULK), 1);
        world_free();
    }
}


static void
test_one_bad_number(void **state)
{
    uint32_t       i;
    world_call_t  *call;
    static line_t  script[] = {
        { BULK, NULL, 1, 422, SMS_OK, 0,
          "{\"errors\":[{\"code\":\"H121\",\"location\":[\"recipients\",3]},"
          "{\"code\":\"H464\",\"location\":[\"recipients\",4]},"
          "{\"code\":\"H121\",\"location\":[\"recipients\",4000]}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    begin(1, script);
    call = world_call(0, 10, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);

    for (i = 0; i < 10; i++) {
        if (i == 3 || i == 4) {
            assert_true(told(&call->results[i], SMS_E_INVAL,
                             SMS_CONSENT_UNKNOWN, i == 3 ? "H121" : "H464"));
        } else {
            assert_int_equal(call->results[i].state, i % 2 == 0
                             ? SMS_CONSENT_GRANTED : SMS_CONSENT_NOT_GRANTED);
        }
    }

    assert_null(strstr(world->log[2].body, "+905320000003"));
    assert_non_null(strstr(world->log[2].body, "+905320000005"));
    assert_int_equal(world_count(BULK), 2);
    world_free();
}


static void
test_tacir(void **state)
{
    world_call_t  *call;
    static line_t  script[] = {
        { SINGLE, "000001\",\"recipientType\":\"TACIR", 9, 200, SMS_OK, 0,
          "{\"recipient\":\"+905320000001\",\"recipientType\":\"TACIR\","
          "\"type\":\"MESAJ\",\"status\":\"RET\",\"transactionId\":\"t1\"}" },
        { SINGLE, "000003\",\"recipientType\":\"BIREYSEL", 9, 200, SMS_OK, 0,
          "{\"recipient\":\"+905320000003\",\"recipientType\":\"BIREYSEL\","
          "\"type\":\"MESAJ\",\"status\":\"RET\",\"transactionId\":\"t3\"}" },
        { SINGLE, "000005\",\"recipientType\":\"BIREYSEL", 9, 204, SMS_OK, 0,
          NULL },
        { SINGLE, "000005\",\"recipientType\":\"TACIR", 9, 200, SMS_OK, 0,
          "{}" },
        { SINGLE, "000007\",\"recipientType\":\"TACIR", 9, 200, SMS_OK, 0,
          "{\"recipient\":\"+905320000007\",\"recipientType\":\"TACIR\","
          "\"type\":\"MESAJ\",\"status\":\"ONAY\",\"transactionId\":\"t7\"}" },
        { SINGLE, "000009", 9, 404, SMS_OK, 0, "<html>not here</html>" },
        { SINGLE, "000011", 9, 200, SMS_OK, 0,
          "{\"recipient\":\"+905320000001\",\"recipientType\":\"TACIR\","
          "\"type\":\"MESAJ\",\"status\":\"ONAY\",\"transactionId\":\"t\"}" },
        { SINGLE, "000013", 9, 200, SMS_OK, 0,
          "{\"recipient\":\"+905320000013\",\"status\":\"BEKLIYOR\","
          "\"transactionId\":\"t\"}" },
        { SINGLE, "000017", 9, 200, SMS_OK, 0,
          "{\"errors\":[{\"code\":\"H103\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;

    /* registered: what is not listed is not written to */

    begin(1, script);
    call = world_call(0, 20, 0, SMS_RECIPIENT_TACIR);
    (void) world_ask(call);
    world_run(60000);
    assert_true(told(&call->results[5], SMS_OK, SMS_CONSENT_NOT_GRANTED,
                     "not_listed"));
    assert_int_equal(world_count(SINGLE), 0);
    world_free();

    begin_not_refused(script);
    call = world_call(0, 20, 0, SMS_RECIPIENT_TACIR);
    (void) world_ask(call);
    world_run(60000);

    assert_int_equal(call->rc, SMS_OK);
    assert_true(told(&call->results[0], SMS_OK, SMS_CONSENT_GRANTED, ""));
    assert_true(told(&call->results[1], SMS_OK, SMS_CONSENT_REFUSED,
                     "tacir_refused"));
    assert_memory_equal(call->results[1].proof.ptr, "t1", 2);
    assert_true(told(&call->results[3], SMS_OK, SMS_CONSENT_NOT_GRANTED,
                     "recipient_type_conflict"));
    assert_true(told(&call->results[5], SMS_OK, SMS_CONSENT_GRANTED,
                     "tacir_no_record"));
    assert_true(told(&call->results[7], SMS_OK, SMS_CONSENT_GRANTED, ""));
    assert_memory_equal(call->results[7].proof.ptr, "t7", 2);
    assert_true(told(&call->results[9], SMS_E_DOWN, SMS_CONSENT_UNKNOWN,
                     "answer_malformed"));
    assert_true(told(&call->results[11], SMS_E_DOWN, SMS_CONSENT_UNKNOWN,
                     "answer_malformed"));
    assert_int_equal(call->results[13].state, SMS_CONSENT_UNKNOWN);
    assert_true(told(&call->results[15], SMS_OK, SMS_CONSENT_GRANTED,
                     "tacir_no_record"));
    assert_int_equal(call->results[17].state, SMS_CONSENT_UNKNOWN);
    world_free();

    /* BIREYSEL never takes that way */

    begin_not_refused(script);
    call = world_call(0, 20, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);
    assert_int_equal(world_count(SINGLE), 0);
    assert_int_equal(call->results[5].state, SMS_CONSENT_NOT_GRANTED);
    world_free();
}


static void
test_tacir_budget(void **state)
{
    uint32_t       i, n[5];
    world_call_t  *call;
    static line_t  script[] = {
        { SINGLE, NULL, 0, 429, SMS_OK, 0, "{\"errors\":[{\"code\":\"H086\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    script[0].times = 0;

    /* the hour's turn is far enough away */

    world_new(1, far);
    world->data = script;
    world_key("tacir_policy", NULL, 1);
    world->now_us -= world->now_us % IYS_HOUR_US;
    assert_int_equal(world_start((char [64]) { 0 }, 64), SMS_OK);

    call = world_call(0, 1024, 0, SMS_RECIPIENT_TACIR);

    for (i = 0; i < 1024; i++) {
        snprintf(call->to[i], sizeof(call->to[i]), "9053200%05u",
                 (unsigned) i * 2 + 1);
    }

    call->batch.deadline_us = world->now_us + INT64_C(1000000000);
    (void) world_ask(call);
    world_run(1000000);

    memset(n, 0, sizeof(n));

    for (i = 0; i < 1024; i++) {
        n[call->results[i].state]++;

        if (call->results[i].state == SMS_CONSENT_UNKNOWN) {
            assert_true(told(&call->results[i], SMS_E_BUSY,
                             SMS_CONSENT_UNKNOWN, "single_budget"));
        }
    }

    assert_int_equal(world_count(SINGLE), 1000);
    assert_int_equal(n[SMS_CONSENT_GRANTED], 500);
    assert_int_equal(n[SMS_CONSENT_UNKNOWN], 524);
    world_free();

    script[0].times = 100;
    begin_not_refused(script);
    call = world_call(0, 30, 0, SMS_RECIPIENT_TACIR);
    (void) world_ask(call);
    world_run(60000);

    assert_int_equal(call->results[0].state, SMS_CONSENT_GRANTED);

    for (i = 1; i < 30; i += 2) {
        assert_int_equal(call->results[i].status, SMS_E_BUSY);
        assert_int_equal(call->results[i].state, SMS_CONSENT_UNKNOWN);
    }

    assert_true(world_count(SINGLE) <= 2);
    world_free();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_one_bad_number),
        cmocka_unit_test(test_tacir),
        cmocka_unit_test(test_tacir_budget)
    };

    return cmocka_run_group_tests_name("iys_answer", tests, NULL, NULL);
}
