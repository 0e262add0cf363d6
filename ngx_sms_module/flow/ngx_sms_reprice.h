/*
 * What texts of a preview or a check cost, as they are and repaired.
 *
 * A preview prices a repaired text for the recipients that use the text.  A check has no
 * recipients, so that each text and its repaired form are priced for one domestic mobile
 * number.  Prices are those of the plugin that prices what is sent.
 */
#ifndef NGX_SMS_REPRICE_H
#define NGX_SMS_REPRICE_H

#include "ngx_sms_plugin.h"
#include "ngx_sms_submission.h"


/*
 * Repairs the texts of a submission whose rules have spoken, and sets price_micro (of a
 * check), repaired, repaired_count and repaired_micro of its bodies; a price stays -1
 * where there is none.
 *
 * NGX_OK: finished.  NGX_AGAIN: sub->run works, the submission is held, and "done(sub)"
 * follows, unless the run is abandoned; who gets it lets go of the submission.
 */
ngx_int_t ngx_sms_reprice(ngx_sms_submission_t *sub,
    ngx_sms_plugins_t *plugins, ngx_sms_submission_pt done);

#endif /* NGX_SMS_REPRICE_H */
