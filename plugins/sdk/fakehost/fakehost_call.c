/*
 * fakehost_call.c - operations, call tokens and the memory of a call.
 *
 * A token is a slot and its generation; the generation moves on when the call
 * ends, so whatever a plugin kept is refused.
 */
#include "fakehost_impl.h"

typedef struct {
    const char  *name;
    uint32_t     kind;
    size_t       offset;                /* of the function in sms_ops_t           */
} fakehost_opinfo_t;

#define FAKEHOST_OP(member, kind)  { #member, 1u << (kind), offsetof(sms_ops_t, member) }

static const fakehost_opinfo_t  fakehost_ops[FAKEHOST_OPS] = {
    FAKEHOST_OP(rule_evaluate, SMS_KIND_RULE),
    FAKEHOST_OP(consent_lookup, SMS_KIND_CONSENT),
    FAKEHOST_OP(billing_quote, SMS_KIND_BILLING),
    FAKEHOST_OP(billing_hold, SMS_KIND_BILLING),
    FAKEHOST_OP(billing_settle, SMS_KIND_BILLING),
    FAKEHOST_OP(billing_release, SMS_KIND_BILLING),
    FAKEHOST_OP(router_choose, SMS_KIND_ROUTER),
    FAKEHOST_OP(operator_submit, SMS_KIND_OPERATOR),
    FAKEHOST_OP(auth_check, SMS_KIND_AUTH),
    FAKEHOST_OP(notifier_send, SMS_KIND_NOTIFIER),
    FAKEHOST_OP(lookup_network, SMS_KIND_LOOKUP),
    { "http_in", 0, offsetof(sms_ops_t, http_in) },
    FAKEHOST_OP(operator_query, SMS_KIND_OPERATOR),
    FAKEHOST_OP(operator_cancel, SMS_KIND_OPERATOR)
};


const char *
fakehost_op_name(fakehost_op_t op)
{
    return fakehost_ops[op].name;
}


uint32_t
fakehost_op_kind(fakehost_op_t op)
{
    return fakehost_ops[op].kind;
}


static sms_run_pt
fakehost_op_function(const sms_ops_t *ops, fakehost_op_t op)
{
    sms_run_pt  run;
    size_t      at;

    at = fakehost_ops[op].offset;
    if (ops->size < at + sizeof(run)) {
        return NULL;
    }
    memcpy(&run, (const char *) ops + at, sizeof(run));

    return run;
}


int
fakehost_op_offered(const sms_ops_t *ops, fakehost_op_t op)
{
    return fakehost_op_function(ops, op) != NULL;
}


static fakehost_slot_t *
fakehost_slot(fakehost_t *fh, sms_call_t call)
{
    fakehost_slot_t  *s;

    if ((uint32_t) call >= FAKEHOST_CALLS) {
        return NULL;
    }
    s = &fh->calls[(uint32_t) call];

    return (s->generation == (uint32_t) (call >> 32) && s->state != FAKEHOST_CALL_NONE)
           ? s : NULL;
}


sms_call_t
fakehost_call(fakehost_t *fh, fakehost_op_t op, sms_batch_t *batch)
{
    fakehost_slot_t  *s;
    fakehost_span_t   span;
    sms_run_pt        run;
    sms_call_t        call;
    sms_rc_t          rc;
    uint32_t          i;

    run = fh->started ? fakehost_op_function(fh->ops, op) : NULL;
    if (run == NULL) {
        return 0;
    }

    for (i = 0; i < FAKEHOST_CALLS && fh->calls[i].state != FAKEHOST_CALL_NONE; i++) {
        /* a free slot */
    }
    if (i == FAKEHOST_CALLS) {
        fputs("fakehost: too many open calls, use fakehost_call_end()\n", stderr);
        abort();
    }

    s = &fh->calls[i];
    s->generation++;
    s->op = op;
    s->state = FAKEHOST_CALL_OPEN;
    s->rc = SMS_PENDING;
    call = ((uint64_t) s->generation << 32) | i;

    /* it counts from the call, and who built the batch did not know the clock */
    if (batch->deadline_us == 0) {
        batch->deadline_us = fh->now_us + 5000000;
    }

    fakehost_begin(fh, &span, fakehost_ops[op].name);
    rc = run(fh->inst, call, batch);
    fakehost_finish(fh, &span);

    if (rc == SMS_PENDING) {
        return call;
    }

    if (s->state == FAKEHOST_CALL_COMPLETED) {
        fakehost_fault(fh, "%s completed its call and did not return SMS_PENDING",
                       fakehost_ops[op].name);
    }
    if (rc > SMS_PENDING || rc < SMS_E_INTERNAL) {
        fakehost_fault(fh, "%s returned %d, which is no sms_rc_t", fakehost_ops[op].name, rc);
    }
    s->state = FAKEHOST_CALL_RETURNED;
    s->rc = rc;

    return call;
}


