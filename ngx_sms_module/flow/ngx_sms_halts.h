/*
 * Links that an administrator has drained or stopped, as this worker knows them.
 *
 * The database decides: a claim on a halted link is refused there.  What is known
 * here keeps workers from asking for it, and lets routes go elsewhere; it is read
 * after each connect and at each NOTIFY sms_link.
 */
#ifndef NGX_SMS_HALTS_H
#define NGX_SMS_HALTS_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_plugin.h"


void ngx_sms_halts_init(ngx_sms_plugins_t *plugins, ngx_log_t *log);
void ngx_sms_halts_exit(void);

/* something has changed, or may have while nobody listened */
void ngx_sms_halts_read(void);

/* of a link that is configured here; others are open */
ngx_sms_link_halt_e ngx_sms_halt_of(ngx_sms_plugins_t *plugins, uint32_t link);

#endif /* NGX_SMS_HALTS_H */
