/*
 * Configuration of the module: one main structure, one per location.
 *
 * Everything here is read-only after the configuration was read.  What a
 * worker makes of it at run time lives in flow/ngx_sms_worker.h.
 */
#ifndef NGX_SMS_CONF_H
#define NGX_SMS_CONF_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sms_plugin.h"
#include "ngx_sms_timer_line.h"
#include "ngx_sms_worker.h"


/* where a directive stands, for faults that show when all has been read */
typedef struct {
    ngx_str_t                name;          /* of the directive               */
    ngx_str_t                file;
    ngx_uint_t               line;          /* 0: it is not there             */
} ngx_sms_place_t;


typedef struct {
    ngx_sms_settings_t       settings;      /* what the flow needs of it      */
    ngx_sms_plugins_t       *plugins;
    ngx_sms_zone_t          *zone;
    ngx_flag_t               unsafe_database;
    ngx_sms_place_t          handler;       /* the first sms_api or such      */
    ngx_sms_place_t          database;
    ngx_sms_place_t          sandbox;
    unsigned                 has_api:1;     /* some handler of ours           */
    ngx_array_t              locations;     /* ngx_sms_loc_conf_t *, of plugins */
} ngx_sms_main_conf_t;


typedef enum {
    NGX_SMS_HANDLER_NONE = 0,
    NGX_SMS_HANDLER_API,
    NGX_SMS_HANDLER_METRICS,
    NGX_SMS_HANDLER_HEALTH,
    NGX_SMS_HANDLER_PLUGIN,
    NGX_SMS_HANDLER_FORM
} ngx_sms_handler_e;


typedef struct {
    ngx_uint_t               handler;       /* ngx_sms_handler_e              */
    ngx_sms_place_t          place;         /* of the handler's directive     */
    ngx_str_t                plugin_name;   /* of sms_plugin_location         */
    ngx_sms_plugin_t        *plugin;        /* it                             */
    ngx_uint_t               rate;          /* requests a minute; 0: no limit */
    ngx_uint_t               burst;
    ngx_msec_t               timeout;       /* of one request                 */
    ngx_sms_timer_line_t     deadlines;     /* of that length                 */
    size_t                   max_body;      /* client_max_body_size           */
} ngx_sms_loc_conf_t;


extern ngx_module_t   ngx_http_sms_module;
extern ngx_command_t  ngx_sms_directives[];

/* by ngx_sms_handler_e */
extern const ngx_http_handler_pt  ngx_sms_conf_handlers[];

void *ngx_sms_conf_create_main(ngx_conf_t *cf);
char *ngx_sms_conf_init_main(ngx_conf_t *cf, void *conf);
void *ngx_sms_conf_create_loc(ngx_conf_t *cf);
char *ngx_sms_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child);

/* notes where the directive that is being read stands */
void ngx_sms_conf_place(ngx_conf_t *cf, ngx_sms_place_t *place);

/* the plugins of the configuration that is being read */
ngx_sms_plugins_t *ngx_sms_conf_plugins(ngx_conf_t *cf);

#endif /* NGX_SMS_CONF_H */
