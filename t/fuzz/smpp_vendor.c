/*
 * smpp_vendor: a configuration line of any octets (first octet: its length), then
 * the optional parameters of a PDU.  What is accepted reads back what it wrote.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/operator/smpp/smpp_pdu.c"
#include "../../plugins/operator/smpp/smpp_vendor.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *copy, *values, *to, put[512];
    size_t          n, room;
    sms_kv_t        kv[2], attr;
    uint32_t        i, count;
    sms_str_t       item, tlvs, value;
    sms_msg_t       msg;
    sms_brand_t     brand;
    smpp_vendor_t   v[2];

    if (size < 1) {
        return 0;
    }

    copy = malloc(size);
    memcpy(copy, data, size);
    n = data[0] < size - 1 ? data[0] : size - 1;
    item.ptr = copy + 1;
    item.len = n;
    tlvs.ptr = copy + 1 + n;
    tlvs.len = size - 1 - n;

    memset(&msg, 0, sizeof(msg));
    memset(&brand, 0, sizeof(brand));
    brand.name = tlvs;
    brand.iys_code = 123456;
    msg.brand = &brand;
    msg.account = 42;
    attr.name = (sms_str_t) SMS_STR("partner");
    attr.value = tlvs;
    msg.attrs = &attr;
    msg.nattrs = 1;

    if (smpp_vendor_parse(item, &v[0]) == SMS_OK) {
        v[1] = v[0];
        n = smpp_vendor_put(v, 2, &msg, put, sizeof(put));

        if (n > sizeof(put)) {
            abort();
        }

        /* one of a tag, and nothing else */
        if (n && (!smpp_tlv_find((sms_str_t) { put, n }, v[0].tag, &value)
                  || value.len + 4 != n))
        {
            abort();
        }
    }

    v[0].tag = 0x1411;
    v[0].type = SMPP_VENDOR_STRING;
    v[0].literal = attr.name;
    count = smpp_vendor_parse_in(item, &v[1]) == SMS_OK && v[1].tag != 0x1411
            ? 2 : 1;
    room = 2 * tlvs.len + 12 * count;
    values = malloc(room);
    to = values;
    count = smpp_vendor_get(v, count, tlvs, kv, &to);

    for (i = 0; i < count; i++) {
        if (kv[i].value.ptr < values
            || kv[i].value.ptr + kv[i].value.len > values + room
            || !sms_utf8_valid(kv[i].value.ptr, kv[i].value.len))
        {
            abort();
        }
    }

    free(values);
    free(copy);

    return 0;
}
