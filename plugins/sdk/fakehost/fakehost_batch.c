/*
 * fakehost_batch.c - batches of plausible items in guarded memory.
 *
 * Items and strings end at an unreadable page and are themselves read-only, so
 * a plugin that writes to them, reads past them or waits for a NUL is stopped
 * by the processor and not by luck.
 */
#define _GNU_SOURCE
#include "fakehost_impl.h"

#include <sys/mman.h>
#include <unistd.h>

#define FAKEHOST_ITEM_TEXT  1600

typedef struct { char *base, *top; size_t size; } fakehost_area_t;

typedef struct {
    fakehost_op_t    op;
    fakehost_area_t  items, results, texts, messages;
    sms_brand_t      brands[3];
    sms_kv_t         attrs[1];
    uint32_t         result_size;
} fakehost_pages_t;

static const char *const  fakehost_texts[] = {
    "Merhaba, siparişiniz kargoya verildi. Takip: 48213377",
    "ORNEK: Bu haftaya özel %50 indirim! RET yazıp 4605'e gönderin. Mersis 0123456789012345",
    "Doğrulama kodunuz 482913. Kimseyle paylaşmayın.",
    "Sayın müşterimiz, ödemeniz alınmıştır. Teşekkür ederiz.",
    "Toplantı saat 14:00'e alındı \xf0\x9f\x93\x85 lütfen geç kalmayınız",
    "Plain ASCII text without anything special in it",
    "[link] https://example.com/a?b=c {x} ~ € ^ \\ |",
    "ÇĞİÖŞÜ çğıöşü"
};

static const char *const  fakehost_owners[3] = { "ORNEK", "DENIZ KITAP", "KAYA INSAAT" };

static const uint32_t  fakehost_item_size[FAKEHOST_OPS] = {
    sizeof(sms_msg_t), sizeof(sms_msg_t), sizeof(sms_msg_t), sizeof(sms_hold_t),
    sizeof(sms_hold_t), sizeof(sms_hold_t), sizeof(sms_msg_t), sizeof(sms_part_t),
    sizeof(sms_credential_t), sizeof(sms_event_t), sizeof(sms_msg_t), sizeof(sms_http_in_t),
    sizeof(sms_sent_t), sizeof(sms_sent_t)
};

static const uint32_t  fakehost_result_size[FAKEHOST_OPS] = {
    sizeof(sms_verdict_t), sizeof(sms_consent_t), sizeof(sms_quote_t), sizeof(sms_ack_t),
    sizeof(sms_ack_t), sizeof(sms_ack_t), sizeof(sms_route_t), sizeof(sms_submit_t),
    sizeof(sms_principal_t), sizeof(sms_ack_t), sizeof(sms_network_t), sizeof(sms_http_out_t),
    sizeof(sms_asked_t), sizeof(sms_ack_t)
};


/* "top" moves down from the unreadable page */
static void
fakehost_area_map(fakehost_area_t *a, size_t size)
{
    size_t  page;

    page = (size_t) sysconf(_SC_PAGESIZE);
    a->size = (size + page - 1) / page * page + page;
    a->base = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a->base == MAP_FAILED) {
        fputs("fakehost: out of memory\n", stderr);
        abort();
    }
    a->top = a->base + a->size - page;
    if (mprotect(a->top, page, PROT_NONE) != 0) {
        abort();
    }
}


static void
fakehost_area_protect(fakehost_area_t *a, int prot)
{
    if (a->base && mprotect(a->base, a->size - (size_t) sysconf(_SC_PAGESIZE), prot) != 0) {
        abort();
    }
}


static sms_str_t
fakehost_batch_str(fakehost_pages_t *p, const char *s, size_t len)
{
    p->texts.top -= len;
    memcpy(p->texts.top, s, len);

    return (sms_str_t) { p->texts.top, len };
}


static sms_str_t
fakehost_batch_text(fakehost_pages_t *p, uint32_t i)
{
    static const size_t  choices = sizeof(fakehost_texts) / sizeof(fakehost_texts[0]);

    char    buf[FAKEHOST_ITEM_TEXT / 2];
    size_t  len;
    int     n;

    n = snprintf(buf, sizeof(buf), "%s %u", fakehost_texts[i % choices], i);
    len = (size_t) n;
    /* now and then a long one, several parts */
    while (i % 13 == 5 && len + (size_t) n < sizeof(buf)) {
        memcpy(buf + len, buf, (size_t) n);
        len += (size_t) n;
    }

    return fakehost_batch_str(p, buf, len);
}


