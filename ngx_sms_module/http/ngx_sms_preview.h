/*
 * The answer of POST /v1/messages:preview: what sending this would do.
 */
#ifndef NGX_SMS_PREVIEW_H
#define NGX_SMS_PREVIEW_H

#include "sms_json_write.h"
#include "ngx_sms_request.h"


/* the submission of the context has been read and, unless it has faults of
 * shape, judged; nothing is written anywhere */
void ngx_sms_preview_answer(ngx_sms_ctx_t *ctx);

/* members of its answer: "problem", what a send would be answered with, or null */
void ngx_sms_preview_problem(sms_json_t *w, ngx_sms_submission_t *sub);
/* "encoding", "parts", "units", "units_left", "units_per_part" */
void ngx_sms_preview_count(sms_json_t *w, const sms_segment_t *s);
/* "repaired": the text with all repairs, and what it counts; null: there are none */
void ngx_sms_preview_repaired(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_sms_body_t *body);

/* "price": null where it is below 0 */
void ngx_sms_preview_price(sms_json_t *w, ngx_sms_submission_t *sub,
    int64_t price_micro);

#endif /* NGX_SMS_PREVIEW_H */
