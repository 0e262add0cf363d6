#include "ngx_sms_intake_refused.h"

#include "sms_problem.h"


/* "[905321112233, ...]": marks these recipients; how many were found */

ngx_uint_t
ngx_sms_intake_blacklisted(ngx_sms_submission_t *sub, ngx_str_t *numbers)
{
    u_char               *p, *last;
    int64_t               number;
    ngx_uint_t            i, n;
    ngx_sms_recipient_t  *rcpt;

    p = numbers->data;
    last = p + numbers->len;
    rcpt = sub->recipients.elts;
    n = 0;

    while (p < last) {

        if (*p < '0' || *p > '9') {
            p++;
            continue;
        }

        for (number = 0; p < last && *p >= '0' && *p <= '9'; p++) {
            number = number * 10 + (*p - '0');
        }

        for (i = 0; i < sub->recipients.nelts; i++) {
            if (rcpt[i].to == number && rcpt[i].problem == SMS_PROBLEM_NONE) {
                ngx_sms_submission_reject(sub, &rcpt[i],
                                          SMS_PROBLEM_BLACKLISTED,
                                          "take it off the blacklist first");
                n++;
            }
        }
    }

    return n;
}


/*
 * "sender-stopped", or "url-host-stopped 0 4": with places, these messages alone;
 * how many are marked.
 */

ngx_uint_t
ngx_sms_intake_stopped(ngx_sms_submission_t *sub, ngx_str_t *detail)
{
    u_char               *p, *last, *end;
    ngx_int_t             ord;
    ngx_uint_t            i, n;
    sms_problem_t         problem;
    ngx_sms_body_t       *body;
    ngx_sms_recipient_t  *rcpt;

    last = detail->data + detail->len;
    p = ngx_strlchr(detail->data, last, ' ');
    end = p ? p : last;
    problem = sms_problem_find((const char *) detail->data,
                               (size_t) (end - detail->data));

    if (p == NULL && problem != SMS_PROBLEM_NONE) {
        ngx_sms_submission_fault(sub, problem,
                                 problem == SMS_PROBLEM_SENDER_STOPPED
                                 ? "/sender" : "", "ask the operator desk");
        return 1;
    }

    body = sub->bodies.elts;
    rcpt = sub->recipients.elts;
    n = 0;

    while (p && p < last) {

        end = ngx_strlchr(p + 1, last, ' ');
        ord = ngx_atoi(p + 1, (size_t) ((end ? end : last) - p - 1));
        p = end;

        for (i = 0; i < sub->recipients.nelts; i++) {

            if (rcpt[i].problem == SMS_PROBLEM_NONE
                && (ngx_int_t) rcpt[i].ord == ord)
            {
                ngx_sms_submission_reject(sub, &rcpt[i], problem,
                                          "the text at %V names it",
                                          &body[rcpt[i].body].pointer);
                n++;
            }
        }
    }

    /* one text of all: the place can be told with the problem */
    if (n && sub->bodies.nelts == 1) {
        ngx_sms_submission_fault(sub, problem,
                                 (const char *) body[0].pointer.data,
                                 "the text names a host that was stopped");
    }

    return n;
}
