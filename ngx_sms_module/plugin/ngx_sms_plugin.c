#include "ngx_sms_plugin.h"

#include "sms_json_write.h"

#include "ngx_sms_manifest.h"
#include "ngx_sms_op.h"
#include "ngx_sms_plugin_live.h"
#include "ngx_sms_probe.h"


static ngx_int_t ngx_sms_plugin_locate(ngx_conf_t *cf, ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_check(ngx_conf_t *cf, ngx_sms_plugin_t *p);
static void ngx_sms_plugin_stamp(ngx_sms_plugin_t *p);
static ngx_int_t ngx_sms_plugin_sort(ngx_conf_t *cf,
    ngx_sms_plugins_t *plugins);
static ngx_int_t ngx_sms_plugin_shadow(ngx_conf_t *cf, ngx_sms_plugin_t *p);
static void ngx_sms_plugin_unasked(ngx_conf_t *cf, ngx_array_t *kind);
static ngx_int_t ngx_sms_plugin_links(ngx_conf_t *cf,
    ngx_sms_plugins_t *plugins);
static void *ngx_sms_plugin_grow(void *data, void *p, size_t old, size_t n);


static const char  *ngx_sms_kind_names[NGX_SMS_KINDS] = {
    "rule", "consent", "billing", "router", "operator", "auth", "notifier",
    "payment", "signature", "lookup"
};

static const char  *ngx_sms_on_error_names[] = {
    NULL, "defer", "deny", "allow"
};

static const char  *ngx_sms_grant_names[] = {
    "stream", "http", "db", "dict", "metric", "outbox", "inbound"
};


ngx_sms_plugins_t *
ngx_sms_plugins_create(ngx_conf_t *cf)
{
    ngx_uint_t                i;
    ngx_sms_plugins_t        *plugins;
    ngx_sms_plugin_limits_t  *lim;

    plugins = ngx_pcalloc(cf->pool, sizeof(ngx_sms_plugins_t));
    if (plugins == NULL) {
        return NULL;
    }

    if (ngx_array_init(&plugins->all, cf->pool, 8, sizeof(ngx_sms_plugin_t *))
        != NGX_OK
        || ngx_array_init(&plugins->shadows, cf->pool, 1,
                          sizeof(ngx_sms_plugin_t *))
           != NGX_OK)
    {
        return NULL;
    }

    for (i = 0; i < NGX_SMS_KINDS; i++) {
        if (ngx_array_init(&plugins->kinds[i], cf->pool, 2,
                           sizeof(ngx_sms_plugin_t *))
            != NGX_OK)
        {
            return NULL;
        }
    }

    plugins->prefix = cf->cycle->prefix;

    lim = &plugins->limits;
    lim->calls = 1024;
    lim->call_bytes = 1024 * 1024;
    lim->timers = 4096;
    lim->watches = 256;
    lim->streams = 64;
    lim->requests = 256;
    lim->queries = 256;
    lim->stall = 250;
    lim->stalls = 3;
    lim->slow = 1000;
    lim->window = 60000;
    lim->crashes = 3;
    lim->crash_window = 600000;

    return plugins;
}


char *
ngx_sms_plugins_init_conf(ngx_conf_t *cf, ngx_sms_plugins_t *plugins)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **p;

    p = plugins->all.elts;

    if (ngx_sms_plugin_sort(cf, plugins) != NGX_OK
        || ngx_sms_plugin_links(cf, plugins) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    /* a check may want to know the links */

    for (i = 0; i < plugins->all.nelts; i++) {
        if (ngx_sms_plugin_locate(cf, p[i]) != NGX_OK
            || ngx_sms_plugin_check(cf, p[i]) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        ngx_sms_plugin_stamp(p[i]);
    }

    return NGX_CONF_OK;
}


/* a bare file name stands in sms_plugin_path, else in nginx's prefix */
static ngx_int_t
ngx_sms_plugin_locate(ngx_conf_t *cf, ngx_sms_plugin_t *p)
{
    u_char     *last;
    ngx_str_t   file, dir;

    file = p->path;
    dir = p->plugins->path;

    if (file.data[0] != '/' && dir.len) {
        p->path.len = dir.len + 1 + file.len;
        p->path.data = ngx_pnalloc(cf->pool, p->path.len + 1);

        if (p->path.data == NULL) {
            return NGX_ERROR;
        }

        last = ngx_sprintf(p->path.data, "%V/%V", &dir, &file);
        *last = '\0';
    }

    return ngx_conf_full_name(cf->cycle, &p->path, 0);
}


static ngx_int_t
ngx_sms_plugin_check(ngx_conf_t *cf, ngx_sms_plugin_t *p)
{
    u_char                   buf[256];
    ngx_sms_keys_error_t     err;
    ngx_sms_plugin_value_t  *v;

    if (ngx_sms_manifest_load((char *) p->path.data, &p->manifest, buf,
                              sizeof(buf), cf->log)
        != NGX_OK
        || ngx_sms_manifest_check(&p->manifest, p->kind, buf, sizeof(buf))
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sms_plugin \"%V\": \"%V\" %s in %V:%ui",
                      &p->name, &p->path, buf, &p->conf_file, p->conf_line);
        return NGX_ERROR;
    }

    if (ngx_sms_probe(p, cf->cycle, &err) == NGX_OK) {
        return NGX_OK;
    }

    if (err.value == -1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sms_plugin \"%V\": %s in %V:%ui",
                      &p->name, err.text, &p->conf_file, p->conf_line);

    } else {
        v = p->values.elts;
        v += err.value;

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sms_plugin \"%V\": %s in %V:%ui",
                      &p->name, err.text, &v->file, v->line);
    }

    return NGX_ERROR;
}