fakehost_state_t
fakehost_call_state(fakehost_t *fh, sms_call_t call)
{
    const fakehost_slot_t  *s;

    s = fakehost_slot(fh, call);
    return s ? s->state : FAKEHOST_CALL_NONE;
}


sms_rc_t
fakehost_call_rc(fakehost_t *fh, sms_call_t call)
{
    const fakehost_slot_t  *s;

    s = fakehost_slot(fh, call);
    return s ? s->rc : SMS_E_STALE;
}


void
fakehost_cancel(fakehost_t *fh, sms_call_t call)
{
    fakehost_slot_t  *s;
    fakehost_span_t   span;

    s = fakehost_slot(fh, call);
    if (s == NULL || s->state != FAKEHOST_CALL_OPEN) {
        return;
    }

    /* first the state: a complete() from inside cancel() is already too late */
    s->state = FAKEHOST_CALL_CANCELLED;
    s->rc = SMS_E_TIMEOUT;
    if (!SMS_HAS(sms_ops_t, fh->ops, cancel)) {
        fakehost_fault(fh, "%s returned SMS_PENDING, but the plugin has no cancel()",
                       fakehost_ops[s->op].name);
        return;
    }

    fakehost_begin(fh, &span, "cancel");
    fh->ops->cancel(fh->inst, call);
    fakehost_finish(fh, &span);
}


static void
fakehost_slot_end(fakehost_slot_t *s)
{
    fakehost_block_t  *b;

    while ((b = s->blocks) != NULL) {
        s->blocks = b->next;
        memset(b + 1, FAKEHOST_CANARY, b->size);
        free(b);
    }
    s->state = FAKEHOST_CALL_NONE;
}


void
fakehost_call_end(fakehost_t *fh, sms_call_t call)
{
    fakehost_slot_t  *s;

    s = fakehost_slot(fh, call);
    if (s == NULL) {
        return;
    }
    if (s->state == FAKEHOST_CALL_OPEN) {
        fakehost_cancel(fh, call);
    }
    fakehost_slot_end(s);
}


void
fakehost_call_clear(fakehost_t *fh)
{
    uint32_t  i;

    for (i = 0; i < FAKEHOST_CALLS; i++) {
        fakehost_slot_end(&fh->calls[i]);
    }
}


static void *
fakehost_alloc(sms_host_t *h, sms_call_t call, size_t n)
{
    fakehost_slot_t   *s;
    fakehost_block_t  *b;
    sms_rc_t           rc;
    void              *p;
    FAKEHOST_ENTER(h, "alloc()");

    p = NULL;
    s = fakehost_slot(fh, call);
    if (s == NULL || s->state != FAKEHOST_CALL_OPEN) {
        fakehost_fault(fh, "alloc() for a call that has ended");

    } else if (!fakehost_failing(fh, FAKEHOST_ON_ALLOC, &rc)) {
        b = fakehost_grab(sizeof(*b) + n);
        b->size = n;
        b->next = s->blocks;
        s->blocks = b;
        /* the header promises no zeroes */
        p = memset(b + 1, FAKEHOST_CANARY, n);
    }

    FAKEHOST_LEAVE();
    return p;
}


