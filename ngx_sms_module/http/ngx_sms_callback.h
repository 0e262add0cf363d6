/*
 * Requests that go to a plugin: sms_plugin_location.
 *
 * What a far end calls back (an operator's receipts, a registry's push) is given to
 * the plugin's http_in as it came, and what the plugin says is answered.  Who may
 * call is the plugin's to say.  The call has the budget of every other one and
 * ends at sms_timeout.  An error of the plugin's without a body is answered as a
 * problem.
 */
#ifndef NGX_SMS_CALLBACK_H
#define NGX_SMS_CALLBACK_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* the content handler of locations with sms_plugin_location */
ngx_int_t ngx_sms_callback_handler(ngx_http_request_t *r);

#endif /* NGX_SMS_CALLBACK_H */
