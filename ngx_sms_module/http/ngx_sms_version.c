#include "ngx_sms_version.h"

#include "sms_plugin.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store.h"


#define NGX_SMS_VERSION  "0.1.0"


void
ngx_sms_version(ngx_sms_ctx_t *ctx)
{
    u_char      *p, abi[32];
    sms_json_t   w;

    p = ngx_sprintf(abi, "%d.%d", SMS_ABI_MAJOR, SMS_ABI_MINOR);

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    sms_json_object(&w);
    sms_json_key(&w, "name");
    sms_json_cstr(&w, "ngx_sms");
    sms_json_key(&w, "version");
    sms_json_cstr(&w, NGX_SMS_VERSION);
    sms_json_key(&w, "api");
    sms_json_cstr(&w, "v1");
    sms_json_key(&w, "plugin_abi");
    sms_json_str(&w, (const char *) abi, (size_t) (p - abi));
    sms_json_key(&w, "schema");
    sms_json_int(&w, ngx_sms_store.schema);
    sms_json_end(&w);

    ngx_sms_respond_written(ctx, NGX_HTTP_OK, &w);
}
