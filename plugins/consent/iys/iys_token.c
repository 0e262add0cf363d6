/*
 * iys_token.c - the OAuth token (RFC 6749 4.3 and 6), one for all workers.
 *
 * It lives in the shared dictionary and serves eleven twelfths of its life (110
 * minutes of two hours); then one worker asks for the next one, by the refresh
 * token and, where that is refused, by the password.  İYS answers H084 to whom
 * asks too often and starts its hour again at each further attempt, so that a
 * refused user stays silent over all workers.
 *
 * Neither the token nor the password appears in a log line.
 */
#include "iys.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IYS_TOKEN_BODY_MAX    (64 * 1024)
#define IYS_TOKEN_LIFE_MAX    86400     /* seconds that we believe             */
#define IYS_TOKEN_FAILURES    5         /* after which the pause grows no more */


static void iys_token_done(void *data, const sms_http_res_t *r);


static const sms_kv_t  iys_token_headers[] = {
    { SMS_STR("Content-Type"), SMS_STR("application/json") },
    { SMS_STR("Accept"), SMS_STR("application/json") }
};


static sms_str_t
iys_token_key(iys_t *iys, char *buf, size_t cap)
{
    sms_str_t  key;

    key.ptr = buf;
    key.len = (size_t) snprintf(buf, cap, "iys:token:%016" PRIx64,
                                iys->user_id);

    return key;
}


/* A token becomes part of a header line. */

static sms_rc_t
iys_token_copy(const char *s, size_t len, char *out)
{
    size_t  i;

    if (s == NULL || len == 0 || len > IYS_TOKEN_MAX) {
        return SMS_E_INVAL;
    }

    for (i = 0; i < len; i++) {
        if (s[i] < 0x21 || s[i] > 0x7e) {
            return SMS_E_INVAL;
        }
    }

    memcpy(out, s, len);
    out[len] = '\0';

    return SMS_OK;
}


static int64_t
iys_token_life(const json_t *root, const char *name)
{
    json_int_t     n;
    const json_t  *value;

    value = json_object_get(root, name);

    if (!json_is_integer(value)) {
        return 0;
    }

    n = json_integer_value(value);

    if (n <= 0) {
        return 0;
    }

    return (n > IYS_TOKEN_LIFE_MAX ? IYS_TOKEN_LIFE_MAX : n) * IYS_SECOND_US;
}


sms_rc_t
iys_token_read(sms_str_t body, int64_t now, iys_token_t *t)
{
    json_t        *root;
    int64_t        life;
    sms_rc_t       rc;
    const json_t  *access, *refresh;

    if (body.len == 0 || body.len > IYS_TOKEN_BODY_MAX) {
        return SMS_E_INVAL;
    }

    root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);

    if (root == NULL) {
        return SMS_E_INVAL;
    }

    rc = SMS_E_INVAL;

    access = json_object_get(root, "access_token");
    life = iys_token_life(root, "expires_in");

    if (life == 0
        || iys_token_copy(json_string_value(access),
                          json_string_length(access), t->access)
           != SMS_OK)
    {
        goto failed;
    }

    t->issued_us = now;
    t->access_until_us = now + life * 11 / 12;

    refresh = json_object_get(root, "refresh_token");
    life = iys_token_life(root, "refresh_expires_in");

    /* without one the password serves */

    t->refresh_until_us = 0;
    t->refresh[0] = '\0';

    if (life > 0
        && iys_token_copy(json_string_value(refresh),
                          json_string_length(refresh), t->refresh)
           == SMS_OK)
    {
        t->refresh_until_us = now + life * 11 / 12;
    }

    rc = SMS_OK;

failed:

    json_decref(root);

    return rc;
}


sms_rc_t
iys_token_pack(const iys_token_t *t, char *buf, size_t cap, size_t *len)
{
    int  n;

    n = snprintf(buf, cap, "%" PRId64 " %" PRId64 " %" PRId64 " %s %s",
                 t->issued_us, t->access_until_us, t->refresh_until_us,
                 t->access, t->refresh[0] == '\0' ? "-" : t->refresh);

    if (n < 0 || (size_t) n >= cap) {
        return SMS_E_INVAL;
    }

    *len = (size_t) n;

    return SMS_OK;
}


