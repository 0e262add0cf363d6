/*
 * simulator.c - an operator inside the process, for demos, tests and sandbox keys.
 *
 * It behaves like a real link where that matters to the host: it competes for
 * one lease a bind, so that one worker of the fleet submits at a time and a lost
 * lease stops it; it has a window; it answers parts late, out of the call; its
 * receipts come later still, and again until they are stored.
 *
 * A worker that is told to go delivers all receipts at once; one that is killed
 * takes them along, and the host ends those messages by their validity.
 */
#include "sms_plugin.h"
#include "sim_number.h"
#include "sim_receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIM_BINDS    64
#define SIM_TELL_US  1000000

typedef struct sim_call_s {
    struct sim_call_s  *next;
    sms_call_t          call;
    const sms_batch_t  *batch;          /* lives until the call ends              */
    int64_t             due_us;
    uint32_t            taken;          /* of its parts; the others had no window */
} sim_call_t;

typedef struct {
    sms_host_t       *host;
    sim_numbers_t     numbers;
    sim_receipts_t    receipts;
    sim_call_t       *calls, **last;
    sms_handle_t      timer;
    uint32_t          delay_ms, window, binds, in_flight;
    uint8_t           held[SIM_BINDS];
    int64_t           since_us[SIM_BINDS], told_us;
    char              prefix[44];       /* of operator ids                        */
    uint64_t          next_id;
} sim_t;

static const sms_conf_key_t  sim_keys[] = {
    { .name = "delay", .type = SMS_CONF_MSEC, .def = "0ms", .min = 0, .max = 60000,
      .doc = "Time from submit to answer; 0 answers within the call." },
    { .name = "receipt_delay", .type = SMS_CONF_MSEC, .def = "1s", .min = 0, .max = 86400000,
      .doc = "Time from the answer to the delivery receipt." },
    { .name = "fail", .type = SMS_CONF_INT, .def = "0", .min = 0, .max = 100,
      .doc = "Percentage of numbers that turn out undeliverable, always the same ones." },
    { .name = "window", .type = SMS_CONF_INT, .def = "100", .min = 1, .max = 10000,
      .doc = "Parts that may be unanswered on one bind." },
    { .name = "binds", .type = SMS_CONF_INT, .def = "1", .min = 1, .max = SIM_BINDS,
      .doc = "Binds, each with a lease of its own." },
    { .name = "undeliverable", .type = SMS_CONF_LIST, .def = "0001",
      .doc = "Numbers that end so are sent and come back as undelivered." },
    { .name = "expired", .type = SMS_CONF_LIST, .def = "0002",
      .doc = "Numbers that end so are sent and come back as expired." },
    { .name = "rejected", .type = SMS_CONF_LIST, .def = "0003",
      .doc = "Numbers that end so are refused at submit." },
    { .name = "throttled", .type = SMS_CONF_LIST, .def = "0004",
      .doc = "Numbers that end so are throttled on the first two attempts." },
    { .name = "unanswered", .type = SMS_CONF_LIST, .def = "0005",
      .doc = "Numbers that end so are taken without an answer; a receipt still comes." },
    { .name = "no_receipt", .type = SMS_CONF_LIST, .def = "0006",
      .doc = "Numbers that end so are sent and never heard of again." },
    { .name = NULL }
};


static sms_rc_t
sim_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    return sim_numbers_check(conf, err, errcap);
}


static uint32_t
sim_held(const sim_t *sim)
{
    uint32_t  i, n;

    n = 0;
    for (i = 0; i < sim->binds; i++) {
        n += sim->held[i];
    }

    return n;
}


/* parts that may be in flight, by what it holds now */
static uint32_t
sim_room(const sim_t *sim)
{
    uint32_t  most;

    most = sim->window * sim_held(sim);
    return most > sim->in_flight ? most - sim->in_flight : 0;
}


/* what the binds are at; what is in flight is no one bind's here, so it is shared */
static void
sim_tell(sim_t *sim)
{
    char        name[4];
    uint32_t    i, held, nth;
    sms_bind_t  bind;
    int         n;

    sim->told_us = sim->host->core->mono_us(sim->host);
    held = sim_held(sim);
    nth = 0;
    for (i = 0; i < sim->binds; i++) {
        if (!sim->held[i]) {
            continue;
        }
        n = snprintf(name, sizeof(name), "%u", i + 1);
        memset(&bind, 0, sizeof(bind));
        bind.size = sizeof(bind);
        bind.state = SMS_BIND_BOUND;
        bind.window = sim->window;
        bind.inflight = sim->in_flight / held + (nth++ < sim->in_flight % held);
        bind.since_us = sim->since_us[i];
        sim->host->core->bind_told(sim->host, (sms_str_t) { name, (size_t) n }, &bind);
    }
}


static void
sim_tell_soon(sim_t *sim)
{
    if (sim->host->core->mono_us(sim->host) - sim->told_us >= SIM_TELL_US) {
        sim_tell(sim);
    }
}


/* a real adapter asks before each write to the socket, for the same reason: another
 * node may already have taken over */