static sms_rc_t
fakehost_complete(sms_host_t *h, sms_call_t call, sms_rc_t result)
{
    fakehost_slot_t  *s;
    sms_rc_t          rc;
    FAKEHOST_ENTER(h, "complete()");

    s = fakehost_slot(fh, call);
    if (s == NULL) {
        fakehost_fault(fh, "complete() of a call that has ended");
        rc = SMS_E_STALE;

    } else if (s->state == FAKEHOST_CALL_CANCELLED) {
        fakehost_fault(fh, "complete() of a cancelled call (%s)", fakehost_ops[s->op].name);
        rc = SMS_E_STALE;

    } else if (s->state != FAKEHOST_CALL_OPEN) {
        fakehost_fault(fh, "complete() a second time (%s)", fakehost_ops[s->op].name);
        rc = SMS_E_STALE;

    } else if (result > SMS_OK || result < SMS_E_INTERNAL) {
        fakehost_fault(fh, "complete() with rc %d", result);
        rc = SMS_E_INVAL;

    } else {
        s->state = FAKEHOST_CALL_COMPLETED;
        s->rc = result;
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


static void
fakehost_log(sms_host_t *h, sms_level_t level, const char *msg, size_t len)
{
    static const char *const  names[] = { "?", "error", "warn", "notice", "info", "debug" };

    char  *line;
    FAKEHOST_ENTER(h, "log()");

    if (level < SMS_LOG_ERROR || level > SMS_LOG_DEBUG) {
        fakehost_fault(fh, "log() with level %d", level);
        level = 0;
    }
    line = fakehost_text("%s: %.*s", names[level], (int) len, msg);
    fakehost_push(&fh->logs, line);
    if (fh->echo) {
        fprintf(stderr, "# %s\n", line);
    }

    FAKEHOST_LEAVE();
}


static int64_t
fakehost_now_us(sms_host_t *h)
{
    return ((fakehost_t *) h->impl)->now_us;
}


static int64_t
fakehost_mono_us(sms_host_t *h)
{
    return ((fakehost_t *) h->impl)->mono_us;
}


static void
fakehost_window_open(sms_host_t *h)
{
    FAKEHOST_ENTER(h, "window_open()");

    fh->windows++;
    FAKEHOST_LEAVE();
}


uint32_t
fakehost_window(fakehost_t *fh)
{
    fakehost_span_t  span;
    uint32_t         n;

    if (!fh->started || !SMS_HAS(sms_ops_t, fh->ops, operator_window)) {
        return 0;
    }
    fakehost_begin(fh, &span, "operator_window");
    n = fh->ops->operator_window(fh->inst);
    fakehost_finish(fh, &span);

    return n;
}


int
fakehost_ready(fakehost_t *fh)
{
    fakehost_span_t  span;
    int              ready;

    if (!fh->started || !SMS_HAS(sms_ops_t, fh->ops, ready)) {
        return 1;
    }
    fakehost_begin(fh, &span, "ready");
    ready = fh->ops->ready(fh->inst);
    fakehost_finish(fh, &span);

    return ready;
}


uint32_t
fakehost_window_opened(fakehost_t *fh)
{
    return fh->windows;
}


uint32_t
fakehost_log_count(fakehost_t *fh)
{
    return (uint32_t) fh->logs.n;
}


const char *
fakehost_log_line(fakehost_t *fh, uint32_t i)
{
    return i < fh->logs.n ? fh->logs.at[i] : NULL;
}


void
fakehost_log_echo(fakehost_t *fh, int on)
{
    fh->echo = on;
}


void
fakehost_core_table(fakehost_t *fh)
{
    fh->core.size = sizeof(sms_core_api_t);
    fh->core.log = fakehost_log;
    fh->core.now_us = fakehost_now_us;
    fh->core.mono_us = fakehost_mono_us;
    fh->core.alloc = fakehost_alloc;
    fh->core.complete = fakehost_complete;
    fh->core.window_open = fakehost_window_open;
}
