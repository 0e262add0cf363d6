/*
 * check_ops.c - each operation with batches of several sizes.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* overwrites what the last call left on the stack */
static void __attribute__((noinline))
check_scrub(void)
{
    volatile char  room[65536];
    size_t         i;

    for (i = 0; i < sizeof(room); i++) {
        room[i] = FAKEHOST_CANARY;
    }
}


/*
 * Strings must live until the call ends.  While the first call is still open, a
 * second one with other texts comes and goes and time passes.
 */
static const char *
check_alive(check_t *c, fakehost_t *fh, fakehost_op_t op, const fakehost_batch_t *b)
{
    static char  why[200];

    fakehost_batch_t  *other;
    sms_call_t         call;
    char              *before, *after;
    size_t             i;

    check_step(c, "the strings of the results of %s n=%u", fakehost_op_name(op), b->batch.n);
    before = check_strings(op, b);
    check_scrub();

    other = fakehost_batch(op, b->batch.n < 7 ? 7 : b->batch.n, check_variant(c, op) + 2,
                           FAKEHOST_GAP);
    call = fakehost_call(fh, op, &other->batch);
    (void) check_drive(c, fh, call);
    fakehost_call_end(fh, call);
    fakehost_batch_free(other);
    (void) fakehost_advance(fh, 50);
    check_scrub();

    after = check_strings(op, b);
    why[0] = '\0';
    if (strcmp(before, after) != 0) {
        for (i = 0; before[i] == after[i]; i++) {
            /* the first difference */
        }
        snprintf(why, sizeof(why), "a result's string changed before the call ended, at "
                 "\"%.20s\": use constants or core->alloc()", before + (i > 8 ? i - 8 : 0));
    }
    free(before);
    free(after);

    return why[0] ? why : NULL;
}


static const char *
check_run(check_t *c, fakehost_op_t op, uint32_t n, uint32_t variant)
{
    static char  why[400];

    fakehost_batch_t  *b;
    fakehost_state_t   state;
    fakehost_t        *fh;
    sms_call_t         call;
    sms_rc_t           rc;
    const char        *bad, *left;
    char               err[256];

    check_step(c, "%s n=%u", fakehost_op_name(op), n);
    fh = check_host(c);
    if (check_start(c, fh, err, sizeof(err)) != SMS_OK) {
        fakehost_free(fh);
        snprintf(why, sizeof(why), "does not start: %s", err);
        return why;
    }
    /* leases are won, connections made */
    (void) fakehost_advance(fh, 1000);

    bad = NULL;
    b = fakehost_batch(op, n, variant, FAKEHOST_GAP);
    call = fakehost_call(fh, op, &b->batch);
    if (op == FAKEHOST_BILLING_QUOTE && fakehost_call_state(fh, call) == FAKEHOST_CALL_OPEN) {
        bad = "returned SMS_PENDING, but a quote must finish in the call";
    }
    if (bad == NULL && fakehost_call_state(fh, call) == FAKEHOST_CALL_OPEN
        && !SMS_HAS(sms_ops_t, c->ops, cancel))
    {
        bad = "returned SMS_PENDING, but the plugin offers no cancel()";
    }
    if (bad == NULL) {
        bad = check_drive(c, fh, call);
    }
    rc = fakehost_call_rc(fh, call);
    state = fakehost_call_state(fh, call);
    if (bad == NULL && state != FAKEHOST_CALL_CANCELLED && rc == SMS_OK) {
        check_step(c, "reading the results of %s n=%u", fakehost_op_name(op), n);
        bad = check_result(fh, op, b);
        if (bad == NULL) {
            bad = check_alive(c, fh, op, b);
        }
    }
    if (bad) {
        /* it may still fire at what it was given: leave it where it is */
        snprintf(why, sizeof(why), "%s", bad);
        return why;
    }

    /* from here on a touch of the batch is a crash, and the step says why */
    check_step(c, "memory of %s n=%u touched after its call has ended", fakehost_op_name(op),
               n);
    fakehost_call_end(fh, call);
    fakehost_batch_seal(b);
    (void) fakehost_advance(fh, 60000);
    left = check_finish(fh);
    fakehost_batch_free(b);
    if (left) {
        snprintf(why, sizeof(why), "%s", left);
    }

    return left ? why : NULL;
}


void
check_ops(check_t *c)
{
    static const uint32_t  sizes[] = { 1, 7, 32, SMS_BATCH_MAX };

    const char  *why;
    uint32_t     op, i, n;

    for (op = 0; op < FAKEHOST_OPS; op++) {
        if (!fakehost_op_offered(c->ops, op)) {
            continue;
        }
        for (i = 0; i < 4; i++) {
            n = sizes[i];
            why = check_run(c, op, n, n == 1 ? 0 : check_variant(c, op));
            check_ok(c, why == NULL, "%s n=%u%s%s", fakehost_op_name(op), n,
                     why ? ": " : "", why ? why : "");
        }
    }
}
