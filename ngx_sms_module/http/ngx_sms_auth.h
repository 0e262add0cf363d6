/*
 * Who is calling, and may they: API keys, address ranges, scopes, rate.
 */
#ifndef NGX_SMS_AUTH_H
#define NGX_SMS_AUTH_H

#include "ngx_sms_request.h"


/*
 * Sets ctx->account and ctx->key and goes on with "next", now or when the
 * profile has come; otherwise answers with a problem.
 */
void ngx_sms_auth(ngx_sms_ctx_t *ctx, ngx_sms_endpoint_pt next);

#endif /* NGX_SMS_AUTH_H */
