/* Received septets: decoding never fails, packing is the inverse of unpacking. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_gsm7.h"
#include "sms_segment.h"
#include "sms_utf8.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                rc;
    char               text[3 * 512], again[3 * 512];
    long               n;
    size_t             len, got, udh;
    uint8_t            septets[1024], packed[1024];
    unsigned           tables, fill, coding;
    sms_segment_udh_t  h;

    if (size < 3 || size > 512) {
        return 0;
    }

    tables = data[0] & 3;
    fill = (data[0] >> 2) % 7;
    coding = data[1];
    udh = data[2] % 16;
    data += 3;
    size -= 3;

    /* what was decoded can be encoded, and then decodes to itself */

    len = sms_gsm7_decode(data, size, tables, text, sizeof(text));
    ENSURE(sms_utf8_valid(text, len));

    n = sms_gsm7_encode(text, len, tables, septets, sizeof(septets));
    ENSURE(n >= 0);
    ENSURE(sms_gsm7_decode(septets, (size_t) n, tables, again, sizeof(again))
           == len);
    ENSURE(memcmp(text, again, len) == 0);

    got = sms_gsm7_pack(septets, (size_t) n, fill, packed, sizeof(packed));
    ENSURE(got == (n ? (fill + 7 * (size_t) n + 7) / 8 : 0));
    {
        uint8_t  back[1024];

        ENSURE(sms_gsm7_unpack(packed, got, fill, back, (size_t) n)
               == (size_t) n);
        ENSURE(memcmp(back, septets, (size_t) n) == 0);
    }

    got = sms_gsm7_unpack(data, size, fill, septets, sizeof(septets));
    ENSURE(got <= 8 * size / 7);

    /* any header, any data_coding */

    if (udh <= size) {
        rc = sms_segment_udh_read(data, udh, &h);
        ENSURE(rc == SMS_SEGMENT_OK || rc == SMS_SEGMENT_E_HEADER);
        ENSURE(h.seq <= h.total);

        rc = sms_segment_text(coding & 0x0F, data, udh, data + udh, size - udh,
                              text, sizeof(text), &len);

        if (rc == SMS_SEGMENT_OK) {
            ENSURE(len <= 3 * (size - udh) && sms_utf8_valid(text, len));
        }
    }

    return 0;
}
