#include <stdio.h>
#include <string.h>

#include "http_status.h"


typedef struct {
    const char  *name;
    uint32_t     klass, value;
} http_word_t;

static const http_word_t  http_words[] = {
    { "sent",           HTTP_SENT,      SMS_REASON_NONE },
    { "retry",          HTTP_RETRY,     SMS_REASON_OTHER },
    { "throttled",      HTTP_THROTTLED, SMS_REASON_OTHER },
    { "down",           HTTP_DOWN,      SMS_REASON_OTHER },
    { "failover",       HTTP_FAILOVER,  SMS_REASON_OTHER },
    { "stop",           HTTP_STOP,      SMS_REASON_OTHER },
    { "unknown",        HTTP_UNKNOWN,   SMS_REASON_OTHER },
    { "invalid_number", HTTP_FINAL,     SMS_REASON_INVALID_NUMBER },
    { "sender",         HTTP_FINAL,     SMS_REASON_SENDER },
    { "content",        HTTP_FINAL,     SMS_REASON_CONTENT },
    { "consent",        HTTP_FINAL,     SMS_REASON_CONSENT },
    { "blacklist",      HTTP_FINAL,     SMS_REASON_BLACKLIST },
    { "sim_changed",    HTTP_FINAL,     SMS_REASON_SIM_CHANGED },
    { "expired",        HTTP_FINAL,     SMS_REASON_EXPIRED },
    { "ported",         HTTP_FINAL,     SMS_REASON_PORTED },
    { "other",          HTTP_FINAL,     SMS_REASON_OTHER },
    { NULL, 0, 0 }
};

static const http_word_t  http_states[] = {
    { "enroute",        0, SMS_RECEIPT_ENROUTE },
    { "delivered",      0, SMS_RECEIPT_DELIVERED },
    { "expired",        0, SMS_RECEIPT_EXPIRED },
    { "deleted",        0, SMS_RECEIPT_DELETED },
    { "undelivered",    0, SMS_RECEIPT_UNDELIVERED },
    { "accepted",       0, SMS_RECEIPT_ACCEPTED },
    { "unknown",        0, SMS_RECEIPT_UNKNOWN },
    { "rejected",       0, SMS_RECEIPT_REJECTED },
    { NULL, 0, 0 }
};


static const http_word_t *
http_word_find(const http_word_t *w, http_table_kind_t kind, const char *p,
    size_t n)
{
    for ( /* void */ ; w->name; w++) {
        if (kind == HTTP_TABLE_REASON && w->klass != HTTP_FINAL) {
            continue;
        }

        if (strlen(w->name) == n && memcmp(w->name, p, n) == 0) {
            return w;
        }
    }

    return NULL;
}


sms_rc_t
http_table_add(http_table_t *t, http_table_kind_t kind, sms_str_t item)
{
    size_t              n;
    sms_str_t           key;
    http_entry_t       *e;
    const http_word_t  *w;

    /* the last one: codes may have '=' in them, words have not */
    for (n = item.len; n > 0 && item.ptr[n - 1] != '='; n--) {
        /* void */
    }

    if (n < 2 || t->n == HTTP_ENTRIES_MAX) {
        return SMS_E_CONFIG;
    }

    w = http_word_find(kind == HTTP_TABLE_STATE ? http_states : http_words,
                       kind, item.ptr + n, item.len - n);
    key.ptr = item.ptr;
    key.len = n - 1;

    if (w == NULL || http_table_find(t, key) != NULL) {
        return SMS_E_CONFIG;
    }

    e = &t->entries[t->n++];
    e->key = key;
    e->klass = w->klass;
    e->value = w->value;

    return SMS_OK;
}


const http_entry_t *
http_table_find(const http_table_t *t, sms_str_t key)
{
    uint32_t             i;
    const http_entry_t  *e;

    for (i = 0; i < t->n; i++) {
        e = &t->entries[i];

        if (e->key.len == key.len && key.len
            && memcmp(e->key.ptr, key.ptr, key.len) == 0)
        {
            return e;
        }
    }

    return NULL;
}


int
http_status_key(sms_str_t key)
{
    return key.len == 3 && key.ptr[0] >= '1' && key.ptr[0] <= '5'
           && ((key.ptr[1] == 'x' && key.ptr[2] == 'x')
               || (key.ptr[1] >= '0' && key.ptr[1] <= '9'
                   && key.ptr[2] >= '0' && key.ptr[2] <= '9'));
}


http_verdict_t
http_status_judge(const http_table_t *t, uint32_t status)
{
    char                 text[12];
    sms_str_t            key;
    http_verdict_t       v;
    const http_entry_t  *e;

    key.ptr = text;
    key.len = (size_t) snprintf(text, sizeof(text), "%03u", (unsigned) status);
    e = http_table_find(t, key);

    if (e == NULL && key.len == 3) {
        text[1] = 'x';
        text[2] = 'x';
        e = http_table_find(t, key);
    }

    if (e) {
        v.klass = (http_class_t) e->klass;
        v.reason = (sms_reason_t) e->value;
        return v;
    }

    v.reason = SMS_REASON_OTHER;

    switch (status) {

    case 401:                           /* who we are, what we owe, where we ask:  */
    case 402:                           /* no message can pass                     */
    case 403:
    case 404:
    case 405:
    case 407:
    case 410:
    case 501:
        v.klass = HTTP_STOP;
        break;

    case 429:
        v.klass = HTTP_THROTTLED;
        break;

    case 408:
    case 409:
    case 425:
        v.klass = HTTP_RETRY;
        break;

    case 503:
        v.klass = HTTP_DOWN;
        break;

    case 502:                           /* a gateway speaks: what stands behind it */
    case 504:                           /* may have done its work                  */
        v.klass = HTTP_UNKNOWN;
        break;

    default:
        v.klass = status < 200 || status > 599 ? HTTP_UNKNOWN
                  : status < 300 ? HTTP_SENT
                  : status < 400 ? HTTP_STOP
                  : status < 500 ? HTTP_FINAL : HTTP_RETRY;

        if (v.klass == HTTP_SENT) {
            v.reason = SMS_REASON_NONE;
        }
    }

    return v;
}
