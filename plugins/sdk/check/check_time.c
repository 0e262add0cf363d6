/*
 * check_time.c - the time budget of callbacks.
 *
 * CPU time of this thread, the best of several runs: other programs on the
 * machine cannot make a plugin look slow.  A callback that gave up the processor
 * in every run waits for something.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>

#define CHECK_RUNS  5


static void
check_budget(check_t *c, const char *what, const fakehost_timing_t *t, int64_t budget_us,
    const char *for_what)
{
    check_ok(c, t->cpu_min_us <= budget_us,
             "%s%s takes at most %lld us of CPU time%s", what, for_what,
             (long long) budget_us, t->cpu_min_us <= budget_us ? "" : ": too slow");
    if (t->cpu_min_us > budget_us) {
        check_note(c, "%lld us in the best of %u runs", (long long) t->cpu_min_us, t->count);
    }
}


static void
check_op_time(check_t *c, fakehost_t *fh, fakehost_op_t op)
{
    static const uint32_t  sizes[] = { 32, SMS_BATCH_MAX };

    fakehost_timing_t   t;
    fakehost_batch_t   *b;
    sms_call_t          call;
    const char         *name;
    uint32_t            i, k;

    name = fakehost_op_name(op);
    for (k = 0; k < 2; k++) {
        fakehost_timing_reset(fh);
        for (i = 0; i < CHECK_RUNS; i++) {
            check_step(c, "the time of %s n=%u", name, sizes[k]);
            b = fakehost_batch(op, sizes[k], check_variant(c, op), FAKEHOST_GAP);
            call = fakehost_call(fh, op, &b->batch);
            (void) check_drive(c, fh, call);
            fakehost_call_end(fh, call);
            fakehost_batch_free(b);
            (void) fakehost_advance(fh, 1000);
        }
        t = fakehost_timing(fh, name);
        check_budget(c, name, &t, (int64_t) SMS_CALLBACK_BUDGET_US * c->slack * sizes[k] / 32,
                     k ? " n=1024" : " n=32");
        if (k == 0) {
            check_ok(c, t.waits_min == 0, "%s does not block%s", name,
                     t.waits_min ? ": it gives up the processor in every run" : "");
        }
    }
}


void
check_time(check_t *c)
{
    static const char *const  others[] = {
        "timer", "post", "watch", "lease", "done", "http done", "db done", "stream opened",
        "stream data", "stream writable", "stream closed", "operator_window", "ready",
        "drain"
    };

    fakehost_timing_t   t;
    fakehost_t         *fh;
    const char         *why;
    char                err[256];
    uint32_t            op, i;

    fh = check_host(c);
    if (check_start(c, fh, err, sizeof(err)) != SMS_OK) {
        check_ok(c, 0, "starts: %s", err);
        return;
    }
    (void) fakehost_advance(fh, 1000);

    for (op = 0; op < FAKEHOST_OPS; op++) {
        if (fakehost_op_offered(c->ops, op)) {
            check_op_time(c, fh, op);
        }
    }

    check_step(c, "the time of callbacks");
    fakehost_timing_reset(fh);
    for (op = 0; op < FAKEHOST_OPS; op++) {
        fakehost_batch_t  *b;
        sms_call_t         call;

        if (!fakehost_op_offered(c->ops, op)) {
            continue;
        }
        for (i = 0; i < CHECK_RUNS; i++) {
            b = fakehost_batch(op, 32, check_variant(c, op), 0);
            call = fakehost_call(fh, op, &b->batch);
            (void) check_drive(c, fh, call);
            fakehost_call_end(fh, call);
            fakehost_batch_free(b);
            (void) fakehost_window(fh);
            (void) fakehost_ready(fh);
            (void) fakehost_advance(fh, 1000);
        }
    }
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        t = fakehost_timing(fh, others[i]);
        if (t.count) {
            check_budget(c, others[i], &t, (int64_t) SMS_CALLBACK_BUDGET_US * c->slack, "");
        }
        if (t.count > 1) {
            check_ok(c, t.waits_min == 0, "%s does not block%s", others[i],
                     t.waits_min ? ": it gives up the processor in every run" : "");
        }
    }

    why = check_finish(fh);
    check_ok(c, why == NULL, "and stops%s%s", why ? ": " : "", why ? why : "");
}
