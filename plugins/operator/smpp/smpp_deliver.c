#include <stdlib.h>
#include <string.h>

#include "smpp.h"


#define SMPP_ARRIVALS_MAX  4096         /* unanswered events of one session   */
#define SMPP_FUTURE_US     600000000    /* clocks differ by less, zones by more */
#define SMPP_EXTRA         (SMPP_ID_CHANGES * SMPP_ID_MAX + 8)  /* ids, and a UDH */
#define SMPP_ASCII_MAX     512          /* octets of a receipt that are read  */
#define SMPP_SHOWN         12           /* octets of an attribute, beside twice its own */

struct smpp_arrival_s {                 /* one call of inbound->deliver()     */
    smpp_arrival_t  *prev, *next;
    smpp_bind_t     *bind;
    uint32_t         generation;        /* of the connection it came from     */
    uint32_t         n;
    sms_inbound_t   *events;
    sms_kv_t        *attrs;             /* of all events                      */
    uint32_t        *sequences, *commands;
    char            *octets;            /* copies of the PDUs                 */
    char            *spare;             /* for what is made from them         */
};


static void
smpp_deliver_answer(smpp_bind_t *b, uint32_t command, uint32_t sequence,
    uint32_t status)
{
    smpp_pdu_t  pdu;

    memset(&pdu, 0, sizeof(smpp_pdu_t));
    pdu.command = command | SMPP_ANSWER;
    pdu.sequence = sequence;
    pdu.status = status;

    if (status != ESME_ROK) {
        smpp_count(b->smpp, SMPP_METRIC_REFUSED, 1);
    }

    smpp_session_send(b, &pdu);
}


static void
smpp_deliver_unlink(smpp_arrival_t *a)
{
    if (a->prev) {
        a->prev->next = a->next;

    } else {
        a->bind->smpp->arrivals = a->next;
    }

    if (a->next) {
        a->next->prev = a->prev;
    }

    free(a);
}


/* Committed, or not: then the SMSC has to bring it again. */
static void
smpp_deliver_done(void *data, sms_rc_t rc)
{
    uint32_t         i;
    smpp_bind_t     *b;
    smpp_arrival_t  *a;

    a = data;
    b = a->bind;

    if (a->generation == b->generation) {
        for (i = 0; i < a->n; i++) {
            smpp_deliver_answer(b, a->commands[i], a->sequences[i],
                                rc == SMS_OK ? ESME_ROK : ESME_RX_T_APPN);
        }
    }

    b->arrivals -= a->n;
    smpp_deliver_unlink(a);
    smpp_session_settle(b);
}


/* Other workers and the next one profit from what was learned. */
static void
smpp_deliver_learned(smpp_t *smpp)
{
    sms_str_t         key = SMS_STR("receipt_id"), value;
    smpp_id_change_t  known;

    known = smpp_id_known(smpp->book);
    value.ptr = known == SMPP_ID_NONE ? "unknown" : smpp_id_words[known];
    value.len = strlen(value.ptr);

    smpp_log(smpp, SMS_LOG_NOTICE, "ids of receipts: %s", value.ptr);

    if (smpp->host->dict) {
        smpp->host->dict->set(smpp->host, key, value, 0);
    }
}


static void
smpp_deliver_id(smpp_t *smpp, sms_inbound_t *ev, sms_str_t raw, char **spare)
{
    smpp_id_t         *id;
    sms_str_t          s;
    smpp_reading_t     r;
    smpp_id_change_t   change;

    if (smpp_id_known(smpp->book) == SMPP_ID_NONE) {
        smpp_learn(smpp);
    }

    smpp_id_receipt(smpp->book, &r, raw, ev->from);

    if (r.changed) {
        smpp_deliver_learned(smpp);
    }

    for (change = SMPP_ID_SAME; change < SMPP_ID_CHANGES; change++) {
        id = &r.id[change];
        s.ptr = *spare;
        s.len = id->len;
        memcpy(*spare, id->s, id->len);
        *spare += id->len;

        if (change == r.best) {
            ev->operator_id = s;
        }

        if (r.open) {
            ev->readings[change] = s;
        }
    }

    ev->reading = r.open && r.sure ? (uint32_t) r.best + 1 : 0;
}


