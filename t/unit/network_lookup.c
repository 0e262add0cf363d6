/* libs: -ljansson */
/*
 * lookup/http: answers, the cache, coalescing, cancel, rate, a service that fails.
 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/lookup/http/network.c"
#include "../../plugins/lookup/http/network_answer.c"

#include "content_fakehost.h"


static char  err[256];


static int
answer(const char *paths, const char *body, uint16_t *mcc, uint16_t *mnc)
{
    network_paths_t  p;

    memset(&p, 0, sizeof(p));
    if (paths) {
        p.mccmnc = (sms_str_t) { paths, strlen(paths) };
    } else {
        p.mcc = (sms_str_t) SMS_STR("r.0.mcc");
        p.mnc = (sms_str_t) SMS_STR("r.0.mnc");
    }

    return network_answer_read(&p, body, strlen(body), mcc, mnc);
}


static void
test_answers(void **state)
{
    static const struct { const char *path, *body; int rc; uint16_t mcc, mnc; }  rows[] = {
        { NULL, "{\"r\":[{\"mcc\":286,\"mnc\":2}]}", 1, 286, 2 },
        { NULL, "{\"r\":[{\"mcc\":\"286\",\"mnc\":\"02\"}]}", 1, 286, 2 },
        { NULL, "{\"r\":[{\"mcc\":\"286\",\"mnc\":0}]}", 1, 286, 0 },
        { NULL, "{\"r\":[]}", 0, 0, 0 },
        { NULL, "{\"r\":{\"0\":{\"mcc\":1,\"mnc\":1}}}", 1, 1, 1 },
        { NULL, "{\"r\":[{\"mcc\":null,\"mnc\":null}]}", 0, 0, 0 },
        { NULL, "{\"r\":[{\"mcc\":\"\",\"mnc\":\"\"}]}", 0, 0, 0 },
        { NULL, "{\"r\":[{\"mcc\":286}]}", 0, 0, 0 },
        { NULL, "{\"r\":[{\"mcc\":2860,\"mnc\":1}]}", -1, 0, 0 },
        { NULL, "{\"r\":[{\"mcc\":\"28x\",\"mnc\":1}]}", -1, 0, 0 },
        { NULL, "{\"r\":[{\"mcc\":28.6,\"mnc\":1}]}", -1, 0, 0 },
        { NULL, "{\"r\":[{\"mcc\":-1,\"mnc\":1}]}", -1, 0, 0 },
        { NULL, "[1,2", -1, 0, 0 },
        { NULL, "", -1, 0, 0 },
        { "n", "{\"n\":\"28602\"}", 1, 286, 2 },
        { "n", "{\"n\":28603}", 1, 286, 3 },
        { "n", "{\"n\":\"286-01\"}", 1, 286, 1 },
        { "n", "{\"n\":\"310410\"}", 1, 310, 410 },
        { "n", "{\"n\":\"0\"}", 0, 0, 0 },
        { "n", "{\"n\":\"286\"}", -1, 0, 0 },
        { "n", "{\"n\":\"28-601\"}", -1, 0, 0 },
        { "n", "{\"n\":\"2860123\"}", -1, 0, 0 },
        { "n", "{\"n\":true}", -1, 0, 0 },
        { "n", "{}", 0, 0, 0 }
    };

    uint16_t  mcc, mnc;
    size_t    i;

    (void) state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (answer(rows[i].path, rows[i].body, &mcc, &mnc) != rows[i].rc
            || mcc != rows[i].mcc || mnc != rows[i].mnc)
        {
            fail_msg("%s: %u-%u", rows[i].body, mcc, mnc);
        }
    }
}


static fakehost_t *
start(const char *more)
{
    const char  *conf[] = { "url=https://np.example/{number}?k=1", "mccmnc_path=n",
                            "header=X-Key: a", "authorization=Bearer s", more };
    fakehost_t  *fh;

    fh = fakehost_new();
    assert_int_equal(fakehost_start(fh, &network_ops, conf, more ? 5 : 4, err, sizeof(err)),
                     SMS_OK);

    return fh;
}


static void
stop(fakehost_t *fh)
{
    fakehost_stop(fh);
    assert_int_equal(fakehost_left(fh), 0);
    assert_int_equal(fakehost_violations(fh), 0);
    fakehost_free(fh);
}


static fakehost_batch_t *
batch(const char *const *numbers, uint32_t n)
{
    static sms_msg_t    msg[4];
    static sms_brand_t  brand;
    uint32_t            i;

    memset(msg, 0, sizeof(msg));
    for (i = 0; i < n; i++) {
        msg[i].brand = &brand;
        msg[i].to = (sms_str_t) { numbers[i], strlen(numbers[i]) };
    }

    return fakehost_batch_of(FAKEHOST_LOOKUP_NETWORK, msg, sizeof(sms_msg_t), n);
}


/* one number; waits for the answer */
static sms_network_t
ask(fakehost_t *fh, const char *number)
{
    fakehost_batch_t  *b;
    sms_network_t      r;
    sms_call_t         call;

    b = batch(&number, 1);
    call = fakehost_call(fh, FAKEHOST_LOOKUP_NETWORK, &b->batch);
    (void) fakehost_advance(fh, 3000);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_OK);
    r = *(const sms_network_t *) b->batch.results;
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    return r;
}


