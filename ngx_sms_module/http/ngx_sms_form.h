/*
 * sms_form: pages where people approve of commercial messages, by a brand's signed
 * link.
 *
 * The last segment of the path is the link.  GET shows the text and boxes that
 * nobody has ticked; POST sends a code to the number, and takes the approval with
 * that code.  What stands on the pages, and what may be typed, is decided in the
 * database (sql/034_consent_form.sql).  No key: whoever has the link may open it.
 */
#ifndef NGX_SMS_FORM_H
#define NGX_SMS_FORM_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_SMS_FORM_BODY_MAX  8192


/* the content handler of locations with sms_form */
ngx_int_t ngx_sms_form_handler(ngx_http_request_t *r);

#endif /* NGX_SMS_FORM_H */
