/*
 * The answer of POST /v1/compliance:check: what rules say of texts.
 */
#ifndef NGX_SMS_CHECK_H
#define NGX_SMS_CHECK_H

#include "ngx_sms_request.h"


/* the submission of the context is a check that has been read and, unless it has
 * faults of shape, judged */
void ngx_sms_check_answer(ngx_sms_ctx_t *ctx);

#endif /* NGX_SMS_CHECK_H */
