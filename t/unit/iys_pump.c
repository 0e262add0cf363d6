/* libs: -ljansson */

/*
 * When a request leaves: pace over workers, back-off, and what happens when
 * the host has no room.
 */
#include "iys_far.h"


static void
test_throttled(void **state)
{
    int64_t        gap;
    world_call_t  *call;
    static line_t  script[] = {
        { BULK, NULL, 1, 429, SMS_OK, 0, "{\"errors\":[{\"code\":\"H124\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;
    script[0].times = 1;
    begin(2, script);
    (void) world_ask(world_call(0, 2, 0, SMS_RECIPIENT_BIREYSEL));

    while (world_count(BULK) == 0) {
        (void) world_step();
    }

    world_run(21);

    /* the other worker waits, too */

    call = world_call(1, 2, 100, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);

    gap = world->log[2].at_us - world->log[1].at_us;
    assert_true(gap >= 1000000);
    assert_int_equal(world->calls[0]->results[0].state, SMS_CONSENT_GRANTED);
    assert_int_equal(call->results[0].state, SMS_CONSENT_GRANTED);
    assert_int_equal(world_metric("iys_throttled_total"), 1);
    world_free();

    script[0].times = 100;
    begin(1, script);
    all_told(2, SMS_E_BUSY, SMS_CONSENT_UNKNOWN, "H124");
    assert_int_equal(world_count(BULK), IYS_TRIES_MAX);
    world_free();
}


static void
test_pace(void **state)
{
    uint32_t       i, j, worst;
    world_call_t  *call[3];

    (void) state;

    world_new(3, far);
    world_key("batch", NULL, 1);
    assert_int_equal(world_start((char [64]) { 0 }, 64), SMS_OK);

    for (i = 0; i < 3; i++) {
        call[i] = world_call(i, 200, i * 200, SMS_RECIPIENT_BIREYSEL);
        call[i]->batch.deadline_us = world->now_us + INT64_C(600000000);
        (void) world_ask(call[i]);
    }

    world_run(600000);
    assert_int_equal(world->nlog, 601);

    for (i = 0, j = 0, worst = 0; i < world->nlog; i++) {
        while (world->log[i].at_us - world->log[j].at_us >= 1000000) {
            j++;
        }

        if (i - j + 1 > worst) {
            worst = i - j + 1;
        }
    }

    print_message("at most %u in a second, %u in %.1f s\n", (unsigned) worst,
                  (unsigned) world->nlog,
                  (double) (world->log[600].at_us - world->log[0].at_us) / 1e6);

    assert_true(worst <= 10);

    /* and no slower than a tenth below what is permitted (D12) */

    assert_true(world->log[600].at_us - world->log[0].at_us
                <= INT64_C(600) * 110000);

    for (i = 0; i < 3; i++) {
        assert_int_equal(call[i]->rc, SMS_OK);
    }

    world_free();
}


static void
test_in_flight(void **state)
{
    world_call_t  *call;
    static line_t  script[] = {
        { BULK, NULL, 1000, 200, SMS_OK, 9000, NULL },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;

    /* a far end that slows down is not given more and more to do */

    world_new(1, far);
    world->data = script;
    world_key("batch", NULL, 1);
    assert_int_equal(world_start((char [64]) { 0 }, 64), SMS_OK);

    call = world_call(0, 60, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(8000);
    assert_int_equal(world_count(BULK), IYS_SENT_MAX);
    world_run(60000);
    assert_int_equal(world_count(BULK), 60);
    assert_int_equal(call->results[58].state, SMS_CONSENT_GRANTED);
    world_free();
}


static void
test_no_dictionary(void **state)
{
    uint32_t       i;
    world_call_t  *call;
    static line_t  script[] = {
        { TOKEN, NULL, 1, 429, SMS_OK, 0, "{\"errors\":[{\"code\":\"H084\"}]}" },
        { NULL, NULL, 0, 0, SMS_OK, 0, NULL }
    };

    (void) state;

    /* no room for the hour of silence: this worker keeps it nevertheless */

    begin(1, script);
    world->set_fails = "iys:t:";
    all_told(1, SMS_E_BUSY, SMS_CONSENT_UNKNOWN, "H084");
    all_told(1, SMS_E_BUSY, SMS_CONSENT_UNKNOWN, "H084");
    assert_int_equal(world->nlog, 1);
    world_free();

    /* full from the start: nobody may fetch a token without a count */

    begin(1, NULL);
    world->dict_full = 1;
    call = world_call(0, 2, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);
    assert_int_equal(call->rc, SMS_OK);
    assert_int_equal(call->results[0].state, SMS_CONSENT_UNKNOWN);
    assert_int_equal(world->nlog, 0);
    world_free();

    /* full later: what is known goes on to serve */

    begin(2, NULL);
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    world->dict_full = 1;

    for (i = 0; i < 20; i++) {
        all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    }

    assert_int_equal(world_count(TOKEN), 1);
    world_free();
}


static void
test_no_services(void **state)
{
    char           err[256];
    world_call_t  *call;

    (void) state;

    begin(1, NULL);
    world->alloc_fails = 1;
    call = world_call(0, 2, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(60000);
    assert_true(told(&call->results[0], SMS_E_NOMEM, SMS_CONSENT_UNKNOWN,
                     "no_memory"));
    world_free();

    begin(1, NULL);
    world->request_fails = 1;
    all_told(2, SMS_E_DOWN, SMS_CONSENT_UNKNOWN, "token_failed");
    world_free();

    begin(1, NULL);
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    world->request_fails = 1;
    all_told(2, SMS_E_DOWN, SMS_CONSENT_UNKNOWN, "unreachable");
    world_free();

    begin(1, NULL);
    world->timer_fails = 1;
    world->now_us += 60000;             /* late in a slot: it would have to wait */
    all_told(2, SMS_E_NOMEM, SMS_CONSENT_UNKNOWN, "no_memory");
    world->timer_fails = 0;
    all_told(1, SMS_OK, SMS_CONSENT_GRANTED, "");
    world_free();

    world_new(1, far);
    world_key("base_url", "http://api.iys.org.tr", 0);
    assert_int_equal(world_start(err, sizeof(err)), SMS_E_CONFIG);
    world_free();

    world_new(1, far);
    world_key("base_url", "https://u:p@api.iys.org.tr", 0);
    assert_int_equal(world_start(err, sizeof(err)), SMS_E_CONFIG);
    world_free();

    world_new(1, far);
    world_key("password", "", 0);
    assert_int_equal(world_start(err, sizeof(err)), SMS_E_CONFIG);
    world_free();
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_throttled),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_no_dictionary),
        cmocka_unit_test(test_no_services)
    };

    return cmocka_run_group_tests_name("iys_pump", tests, NULL, NULL);
}
