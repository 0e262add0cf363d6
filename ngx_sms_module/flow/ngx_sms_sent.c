#include "ngx_sms_sent.h"


#define NGX_SMS_SENT_PARTS   32768      /* a power of two */
#define NGX_SMS_SENT_CHAINS  (NGX_SMS_SENT_PARTS * 2)
#define NGX_SMS_SENT_ID      64         /* SMPP 3.4 5.2.23: 65 with its end */


/* places are index + 1; 0: none */
typedef struct {
    ngx_sms_store_part_t   part;
    int64_t                to;
    uint32_t               hash;
    uint32_t               next;            /* of the chain                   */
    uint8_t                len;             /* 0: free                        */
    uint8_t                shared;          /* several parts have this id     */
    u_char                 operator_id[NGX_SMS_SENT_ID];
} ngx_sms_sent_entry_t;

struct ngx_sms_sent_s {
    ngx_uint_t             last;            /* the oldest, which goes next    */
    uint32_t               chains[NGX_SMS_SENT_CHAINS];
    ngx_sms_sent_entry_t   entries[NGX_SMS_SENT_PARTS];
};


static ngx_sms_sent_entry_t *ngx_sms_sent_look(const ngx_sms_sent_t *sent,
    const ngx_str_t *id, uint32_t hash);
static void ngx_sms_sent_forget(ngx_sms_sent_t *sent, ngx_sms_sent_entry_t *e);


ngx_sms_sent_t *
ngx_sms_sent_create(ngx_log_t *log)
{
    return ngx_calloc(sizeof(ngx_sms_sent_t), log);
}


void
ngx_sms_sent_destroy(ngx_sms_sent_t *sent)
{
    ngx_free(sent);
}


void
ngx_sms_sent_put(ngx_sms_sent_t *sent, const ngx_sms_store_submit_t *r,
    int64_t at_us)
{
    uint32_t               hash, *chain;
    ngx_sms_sent_entry_t  *e;

    if (r->operator_id.len == 0 || r->operator_id.len > NGX_SMS_SENT_ID) {
        return;
    }

    hash = ngx_murmur_hash2(r->operator_id.data, r->operator_id.len);
    e = ngx_sms_sent_look(sent, &r->operator_id, hash);

    if (e != NULL) {
        e->shared = 1;
        return;
    }

    e = &sent->entries[sent->last];
    sent->last = (sent->last + 1) % NGX_SMS_SENT_PARTS;

    if (e->len) {
        ngx_sms_sent_forget(sent, e);
    }

    ngx_memcpy(e->part.id, r->id, 16);
    e->part.account = r->account;
    e->part.price_micro = r->price_micro;
    e->part.attempt = r->attempt;
    e->part.part = r->part;
    e->part.total = r->total;
    e->part.klass = r->klass;
    e->part.sent_us = at_us;
    e->to = r->to;
    e->shared = 0;
    e->len = (uint8_t) r->operator_id.len;
    ngx_memcpy(e->operator_id, r->operator_id.data, e->len);

    chain = &sent->chains[hash % NGX_SMS_SENT_CHAINS];
    e->hash = hash;
    e->next = *chain;
    *chain = (uint32_t) (e - sent->entries) + 1;
}


const ngx_sms_store_part_t *
ngx_sms_sent_find(const ngx_sms_sent_t *sent, const ngx_str_t *operator_id,
    int64_t to)
{
    ngx_sms_sent_entry_t  *e;

    e = ngx_sms_sent_look(sent, operator_id,
                          ngx_murmur_hash2(operator_id->data,
                                           operator_id->len));

    return e && !e->shared && e->to == to ? &e->part : NULL;
}


static ngx_sms_sent_entry_t *
ngx_sms_sent_look(const ngx_sms_sent_t *sent, const ngx_str_t *id,
    uint32_t hash)
{
    uint32_t                     place;
    const ngx_sms_sent_entry_t  *e;

    for (place = sent->chains[hash % NGX_SMS_SENT_CHAINS]; place;
         place = e->next)
    {
        e = &sent->entries[place - 1];

        if (e->hash == hash && e->len == id->len
            && ngx_memcmp(e->operator_id, id->data, id->len) == 0)
        {
            return (ngx_sms_sent_entry_t *) e;
        }
    }

    return NULL;
}


static void
ngx_sms_sent_forget(ngx_sms_sent_t *sent, ngx_sms_sent_entry_t *e)
{
    uint32_t  place, *chain;

    place = (uint32_t) (e - sent->entries) + 1;
    chain = &sent->chains[e->hash % NGX_SMS_SENT_CHAINS];

    while (*chain != place) {
        chain = &sent->entries[*chain - 1].next;
    }

    *chain = e->next;
    e->len = 0;
}