static void
fakehost_batch_id(uint8_t id[16], uint32_t i)
{
    uint64_t  ms = (uint64_t) FAKEHOST_EPOCH_US / 1000;
    uint32_t  k;

    for (k = 0; k < 6; k++) {
        id[k] = (uint8_t) (ms >> (40 - 8 * k));
    }
    id[6] = 0x70;
    id[8] = 0x80;
    for (k = 0; k < 4; k++) {
        id[12 + k] = (uint8_t) (i >> (24 - 8 * k));
    }
}


static void
fakehost_batch_brand(fakehost_pages_t *p, uint32_t k)
{
    sms_brand_t  *b = &p->brands[k];

    b->size = sizeof(*b);
    b->owner_kind = SMS_OWNER_TACIR;
    b->id = 10 + k;
    b->owner_account = 100 + k;
    b->iys_code = 600000 + k;
    b->brand_code = 700000 + k;
    b->reject_free = 1;
    b->name = (sms_str_t) { fakehost_owners[k], strlen(fakehost_owners[k]) };
    b->title = (sms_str_t) SMS_STR("Ornek Ticaret A.S.");
    b->mersis = (sms_str_t) SMS_STR("0123456789012345");
    b->vkn = (sms_str_t) SMS_STR("1234567890");
    b->reject_keyword = b->name;
    b->reject_number = (sms_str_t) SMS_STR("4605");
}


static void
fakehost_batch_msg(fakehost_pages_t *p, sms_msg_t *m, uint32_t i)
{
    char  to[16];
    int   n;

    n = snprintf(to, sizeof(to), "9053%08u", 20000000 + i * 7919 % 10000000);

    /* one of the two stands at the very end when there is one item only */
    if (i % 2) {
        m->to = fakehost_batch_str(p, to, (size_t) n);
        m->text = fakehost_batch_text(p, i);
    } else {
        m->text = fakehost_batch_text(p, i);
        m->to = fakehost_batch_str(p, to, (size_t) n);
    }
    m->from = fakehost_batch_str(p, fakehost_owners[i % 3], strlen(fakehost_owners[i % 3]));

    fakehost_batch_id(m->id, i);
    m->account = 100 + i % 3;
    m->accepted_us = FAKEHOST_EPOCH_US - 1000;
    m->expires_us = FAKEHOST_EPOCH_US + 86400000000LL;
    m->klass = (uint8_t) (SMS_CLASS_OTP + i % 4);
    m->recipient_type = m->klass == SMS_CLASS_COMMERCIAL
                        ? (uint8_t) (SMS_RECIPIENT_BIREYSEL + i % 2) : SMS_RECIPIENT_NONE;
    m->basis = m->klass == SMS_CLASS_INFORMATIONAL ? SMS_BASIS_SERVICE_USE : SMS_BASIS_NONE;
    m->exemption = m->klass == SMS_CLASS_EXEMPT ? SMS_EXEMPTION_SCHOOL : SMS_EXEMPTION_NONE;
    m->encoding = SMS_ENC_UCS2;
    m->parts = (uint16_t) (m->text.len / 67 + 1);
    m->attempt = 1;
    m->mcc = 286;
    m->mnc = (uint16_t) (1 + i % 3);
    m->country[0] = 'T';
    m->country[1] = 'R';
    m->tariff = 1;
    m->link = 1;
    m->brand = &p->brands[i % 3];
    m->attrs = p->attrs;
    m->nattrs = 1;
}


