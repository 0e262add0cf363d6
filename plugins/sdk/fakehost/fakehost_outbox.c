/*
 * fakehost_outbox.c - records what was put, and commits it a little later.
 */
#include "fakehost_impl.h"


static sms_rc_t
fakehost_outbox_put(sms_host_t *h, sms_str_t topic, sms_str_t key, sms_str_t payload,
    int64_t not_before_us, void (*done)(void *d, sms_rc_t rc), void *d)
{
    sms_rc_t  rc, later;
    FAKEHOST_ENTER(h, "put()");

    (void) not_before_us;
    if (topic.len == 0 || key.len == 0) {
        fakehost_fault(fh, "put() without topic or key");
        rc = SMS_E_INVAL;

    } else if (!fakehost_failing(fh, FAKEHOST_ON_PUT, &rc)) {
        fakehost_push(&fh->puts, fakehost_text("%.*s %.*s %.*s", (int) topic.len, topic.ptr,
                                               (int) key.len, key.ptr, (int) payload.len,
                                               payload.len ? payload.ptr : ""));
        if (!fakehost_failing(fh, FAKEHOST_ON_COMMIT, &later)) {
            later = SMS_OK;
        }
        fakehost_event_done(fh, done, d, later);
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


uint32_t
fakehost_outbox_count(fakehost_t *fh)
{
    return (uint32_t) fh->puts.n;
}


const char *
fakehost_outbox(fakehost_t *fh, uint32_t i)
{
    return i < fh->puts.n ? fh->puts.at[i] : NULL;
}


void
fakehost_outbox_table(fakehost_t *fh)
{
    fh->outbox.size = sizeof(sms_outbox_api_t);
    fh->outbox.put = fakehost_outbox_put;
}
