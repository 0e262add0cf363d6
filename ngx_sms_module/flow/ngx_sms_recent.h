/*
 * What an account has sent to a number lately: ceilings of OTPs (C11) and texts that
 * come twice.
 *
 * It is remembered in shared memory, by each node for itself, for all its workers and
 * over reloads; after a restart, or where a full dictionary had to forget, it begins
 * anew, and on n nodes a number may get n times as much.  A ceiling counts from the
 * first OTP of its minute, hour or day.  So this is a guard against mistakes and
 * floods; what must not happen twice has an Idempotency-Key, which is exact.
 *
 * Nothing is kept that names a number or a text: keys are hashes.  Accounts that have
 * set no repeats, and whatever is no OTP, pay nothing but an "if".
 */
#ifndef NGX_SMS_RECENT_H
#define NGX_SMS_RECENT_H

#include "ngx_sms_submission.h"
#include "ngx_sms_zone.h"


/*
 * Of a judged submission, before it is written: notes each accepted recipient, and
 * refuses those that have had their share (otp-limit-reached, duplicate), or tells of
 * them.  A preview notes nothing.
 */
void ngx_sms_recent_take(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone);

/* Forgets what was noted of recipients that were not accepted; "all": of every one,
 * because nothing was written.                                               */
void ngx_sms_recent_give(ngx_sms_submission_t *sub, ngx_sms_zone_t *zone,
    ngx_uint_t all);

#endif /* NGX_SMS_RECENT_H */
