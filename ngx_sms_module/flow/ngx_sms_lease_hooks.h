/*
 * Leases that plugins want: an operator's is a bind of its link, any other's is
 * "plugin/<instance>/<name>", held by one worker of all nodes.
 */
#ifndef NGX_SMS_LEASE_HOOKS_H
#define NGX_SMS_LEASE_HOOKS_H

#include "ngx_sms_plugin.h"

/* as sms_core_api_t has them */
sms_rc_t ngx_sms_lease_hook_want(ngx_sms_plugin_t *p, sms_str_t name);
void ngx_sms_lease_hook_drop(ngx_sms_plugin_t *p, sms_str_t name);
int ngx_sms_lease_hook_valid(ngx_sms_plugin_t *p, sms_str_t name);

#endif /* NGX_SMS_LEASE_HOOKS_H */
