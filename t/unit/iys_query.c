/* libs: -ljansson */

/*
 * Numbers of many calls in one request: gathering, retries, and calls that
 * end before it does.
 */
#include "iys_far.h"


static void
test_listed(void **state)
{
    uint32_t       i;
    world_call_t  *call;

    (void) state;
    begin(1, NULL);

    call = world_call(0, 10, 0, SMS_RECIPIENT_BIREYSEL);
    assert_int_equal(world_ask(call), SMS_PENDING);
    world_run(60000);

    assert_int_equal(call->rc, SMS_OK);
    assert_int_equal(world->nlog, 2);
    assert_string_equal(world->log[0].url, "http://127.0.0.1:1/oauth2/token");
    assert_string_equal(world->log[0].body, "{\"grant_type\":\"password\","
                        "\"username\":\"api@firma.example\","
                        "\"password\":\"par\\\"ola\"}");
    assert_string_equal(world->log[1].url, "http://127.0.0.1:1/sps/100200/"
                        "brands/100200/consents/BIREYSEL/status/MESAJ");
    assert_memory_equal(world->log[1].authorization, "Bearer a", 8);
    assert_memory_equal(world->log[1].body,
                        "{\"recipients\":[\"+905320000000\",\"", 32);

    for (i = 0; i < 10; i++) {
        assert_true(told(&call->results[i], SMS_OK,
                         i % 2 == 0 ? SMS_CONSENT_GRANTED
                                    : SMS_CONSENT_NOT_GRANTED,
                         i % 2 == 0 ? "" : "not_listed"));
        assert_int_equal(call->results[i].as_of_us, world->log[1].at_us);
        assert_int_equal(call->results[i].proof.len, 4);
        assert_memory_equal(call->results[i].proof.ptr, "id-2", 4);
    }

    assert_int_equal(world_metric("iys_numbers_total"), 10);
    assert_int_equal(world_metric("iys_granted_total"), 5);
    assert_null(strstr(world->text, "90532"));
    world_free();
}


static void
test_not_asked(void **state)
{
    uint32_t       i;
    sms_brand_t    brand;
    world_call_t  *call;
    static const char *const  codes[] = {
        "consent_not_required", "consent_not_required", "consent_not_required",
        "recipient_type_missing", "brand_not_in_iys", "not_a_turkish_mobile",
        "not_a_turkish_mobile", "not_a_turkish_mobile", "not_a_turkish_mobile"
    };

    (void) state;
    begin(1, NULL);

    call = world_call(0, 9, 0, SMS_RECIPIENT_BIREYSEL);
    brand = world_brand;
    brand.brand_code = 0;

    call->msgs[0].klass = SMS_CLASS_OTP;
    call->msgs[1].klass = SMS_CLASS_EXEMPT;
    call->msgs[2].klass = SMS_CLASS_INFORMATIONAL;
    call->msgs[3].recipient_type = SMS_RECIPIENT_NONE;
    call->msgs[4].brand = &brand;
    call->msgs[5].to = (sms_str_t) SMS_STR("902121230000");
    call->msgs[6].to = (sms_str_t) SMS_STR("491701234567");
    call->msgs[7].to = (sms_str_t) SMS_STR("9053211122334");
    call->msgs[8].to = (sms_str_t) SMS_STR("90532111223x");

    assert_int_equal(world_ask(call), SMS_OK);

    for (i = 0; i < 9; i++) {
        assert_true(told(&call->results[i], SMS_E_INVAL, SMS_CONSENT_UNKNOWN,
                         codes[i]));
    }

    assert_int_equal(world->nlog, 0);
    world_free();
}


static void
test_gather(void **state)
{
    uint32_t       i;
    world_call_t  *call[25];

    (void) state;
    begin(1, NULL);

    /* the host's calls are small; İYS's requests are not */

    for (i = 0; i < 25; i++) {
        call[i] = world_call(0, 100, i * 100, SMS_RECIPIENT_BIREYSEL);
        assert_int_equal(world_ask(call[i]), SMS_PENDING);
    }

    world_run(60000);

    for (i = 0; i < 25; i++) {
        assert_int_equal(call[i]->rc, SMS_OK);
        assert_int_equal(call[i]->results[98].state, SMS_CONSENT_GRANTED);
        assert_int_equal(call[i]->results[99].state, SMS_CONSENT_NOT_GRANTED);
    }

    assert_int_equal(world_count(BULK), 3);
    assert_int_equal(world_metric("iys_numbers_total"), 2500);
    world_free();
}


static void
test_repeated(void **state)
{
    uint32_t       i;
    world_call_t  *a, *b;

    (void) state;
    begin(1, NULL);

    a = world_call(0, 1000, 0, SMS_RECIPIENT_BIREYSEL);
    b = world_call(0, 1000, 0, SMS_RECIPIENT_BIREYSEL);

    for (i = 0; i < 1000; i++) {
        b->msgs[i].to = a->msgs[i % 2].to;
    }

    (void) world_ask(a);
    (void) world_ask(b);
    world_run(60000);

    assert_int_equal(world_count(BULK), 1);
    assert_int_equal(world->log[1].body_len, 15 + 1000 * 16 - 1 + 2);

    for (i = 0; i < 1000; i++) {
        assert_int_equal(b->results[i].state, i % 2 == 0
                         ? SMS_CONSENT_GRANTED : SMS_CONSENT_NOT_GRANTED);
    }

    world_free();
}


