/* Public ids and UUIDs: what parses prints as it was. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_hash.h"
#include "sms_id.h"
#include "sms_uuid.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


static int
fill(void *data, uint8_t *buf, size_t n)
{
    memcpy(buf, data, n);
    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             text[SMS_ID_LEN_MAX], uuid[36];
    size_t           i;
    uint8_t          id[16], back[16], bytes[64];
    const char      *p;
    uint64_t         ms;
    sms_uuid_gen_t   g;

    p = (const char *) data;

    if (sms_id_parse("msg", p, size, id) == 0) {
        ENSURE(sms_id_print("msg", id, text) == size);
        ENSURE(memcmp(text, p, size) == 0);
    }

    if (sms_id_digits_parse(p, size, id) == 0) {
        sms_id_digits_print(id, text);
        ENSURE(memcmp(text, p, size) == 0);
    }

    if (sms_uuid_parse(p, size, id) == 0) {
        sms_uuid_print(id, uuid);

        for (i = 0; i < 36; i++) {
            ENSURE(uuid[i] == p[i] || uuid[i] == (p[i] | 0x20));
        }
    }

    if (size <= 128 && sms_hash_unhex(p, size, bytes) == 0) {
        char  hex[128];

        sms_hash_hex(bytes, size / 2, hex);

        for (i = 0; i < size; i++) {
            ENSURE(hex[i] == p[i] || hex[i] == (p[i] | 0x20));
        }
    }

    if (size >= 16) {
        memcpy(id, data, 16);
        sms_id_digits_print(id, text);
        ENSURE(sms_id_digits_parse(text, 26, back) == 0);
        ENSURE(memcmp(id, back, 16) == 0);

        sms_uuid_print(id, uuid);
        ENSURE(sms_uuid_parse(uuid, 36, back) == 0);
        ENSURE(memcmp(id, back, 16) == 0);

        memcpy(&ms, data + 8, 8);
        ms >>= 16;
        sms_uuid_init(&g, fill, id);
        ENSURE(sms_uuid_make(&g, ms, back) == 0);
        ENSURE(sms_uuid_is_v7(back) && sms_uuid_ms(back) == ms);
    }

    return 0;
}
