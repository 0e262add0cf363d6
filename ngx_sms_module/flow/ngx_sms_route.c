#include "ngx_sms_route.h"

#include "sms_url.h"
#include "ngx_sms_halts.h"
#include "ngx_sms_quality.h"


static ngx_uint_t ngx_sms_route_approved(const ngx_sms_sender_t *sender,
    const ngx_str_t *operator_name);
static ngx_uint_t ngx_sms_route_may(const sms_msg_t *m, uint32_t link);


ngx_sms_ineligible_e
ngx_sms_route_why(const ngx_sms_plugin_t *op, ngx_sms_route_what_t *what)
{
    size_t  begin, len;

    if (!ngx_sms_route_approved(what->sender, &op->operator_name)) {
        return NGX_SMS_INELIGIBLE_SENDER;
    }

    if (op->classes && !(op->classes & ((ngx_uint_t) 1 << what->klass))) {
        return NGX_SMS_INELIGIBLE_CLASS;
    }

    if (op->encodings && !(op->encodings & ((ngx_uint_t) 1 << what->encoding)))
    {
        return NGX_SMS_INELIGIBLE_ENCODING;
    }

    if (op->abroad) {

        if (what->address == -1) {
            what->address = sms_url_find((const char *) what->text.data,
                                         what->text.len, &begin, &len);
        }

        if (what->address) {
            return NGX_SMS_INELIGIBLE_ADDRESS;
        }
    }

    if (op->halt == NGX_SMS_LINK_STOPPED) {
        return NGX_SMS_INELIGIBLE_STOPPED;
    }

    return NGX_SMS_INELIGIBLE_NOT;
}


const char *
ngx_sms_route_reason(ngx_sms_ineligible_e why)
{
    static const char *const  reasons[] = {
        "", "sender-not-approved", "class-not-allowed", "encoding-not-carried",
        "address-from-abroad", "link-stopped"
    };

    return reasons[why];
}


/* C9: a header is approved per operator */

static ngx_uint_t
ngx_sms_route_approved(const ngx_sms_sender_t *sender,
    const ngx_str_t *operator_name)
{
    ngx_uint_t        i;
    const ngx_str_t  *op;

    for (i = 0; sender && i < sender->noperators; i++) {

        op = &sender->operators[i];

        if (op->len == operator_name->len
            && ngx_memcmp(op->data, operator_name->data, op->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


uint32_t *
ngx_sms_route_eligible(ngx_sms_plugins_t *plugins, ngx_sms_route_what_t *what,
    ngx_pool_t *pool, uint32_t *n, ngx_sms_ineligible_e *why)
{
    uint32_t              *list;
    ngx_uint_t             i;
    ngx_array_t           *operators;
    ngx_sms_plugin_t     **p;
    ngx_sms_ineligible_e   w;

    operators = &plugins->kinds[SMS_KIND_OPERATOR];
    p = operators->elts;
    *n = 0;
    *why = NGX_SMS_INELIGIBLE_NOT;

    list = ngx_palloc(pool, (operators->nelts + 1) * sizeof(uint32_t));
    if (list == NULL) {
        return NULL;
    }

    for (i = 0; i < operators->nelts; i++) {

        w = ngx_sms_route_why(p[i], what);

        if (w == NGX_SMS_INELIGIBLE_NOT) {
            list[(*n)++] = p[i]->link;
        }

        *why = ngx_max(*why, w);
    }

    return list;
}


ngx_uint_t
ngx_sms_route_known(const sms_route_t *route)
{
    return route->nlinks
           || (route->reason.len == sizeof("not-eligible") - 1
               && ngx_memcmp(route->reason.ptr, "not-eligible",
                             route->reason.len)
                  == 0);
}


static ngx_uint_t
ngx_sms_route_may(const sms_msg_t *m, uint32_t link)
{
    uint32_t  i;

    for (i = 0; i < m->neligible; i++) {
        if (m->eligible[i] == link) {
            return 1;
        }
    }

    return 0;
}


uint32_t
ngx_sms_route_pick(ngx_sms_plugins_t *plugins, const sms_msg_t *m,
    const sms_route_t *route)
{
    uint32_t             k, first, drained;
    ngx_sms_link_halt_e  halt;

    first = 0;
    drained = 0;

    /* a plugin need not know what is eligible */
    for (k = 0; k < route->nlinks && k < 8; k++) {

        if (!ngx_sms_route_may(m, route->link[k])) {
            continue;
        }

        halt = ngx_sms_halt_of(plugins, route->link[k]);

        if (halt != NGX_SMS_LINK_OPEN) {

            if (halt == NGX_SMS_LINK_DRAINED && drained == 0) {
                drained = route->link[k];
            }

            continue;
        }

        if (first == 0) {

            first = route->link[k];

            if (!ngx_sms_quality_fallen(first, &m->from)
                || ngx_sms_quality_canary(m->id))
            {
                return first;
            }

        } else if (!ngx_sms_quality_fallen(route->link[k], &m->from)) {
            ngx_sms_quality_moved();
            return route->link[k];
        }
    }

    /* all have fallen: the router's order is as good as any */
    return first ? first : drained;
}


uint32_t
ngx_sms_route_sandbox(ngx_sms_plugins_t *plugins, const ngx_str_t *sandbox)
{
    ngx_str_t          name;
    ngx_sms_plugin_t  *p;

    name = *sandbox;
    p = name.len ? ngx_sms_plugin_find(plugins, &name) : NULL;

    return p ? p->link : 0;
}
