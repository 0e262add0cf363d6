/*
 * Screen: commercial and scheduled messages whose time has come.
 *
 * One worker of the fleet holds the lease "screen".  It takes what is due,
 * asks for consent (what the mirror does not know freshly), chooses a route and
 * stores the answers.  Rows stay due until then, so a worker that dies loses
 * nothing, and the fence is the deletion of the due row.
 */
#ifndef NGX_SMS_SCREEN_H
#define NGX_SMS_SCREEN_H

#include "ngx_sms_judge.h"
#include "ngx_sms_zone.h"


typedef struct {
    ngx_sms_judge_conf_t     judge;
    ngx_msec_t               consent_max_age;   /* at submit (C3)             */
} ngx_sms_screen_conf_t;


ngx_int_t ngx_sms_screen_init(const ngx_sms_screen_conf_t *conf,
    ngx_sms_zone_t *zone, ngx_log_t *log);
void ngx_sms_screen_stop(void);
void ngx_sms_screen_exit(void);

/* this worker has accepted something that is due now */
void ngx_sms_screen_poke(void);

#endif /* NGX_SMS_SCREEN_H */
