/*
 * The last part of a round: which links may carry each message, where its number is
 * served now, and the link that a router chooses.
 *
 * ngx_sms_round_lookup() begins it; it ends with the round.
 */
#ifndef NGX_SMS_ROUND_ROUTE_H
#define NGX_SMS_ROUND_ROUTE_H

#include "ngx_sms_round.h"


void ngx_sms_round_lookup(ngx_sms_round_t *round);

/* a call has ended: of a lookup, of a router */
void ngx_sms_round_networks(ngx_sms_round_t *round);
void ngx_sms_round_routes(ngx_sms_round_t *round);

#endif /* NGX_SMS_ROUND_ROUTE_H */
