/*
 * Inquiries: the holder of a bind asks its operator about parts of which nothing is
 * known (D7), and about receipts that are overdue.
 *
 * sms.ask has the parts.  Each is asked about by operator_query, and where the operator
 * cannot be asked so, because its answer and so its id never came, taken back by
 * operator_cancel: what could be taken back had arrived and did not go out.  A few at a
 * time, one batch after the other, so that asking takes little of a bind.  What is
 * lost on the way is asked again later.
 */
#ifndef NGX_SMS_INQUIRY_H
#define NGX_SMS_INQUIRY_H

#include "ngx_sms_link.h"


/* a bind of the link is held; nothing where its adapter can answer nothing */
void ngx_sms_inquiry_start(ngx_sms_link_t *link);

/* none is held any more, or the worker leaves */
void ngx_sms_inquiry_stop(ngx_sms_link_t *link);

/* forgets what is under way */
void ngx_sms_inquiry_exit(ngx_sms_link_t *link);

#endif /* NGX_SMS_INQUIRY_H */
