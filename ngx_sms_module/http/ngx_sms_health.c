#include "ngx_sms_health.h"

#include "ngx_sms_dispatch.h"
#include "ngx_sms_intake.h"
#include "ngx_sms_page.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store.h"
#include "ngx_sms_worker.h"


static const char *ngx_sms_health_status(void);
static void ngx_sms_health_database(sms_json_t *w);
static void ngx_sms_health_plugins(sms_json_t *w);


static const char  ngx_sms_health_ok[] = "ok";


ngx_int_t
ngx_sms_health_handler(ngx_http_request_t *r)
{
    ngx_buf_t    *b;
    sms_json_t    w;
    ngx_uint_t    ready;
    const char   *status;
    ngx_chain_t   out;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        (void) ngx_sms_respond_header(r, "Allow", "GET, HEAD", 9);
        return NGX_HTTP_NOT_ALLOWED;
    }

    status = ngx_sms_health_status();
    ready = status == ngx_sms_health_ok;

    ngx_sms_respond_json_init(&w, r->pool);
    sms_json_object(&w);
    sms_json_key(&w, "status");
    sms_json_cstr(&w, status);
    sms_json_key(&w, "waiting_rows");
    sms_json_int(&w, (int64_t) ngx_sms_intake_waiting());
    sms_json_key(&w, "schema");
    sms_json_int(&w, ngx_sms_store.schema);
    ngx_sms_health_database(&w);
    ngx_sms_health_plugins(&w);
    sms_json_end(&w);

    b = ngx_calloc_buf(r->pool);

    if (b == NULL || sms_json_done(&w) != SMS_JSON_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = (u_char *) w.buf;
    b->last = b->pos + w.len;
    b->memory = 1;
    out.buf = b;
    out.next = NULL;

    return ngx_sms_page_send(r, ready ? NGX_HTTP_OK
                                      : NGX_HTTP_SERVICE_UNAVAILABLE,
                             "application/json; charset=utf-8", &out);
}


/*
 * Whether a request would be taken: the database, and each plugin that is asked
 * before the answer, unless its policy is to go on without it.  "starting" is a
 * plugin that says not yet, "unavailable" what may need somebody to look.
 */

static const char *
ngx_sms_health_status(void)
{
    ngx_uint_t          i, k;
    ngx_array_t        *list;
    const char         *status;
    ngx_sms_plugin_t  **p;

    static const sms_kind_t  kinds[] = {
        SMS_KIND_RULE, SMS_KIND_BILLING, SMS_KIND_ROUTER
    };

    if (!ngx_sms_store_ready()) {
        return "unavailable";
    }

    status = ngx_sms_health_ok;

    for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {

        list = &ngx_sms_worker.plugins->kinds[kinds[k]];
        p = list->elts;

        for (i = 0; i < list->nelts; i++) {

            if (p[i]->on_error == NGX_SMS_ON_ERROR_ALLOW
                || ngx_sms_plugin_ready(p[i]))
            {
                continue;
            }

            if (!ngx_sms_plugin_usable(p[i])) {
                return "unavailable";
            }

            status = "starting";
        }
    }

    return status;
}


static void
ngx_sms_health_database(sms_json_t *w)
{
    ngx_uint_t           i;
    ngx_sms_pg_info_t    info;
    ngx_sms_pg_conn_t  **slot;

    static const char *const  names[] = {
        "write", "bulk", "read", "flow", "control"
    };

    slot = &ngx_sms_store.write;

    sms_json_key(w, "database");
    sms_json_object(w);
    sms_json_key(w, "unsafe");
    sms_json_bool(w, ngx_sms_store.unsafe != 0);

    ngx_sms_pg_conn_info(slot[0], &info);
    sms_json_key(w, "fsync");
    sms_json_bool(w, info.fsync);
    sms_json_key(w, "full_page_writes");
    sms_json_bool(w, info.full_page_writes);
    sms_json_key(w, "synchronous_commit");
    sms_json_cstr(w, info.synchronous_commit);
    sms_json_key(w, "connections");
    sms_json_array(w);

    for (i = 0; i < 5; i++) {
        ngx_sms_pg_conn_info(slot[i], &info);
        sms_json_object(w);
        sms_json_key(w, "name");
        sms_json_cstr(w, names[i]);
        sms_json_key(w, "state");
        sms_json_cstr(w, ngx_sms_pg_conn_state_name(info.state));
        sms_json_key(w, "reason");
        sms_json_cstr(w, info.reason);
        sms_json_end(w);
    }

    sms_json_end(w);
    sms_json_end(w);
}


static void
ngx_sms_health_plugins(sms_json_t *w)
{
    ngx_uint_t          i;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **p;

    list = &ngx_sms_worker.plugins->all;
    p = list->elts;

    sms_json_key(w, "plugins");
    sms_json_array(w);

    for (i = 0; i < list->nelts; i++) {

        sms_json_object(w);
        sms_json_key(w, "kind");
        sms_json_cstr(w, ngx_sms_plugin_kind_name(p[i]->kind));
        sms_json_key(w, "name");
        ngx_sms_respond_json_str(w, &p[i]->name);
        sms_json_key(w, "usable");
        sms_json_bool(w, ngx_sms_plugin_usable(p[i]) != 0);
        sms_json_key(w, "ready");
        sms_json_bool(w, ngx_sms_plugin_ready(p[i]) != 0);

        if (p[i]->why && !ngx_sms_plugin_usable(p[i])) {
            sms_json_key(w, "reason");
            sms_json_cstr(w, p[i]->why);
        }

        if (p[i]->kind == SMS_KIND_OPERATOR) {
            sms_json_key(w, "binds_here");
            sms_json_int(w, (int64_t) ngx_sms_dispatch_binds(p[i]->link));
            sms_json_key(w, "window");
            sms_json_int(w, ngx_sms_plugin_window(p[i]));
        }

        sms_json_end(w);
    }

    sms_json_end(w);
}
