/*
 * What the plugins say of a submission: rules, network, price, route.
 *
 * Send and preview run the same code.  Each distinct text is judged once, each
 * recipient is looked up, priced and routed.  A plugin that needs time parks this
 * submission alone; a lookup for as long as its "wait=" says, because a message
 * can be routed by its prefix.
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

/* 1: the request confirms findings of this code */
ngx_uint_t ngx_sms_judge_confirmed(ngx_sms_submission_t *sub, sms_str_t code);

#endif /* NGX_SMS_JUDGE_H */