static void
ngx_sms_plugin_stamp(ngx_sms_plugin_t *p)
{
    uint32_t                 crc;
    ngx_uint_t               i;
    ngx_file_info_t          fi;
    ngx_sms_plugin_value_t  *v;

    ngx_crc32_init(crc);
    ngx_crc32_update(&crc, p->path.data, p->path.len);
    ngx_crc32_update(&crc, p->operator_name.data, p->operator_name.len);
    ngx_crc32_update(&crc, (u_char *) &p->kind, sizeof(p->kind));
    ngx_crc32_update(&crc, (u_char *) &p->link, sizeof(p->link));
    ngx_crc32_update(&crc, (u_char *) &p->grants, sizeof(p->grants));
    ngx_crc32_update(&crc, (u_char *) &p->wait, sizeof(p->wait));
    ngx_crc32_update(&crc, (u_char *) &p->order, sizeof(p->order));
    ngx_crc32_update(&crc, (u_char *) &p->on_error, sizeof(p->on_error));

    v = p->values.elts;

    for (i = 0; i < p->values.nelts; i++) {
        ngx_crc32_update(&crc, v[i].name.data, v[i].name.len);
        ngx_crc32_update(&crc, v[i].value.data, v[i].value.len);
    }

    if (ngx_file_info(p->path.data, &fi) != NGX_FILE_ERROR) {
        ngx_crc32_update(&crc, (u_char *) &fi.st_mtim, sizeof(fi.st_mtim));
        ngx_crc32_update(&crc, (u_char *) &fi.st_ino, sizeof(fi.st_ino));
    }

    ngx_crc32_final(crc);

    p->stamp = crc;
}


