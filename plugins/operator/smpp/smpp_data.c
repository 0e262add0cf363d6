#include <string.h>

#include "smpp_data.h"


sms_rc_t
smpp_data_make(smpp_data_t *out, smpp_pdu_t *pdu, const smpp_conf_t *conf,
    int64_t left_us)
{
    char             octets[4];
    size_t           len;
    int64_t          seconds;
    smpp_SM_t        sm;
    sms_str_t        value;
    smpp_DATA_SM_t  *data;

    sm = pdu->u.SM;
    len = 0;

    if (pdu->tlvs.len > sizeof(out->tlvs)) {
        return SMS_E_INVAL;
    }

    if (pdu->tlvs.len) {
        memcpy(out->tlvs, pdu->tlvs.ptr, pdu->tlvs.len);
        len = pdu->tlvs.len;
    }

    if (!smpp_tlv_find(pdu->tlvs, SMPP_TLV_MESSAGE_PAYLOAD, &value)
        && !smpp_tlv_put(out->tlvs, sizeof(out->tlvs), &len,
                         SMPP_TLV_MESSAGE_PAYLOAD, sm.short_message))
    {
        return SMS_E_INVAL;
    }

    if (sm.validity_period.len) {
        seconds = (left_us + 999999) / 1000000;

        if (seconds > (int64_t) conf->validity_s) {
            seconds = conf->validity_s;
        }

        if (seconds < 1) {
            seconds = 1;
        }

        octets[0] = (char) (seconds >> 24);
        octets[1] = (char) (seconds >> 16);
        octets[2] = (char) (seconds >> 8);
        octets[3] = (char) seconds;
        value.ptr = octets;
        value.len = 4;

        if (!smpp_tlv_put(out->tlvs, sizeof(out->tlvs), &len,
                          SMPP_TLV_QOS_TIME_TO_LIVE, value))
        {
            return SMS_E_INVAL;
        }
    }

    memset(&pdu->u, 0, sizeof(pdu->u));
    data = &pdu->u.DATA_SM;
    data->service_type = sm.service_type;
    data->source_addr_ton = sm.source_addr_ton;
    data->source_addr_npi = sm.source_addr_npi;
    data->source_addr = sm.source_addr;
    data->dest_addr_ton = sm.dest_addr_ton;
    data->dest_addr_npi = sm.dest_addr_npi;
    data->destination_addr = sm.destination_addr;
    data->esm_class = sm.esm_class;
    data->registered_delivery = sm.registered_delivery;
    data->data_coding = sm.data_coding;

    pdu->command = (uint32_t) SMPP_CMD_DATA_SM;
    pdu->tlvs.ptr = out->tlvs;
    pdu->tlvs.len = len;

    return SMS_OK;
}
