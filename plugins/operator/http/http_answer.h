/*
 * http_answer - what an answer to a submit makes of the message.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http_conf.h"

typedef struct {
    http_verdict_t   verdict;
    uint32_t         code;              /* the operator's where it is a number, or
                                           HTTP's                              */
    uint32_t         retry_after_ms;    /* 0: not said                         */
    uint32_t         id_len;            /* 0: no id                            */
    char             id[SMS_OPERATOR_ID_MAX];
    const char      *why;               /* for the log; NULL: nothing special  */
} http_answer_t;

/*
 * In this order: no answer is RETRY or DOWN before bytes had left and in doubt
 * after; a code that "status" names; then HTTP's status; a code of 2xx that nobody
 * named is final, for a refusal may hide behind it; an answer of 2xx that has no id
 * where one must be, or cannot be read, is in doubt.
 */
void http_answer_judge(const http_conf_t *c, const sms_http_res_t *res, int64_t now_us,
    http_answer_t *a);

/* Retry-After: seconds or a date (RFC 9110 10.2.3); ms, at most an hour, 0: none. */
uint32_t http_answer_retry_after(sms_str_t value, int64_t now_us);

#endif /* HTTP_ANSWER_H */
