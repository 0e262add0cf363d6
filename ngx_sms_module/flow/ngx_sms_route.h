/*
 * Which links may carry a message, and which of a router's answer does.
 *
 * Eligibility comes first and is the host's (C9): the sender is approved on the
 * link's operator, the class is allowed on the link, it can carry the encoding
 * that the customer pays for (D4), and a text with an internet address does not
 * enter from abroad.  Weight, cost, failover and measured delivery choose among
 * what is left.
 */
#ifndef NGX_SMS_ROUTE_H
#define NGX_SMS_ROUTE_H

#include "ngx_sms_account.h"
#include "ngx_sms_plugin.h"


/* why a link may not; the larger, the nearer it was to being allowed */
typedef enum {
    NGX_SMS_INELIGIBLE_NOT = 0,             /* it may                         */
    NGX_SMS_INELIGIBLE_SENDER,
    NGX_SMS_INELIGIBLE_CLASS,
    NGX_SMS_INELIGIBLE_ENCODING,
    NGX_SMS_INELIGIBLE_ADDRESS,
    NGX_SMS_INELIGIBLE_STOPPED              /* by an administrator            */
} ngx_sms_ineligible_e;


/* what of a message decides */
typedef struct {
    const ngx_sms_sender_t  *sender;        /* NULL: none is approved         */
    ngx_uint_t               klass;         /* sms_class_t                    */
    ngx_uint_t               encoding;      /* sms_encoding_t                 */
    ngx_str_t                text;
    int                      address;       /* in the text; -1: not looked    */
} ngx_sms_route_what_t;


/* of the link of an operator */
ngx_sms_ineligible_e ngx_sms_route_why(const ngx_sms_plugin_t *op,
    ngx_sms_route_what_t *what);

/* "class-not-allowed", for people; "" for NOT */
const char *ngx_sms_route_reason(ngx_sms_ineligible_e why);

/*
 * The eligible links in the order of host->links, in "pool"; NULL without memory.
 * With none *why is that of the link that came nearest.
 */
uint32_t *ngx_sms_route_eligible(ngx_sms_plugins_t *plugins,
    ngx_sms_route_what_t *what, ngx_pool_t *pool, uint32_t *n,
    ngx_sms_ineligible_e *why);

/* 1: a way is known, though none of its links is eligible */
ngx_uint_t ngx_sms_route_known(const sms_route_t *route);

/*
 * The link for "m" out of a router's answer: the first eligible one, unless its
 * delivery has fallen; one that is drained only where there is no other; 0 for none.
 */
uint32_t ngx_sms_route_pick(ngx_sms_plugins_t *plugins, const sms_msg_t *m,
    const sms_route_t *route);

/* that of test keys; 0: there is none */
uint32_t ngx_sms_route_sandbox(ngx_sms_plugins_t *plugins,
    const ngx_str_t *sandbox);

#endif /* NGX_SMS_ROUTE_H */
