/*
 * bad_consent.c - calls a consent granted without saying when.
 */
#include "broken.h"


static sms_rc_t
broken_lookup(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    uint32_t  i;

    (void) inst;
    (void) call;
    for (i = 0; i < batch->n; i++) {
        SMS_AT(sms_consent_t, batch->results, batch->result_stride, i)->state
            = SMS_CONSENT_GRANTED;
    }

    return SMS_OK;
}


BROKEN(SMS_KIND_CONSENT, .init = broken_init, .exit = broken_exit,
       .consent_lookup = broken_lookup);