static sms_rc_t
iys_token_number(const char **p, const char *end, int64_t *value)
{
    int64_t  n;
    size_t   digits;

    n = 0;

    for (digits = 0; *p < end && **p >= '0' && **p <= '9'; digits++, (*p)++) {
        if (digits == 18) {
            return SMS_E_INVAL;
        }

        n = n * 10 + (**p - '0');
    }

    if (digits == 0 || *p == end || **p != ' ') {
        return SMS_E_INVAL;
    }

    (*p)++;
    *value = n;

    return SMS_OK;
}


sms_rc_t
iys_token_unpack(sms_str_t packed, iys_token_t *t)
{
    const char  *p, *end, *space;

    p = packed.ptr;
    end = p + packed.len;

    if (iys_token_number(&p, end, &t->issued_us) != SMS_OK
        || iys_token_number(&p, end, &t->access_until_us) != SMS_OK
        || iys_token_number(&p, end, &t->refresh_until_us) != SMS_OK)
    {
        goto failed;
    }

    space = memchr(p, ' ', (size_t) (end - p));

    if (space == NULL
        || iys_token_copy(p, (size_t) (space - p), t->access) != SMS_OK
        || iys_token_copy(space + 1, (size_t) (end - space - 1), t->refresh)
           != SMS_OK)
    {
        goto failed;
    }

    return SMS_OK;

failed:

    t->issued_us = 0;
    t->access_until_us = 0;
    t->refresh_until_us = 0;

    return SMS_E_INVAL;
}


static void
iys_token_load(iys_t *iys)
{
    char          key[64];
    size_t        len;
    int64_t       issued, access_until, refresh_until;
    sms_str_t     packed;
    const char   *p, *end;
    iys_token_t  *t;

    t = &iys->token;

    if (iys->host->dict->get(iys->host, iys_token_key(iys, key, sizeof(key)),
                             t->packed, sizeof(t->packed), &len)
        != SMS_OK || len > sizeof(t->packed))
    {
        return;
    }

    packed.ptr = t->packed;
    packed.len = len;

    p = packed.ptr;
    end = p + len;

    if (iys_token_number(&p, end, &issued) != SMS_OK
        || iys_token_number(&p, end, &access_until) != SMS_OK
        || iys_token_number(&p, end, &refresh_until) != SMS_OK)
    {
        return;
    }

    /* what a full dictionary did not take is newer here than there; of one and
     * the same token the verdict that lets less through holds */

    if (issued < t->issued_us
        || (issued == t->issued_us && access_until >= t->access_until_us
            && refresh_until >= t->refresh_until_us))
    {
        return;
    }

    (void) iys_token_unpack(packed, t);
}


static void
iys_token_store(iys_t *iys, int64_t now)
{
    char          key[64];
    int64_t       until;
    sms_str_t     packed;
    iys_token_t  *t;

    t = &iys->token;

    until = t->access_until_us > t->refresh_until_us ? t->access_until_us
                                                     : t->refresh_until_us;

    /* a rejected token stays for a while as a mark: its number tells others
     * that theirs is the rejected one */

    if (until < now + 60 * IYS_SECOND_US) {
        until = now + 60 * IYS_SECOND_US;
    }

    packed.ptr = t->packed;

    if (iys_token_pack(t, t->packed, sizeof(t->packed), &packed.len)
        != SMS_OK
        || iys->host->dict->set(iys->host,
                                iys_token_key(iys, key, sizeof(key)), packed,
                                (uint32_t) ((until - now) / 1000))
           != SMS_OK)
    {
        iys_log(iys, SMS_LOG_WARN, "token not shared: dictionary "
                "full, each worker fetches its own");
    }
}


