#include "ngx_sms_submission.h"

#include "ngx_sms_pool.h"


#define NGX_SMS_FAULTS_MAX  50      /* enough to mend a request in one go */


static ngx_str_t ngx_sms_submission_text(ngx_pool_t *pool, const char *fmt,
    va_list args);
static void ngx_sms_submission_refused(ngx_sms_submission_t *sub);


ngx_sms_submission_t *
ngx_sms_submission_create(ngx_log_t *log)
{
    ngx_pool_t            *pool;
    ngx_sms_submission_t  *sub;

    pool = ngx_sms_pool_take(log);
    if (pool == NULL) {
        return NULL;
    }

    sub = ngx_pcalloc(pool, sizeof(ngx_sms_submission_t));
    if (sub == NULL) {
        goto failed;
    }

    sub->pool = pool;
    sub->log = log;
    sub->holders = 1;

    if (ngx_array_init(&sub->bodies, pool, 1, sizeof(ngx_sms_body_t)) != NGX_OK
        || ngx_array_init(&sub->recipients, pool, 1,
                          sizeof(ngx_sms_recipient_t)) != NGX_OK
        || ngx_array_init(&sub->faults, pool, 1, sizeof(ngx_sms_fault_t))
           != NGX_OK
        || ngx_array_init(&sub->confirm, pool, 1, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&sub->asked, pool, 1, sizeof(ngx_uint_t)) != NGX_OK)
    {
        goto failed;
    }

    return sub;

failed:

    ngx_sms_pool_give(pool);

    return NULL;
}


void
ngx_sms_submission_hold(ngx_sms_submission_t *sub)
{
    sub->holders++;
}


void
ngx_sms_submission_release(ngx_sms_submission_t *sub)
{
    if (--sub->holders) {
        return;
    }

    if (sub->account) {
        ngx_sms_account_release(sub->account);
    }

    ngx_sms_pool_give(sub->pool);
}


static ngx_str_t
ngx_sms_submission_text(ngx_pool_t *pool, const char *fmt, va_list args)
{
    u_char     *p, buf[1024];
    ngx_str_t   s;

    p = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args);

    s.len = (size_t) (p - buf);
    s.data = ngx_pnalloc(pool, s.len);

    if (s.data == NULL) {
        s.len = 0;
        return s;
    }

    ngx_memcpy(s.data, buf, s.len);

    return s;
}


ngx_uint_t
ngx_sms_submission_held(const ngx_sms_submission_t *sub)
{
    if (sub->schedule_us) {
        return 1;
    }

    return !sub->test
           && (sub->klass == SMS_CLASS_COMMERCIAL
               || (sub->account->pace.rated && sub->klass != SMS_CLASS_OTP));
}


void
ngx_sms_submission_fault(ngx_sms_submission_t *sub, sms_problem_t problem,
    const char *pointer, const char *fmt, ...)
{
    va_list           args;
    ngx_sms_fault_t  *fault;

    if (sub->problem == SMS_PROBLEM_NONE) {
        sub->problem = problem;
    }

    if (sub->faults.nelts >= NGX_SMS_FAULTS_MAX) {
        return;
    }

    fault = ngx_array_push(&sub->faults);
    if (fault == NULL) {
        return;
    }

    fault->problem = problem;
    fault->pointer.len = ngx_strlen(pointer);
    fault->pointer.data = ngx_pnalloc(sub->pool, fault->pointer.len + 1);

    if (fault->pointer.data == NULL) {
        sub->faults.nelts--;
        return;
    }

    ngx_memcpy(fault->pointer.data, pointer, fault->pointer.len);

    va_start(args, fmt);
    fault->detail = ngx_sms_submission_text(sub->pool, fmt, args);
    va_end(args);
}


void
ngx_sms_submission_notice(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    const char *code, const char *source, const u_char *tr, size_t ntr,
    const u_char *en, size_t nen)
{
    u_char             *p;
    sms_str_t           name;
    ngx_sms_finding_t  *finding;

    name.ptr = code;
    name.len = ngx_strlen(code);

    if (ngx_sms_account_severity(sub->account, name, SMS_SEVERITY_WARN)
        == SMS_SEVERITY_OFF)
    {
        return;
    }

    p = ngx_pnalloc(sub->pool, ntr + nen);
    finding = ngx_array_push(&body->findings);

    if (finding == NULL || p == NULL) {
        body->findings.nelts -= finding ? 1 : 0;
        return;
    }

    ngx_memzero(finding, sizeof(ngx_sms_finding_t));
    finding->severity = SMS_SEVERITY_WARN;
    finding->f.code = name;
    finding->f.source.ptr = source;
    finding->f.source.len = ngx_strlen(source);
    finding->f.detail_tr.ptr = (char *) p;
    finding->f.detail_tr.len = ntr;
    finding->f.detail_en.ptr = (char *) ngx_cpymem(p, tr, ntr);
    finding->f.detail_en.len = nen;
    ngx_memcpy(p + ntr, en, nen);
    ngx_str_set(&finding->plugin, "host");
}


