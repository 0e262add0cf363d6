#include "ngx_sms_conf.h"

#include "ngx_sms_directives_plugin.h"
#include "ngx_sms_directives_quality.h"


static char *ngx_sms_directive_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_sms_directive_evidence_key(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_sms_directive_handler(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_sms_directive_location(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_sms_directive_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_sms_directive_name(ngx_conf_t *cf, void *post, void *data);
static char *ngx_sms_directive_positive(ngx_conf_t *cf, void *post,
    void *data);


static ngx_conf_post_t  ngx_sms_directive_named = { ngx_sms_directive_name };
static ngx_conf_post_t  ngx_sms_directive_above_0
    = { ngx_sms_directive_positive };


/* documented in docs/DIRECTIVES.md, in this order */
ngx_command_t  ngx_sms_directives[] = {

    { ngx_string("sms_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.database),
      &ngx_sms_directive_named },

    { ngx_string("sms_unsafe_database"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, unsafe_database),
      NULL },

    { ngx_string("sms_database_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.pg.statement_timeout),
      &ngx_sms_directive_above_0 },

    { ngx_string("sms_database_queue"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.pg.queue_rows),
      &ngx_sms_directive_above_0 },

    { ngx_string("sms_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sms_directive_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sms_node"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.node),
      &ngx_sms_directive_named },

    { ngx_string("sms_sandbox"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.sandbox),
      &ngx_sms_directive_named },

    { ngx_string("sms_consent_max_age"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.consent_max_age),
      &ngx_sms_directive_above_0 },

    { ngx_string("sms_evidence_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sms_directive_evidence_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sms_webhook_private"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.webhook_private),
      NULL },

    { ngx_string("sms_quality"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_sms_directives_quality,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sms_main_conf_t, settings.quality),
      NULL },

    { ngx_string("sms_plugin_path"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sms_directives_plugin_path,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sms_plugin"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_1MORE,
      ngx_sms_directives_plugin_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sms_plugin_limits"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_sms_directives_plugin_limits,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sms_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_sms_directive_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_SMS_HANDLER_API,
      NULL },

    { ngx_string("sms_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_sms_directive_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sms_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sms_loc_conf_t, timeout),
      &ngx_sms_directive_above_0 },

    { ngx_string("sms_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_sms_directive_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_SMS_HANDLER_METRICS,
      NULL },

    { ngx_string("sms_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_sms_directive_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_SMS_HANDLER_HEALTH,
      NULL },

    { ngx_string("sms_form"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_sms_directive_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_SMS_HANDLER_FORM,
      NULL },

    { ngx_string("sms_plugin_location"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_sms_directive_location,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_SMS_HANDLER_PLUGIN,
      NULL },

    ngx_null_command
};


static char *
ngx_sms_directive_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sms_main_conf_t  *smcf = conf;

    ngx_str_t  *value;

    (void) cmd;

    if (smcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "zone=", 5) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\", want zone=name:size",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    smcf->zone = ngx_sms_zone_add(cf, &value[1], &ngx_http_sms_module);

    return smcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_sms_directive_evidence_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sms_main_conf_t  *smcf = conf;

    ngx_str_t   *value, file;
    const char  *why;

    (void) cmd;

    if (smcf->settings.evidence_key) {
        return "is duplicate";
    }

    value = cf->args->elts;
    file = value[1];

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    smcf->settings.evidence_key = ngx_sms_sign_load(cf->pool,
                                                    (const char *) file.data,
                                                    &why);

    if (smcf->settings.evidence_key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sms_evidence_key\" \"%V\": %s", &file, why);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sms_directive_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sms_loc_conf_t  *slcf = conf;

    ngx_sms_main_conf_t       *smcf;
    ngx_http_core_loc_conf_t  *clcf;

    if (slcf->handler) {
        return slcf->handler == cmd->offset
               ? "is duplicate"
               : "stands beside another of sms_api, sms_metrics, sms_health, "
                 "sms_form, sms_plugin_location";
    }

    slcf->handler = cmd->offset;
    ngx_sms_conf_place(cf, &slcf->place);

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sms_module);
    smcf->has_api = 1;

    if (smcf->handler.line == 0) {
        smcf->handler = slcf->place;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_sms_conf_handlers[cmd->offset];

    return NGX_CONF_OK;
}


/* which plugin it is shows when all blocks have been read */

static char *
ngx_sms_directive_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sms_loc_conf_t  *slcf = conf;

    char                 *rv;
    ngx_str_t            *value;
    ngx_sms_loc_conf_t  **slot;
    ngx_sms_main_conf_t  *smcf;

    rv = ngx_sms_directive_handler(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sms_module);
    slot = ngx_array_push(&smcf->locations);

    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    slcf->plugin_name = value[1];
    *slot = slcf;

    return NGX_CONF_OK;
}


/* after ngx_conf_set_str_slot() */

static char *
ngx_sms_directive_name(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t            *text = data;
    ngx_sms_main_conf_t  *smcf;

    (void) post;

    if (text->len == 0) {
        return "is empty";
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sms_module);

    if (text == &smcf->settings.database) {
        ngx_sms_conf_place(cf, &smcf->database);

    } else if (text == &smcf->settings.sandbox) {
        ngx_sms_conf_place(cf, &smcf->sandbox);
    }

    return NGX_CONF_OK;
}


/* after ngx_conf_set_msec_slot() and ngx_conf_set_num_slot() */

static char *
ngx_sms_directive_positive(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t  *n = data;

    (void) cf;
    (void) post;

    /* it would let nothing through, or wait for ever */
    return *n > 0 ? NGX_CONF_OK : "must be above 0";
}


/* sms_rate rate=600r/m [burst=100]; sms_rate off */

static char *
ngx_sms_directive_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sms_loc_conf_t  *slcf = conf;

    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i, scale;

    (void) cmd;

    if (slcf->rate != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        slcf->rate = 0;
        slcf->burst = 0;
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        s = value[i];

        if (s.len > 8 && ngx_strncmp(s.data, "rate=", 5) == 0
            && slcf->rate == NGX_CONF_UNSET_UINT)
        {

            scale = ngx_strncmp(s.data + s.len - 3, "r/s", 3) == 0 ? 60
                    : ngx_strncmp(s.data + s.len - 3, "r/m", 3) == 0 ? 1 : 0;
            n = ngx_atoi(s.data + 5, s.len - 8);

            if (scale && n > 0 && n <= 1000000) {
                slcf->rate = (ngx_uint_t) n * scale;
                continue;
            }

        } else if (s.len > 6 && ngx_strncmp(s.data, "burst=", 6) == 0
                   && slcf->burst == NGX_CONF_UNSET_UINT)
        {

            n = ngx_atoi(s.data + 6, s.len - 6);

            if (n > 0 && n <= 1000000) {
                slcf->burst = (ngx_uint_t) n;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"; allowed are, once, "
                           "\"rate=Nr/s\" or \"rate=Nr/m\", \"burst=N\" with N "
                           "from 1 to 1000000, or \"off\"", &s);
        return NGX_CONF_ERROR;
    }

    if (slcf->rate == NGX_CONF_UNSET_UINT) {
        return "needs \"rate=\"";
    }

    return NGX_CONF_OK;
}
