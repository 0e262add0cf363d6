#include "ngx_sms_lease_hooks.h"

#include "ngx_sms_dispatch.h"
#include "ngx_sms_leases.h"


#define NGX_SMS_LEASE_HOOKS  64         /* of all instances of a worker       */


typedef struct {
    ngx_sms_plugin_t   *plugin;         /* NULL: free                         */
    ngx_sms_lease_t    *lease;
    size_t              len;
    char                name[SMS_LEASE_NAME_MAX];
} ngx_sms_lease_hook_t;


static ngx_sms_lease_hook_t *ngx_sms_lease_hook_find(ngx_sms_plugin_t *p,
    sms_str_t name);
static void ngx_sms_lease_hook_changed(void *data, ngx_uint_t held);


static ngx_sms_lease_hook_t  ngx_sms_lease_hooks[NGX_SMS_LEASE_HOOKS];


sms_rc_t
ngx_sms_lease_hook_want(ngx_sms_plugin_t *p, sms_str_t name)
{
    u_char                *last, full[256];
    ngx_str_t              s;
    ngx_uint_t             i;
    ngx_sms_lease_hook_t  *hook;

    if (p->user) {
        return ngx_sms_dispatch_lease_want(p, name);
    }

    if (ngx_sms_lease_hook_find(p, name)) {
        return SMS_OK;
    }

    for (i = 0; i < NGX_SMS_LEASE_HOOKS; i++) {
        if (ngx_sms_lease_hooks[i].plugin == NULL) {
            break;
        }
    }

    if (i == NGX_SMS_LEASE_HOOKS) {
        return SMS_E_BUSY;
    }

    hook = &ngx_sms_lease_hooks[i];
    last = ngx_snprintf(full, sizeof(full), "plugin/%V/%*s", &p->name, name.len,
                        name.ptr);
    s.data = full;
    s.len = (size_t) (last - full);

    hook->lease = ngx_sms_lease_want(&s, ngx_sms_lease_hook_changed, hook);

    if (hook->lease == NULL) {
        return SMS_E_NOMEM;
    }

    hook->plugin = p;
    hook->len = name.len;
    ngx_memcpy(hook->name, name.ptr, name.len);

    return SMS_OK;
}


void
ngx_sms_lease_hook_drop(ngx_sms_plugin_t *p, sms_str_t name)
{
    ngx_sms_lease_hook_t  *hook;

    if (p->user) {
        ngx_sms_dispatch_lease_drop(p, name);
        return;
    }

    hook = ngx_sms_lease_hook_find(p, name);

    if (hook) {
        ngx_sms_lease_drop(hook->lease);
        hook->plugin = NULL;
    }
}


int
ngx_sms_lease_hook_valid(ngx_sms_plugin_t *p, sms_str_t name)
{
    ngx_sms_lease_hook_t  *hook;

    if (p->user) {
        return ngx_sms_dispatch_lease_valid(p, name);
    }

    hook = ngx_sms_lease_hook_find(p, name);

    return hook && ngx_sms_lease_valid(hook->lease);
}


static ngx_sms_lease_hook_t *
ngx_sms_lease_hook_find(ngx_sms_plugin_t *p, sms_str_t name)
{
    ngx_uint_t             i;
    ngx_sms_lease_hook_t  *hook;

    for (i = 0; i < NGX_SMS_LEASE_HOOKS; i++) {
        hook = &ngx_sms_lease_hooks[i];

        if (hook->plugin == p && hook->len == name.len
            && ngx_memcmp(hook->name, name.ptr, name.len) == 0)
        {
            return hook;
        }
    }

    return NULL;
}


static void
ngx_sms_lease_hook_changed(void *data, ngx_uint_t held)
{
    ngx_sms_lease_hook_t  *hook = data;

    sms_str_t  name;

    name.ptr = hook->name;
    name.len = hook->len;

    ngx_sms_plugin_lease(hook->plugin, name, held ? 1 : 0,
                         held ? (uint64_t) hook->lease->epoch : 0);
}
