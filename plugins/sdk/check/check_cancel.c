/*
 * check_cancel.c - calls that are cancelled after 0, 1, 2 ... events.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <string.h>

#define CHECK_POINTS  40


/* cancels after "point" events; *done: the call had already ended by then */
static const char *
check_cancel_at(check_t *c, fakehost_op_t op, uint32_t point, int *done, int *asked)
{
    static char  why[400];

    fakehost_batch_t  *b;
    fakehost_t        *fh;
    sms_call_t         call;
    const char        *bad;
    char               err[256];
    uint32_t           i;

    check_step(c, "%s cancelled after %u events", fakehost_op_name(op), point);
    fh = check_host(c);
    if (check_start(c, fh, err, sizeof(err)) != SMS_OK) {
        fakehost_free(fh);
        snprintf(why, sizeof(why), "does not start: %s", err);
        return why;
    }
    (void) fakehost_advance(fh, 1000);

    b = fakehost_batch(op, 7, check_variant(c, op), FAKEHOST_GAP);
    call = fakehost_call(fh, op, &b->batch);
    *asked = fakehost_call_state(fh, call) == FAKEHOST_CALL_OPEN;
    if (*asked && !SMS_HAS(sms_ops_t, c->ops, cancel)) {
        return "returned SMS_PENDING, but the plugin offers no cancel()";
    }
    for (i = 0; i < point && fakehost_call_state(fh, call) == FAKEHOST_CALL_OPEN; i++) {
        if (!fakehost_step(fh)) {
            break;
        }
    }
    *done = fakehost_call_state(fh, call) != FAKEHOST_CALL_OPEN;

    fakehost_cancel(fh, call);
    check_step(c, "memory of %s touched after cancel() (at event %u)", fakehost_op_name(op),
               point);
    fakehost_batch_seal(b);
    fakehost_call_end(fh, call);
    (void) fakehost_advance(fh, 60000);
    bad = check_finish(fh);
    fakehost_batch_free(b);
    if (bad) {
        snprintf(why, sizeof(why), "%s", bad);
    }

    return bad ? why : NULL;
}


/* drain() and exit() come while a call is open, as in a worker that is told to go */
static const char *
check_stop_open(check_t *c, fakehost_op_t op)
{
    fakehost_batch_t  *b;
    fakehost_t        *fh;
    const char        *bad;
    char               err[256];

    check_step(c, "exit() with an open %s", fakehost_op_name(op));
    fh = check_host(c);
    if (check_start(c, fh, err, sizeof(err)) != SMS_OK) {
        fakehost_free(fh);
        return "does not start";
    }
    (void) fakehost_advance(fh, 1000);

    b = fakehost_batch(op, 32, check_variant(c, op), FAKEHOST_GAP);
    (void) fakehost_call(fh, op, &b->batch);
    bad = check_finish(fh);
    fakehost_batch_free(b);

    return bad;
}


void
check_cancel(check_t *c)
{
    const char  *why;
    uint32_t     op, point;
    int          done, asked;

    for (op = 0; op < FAKEHOST_OPS; op++) {
        if (!fakehost_op_offered(c->ops, op)) {
            continue;
        }
        why = NULL;
        asked = 0;
        for (point = 0; point < CHECK_POINTS && why == NULL; point++) {
            why = check_cancel_at(c, op, point, &done, &asked);
            if (done) {
                break;
            }
        }
        check_ok(c, why == NULL, "%s %s%s%s", fakehost_op_name(op),
                 asked ? "can be cancelled at every point" : "answers in the call",
                 why ? ": " : "", why ? why : "");
        if (why) {
            check_note(c, "cancelled after %u events", point - 1);
        }

        why = asked && !SMS_HAS(sms_ops_t, c->ops, cancel) ? "the plugin offers no cancel()"
              : check_stop_open(c, op);
        check_ok(c, why == NULL, "%s: exit() in the middle%s%s", fakehost_op_name(op),
                 why ? ": " : "", why ? why : "");
    }
}
