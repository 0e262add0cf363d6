#include "sms_id.h"

#include <string.h>


static const char  sms_id_alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";


static uint64_t
sms_id_half(const uint8_t *p)
{
    return (uint64_t) p[0] << 56 | (uint64_t) p[1] << 48
           | (uint64_t) p[2] << 40 | (uint64_t) p[3] << 32
           | (uint64_t) p[4] << 24 | (uint64_t) p[5] << 16
           | (uint64_t) p[6] << 8 | (uint64_t) p[7];
}


void
sms_id_digits_print(const uint8_t id[16], char out[26])
{
    int       i;
    uint64_t  high, low;

    high = sms_id_half(id);
    low = sms_id_half(id + 8);

    /* from the end, five bits a digit; the first digit has three */

    for (i = 25; i >= 14; i--) {
        out[i] = sms_id_alphabet[low & 0x1F];
        low >>= 5;
    }

    /* four bits of the low half are left */
    out[13] = sms_id_alphabet[(low | high << 4) & 0x1F];
    high >>= 1;

    for (i = 12; i >= 0; i--) {
        out[i] = sms_id_alphabet[high & 0x1F];
        high >>= 5;
    }
}


static int
sms_id_value(char c)
{
    const char  *at;

    at = c ? strchr(sms_id_alphabet, c) : NULL;

    return at ? (int) (at - sms_id_alphabet) : -1;
}


int
sms_id_digits_parse(const char *p, size_t n, uint8_t id[16])
{
    int       i, v;
    unsigned  bits, acc, at;

    if (n != SMS_ID_DIGITS || p[0] > '7') {
        return -1;
    }

    bits = 0;
    acc = 0;
    at = 16;

    for (i = SMS_ID_DIGITS - 1; i >= 0; i--) {
        v = sms_id_value(p[i]);

        if (v < 0) {
            return -1;
        }

        acc |= (unsigned) v << bits;
        bits += 5;

        if (bits >= 8) {
            id[--at] = (uint8_t) acc;
            acc >>= 8;
            bits -= 8;
        }
    }

    return 0;
}


size_t
sms_id_print(const char *prefix, const uint8_t id[16],
    char out[SMS_ID_LEN_MAX])
{
    size_t  n;

    n = strlen(prefix);

    if (n > SMS_ID_PREFIX_MAX) {
        return 0;
    }

    memcpy(out, prefix, n);
    out[n] = '_';
    sms_id_digits_print(id, out + n + 1);

    return n + 1 + SMS_ID_DIGITS;
}


int
sms_id_parse(const char *prefix, const char *p, size_t n, uint8_t id[16])
{
    size_t  len;

    len = strlen(prefix);

    if (n != len + 1 + SMS_ID_DIGITS || memcmp(p, prefix, len) != 0
        || p[len] != '_')
    {
        return -1;
    }

    return sms_id_digits_parse(p + len + 1, SMS_ID_DIGITS, id);
}
