#include "ngx_sms_halts.h"

#include "ngx_sms_dispatch.h"
#include "ngx_sms_link.h"
#include "ngx_sms_store_operator.h"


static void ngx_sms_halts_answer(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_halts_apply(ngx_sms_plugin_t *p,
    const ngx_sms_pg_res_t *res);
static void ngx_sms_halts_link(ngx_sms_link_t *link);


static ngx_sms_plugins_t      *ngx_sms_halts_plugins;
static ngx_sms_store_query_t  *ngx_sms_halts_query;
static ngx_uint_t              ngx_sms_halts_again;
static ngx_log_t              *ngx_sms_halts_log;


void
ngx_sms_halts_init(ngx_sms_plugins_t *plugins, ngx_log_t *log)
{
    ngx_sms_halts_plugins = plugins;
    ngx_sms_halts_query = NULL;
    ngx_sms_halts_again = 0;
    ngx_sms_halts_log = log;
}


void
ngx_sms_halts_exit(void)
{
    if (ngx_sms_halts_query) {
        ngx_sms_store_query_forget(ngx_sms_halts_query);
        ngx_sms_halts_query = NULL;
    }
}


void
ngx_sms_halts_read(void)
{
    /* an answer that is on its way may be of before */
    if (ngx_sms_halts_query) {
        ngx_sms_halts_again = 1;
        return;
    }

    ngx_sms_halts_again = 0;
    ngx_sms_halts_query = ngx_sms_store_link_halts(ngx_sms_halts_answer, NULL);
}


static void
ngx_sms_halts_answer(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t          i;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **p;

    (void) data;

    ngx_sms_halts_query = NULL;

    /* a lost connection is followed by another, and by another look */
    if (res->rc == NGX_SMS_PG_OK) {

        list = &ngx_sms_halts_plugins->kinds[SMS_KIND_OPERATOR];
        p = list->elts;

        for (i = 0; i < list->nelts; i++) {
            ngx_sms_halts_apply(p[i], res);
        }

    } else if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_halts_log, 0,
                      "sms halts: not read: sqlstate=%s", res->sqlstate);
    }

    if (ngx_sms_halts_again) {
        ngx_sms_halts_read();
    }
}


static void
ngx_sms_halts_apply(ngx_sms_plugin_t *p, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t                i, halt, unbind;
    ngx_sms_store_halt_row_t  row;

    static const char *const  names[] = { "open", "drained", "stopped" };

    halt = NGX_SMS_LINK_OPEN;
    unbind = 0;

    for (i = 0; i < res->nrows; i++) {
        if (ngx_sms_store_halt_row(res, i, &row) == NGX_OK
            && row.link == (int64_t) p->link)
        {
            halt = row.halt == NGX_SMS_LINK_DRAINED ? NGX_SMS_LINK_DRAINED
                                                    : NGX_SMS_LINK_STOPPED;
            unbind = row.unbind;
        }
    }

    if (p->halt == halt && p->unbind == unbind) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_sms_halts_log, 0,
                  "sms halts: link changed: link=%uD name=%V state=%s%s",
                  p->link, &p->name, names[halt], unbind ? " without binds" : "");

    p->halt = halt & 3;
    p->unbind = unbind & 1;
    ngx_sms_halts_link(p->user);
}


static void
ngx_sms_halts_link(ngx_sms_link_t *link)
{
    ngx_uint_t  i;

    for (i = 0; i < link->nbinds; i++) {
        if (link->binds[i].lease) {
            ngx_sms_lease_pause(link->binds[i].lease, link->plugin->unbind);
        }
    }

    link->drained = 0;
    link->drained_otp = 0;

    if (link->plugin->halt == NGX_SMS_LINK_OPEN && link->nheld) {
        ngx_sms_dispatch_poke(link->id, 1);
        ngx_sms_dispatch_poke(link->id, 0);
    }
}


ngx_sms_link_halt_e
ngx_sms_halt_of(ngx_sms_plugins_t *plugins, uint32_t link)
{
    ngx_sms_plugin_t  *p;

    p = ngx_sms_plugin_by_link(plugins, link);

    return p ? (ngx_sms_link_halt_e) p->halt : NGX_SMS_LINK_OPEN;
}
