#include "sms_utf8.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>


#define SMS_UTF8_HIGH_BITS   UINT64_C(0x8080808080808080)
#define SMS_UTF8_LOW_ONES    UINT64_C(0x0101010101010101)


typedef struct {
    uint32_t  first, last;
} sms_utf8_range_t;


/*
 * Blocks from U+0300 up that turn up in messages and in which every character
 * is in NFC by itself and never composes with its neighbours, so that they
 * need not go the slow way.  The unit test compares each with utf8proc.
 */
static const sms_utf8_range_t  sms_utf8_stable[] = {
    { 0x0391, 0x03A1 },     /* Greek capitals, for the GSM alphabet      */
    { 0x03A3, 0x03A9 },
    { 0x0410, 0x044F },     /* Cyrillic letters                          */
    { 0x200B, 0x2027 },     /* joiners, dashes, quotes, ellipsis         */
    { 0x2030, 0x205E },
    { 0x20A0, 0x20C0 },     /* currency signs                            */
    { 0x2190, 0x2199 },     /* arrows                                    */
    { 0x2600, 0x27BF },     /* symbols, dingbats                         */
    { 0xFE0E, 0xFE0F },     /* variation selectors                       */
    { 0x1F1E6, 0x1F1FF },   /* flags                                     */
    { 0x1F300, 0x1FAFF }    /* emoji                                     */
};


/* Length of the well-formed sequence at p, 0 when there is none. */
static unsigned
sms_utf8_decode(const unsigned char *p, size_t n, uint32_t *cp)
{
    unsigned       len, i;
    uint32_t       c;
    unsigned char  low, high;

    c = p[0];

    if (c < 0x80) {
        *cp = c;
        return 1;
    }

    if (c >= 0xC2 && c <= 0xDF) {

        if (n < 2 || (p[1] & 0xC0) != 0x80) {
            return 0;
        }

        *cp = (c & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }

    low = 0x80;
    high = 0xBF;

    if (c >= 0xE0 && c <= 0xEF) {
        /* second byte: no overlong form (E0), no surrogate (ED) */
        if (c == 0xE0) {
            low = 0xA0;

        } else if (c == 0xED) {
            high = 0x9F;
        }

        len = 3;
        c &= 0x0F;

    } else if (c >= 0xF0 && c <= 0xF4) {
        if (c == 0xF0) {
            low = 0x90;

        } else if (c == 0xF4) {
            high = 0x8F;
        }

        len = 4;
        c &= 0x07;

    } else {
        return 0;
    }

    if (n < len || p[1] < low || p[1] > high) {
        return 0;
    }

    c = (c << 6) | (p[1] & 0x3F);

    for (i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }

        c = (c << 6) | (p[i] & 0x3F);
    }

    *cp = c;
    return len;
}


/* How many bytes at p are 0x20 .. 0x7E: nothing to report. */
static size_t
sms_utf8_plain(const unsigned char *p, size_t n)
{
    size_t    i;
    uint64_t  word;

    for (i = 0; n - i >= 8; i += 8) {
        memcpy(&word, p + i, 8);
        word |= (word - SMS_UTF8_LOW_ONES * 0x20) | (word + SMS_UTF8_LOW_ONES);
        word &= SMS_UTF8_HIGH_BITS;

        if (word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            /* what a byte borrows goes to those behind it */
            return i + (size_t) __builtin_ctzll(word) / 8;
#else
            break;
#endif
        }
    }

    while (i < n && p[i] >= 0x20 && p[i] < 0x7F) {
        i++;
    }

    return i;
}


size_t
sms_utf8_check(const char *p, size_t n, unsigned *flags)
{
    size_t                i;
    unsigned              len, f;
    uint32_t              cp;
    const unsigned char  *u;

    u = (const unsigned char *) p;
    f = 0;
    i = 0;

    while (i < n) {
        i += sms_utf8_plain(u + i, n - i);

        if (i == n) {
            break;
        }

        /* U+00C0 to U+02FF: most letters, and nothing to report of them */
        if (u[i] >= 0xC3 && u[i] < 0xCC && n - i > 1 && (u[i + 1] & 0xC0) == 0x80)
        {
            i += 2;
            continue;
        }

        len = sms_utf8_decode(u + i, n - i, &cp);

        if (len == 0) {
            break;
        }

        if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) {
            if (cp == 0) {
                f |= SMS_UTF8_NUL;
            }

            if (cp != '\n' && cp != '\r' && cp != '\f' && cp != '\t') {
                f |= SMS_UTF8_CONTROL;
            }

        } else if (cp >= 0x300) {
            f |= SMS_UTF8_WIDE;

            if (cp > 0xFFFF) {
                f |= SMS_UTF8_ASTRAL;
            }
        }

        i += len;
    }

    if (flags != NULL) {
        *flags = f;
    }

    return i;
}


