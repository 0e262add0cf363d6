/*
 * my_plugin_test.c - a unit test under the fake host; "make test" runs it.
 */
#include "fakehost.h"

#include <assert.h>
#include <stdio.h>

extern const sms_ops_t *const  sms_plugin_ops;


int
main(void)
{
    static const char *const  conf[] = { "most_parts=3" };
    static const char *const  wrong[] = { "most_parts=0" };

    const sms_verdict_t  *v;
    fakehost_batch_t     *b;
    fakehost_t           *fh;
    sms_call_t            call;
    char                  err[128];
    uint32_t              i;

    fh = fakehost_new();
    assert(fakehost_start(fh, sms_plugin_ops, wrong, 1, err, sizeof(err)) == SMS_E_CONFIG);
    assert(fakehost_start(fh, sms_plugin_ops, conf, 1, err, sizeof(err)) == SMS_OK);

    b = fakehost_batch(FAKEHOST_RULE_EVALUATE, 20, 0, FAKEHOST_GAP);
    call = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
    assert(fakehost_call_rc(fh, call) == SMS_OK);
    for (i = 0; i < 20; i++) {
        v = SMS_AT(const sms_verdict_t, b->batch.results, b->batch.result_stride, i);
        assert(v->status == SMS_OK && v->action == SMS_PASS && v->nfindings == 0);
    }
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    fakehost_stop(fh);
    assert(fakehost_left(fh) == 0 && fakehost_violations(fh) == 0);
    fakehost_free(fh);
    puts("my_plugin: ok");

    return 0;
}
