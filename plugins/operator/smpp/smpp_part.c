#include <string.h>

#include "smpp_part.h"


sms_rc_t
smpp_part_encode(smpp_part_t *out, const smpp_conf_t *conf,
    const sms_part_t *part, int64_t now_us)
{
    size_t             n;
    int64_t            seconds;
    smpp_SM_t         *sm;
    smpp_numbering_t   source;
    const sms_msg_t   *msg;

    msg = part->msg;

    memset(&out->pdu, 0, sizeof(smpp_pdu_t));
    out->pdu.command = (uint32_t) SMPP_CMD_SUBMIT_SM;
    sm = &out->pdu.u.SM;

    switch (smpp_text_sender_kind(msg->from)) {

    case SMPP_SENDER_ALPHA:
        source = conf->alpha;
        break;

    case SMPP_SENDER_SHORT:
        source = conf->shortcode;
        break;

    default:
        source = conf->number;
    }

    sm->service_type = conf->service_type;
    sm->source_addr_ton = source.ton;
    sm->source_addr_npi = source.npi;
    sm->source_addr = smpp_text_address(msg->from, 0);
    sm->dest_addr_ton = conf->dest.ton;
    sm->dest_addr_npi = conf->dest.npi;
    sm->destination_addr = smpp_text_address(msg->to, 0);
    sm->esm_class = (uint8_t) (conf->esm_mode
                               | (part->udh.len ? SMPP_ESM_UDHI : 0));
    sm->protocol_id = conf->protocol_id;
    sm->priority_flag = conf->priority;
    sm->registered_delivery = conf->registered_delivery;
    sm->replace_if_present_flag = conf->replace;

    switch (part->encoding) {

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

    if (part->udh.len > SMPP_TEXT_MAX
        || part->payload.len > SMPP_TEXT_MAX - part->udh.len)
    {
        return SMS_E_INVAL;
    }

    n = part->udh.len;

    if (n) {
        memcpy(out->text, part->udh.ptr, n);
    }

    if (conf->septets == SMPP_SEPTETS_PACKED && part->encoding >= SMS_ENC_GSM7
        && part->encoding <= SMS_ENC_GSM7_TR_LOCKING)
    {
        n += smpp_text_pack(part->payload, n, out->text + n, SMPP_TEXT_MAX - n);

    } else if (part->payload.len) {
        memcpy(out->text + n, part->payload.ptr, part->payload.len);
        n += part->payload.len;
    }

    sm->short_message.ptr = out->text;
    sm->short_message.len = n;

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

    out->pdu.tlvs.ptr = out->tlvs;
    out->pdu.tlvs.len = smpp_vendor_put(conf->vendor, conf->nvendor, msg,
                                        out->tlvs, sizeof(out->tlvs));

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
