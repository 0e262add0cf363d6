#include "sms_key.h"

#include <string.h>


#define SMS_KEY_PREFIX_LEN  9
#define SMS_KEY_CHECK_LEN   6
#define SMS_KEY_CHECKED     (SMS_KEY_LEN - SMS_KEY_CHECK_LEN)


static const char  sms_key_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";


static void sms_key_check(const char *p, char out[SMS_KEY_CHECK_LEN]);


int
sms_key_parse(const char *p, size_t n, sms_key_t *key)
{
    char    check[SMS_KEY_CHECK_LEN];
    size_t  i;

    if (n != SMS_KEY_LEN) {
        return -1;
    }

    if (memcmp(p, "sms_live_", SMS_KEY_PREFIX_LEN) == 0) {
        key->test = 0;

    } else if (memcmp(p, "sms_test_", SMS_KEY_PREFIX_LEN) == 0) {
        key->test = 1;

    } else {
        return -1;
    }

    for (i = SMS_KEY_PREFIX_LEN; i < n; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'A' && p[i] <= 'Z')
              || (p[i] >= 'a' && p[i] <= 'z')))
        {
            return -1;
        }
    }

    sms_key_check(p, check);

    if (memcmp(check, p + SMS_KEY_CHECKED, SMS_KEY_CHECK_LEN) != 0) {
        return -1;
    }

    key->id = p + SMS_KEY_PREFIX_LEN;

    return 0;
}


void
sms_key_make(int test, const uint8_t random[SMS_KEY_RANDOM],
    char out[SMS_KEY_LEN])
{
    size_t  i;

    memcpy(out, test ? "sms_test_" : "sms_live_", SMS_KEY_PREFIX_LEN);

    /* modulo 62 of an octet favours 8 digits a little: 5.94 bits each remain */
    for (i = 0; i < SMS_KEY_RANDOM; i++) {
        out[SMS_KEY_PREFIX_LEN + i] = sms_key_digits[random[i] % 62];
    }

    sms_key_check(out, out + SMS_KEY_CHECKED);
}


/* CRC-32 of ISO 3309, as in zlib, four bits at a time */

static void
sms_key_check(const char *p, char out[SMS_KEY_CHECK_LEN])
{
    size_t    i;
    uint32_t  crc;

    static const uint32_t  table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c
    };

    crc = 0xffffffff;

    for (i = 0; i < SMS_KEY_CHECKED; i++) {

        crc ^= (uint8_t) p[i];
        crc = (crc >> 4) ^ table[crc & 0x0f];
        crc = (crc >> 4) ^ table[crc & 0x0f];
    }

    crc = ~crc;

    for (i = SMS_KEY_CHECK_LEN; i > 0; i--) {
        out[i - 1] = sms_key_digits[crc % 62];
        crc /= 62;
    }
}
