#include "ngx_sms_conf.h"

#include <unistd.h>

#include "ngx_sms_callback.h"
#include "ngx_sms_directives_quality.h"
#include "ngx_sms_form.h"
#include "ngx_sms_health.h"
#include "ngx_sms_metrics.h"
#include "ngx_sms_request.h"


#define NGX_SMS_ZONE_SIZE     (16 * 1024 * 1024)
#define NGX_SMS_CONSENT_AGE   3600000       /* ms; the regulation names none  */
#define NGX_SMS_NODE_MAX      64
#define NGX_SMS_BODY_MAX      (16 * 1024 * 1024)    /* it is kept in memory */


static char *ngx_sms_conf_database(ngx_conf_t *cf, ngx_sms_main_conf_t *smcf);
static char *ngx_sms_conf_sandbox(ngx_conf_t *cf, ngx_sms_main_conf_t *smcf);
static char *ngx_sms_conf_locations(ngx_conf_t *cf, ngx_sms_main_conf_t *smcf);
static ngx_int_t ngx_sms_conf_node(ngx_conf_t *cf, ngx_str_t *node);
static char *ngx_sms_conf_handler(ngx_conf_t *cf, ngx_sms_loc_conf_t *conf);
static void ngx_sms_conf_at(ngx_conf_t *cf, const ngx_sms_place_t *place,
    ngx_conf_file_t *at);


/* by ngx_sms_handler_e */
const ngx_http_handler_pt  ngx_sms_conf_handlers[] = {
    NULL, ngx_sms_request_handler, ngx_sms_metrics_handler,
    ngx_sms_health_handler, ngx_sms_callback_handler, ngx_sms_form_handler
};


void *
ngx_sms_conf_create_main(ngx_conf_t *cf)
{
    ngx_sms_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_sms_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    smcf->plugins = ngx_sms_plugins_create(cf);
    if (smcf->plugins == NULL) {
        return NULL;
    }

    if (ngx_array_init(&smcf->locations, cf->pool, 4,
                       sizeof(ngx_sms_loc_conf_t *))
        != NGX_OK)
    {
        return NULL;
    }

    smcf->unsafe_database = NGX_CONF_UNSET;
    smcf->settings.consent_max_age = NGX_CONF_UNSET_MSEC;
    smcf->settings.webhook_private = NGX_CONF_UNSET;
    ngx_sms_directives_quality_default(&smcf->settings.quality);
    ngx_sms_pg_conf_unset(&smcf->settings.pg);

    return smcf;
}


