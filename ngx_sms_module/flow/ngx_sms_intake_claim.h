/*
 * Messages that are claimed with their acceptance: a batch of intake whose
 * messages may go to the wire at once, over a bind that this worker holds, is
 * not queued.  Its claim is committed with it, so whoever dies now leaves a claim
 * that upkeep decides, as of any other (docs/decisions/claimed-at-intake.md).
 */
#ifndef NGX_SMS_INTAKE_CLAIM_H
#define NGX_SMS_INTAKE_CLAIM_H

#include "ngx_sms_dispatch.h"
#include "ngx_sms_pg_batch.h"


/* NULL: the batch is to be queued.  A promise that nobody keeps is broken with
 * the flight's pool. */
ngx_sms_promise_t *ngx_sms_intake_promise(ngx_sms_pg_flight_t *f);

/* the batch has its answer: its messages go to the wire, or the promise is
 * broken; before the entries are taken out */
void ngx_sms_intake_claimed(ngx_sms_pg_flight_t *f,
    ngx_sms_promise_t *promise, const ngx_sms_pg_res_t *res);

#endif /* NGX_SMS_INTAKE_CLAIM_H */
