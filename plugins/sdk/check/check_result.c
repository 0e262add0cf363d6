/*
 * check_result.c - are the results what the header allows?
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_FINDINGS  256
/* of ABI 0.1; what is appended later need not be there */
#define CHECK_FINDING_SIZE  (offsetof(sms_finding_t, source) + sizeof(sms_str_t))

static char  check_why[240];


static const char *
check_bad(uint32_t i, const char *fmt, ...)
{
    va_list  args;
    int      n;

    n = snprintf(check_why, sizeof(check_why), "result %u ", i);
    va_start(args, fmt);
    vsnprintf(check_why + n, sizeof(check_why) - (size_t) n, fmt, args);
    va_end(args);

    return check_why;
}


static int
check_utf8(sms_str_t s)
{
    const unsigned char  *p = (const unsigned char *) s.ptr;
    size_t                i, n;
    uint32_t              c;

    if (s.len && p == NULL) {
        return 0;
    }
    for (i = 0; i < s.len; i += n) {
        c = p[i];
        n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3
            : c >= 0xf0 && c < 0xf5 ? 4 : 0;
        if (n == 0 || n > s.len - i) {
            return 0;
        }
        if ((n > 1 && (p[i + 1] & 0xc0) != 0x80) || (n > 2 && (p[i + 2] & 0xc0) != 0x80)
            || (n > 3 && (p[i + 3] & 0xc0) != 0x80)
            || (c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f)
            || (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f))
        {
            return 0;
        }
    }

    return 1;
}


static int
check_slug(sms_str_t s)
{
    size_t  i;

    if (s.len == 0 || s.len > 64) {
        return 0;
    }
    for (i = 0; i < s.len; i++) {
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9')
              || s.ptr[i] == '-'))
        {
            return 0;
        }
    }

    return 1;
}


static int
check_boundary(sms_str_t text, size_t at)
{
    return at >= text.len || ((unsigned char) text.ptr[at] & 0xc0) != 0x80;
}


static const char *
check_finding(uint32_t i, uint32_t k, const sms_finding_t *f, const sms_msg_t *m)
{
    if (f->severity > SMS_SEVERITY_BLOCK) {
        return check_bad(i, "severity %u out of range (finding %u)", f->severity, k);
    }
    if (f->floor > SMS_SEVERITY_BLOCK) {
        return check_bad(i, "floor %u out of range (finding %u)", f->floor, k);
    }
    if (f->severity < f->floor) {
        return check_bad(i, "severity %u is under its floor %u (finding %u)", f->severity,
                         f->floor, k);
    }
    if (!check_slug(f->code)) {
        return check_bad(i, "code is no slug of a-z, 0-9 and - (finding %u)", k);
    }
    if (f->detail_tr.len == 0 || f->detail_en.len == 0
        || !check_utf8(f->detail_tr) || !check_utf8(f->detail_en))
    {
        return check_bad(i, "finding %.*s has no detail_tr and detail_en in UTF-8",
                         (int) f->code.len, f->code.ptr);
    }
    if (!check_utf8(f->repair) || !check_utf8(f->source)) {
        return check_bad(i, "finding %.*s: repair or source is no UTF-8", (int) f->code.len,
                         f->code.ptr);
    }
    if ((uint64_t) f->begin + f->len > m->text.len || !check_boundary(m->text, f->begin)
        || !check_boundary(m->text, (size_t) f->begin + f->len))
    {
        return check_bad(i, "finding %.*s at %u, length %u, is no place in a text of %zu bytes",
                         (int) f->code.len, f->code.ptr, f->begin, f->len, m->text.len);
    }

    return NULL;
}


static const char *
check_verdict(fakehost_t *fh, uint32_t i, const sms_verdict_t *v, const sms_msg_t *m)
{
    const char  *why;
    uint32_t     k;

    if (v->action != SMS_PASS && v->action != SMS_DEFER) {
        return check_bad(i, "action %u out of range", v->action);
    }
    if (v->action == SMS_DEFER && v->defer_until_us <= fakehost_now(fh)) {
        return check_bad(i, "defer_until is not in the future");
    }
    if (v->action == SMS_DEFER && v->defer_until_us > fakehost_now(fh) + SMS_DEFER_MAX_US) {
        return check_bad(i, "defer_until is more than 366 days ahead");
    }
    if (v->nfindings > CHECK_FINDINGS) {
        return check_bad(i, "has %u findings, more than %d", v->nfindings, CHECK_FINDINGS);
    }
    if (v->nfindings && (v->findings == NULL || v->stride < CHECK_FINDING_SIZE)) {
        return check_bad(i, "has findings without an array or with stride %u", v->stride);
    }
    if (!check_utf8(v->version)) {
        return check_bad(i, "version is no UTF-8");
    }
    for (k = 0; k < v->nfindings; k++) {
        why = check_finding(i, k, SMS_AT(const sms_finding_t, v->findings, v->stride, k), m);
        if (why) {
            return why;
        }
    }

    return NULL;
}


