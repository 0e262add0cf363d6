#include "ngx_sms_recent.h"

#include "sms_hash.h"
#include "ngx_sms_dict.h"


#define NGX_SMS_RECENT_KEY    24            /* a mark, the span, 16 of a hash */
#define NGX_SMS_RECENT_CLEAR  256           /* hashed: account, names, number */


static void ngx_sms_recent_otp(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone);
static ngx_int_t ngx_sms_recent_otp_hash(ngx_sms_submission_t *sub,
    u_char hash[32]);
static void ngx_sms_recent_otp_key(const u_char hash[32], ngx_uint_t span,
    u_char *key, ngx_str_t *out);
static void ngx_sms_recent_repeats(ngx_sms_submission_t *sub,
    ngx_sms_zone_t *zone);
static ngx_int_t ngx_sms_recent_seen(ngx_sms_submission_t *sub,
    ngx_sms_zone_t *zone, ngx_str_t *key, ngx_msec_t ttl);
static ngx_int_t ngx_sms_recent_repeat_key(ngx_sms_submission_t *sub,
    ngx_sms_recipient_t *rcpt, const u_char text[32], u_char *key,
    ngx_str_t *out);
static void ngx_sms_recent_told(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    ngx_uint_t n, uint32_t seconds);


static const struct {
    ngx_msec_t   ttl;
    const char  *name;
} ngx_sms_recent_spans[NGX_SMS_OTP_SPANS] = {
    { 60 * 1000, "minute" },
    { 3600 * 1000, "hour" },
    { 86400 * 1000, "day" }
};


void
ngx_sms_recent_take(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone)
{
    if (sub->test || sub->problem != SMS_PROBLEM_NONE) {
        return;
    }

    if (sub->account->pace.repeats[sub->klass].seconds) {
        ngx_sms_recent_repeats(sub, zone);
    }

    if (sub->klass == SMS_CLASS_OTP && sub->problem == SMS_PROBLEM_NONE) {
        ngx_sms_recent_otp(sub, zone);
    }
}


void
ngx_sms_recent_give(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone,
    ngx_uint_t all)
{
    u_char                hash[32], buf[NGX_SMS_RECENT_KEY];
    int64_t               now;
    ngx_str_t             key;
    ngx_uint_t            i, body;
    ngx_sms_body_t       *bodies;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;
    bodies = sub->bodies.elts;

    if (all && sub->otp_noted && ngx_sms_recent_otp_hash(sub, hash) == NGX_OK) {

        for (i = 0; i < NGX_SMS_OTP_SPANS; i++) {

            if (sub->otp_noted & 1 << i) {
                ngx_sms_recent_otp_key(hash, i, buf, &key);
                (void) ngx_sms_dict_incr(zone, &key, -1,
                                         ngx_sms_recent_spans[i].ttl, &now);
            }
        }

        sub->otp_noted = 0;
    }

    body = (ngx_uint_t) -1;

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (!rcpt[i].noted || (!all && rcpt[i].problem == SMS_PROBLEM_NONE)) {
            continue;
        }

        rcpt[i].noted = 0;

        if (body != rcpt[i].body) {
            body = rcpt[i].body;

            if (sms_hash_sha256(bodies[body].text.data, bodies[body].text.len,
                                hash)
                != 0)
            {
                return;
            }
        }

        if (ngx_sms_recent_repeat_key(sub, &rcpt[i], hash, buf, &key) == NGX_OK)
        {
            (void) ngx_sms_dict_delete(zone, &key);
        }
    }
}


/* ---- ceilings of OTPs --------------------------------------------------- */

static void
ngx_sms_recent_otp(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone)
{
    u_char                hash[32], buf[NGX_SMS_RECENT_KEY],
                          number[NGX_INT64_LEN];
    size_t                len;
    int64_t               now;
    ngx_int_t             rc;
    ngx_str_t             key;
    ngx_uint_t            i;
    ngx_sms_recipient_t  *rcpt;

    /* an OTP has one */
    rcpt = sub->recipients.elts;

    if (ngx_sms_recent_otp_hash(sub, hash) != NGX_OK) {
        return;
    }

    for (i = 0; i < NGX_SMS_OTP_SPANS; i++) {

        if (sub->account->pace.otp[i] == 0) {
            continue;
        }

        ngx_sms_recent_otp_key(hash, i, buf, &key);

        if (sub->preview) {
            rc = ngx_sms_dict_get(zone, &key, number, sizeof(number), &len);
            now = rc == NGX_OK
                  ? ngx_atoi(number, ngx_min(len, sizeof(number))) + 1 : 1;

        } else {
            rc = ngx_sms_dict_incr(zone, &key, 1, ngx_sms_recent_spans[i].ttl,
                                   &now);

            if (rc == NGX_OK) {
                sub->otp_noted |= (1 << i) & 7;
            }
        }

        /* without an answer of the dictionary: as if nothing was known */
        if (rc != NGX_OK || now <= (int64_t) sub->account->pace.otp[i]) {
            continue;
        }

        ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_OTP_LIMIT,
                                  "at most %uD in a %s",
                                  sub->account->pace.otp[i],
                                  ngx_sms_recent_spans[i].name);
        ngx_sms_recent_give(sub, zone, 1);
        ngx_sms_submission_sum(sub);
        return;
    }
}