char *
ngx_sms_conf_init_main(ngx_conf_t *cf, void *conf)
{
    ngx_sms_main_conf_t  *smcf = conf;

    ngx_str_t                  name = ngx_string("sms");
    ngx_sms_settings_t        *settings;
    ngx_http_core_loc_conf_t  *clcf;

    settings = &smcf->settings;

    ngx_conf_init_value(smcf->unsafe_database, 0);
    ngx_conf_init_msec_value(settings->consent_max_age, NGX_SMS_CONSENT_AGE);
    ngx_conf_init_value(settings->webhook_private, 0);
    ngx_conf_init_uint_value(settings->quality.off, 0);

    if (!smcf->has_api) {

        if (smcf->settings.database.len || smcf->plugins->all.nelts) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "nothing of \"sms_database\" and \"sms_plugin\" is "
                          "used or looked at: no location has \"sms_api\", "
                          "\"sms_metrics\", \"sms_health\" or "
                          "\"sms_plugin_location\"");
        }

        return NGX_CONF_OK;
    }

    if (settings->node.len == 0
        && ngx_sms_conf_node(cf, &settings->node) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (smcf->zone == NULL) {
        smcf->zone = ngx_sms_zone_create(cf, &name, NGX_SMS_ZONE_SIZE,
                                         &ngx_http_sms_module);
        if (smcf->zone == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    /* the http block's resolver serves the workers' own connections */
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    settings->resolver = clcf->resolver;
    settings->resolver_timeout = clcf->resolver_timeout
                                 == NGX_CONF_UNSET_MSEC
                                 ? 30000 : clcf->resolver_timeout;
    settings->pg.unsafe = smcf->unsafe_database;

    if (ngx_sms_conf_database(cf, smcf) != NGX_CONF_OK
        || ngx_sms_conf_locations(cf, smcf) != NGX_CONF_OK
        || ngx_sms_plugins_init_conf(cf, smcf->plugins) != NGX_CONF_OK
        || ngx_sms_conf_sandbox(cf, smcf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sms_conf_database(ngx_conf_t *cf, ngx_sms_main_conf_t *smcf)
{
    ngx_int_t         rc;
    ngx_conf_file_t   at, *end;

    end = cf->conf_file;

    if (smcf->settings.database.len == 0) {
        ngx_sms_conf_at(cf, &smcf->handler, &at);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" needs \"sms_database\" in the http block",
                           &smcf->handler.name);
        cf->conf_file = end;
        return NGX_CONF_ERROR;
    }

    ngx_sms_conf_at(cf, &smcf->database, &at);
    rc = ngx_sms_pg_conf_init(cf, &smcf->settings.pg, &smcf->settings.database,
                              smcf->settings.resolver,
                              smcf->settings.resolver_timeout);
    cf->conf_file = end;

    return rc == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* which plugins get requests: they are asked whether they take some */

static char *
ngx_sms_conf_locations(ngx_conf_t *cf, ngx_sms_main_conf_t *smcf)
{
    ngx_uint_t            i;
    ngx_conf_file_t       at, *end;
    ngx_sms_loc_conf_t  **slcf;

    slcf = smcf->locations.elts;

    for (i = 0; i < smcf->locations.nelts; i++) {

        slcf[i]->plugin = ngx_sms_plugin_find(smcf->plugins,
                                              &slcf[i]->plugin_name);

        if (slcf[i]->plugin == NULL) {
            end = cf->conf_file;
            ngx_sms_conf_at(cf, &slcf[i]->place, &at);
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"sms_plugin_location\" needs the name of an "
                               "\"sms_plugin\" block: \"%V\" is none",
                               &slcf[i]->plugin_name);
            cf->conf_file = end;
            return NGX_CONF_ERROR;
        }

        slcf[i]->plugin->location_file = slcf[i]->place.file;
        slcf[i]->plugin->location_line = slcf[i]->place.line;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sms_conf_sandbox(ngx_conf_t *cf, ngx_sms_main_conf_t *smcf)
{
    ngx_conf_file_t    at, *end;
    ngx_sms_plugin_t  *sandbox;

    if (smcf->sandbox.line == 0) {
        return NGX_CONF_OK;
    }

    sandbox = ngx_sms_plugin_find(smcf->plugins, &smcf->settings.sandbox);

    if (sandbox && sandbox->kind == SMS_KIND_OPERATOR) {
        return NGX_CONF_OK;
    }

    end = cf->conf_file;
    ngx_sms_conf_at(cf, &smcf->sandbox, &at);
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"sms_sandbox\" needs the name of an \"sms_plugin "
                       "operator\" block: \"%V\" is none",
                       &smcf->settings.sandbox);
    cf->conf_file = end;

    return NGX_CONF_ERROR;
}


void
ngx_sms_conf_place(ngx_conf_t *cf, ngx_sms_place_t *place)
{
    ngx_str_t  *value;

    value = cf->args->elts;
    place->name = value[0];

    if (cf->conf_file) {
        place->file = cf->conf_file->file.name;
        place->line = cf->conf_file->line;
    }

    /* from "nginx -g" */
    if (place->line == 0) {
        place->line = 1;
    }
}


/* what is logged next is said to stand there */

static void
ngx_sms_conf_at(ngx_conf_t *cf, const ngx_sms_place_t *place,
    ngx_conf_file_t *at)
{
    ngx_memzero(at, sizeof(ngx_conf_file_t));
    at->file.name = place->file;
    at->line = place->line;

    /* NGX_INVALID_FILE is taken for the command line */
    at->file.fd = 0;
    cf->conf_file = at;
}


static ngx_int_t
ngx_sms_conf_node(ngx_conf_t *cf, ngx_str_t *node)
{
    u_char  name[NGX_SMS_NODE_MAX + 1];

    if (gethostname((char *) name, sizeof(name)) != 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "gethostname() failed; set \"sms_node\"");
        return NGX_ERROR;
    }

    name[NGX_SMS_NODE_MAX] = '\0';
    node->len = ngx_strlen(name);
    node->data = ngx_pnalloc(cf->pool, node->len);

    if (node->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(node->data, name, node->len);

    return NGX_OK;
}


void *
ngx_sms_conf_create_loc(ngx_conf_t *cf)
{
    ngx_sms_loc_conf_t  *slcf;

    slcf = ngx_pcalloc(cf->pool, sizeof(ngx_sms_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    slcf->rate = NGX_CONF_UNSET_UINT;
    slcf->burst = NGX_CONF_UNSET_UINT;
    slcf->timeout = NGX_CONF_UNSET_MSEC;

    return slcf;
}


char *
ngx_sms_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_sms_loc_conf_t  *prev = parent;
    ngx_sms_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    /* one directive: a rate of one's own does not take another's burst */
    if (conf->rate == NGX_CONF_UNSET_UINT) {
        ngx_conf_init_uint_value(prev->rate, 600);
        conf->rate = prev->rate;
        conf->burst = prev->burst;
    }

    ngx_conf_init_uint_value(conf->burst, conf->rate);
    ngx_conf_merge_msec_value(conf->timeout, prev->timeout, 15000);
    ngx_sms_timer_line_init(&conf->deadlines, conf->timeout,
                            &cf->cycle->new_log);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* "if" and "limit_except" make no location of their own */
    if (conf->handler == NGX_SMS_HANDLER_NONE && clcf->handler == NULL
        && (clcf->noname || clcf->lmt_excpt))
    {
        conf->handler = prev->handler;
        conf->place = prev->place;
        conf->plugin = prev->plugin;
        clcf->handler = ngx_sms_conf_handlers[conf->handler];
    }

    return conf->handler ? ngx_sms_conf_handler(cf, conf) : NGX_CONF_OK;
}


/* the core has merged this location already, and its children */

static char *
ngx_sms_conf_handler(ngx_conf_t *cf, ngx_sms_loc_conf_t *conf)
{
    ngx_conf_file_t            at, *end;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != ngx_sms_conf_handlers[conf->handler]) {
        end = cf->conf_file;
        ngx_sms_conf_at(cf, &conf->place, &at);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "another directive of this location takes its "
                           "requests away from \"%V\"", &conf->place.name);
        cf->conf_file = end;
        return NGX_CONF_ERROR;
    }

    if (conf->handler != NGX_SMS_HANDLER_API
        && conf->handler != NGX_SMS_HANDLER_PLUGIN
        && conf->handler != NGX_SMS_HANDLER_FORM)
    {
        return NGX_CONF_OK;
    }

    /* nginx would answer a body that is too large with a page of its own */
    conf->max_body = conf->handler == NGX_SMS_HANDLER_FORM
                     ? NGX_SMS_FORM_BODY_MAX : NGX_SMS_BODY_MAX;

    if (clcf->client_max_body_size
        && clcf->client_max_body_size < (off_t) conf->max_body)
    {
        conf->max_body = (size_t) clcf->client_max_body_size;
    }

    clcf->client_max_body_size = 0;

    return NGX_CONF_OK;
}


ngx_sms_plugins_t *
ngx_sms_conf_plugins(ngx_conf_t *cf)
{
    ngx_sms_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sms_module);

    return smcf->plugins;
}
