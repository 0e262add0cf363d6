/* libs: -lpcre2-8 */

/*
 * The plugin in a fake host: keys, results that outlive the next call.
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

#include "content_judge.h"
#include "../../plugins/rule/content/content.c"

#include "content_fakehost.h"


static char  err[128];


static fakehost_t *
start(const char *key)
{
    fakehost_t  *fh;

    fh = fakehost_new();
    assert_int_equal(fakehost_start(fh, &content_ops, &key, key != NULL, err, sizeof(err)),
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


/* number of findings; the severity of the first goes to *severity */
static uint32_t
verdict(fakehost_t *fh, uint8_t klass, const char *text, uint32_t *severity)
{
    const sms_verdict_t  *v;
    fakehost_batch_t     *b;
    sms_call_t            call;
    uint32_t              n;

    judge_msg.klass = klass;
    judge_msg.text = judge_str(text);
    b = fakehost_batch_of(FAKEHOST_RULE_EVALUATE, &judge_msg, sizeof(judge_msg), 1);
    call = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_OK);

    v = b->batch.results;
    assert_int_equal(v->status, SMS_OK);
    assert_int_equal(v->action, SMS_PASS);
    assert_int_equal(v->version.len, strlen(CONTENT_VERSION));
    n = v->nfindings;
    if (n) {
        *severity = v->findings[0].severity;
    }
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    return n;
}


static void
test_keys(void **state)
{
    static const struct {
        const char  *key, *text;
        uint32_t     klass, severity;           /* OFF: no finding               */
    } cases[] = {
        { NULL, "canlı bahis", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "gambling=off", "canlı bahis", SMS_CLASS_EXEMPT, SMS_SEVERITY_OFF },
        { "gambling=confirm", "canlı bahis", SMS_CLASS_EXEMPT, SMS_SEVERITY_CONFIRM },
        { NULL, "eskort", SMS_CLASS_OTP, SMS_SEVERITY_WARN },
        { "adult=warn", "giriş eskort", SMS_CLASS_OTP, SMS_SEVERITY_WARN },
        { NULL, "giriş eskort", SMS_CLASS_OTP, SMS_SEVERITY_BLOCK },
        { NULL, "oyunuzu", SMS_CLASS_EXEMPT, SMS_SEVERITY_CONFIRM },
        { "politics=block", "oyunuzu", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "religion=block", "muska", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "alcohol=block", "viski", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "tobacco=block", "nargile", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "medicine=block", "antibiyotik", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "health=block", "klinikte indirim", SMS_CLASS_EXEMPT, SMS_SEVERITY_BLOCK },
        { "health=block", "klinik", SMS_CLASS_EXEMPT, SMS_SEVERITY_OFF }
    };

    fakehost_t  *fh;
    uint32_t     severity;
    size_t       i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        judge_begin();
        fh = start(cases[i].key);
        severity = SMS_SEVERITY_OFF;
        assert_int_equal(verdict(fh, (uint8_t) cases[i].klass, cases[i].text, &severity) != 0,
                         cases[i].severity != SMS_SEVERITY_OFF);
        assert_int_equal(severity, cases[i].severity);
        stop(fh);
    }
}


static void
test_identity_keys(void **state)
{
    static const char  text[] = "Tanitim: Sube acildi. 4605 Mersis: 0015001526400497 ORNEK RET";

    fakehost_t  *fh;
    uint32_t     severity;

    (void) state;
    judge_begin();
    fh = start(NULL);
    assert_int_equal(verdict(fh, SMS_CLASS_COMMERCIAL, text, &severity), 2);
    stop(fh);
    fh = start("tacir_identity=mersis");
    assert_int_equal(verdict(fh, SMS_CLASS_COMMERCIAL, text, &severity), 1);
    stop(fh);
    fh = start("contact_short_number=on");
    assert_int_equal(verdict(fh, SMS_CLASS_COMMERCIAL, text, &severity), 1);
    stop(fh);
}


static void
test_results_live(void **state)
{
    fakehost_batch_t     *b;
    fakehost_t           *fh;
    sms_call_t            call;
    const sms_verdict_t  *v;
    uint32_t              severity, i;
    char                  before[64], after[64];

    (void) state;
    judge_begin();
    fh = start(NULL);
    judge_msg.klass = SMS_CLASS_COMMERCIAL;
    judge_msg.text = judge_str("Yeni şube");
    b = fakehost_batch_of(FAKEHOST_RULE_EVALUATE, &judge_msg, sizeof(judge_msg), 1);
    call = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
    v = b->batch.results;
    assert_int_equal(v->nfindings, 4);
    i = 2;
    snprintf(before, sizeof(before), "%.*s", (int) v->findings[i].repair.len,
             v->findings[i].repair.ptr);
    assert_string_equal(before, " Ret için ORNEK RET yaz 4605 numarasına gönder");

    assert_int_equal(verdict(fh, SMS_CLASS_COMMERCIAL, "Baska bir metin", &severity), 4);
    snprintf(after, sizeof(after), "%.*s", (int) v->findings[i].repair.len,
             v->findings[i].repair.ptr);
    assert_string_equal(before, after);
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    /* no memory for findings: that message is not judged, and not let through */
    fakehost_fail(fh, FAKEHOST_ON_ALLOC, 0, SMS_E_NOMEM);
    b = fakehost_batch_of(FAKEHOST_RULE_EVALUATE, &judge_msg, sizeof(judge_msg), 1);
    call = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
    v = b->batch.results;
    assert_int_equal(v->status, SMS_E_NOMEM);
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    stop(fh);
}


static int
end(void **state)
{
    (void) state;
    content_rules_free(&judge);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_identity_keys),
        cmocka_unit_test(test_results_live)
    };

    return cmocka_run_group_tests_name("content_plugin", tests, NULL, end);
}
