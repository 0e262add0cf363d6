/*
 * iys_push.h - what İYS posts when a citizen approves or refuses.
 *
 * POST, HTTP Basic (RFC 7617) with push_username and push_password, a body
 * {"list":[{iysCode, brandCode, ...}]}.  200 goes out when the rows are
 * committed, within the five seconds that İYS waits; else 503, and the feed
 * tells them an hour later.  A location of https bound by sms_plugin_location.
 */
#ifndef IYS_PUSH_H
#define IYS_PUSH_H

#include "iys.h"

sms_rc_t iys_push_run(void *inst, sms_call_t token, const sms_batch_t *batch);
void iys_push_cancel(iys_t *iys, sms_call_t token);
/* The body that registers, or takes back, our address; malloc(), or NULL. */
char *iys_push_registration(iys_t *iys, int registers);
void iys_push_free(iys_t *iys);

#endif /* IYS_PUSH_H */
