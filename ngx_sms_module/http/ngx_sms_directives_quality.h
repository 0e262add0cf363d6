/*
 * sms_quality: by what links are judged.
 */
#ifndef NGX_SMS_DIRECTIVES_QUALITY_H
#define NGX_SMS_DIRECTIVES_QUALITY_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_quality.h"


void ngx_sms_directives_quality_default(ngx_sms_quality_conf_t *q);

char *ngx_sms_directives_quality(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

#endif /* NGX_SMS_DIRECTIVES_QUALITY_H */
