#ifndef NGX_SMS_MANAGE_H
#define NGX_SMS_MANAGE_H

#include "ngx_sms_request.h"


/* passes the call to schema "api" of the database and its answer back */
void ngx_sms_manage(ngx_sms_ctx_t *ctx);

#endif /* NGX_SMS_MANAGE_H */
