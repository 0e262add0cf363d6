/*
 * What the database refused of a submission, as sms.intake() says it.
 */
#ifndef NGX_SMS_INTAKE_REFUSED_H
#define NGX_SMS_INTAKE_REFUSED_H

#include "ngx_sms_submission.h"


/* Each marks recipients, or the submission; how many were, 0: it cannot be read.  */
ngx_uint_t ngx_sms_intake_blacklisted(ngx_sms_submission_t *sub,
    ngx_str_t *detail);
ngx_uint_t ngx_sms_intake_stopped(ngx_sms_submission_t *sub, ngx_str_t *detail);

#endif /* NGX_SMS_INTAKE_REFUSED_H */