/* 1: it can be read */
static int
smpp_deliver_read(smpp_t *smpp, smpp_receipt_t *r, sms_str_t text,
    sms_str_t tlvs, uint8_t alphabet, char *ascii, size_t cap)
{
    sms_str_t            plain;
    smpp_receipt_ways_t  ways;

    plain.ptr = ascii;
    plain.len = smpp_text_ascii(text, alphabet, ascii, cap);
    ways.offset_s = smpp->conf.clock_offset_s;
    ways.nwords = smpp->conf.nwords;
    ways.words = smpp->conf.words;

    return smpp_receipt_parse(r, plain, tlvs, &ways);
}


static void
smpp_deliver_receipt(smpp_bind_t *b, sms_inbound_t *ev, sms_str_t text,
    sms_str_t tlvs, uint8_t alphabet, char **spare)
{
    char             ascii[SMPP_ASCII_MAX];
    smpp_t          *smpp;
    int64_t          now_us;
    smpp_receipt_t   r;
    smpp_verdict_t   v;
    sms_host_t      *h;

    smpp = b->smpp;
    h = smpp->host;

    if (!smpp_deliver_read(smpp, &r, text, tlvs, alphabet, ascii,
                           sizeof(ascii)))
    {
        /* what cannot be read now cannot be read later either */
        ev->type = 0;
        return;
    }

    smpp_deliver_id(smpp, ev, r.id, spare);

    if (ev->operator_id.len == 0) {
        ev->type = 0;
        return;
    }

    ev->type = SMS_INBOUND_RECEIPT;
    ev->state = r.state;
    ev->operator_code = r.error;

    now_us = h->core->now_us(h);

    if (r.done_us > 0 && r.done_us <= now_us + SMPP_FUTURE_US) {
        ev->at_us = r.done_us < now_us ? r.done_us : now_us;
    }

    if (r.error) {
        v = smpp_status_judge(r.error, smpp->conf.errors, smpp->conf.nerrors);

        /* only what this operator's table says: err: has no standard */
        if (smpp->conf.nerrors && v.klass == SMPP_CLASS_FINAL
            && v.reason != SMS_REASON_OTHER)
        {
            ev->reason = v.reason;
        }
    }

    if (ev->reason == SMS_REASON_NONE && r.state == SMS_RECEIPT_EXPIRED) {
        ev->reason = SMS_REASON_EXPIRED;
    }

    smpp_count(smpp, SMPP_METRIC_RECEIPTS, 1);
}


/* SAR parameters say what a concatenation header says; the host knows one way */
static void
smpp_deliver_sar(sms_inbound_t *ev, sms_str_t tlvs, char **spare)
{
    char       *p;
    sms_str_t   ref, total, number;

    if (!smpp_tlv_find(tlvs, SMPP_TLV_SAR_REF, &ref)
        || !smpp_tlv_find(tlvs, SMPP_TLV_SAR_TOTAL, &total)
        || !smpp_tlv_find(tlvs, SMPP_TLV_SAR_SEQUENCE, &number)
        || ref.len != 2 || total.len != 1 || number.len != 1)
    {
        return;
    }

    p = *spare;
    p[0] = 6;
    p[1] = 8;
    p[2] = 4;
    p[3] = ref.ptr[0];
    p[4] = ref.ptr[1];
    p[5] = total.ptr[0];
    p[6] = number.ptr[0];
    ev->udh.ptr = p;
    ev->udh.len = 7;
    *spare += 7;
}


static void
smpp_deliver_message(smpp_bind_t *b, sms_inbound_t *ev, sms_str_t text,
    sms_str_t tlvs, uint8_t data_coding, uint8_t esm_class, char **spare)
{
    size_t    n;
    uint8_t   alphabet;
    smpp_t   *smpp;

    smpp = b->smpp;
    ev->type = SMS_INBOUND_MESSAGE;

    if (esm_class & SMPP_ESM_UDHI) {
        smpp_text_split_udh(&text, &ev->udh);

    } else {
        smpp_deliver_sar(ev, tlvs, spare);
    }

    alphabet = smpp_text_alphabet(data_coding);

    if (alphabet == 0x00 && smpp->conf.septets == SMPP_SEPTETS_PACKED) {
        n = smpp_text_unpack(text, ev->udh.len, *spare, text.len * 8 / 7 + 1);
        text.ptr = *spare;
        text.len = n;
        *spare += n;

    } else if (alphabet == 0x00) {
        alphabet = smpp->conf.default_alphabet;
    }

    ev->octets = text;
    ev->data_coding = alphabet;
    smpp_count(smpp, SMPP_METRIC_MESSAGES, 1);
}


