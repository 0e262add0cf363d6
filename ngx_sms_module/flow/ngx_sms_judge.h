/*
 * What the plugins say of a submission: rules, price, route.
 *
 * Send and preview run the same code.  Each distinct text is judged once, each
 * recipient is priced and routed.  A plugin that needs time parks this
 * submission alone.
 */
#ifndef NGX_SMS_JUDGE_H
#define NGX_SMS_JUDGE_H

#include "ngx_sms_plugin.h"
#include "ngx_sms_submission.h"


typedef struct {
    ngx_sms_plugins_t       *plugins;
    ngx_str_t                sandbox;       /* operator for test keys, or ""  */
} ngx_sms_judge_conf_t;


/*
 * NGX_OK: finished, sub->problem and the recipients' problems tell.
 * NGX_AGAIN: sub->done(sub) follows.
 */
ngx_int_t ngx_sms_judge(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);

/* nobody waits any more: sub->done will not run */
void ngx_sms_judge_abandon(ngx_sms_submission_t *sub);

/* 1 when the sender is approved on the operator behind the link */
ngx_uint_t ngx_sms_judge_eligible(const ngx_sms_judge_conf_t *conf,
    ngx_sms_sender_t *sender, ngx_uint_t test, uint32_t link);

/*
 * The first eligible link of a router's answer, 0 for none.  A sandbox key
 * always gets the sandbox's link.
 */
uint32_t ngx_sms_judge_link(const ngx_sms_judge_conf_t *conf,
    ngx_sms_sender_t *sender, ngx_uint_t test, const sms_route_t *route);

/* 1: a link of the route that may carry it was stopped by an administrator */
ngx_uint_t ngx_sms_judge_stopped(const ngx_sms_judge_conf_t *conf,
    ngx_sms_sender_t *sender, const sms_route_t *route);

#endif /* NGX_SMS_JUDGE_H */
