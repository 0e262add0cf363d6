#include "sms_gsm7.h"

#include <string.h>

#include "sms_utf8.h"


/*
 * All characters of all tables are below U+0400, but for the euro sign, which
 * gets the slot behind them.
 */
#define SMS_GSM7_SLOTS     0x401
#define SMS_GSM7_EURO      0x20AC
#define SMS_GSM7_SLOT(cp)  ((cp) == SMS_GSM7_EURO ? 0x400 : (cp))

/* a code in the encoding tables; 0 is "none", so that @ (code 0) can be told */
#define SMS_GSM7_HAS       0x80


static const uint8_t  sms_gsm7_from_base[2][SMS_GSM7_SLOTS] = {
    {
#define SMS_GSM7_COMMON(code, cp)   [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#define SMS_GSM7_BASE(code, cp)     [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#include "sms_gsm7.def"
    },
    {
#define SMS_GSM7_COMMON(code, cp)   [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#define SMS_GSM7_TR_BASE(code, cp)  [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#include "sms_gsm7.def"
    }
};


static const uint8_t  sms_gsm7_from_ext[2][SMS_GSM7_SLOTS] = {
    {
#define SMS_GSM7_EXT(code, cp)      [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#include "sms_gsm7.def"
    },
    {
#define SMS_GSM7_EXT(code, cp)      [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#define SMS_GSM7_TR_EXT(code, cp)   [SMS_GSM7_SLOT(cp)] = (code) | SMS_GSM7_HAS,
#include "sms_gsm7.def"
    }
};


static const uint16_t  sms_gsm7_to_base[2][128] = {
    {
#define SMS_GSM7_COMMON(code, cp)   [code] = (cp),
#define SMS_GSM7_BASE(code, cp)     [code] = (cp),
#include "sms_gsm7.def"
    },
    {
#define SMS_GSM7_COMMON(code, cp)   [code] = (cp),
#define SMS_GSM7_TR_BASE(code, cp)  [code] = (cp),
#include "sms_gsm7.def"
    }
};


static const uint16_t  sms_gsm7_to_ext[2][128] = {
    {
#define SMS_GSM7_EXT(code, cp)      [code] = (cp),
#include "sms_gsm7.def"
    },
    {
#define SMS_GSM7_EXT(code, cp)      [code] = (cp),
#define SMS_GSM7_TR_EXT(code, cp)   [code] = (cp),
#include "sms_gsm7.def"
    }
};


unsigned
sms_gsm7_put(uint32_t cp, unsigned tables, uint8_t out[2])
{
    uint8_t  code;

    if (cp == SMS_GSM7_EURO) {
        cp = SMS_GSM7_SLOT(SMS_GSM7_EURO);

    } else if (cp >= SMS_GSM7_SLOTS - 1) {
        return 0;
    }

    code = sms_gsm7_from_base[(tables & SMS_GSM7_LOCK_TR) != 0][cp];

    if (code) {
        out[0] = code & 0x7F;
        return 1;
    }

    code = sms_gsm7_from_ext[(tables & SMS_GSM7_SHIFT_TR) != 0][cp];

    if (code) {
        out[0] = SMS_GSM7_ESC;
        out[1] = code & 0x7F;
        return 2;
    }

    return 0;
}


unsigned
sms_gsm7_cost(uint32_t cp, unsigned tables)
{
    uint8_t  out[2];

    return sms_gsm7_put(cp, tables, out);
}


void
sms_gsm7_costs(uint32_t cp, unsigned costs[3])
{
    unsigned  ext;

    if (cp == SMS_GSM7_EURO) {
        cp = SMS_GSM7_SLOT(SMS_GSM7_EURO);

    } else if (cp >= SMS_GSM7_SLOTS - 1) {
        costs[0] = costs[1] = costs[2] = 0;
        return;
    }

    ext = sms_gsm7_from_ext[0][cp] ? 2 : 0;
    costs[0] = sms_gsm7_from_base[0][cp] ? 1 : ext;
    costs[2] = sms_gsm7_from_base[1][cp] ? 1 : ext;

    ext = sms_gsm7_from_ext[1][cp] ? 2 : 0;
    costs[1] = sms_gsm7_from_base[0][cp] ? 1 : ext;
}