static void
fakehost_batch_part(fakehost_pages_t *p, sms_part_t *part, const sms_msg_t *m, uint32_t i,
    uint32_t split)
{
    static const char  udh[] = { 5, 0, 3, 0x2a, 2, 1 };

    char      ucs2[140];
    uint32_t  k;

    part->msg = m;
    part->number = 1;
    part->total = 1;
    if (split) {
        part->total = 2;
        part->number = (uint16_t) (1 + i % 2);
        part->udh = fakehost_batch_str(p, udh, sizeof(udh));
        p->texts.top[5] = (char) part->number;
    }
    if (i % 3) {
        part->data_coding = 0x00;
        part->encoding = SMS_ENC_GSM7;
        part->payload = fakehost_batch_str(p, "Kod 123456", 10);
        return;
    }
    for (k = 0; k < sizeof(ucs2); k += 2) {
        ucs2[k] = 0x01;
        ucs2[k + 1] = 0x5f;
    }
    part->data_coding = 0x08;
    part->encoding = SMS_ENC_UCS2;
    part->payload = fakehost_batch_str(p, ucs2, split ? 134 : sizeof(ucs2));
}


/* of every other one the operator's answer never came */
static void
fakehost_batch_sent(fakehost_pages_t *p, sms_sent_t *sent, const sms_msg_t *m, uint32_t i)
{
    char  id[24];
    int   n;

    sent->msg = m;
    sent->number = 1;
    sent->total = 1;
    sent->submitted_us = FAKEHOST_EPOCH_US - 60000000;
    if (i % 2) {
        n = snprintf(id, sizeof(id), "op-%u", i);
        sent->operator_id = fakehost_batch_str(p, id, (size_t) n);
    }
}


static void
fakehost_batch_event(fakehost_pages_t *p, sms_event_t *e, uint32_t i)
{
    char  body[128];
    int   n;

    fakehost_batch_id(e->msg_id, i);
    e->account = 100 + i % 3;
    e->at_us = FAKEHOST_EPOCH_US - 500;
    e->state = SMS_RECEIPT_DELIVERED;
    n = snprintf(body, sizeof(body), "{\"id\":\"msg_%u\",\"state\":\"delivered\"}", i);
    e->body = fakehost_batch_str(p, body, (size_t) n);
    e->url = fakehost_batch_str(p, "https://example.com/hook", 24);
}


static void
fakehost_batch_http(fakehost_pages_t *p, sms_http_in_t *in, uint32_t i)
{
    char  body[64];
    int   n;

    n = snprintf(body, sizeof(body), "{\"event\":%u}", i);
    in->body = fakehost_batch_str(p, body, (size_t) n);
    in->method = (sms_str_t) SMS_STR("POST");
    in->path = (sms_str_t) SMS_STR("/hook");
    in->query = (sms_str_t) SMS_STR("a=1&b=2");
    in->client_ip = (sms_str_t) SMS_STR("192.0.2.7");
    in->headers = p->attrs;
    in->nheaders = 1;
}


static void
fakehost_batch_item(fakehost_pages_t *p, void *item, sms_msg_t *msg, uint32_t i,
    uint32_t split)
{
    sms_hold_t        *hold = item;
    sms_credential_t  *cred = item;

    switch (p->op) {

    case FAKEHOST_BILLING_HOLD:
    case FAKEHOST_BILLING_SETTLE:
    case FAKEHOST_BILLING_RELEASE:
        fakehost_batch_id(hold->msg_id, i);
        hold->account = 100 + i % 3;
        hold->amount_micro = 123000;
        hold->outcome = 1 + i % 2;
        break;

    case FAKEHOST_OPERATOR_SUBMIT:
        fakehost_batch_msg(p, msg, split ? i / 2 : i);
        fakehost_batch_part(p, item, msg, i, split);
        break;

    case FAKEHOST_OPERATOR_QUERY:
    case FAKEHOST_OPERATOR_CANCEL:
        fakehost_batch_msg(p, msg, i);
        fakehost_batch_sent(p, item, msg, i);
        break;

    case FAKEHOST_AUTH_CHECK:
        cred->secret = fakehost_batch_str(p, "sms_test_0123456789abcdef", 25);
        cred->scheme = fakehost_batch_str(p, "bearer", 6);
        cred->client_ip = fakehost_batch_str(p, "192.0.2.7", 9);
        break;

    case FAKEHOST_NOTIFIER_SEND:
        fakehost_batch_event(p, item, i);
        break;

    case FAKEHOST_HTTP_IN:
        fakehost_batch_http(p, item, i);
        break;

    default:
        fakehost_batch_msg(p, item, i);
    }
}