static ngx_int_t
ngx_sms_recent_otp_hash(ngx_sms_submission_t *sub, u_char hash[32])
{
    u_char               *p, clear[NGX_SMS_RECENT_CLEAR];
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;
    p = ngx_slprintf(clear, clear + sizeof(clear), "%L/%L", sub->account->id,
                     rcpt->to);

    return sms_hash_sha256(clear, (size_t) (p - clear), hash) == 0
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_sms_recent_otp_key(const u_char hash[32], ngx_uint_t span, u_char *key,
    ngx_str_t *out)
{
    u_char  *p;

    p = ngx_sprintf(key, "otp/%ui/", span);
    out->data = key;
    out->len = (size_t) (ngx_cpymem(p, hash, 16) - key);
}


/* ---- repeated texts ----------------------------------------------------- */

static void
ngx_sms_recent_repeats(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone)
{
    u_char                hash[32], buf[NGX_SMS_RECENT_KEY];
    ngx_str_t             key;
    ngx_uint_t            i, n, body;
    ngx_sms_body_t       *bodies;
    ngx_sms_repeat_t     *repeat;
    ngx_sms_recipient_t  *rcpt;

    repeat = &sub->account->pace.repeats[sub->klass];
    bodies = sub->bodies.elts;
    rcpt = sub->recipients.elts;
    body = (ngx_uint_t) -1;
    n = 0;

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (rcpt[i].problem != SMS_PROBLEM_NONE) {
            continue;
        }

        if (body != rcpt[i].body) {
            body = rcpt[i].body;

            if (sms_hash_sha256(bodies[body].text.data, bodies[body].text.len,
                                hash)
                != 0)
            {
                break;
            }
        }

        if (ngx_sms_recent_repeat_key(sub, &rcpt[i], hash, buf, &key) != NGX_OK)
        {
            break;
        }

        switch (ngx_sms_recent_seen(sub, zone, &key,
                                    (ngx_msec_t) repeat->seconds * 1000))
        {

        case NGX_DECLINED:

            if (repeat->warn) {
                n++;
                break;
            }

            ngx_sms_submission_reject(sub, &rcpt[i], SMS_PROBLEM_REPEATED,
                                      "less than %uD seconds ago",
                                      repeat->seconds);
            break;

        case NGX_OK:
            rcpt[i].noted = !sub->preview;
            break;

        default:            /* the dictionary does not answer: not known */
            break;
        }
    }

    if (n) {
        ngx_sms_recent_told(sub, bodies, n, repeat->seconds);
    }

    ngx_sms_submission_sum(sub);
}


/* NGX_DECLINED: it was there; NGX_OK: it was not, and is noted unless previewed */

static ngx_int_t
ngx_sms_recent_seen(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone,
    ngx_str_t *key, ngx_msec_t ttl)
{
    size_t     len;
    u_char     one;
    ngx_int_t  rc;
    ngx_str_t  value = ngx_string("1");

    if (!sub->preview) {
        return ngx_sms_dict_add(zone, key, &value, ttl);
    }

    rc = ngx_sms_dict_get(zone, key, &one, 1, &len);

    return rc == NGX_OK ? NGX_DECLINED : rc == NGX_DECLINED ? NGX_OK : rc;
}


static ngx_int_t
ngx_sms_recent_repeat_key(ngx_sms_submission_t *sub, ngx_sms_recipient_t *rcpt,
    const u_char text[32], u_char *key, ngx_str_t *out)
{
    u_char  *p, hash[32], clear[NGX_SMS_RECENT_CLEAR];

    p = ngx_slprintf(clear, clear + sizeof(clear) - 32, "%L/%ui/%L/%V/",
                     sub->account->id, sub->klass, rcpt->to,
                     &sub->sender->name);
    p = ngx_cpymem(p, text, 32);

    if (sms_hash_sha256(clear, (size_t) (p - clear), hash) != 0) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(key, "rep/", 4);
    out->data = key;
    out->len = (size_t) (ngx_cpymem(p, hash, 16) - key);

    return NGX_OK;
}


static void
ngx_sms_recent_told(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    ngx_uint_t n, uint32_t seconds)
{
    u_char  *p, *q, tr[256], en[256];

    p = ngx_slprintf(tr, tr + sizeof(tr),
                     "Aynı metin %ui numaraya son %uD saniye içinde "
                     "gönderilmişti.", n, seconds);
    q = ngx_slprintf(en, en + sizeof(en),
                     "The same text went to %ui of the numbers within the last "
                     "%uD seconds.", n, seconds);

    ngx_sms_submission_notice(sub, body, "duplicate", "", tr,
                              (size_t) (p - tr), en, (size_t) (q - en));
}
