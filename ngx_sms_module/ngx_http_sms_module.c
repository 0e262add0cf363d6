#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "sms_hash.h"
#include "ngx_sms_conf.h"
#include "ngx_sms_variables.h"


static ngx_int_t ngx_sms_init_process(ngx_cycle_t *cycle);
static void ngx_sms_exit_process(ngx_cycle_t *cycle);


static ngx_http_module_t  ngx_http_sms_module_ctx = {
    ngx_sms_variables_add,                 /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_sms_conf_create_main,              /* create main configuration */
    ngx_sms_conf_init_main,                /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_sms_conf_create_loc,               /* create location configuration */
    ngx_sms_conf_merge_loc                 /* merge location configuration */
};


ngx_module_t  ngx_http_sms_module = {
    NGX_MODULE_V1,
    &ngx_http_sms_module_ctx,              /* module context */
    ngx_sms_directives,                    /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_sms_init_process,                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_sms_exit_process,                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_sms_init_process(ngx_cycle_t *cycle)
{
    ngx_sms_main_conf_t  *smcf;

    /* the cache manager and loader run this too, as worker 0 */
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    smcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sms_module);

    if (smcf == NULL || !smcf->has_api) {
        return NGX_OK;
    }

    return ngx_sms_worker_start(cycle, &smcf->settings, smcf->plugins,
                                smcf->zone);
}


static void
ngx_sms_exit_process(ngx_cycle_t *cycle)
{
    ngx_sms_worker_end(cycle);
    sms_hash_done();
}