static const char *
check_consent(fakehost_t *fh, uint32_t i, const sms_consent_t *r)
{
    if (r->state < SMS_CONSENT_GRANTED || r->state > SMS_CONSENT_UNKNOWN) {
        return check_bad(i, "state %u out of range", r->state);
    }
    if (r->state == SMS_CONSENT_GRANTED
        && (r->as_of_us <= 0 || r->as_of_us > fakehost_now(fh)))
    {
        return check_bad(i, "is granted as of a time that is unknown or in the future");
    }
    if (!check_utf8(r->proof) || !check_utf8(r->code)) {
        return check_bad(i, "proof or code is no UTF-8");
    }

    return NULL;
}


static const char *
check_quote(uint32_t i, const sms_quote_t *q)
{
    uint32_t  k;

    for (k = 0; k < 3; k++) {
        if (q->unit[k] < 'A' || q->unit[k] > 'Z') {
            return check_bad(i, "unit is not three letters A-Z");
        }
    }
    if (q->unit[3] != '\0') {
        return check_bad(i, "unit does not end with a zero octet");
    }
    if (q->amount_micro < 0) {
        return check_bad(i, "amount_micro %lld is negative", (long long) q->amount_micro);
    }
    if (q->amount_micro > SMS_AMOUNT_MAX) {
        return check_bad(i, "amount_micro %lld is above SMS_AMOUNT_MAX",
                         (long long) q->amount_micro);
    }
    if (!check_utf8(q->tariff) || !check_utf8(q->policy)) {
        return check_bad(i, "tariff or policy is no UTF-8");
    }

    return NULL;
}


static const char *
check_route(fakehost_t *fh, uint32_t i, const sms_route_t *r)
{
    const sms_host_t  *h = fakehost_host(fh);
    uint32_t           k, m;

    if (r->nlinks > 8) {
        return check_bad(i, "nlinks %u out of range", r->nlinks);
    }
    if (r->nlinks == 0 && r->reason.len == 0) {
        return check_bad(i, "has no link and gives no reason");
    }
    for (k = 0; k < r->nlinks; k++) {
        for (m = 0; m < h->nlinks; m++) {
            if (SMS_AT(const sms_link_t, h->links, h->link_stride, m)->id == r->link[k]) {
                break;
            }
        }
        if (m == h->nlinks) {
            return check_bad(i, "link %u is not configured", r->link[k]);
        }
    }

    return check_utf8(r->reason) ? NULL : check_bad(i, "reason is no UTF-8");
}


static const char *
check_submit(uint32_t i, const sms_submit_t *r)
{
    if (r->outcome < SMS_SUBMIT_SENT || r->outcome > SMS_SUBMIT_STOP) {
        return check_bad(i, "outcome %u out of range", r->outcome);
    }
    if (r->reason > SMS_REASON_PORTED) {
        return check_bad(i, "reason %u out of range", r->reason);
    }
    if (r->outcome == SMS_SUBMIT_SENT && (r->operator_id.len == 0 || r->operator_id.len > 64)) {
        return check_bad(i, "is sent with an operator_id of %zu bytes (1 to 64)",
                         r->operator_id.len);
    }

    return check_utf8(r->operator_id) ? NULL : check_bad(i, "operator_id is no UTF-8");
}


static const char *
check_http_out(uint32_t i, const sms_http_out_t *r)
{
    uint32_t  k;

    if (r->status < 200 || r->status > 599) {
        return check_bad(i, "status %u out of range", r->status);
    }
    if (r->nheaders && r->headers == NULL) {
        return check_bad(i, "has headers without an array");
    }
    for (k = 0; k < r->nheaders; k++) {
        if (r->headers[k].name.len == 0
            || memmem(r->headers[k].value.ptr, r->headers[k].value.len, "\n", 1))
        {
            return check_bad(i, "header %u has no name or breaks the line", k);
        }
    }

    return NULL;
}


