/*
 * smpp_pdu: any octets are decoded or refused, without a read outside; what was
 * decoded and fits the standard's field sizes encodes to the same octets again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/operator/smpp/smpp_pdu.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       *buf, out[SMPP_PDU_MAX];
    size_t      n;
    uint16_t    tag;
    uint32_t    status;
    sms_str_t   rest, value;
    smpp_pdu_t  pdu;

    smpp_pdu_length((const char *) data, size);

    if (size < SMPP_HEADER_LEN || size > SMPP_PDU_MAX) {
        return 0;
    }

    /* most inputs would end at the length word; give every one a body */
    buf = malloc(size);
    memcpy(buf, data, size);
    smpp_pdu_put32(buf, (uint32_t) size);

    status = smpp_pdu_decode(&pdu, buf, size);

    for (rest = pdu.tlvs; smpp_tlv_next(&rest, &tag, &value) == 1; /* void */ ) {
        if (value.len && (value.ptr < buf
                          || value.ptr + value.len > buf + size))
        {
            abort();
        }
    }

    if (status == ESME_ROK) {
        n = smpp_pdu_encode(&pdu, out, sizeof(out));

        /* an answer without a body gets an empty one */
        if (n && size > SMPP_HEADER_LEN
            && (n != size || memcmp(out, buf, n) != 0))
        {
            abort();
        }
    }

    free(buf);

    return 0;
}
