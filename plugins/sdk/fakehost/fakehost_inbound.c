/*
 * fakehost_inbound.c - records receipts and inbound messages.
 */
#include "fakehost_impl.h"


static sms_str_t
fakehost_inbound_copy(sms_str_t s)
{
    return (sms_str_t) { s.len ? fakehost_copy(s.ptr, s.len) : NULL, s.len };
}


static const sms_kv_t *
fakehost_inbound_attrs(const sms_inbound_t *ev)
{
    sms_kv_t  *kv;
    uint32_t   i;

    kv = fakehost_grab((ev->nattrs + 1) * sizeof(sms_kv_t));
    for (i = 0; i < ev->nattrs; i++) {
        kv[i].name = fakehost_inbound_copy(ev->attrs[i].name);
        kv[i].value = fakehost_inbound_copy(ev->attrs[i].value);
    }

    return kv;
}


static void
fakehost_inbound_check(fakehost_t *fh, const sms_inbound_t *ev)
{
    if (ev->type == SMS_INBOUND_RECEIPT) {
        if (ev->operator_id.len == 0) {
            fakehost_fault(fh, "deliver() of a receipt without operator_id");
        }
        if (ev->state < SMS_RECEIPT_ENROUTE || ev->state > SMS_RECEIPT_REJECTED) {
            fakehost_fault(fh, "deliver() of a receipt with state %u", ev->state);
        }
        if (ev->reason > SMS_REASON_PORTED) {
            fakehost_fault(fh, "deliver() of a receipt with reason %u", ev->reason);
        }
        if (ev->reading > SMS_READINGS
            || (ev->reading && ev->readings[ev->reading - 1].len == 0))
        {
            fakehost_fault(fh, "deliver() of a receipt with reading %u", ev->reading);
        }

    } else if (ev->type == SMS_INBOUND_MESSAGE) {
        if (ev->to.len == 0 || ev->from.len == 0) {
            fakehost_fault(fh, "deliver() of a message without to or from");
        }

    } else {
        fakehost_fault(fh, "deliver() of type %u", ev->type);
    }

    if (ev->nattrs > SMS_ATTRS_MAX) {
        fakehost_fault(fh, "deliver() of %u attributes", ev->nattrs);
    }

    if (ev->at_us > fh->now_us) {
        fakehost_fault(fh, "deliver() of an event in the future");
    }
}


static sms_rc_t
fakehost_inbound_deliver(sms_host_t *h, const sms_inbound_t *evs, uint32_t stride,
    uint32_t n, void (*done)(void *d, sms_rc_t rc), void *d)
{
    fakehost_received_t  *r;
    sms_rc_t              rc, later;
    uint32_t              i, k;
    FAKEHOST_ENTER(h, "deliver()");

    if (n == 0 || stride == 0 || done == NULL) {
        fakehost_fault(fh, "deliver() of nothing, without stride or without done");
        rc = SMS_E_INVAL;
        goto leave;
    }
    if (fakehost_failing(fh, FAKEHOST_ON_DELIVER, &rc)) {
        goto leave;
    }

    r = NULL;
    if (!fakehost_failing(fh, FAKEHOST_ON_STORED, &later)) {
        later = SMS_OK;
    }
    for (i = 0; i < n; i++) {
        r = fakehost_grab(sizeof(*r));
        /* the plugin's struct may be shorter than ours */
        memcpy(&r->ev, (const char *) evs + (size_t) i * stride,
               stride < sizeof(r->ev) ? stride : sizeof(r->ev));
        fakehost_inbound_check(fh, &r->ev);
        r->ev.link = fh->host.link;
        r->ev.operator_id = fakehost_inbound_copy(r->ev.operator_id);
        r->ev.to = fakehost_inbound_copy(r->ev.to);
        r->ev.from = fakehost_inbound_copy(r->ev.from);
        r->ev.octets = fakehost_inbound_copy(r->ev.octets);
        r->ev.udh = fakehost_inbound_copy(r->ev.udh);
        for (k = 0; k < SMS_READINGS; k++) {
            r->ev.readings[k] = fakehost_inbound_copy(r->ev.readings[k]);
        }
        r->ev.nattrs = r->ev.nattrs > SMS_ATTRS_MAX ? SMS_ATTRS_MAX : r->ev.nattrs;
        r->ev.attrs = fakehost_inbound_attrs(&r->ev);
        r->stored = later == SMS_OK;
        fakehost_push(&fh->received, r);
    }
    fakehost_event_done(fh, done, d, later);
    rc = SMS_OK;

leave:

    FAKEHOST_LEAVE();
    return rc;
}


uint32_t
fakehost_inbound_count(fakehost_t *fh)
{
    return (uint32_t) fh->received.n;
}


const sms_inbound_t *
fakehost_inbound(fakehost_t *fh, uint32_t i)
{
    return i < fh->received.n ? &((fakehost_received_t *) fh->received.at[i])->ev : NULL;
}


int
fakehost_inbound_stored(fakehost_t *fh, uint32_t i)
{
    return i < fh->received.n ? ((fakehost_received_t *) fh->received.at[i])->stored : 0;
}


void
fakehost_inbound_table(fakehost_t *fh)
{
    fh->inbound.size = sizeof(sms_inbound_api_t);
    fh->inbound.deliver = fakehost_inbound_deliver;
}


void
fakehost_inbound_clear(fakehost_t *fh)
{
    fakehost_received_t  *r;
    size_t                i, k;

    for (i = 0; i < fh->received.n; i++) {
        r = fh->received.at[i];
        for (k = 0; k < SMS_READINGS; k++) {
            free((char *) (uintptr_t) r->ev.readings[k].ptr);
        }
        for (k = 0; k < r->ev.nattrs; k++) {
            free((char *) (uintptr_t) r->ev.attrs[k].name.ptr);
            free((char *) (uintptr_t) r->ev.attrs[k].value.ptr);
        }
        free((void *) (uintptr_t) r->ev.attrs);
        free((char *) (uintptr_t) r->ev.operator_id.ptr);
        free((char *) (uintptr_t) r->ev.to.ptr);
        free((char *) (uintptr_t) r->ev.from.ptr);
        free((char *) (uintptr_t) r->ev.octets.ptr);
        free((char *) (uintptr_t) r->ev.udh.ptr);
    }
    fakehost_list_free(&fh->received);
}
