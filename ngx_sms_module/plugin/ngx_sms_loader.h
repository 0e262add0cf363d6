/*
 * dlopen and the table of functions.  In workers and in the probe child only.
 *
 * RTLD_NOW      a missing symbol shows now, not in the middle of a call
 * RTLD_LOCAL    plugins do not see one another
 * RTLD_NODELETE never unmapped: stacks and atexit handlers keep their code
 */
#ifndef NGX_SMS_LOADER_H
#define NGX_SMS_LOADER_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_plugin.h"


/* The table, after looking at its size, version and what the kind needs.
 * NULL: the reason is in buf[0..cap), NUL-terminated.                        */
const sms_ops_t *ngx_sms_loader_open(ngx_sms_plugin_t *p, u_char *buf,
    size_t cap);

#endif /* NGX_SMS_LOADER_H */
