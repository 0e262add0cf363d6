/*
 * The part of judging that is about the way: the networks of the recipients, the
 * links that may carry each text, and what routers said.  For ngx_sms_judge.c.
 */
#ifndef NGX_SMS_JUDGE_ROUTE_H
#define NGX_SMS_JUDGE_ROUTE_H

#include "ngx_sms_judge.h"
#include "ngx_sms_submission.h"


/* of each text; sub->problem without memory */
void ngx_sms_judge_eligible(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);

/* the answers of sub->taking */
void ngx_sms_judge_take_networks(ngx_sms_submission_t *sub);
void ngx_sms_judge_take_routes(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);

/* all routers were asked: recipients without a link are refused, and told why */
void ngx_sms_judge_unrouted(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);

#endif /* NGX_SMS_JUDGE_ROUTE_H */
