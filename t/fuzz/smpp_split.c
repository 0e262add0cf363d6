/*
 * smpp_split and smpp_part: any text in any alphabet over any link.  The first
 * octets are the link's ways; each part fits its PDU, and what arrives is the
 * text, with our code behind it at the most.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/operator/smpp/smpp_part.c"
#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_split.c"
#include "../../plugins/operator/smpp/smpp_text.c"
#include "../../plugins/operator/smpp/smpp_vendor.c"

#include <sms/sms_utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST  40


static size_t
arrives(const smpp_pdu_t *pdu, char *all, size_t len)
{
    size_t     n;
    sms_str_t  text, udh;

    text = pdu->u.SM.short_message;
    udh.ptr = NULL;
    udh.len = 0;

    if (smpp_tlv_find(pdu->tlvs, SMPP_TLV_MESSAGE_PAYLOAD, &udh)) {
        text = udh;
        udh.len = 0;
    }

    if ((pdu->u.SM.esm_class & SMPP_ESM_UDHI)
        && !smpp_text_split_udh(&text, &udh))
    {
        abort();
    }

    if (sms_segment_text(pdu->u.SM.data_coding, (const uint8_t *) udh.ptr,
                         udh.len, (const uint8_t *) text.ptr, text.len,
                         all + len, 65536 - len, &n) != SMS_SEGMENT_OK)
    {
        abort();
    }

    return len + n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                     plain;
    char                   *text, wire[SMPP_PDU_MAX];
    size_t                  n, len;
    uint32_t                i, total;
    sms_rc_t                rc;
    sms_msg_t               msg;
    sms_part_t              part;
    smpp_conf_t             conf;
    sms_brand_t             brand;
    sms_segment_t           count;
    sms_segment_out_t       out;
    sms_segment_part_t      parts[MOST];
    sms_segment_profile_t   pf;
    static char             all[65536];
    static smpp_part_t      encoded;

    if (size < 3 || size > 6000) {
        return 0;
    }

    memset(&conf, 0, sizeof(conf));
    memset(&msg, 0, sizeof(msg));
    memset(&brand, 0, sizeof(brand));
    memset(&pf, 0, sizeof(pf));
    conf.coding_ucs2 = 8;
    conf.split.how = (smpp_long_t) (data[0] & 3);
    conf.split.suffix = (smpp_suffix_t) (data[0] >> 2 & 3) % 3;
    conf.split.turkish = data[0] >> 4 & 1;
    memcpy(conf.split.append, " B001", 6);
    pf.force = data[1] % 5;
    pf.shift = data[1] >> 4 & 1;
    pf.suffix = data[0] & 0x80 ? 5 : 0;
    pf.max_parts = MOST;

    n = size - 2;
    text = malloc(n);
    memcpy(text, data + 2, n);

    if (!sms_utf8_valid(text, n) || memchr(text, 0, n) != NULL
        || sms_segment_count(&pf, text, n, &count, parts, MOST)
           != SMS_SEGMENT_OK)
    {
        free(text);
        return 0;
    }

    msg.text = (sms_str_t) { text, n };
    msg.to = (sms_str_t) SMS_STR("905321112233");
    msg.from = (sms_str_t) SMS_STR("ORNEK");
    msg.brand = &brand;
    msg.parts = count.parts;
    msg.encoding = count.encoding;
    total = conf.split.how == SMPP_LONG_PAYLOAD ? 1 : count.parts;
    len = 0;
    rc = SMS_OK;

    for (i = 0; i < total && rc == SMS_OK; i++) {
        memset(&part, 0, sizeof(part));

        if (sms_segment_split(&pf, &count, &parts[i], text, n, i + 1, 0, &out)
            != SMS_SEGMENT_OK)
        {
            abort();
        }

        part.msg = &msg;
        part.number = (uint16_t) (i + 1);
        part.total = (uint16_t) total;
        part.encoding = count.encoding;
        part.udh = (sms_str_t) { (char *) out.udh, out.udh_len };
        part.payload = (sms_str_t) { (char *) out.payload, out.payload_len };
        rc = smpp_part_encode(&encoded, &conf, &part, 0);

        if (rc == SMS_OK) {
            if (smpp_pdu_encode(&encoded.pdu, wire, sizeof(wire)) == 0) {
                abort();
            }

            len = arrives(&encoded.pdu, all, len);
        }
    }

    /* decided before the first part is written, for the whole text */
    if (rc != SMS_OK && (rc != SMS_E_DENIED || i != 1)) {
        abort();
    }

    /* in the tables of GSM some letters have a twin */
    plain = count.encoding == SMS_ENC_UCS2;

    if (rc == SMS_OK
        && (len < n || len > n + 5 || (plain && memcmp(all, text, n) != 0)
            || (len > n && memcmp(all + len - 5, " B001", 5) != 0)))
    {
        abort();
    }

    free(text);

    return 0;
}
