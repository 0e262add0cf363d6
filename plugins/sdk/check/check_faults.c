/*
 * check_faults.c - every service that the plugin uses fails, with every code,
 * always and once; then every allocation.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <string.h>

/* in which of these is the failure planned? */
typedef struct {
    fakehost_service_t  service;
    uint32_t            nth;
    sms_rc_t            rc;
    uint32_t            malloc_nth;
} check_plan_t;


/* start, every operation once, stop; NULL, or what went wrong */
static const char *
check_round(check_t *c, const check_plan_t *plan, uint32_t *used, uint32_t *mallocs)
{
    static char  why[400];

    fakehost_batch_t  *b;
    fakehost_t        *fh;
    sms_call_t         call;
    const char        *bad;
    char               err[256];
    uint32_t           op, s;

    fh = check_host(c);
    if (plan && plan->rc != SMS_OK) {
        fakehost_fail(fh, plan->service, plan->nth, plan->rc);
    }
    if (check_start(c, fh, err, sizeof(err)) != SMS_OK) {
        /* to refuse is right when a service is missing */
        bad = check_finish(fh);
        goto done;
    }
    (void) fakehost_advance(fh, 1000);

    bad = NULL;
    for (op = 0; op < FAKEHOST_OPS && bad == NULL; op++) {
        if (!fakehost_op_offered(c->ops, op)) {
            continue;
        }
        b = fakehost_batch(op, 7, check_variant(c, op), FAKEHOST_GAP);
        (void) check_heap_fail(plan ? plan->malloc_nth : 0);
        call = fakehost_call(fh, op, &b->batch);
        bad = check_drive(c, fh, call);
        if (mallocs && check_heap_used() > *mallocs) {
            *mallocs = check_heap_used();
        }
        (void) check_heap_fail(0);
        if (bad == NULL && fakehost_call_state(fh, call) != FAKEHOST_CALL_CANCELLED
            && fakehost_call_rc(fh, call) == SMS_OK)
        {
            bad = check_result(fh, op, b);
        }
        if (bad) {
            snprintf(why, sizeof(why), "%s: %s", fakehost_op_name(op), bad);
        }
        fakehost_call_end(fh, call);
        fakehost_batch_free(b);
    }

    (void) fakehost_advance(fh, 5000);
    for (s = 0; used && s < FAKEHOST_SERVICES; s++) {
        used[s] = fakehost_used(fh, s);
    }
    if (bad) {
        (void) check_finish(fh);
        return why;
    }
    bad = check_finish(fh);

done:

    if (bad) {
        snprintf(why, sizeof(why), "%s", bad);
    }

    return bad ? why : NULL;
}


static void
check_service(check_t *c, fakehost_service_t s, uint32_t used)
{
    check_plan_t  plan;
    const char   *why;
    int           rc;

    memset(&plan, 0, sizeof(plan));
    plan.service = s;
    why = NULL;

    for (rc = SMS_E_INVAL; rc >= SMS_E_INTERNAL && why == NULL; rc--) {
        plan.rc = rc;
        for (plan.nth = 0; plan.nth <= used && plan.nth < 4 && why == NULL; plan.nth++) {
            check_step(c, "%s failing with %d (%s %u)", fakehost_service_name(s), rc,
                       plan.nth ? "use" : "always", plan.nth);
            why = check_round(c, &plan, NULL, NULL);
        }
    }
    check_ok(c, why == NULL, "survives %s failing%s%s", fakehost_service_name(s),
             why ? ": " : "", why ? why : "");
    if (why) {
        check_note(c, "%s", c->trace->step);
    }
}


static void
check_allocations(check_t *c, uint32_t used)
{
    check_plan_t  plan;
    const char   *why;

    memset(&plan, 0, sizeof(plan));
    plan.service = FAKEHOST_ON_ALLOC;
    plan.rc = SMS_E_NOMEM;
    why = NULL;

    for (plan.nth = 0; plan.nth <= used && plan.nth <= 64 && why == NULL; plan.nth++) {
        check_step(c, "core->alloc number %u failing (0: all)", plan.nth);
        why = check_round(c, &plan, NULL, NULL);
    }
    check_ok(c, why == NULL, "survives each core->alloc failing%s%s", why ? ": " : "",
             why ? why : "");
    if (why) {
        check_note(c, "%s", c->trace->step);
    }
}


static void
check_mallocs(check_t *c, uint32_t used)
{
    check_plan_t  plan;
    const char   *why;

    memset(&plan, 0, sizeof(plan));
    why = NULL;
    for (plan.malloc_nth = 1; plan.malloc_nth <= used && plan.malloc_nth <= 64 && why == NULL;
         plan.malloc_nth++)
    {
        check_step(c, "malloc number %u of an operation failing", plan.malloc_nth);
        why = check_round(c, &plan, NULL, NULL);
    }
    check_ok(c, why == NULL, "survives each malloc of an operation failing%s%s",
             why ? ": " : "", why ? why : "");
    if (why) {
        check_note(c, "%s", c->trace->step);
    }
}


void
check_faults(check_t *c)
{
    uint32_t     used[FAKEHOST_SERVICES], mallocs, s;
    const char  *why;

    check_step(c, "a round in which nothing fails");
    memset(used, 0, sizeof(used));
    mallocs = 0;
    why = check_round(c, NULL, used, &mallocs);
    check_ok(c, why == NULL, "all operations, one after another%s%s", why ? ": " : "",
             why ? why : "");
    if (why) {
        return;
    }

    for (s = 0; s < FAKEHOST_SERVICES; s++) {
        if (used[s] && s != FAKEHOST_ON_ALLOC) {
            check_service(c, s, used[s]);
        }
    }
    if (used[FAKEHOST_ON_ALLOC]) {
        check_allocations(c, used[FAKEHOST_ON_ALLOC]);
    }
    if (mallocs) {
        check_mallocs(c, mallocs);
    }
}