static void
test_cache(void **state)
{
    static const char *const  three[] = { "901", "902", "901" };

    const sms_network_t  *r;
    fakehost_batch_t     *b;
    sms_network_t         one;
    fakehost_t           *fh;
    sms_call_t            call;

    (void) state;
    fh = start("negative_ttl=1m");
    fakehost_http_answer(fh, "GET", "https://np.example/901?k=1", 200, "{\"n\":\"28602\"}", 50);
    fakehost_http_answer(fh, "GET", "https://np.example/902?k=1", 404, "no", 100);

    /* one request for two of the same number, and the call ends with the last answer */
    b = batch(three, 3);
    call = fakehost_call(fh, FAKEHOST_LOOKUP_NETWORK, &b->batch);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_PENDING);
    (void) fakehost_advance(fh, 60);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_PENDING);
    (void) fakehost_advance(fh, 60);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_OK);
    r = b->batch.results;
    assert_true(r[0].status == SMS_OK && r[0].mcc == 286 && r[0].mnc == 2);
    assert_true(r[1].status == SMS_OK && r[1].mcc == 0);
    assert_true(r[2].status == SMS_OK && r[2].mnc == 2);
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);
    assert_int_equal(fakehost_http_count(fh), 2);

    /* both answers are kept */
    one = ask(fh, "901");
    assert_true(one.status == SMS_OK && one.mcc == 286);
    one = ask(fh, "902");
    assert_true(one.status == SMS_OK && one.mcc == 0);
    assert_int_equal(fakehost_http_count(fh), 2);

    /* that it is not known for less long */
    (void) fakehost_advance(fh, 61000);
    (void) ask(fh, "901");
    assert_int_equal(fakehost_http_count(fh), 2);
    (void) ask(fh, "902");
    assert_int_equal(fakehost_http_count(fh), 3);
    stop(fh);
}


static void
test_cancelled(void **state)
{
    static const char *const  number = "901";

    fakehost_batch_t  *b;
    fakehost_t        *fh;
    sms_call_t         call;

    (void) state;
    fh = start(NULL);
    fakehost_http_answer(fh, "GET", "https://np.example/901?k=1", 200, "{\"n\":\"28602\"}", 500);

    b = batch(&number, 1);
    call = fakehost_call(fh, FAKEHOST_LOOKUP_NETWORK, &b->batch);
    fakehost_cancel(fh, call);
    fakehost_call_end(fh, call);
    fakehost_batch_seal(b);
    (void) fakehost_advance(fh, 1000);
    fakehost_batch_free(b);

    /* the answer serves who asks next */
    assert_int_equal(ask(fh, "901").mnc, 2);
    assert_int_equal(fakehost_http_count(fh), 1);

    /* and leaving ends what is under way */
    b = batch((const char *const[]) { "903" }, 1);
    call = fakehost_call(fh, FAKEHOST_LOOKUP_NETWORK, &b->batch);
    fakehost_cancel(fh, call);
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);
    stop(fh);
}