long
sms_gsm7_encode(const char *p, size_t n, unsigned tables, uint8_t *out,
    size_t cap)
{
    size_t          len;
    uint8_t         c, code[2];
    uint32_t        cp;
    unsigned        count;
    const char     *end;
    const uint8_t  *base;

    base = sms_gsm7_from_base[(tables & SMS_GSM7_LOCK_TR) != 0];
    end = p + n;
    len = 0;

    while (p < end) {

        /* nine of ten are plain letters of one septet */
        c = (uint8_t) *p;

        if (c < 0x80 && base[c] && len < cap) {
            out[len++] = base[c] & 0x7F;
            p++;
            continue;
        }

        cp = sms_utf8_next(&p, end);
        count = sms_gsm7_put(cp, tables, code);

        if (count == 0 || cap - len < count) {
            return -1;
        }

        memcpy(out + len, code, count);
        len += count;
    }

    return (long) len;
}


size_t
sms_gsm7_decode(const uint8_t *p, size_t n, unsigned tables, char *out,
    size_t cap)
{
    char             buf[4];
    size_t           i, len, count;
    uint8_t          c;
    uint32_t         cp;
    const uint16_t  *base, *ext;

    base = sms_gsm7_to_base[(tables & SMS_GSM7_LOCK_TR) != 0];
    ext = sms_gsm7_to_ext[(tables & SMS_GSM7_SHIFT_TR) != 0];
    len = 0;

    for (i = 0; i < n; i++) {
        c = p[i] & 0x7F;

        if (c != SMS_GSM7_ESC) {
            cp = base[c];

        } else if (i + 1 == n) {
            cp = ' ';

        } else {
            c = p[++i] & 0x7F;

            if (c == SMS_GSM7_ESC) {
                /* reserved for another table: shown as a space */
                cp = ' ';

            } else {
                cp = ext[c] ? ext[c] : base[c];
            }
        }

        count = sms_utf8_put(buf, cp);

        if (cap - len < count) {
            break;
        }

        memcpy(out + len, buf, count);
        len += count;
    }

    return len;
}


unsigned
sms_gsm7_fill(size_t octets)
{
    return (unsigned) ((7 - (8 * octets) % 7) % 7);
}


size_t
sms_gsm7_header_septets(size_t octets)
{
    return (8 * octets + 6) / 7;
}


size_t
sms_gsm7_pack(const uint8_t *septets, size_t n, unsigned fill, uint8_t *out,
    size_t cap)
{
    size_t    len, i, bit, octet;
    unsigned  shift;

    if (n == 0 || fill > 6) {
        return 0;
    }

    len = (fill + 7 * n + 7) / 8;

    if (len > cap) {
        return 0;
    }

    memset(out, 0, len);

    for (i = 0, bit = fill; i < n; i++, bit += 7) {
        octet = bit / 8;
        shift = (unsigned) (bit % 8);

        out[octet] |= (uint8_t) ((septets[i] & 0x7F) << shift);

        if (shift > 1) {
            out[octet + 1] |= (uint8_t) ((septets[i] & 0x7F) >> (8 - shift));
        }
    }

    return len;
}


size_t
sms_gsm7_unpack(const uint8_t *octets, size_t len, unsigned fill,
    uint8_t *septets, size_t n)
{
    size_t    i, bit, octet;
    unsigned  shift, c;

    if (fill > 6) {
        return 0;
    }

    for (i = 0, bit = fill; i < n && bit + 7 <= 8 * len; i++, bit += 7) {
        octet = bit / 8;
        shift = (unsigned) (bit % 8);

        c = octets[octet] >> shift;

        if (shift > 1) {
            c |= (unsigned) octets[octet + 1] << (8 - shift);
        }

        septets[i] = c & 0x7F;
    }

    return i;
}
