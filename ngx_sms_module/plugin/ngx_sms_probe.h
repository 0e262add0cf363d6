/*
 * Tries a plugin in a throw-away child of the master, at "nginx -t", start and
 * reload: dlopen, key table, check(conf).
 *
 * The master itself never runs plugin code: it is root, and what it once
 * mapped its children would find again instead of a replaced file.  The child
 * drops privileges as a worker does.  Its verdict comes over a pipe (not by
 * exit status, which nginx's own SIGCHLD handler might collect); without one
 * within NGX_SMS_PROBE_MS it is killed.  It is reaped by its pid.
 */
#ifndef NGX_SMS_PROBE_H
#define NGX_SMS_PROBE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_keys.h"
#include "ngx_sms_plugin.h"


#define NGX_SMS_PROBE_MS  2000


/* NGX_OK, or NGX_ERROR: *err tells, err->value is the key's index or -1 */
ngx_int_t ngx_sms_probe(ngx_sms_plugin_t *p, ngx_cycle_t *cycle,
    ngx_sms_keys_error_t *err);

#endif /* NGX_SMS_PROBE_H */
