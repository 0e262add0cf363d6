/*
 * Intake: writes judged submissions, many in one commit.
 *
 * A submission that is charged and stored has problem SMS_PROBLEM_NONE when
 * sub->done(sub) runs.  Otherwise sub->problem, or sub->replayed where the same
 * request was accepted under its idempotency key before (D6).
 *
 * Blacklisted recipients are found by the commit itself; then the rest is
 * judged again, and sub->render(sub) is called before each writing so that what
 * is stored says what was done.
 */
#ifndef NGX_SMS_INTAKE_H
#define NGX_SMS_INTAKE_H

#include "ngx_sms_pg_batch.h"
#include "ngx_sms_submission.h"
#include "ngx_sms_zone.h"


ngx_int_t ngx_sms_intake_init(ngx_sms_zone_t *zone);
void ngx_sms_intake_exit(void);

/*
 * NGX_OK     on its way: sub->done(sub) follows unless it is abandoned
 * NGX_DONE   the same key is being written by this worker: 409
 * NGX_BUSY   too much waits: 503
 * NGX_ERROR  no memory
 */
ngx_int_t ngx_sms_intake(ngx_sms_submission_t *sub);

/*
 * Nobody waits any more.  1: it was not on its way to the database and will not
 * be written.  0: it is on its way and stays there.
 */
ngx_uint_t ngx_sms_intake_abandon(ngx_sms_submission_t *sub);

/* rows waiting for the database, for /health */
ngx_uint_t ngx_sms_intake_waiting(void);
/* of all its batchers together */
void ngx_sms_intake_info(ngx_sms_pg_batch_info_t *sum);

#endif /* NGX_SMS_INTAKE_H */