static int
sim_may_submit(const sim_t *sim)
{
    char      name[4];
    uint32_t  i;
    int       n;

    for (i = 0; i < sim->binds; i++) {
        n = snprintf(name, sizeof(name), "%u", i + 1);
        if (sim->held[i]
            && sim->host->core->lease_valid(sim->host, (sms_str_t) { name, (size_t) n }))
        {
            return 1;
        }
    }

    return 0;
}


static void
sim_answer_part(sim_t *sim, sms_call_t call, const sms_part_t *part, sms_submit_t *r)
{
    sim_fate_t  fate;
    char       *id;
    int         n;

    fate = sim_number_fate(&sim->numbers, part->msg->to, part->msg->attempt);
    r->status = SMS_OK;
    r->outcome = fate.outcome;
    r->reason = fate.reason;
    r->operator_code = fate.operator_code;
    r->retry_after_ms = fate.retry_after_ms;
    if (fate.outcome != SMS_SUBMIT_SENT && fate.receipt == 0) {
        return;
    }

    id = sim->host->core->alloc(sim->host, call, SIM_ID_MAX);
    if (id == NULL) {
        /* nothing was taken yet, so it may safely be tried again */
        memset(r, 0, sizeof(*r));
        r->status = SMS_E_NOMEM;
        return;
    }
    n = snprintf(id, SIM_ID_MAX, "%s%llx", sim->prefix, (unsigned long long) sim->next_id++);

    if (fate.receipt
        && sim_receipt_add(&sim->receipts, (sms_str_t) { id, (size_t) n }, part->msg,
                           fate.receipt, fate.receipt_code) != SMS_OK)
    {
        memset(r, 0, sizeof(*r));
        r->status = SMS_E_NOMEM;
        return;
    }
    if (fate.outcome == SMS_SUBMIT_SENT) {
        r->operator_id = (sms_str_t) { id, (size_t) n };
    }
}


static void
sim_answer(sim_t *sim, sms_call_t call, const sms_batch_t *batch, uint32_t taken)
{
    const sms_part_t  *part;
    sms_submit_t      *r;
    uint32_t           i;

    for (i = 0; i < batch->n; i++) {
        part = SMS_AT(const sms_part_t, batch->items, batch->item_stride, i);
        r = SMS_AT(sms_submit_t, batch->results, batch->result_stride, i);
        if (i < taken) {
            sim_answer_part(sim, call, part, r);
        } else {
            r->status = SMS_OK;
            r->outcome = SMS_SUBMIT_RETRY;
            r->retry_after_ms = 1000;
        }
    }
    sim_receipts_push(&sim->receipts);
}


static void  sim_calls_run(sim_t *sim, int all);


static void
sim_calls_timer(void *data)
{
    sim_t  *sim = data;

    sim->timer = 0;
    sim_calls_run(sim, 0);
}


/* answers what is due and waits for the rest; "all": also what is not due */
static void
sim_calls_run(sim_t *sim, int all)
{
    sim_call_t  *c;
    int64_t      now;
    int          freed;

    now = sim->host->core->now_us(sim->host);
    freed = 0;
    while ((c = sim->calls) != NULL && (all || c->due_us <= now)) {
        sim->calls = c->next;
        sim->in_flight -= c->taken;
        freed = 1;
        sim_answer(sim, c->call, c->batch, c->taken);
        (void) sim->host->core->complete(sim->host, c->call, SMS_OK);
        free(c);
    }
    if (sim->calls == NULL) {
        sim->last = &sim->calls;

    } else if (sim->timer == 0) {
        sim->timer = sim->host->loop->timer(sim->host,
                                            (uint32_t) ((sim->calls->due_us - now + 999) / 1000),
                                            1, sim_calls_timer, sim);
        if (sim->timer == 0) {
            /* too early is better than never */
            sim_calls_run(sim, 1);
        }
    }
    if (freed) {
        sim_tell_soon(sim);
        sim->host->core->window_open(sim->host);
    }
}


static sms_rc_t
sim_submit(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sim_t       *sim = inst;
    sim_call_t  *c;
    uint32_t     taken;

    taken = sim_may_submit(sim) ? sim_room(sim) : 0;
    taken = taken < batch->n ? taken : batch->n;

    if (sim->delay_ms == 0 || taken == 0) {
        sim_answer(sim, call, batch, taken);
        return SMS_OK;
    }

    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return SMS_E_NOMEM;
    }
    c->call = call;
    c->batch = batch;
    c->taken = taken;
    c->due_us = sim->host->core->now_us(sim->host) + (int64_t) sim->delay_ms * 1000;
    *sim->last = c;
    sim->last = &c->next;
    sim->in_flight += taken;
    sim_calls_run(sim, 0);

    return SMS_PENDING;
}


static void
sim_cancel(void *inst, sms_call_t call)
{
    sim_t        *sim = inst;
    sim_call_t  **at, *c;

    for (at = &sim->calls; *at; at = &(*at)->next) {
        c = *at;
        if (c->call == call) {
            *at = c->next;
            sim->in_flight -= c->taken;
            free(c);
            break;
        }
    }
    for (sim->last = &sim->calls; *sim->last; sim->last = &(*sim->last)->next) {
        /* to the end */
    }
}