/* insertion: stable, and there are few */
static ngx_int_t
ngx_sms_plugin_sort(ngx_conf_t *cf, ngx_sms_plugins_t *plugins)
{
    ngx_uint_t          i, j;
    ngx_array_t        *kind;
    ngx_sms_plugin_t  **all, **list;

    all = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {

        if (all[i]->shadow.len) {
            if (ngx_sms_plugin_shadow(cf, all[i]) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        kind = &plugins->kinds[all[i]->kind];

        if (ngx_array_push(kind) == NULL) {
            return NGX_ERROR;
        }

        list = kind->elts;

        for (j = kind->nelts - 1;
             j > 0 && list[j - 1]->order > all[i]->order;
             j--)
        {
            list[j] = list[j - 1];
        }

        list[j] = all[i];
    }

    ngx_sms_plugin_unasked(cf, &plugins->kinds[SMS_KIND_BILLING]);
    ngx_sms_plugin_unasked(cf, &plugins->kinds[SMS_KIND_CONSENT]);

    return NGX_OK;
}


/* the rule that it judges beside may stand after it */
static ngx_int_t
ngx_sms_plugin_shadow(ngx_conf_t *cf, ngx_sms_plugin_t *p)
{
    ngx_sms_plugin_t  *beside, **slot;

    beside = ngx_sms_plugin_find(p->plugins, &p->shadow);

    if (beside == NULL || beside->kind != SMS_KIND_RULE || beside->shadow.len)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sms_plugin \"%V\": bad \"shadow=%V\": the name of a "
                      "rule that is no shadow itself is needed in %V:%ui",
                      &p->name, &p->shadow, &p->conf_file, p->conf_line);
        return NGX_ERROR;
    }

    slot = ngx_array_push(&p->plugins->shadows);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = p;

    return NGX_OK;
}


/* of these kinds one is asked */
static void
ngx_sms_plugin_unasked(ngx_conf_t *cf, ngx_array_t *kind)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **list;

    list = kind->elts;

    for (i = 1; i < kind->nelts; i++) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "sms_plugin \"%V\": is never asked, \"%V\" comes first "
                      "in %V:%ui", &list[i]->name, &list[0]->name,
                      &list[i]->conf_file, list[i]->conf_line);
    }
}


static ngx_int_t
ngx_sms_plugin_links(ngx_conf_t *cf, ngx_sms_plugins_t *plugins)
{
    sms_link_t         *link;
    ngx_uint_t          i, n;
    ngx_sms_plugin_t  **list;

    n = plugins->kinds[SMS_KIND_OPERATOR].nelts;
    list = plugins->kinds[SMS_KIND_OPERATOR].elts;

    link = ngx_pcalloc(cf->pool, (n + 1) * sizeof(sms_link_t));
    if (link == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        link[i].id = list[i]->link;
        link[i].name.ptr = (char *) list[i]->name.data;
        link[i].name.len = list[i]->name.len;
        link[i].operator_name.ptr = (char *) list[i]->operator_name.data;
        link[i].operator_name.len = list[i]->operator_name.len;
    }

    plugins->link = link;
    plugins->links = n;

    return NGX_OK;
}


ngx_sms_plugin_t *
ngx_sms_plugin_find(ngx_sms_plugins_t *plugins, ngx_str_t *name)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **all;

    all = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {
        if (all[i]->name.len == name->len
            && ngx_memcmp(all[i]->name.data, name->data, name->len) == 0)
        {
            return all[i];
        }
    }

    return NULL;
}


ngx_sms_plugin_t *
ngx_sms_plugin_by_link(ngx_sms_plugins_t *plugins, uint32_t link)
{
    ngx_uint_t          i;
    ngx_sms_plugin_t  **all;

    all = plugins->all.elts;

    for (i = 0; i < plugins->all.nelts; i++) {
        if (all[i]->kind == SMS_KIND_OPERATOR && all[i]->link == link) {
            return all[i];
        }
    }

    return NULL;
}


const char *
ngx_sms_plugin_kind_name(ngx_uint_t kind)
{
    return kind < NGX_SMS_KINDS ? ngx_sms_kind_names[kind] : NULL;
}


const char *
ngx_sms_plugin_kind_called(ngx_uint_t kind)
{
    return kind <= SMS_KIND_OPERATOR || kind == SMS_KIND_LOOKUP
           ? ngx_sms_kind_names[kind] : NULL;
}


