#include "ngx_sms_reprice.h"


#define NGX_SMS_REPRICE_TIMEOUT  3000


/* what is asked: recipient NULL, for a domestic number */
typedef struct {
    ngx_sms_body_t          *body;
    ngx_sms_recipient_t     *rcpt;
    ngx_uint_t               repaired;
} ngx_sms_reprice_item_t;

typedef struct {
    ngx_sms_submission_t    *sub;
    ngx_sms_submission_pt    done;
    ngx_array_t              items;         /* ngx_sms_reprice_item_t         */
} ngx_sms_reprice_t;


static ngx_int_t ngx_sms_reprice_items(ngx_sms_reprice_t *rp);
static ngx_int_t ngx_sms_reprice_push(ngx_sms_reprice_t *rp,
    ngx_sms_body_t *body, ngx_sms_recipient_t *rcpt, ngx_uint_t repaired);
static void ngx_sms_reprice_message(ngx_sms_reprice_t *rp,
    ngx_sms_reprice_item_t *item, sms_msg_t *m);
static void ngx_sms_reprice_run_done(ngx_sms_run_t *run);
static void ngx_sms_reprice_take(ngx_sms_reprice_t *rp, ngx_sms_run_t *run);


ngx_int_t
ngx_sms_reprice(ngx_sms_submission_t *sub, ngx_sms_plugins_t *plugins,
    ngx_sms_submission_pt done)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_array_t             *list;
    ngx_sms_run_t           *run;
    ngx_sms_plugin_t       **plugin;
    ngx_sms_reprice_t       *rp;
    ngx_sms_reprice_item_t  *item;

    rp = ngx_palloc(sub->pool, sizeof(ngx_sms_reprice_t));

    if (rp == NULL
        || ngx_array_init(&rp->items, sub->pool, 4,
                          sizeof(ngx_sms_reprice_item_t))
           != NGX_OK)
    {
        return NGX_OK;
    }

    rp->sub = sub;
    rp->done = done;

    if (ngx_sms_reprice_items(rp) != NGX_OK || rp->items.nelts == 0) {
        return NGX_OK;
    }

    list = &plugins->kinds[SMS_KIND_BILLING];
    plugin = list->elts;

    /* as of what is sent: the sandbox is free, and all is without a tariff */
    if (list->nelts == 0 || sub->test) {
        ngx_sms_reprice_take(rp, NULL);
        return NGX_OK;
    }

    run = ngx_sms_run_create(rp->items.nelts, sizeof(sms_msg_t), sub->log);
    if (run == NULL) {
        return NGX_OK;
    }

    item = rp->items.elts;

    for (i = 0; i < rp->items.nelts; i++) {
        ngx_sms_reprice_message(rp, &item[i],
                                ngx_sms_run_item(run, sms_msg_t, i));
    }

    run->timeout = NGX_SMS_REPRICE_TIMEOUT;
    run->done = ngx_sms_reprice_run_done;
    run->data = rp;
    sub->run = run;

    rc = ngx_sms_plugin_run(plugin[0], NGX_SMS_OP_BILLING_QUOTE, run);

    if (rc == NGX_AGAIN) {
        ngx_sms_submission_hold(sub);
        return NGX_AGAIN;
    }

    sub->run = NULL;
    ngx_sms_reprice_take(rp, run);
    ngx_sms_plugin_run_free(run);

    return NGX_OK;
}


static ngx_int_t
ngx_sms_reprice_items(ngx_sms_reprice_t *rp)
{
    ngx_int_t              rc;
    ngx_uint_t             i, k;
    ngx_sms_body_t        *body;
    ngx_sms_recipient_t   *rcpt;
    ngx_sms_submission_t  *sub;

    sub = rp->sub;
    body = sub->bodies.elts;
    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {

        body[i].price_micro = -1;
        body[i].repaired_micro = -1;

        if (sub->check && body[i].count.parts
            && ngx_sms_reprice_push(rp, &body[i], NULL, 0) != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_sms_submission_repair(sub, &body[i], &body[i].repaired,
                                       &body[i].repaired_count);

        if (rc != NGX_OK) {
            ngx_str_null(&body[i].repaired);
            continue;
        }

        if (body[i].repaired_count.parts == 0) {
            continue;
        }

        if (sub->check
            && ngx_sms_reprice_push(rp, &body[i], NULL, 1) != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* who is refused for the text alone would get the repaired one */
        for (k = 0; k < sub->recipients.nelts; k++) {
            if (rcpt[k].body == i
                && (rcpt[k].problem == SMS_PROBLEM_NONE
                    || rcpt[k].problem == body[i].problem)
                && ngx_sms_reprice_push(rp, &body[i], &rcpt[k], 1) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_reprice_push(ngx_sms_reprice_t *rp, ngx_sms_body_t *body,
    ngx_sms_recipient_t *rcpt, ngx_uint_t repaired)
{
    ngx_sms_reprice_item_t  *item;

    item = ngx_array_push(&rp->items);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->body = body;
    item->rcpt = rcpt;
    item->repaired = repaired;

    return NGX_OK;
}


static void
ngx_sms_reprice_message(ngx_sms_reprice_t *rp, ngx_sms_reprice_item_t *item,
    sms_msg_t *m)
{
    ngx_sms_body_t  *body;

    static const sms_str_t  domestic = SMS_STR("905300000000");

    body = item->body;
    ngx_sms_submission_message(rp->sub, body, item->rcpt, m);

    if (item->rcpt == NULL) {
        m->to = domestic;
        m->mcc = 286;                       /* Türkiye, ITU-T E.212           */
        m->country[0] = 'T';
        m->country[1] = 'R';
    }

    if (item->repaired) {
        m->text.ptr = (const char *) body->repaired.data;
        m->text.len = body->repaired.len;
        m->encoding = (uint8_t) body->repaired_count.encoding;
        m->parts = (uint16_t) body->repaired_count.parts;
    }
}


static void
ngx_sms_reprice_run_done(ngx_sms_run_t *run)
{
    ngx_sms_reprice_t  *rp = run->data;

    rp->sub->run = NULL;
    ngx_sms_reprice_take(rp, run);
    ngx_sms_plugin_run_free(run);
    rp->done(rp->sub);
}


/* "run" is NULL where nothing costs anything */

static void
ngx_sms_reprice_take(ngx_sms_reprice_t *rp, ngx_sms_run_t *run)
{
    int64_t                 *sum;
    ngx_uint_t               i;
    const sms_quote_t       *q;
    ngx_sms_reprice_item_t  *item;

    item = rp->items.elts;

    for (i = 0; i < rp->items.nelts; i++) {
        item[i].body->price_micro = rp->sub->check ? 0 : -1;
        item[i].body->repaired_micro = item[i].body->repaired.len ? 0 : -1;
    }

    for (i = 0; run && i < rp->items.nelts; i++) {

        q = ngx_sms_run_result(run, sms_quote_t, i);
        sum = item[i].repaired ? &item[i].body->repaired_micro
                               : &item[i].body->price_micro;

        if (run->rc != SMS_OK || q->status != SMS_OK || q->amount_micro < 0
            || ngx_strncmp(q->unit, rp->sub->account->unit, 4) != 0)
        {
            /* half a sum would be no price */
            *sum = -1;

        } else if (*sum >= 0) {
            *sum += q->amount_micro;
        }
    }
}