iys_token_state_t
iys_token_state(iys_t *iys, int64_t now, const char **code)
{
    if (iys->token.request != 0) {
        return IYS_TOKEN_FETCHING;
    }

    iys_token_load(iys);

    if (iys->token.issued_us != 0 && iys->token.access_until_us > now) {
        return IYS_TOKEN_READY;
    }

    if (iys_halt_get(iys, IYS_HALT_TOKEN, iys->user_id, now, NULL, code)) {
        return IYS_TOKEN_REFUSED;
    }

    return iys_budget_token_locked(iys, now) ? IYS_TOKEN_WAITING
                                             : IYS_TOKEN_NEEDED;
}


void
iys_token_reject(iys_t *iys, int64_t issued_us)
{
    iys_token_load(iys);

    if (iys->token.issued_us != issued_us) {
        return;
    }

    iys->token.access_until_us = 0;
    iys->token.refresh_until_us = 0;

    iys_token_store(iys, iys->host->core->now_us(iys->host));
}


static void
iys_token_halt(iys_t *iys, int64_t now, int64_t for_us, const char *code)
{
    iys_halt_set(iys, IYS_HALT_TOKEN, iys->user_id, now, now + for_us, code);

    iys_log(iys, SMS_LOG_ERROR, "no token: code=%s silent_s=%" PRId64,
            code, for_us / IYS_SECOND_US);
}


/* Unreachable: 2 s to a minute, the attempt cost nothing.  Answered: 5 s to a
 * quarter of an hour, because each attempt counts for İYS. */

static void
iys_token_failed(iys_t *iys, int64_t now, int answered, const char *code)
{
    int64_t       pause;
    iys_token_t  *t;

    t = &iys->token;

    pause = answered ? 5 * IYS_SECOND_US << 2 * t->failures
                     : 2 * IYS_SECOND_US << t->failures;

    if (t->failures < IYS_TOKEN_FAILURES) {
        t->failures++;
    }

    if (pause > (answered ? 900 : 60) * IYS_SECOND_US) {
        pause = (answered ? 900 : 60) * IYS_SECOND_US;
    }

    iys_count(iys, IYS_METRIC_FAILURE, 1);
    iys_token_halt(iys, now, pause, code);
}


static char *
iys_token_body(iys_t *iys, uint32_t by_refresh)
{
    char    *body;
    json_t  *root;

    if (by_refresh) {
        root = json_pack("{s:s, s:s}", "grant_type", "refresh_token",
                         "refresh_token", iys->token.refresh);
    } else {
        root = json_pack("{s:s, s:s%, s:s%}", "grant_type", "password",
                         "username", iys->username.ptr, iys->username.len,
                         "password", iys->password.ptr, iys->password.len);
    }

    if (root == NULL) {
        return NULL;
    }

    body = json_dumps(root, JSON_COMPACT);
    json_decref(root);

    return body;
}


static void
iys_token_body_free(iys_token_t *t)
{
    if (t->body != NULL) {
        memset(t->body, 0, t->body_len);
        free(t->body);
        t->body = NULL;
    }
}


void
iys_token_fetch(iys_t *iys, int64_t now)
{
    int             len;
    iys_token_t    *t;
    sms_http_req_t  q;

    t = &iys->token;

    if (!iys_budget_token_lock(iys, now)) {
        return;
    }

    if (!iys_budget_token(iys, now)) {
        iys_budget_token_unlock(iys);
        iys_count(iys, IYS_METRIC_ALARM, 1);
        iys_token_halt(iys, now, IYS_HOUR_US - now % IYS_HOUR_US,
                       "token_budget");
        return;
    }

    t->by_refresh = t->issued_us != 0 && t->refresh_until_us > now;
    t->body = iys_token_body(iys, t->by_refresh);

    len = snprintf(t->url, sizeof(t->url), "%.*s/oauth2/token",
                   (int) iys->base_url.len, iys->base_url.ptr);

    if (t->body == NULL || len < 0 || (size_t) len >= sizeof(t->url)) {
        goto failed;
    }

    t->body_len = strlen(t->body);

    memset(&q, 0, sizeof(q));
    q.size = sizeof(q);
    q.method = (sms_str_t) SMS_STR("POST");
    q.url.ptr = t->url;
    q.url.len = (size_t) len;
    q.body.ptr = t->body;
    q.body.len = t->body_len;
    q.headers = iys_token_headers;
    q.nheaders = 2;
    q.timeout_ms = iys->timeout_ms;
    q.tls = iys->tls_used;

    t->request = iys->host->http->request(iys->host, &q, iys_token_done, iys);

    if (t->request == 0) {
        goto failed;
    }

    iys_count(iys, IYS_METRIC_REQUEST, 1);
    iys_count(iys, IYS_METRIC_TOKEN, 1);

    return;

failed:

    iys_token_body_free(t);
    iys_budget_token_unlock(iys);
    iys_budget_token_return(iys, now);
    iys_token_failed(iys, now, 0, "token_failed");
}