const char *
ngx_sms_op_name(ngx_uint_t op)
{
    return op < NGX_SMS_OPS ? ngx_sms_ops[op].name : NULL;
}


const char *
ngx_sms_plugin_on_error_name(ngx_uint_t policy)
{
    return policy <= NGX_SMS_ON_ERROR_ALLOW ? ngx_sms_on_error_names[policy]
                                            : NULL;
}


const char *
ngx_sms_plugin_grant_name(ngx_uint_t bit)
{
    return bit < sizeof(ngx_sms_grant_names) / sizeof(ngx_sms_grant_names[0])
           ? ngx_sms_grant_names[bit] : NULL;
}


ngx_int_t
ngx_sms_plugin_describe(ngx_sms_plugin_t *p, ngx_pool_t *pool, ngx_str_t *json)
{
    u_char       abi[16];
    sms_json_t   w;
    ngx_uint_t   i;

    sms_json_init(&w, ngx_sms_plugin_grow, pool, 1024 * 1024);

    sms_json_object(&w);

    sms_json_key(&w, "name");
    sms_json_str(&w, (char *) p->name.data, p->name.len);
    sms_json_key(&w, "kind");
    sms_json_cstr(&w, ngx_sms_plugin_kind_name(p->kind));
    sms_json_key(&w, "file");
    sms_json_str(&w, (char *) p->path.data, p->path.len);
    sms_json_key(&w, "plugin");
    sms_json_cstr(&w, p->manifest.name);
    sms_json_key(&w, "version");
    sms_json_cstr(&w, p->manifest.version);
    sms_json_key(&w, "license");
    sms_json_cstr(&w, p->manifest.license);
    sms_json_key(&w, "summary");
    sms_json_cstr(&w, p->manifest.summary);

    *ngx_snprintf(abi, sizeof(abi) - 1, "%d.%d", (int) p->manifest.abi_major,
                  (int) p->manifest.abi_minor) = '\0';
    sms_json_key(&w, "abi");
    sms_json_cstr(&w, (char *) abi);

    sms_json_key(&w, "on_error");
    sms_json_cstr(&w, ngx_sms_plugin_on_error_name(p->on_error));
    sms_json_key(&w, "order");
    sms_json_int(&w, p->order);

    if (p->kind == SMS_KIND_OPERATOR) {
        sms_json_key(&w, "link");
        sms_json_int(&w, p->link);
        sms_json_key(&w, "operator");
        sms_json_str(&w, (char *) p->operator_name.data, p->operator_name.len);
    }

    sms_json_key(&w, "grants");
    sms_json_array(&w);

    for (i = 0; ngx_sms_plugin_grant_name(i); i++) {
        if (p->grants & ((ngx_uint_t) 1 << i)) {
            sms_json_cstr(&w, ngx_sms_plugin_grant_name(i));
        }
    }

    sms_json_end(&w);

    sms_json_key(&w, "state");
    sms_json_cstr(&w, p->quarantined ? "quarantined"
                      : !p->loaded ? "not_loaded"
                      : p->draining ? "draining" : "running");
    sms_json_key(&w, "why");
    sms_json_cstr(&w, p->why ? p->why : "");

    if (p->live && p->live->keys) {
        sms_json_key(&w, "keys");
        ngx_sms_keys_describe(p->live->keys, &w);
    }

    sms_json_end(&w);

    if (sms_json_done(&w) != SMS_JSON_OK) {
        return NGX_ERROR;
    }

    json->data = (u_char *) w.buf;
    json->len = w.len;

    return NGX_OK;
}


static void *
ngx_sms_plugin_grow(void *data, void *p, size_t old, size_t n)
{
    void        *new;
    ngx_pool_t  *pool = data;

    new = ngx_pnalloc(pool, n);

    if (new && p) {
        ngx_memcpy(new, p, ngx_min(old, n));
        (void) ngx_pfree(pool, p);
    }

    return new;
}
