/*
 * fakehost_lease.c - leases: wanted, won, lost, and what is told of their binds.
 */
#include "fakehost_impl.h"


static fakehost_lease_t *
fakehost_lease_find(fakehost_t *fh, const char *name, size_t len)
{
    fakehost_lease_t  *l;
    size_t             i;

    for (i = 0; i < fh->leases.n; i++) {
        l = fh->leases.at[i];
        if (strlen(l->name) == len && memcmp(l->name, name, len) == 0) {
            return l;
        }
    }

    return NULL;
}


static void
fakehost_lease_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_lease_t  *l = ev->more;
    fakehost_span_t    span;

    if (!l->wanted || !fh->started || l->held == (int) ev->number) {
        return;
    }
    l->held = (int) ev->number;
    if (l->held) {
        l->epoch = ++fh->lease_epoch;
    }
    if (SMS_HAS(sms_ops_t, fh->ops, lease)) {
        fakehost_begin(fh, &span, "lease");
        fh->ops->lease(fh->inst, (sms_str_t) { l->name, strlen(l->name) }, l->held, l->epoch);
        fakehost_finish(fh, &span);
    }
}


static void
fakehost_lease_change(fakehost_t *fh, fakehost_lease_t *l, int held)
{
    fakehost_event_t  *ev;

    ev = fakehost_event(fh, FAKEHOST_EV_LEASE, 0, fakehost_lease_fire);
    ev->more = l;
    ev->number = (uint64_t) held;
}


static sms_rc_t
fakehost_lease_want(sms_host_t *h, sms_str_t name)
{
    fakehost_lease_t  *l;
    sms_rc_t           rc;
    FAKEHOST_ENTER(h, "lease_want()");

    l = fakehost_lease_find(fh, name.ptr, name.len);
    if (name.len == 0 || name.len > 63) {
        fakehost_fault(fh, "lease_want() of a name of %zu bytes", name.len);
        rc = SMS_E_INVAL;

    } else if (l == NULL && fh->leases.n >= FAKEHOST_LEASES) {
        rc = SMS_E_BUSY;

    } else if (!fakehost_failing(fh, FAKEHOST_ON_LEASE_WANT, &rc)) {
        if (l == NULL) {
            l = fakehost_grab(sizeof(*l));
            l->name = fakehost_copy(name.ptr, name.len);
            fakehost_push(&fh->leases, l);
        }
        if (!l->wanted) {
            l->wanted = 1;
            if (!fh->lease_manual) {
                fakehost_lease_change(fh, l, 1);
            }
        }
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


static void
fakehost_lease_drop(sms_host_t *h, sms_str_t name)
{
    fakehost_lease_t  *l;
    FAKEHOST_ENTER(h, "lease_drop()");

    l = fakehost_lease_find(fh, name.ptr, name.len);
    if (l) {
        l->wanted = 0;
        l->held = 0;
    }
    FAKEHOST_LEAVE();
}


static int
fakehost_lease_valid(sms_host_t *h, sms_str_t name)
{
    const fakehost_lease_t  *l;
    int                      held;
    FAKEHOST_ENTER(h, "lease_valid()");

    l = fakehost_lease_find(fh, name.ptr, name.len);
    held = l && l->held && !l->lapsed;
    FAKEHOST_LEAVE();

    return held;
}


static void
fakehost_bind_told(sms_host_t *h, sms_str_t name, const sms_bind_t *bind)
{
    fakehost_lease_t  *l;
    FAKEHOST_ENTER(h, "bind_told()");

    l = fakehost_lease_find(fh, name.ptr, name.len);
    if (bind == NULL || bind->size < offsetof(sms_bind_t, error) + sizeof(bind->error)
        || bind->state > SMS_BIND_RESTING)
    {
        fakehost_fault(fh, "bind_told() of a state that there is not");

    } else if (l == NULL) {
        fakehost_fault(fh, "bind_told() of a lease that was never wanted");

    } else if (bind->error.len && bind->error.ptr == NULL) {
        fakehost_fault(fh, "bind_told() with an error of %zu bytes at NULL", bind->error.len);

    } else if (bind->state == SMS_BIND_WAITING && bind->retry_us <= fh->now_us) {
        fakehost_fault(fh, "bind_told() waiting for a time that has passed");

    } else if (bind->since_us > fh->now_us) {
        fakehost_fault(fh, "bind_told() since a time that has not come");

    } else {
        l->told++;
        l->bind = *bind;
        snprintf(l->error, sizeof(l->error), "%.*s", (int) bind->error.len,
                 bind->error.len ? bind->error.ptr : "");
        l->bind.error = (sms_str_t) { l->error, strlen(l->error) };
    }
    FAKEHOST_LEAVE();
}


const sms_bind_t *
fakehost_bind(fakehost_t *fh, const char *name)
{
    fakehost_lease_t  *l;

    l = fakehost_lease_find(fh, name, strlen(name));
    return l && l->told ? &l->bind : NULL;
}


void
fakehost_lease_lapse(fakehost_t *fh, const char *name, int on)
{
    fakehost_lease_t  *l;

    l = fakehost_lease_find(fh, name, strlen(name));
    if (l) {
        l->lapsed = on;
    }
}


void
fakehost_lease_manual(fakehost_t *fh, int on)
{
    fh->lease_manual = on;
}


void
fakehost_lease_give(fakehost_t *fh, const char *name)
{
    fakehost_lease_t  *l;

    l = fakehost_lease_find(fh, name, strlen(name));
    if (l) {
        fakehost_lease_change(fh, l, 1);
    }
}


void
fakehost_lease_take(fakehost_t *fh, const char *name)
{
    fakehost_lease_t  *l;

    l = fakehost_lease_find(fh, name, strlen(name));
    if (l) {
        fakehost_lease_change(fh, l, 0);
    }
}


int
fakehost_lease_wanted(fakehost_t *fh, const char *name)
{
    const fakehost_lease_t  *l;

    l = fakehost_lease_find(fh, name, strlen(name));
    return l && l->wanted;
}


uint32_t
fakehost_lease_count(fakehost_t *fh)
{
    return (uint32_t) fh->leases.n;
}


const char *
fakehost_lease_name(fakehost_t *fh, uint32_t i)
{
    return i < fh->leases.n ? ((fakehost_lease_t *) fh->leases.at[i])->name : NULL;
}


void
fakehost_lease_table(fakehost_t *fh)
{
    fh->core.lease_want = fakehost_lease_want;
    fh->core.lease_drop = fakehost_lease_drop;
    fh->core.lease_valid = fakehost_lease_valid;
    fh->core.bind_told = fakehost_bind_told;
}


void
fakehost_lease_clear(fakehost_t *fh)
{
    size_t  i;

    for (i = 0; i < fh->leases.n; i++) {
        free(((fakehost_lease_t *) fh->leases.at[i])->name);
    }
    fakehost_list_free(&fh->leases);
}
