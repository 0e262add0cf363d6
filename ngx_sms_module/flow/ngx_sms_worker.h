/*
 * A worker's life: what is started in init_process, in which order, and how it
 * ends.
 */
#ifndef NGX_SMS_WORKER_H
#define NGX_SMS_WORKER_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_judge.h"
#include "ngx_sms_pg_conf.h"
#include "ngx_sms_plugin.h"
#include "ngx_sms_quality.h"
#include "ngx_sms_screen.h"
#include "ngx_sms_sign.h"
#include "ngx_sms_zone.h"


typedef struct {
    ngx_str_t                database;      /* connection string              */
    ngx_sms_pg_conf_t        pg;
    ngx_str_t                node;          /* name of this machine           */
    ngx_str_t                sandbox;       /* operator of test keys          */
    ngx_msec_t               consent_max_age;
    ngx_sms_quality_conf_t   quality;       /* what links are judged by       */
    const ngx_sms_sign_t    *evidence_key;  /* NULL: nothing is signed       */
    ngx_flag_t               webhook_private;   /* endpoints on this network  */
    ngx_resolver_t          *resolver;
    ngx_msec_t               resolver_timeout;
} ngx_sms_settings_t;


typedef struct {
    const ngx_sms_settings_t  *settings;
    ngx_sms_plugins_t         *plugins;
    ngx_sms_zone_t            *zone;
    ngx_sms_judge_conf_t       judge;
    ngx_sms_screen_conf_t      screen;
    ngx_uint_t                 running;
} ngx_sms_worker_t;


/* of this process; running 0 where there is no API */
extern ngx_sms_worker_t  ngx_sms_worker;


ngx_int_t ngx_sms_worker_start(ngx_cycle_t *cycle,
    const ngx_sms_settings_t *settings, ngx_sms_plugins_t *plugins,
    ngx_sms_zone_t *zone);
void ngx_sms_worker_end(ngx_cycle_t *cycle);

#endif /* NGX_SMS_WORKER_H */
