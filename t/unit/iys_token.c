/* libs: -ljansson */

/*
 * One token for all workers, and the silence that İYS asks for.
 */
#include "iys_far.h"


static void
test_token_shared(void **state)
{
    uint32_t       i;
    world_call_t  *call;
    static line_t  script[] = {
        { TOKEN, "refresh", 1, 0, SMS_OK, 0, NULL },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    script[0].times = 0;
    begin(3, script);

    /* three workers at once, then for 108 minutes: one token */

    for (i = 0; i < 3; i++) {
        call = world_call(i, 5, i, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call);
    }

    for (i = 0; i < 18; i++) {
        world_pass(360000);
        call = world_call(i % 3, 5, i, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call);
        world_run(60000);
        assert_int_equal(call->rc, SMS_OK);
        assert_int_equal(call->results[0].status, SMS_OK);
    }

    assert_int_equal(world_count(TOKEN), 1);

    /* then it is refreshed, by one of them */

    world_pass(600000);

    for (i = 0; i < 3; i++) {
        call = world_call(i, 5, i, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call);
    }

    world_pass(60000);
    assert_int_equal(world_count(TOKEN), 2);
    assert_int_equal(call->results[0].status, SMS_OK);

    for (i = 0; i < world->nlog && strstr(world->log[i].body, "refresh") == NULL;
         i++)
    {
        /* look for it */
    }

    assert_true(i < world->nlog);
    assert_non_null(strstr(world->log[i].body, "\"refresh_token\":\"r"));

    /* a refused refresh falls back to the password */

    script[0] = (line_t) { TOKEN, "refresh", 1, 400, SMS_OK, 0,
                           "{\"error\":\"invalid_grant\"}" };
    world_pass(6600000);
    call = world_call(0, 2, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);
    assert_int_equal(call->results[0].state, SMS_CONSENT_GRANTED);
    assert_int_equal(world_count(TOKEN), 4);
    assert_null(strstr(world->text, "ola"));
    world_free();
}


static void
test_token_lock(void **state)
{
    uint32_t       i;
    world_call_t  *call[3];
    static line_t  script[] = {
        { TOKEN, NULL, 1, 200, SMS_OK, 6000,
          "{\"access_token\":\"slow\",\"expires_in\":7200,"
          "\"refresh_token\":\"r\",\"refresh_expires_in\":14400}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;

    /* İYS takes six seconds: nobody asks beside the one who asks */

    begin(3, script);

    for (i = 0; i < 3; i++) {
        call[i] = world_call(i, 2, i * 2, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call[i]);
    }

    world_run(60000);
    assert_int_equal(world_count(TOKEN), 1);

    for (i = 0; i < 3; i++) {
        assert_int_equal(call[i]->results[0].state, SMS_CONSENT_GRANTED);
    }

    /* the dictionary keeps the old token, and has no room for the new one: the
     * worker goes on with its own */

    world->set_fails = "iys:token";
    world_pass(6700000);

    for (i = 0; i < 8; i++) {
        all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    }

    assert_int_equal(world_count(TOKEN), 2);
    world_free();
}


static void
test_token_budget(void **state)
{
    uint32_t       i;
    world_call_t  *call;
    static line_t  script[] = {
        { BULK, NULL, 0, 401, SMS_OK, 0, "{\"errors\":[{\"code\":\"H351\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;

    /* a far end that forgets its tokens: a new one each time would end in an
     * hour of H084 */

    begin(1, script);
    world->now_us -= world->now_us % IYS_HOUR_US;

    for (i = 0; i < 10; i++) {
        script[0].times = 1;
        call = world_call(0, 1, 0, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call);
        world_pass(61000);
    }

    assert_true(told(&call->results[0], SMS_E_BUSY, SMS_CONSENT_UNKNOWN,
                     "token_budget"));
    assert_int_equal(world_count(TOKEN), 5);

    script[0].times = 0;
    world_pass(3600000);
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    world_free();
}


static void
test_unauthorized(void **state)
{
    static line_t  script[] = {
        { BULK, NULL, 1, 401, SMS_OK, 0, "{\"errors\":[{\"code\":\"H351\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    begin(1, script);
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    assert_int_equal(world_count(TOKEN), 2);
    assert_int_equal(world_count(BULK), 2);
    assert_string_not_equal(world->log[1].authorization,
                            world->log[3].authorization);
    world_free();

    script[0].times = 100;
    begin(1, script);
    all_told(3, SMS_E_DENIED, SMS_CONSENT_UNKNOWN, "H351");
    assert_int_equal(world_count(TOKEN), 2);
    assert_int_equal(world_count(BULK), 2);
    assert_int_equal(world_metric("iys_alarms_total"), 1);

    /* and no storm: the next one finds the user halted */

    all_told(3, SMS_E_DENIED, SMS_CONSENT_UNKNOWN, "H351");
    assert_int_equal(world_count(TOKEN), 2);
    world_free();
}


static void
test_silent(void **state)
{
    uint32_t       i;
    world_call_t  *call;
    static line_t  script[] = {
        { TOKEN, NULL, 1, 429, SMS_OK, 0, "{\"errors\":[{\"code\":\"H084\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    script[0].times = 1;
    begin(2, script);

    for (i = 0; i < 12; i++) {
        call = world_call(i % 2, 3, 0, SMS_RECIPIENT_BIREYSEL);
        (void) world_ask(call);
        world_pass(295000);
        assert_true(told(&call->results[0], SMS_E_BUSY, SMS_CONSENT_UNKNOWN,
                         "H084"));
    }

    assert_int_equal(world->nlog, 1);
    assert_int_equal(world_metric("iys_alarms_total"), 1);

    world_pass(120000);
    call = world_call(1, 3, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);
    assert_int_equal(call->results[0].state, SMS_CONSENT_GRANTED);
    assert_int_equal(world_count(TOKEN), 2);
    assert_true(world->log[1].at_us - world->log[0].at_us
                >= INT64_C(3600000000));
    world_free();
}


static void
test_credentials(void **state)
{
    static line_t  script[] = {
        { TOKEN, NULL, 100, 400, SMS_OK, 0,
          "{\"error\":\"invalid_request\",\"error_description\":\"x\"}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    begin(1, script);
    all_told(2, SMS_E_DENIED, SMS_CONSENT_UNKNOWN, "bad_credentials");
    all_told(2, SMS_E_DENIED, SMS_CONSENT_UNKNOWN, "bad_credentials");
    assert_int_equal(world->nlog, 1);
    assert_int_equal(world_metric("iys_alarms_total"), 1);
    world_free();

    script[0] = (line_t) { TOKEN, NULL, 1000, 500, SMS_OK, 0, "x" };
    begin(1, script);
    all_told(2, SMS_E_DOWN, SMS_CONSENT_UNKNOWN, "http_5xx");
    all_told(2, SMS_E_DOWN, SMS_CONSENT_UNKNOWN, "http_5xx");
    assert_int_equal(world->nlog, 1);
    world_free();

    /* an outage of minutes does not use up the hour's tokens */

    script[0] = (line_t) { TOKEN, NULL, 1000, 0, SMS_E_DOWN, 0, "" };
    begin(1, script);

    for (int i = 0; i < 20; i++) {
        all_told(1, SMS_E_DOWN, SMS_CONSENT_UNKNOWN, "token_failed");
        world_pass(61000);
    }

    script[0].times = 0;
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    assert_true(world_count(TOKEN) > 15);
    world_free();

    /* a full second does not end those who wait for the token */

    script[0] = (line_t) { TOKEN, NULL, 1, 429, SMS_OK, 0,
                           "{\"errors\":[{\"code\":\"H124\"}]}" };
    begin(1, script);
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    assert_int_equal(world_count(TOKEN), 2);
    world_free();

    script[0] = (line_t) { TOKEN, NULL, 1000, 200, SMS_OK, 0,
                           "{\"access_token\":\"a b\",\"expires_in\":1}" };
    begin(1, script);
    all_told(2, SMS_E_DOWN, SMS_CONSENT_UNKNOWN, "token_malformed");

    /* however often it is asked, İYS's hour is not used up */

    for (int i = 0; i < 40; i++) {
        world_call_t  *call = world_call(0, 1, 0, SMS_RECIPIENT_BIREYSEL);

        (void) world_ask(call);
        world_pass(61000);
        assert_int_equal(call->results[0].state, SMS_CONSENT_UNKNOWN);
    }

    assert_true(world_count(TOKEN) <= 10);
    world_free();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_token_shared),
        cmocka_unit_test(test_token_lock),
        cmocka_unit_test(test_token_budget),
        cmocka_unit_test(test_unauthorized),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_credentials)
    };

    return cmocka_run_group_tests_name("iys_token", tests, NULL, NULL);
}
