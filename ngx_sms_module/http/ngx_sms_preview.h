/*
 * The answer of POST /v1/messages:preview: what sending this would do.
 */
#ifndef NGX_SMS_PREVIEW_H
#define NGX_SMS_PREVIEW_H

#include "ngx_sms_request.h"


/* the submission of the context has been read and, unless it has faults of
 * shape, judged; nothing is written anywhere */
void ngx_sms_preview_answer(ngx_sms_ctx_t *ctx);

#endif /* NGX_SMS_PREVIEW_H */