static void
iys_token_refused(iys_t *iys, int64_t now, const sms_http_res_t *r)
{
    iys_token_t        *t;
    iys_faults_t        faults;
    const iys_error_t  *e;

    t = &iys->token;

    (void) iys_error_read(r->body, &faults);
    e = iys_error_judge(r->status, &faults);

    if (r->status == 429) {
        iys_count(iys, IYS_METRIC_THROTTLED, 1);

    } else if (r->status >= 400 && r->status < 500) {
        iys_count(iys, IYS_METRIC_CLIENT_ERROR, 1);
    }

    /* H124 counts requests of any kind; every other 429 from here, also one
     * whose body cannot be read, may be H084 */

    if (e->klass == IYS_ERROR_SILENT
        || (r->status == 429 && strcmp(e->code, "http_429") == 0))
    {
        iys_count(iys, IYS_METRIC_ALARM, 1);
        iys_token_halt(iys, now, IYS_HOUR_US + 5 * IYS_SECOND_US, e->code);
        return;
    }

    if (r->status >= 400 && r->status < 500 && e->klass != IYS_ERROR_RETRY) {

        if (t->by_refresh) {
            t->refresh_until_us = 0;
            iys_token_store(iys, now);
            return;
        }

        iys_count(iys, IYS_METRIC_ALARM, 1);
        iys_token_halt(iys, now, IYS_STOP_US, "bad_credentials");
        return;
    }

    /* the second was full: those who wait go on waiting */

    if (r->status == 429 && t->failures == 0) {
        t->failures++;
        iys_halt_set(iys, IYS_HALT_PAUSE, iys->far_id, now,
                     now + IYS_SECOND_US + IYS_SECOND_US / 20, e->code);
        return;
    }

    iys_token_failed(iys, now, 1, e->code);
}


static void
iys_token_done(void *data, const sms_http_res_t *r)
{
    iys_t        *iys;
    int64_t       now;
    iys_token_t  *t;

    iys = data;
    t = &iys->token;
    now = iys->host->core->now_us(iys->host);

    t->request = 0;
    iys_token_body_free(t);
    iys_budget_token_unlock(iys);

    if (r->rc != SMS_OK) {

        /* what timed out may have been counted */

        if (r->rc != SMS_E_TIMEOUT) {
            iys_budget_token_return(iys, now);
        }

        iys_token_failed(iys, now, r->rc == SMS_E_TIMEOUT, "token_failed");

    } else if (r->status != 200) {
        iys_token_refused(iys, now, r);

    } else if (iys_token_read(r->body, now, t) != SMS_OK) {
        t->issued_us = 0;
        iys_token_failed(iys, now, 1, "token_malformed");

    } else {
        t->failures = 0;
        iys_token_store(iys, now);
        iys_log(iys, SMS_LOG_INFO, "token: by=%s serves_s=%" PRId64,
                t->by_refresh ? "refresh" : "password",
                (t->access_until_us - now) / IYS_SECOND_US);
    }

    iys_pump(iys);
    iys_call_flush(iys);
}


void
iys_token_free(iys_t *iys)
{
    if (iys->token.request != 0) {
        iys->host->http->abort(iys->host, iys->token.request);
        iys->token.request = 0;
        iys_budget_token_unlock(iys);
    }

    iys_token_body_free(&iys->token);
}
