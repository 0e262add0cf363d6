#include "ngx_sms_measure.h"

#include <stdlib.h>

#include "sms_msisdn.h"
#include "sms_translit.h"


static void ngx_sms_measure_number(ngx_sms_submission_t *sub,
    ngx_sms_recipient_t *rcpt);
static ngx_int_t ngx_sms_measure_duplicates(ngx_sms_submission_t *sub);
static int ngx_libc_cdecl ngx_sms_measure_compare(const void *one,
    const void *two);
static ngx_int_t ngx_sms_measure_text(ngx_sms_submission_t *sub,
    ngx_sms_body_t *body);
static void ngx_sms_measure_bad_text(ngx_sms_submission_t *sub,
    ngx_sms_body_t *body, sms_problem_t problem, const char *fmt, ...);


ngx_int_t
ngx_sms_measure(ngx_sms_submission_t *sub)
{
    ngx_uint_t            i;
    ngx_sms_body_t       *body;
    ngx_sms_recipient_t  *rcpt;

    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {
        if (ngx_sms_measure_text(sub, &body[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {

        ngx_sms_measure_number(sub, &rcpt[i]);

        if (rcpt[i].problem == SMS_PROBLEM_NONE
            && body[rcpt[i].body].problem != SMS_PROBLEM_NONE)
        {
            rcpt[i].problem = body[rcpt[i].body].problem;
            rcpt[i].detail = body[rcpt[i].body].detail;
        }
    }

    return ngx_sms_measure_duplicates(sub);
}


static void
ngx_sms_measure_number(ngx_sms_submission_t *sub, ngx_sms_recipient_t *rcpt)
{
    int           rc;
    sms_msisdn_t  m;

    rc = sms_msisdn_parse((const char *) rcpt->given.data, rcpt->given.len,
                          &m);

    if (rc != SMS_MSISDN_OK) {
        ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_INVALID_NUMBER, "%s",
                                  sms_msisdn_slug(rc));
        return;
    }

    rcpt->to = m.number;
    rcpt->mcc = m.mcc;
    rcpt->mnc = m.mnc;
    rcpt->country[0] = m.country[0];
    rcpt->country[1] = m.country[1];
    rcpt->ndigits = (uint8_t) (m.text_len - 1);
    ngx_memcpy(rcpt->digits, m.text + 1, rcpt->ndigits);
}


/* the same number twice in one request is a slip: the second is not sent */

static ngx_int_t
ngx_sms_measure_duplicates(ngx_sms_submission_t *sub)
{
    ngx_uint_t             i, n;
    ngx_sms_recipient_t   *rcpt, **sorted;

    if (sub->recipients.nelts < 2) {
        return NGX_OK;
    }

    sorted = ngx_palloc(sub->pool,
                        sub->recipients.nelts * sizeof(ngx_sms_recipient_t *));
    if (sorted == NULL) {
        return NGX_ERROR;
    }

    rcpt = sub->recipients.elts;
    n = 0;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].to) {
            sorted[n++] = &rcpt[i];
        }
    }

    qsort(sorted, n, sizeof(ngx_sms_recipient_t *), ngx_sms_measure_compare);

    for (i = 1; i < n; i++) {
        if (sorted[i]->to == sorted[i - 1]->to) {
            ngx_sms_submission_reject(sub, sorted[i],
                                      SMS_PROBLEM_DUPLICATE_RECIPIENT,
                                      "the number stands at %ui already",
                                      sorted[i - 1]->ord);
        }
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_sms_measure_compare(const void *one, const void *two)
{
    const ngx_sms_recipient_t  *a = *(ngx_sms_recipient_t *const *) one;
    const ngx_sms_recipient_t  *b = *(ngx_sms_recipient_t *const *) two;

    if (a->to != b->to) {
        return a->to < b->to ? -1 : 1;
    }

    return a->ord < b->ord ? -1 : 1;
}


static ngx_int_t
ngx_sms_measure_text(ngx_sms_submission_t *sub, ngx_sms_body_t *body)
{
    int                    rc;
    sms_segment_profile_t  pf;

    if (body->text.len == 0) {
        return NGX_OK;
    }

    if (sub->ascii) {
        body->text.len = sms_translit((const char *) body->text.data,
                                      body->text.len,
                                      SMS_TRANSLIT_FULL|SMS_TRANSLIT_ACCENTS
                                      |SMS_TRANSLIT_CURRENCY
                                      |SMS_TRANSLIT_PUNCT,
                                      (char *) body->text.data, NULL);
    }

    if (body->control) {
        ngx_sms_measure_bad_text(sub, body, SMS_PROBLEM_TEXT_NOT_ENCODABLE,
                                 "the text has control characters");
        return NGX_OK;
    }

    pf = sub->account->encoding;
    pf.force = (uint8_t) sub->encoding;

    rc = sms_segment_count(&pf, (const char *) body->text.data,
                           body->text.len, &body->count, NULL, 0);

    switch (rc) {

    case SMS_SEGMENT_OK:
        break;

    case SMS_SEGMENT_E_TOO_LONG:
        ngx_sms_measure_bad_text(sub, body, SMS_PROBLEM_TEXT_TOO_LONG,
                                 "%ud parts; at most %ud are allowed",
                                 (unsigned) body->count.parts,
                                 pf.max_parts ? (unsigned) pf.max_parts
                                              : SMS_SEGMENT_PARTS_DEFAULT);
        break;

    case SMS_SEGMENT_E_ENCODING:
        ngx_sms_measure_bad_text(sub, body, SMS_PROBLEM_TEXT_NOT_ENCODABLE,
                                 "the character at byte %uD does not exist "
                                 "in it", body->count.costly);
        break;

    default:
        return NGX_ERROR;
    }

    if (sub->klass == SMS_CLASS_OTP && body->count.parts > 1
        && body->problem == SMS_PROBLEM_NONE)
    {
        ngx_sms_measure_bad_text(sub, body, SMS_PROBLEM_OTP_ONE_PART,
                                 "%ud parts", (unsigned) body->count.parts);
    }

    return NGX_OK;
}


static void
ngx_sms_measure_bad_text(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    sms_problem_t problem, const char *fmt, ...)
{
    u_char  *p, buf[256];
    va_list  args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args);
    va_end(args);

    body->problem = problem;
    body->detail.len = (size_t) (p - buf);
    body->detail.data = ngx_pnalloc(sub->pool, body->detail.len);

    if (body->detail.data == NULL) {
        body->detail.len = 0;
        return;
    }

    ngx_memcpy(body->detail.data, buf, body->detail.len);

    /* one text for all: the request itself is at fault, and its field */
    if (sub->bodies.nelts == 1 && body->pointer.len == sizeof("/text") - 1) {
        ngx_sms_submission_fault(sub, problem, (const char *)
                                 body->pointer.data, "%V", &body->detail);
    }
}
