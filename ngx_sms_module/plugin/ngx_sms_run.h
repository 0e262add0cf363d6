/*
 * A run: one batch of flow/ on its way through one operation of one plugin, in
 * one call or in several (D16).  Private to plugin/; the public face is
 * ngx_sms_plugin.h.
 */
#ifndef NGX_SMS_RUN_H
#define NGX_SMS_RUN_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_plugin.h"


/* after a call has ended: posts done() when nothing is left */
void ngx_sms_run_check(ngx_sms_run_t *run);

/* Afterwards nothing pends and nothing more is given; what had no result has
 * "rc".  done() is not posted.                                               */
void ngx_sms_run_cancel(ngx_sms_run_t *run, sms_rc_t rc);

/* every one of these items has its rc as status, the run has it, too */
void ngx_sms_run_fail(ngx_sms_run_t *run, ngx_uint_t first, ngx_uint_t n,
    sms_rc_t rc);

/* the pool goes with the last reference */
void ngx_sms_run_unref(ngx_sms_run_t *run);

#endif /* NGX_SMS_RUN_H */