/* A text that only looks like a receipt is a person's message: anybody can send
 * "id:1 stat:DELIVRD".  The TLVs come from the SMSC alone; and of some SMSCs it
 * is configured that they do not mark their receipts.                        */
static int
smpp_deliver_marked(smpp_t *smpp, uint8_t type, sms_str_t text, sms_str_t tlvs,
    uint8_t data_coding)
{
    char            ascii[SMPP_ASCII_MAX];
    sms_str_t       value;
    smpp_receipt_t  r;

    if (type == SMPP_ESM_RECEIPT || type == SMPP_ESM_INTERMEDIATE
        || (smpp_tlv_find(tlvs, SMPP_TLV_RECEIPTED_MESSAGE_ID, &value)
            && smpp_tlv_find(tlvs, SMPP_TLV_MESSAGE_STATE, &value)))
    {
        return 1;
    }

    return type == 0 && smpp->conf.unmarked
           && smpp_deliver_read(smpp, &r, text, tlvs,
                                smpp_text_alphabet(data_coding), ascii,
                                sizeof(ascii));
}


/* 1: *ev is to be delivered.  "p" lives as long as the arrival. */
static int
smpp_deliver_event(smpp_bind_t *b, sms_inbound_t *ev, sms_kv_t *attrs,
    smpp_pdu_t *pdu, const char *p, size_t n, char **spare)
{
    uint8_t    esm_class, data_coding, source_ton, dest_ton, type;
    sms_str_t  text, from, to, value;

    memset(ev, 0, sizeof(sms_inbound_t));

    if (smpp_pdu_decode(pdu, p, n) != ESME_ROK) {
        return 0;
    }

    text.ptr = NULL;
    text.len = 0;

    if (pdu->shape == SMPP_SHAPE_SM) {
        text = pdu->u.SM.short_message;
        esm_class = pdu->u.SM.esm_class;
        data_coding = pdu->u.SM.data_coding;
        source_ton = pdu->u.SM.source_addr_ton;
        from = pdu->u.SM.source_addr;
        dest_ton = pdu->u.SM.dest_addr_ton;
        to = pdu->u.SM.destination_addr;

    } else {
        esm_class = pdu->u.DATA_SM.esm_class;
        data_coding = pdu->u.DATA_SM.data_coding;
        source_ton = pdu->u.DATA_SM.source_addr_ton;
        from = pdu->u.DATA_SM.source_addr;
        dest_ton = pdu->u.DATA_SM.dest_addr_ton;
        to = pdu->u.DATA_SM.destination_addr;
    }

    if (text.len == 0
        && smpp_tlv_find(pdu->tlvs, SMPP_TLV_MESSAGE_PAYLOAD, &value))
    {
        text = value;
    }

    ev->from = smpp_text_address(from, source_ton);
    ev->to = smpp_text_address(to, dest_ton);
    type = esm_class & SMPP_ESM_TYPE;

    if (smpp_deliver_marked(b->smpp, type, text, pdu->tlvs, data_coding)) {
        smpp_deliver_receipt(b, ev, text, pdu->tlvs,
                             smpp_text_alphabet(data_coding), spare);

    } else if (type == SMPP_ESM_DELIVERY_ACK || type == SMPP_ESM_MANUAL_ACK) {
        /* acknowledgements of a handset, which we never ask for */
        ev->type = 0;

    } else if (ev->from.len && ev->to.len) {
        smpp_deliver_message(b, ev, text, pdu->tlvs, data_coding, esm_class,
                             spare);
    }

    if (ev->type) {
        ev->attrs = attrs;
        ev->nattrs = smpp_vendor_get(b->smpp->conf.shown, b->smpp->conf.nshown,
                                     pdu->tlvs, attrs, spare);
    }

    return ev->type != 0;
}


/* Nothing to store: a receipt that nobody can read is refused for good, lest
 * it comes back for days; an acknowledgement is taken and forgotten.         */