static fakehost_batch_t *
fakehost_batch_new(fakehost_op_t op, uint32_t n, uint32_t gap)
{
    fakehost_pages_t  *p;
    fakehost_batch_t  *b;
    uint32_t           i, stride;

    b = fakehost_grab(sizeof(*b));
    p = fakehost_grab(sizeof(*p));
    p->op = op;
    p->result_size = fakehost_result_size[op];
    stride = p->result_size + gap;

    fakehost_area_map(&p->results, (size_t) n * stride);
    p->results.top -= (size_t) n * stride;
    for (i = 0; i < n; i++) {
        memset(p->results.top + (size_t) i * stride + p->result_size, FAKEHOST_CANARY, gap);
    }

    b->impl = p;
    b->batch.size = sizeof(sms_batch_t);
    b->batch.n = n;
    b->batch.results = p->results.top;
    b->batch.result_stride = stride;

    return b;
}


fakehost_batch_t *
fakehost_batch(fakehost_op_t op, uint32_t n, uint32_t variant, uint32_t gap)
{
    fakehost_pages_t  *p;
    fakehost_batch_t  *b;
    uint32_t           i, stride;
    size_t             msg;

    b = fakehost_batch_new(op, n, gap);
    p = b->impl;
    stride = fakehost_item_size[op] + gap;
    msg = sizeof(sms_msg_t) + gap;

    for (i = 0; i < 3; i++) {
        fakehost_batch_brand(p, i);
    }
    p->attrs[0].name = (sms_str_t) SMS_STR("x-note");
    p->attrs[0].value = (sms_str_t) SMS_STR("fake");

    fakehost_area_map(&p->texts, (size_t) n * FAKEHOST_ITEM_TEXT);
    fakehost_area_map(&p->items, (size_t) n * stride);
    fakehost_area_map(&p->messages, (size_t) n * msg);
    p->items.top -= (size_t) n * stride;
    p->messages.top -= (size_t) n * msg;
    memset(p->items.top, gap ? FAKEHOST_CANARY : 0, (size_t) n * stride);

    for (i = 0; i < n; i++) {
        memset(p->items.top + (size_t) i * stride, 0, fakehost_item_size[op]);
        fakehost_batch_item(p, p->items.top + (size_t) i * stride,
                            (sms_msg_t *) (void *) (p->messages.top + i * msg),
                            i + variant * 5000, variant & 1);
    }

    fakehost_area_protect(&p->texts, PROT_READ);
    fakehost_area_protect(&p->items, PROT_READ);
    fakehost_area_protect(&p->messages, PROT_READ);
    b->batch.items = p->items.top;
    b->batch.item_stride = stride;

    return b;
}


fakehost_batch_t *
fakehost_batch_of(fakehost_op_t op, const void *items, uint32_t size, uint32_t n)
{
    fakehost_batch_t  *b;

    b = fakehost_batch_new(op, n, 0);
    b->batch.items = items;
    b->batch.item_stride = size;

    return b;
}


void
fakehost_batch_seal(fakehost_batch_t *b)
{
    fakehost_pages_t  *p = b->impl;

    fakehost_area_protect(&p->texts, PROT_NONE);
    fakehost_area_protect(&p->items, PROT_NONE);
    fakehost_area_protect(&p->messages, PROT_NONE);
    fakehost_area_protect(&p->results, PROT_NONE);
}


int
fakehost_batch_intact(const fakehost_batch_t *b)
{
    const fakehost_pages_t  *p = b->impl;
    const char              *gap;
    uint32_t                 i, k;

    for (i = 0; i < b->batch.n; i++) {
        gap = p->results.top + (size_t) i * b->batch.result_stride;
        for (k = p->result_size; k < b->batch.result_stride; k++) {
            if (gap[k] != FAKEHOST_CANARY) {
                return 0;
            }
        }
    }

    return 1;
}


void
fakehost_batch_free(fakehost_batch_t *b)
{
    fakehost_area_t  *areas[4];
    fakehost_pages_t *p = b->impl;
    uint32_t          i;

    areas[0] = &p->items;
    areas[1] = &p->results;
    areas[2] = &p->texts;
    areas[3] = &p->messages;
    for (i = 0; i < 4; i++) {
        if (areas[i]->base) {
            munmap(areas[i]->base, areas[i]->size);
        }
    }
    free(p);
    free(b);
}