void
ngx_sms_submission_reject(ngx_sms_submission_t *sub, ngx_sms_recipient_t *rcpt,
    sms_problem_t problem, const char *fmt, ...)
{
    va_list  args;

    rcpt->problem = problem;

    va_start(args, fmt);
    rcpt->detail = ngx_sms_submission_text(sub->pool, fmt, args);
    va_end(args);
}


void
ngx_sms_submission_sum(ngx_sms_submission_t *sub)
{
    ngx_uint_t            i;
    sms_problem_t         shared;
    ngx_sms_body_t       *bodies;
    ngx_sms_recipient_t  *rcpt;

    if (sub->check) {
        return;
    }

    bodies = sub->bodies.elts;
    rcpt = sub->recipients.elts;

    sub->naccepted = 0;
    sub->total_micro = 0;
    shared = SMS_PROBLEM_NONE;

    for (i = 0; i < sub->bodies.nelts; i++) {
        bodies[i].accepted = 0;
    }

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (rcpt[i].problem == SMS_PROBLEM_NONE) {
            sub->naccepted++;
            sub->total_micro += rcpt[i].price_micro;
            bodies[rcpt[i].body].accepted++;
            continue;
        }

        if (shared == SMS_PROBLEM_NONE) {
            shared = rcpt[i].problem;

        } else if (shared != rcpt[i].problem) {
            shared = SMS_PROBLEM_NO_RECIPIENT_ACCEPTED;
        }
    }

    if (sub->naccepted == 0 && sub->problem == SMS_PROBLEM_NONE) {
        sub->problem = shared;
        ngx_sms_submission_refused(sub);
    }
}


/* nobody is left: the recipients' problems are the request's faults */

static void
ngx_sms_submission_refused(ngx_sms_submission_t *sub)
{
    u_char                pointer[48];
    ngx_uint_t            i, shared;
    ngx_sms_body_t       *bodies, *body;
    ngx_sms_recipient_t  *rcpt;

    bodies = sub->bodies.elts;
    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {

        body = &bodies[rcpt[i].body];
        shared = body->pointer.len == sizeof("/text") - 1;

        if (rcpt[i].problem == body->problem) {

            /* the text is to blame, and one text for all is named once */
            *ngx_snprintf(pointer, sizeof(pointer) - 1, "%V", &body->pointer)
                = '\0';

        } else {
            *ngx_snprintf(pointer, sizeof(pointer) - 1,
                          shared ? "/to/%ui" : "/messages/%ui/to",
                          rcpt[i].ord)
                = '\0';
        }

        ngx_sms_submission_fault(sub, rcpt[i].problem, (const char *) pointer,
                                 "%V", &rcpt[i].detail);

        if (shared && rcpt[i].problem == body->problem) {
            break;
        }
    }
}


void
ngx_sms_submission_message(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    ngx_sms_recipient_t *rcpt, sms_msg_t *m)
{
    ngx_memzero(m, sizeof(sms_msg_t));

    m->account = (uint64_t) sub->account->id;
    m->from.ptr = (const char *) sub->sender->name.data;
    m->from.len = sub->sender->name.len;
    m->text.ptr = (const char *) body->text.data;
    m->text.len = body->text.len;
    m->accepted_us = sub->accepted_us;
    m->expires_us = sub->expires_us;
    m->klass = (uint8_t) sub->klass;
    m->recipient_type = (uint8_t) sub->recipient_type;
    m->basis = (uint8_t) sub->basis;
    m->exemption = (uint8_t) sub->exemption;
    m->encoding = (uint8_t) body->count.encoding;
    m->parts = (uint16_t) body->count.parts;
    m->test = (uint8_t) sub->test;
    m->attempt = 1;
    m->tariff = sub->account->tariff;
    m->brand = &sub->brand->b;
    m->audience.ptr = (const char *) sub->audience.data;
    m->audience.len = sub->audience.len;
    m->sim_trusted_since_us = sub->sim_trusted_since_us;
    m->eligible = body->eligible;
    m->neligible = body->neligible;

    if (rcpt == NULL) {
        return;
    }

    ngx_memcpy(m->id, rcpt->id, 16);
    m->to.ptr = rcpt->digits;
    m->to.len = rcpt->ndigits;
    m->recipient_type = rcpt->recipient_type;
    m->mcc = rcpt->mcc;
    m->mnc = rcpt->mnc;
    m->country[0] = rcpt->country[0];
    m->country[1] = rcpt->country[1];
    m->link = rcpt->link;
}
