/*
 * $sms_... for access logs.  None of them is personal: no number, no text.
 */
#ifndef NGX_SMS_VARIABLES_H
#define NGX_SMS_VARIABLES_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


ngx_int_t ngx_sms_variables_add(ngx_conf_t *cf);

#endif /* NGX_SMS_VARIABLES_H */
