/*
 * The directives of plugins, all in http{}:
 *
 *   sms_plugin_path dir;
 *   sms_plugin kind name file.so [link=N] [operator=NAME]
 *              [on_error=defer|deny|allow] [order=N] {
 *       grant stream db ...;
 *       key value;
 *   }
 *   sms_plugin_limits name=value ...;
 *
 * Mistakes of the line itself are refused at once.  The file, its manifest and
 * its keys are looked at by ngx_sms_plugins_init_conf(), when the whole
 * configuration is known; the messages carry the file and line all the same.
 */
#ifndef NGX_SMS_DIRECTIVES_PLUGIN_H
#define NGX_SMS_DIRECTIVES_PLUGIN_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_plugin.h"


/* given by ngx_sms_conf.c: the collection of the main configuration */
ngx_sms_plugins_t *ngx_sms_conf_plugins(ngx_conf_t *cf);

/* sms_plugin: NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_1MORE */
char *ngx_sms_directives_plugin_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
/* sms_plugin_path: NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1 */
char *ngx_sms_directives_plugin_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
/* sms_plugin_limits: NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE */
char *ngx_sms_directives_plugin_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#endif /* NGX_SMS_DIRECTIVES_PLUGIN_H */