static uint32_t
sim_window(void *inst)
{
    sim_t  *sim = inst;

    /* asked often, so it also picks up what a failed timer left behind */
    sim_receipts_push(&sim->receipts);
    return sim_room(sim);
}


/* unanswered parts of a bind that is gone: nobody knows */
static void
sim_calls_lost(sim_t *sim)
{
    sim_call_t    *c;
    sms_submit_t  *r;
    uint32_t       i;

    if (sim->timer) {
        sim->host->loop->stop(sim->host, sim->timer);
        sim->timer = 0;
    }
    while ((c = sim->calls) != NULL) {
        sim->calls = c->next;
        for (i = 0; i < c->batch->n; i++) {
            r = SMS_AT(sms_submit_t, c->batch->results, c->batch->result_stride, i);
            r->status = SMS_OK;
            r->outcome = i < c->taken ? SMS_SUBMIT_UNKNOWN : SMS_SUBMIT_RETRY;
        }
        sim->in_flight -= c->taken;
        (void) sim->host->core->complete(sim->host, c->call, SMS_OK);
        free(c);
    }
    sim->last = &sim->calls;
}


static void
sim_lease(void *inst, sms_str_t name, int held, uint64_t epoch)
{
    sim_t     *sim = inst;
    uint32_t   i, n;

    (void) epoch;
    n = 0;
    for (i = 0; i < name.len; i++) {
        n = n * 10 + (uint32_t) (name.ptr[i] - '0');
    }
    if (n == 0 || n > sim->binds) {
        return;
    }

    sim->held[n - 1] = held != 0;
    if (held) {
        sim->since_us[n - 1] = sim->host->core->now_us(sim->host);
        sim_tell(sim);
        sim->host->core->window_open(sim->host);
    } else if (sim_held(sim) == 0) {
        sim_calls_lost(sim);
    }
}


static void
sim_drain(void *inst)
{
    char       name[4];
    sim_t     *sim = inst;
    uint32_t   i;
    int        n;

    /* there is no session to close: what is in flight is the host's to wait for */
    for (i = 0; i < sim->binds; i++) {
        n = snprintf(name, sizeof(name), "%u", i + 1);
        sim->host->core->lease_drop(sim->host, (sms_str_t) { name, (size_t) n });
        sim->held[i] = 0;
    }

    sim_receipts_drain(&sim->receipts);
}


static void
sim_exit(void *inst)
{
    sim_t       *sim = inst;
    sim_call_t  *c;

    if (sim->timer) {
        sim->host->loop->stop(sim->host, sim->timer);
    }
    while ((c = sim->calls) != NULL) {
        sim->calls = c->next;
        free(c);
    }
    sim_receipts_free(&sim->receipts);
    free(sim);
}


static sms_rc_t
sim_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    static uint32_t  instances;

    char      name[4];
    sim_t    *sim;
    uint32_t  i;
    sms_rc_t  rc;
    int       n;

    sim = calloc(1, sizeof(*sim));
    if (sim == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    sim->host = h;
    sim->last = &sim->calls;
    sim->delay_ms = (uint32_t) conf->num(conf, "delay");
    sim->window = (uint32_t) conf->num(conf, "window");
    sim->binds = (uint32_t) conf->num(conf, "binds");
    sim_numbers_init(&sim->numbers, conf, (uint32_t) conf->num(conf, "fail"));
    sim_receipts_init(&sim->receipts, h, (uint32_t) conf->num(conf, "receipt_delay"));
    /* no two alike, also after a restart; the time since boot tells nodes apart */
    snprintf(sim->prefix, sizeof(sim->prefix), "%llx-%x-%x-%x-",
             (unsigned long long) h->core->now_us(h), (unsigned) h->worker,
             (unsigned) (h->core->mono_us(h) & 0xffffff), ++instances);

    for (i = 0; i < sim->binds; i++) {
        n = snprintf(name, sizeof(name), "%u", i + 1);
        rc = h->core->lease_want(h, (sms_str_t) { name, (size_t) n });
        if (rc != SMS_OK) {
            snprintf(err, errcap, "lease %s cannot be asked for (%d)", name, (int) rc);
            goto failed;
        }
    }

    *inst = sim;
    return SMS_OK;

failed:

    while (i--) {
        n = snprintf(name, sizeof(name), "%u", i + 1);
        h->core->lease_drop(h, (sms_str_t) { name, (size_t) n });
    }
    free(sim);

    return rc;
}


static const sms_ops_t  sim_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = sim_keys,
    .check = sim_check,
    .init = sim_init,
    .lease = sim_lease,
    .drain = sim_drain,
    .exit = sim_exit,
    .cancel = sim_cancel,
    .operator_submit = sim_submit,
    .operator_window = sim_window
};

SMS_PLUGIN("simulator", "0.1.0", "BSD-2-Clause",
           "An operator inside the process, for demos, tests and sandbox keys",
           1u << SMS_KIND_OPERATOR, sim_ops);
