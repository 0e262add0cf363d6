/*
 * fakehost_dict.c - the shared dictionary: small values with a time to live.
 */
#include "fakehost_impl.h"


static fakehost_entry_t *
fakehost_dict_find(fakehost_t *fh, const char *key, size_t len)
{
    fakehost_entry_t  *e;
    size_t             i;

    for (i = 0; i < fh->entries.n; i++) {
        e = fh->entries.at[i];
        if (strlen(e->key) == len && memcmp(e->key, key, len) == 0) {
            if (e->until_us && e->until_us <= fh->now_us) {
                free(e->value);
                e->value = NULL;
            }
            return e;
        }
    }

    return NULL;
}


static void
fakehost_dict_put(fakehost_t *fh, sms_str_t key, const char *value, size_t len,
    uint32_t ttl_ms)
{
    fakehost_entry_t  *e;

    e = fakehost_dict_find(fh, key.ptr, key.len);
    if (e == NULL) {
        e = fakehost_grab(sizeof(*e));
        e->key = fakehost_copy(key.ptr, key.len);
        fakehost_push(&fh->entries, e);
    }
    free(e->value);
    e->value = fakehost_copy(value, len);
    e->len = len;
    e->until_us = ttl_ms ? fh->now_us + (int64_t) ttl_ms * 1000 : 0;
}


static sms_rc_t
fakehost_dict_api_get(sms_host_t *h, sms_str_t key, char *buf, size_t cap, size_t *len)
{
    const fakehost_entry_t  *e;
    sms_rc_t                 rc;
    FAKEHOST_ENTER(h, "get()");

    if (!fakehost_failing(fh, FAKEHOST_ON_GET, &rc)) {
        e = fakehost_dict_find(fh, key.ptr, key.len);
        if (e == NULL || e->value == NULL) {
            rc = SMS_E_STALE;
        } else {
            /* cut at "cap", but the length is the whole one */
            *len = e->len;
            memcpy(buf, e->value, e->len < cap ? e->len : cap);
            rc = SMS_OK;
        }
    }

    FAKEHOST_LEAVE();
    return rc;
}


static sms_rc_t
fakehost_dict_api_set(sms_host_t *h, sms_str_t key, sms_str_t value, uint32_t ttl_ms)
{
    sms_rc_t  rc;
    FAKEHOST_ENTER(h, "set()");

    if (key.len == 0 || key.len > FAKEHOST_KEY || value.len > FAKEHOST_VALUE) {
        rc = SMS_E_INVAL;

    } else if (!fakehost_failing(fh, FAKEHOST_ON_SET, &rc)) {
        fakehost_dict_put(fh, key, value.ptr, value.len, ttl_ms);
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


static sms_rc_t
fakehost_dict_api_incr(sms_host_t *h, sms_str_t key, int64_t by, uint32_t ttl_ms,
    int64_t *now)
{
    fakehost_entry_t  *e;
    int64_t            until;
    char              *text, *end;
    sms_rc_t           rc;
    FAKEHOST_ENTER(h, "incr()");

    if (!fakehost_failing(fh, FAKEHOST_ON_INCR, &rc)) {
        e = fakehost_dict_find(fh, key.ptr, key.len);
        end = NULL;
        *now = by + (e && e->value ? strtoll(e->value, &end, 10) : 0);
        if (end && (*end || end == e->value)) {
            rc = SMS_E_INVAL;
            goto leave;
        }
        /* the time to live begins with the first increment */
        until = e && e->value ? e->until_us : 0;
        text = fakehost_text("%lld", (long long) *now);
        fakehost_dict_put(fh, key, text, strlen(text), ttl_ms);
        free(text);
        if (until) {
            fakehost_dict_find(fh, key.ptr, key.len)->until_us = until;
        }
        rc = SMS_OK;
    }

leave:

    FAKEHOST_LEAVE();
    return rc;
}


const char *
fakehost_dict(fakehost_t *fh, const char *key)
{
    const fakehost_entry_t  *e;

    e = fakehost_dict_find(fh, key, strlen(key));
    return e ? e->value : NULL;
}


void
fakehost_dict_set(fakehost_t *fh, const char *key, const char *value)
{
    fakehost_dict_put(fh, (sms_str_t) { key, strlen(key) }, value, strlen(value), 0);
}


void
fakehost_dict_table(fakehost_t *fh)
{
    fh->dict.size = sizeof(sms_dict_api_t);
    fh->dict.get = fakehost_dict_api_get;
    fh->dict.set = fakehost_dict_api_set;
    fh->dict.incr = fakehost_dict_api_incr;
}


void
fakehost_dict_clear(fakehost_t *fh)
{
    fakehost_entry_t  *e;
    size_t             i;

    for (i = 0; i < fh->entries.n; i++) {
        e = fh->entries.at[i];
        free(e->key);
        free(e->value);
    }
    fakehost_list_free(&fh->entries);
}