static const char *
check_one(fakehost_t *fh, fakehost_op_t op, uint32_t i, const void *r, const void *item)
{
    const sms_principal_t  *who = r;
    const sms_network_t    *net = r;
    const sms_asked_t      *asked = r;

    switch (op) {

    case FAKEHOST_RULE_EVALUATE:
        return check_verdict(fh, i, r, item);

    case FAKEHOST_CONSENT_LOOKUP:
        return check_consent(fh, i, r);

    case FAKEHOST_BILLING_QUOTE:
        return check_quote(i, r);

    case FAKEHOST_ROUTER_CHOOSE:
        return check_route(fh, i, r);

    case FAKEHOST_OPERATOR_SUBMIT:
        return check_submit(i, r);

    case FAKEHOST_AUTH_CHECK:
        return who->account == 0 || who->ttl_ms < 0
               ? check_bad(i, "is accepted without account, or for a negative time") : NULL;

    case FAKEHOST_LOOKUP_NETWORK:
        return net->mcc > 999 || net->mnc > 999 || !check_utf8(net->network)
               ? check_bad(i, "mcc %u mnc %u out of range, or network no UTF-8", net->mcc,
                           net->mnc) : NULL;

    case FAKEHOST_HTTP_IN:
        return check_http_out(i, r);

    case FAKEHOST_OPERATOR_QUERY:
        return asked->state > SMS_RECEIPT_REJECTED || asked->reason > SMS_REASON_PORTED
               ? check_bad(i, "state %u reason %u out of range", asked->state, asked->reason)
               : NULL;

    default:
        return NULL;
    }
}


const char *
check_result(fakehost_t *fh, fakehost_op_t op, const fakehost_batch_t *b)
{
    const char  *why;
    const void  *r;
    uint32_t     i;
    int32_t      status;

    if (!fakehost_batch_intact(b)) {
        return "wrote behind its own result struct: use SMS_AT() with the batch's strides";
    }

    for (i = 0; i < b->batch.n; i++) {
        r = SMS_AT(const void, b->batch.results, b->batch.result_stride, i);
        if (op != FAKEHOST_HTTP_IN) {
            status = *(const int32_t *) r;
            if (status > SMS_OK || status < SMS_E_INTERNAL) {
                return check_bad(i, "status %d out of range", status);
            }
            if (status != SMS_OK) {
                continue;
            }
        }
        why = check_one(fh, op, i, r,
                        SMS_AT(const void, b->batch.items, b->batch.item_stride, i));
        if (why) {
            return why;
        }
    }

    return NULL;
}


static void
check_join(FILE *f, sms_str_t s)
{
    fprintf(f, "%zu:", s.len);
    if (s.len) {
        fwrite(s.ptr, 1, s.len, f);
    }
    fputc('\n', f);
}


static void
check_join_verdict(FILE *f, const sms_verdict_t *v)
{
    const sms_finding_t  *fi;
    uint32_t              k;

    check_join(f, v->version);
    for (k = 0; k < v->nfindings && v->findings; k++) {
        fi = SMS_AT(const sms_finding_t, v->findings, v->stride, k);
        fprintf(f, "%u %u %u %u\n", fi->severity, fi->floor, fi->begin, fi->len);
        check_join(f, fi->code);
        check_join(f, fi->detail_tr);
        check_join(f, fi->detail_en);
        check_join(f, fi->repair);
        check_join(f, fi->source);
    }
}


char *
check_strings(fakehost_op_t op, const fakehost_batch_t *b)
{
    const sms_http_out_t  *out;
    const void            *r;
    uint32_t               i, k;
    size_t                 len;
    char                  *text;
    FILE                  *f;

    text = NULL;
    f = open_memstream(&text, &len);
    if (f == NULL) {
        abort();
    }

    for (i = 0; i < b->batch.n; i++) {
        r = SMS_AT(const void, b->batch.results, b->batch.result_stride, i);
        if (op != FAKEHOST_HTTP_IN && *(const int32_t *) r != SMS_OK) {
            continue;
        }
        fprintf(f, "result %u\n", i);
        if (op == FAKEHOST_RULE_EVALUATE) {
            check_join_verdict(f, r);

        } else if (op == FAKEHOST_CONSENT_LOOKUP) {
            check_join(f, ((const sms_consent_t *) r)->proof);
            check_join(f, ((const sms_consent_t *) r)->code);

        } else if (op == FAKEHOST_BILLING_QUOTE) {
            check_join(f, ((const sms_quote_t *) r)->tariff);
            check_join(f, ((const sms_quote_t *) r)->policy);

        } else if (op == FAKEHOST_ROUTER_CHOOSE) {
            check_join(f, ((const sms_route_t *) r)->reason);

        } else if (op == FAKEHOST_OPERATOR_SUBMIT) {
            check_join(f, ((const sms_submit_t *) r)->operator_id);

        } else if (op == FAKEHOST_LOOKUP_NETWORK) {
            check_join(f, ((const sms_network_t *) r)->network);

        } else if (op == FAKEHOST_HTTP_IN) {
            out = r;
            check_join(f, out->body);
            for (k = 0; k < out->nheaders; k++) {
                check_join(f, out->headers[k].name);
                check_join(f, out->headers[k].value);
            }
        }
    }
    fclose(f);

    return text;
}