static void
smpp_deliver_useless(smpp_bind_t *b, const smpp_pdu_t *pdu)
{
    uint8_t  type;

    type = pdu->shape == SMPP_SHAPE_SM ? pdu->u.SM.esm_class
                                       : pdu->u.DATA_SM.esm_class;
    type &= SMPP_ESM_TYPE;

    if (type == SMPP_ESM_DELIVERY_ACK || type == SMPP_ESM_MANUAL_ACK) {
        smpp_deliver_answer(b, pdu->command, pdu->sequence, ESME_ROK);
        return;
    }

    smpp_count(b->smpp, SMPP_METRIC_MALFORMED, 1);
    smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: useless: %s", b->name,
             type ? "receipt without id or state"
                  : "message without addresses");
    smpp_deliver_answer(b, pdu->command, pdu->sequence, ESME_RX_R_APPN);
}


void
smpp_deliver_add(smpp_bind_t *b, const char *p, size_t n)
{
    if (b->nframes == SMPP_DELIVER_MAX) {
        smpp_deliver_flush(b);
    }

    b->frames[b->nframes].ptr = p;
    b->frames[b->nframes].len = n;
    b->nframes++;
}


void
smpp_deliver_flush(smpp_bind_t *b)
{
    char            *to, *spare;
    size_t           octets, size, count, shown;
    smpp_t          *smpp;
    uint32_t         i, n, frames;
    sms_rc_t         rc;
    smpp_pdu_t       pdu;
    sms_host_t      *h;
    smpp_arrival_t  *a;

    smpp = b->smpp;
    h = smpp->host;
    count = b->nframes;
    frames = b->nframes;
    b->nframes = 0;

    if (frames == 0) {
        return;
    }

    octets = 0;

    for (i = 0; i < frames; i++) {
        octets += b->frames[i].len;
    }

    /* the spare octets hold ids, headers, septets unpacked (8/7 and one), and
     * attributes                                                              */
    size = sizeof(smpp_arrival_t) + count * sizeof(sms_inbound_t)
           + count * 2 * sizeof(uint32_t) + octets
           + octets * 8 / 7 + count * (SMPP_EXTRA + 2);
    shown = smpp->conf.nshown;

    if (shown) {
        size += count * shown * (sizeof(sms_kv_t) + SMPP_SHOWN) + 2 * octets;
    }

    a = b->arrivals + frames <= SMPP_ARRIVALS_MAX ? malloc(size) : NULL;

    if (a == NULL) {
        for (i = 0; i < frames; i++) {
            if (smpp_pdu_decode(&pdu, b->frames[i].ptr, b->frames[i].len)
                == ESME_ROK)
            {
                smpp_deliver_answer(b, pdu.command, pdu.sequence,
                                    ESME_RX_T_APPN);
            }
        }

        return;
    }

    memset(a, 0, sizeof(smpp_arrival_t));
    a->bind = b;
    a->generation = b->generation;
    a->events = (sms_inbound_t *) (void *) (a + 1);
    a->attrs = (sms_kv_t *) (void *) (a->events + count);
    a->sequences = (uint32_t *) (void *) (a->attrs + count * shown);
    a->commands = a->sequences + count;
    a->octets = (char *) (a->commands + count);
    a->spare = a->octets + octets;
    to = a->octets;
    spare = a->spare;

    for (i = 0, n = 0; i < frames; i++) {
        memcpy(to, b->frames[i].ptr, b->frames[i].len);

        if (smpp_deliver_event(b, &a->events[n], a->attrs + n * shown, &pdu,
                               to, b->frames[i].len, &spare))
        {
            a->sequences[n] = pdu.sequence;
            a->commands[n] = pdu.command;
            n++;

        } else {
            smpp_deliver_useless(b, &pdu);
        }

        to += b->frames[i].len;
    }

    a->n = n;

    if (n == 0) {
        free(a);
        return;
    }

    a->next = smpp->arrivals;

    if (a->next) {
        a->next->prev = a;
    }

    smpp->arrivals = a;
    b->arrivals += n;

    rc = h->inbound->deliver(h, a->events, sizeof(sms_inbound_t), n,
                             smpp_deliver_done, a);
    if (rc < 0) {
        smpp_deliver_done(a, rc);
    }
}


void
smpp_deliver_free(smpp_t *smpp)
{
    while (smpp->arrivals) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): unlinking moves the head */
        smpp_deliver_unlink(smpp->arrivals);
    }
}
