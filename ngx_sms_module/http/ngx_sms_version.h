#ifndef NGX_SMS_VERSION_H
#define NGX_SMS_VERSION_H

#include "ngx_sms_request.h"


/* GET /v1/version: module, plugin contract and schema versions */
void ngx_sms_version(ngx_sms_ctx_t *ctx);

#endif /* NGX_SMS_VERSION_H */
