#include "ngx_sms_op.h"

#include "ngx_sms_timer.h"


static ngx_uint_t ngx_sms_op_str(const sms_str_t *s);
static ngx_uint_t ngx_sms_op_verdict(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_consent(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_quote(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_ack(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_route(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_submit(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_principal(const void *item,
    const void *result);
static ngx_uint_t ngx_sms_op_network(const void *item, const void *result);
static ngx_uint_t ngx_sms_op_http_out(const void *item,
    const void *result);
static ngx_uint_t ngx_sms_op_asked(const void *item, const void *result);


#define NGX_SMS_OP(name, kind, type, any, must, nostatus, valid)              \
    { #name, kind, offsetof(sms_ops_t, name), sizeof(type), any, must,        \
      nostatus, valid }

const ngx_sms_op_t  ngx_sms_ops[NGX_SMS_OPS] = {
    NGX_SMS_OP(rule_evaluate, SMS_KIND_RULE, sms_verdict_t, 0, 0, 0,
               ngx_sms_op_verdict),
    NGX_SMS_OP(consent_lookup, SMS_KIND_CONSENT, sms_consent_t, 0, 0, 0,
               ngx_sms_op_consent),
    NGX_SMS_OP(billing_quote, SMS_KIND_BILLING, sms_quote_t, 0, 1, 0,
               ngx_sms_op_quote),
    NGX_SMS_OP(billing_hold, SMS_KIND_BILLING, sms_ack_t, 0, 0, 0,
               ngx_sms_op_ack),
    NGX_SMS_OP(billing_settle, SMS_KIND_BILLING, sms_ack_t, 0, 0, 0,
               ngx_sms_op_ack),
    NGX_SMS_OP(billing_release, SMS_KIND_BILLING, sms_ack_t, 0, 0, 0,
               ngx_sms_op_ack),
    NGX_SMS_OP(router_choose, SMS_KIND_ROUTER, sms_route_t, 0, 0, 0,
               ngx_sms_op_route),
    NGX_SMS_OP(operator_submit, SMS_KIND_OPERATOR, sms_submit_t, 0, 0, 0,
               ngx_sms_op_submit),
    NGX_SMS_OP(auth_check, SMS_KIND_AUTH, sms_principal_t, 0, 0, 0,
               ngx_sms_op_principal),
    NGX_SMS_OP(notifier_send, SMS_KIND_NOTIFIER, sms_ack_t, 0, 0, 0,
               ngx_sms_op_ack),
    NGX_SMS_OP(lookup_network, SMS_KIND_LOOKUP, sms_network_t, 0, 0, 0,
               ngx_sms_op_network),
    NGX_SMS_OP(http_in, SMS_KIND_RULE, sms_http_out_t, 1, 0, 1,
               ngx_sms_op_http_out),
    NGX_SMS_OP(operator_query, SMS_KIND_OPERATOR, sms_asked_t, 0, 0, 0,
               ngx_sms_op_asked),
    NGX_SMS_OP(operator_cancel, SMS_KIND_OPERATOR, sms_ack_t, 0, 0, 0,
               ngx_sms_op_ack)
};


sms_run_pt
ngx_sms_op_function(const sms_ops_t *ops, ngx_uint_t op)
{
    size_t      off;
    sms_run_pt  fn;

    if (ops == NULL || op >= NGX_SMS_OPS) {
        return NULL;
    }

    off = ngx_sms_ops[op].offset;

    if (ops->size < off + sizeof(sms_run_pt)) {
        return NULL;
    }

    ngx_memcpy(&fn, (const char *) ops + off, sizeof(sms_run_pt));

    return fn;
}


ngx_uint_t
ngx_sms_op_required(sms_kind_t kind)
{
    switch (kind) {
    case SMS_KIND_RULE:
        return NGX_SMS_OP_RULE_EVALUATE;
    case SMS_KIND_CONSENT:
        return NGX_SMS_OP_CONSENT_LOOKUP;
    case SMS_KIND_BILLING:
        return NGX_SMS_OP_BILLING_QUOTE;
    case SMS_KIND_ROUTER:
        return NGX_SMS_OP_ROUTER_CHOOSE;
    case SMS_KIND_OPERATOR:
        return NGX_SMS_OP_OPERATOR_SUBMIT;
    case SMS_KIND_AUTH:
        return NGX_SMS_OP_AUTH_CHECK;
    case SMS_KIND_NOTIFIER:
        return NGX_SMS_OP_NOTIFIER_SEND;
    case SMS_KIND_LOOKUP:
        return NGX_SMS_OP_LOOKUP_NETWORK;
    case SMS_KIND_PAYMENT:
        return NGX_SMS_OP_HTTP_IN;
    default:
        return NGX_SMS_OPS;
    }
}


static ngx_uint_t
ngx_sms_op_str(const sms_str_t *s)
{
    return s->len == 0 || s->ptr != NULL;
}


static ngx_uint_t
ngx_sms_op_verdict(const void *item, const void *result)
{
    int64_t               now;
    uint32_t              i;
    const sms_msg_t      *m = item;
    const sms_finding_t  *f;
    const sms_verdict_t  *v = result;

    if ((v->action != SMS_PASS && v->action != SMS_DEFER)
        || !ngx_sms_op_str(&v->version))
    {
        return 0;
    }

    if (v->action == SMS_DEFER) {
        now = ngx_sms_timer_now_us();

        if (v->defer_until_us <= now
            || v->defer_until_us > now + SMS_DEFER_MAX_US)
        {
            return 0;
        }
    }

    if (v->nfindings == 0) {
        return 1;
    }

    if (v->findings == NULL || v->stride < sizeof(sms_finding_t)
        || v->nfindings > SMS_FINDINGS_MAX)
    {
        return 0;
    }

    for (i = 0; i < v->nfindings; i++) {
        f = SMS_AT(const sms_finding_t, v->findings, v->stride, i);

        if (f->severity > SMS_SEVERITY_BLOCK || f->floor > SMS_SEVERITY_BLOCK
            || f->code.len == 0 || f->code.ptr == NULL
            || f->begin > m->text.len || f->len > m->text.len - f->begin
            || !ngx_sms_op_str(&f->detail_tr) || !ngx_sms_op_str(&f->detail_en)
            || !ngx_sms_op_str(&f->repair) || !ngx_sms_op_str(&f->source))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_sms_op_consent(const void *item, const void *result)
{
    const sms_consent_t  *c = result;

    return c->state >= SMS_CONSENT_GRANTED && c->state <= SMS_CONSENT_UNKNOWN
           && ngx_sms_op_str(&c->proof) && ngx_sms_op_str(&c->code);
}


static ngx_uint_t
ngx_sms_op_quote(const void *item, const void *result)
{
    const sms_quote_t  *q = result;

    return q->amount_micro >= 0 && q->amount_micro <= SMS_AMOUNT_MAX
           && q->unit[0] != '\0' && q->unit[3] == '\0'
           && ngx_sms_op_str(&q->tariff) && ngx_sms_op_str(&q->policy);
}


static ngx_uint_t
ngx_sms_op_ack(const void *item, const void *result)
{
    return 1;
}


static ngx_uint_t
ngx_sms_op_route(const void *item, const void *result)
{
    const sms_route_t  *r = result;

    return r->nlinks <= sizeof(r->link) / sizeof(r->link[0]);
}


static ngx_uint_t
ngx_sms_op_submit(const void *item, const void *result)
{
    const sms_submit_t  *s = result;

    return s->outcome >= SMS_SUBMIT_SENT && s->outcome <= SMS_SUBMIT_STOP
           && s->reason <= SMS_REASON_PORTED
           && s->operator_id.len <= SMS_OPERATOR_ID_MAX
           && ngx_sms_op_str(&s->operator_id);
}


static ngx_uint_t
ngx_sms_op_principal(const void *item, const void *result)
{
    const sms_principal_t  *p = result;

    return p->account != 0 && p->ttl_ms >= 0;
}


static ngx_uint_t
ngx_sms_op_network(const void *item, const void *result)
{
    const sms_network_t  *n = result;

    return n->mcc <= 999 && n->mnc <= 999;
}


static ngx_uint_t
ngx_sms_op_asked(const void *item, const void *result)
{
    const sms_asked_t  *a = result;

    return a->state <= SMS_RECEIPT_REJECTED && a->reason <= SMS_REASON_PORTED;
}


static ngx_uint_t
ngx_sms_op_http_out(const void *item, const void *result)
{
    const sms_http_out_t  *h = result;

    return h->status >= 200 && h->status <= 599
           && (h->nheaders == 0 || h->headers != NULL);
}
