#include "ngx_sms_variables.h"

#include "sms_id.h"
#include "ngx_sms_request.h"


typedef enum {
    NGX_SMS_VAR_REQUEST_ID = 0,
    NGX_SMS_VAR_ACCOUNT,
    NGX_SMS_VAR_KEY,
    NGX_SMS_VAR_ACCEPTED,
    NGX_SMS_VAR_REJECTED,
    NGX_SMS_VAR_PARTS,
    NGX_SMS_VAR_COST,
    NGX_SMS_VAR_PROBLEM,
    NGX_SMS_VAR_REPLAYED
} ngx_sms_variable_e;


static ngx_int_t ngx_sms_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_sms_variables[] = {

    { ngx_string("sms_request_id"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_REQUEST_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_account"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_ACCOUNT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_key_id"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_KEY, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_accepted"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_ACCEPTED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_rejected"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_REJECTED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_parts"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_PARTS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_cost_micro"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_COST, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_problem"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_PROBLEM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sms_replayed"), NULL, ngx_sms_variable,
      NGX_SMS_VAR_REPLAYED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    ngx_http_null_variable
};


ngx_int_t
ngx_sms_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_sms_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char         *p, *last;
    ngx_sms_ctx_t  *ctx;

    ctx = ngx_sms_request_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, SMS_ID_LEN_MAX + 64);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = p;

    switch (data) {

    case NGX_SMS_VAR_REQUEST_ID:
        last = ngx_cpymem(p, ctx->request_id.data, ctx->request_id.len);
        break;

    case NGX_SMS_VAR_ACCOUNT:
        if (ctx->known) {
            last = p + sms_id_print("acc", ctx->account_id, (char *) p);
        }

        break;

    case NGX_SMS_VAR_KEY:
        if (ctx->known) {
            last = ngx_cpymem(p, ctx->key_id, SMS_KEY_ID_LEN);
        }

        break;

    case NGX_SMS_VAR_ACCEPTED:
        last = ngx_sprintf(p, "%ui", ctx->accepted);
        break;

    case NGX_SMS_VAR_REJECTED:
        last = ngx_sprintf(p, "%ui", ctx->rejected);
        break;

    case NGX_SMS_VAR_PARTS:
        last = ngx_sprintf(p, "%ui", ctx->parts);
        break;

    case NGX_SMS_VAR_COST:
        last = ngx_sprintf(p, "%L", ctx->cost_micro);
        break;

    case NGX_SMS_VAR_PROBLEM:
        if (ctx->problem) {
            last = ngx_sprintf(p, "%s", sms_problem_info(ctx->problem)->code);
        }

        break;

    default:
        last = ngx_sprintf(p, "%ui", (ngx_uint_t) ctx->replayed);
    }

    v->len = (unsigned) (last - p);
    v->data = p;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;

    return NGX_OK;
}