static void
test_failing(void **state)
{
    fakehost_t  *fh;
    uint32_t     i;
    char         number[8];

    (void) state;
    fh = start("retry=60s");
    fakehost_http_answer(fh, "GET", "https://np.example/", 500, "{}", 10);

    for (i = 0; i < 5; i++) {
        snprintf(number, sizeof(number), "90%u", i);
        assert_int_equal(ask(fh, number).status, SMS_E_DOWN);
    }
    assert_int_equal(fakehost_http_count(fh), 5);
    assert_int_equal(fakehost_log_count(fh), 1);

    /* now it is left alone */
    assert_int_equal(ask(fh, "901").status, SMS_E_DOWN);
    assert_int_equal(fakehost_http_count(fh), 5);
    (void) fakehost_advance(fh, 60000);
    assert_int_equal(ask(fh, "901").status, SMS_E_DOWN);
    assert_int_equal(fakehost_http_count(fh), 6);
    stop(fh);
}


static void
test_rate(void **state)
{
    static const char *const  four[] = { "901", "902", "903", "904" };

    const sms_network_t  *r;
    fakehost_batch_t     *b;
    fakehost_t           *fh;
    sms_call_t            call;

    (void) state;
    fh = start("rate=2");
    fakehost_http_answer(fh, "GET", "https://np.example/", 200, "{\"n\":\"28602\"}", 10);

    b = batch(four, 4);
    call = fakehost_call(fh, FAKEHOST_LOOKUP_NETWORK, &b->batch);
    (void) fakehost_advance(fh, 100);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_OK);
    r = b->batch.results;
    assert_int_equal(r[0].mnc, 2);
    assert_int_equal(r[1].mnc, 2);
    assert_int_equal(r[2].status, SMS_E_BUSY);
    assert_int_equal(r[3].status, SMS_E_BUSY);
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);
    assert_int_equal(fakehost_http_count(fh), 2);
    stop(fh);
}


static void
test_refused(void **state)
{
    static const struct { const char *conf[3]; size_t n; const char *err; }  rows[] = {
        { { "url=https://np.example/", "mccmnc_path=n" }, 2,
          "\"url\" must begin with https:// or http:// and have {number}" },
        { { "url=ftp://np.example/{number}", "mccmnc_path=n" }, 2,
          "\"url\" must begin with https:// or http:// and have {number}" },
        { { "url=https://np.example/{number} x", "mccmnc_path=n" }, 2,
          "\"url\" has an octet that must be escaped" },
        { { "url=https://np.example/{number}" }, 1,
          "either \"mcc_path\" and \"mnc_path\" or \"mccmnc_path\" is needed" },
        { { "url=https://np.example/{number}", "mcc_path=a" }, 2,
          "either \"mcc_path\" and \"mnc_path\" or \"mccmnc_path\" is needed" },
        { { "url=https://np.example/{number}", "mccmnc_path=n", "header=X" }, 3,
          "\"header\" is \"Name: value\"" }
    };

    fakehost_t  *fh;
    size_t       i;

    (void) state;
    fh = fakehost_new();
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(fakehost_start(fh, &network_ops, rows[i].conf, rows[i].n, err,
                                        sizeof(err)), SMS_E_CONFIG);
        assert_string_equal(err, rows[i].err);
    }
    fakehost_free(fh);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_failing),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_refused)
    };

    return cmocka_run_group_tests_name("network_lookup", tests, NULL, NULL);
}
