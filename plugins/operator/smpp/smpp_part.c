#include <string.h>

#include "smpp_part.h"


smpp_numbering_t
smpp_part_source(const smpp_conf_t *conf, sms_str_t from)
{
    switch (smpp_text_sender_kind(from)) {

    case SMPP_SENDER_ALPHA:
        return conf->alpha;

    case SMPP_SENDER_SHORT:
        return conf->shortcode;

    default:
        return conf->number;
    }
}


/* Header and payload one behind the other; octets, 0: more than "cap". */
static size_t
smpp_part_octets(const smpp_conf_t *conf, const smpp_split_t *split, char *p,
    size_t cap)
{
    size_t  n, packed;

    n = split->udh.len;

    if (n > cap || split->payload.len > cap - n) {
        return 0;
    }

    if (n) {
        memcpy(p, split->udh.ptr, n);
    }

    if (split->payload.len == 0) {
        return n;
    }

    if (conf->septets == SMPP_SEPTETS_PACKED && split->encoding >= SMS_ENC_GSM7
        && split->encoding <= SMS_ENC_GSM7_TR_LOCKING)
    {
        packed = smpp_text_pack(split->payload, n, p + n, cap - n);
        return packed ? n + packed : 0;
    }

    memcpy(p + n, split->payload.ptr, split->payload.len);

    return n + split->payload.len;
}


static void
smpp_part_tlv(smpp_part_t *out, uint16_t tag, const void *value, size_t n)
{
    sms_str_t  s;

    s.ptr = value;
    s.len = n;
    smpp_tlv_put(out->tlvs, SMPP_TLVS_MAX, &out->pdu.tlvs.len, tag, s);
}


/* Header and payload where the link wants them, and the parameters of SAR. */
static sms_rc_t
smpp_part_text(smpp_part_t *out, const smpp_conf_t *conf)
{
    char          ref[2];
    size_t        n;
    smpp_pdu_t   *pdu;
    smpp_split_t *split;

    pdu = &out->pdu;
    split = &out->split;
    pdu->tlvs.ptr = out->tlvs;
    pdu->tlvs.len = 0;

    if (split->how == SMPP_LONG_PAYLOAD) {
        n = smpp_part_octets(conf, split, out->tlvs + 4, SMPP_PAYLOAD_MAX);
        out->tlvs[0] = (char) (SMPP_TLV_MESSAGE_PAYLOAD >> 8);
        out->tlvs[1] = (char) (SMPP_TLV_MESSAGE_PAYLOAD & 0xFF);
        out->tlvs[2] = (char) (n >> 8);
        out->tlvs[3] = (char) n;
        pdu->tlvs.len = n + 4;

        return SMS_OK;
    }

    n = smpp_part_octets(conf, split, out->text, SMPP_TEXT_MAX);

    if (n == 0 && split->udh.len + split->payload.len) {
        return SMS_E_INVAL;
    }

    pdu->u.SM.short_message.ptr = out->text;
    pdu->u.SM.short_message.len = n;

    if (split->how == SMPP_LONG_SAR) {
        ref[0] = (char) (split->ref >> 8);
        ref[1] = (char) split->ref;
        smpp_part_tlv(out, SMPP_TLV_SAR_REF, ref, 2);
        smpp_part_tlv(out, SMPP_TLV_SAR_TOTAL, &split->total, 1);
        smpp_part_tlv(out, SMPP_TLV_SAR_SEQUENCE, &split->number, 1);
    }

    return SMS_OK;
}


sms_rc_t
smpp_part_encode(smpp_part_t *out, const smpp_conf_t *conf,
    const sms_part_t *part, int64_t now_us)
{
    int64_t            seconds;
    sms_rc_t           rc;
    smpp_SM_t         *sm;
    smpp_numbering_t   source;
    const sms_msg_t   *msg;

    msg = part->msg;

    memset(&out->pdu, 0, sizeof(smpp_pdu_t));
    out->pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM;
    sm = &out->pdu.u.SM;

    source = smpp_part_source(conf, msg->from);
    sm->service_type = conf->service_type;
    sm->source_addr_ton = source.ton;
    sm->source_addr_npi = source.npi;
    sm->source_addr = smpp_text_address(msg->from, 0);
    sm->dest_addr_ton = conf->dest.ton;
    sm->dest_addr_npi = conf->dest.npi;
    sm->destination_addr = smpp_text_address(msg->to, 0);
    sm->protocol_id = conf->protocol_id;
    sm->priority_flag = conf->priority;
    sm->registered_delivery = conf->registered_delivery;
    sm->replace_if_present_flag = conf->replace;

    rc = smpp_split_part(&out->split, &conf->split, part);

    if (rc != SMS_OK) {
        return rc;
    }

    sm->esm_class = (uint8_t) (conf->esm_mode
                               | (out->split.udh.len ? SMPP_ESM_UDHI : 0));

    switch (out->split.encoding) {

    case SMS_ENC_GSM7:
        sm->data_coding = conf->coding_gsm7;
        break;

    case SMS_ENC_GSM7_TR_SINGLE:
    case SMS_ENC_GSM7_TR_LOCKING:
        sm->data_coding = conf->coding_turkish;
        break;

    case SMS_ENC_UCS2:
        sm->data_coding = conf->coding_ucs2;
        break;

    default:
        sm->data_coding = part->data_coding;
    }

    rc = smpp_part_text(out, conf);

    if (rc != SMS_OK) {
        return rc;
    }

    if (conf->validity_s && msg->expires_us) {
        seconds = (msg->expires_us - now_us + 999999) / 1000000;

        if (seconds > (int64_t) conf->validity_s) {
            seconds = conf->validity_s;
        }

        if (conf->absolute) {
            smpp_text_time(now_us + seconds * 1000000, conf->clock_offset_s,
                           out->period);

        } else {
            smpp_text_period((uint32_t) seconds, out->period);
        }

        sm->validity_period.ptr = out->period;
        sm->validity_period.len = SMPP_PERIOD_LEN;
    }

    out->pdu.tlvs.len += smpp_vendor_put(conf->vendor, conf->nvendor, msg,
                                         out->tlvs + out->pdu.tlvs.len,
                                         SMPP_TLVS_MAX - out->pdu.tlvs.len);

    return SMS_OK;
}


sms_reason_t
smpp_part_blame(const smpp_part_t *p)
{
    size_t  to;

    to = p->pdu.u.SM.destination_addr.len;

    if (to == 0 || to > 20) {
        return SMS_REASON_INVALID_NUMBER;
    }

    return p->pdu.u.SM.source_addr.len > 20 ? SMS_REASON_SENDER
                                            : SMS_REASON_OTHER;
}
