/*
 * smpp_receipt and smpp_id: receipts of any octets. First octet: alphabet,
 * second: how much of the rest is TLVs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/operator/smpp/smpp_id.c"
#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_receipt.c"
#include "../../plugins/operator/smpp/smpp_text.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                   ascii[512], *copy, packed[600];
    size_t                 ntlvs;
    smpp_id_t              id, back;
    smpp_reading_t         reading;
    sms_str_t              text, tlvs, udh, body;
    smpp_receipt_t         r;
    static smpp_id_book_t  book;

    static const smpp_receipt_word_t  words[] = {
        { SMS_STR("HLR_ABSENT"), SMS_RECEIPT_UNDELIVERED }
    };
    static const smpp_receipt_ways_t  ways = { 10800, 1, words };

    if (size < 2) {
        return 0;
    }

    copy = malloc(size);
    memcpy(copy, data, size);
    ntlvs = data[1] < size - 2 ? data[1] : size - 2;
    tlvs.ptr = copy + 2;
    tlvs.len = ntlvs;
    body.ptr = copy + 2 + ntlvs;
    body.len = size - 2 - ntlvs;

    text.ptr = ascii;
    text.len = smpp_text_ascii(body, smpp_text_alphabet(data[0]), ascii,
                               sizeof(ascii));

    if (smpp_receipt_parse(&r, text, tlvs, &ways)) {
        if (r.id.len == 0 || r.state < SMS_RECEIPT_ENROUTE
            || r.state > SMS_RECEIPT_REJECTED)
        {
            abort();
        }

        if ((data[0] & 1) == 0) {
            smpp_id_book_init(&book, SMPP_ID_AUTO, SMPP_ID_AUTO);
            smpp_id_answer(&book, &id, r.id, body);
            smpp_id_receipt(&book, &reading, r.id, body);

            /* what was answered so is found so */
            if (strcmp(id.s, reading.id[reading.best].s) != 0) {
                abort();
            }
        }

        smpp_id_normal(&id, r.id, 0);

        if (smpp_id_convert(&back, &id, SMPP_ID_TO_HEX)) {
            smpp_id_t  again;

            if (!smpp_id_convert(&again, &back, SMPP_ID_TO_DECIMAL)
                || strcmp(again.s, id.s) != 0)
            {
                abort();
            }
        }
    }

    if (smpp_text_split_udh(&body, &udh) && body.len <= 255) {
        if (smpp_text_unpack(body, udh.len, packed, sizeof(packed))
            > body.len * 8 / 7 + 1)
        {
            abort();
        }
    }

    free(copy);

    return 0;
}
