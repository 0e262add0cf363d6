/*
 * Idempotency keys of this worker whose submissions are on their way to the
 * database.  Two of one batch would meet as a broken unique key; between
 * workers the account's lock orders them (D6).
 */
#ifndef NGX_SMS_INTAKE_KEYS_H
#define NGX_SMS_INTAKE_KEYS_H

#include "ngx_sms_submission.h"


void ngx_sms_intake_keys_init(void);

/* 1: the account's key is on its way */
ngx_uint_t ngx_sms_intake_keys_pending(ngx_sms_submission_t *sub);

/* 1: taken until it is released; 0: it is on its way already */
ngx_uint_t ngx_sms_intake_keys_take(ngx_sms_submission_t *sub);
void ngx_sms_intake_keys_release(ngx_sms_submission_t *sub);

#endif /* NGX_SMS_INTAKE_KEYS_H */
