/*
 * sim_receipt.c - queue and delivery of receipts.
 */
#include "sim_receipt.h"

#include <stdlib.h>
#include <string.h>


void
sim_receipts_init(sim_receipts_t *q, sms_host_t *h, uint32_t delay_ms)
{
    memset(q, 0, sizeof(*q));
    q->host = h;
    q->last = &q->first;
    q->delay_ms = delay_ms;
}


static uint32_t
sim_receipt_copy(char *to, size_t cap, sms_str_t s)
{
    size_t  n;

    n = s.len < cap ? s.len : cap;
    if (n) {
        memcpy(to, s.ptr, n);
    }

    return (uint32_t) n;
}


sms_rc_t
sim_receipt_add(sim_receipts_t *q, sms_str_t id, const sms_msg_t *msg, uint32_t state,
    uint32_t operator_code)
{
    sim_receipt_t  *r;

    if (q->host->inbound == NULL) {
        return SMS_OK;
    }
    r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return SMS_E_NOMEM;
    }

    r->due_us = q->host->core->now_us(q->host) + (int64_t) q->delay_ms * 1000;
    r->state = state;
    r->operator_code = operator_code;
    r->id_len = sim_receipt_copy(r->id, sizeof(r->id), id);
    /* a receipt travels the other way */
    r->from_len = sim_receipt_copy(r->from, sizeof(r->from), msg->to);
    r->to_len = sim_receipt_copy(r->to, sizeof(r->to), msg->from);
    *q->last = r;
    q->last = &r->next;

    return SMS_OK;
}


int
sim_receipt_waits(const sim_receipts_t *q, sms_str_t id)
{
    const sim_receipt_t  *r;

    for (r = q->first; r; r = r->next) {
        if (r->id_len == id.len && memcmp(r->id, id.ptr, id.len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
sim_receipts_timer(void *data)
{
    sim_receipts_t  *q = data;

    q->timer = 0;
    sim_receipts_push(q);
}


static void
sim_receipts_arm(sim_receipts_t *q, int64_t wait_ms)
{
    if (q->timer || q->first == NULL) {
        return;
    }
    /* while draining the worker has to wait for us; before that it need not, since
     * drain() comes first and shortens everything */
    q->timer = q->host->loop->timer(q->host, wait_ms > 0 ? (uint32_t) wait_ms : 0,
                                    (uint32_t) q->hurry, sim_receipts_timer, q);
}


static void
sim_receipts_back_off(sim_receipts_t *q)
{
    q->wait_ms = q->wait_ms ? q->wait_ms * 2 : SIM_RETRY_MS;
    if (q->wait_ms > SIM_RETRY_TOP) {
        q->wait_ms = SIM_RETRY_TOP;
    }
    sim_receipts_arm(q, q->wait_ms);
}


static void
sim_receipts_done(void *data, sms_rc_t rc)
{
    sim_receipts_t  *q = data;
    sim_receipt_t   *r;

    if (rc != SMS_OK) {
        q->busy = 0;
        sim_receipts_back_off(q);
        return;
    }

    q->wait_ms = 0;
    for ( ; q->busy; q->busy--) {
        r = q->first;
        q->first = r->next;
        free(r);
    }
    if (q->first == NULL) {
        q->last = &q->first;
    }
    sim_receipts_push(q);
}


static void
sim_receipt_event(sms_inbound_t *ev, const sim_receipt_t *r, int64_t now)
{
    memset(ev, 0, sizeof(*ev));
    ev->type = SMS_INBOUND_RECEIPT;
    ev->operator_id = (sms_str_t) { r->id, r->id_len };
    ev->to = (sms_str_t) { r->to, r->to_len };
    ev->from = (sms_str_t) { r->from, r->from_len };
    ev->state = r->state;
    ev->operator_code = r->operator_code;
    ev->reason = r->reason;
    ev->at_us = r->due_us < now ? r->due_us : now;
}


void
sim_receipts_push(sim_receipts_t *q)
{
    sms_inbound_t   evs[SIM_BATCH];
    sim_receipt_t  *r;
    int64_t         now;
    uint32_t        n;

    if (q->busy || q->timer || q->first == NULL) {
        return;
    }

    now = q->host->core->now_us(q->host);
    n = 0;
    for (r = q->first; r && n < SIM_BATCH && (q->hurry || r->due_us <= now); r = r->next) {
        sim_receipt_event(&evs[n++], r, now);
    }
    if (n == 0) {
        sim_receipts_arm(q, (q->first->due_us - now + 999) / 1000);
        return;
    }

    q->busy = n;
    if (q->host->inbound->deliver(q->host, evs, sizeof(sms_inbound_t), n, sim_receipts_done,
                                  q) != SMS_OK)
    {
        q->busy = 0;
        sim_receipts_back_off(q);
    }
}


void
sim_receipts_drain(sim_receipts_t *q)
{
    q->hurry = 1;
    q->wait_ms = 0;
    if (q->timer) {
        q->host->loop->stop(q->host, q->timer);
        q->timer = 0;
    }
    sim_receipts_push(q);
}


void
sim_receipts_free(sim_receipts_t *q)
{
    sim_receipt_t  *r;

    if (q->timer) {
        q->host->loop->stop(q->host, q->timer);
        q->timer = 0;
    }
    while ((r = q->first) != NULL) {
        q->first = r->next;
        free(r);
    }
    q->last = &q->first;
    q->busy = 0;
}
