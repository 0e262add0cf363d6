/*
 * Answers: JSON, and problems by RFC 9457.
 *
 * Each function sends the answer and ends the request: the context must not be
 * touched afterwards.
 */
#ifndef NGX_SMS_RESPOND_H
#define NGX_SMS_RESPOND_H

#include "ngx_sms_request.h"
#include "sms_json_write.h"
#include "sms_word.h"


/* a JSON writer whose text lives in the pool */
void ngx_sms_respond_json_init(sms_json_t *w, ngx_pool_t *pool);
/* its text, and the pool has back what was not needed; NGX_ERROR: it failed */
ngx_int_t ngx_sms_respond_json_done(sms_json_t *w, ngx_str_t *text);
void ngx_sms_respond_json_str(sms_json_t *w, const ngx_str_t *s);
void ngx_sms_respond_json_word(sms_json_t *w, const sms_word_t *table,
    ngx_uint_t value);

/* {"amount_micro":123000,"unit":"TRY"} */
void ngx_sms_respond_money(sms_json_t *w, int64_t micro, const char *unit);

/* "text" lives as long as the request */
void ngx_sms_respond_json(ngx_sms_ctx_t *ctx, ngx_uint_t status,
    ngx_str_t *text);

/* of any type, NULL: none; "type" and "text" live as long as the request */
void ngx_sms_respond_text(ngx_sms_ctx_t *ctx, ngx_uint_t status,
    const char *type, ngx_str_t *text);

/* the writer's text, or "internal" when the writer failed */
void ngx_sms_respond_written(ngx_sms_ctx_t *ctx, ngx_uint_t status,
    sms_json_t *w);

/*
 * One problem.  "pointer" is a JSON pointer into the request's body, "" where
 * no field is to blame; "detail" is a sentence for a developer, or NULL.
 */
void ngx_sms_respond_problem(ngx_sms_ctx_t *ctx, sms_problem_t problem,
    const char *pointer, const char *detail);

/* the problem of a submission with all its faults, findings and rejections */
void ngx_sms_respond_submission_problem(ngx_sms_ctx_t *ctx,
    ngx_sms_submission_t *sub);

/* adds a header to the answer; strings live as long as the request */
ngx_int_t ngx_sms_respond_header(ngx_http_request_t *r, const char *name,
    const char *value, size_t len);

/* 1: the caller prefers English texts over Turkish ones */
ngx_uint_t ngx_sms_respond_english(ngx_http_request_t *r);

/* the texts of a submission: the members "rejected" and "findings" */
void ngx_sms_respond_checks(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_uint_t prose);

/* the second of them alone */
void ngx_sms_respond_findings(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_uint_t prose);

#endif /* NGX_SMS_RESPOND_H */
