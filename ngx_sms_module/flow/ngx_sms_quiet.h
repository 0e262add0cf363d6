/*
 * Sending hours of an account (C11, C18): commercial messages, and others where the
 * account says so, that are accepted outside of them.
 */
#ifndef NGX_SMS_QUIET_H
#define NGX_SMS_QUIET_H

#include "ngx_sms_submission.h"


/*
 * Of a judged submission.  Where the account only wants to be told, a finding says so.
 * Where it holds, the submission is scheduled for the moment the window opens, and a
 * finding tells when; a validity that is over by then is a fault (the validity does not
 * move).  What is accepted in time and waits until the window is closed, screen puts
 * off.  OTP and sandbox messages are left alone.
 */
void ngx_sms_quiet(ngx_sms_submission_t *sub);

#endif /* NGX_SMS_QUIET_H */
