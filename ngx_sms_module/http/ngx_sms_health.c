#include "ngx_sms_health.h"

#include "ngx_sms_dispatch.h"
#include "ngx_sms_intake.h"
#include "ngx_sms_page.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store.h"
#include "ngx_sms_worker.h"


static void ngx_sms_health_database(sms_json_t *w);
static void ngx_sms_health_plugins(sms_json_t *w);


ngx_int_t
ngx_sms_health_handler(ngx_http_request_t *r)
{
    ngx_buf_t    *b;
    sms_json_t    w;
    ngx_uint_t    ready;
    ngx_chain_t   out;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    ready = ngx_sms_store_ready();

    ngx_sms_respond_json_init(&w, r->pool);
    sms_json_object(&w);
    sms_json_key(&w, "status");
    sms_json_cstr(&w, ready ? "ok" : "unavailable");
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