static void
test_groups(void **state)
{
    sms_brand_t    other;
    world_call_t  *call;

    (void) state;
    begin(1, NULL);

    other = world_brand;
    other.brand_code = 100201;

    call = world_call(0, 6, 0, SMS_RECIPIENT_BIREYSEL);
    call->msgs[1].brand = &other;
    call->msgs[2].recipient_type = SMS_RECIPIENT_TACIR;
    call->msgs[4].brand = &other;
    (void) world_ask(call);
    world_run(60000);

    assert_int_equal(world_count(BULK), 3);
    assert_int_equal(world_count("/brands/100201/consents/BIREYSEL/"), 1);
    assert_int_equal(world_count("/brands/100200/consents/BIREYSEL/"), 1);
    assert_int_equal(world_count("/brands/100200/consents/TACIR/"), 1);
    assert_int_equal(call->results[4].state, SMS_CONSENT_GRANTED);
    world_free();
}


static void
test_failing(void **state)
{
    static line_t  script[] = {
        { BULK, NULL, 0, 0, SMS_OK, 0, NULL },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };
    static const struct {
        uint32_t status; sms_rc_t rc; const char *body; sms_rc_t told;
        const char *code;
    } c[] = {
        { 500, SMS_OK, "{\"errors\":[{\"code\":\"H015\"}]}", SMS_E_DOWN, "H015" },
        { 503, SMS_OK, "{\"errors\":[{\"code\":\"H192\"}]}", SMS_E_DOWN, "H192" },
        { 502, SMS_OK, "<html>", SMS_E_DOWN, "http_5xx" },
        { 400, SMS_OK, "{\"errors\":[{\"code\":\"H123\"}]}", SMS_E_DOWN, "H123" },
        { 0, SMS_E_DOWN, "", SMS_E_DOWN, "unreachable" },
        { 0, SMS_E_INVAL, "", SMS_E_DOWN, "unreachable" },
        { 0, SMS_E_TIMEOUT, "", SMS_E_TIMEOUT, "timeout" }
    };
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        script[0] = (line_t) { BULK, NULL, 2, c[i].status, c[i].rc, 0,
                               c[i].body };
        begin(1, script);
        all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
        assert_true(world->log[2].at_us - world->log[1].at_us >= 1000000);
        assert_true(world->log[3].at_us - world->log[2].at_us >= 2000000);
        world_free();

        script[0].times = 3;
        begin(1, script);
        all_told(2, c[i].told, SMS_CONSENT_UNKNOWN, c[i].code);
        assert_int_equal(world_count(BULK), 3);
        world_free();
    }
}


static void
test_joined_late(void **state)
{
    world_call_t  *a, *b;
    static line_t  script[] = {
        { BULK, NULL, 3, 500, SMS_OK, 0, "x" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;

    /* a number that comes during the last retry has tries of its own */

    begin(1, script);
    a = world_call(0, 1, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(a);

    while (world_count(BULK) < 2) {
        (void) world_step();
    }

    world_run(1000);
    b = world_call(0, 1, 2, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(b);
    world_run(60000);

    assert_int_equal(a->rc, SMS_OK);
    assert_int_equal(b->results[0].state, SMS_CONSENT_GRANTED);
    world_free();
}


static void
test_cancelled(void **state)
{
    uint32_t        sent;
    unsigned char  *p;
    world_call_t   *a, *b, *c;

    (void) state;
    begin(1, NULL);

    a = world_call(0, 4, 0, SMS_RECIPIENT_BIREYSEL);
    b = world_call(0, 4, 2, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(a);
    (void) world_ask(b);

    while (world_count(BULK) == 0) {
        (void) world_step();
    }

    /* in mid-request: the other call's answer still comes */

    world_cancel(a);
    world_run(60000);
    assert_int_equal(b->rc, SMS_OK);
    assert_int_equal(b->results[0].state, SMS_CONSENT_GRANTED);

    for (p = (unsigned char *) a->results;
         p < (unsigned char *) (a->results + 4); p++)
    {
        assert_int_equal(*p, 0x5a);
    }

    /* the last one who waits takes the request with him */

    c = world_call(0, 4, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(c);
    sent = world_count(BULK);

    while (world_count(BULK) == sent) {
        (void) world_step();
    }

    world_cancel(c);
    assert_null(world->events);

    /* and before it left */

    c = world_call(0, 4, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(c);
    world_cancel(c);
    world_run(60000);
    assert_int_equal(world_count(BULK), sent + 1);

    /* exit while everything is open: world_free() sees what is left */

    c = world_call(0, 4, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(c);
    world_free();
}


static void
test_deadline(void **state)
{
    world_call_t  *call;
    static line_t  script[] = {
        { BULK, NULL, 1, 200, SMS_OK, 9000, NULL },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    begin(1, script);
    call = world_call(0, 3, 0, SMS_RECIPIENT_BIREYSEL);
    call->batch.deadline_us = world->now_us + 5000000;
    (void) world_ask(call);
    world_run(60000);

    assert_int_equal(call->rc, SMS_OK);
    assert_true(call->ended_us < call->batch.deadline_us);
    assert_true(told(&call->results[2], SMS_E_TIMEOUT, SMS_CONSENT_UNKNOWN,
                     "timeout"));
    world_free();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_not_asked),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_failing),
        cmocka_unit_test(test_joined_late),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_deadline)
    };

    return cmocka_run_group_tests_name("iys_query", tests, NULL, NULL);
}
