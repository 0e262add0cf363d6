/*
 * POST /v1/messages, /v1/messages:preview and /v1/compliance:check.
 *
 * All read the body with the same code and judge it alike; preview then answers what
 * would happen, check what rules say of the texts, send writes it.
 */
#ifndef NGX_SMS_SEND_H
#define NGX_SMS_SEND_H

#include "ngx_sms_request.h"


void ngx_sms_send(ngx_sms_ctx_t *ctx);
void ngx_sms_preview(ngx_sms_ctx_t *ctx);
void ngx_sms_check(ngx_sms_ctx_t *ctx);

/*
 * Reads the JSON body into the submission.  Faults are noted in it; NGX_ERROR
 * only when there is no memory.
 */
ngx_int_t ngx_sms_send_read(ngx_sms_submission_t *sub, ngx_str_t *body);

#endif /* NGX_SMS_SEND_H */
