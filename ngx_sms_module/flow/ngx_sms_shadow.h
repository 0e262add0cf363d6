/*
 * Rules that judge beside others, without any effect.
 *
 * A shadow ("shadow=" of sms_plugin) gets texts that the rule it stands beside has
 * judged, after the decision, and at most the configured share of them.  Where its
 * verdict would have led to another decision, that is counted by finding, with ids of
 * messages, and stored every few seconds (sms.rule_shadow).  Nothing else comes of it:
 * it delays, refuses and warns nobody, and when it fails or hangs that is counted.
 */
#ifndef NGX_SMS_SHADOW_H
#define NGX_SMS_SHADOW_H

#include "ngx_sms_plugin.h"
#include "ngx_sms_submission.h"


/* of this worker */
void ngx_sms_shadow_init(ngx_sms_plugins_t *plugins, ngx_log_t *log);

/* the worker leaves: what is counted is stored */
void ngx_sms_shadow_stop(void);

/* before plugins end: lets go of what is still being judged */
void ngx_sms_shadow_exit(void);

/* a submission whose rules have spoken; held while shadows judge it */
void ngx_sms_shadow(ngx_sms_submission_t *sub);

#endif /* NGX_SMS_SHADOW_H */