int
sms_utf8_valid(const char *p, size_t n)
{
    return sms_utf8_check(p, n, NULL) == n;
}


uint32_t
sms_utf8_next_long(const char **p, const char *end)
{
    unsigned  len;
    uint32_t  cp;

    len = sms_utf8_decode((const unsigned char *) *p, (size_t) (end - *p), &cp);

    if (len == 0) {
        (*p)++;
        return SMS_UTF8_BAD;
    }

    *p += len;
    return cp;
}


size_t
sms_utf8_put(char out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char) cp;
        return 1;
    }

    if (cp < 0x800) {
        out[0] = (char) (0xC0 | (cp >> 6));
        out[1] = (char) (0x80 | (cp & 0x3F));
        return 2;
    }

    if (cp < 0x10000) {
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            return 0;
        }

        out[0] = (char) (0xE0 | (cp >> 12));
        out[1] = (char) (0x80 | ((cp >> 6) & 0x3F));
        out[2] = (char) (0x80 | (cp & 0x3F));
        return 3;
    }

    if (cp > 0x10FFFF) {
        return 0;
    }

    out[0] = (char) (0xF0 | (cp >> 18));
    out[1] = (char) (0x80 | ((cp >> 12) & 0x3F));
    out[2] = (char) (0x80 | ((cp >> 6) & 0x3F));
    out[3] = (char) (0x80 | (cp & 0x3F));
    return 4;
}


size_t
sms_utf8_count(const char *p, size_t n)
{
    size_t       count;
    const char  *end;

    count = 0;
    end = p + n;

    while (p < end) {
        (void) sms_utf8_next(&p, end);
        count++;
    }

    return count;
}


size_t
sms_utf8_units(const char *p, size_t n)
{
    size_t       count;
    uint32_t     cp;
    const char  *end;

    count = 0;
    end = p + n;

    while (p < end) {
        cp = sms_utf8_next(&p, end);
        count += (cp != SMS_UTF8_BAD && cp > 0xFFFF) ? 2 : 1;
    }

    return count;
}


static int
sms_utf8_is_stable(uint32_t cp)
{
    size_t  i;

    if (cp < 0x300) {
        return 1;
    }

    for (i = 0; i < sizeof(sms_utf8_stable) / sizeof(sms_utf8_stable[0]); i++) {
        if (cp >= sms_utf8_stable[i].first && cp <= sms_utf8_stable[i].last) {
            return 1;
        }
    }

    return 0;
}


int
sms_utf8_nfc_quick(const char *p, size_t n)
{
    uint32_t     cp;
    const char  *end;

    end = p + n;

    while (p < end) {
        if ((unsigned char) *p < 0xCC) {
            /* lead bytes below 0xCC, and continuation bytes: below U+0300 */
            p++;
            continue;
        }

        cp = sms_utf8_next(&p, end);

        if (cp == SMS_UTF8_BAD || !sms_utf8_is_stable(cp)) {
            return 0;
        }
    }

    return 1;
}


int
sms_utf8_nfc(const char *p, size_t n, char *out, size_t cap, size_t *len)
{
    int                rc;
    char               buf[4];
    size_t             need, used;
    unsigned           flags;
    utf8proc_int32_t  *cps;
    utf8proc_ssize_t   count, i;
    utf8proc_option_t  options;

    *len = 0;
    cps = NULL;

    if (sms_utf8_check(p, n, &flags) != n) {
        return SMS_UTF8_E_INVALID;
    }

    if (!(flags & SMS_UTF8_WIDE) || sms_utf8_nfc_quick(p, n)) {
        *len = n;

        if (n > cap) {
            return SMS_UTF8_E_SPACE;
        }

        if (n) {
            memcpy(out, p, n);
        }

        return SMS_UTF8_OK;
    }

    options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    rc = SMS_UTF8_E_NOMEM;

    count = utf8proc_decompose((const utf8proc_uint8_t *) p,
                               (utf8proc_ssize_t) n, NULL, 0, options);
    if (count < 0) {
        goto failed;
    }

    cps = malloc((size_t) count * sizeof(utf8proc_int32_t));
    if (cps == NULL) {
        goto failed;
    }

    count = utf8proc_decompose((const utf8proc_uint8_t *) p,
                               (utf8proc_ssize_t) n, cps, count, options);
    if (count < 0) {
        goto failed;
    }

    count = utf8proc_normalize_utf32(cps, count, options);
    if (count < 0) {
        goto failed;
    }

    need = 0;
    rc = SMS_UTF8_OK;

    for (i = 0; i < count; i++) {
        used = sms_utf8_put(buf, (uint32_t) cps[i]);

        if (need + used > cap) {
            rc = SMS_UTF8_E_SPACE;

        } else if (rc == SMS_UTF8_OK) {
            memcpy(out + need, buf, used);
        }

        need += used;
    }

    *len = need;

failed:

    free(cps);

    return rc;
}
