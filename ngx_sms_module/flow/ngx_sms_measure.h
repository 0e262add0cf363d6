/*
 * What needs nobody else: numbers to E.164, texts to parts.
 *
 * Marks recipients and bodies with their problems.  The texts must be in NFC.
 */
#ifndef NGX_SMS_MEASURE_H
#define NGX_SMS_MEASURE_H

#include "ngx_sms_submission.h"


/* NGX_OK, or NGX_ERROR without memory */
ngx_int_t ngx_sms_measure(ngx_sms_submission_t *sub);

#endif /* NGX_SMS_MEASURE_H */
