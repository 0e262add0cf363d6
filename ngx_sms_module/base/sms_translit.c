#include "sms_translit.h"

#include <stdint.h>
#include <string.h>

#include "sms_utf8.h"


typedef struct {
    uint16_t  cp;
    uint8_t   flags;        /* any of these applies the row           */
    char      to[4];
} sms_translit_row_t;


#define SMS_TRANSLIT_LETTER  (SMS_TRANSLIT_MINIMAL|SMS_TRANSLIT_FULL)


static const sms_translit_row_t  sms_translit_rows[] = {
    { 0x0009, SMS_TRANSLIT_PUNCT, " " },
    { 0x00A0, SMS_TRANSLIT_PUNCT, " " },
    { 0x00C2, SMS_TRANSLIT_ACCENTS, "A" },
    { 0x00C7, SMS_TRANSLIT_FULL, "C" },
    { 0x00CE, SMS_TRANSLIT_ACCENTS, "I" },
    { 0x00D6, SMS_TRANSLIT_FULL, "O" },
    { 0x00DB, SMS_TRANSLIT_ACCENTS, "U" },
    { 0x00DC, SMS_TRANSLIT_FULL, "U" },
    { 0x00E2, SMS_TRANSLIT_ACCENTS, "a" },
    { 0x00E7, SMS_TRANSLIT_LETTER, "c" },
    { 0x00EE, SMS_TRANSLIT_ACCENTS, "i" },
    { 0x00F6, SMS_TRANSLIT_FULL, "o" },
    { 0x00FB, SMS_TRANSLIT_ACCENTS, "u" },
    { 0x00FC, SMS_TRANSLIT_FULL, "u" },
    { 0x011E, SMS_TRANSLIT_LETTER, "G" },
    { 0x011F, SMS_TRANSLIT_LETTER, "g" },
    { 0x0130, SMS_TRANSLIT_LETTER, "I" },
    { 0x0131, SMS_TRANSLIT_LETTER, "i" },
    { 0x015E, SMS_TRANSLIT_LETTER, "S" },
    { 0x015F, SMS_TRANSLIT_LETTER, "s" },
    { 0x2013, SMS_TRANSLIT_PUNCT, "-" },
    { 0x2014, SMS_TRANSLIT_PUNCT, "-" },
    { 0x2018, SMS_TRANSLIT_PUNCT, "'" },
    { 0x2019, SMS_TRANSLIT_PUNCT, "'" },
    { 0x201C, SMS_TRANSLIT_PUNCT, "\"" },
    { 0x201D, SMS_TRANSLIT_PUNCT, "\"" },
    { 0x201E, SMS_TRANSLIT_PUNCT, "\"" },
    { 0x2026, SMS_TRANSLIT_PUNCT, "..." },
    { 0x20AC, SMS_TRANSLIT_CURRENCY, "EUR" },
    { 0x20BA, SMS_TRANSLIT_CURRENCY|SMS_TRANSLIT_PUNCT, "TL" }
};


static const char *
sms_translit_find(uint32_t cp, unsigned flags)
{
    size_t                     low, high, mid;
    const sms_translit_row_t  *row;

    low = 0;
    high = sizeof(sms_translit_rows) / sizeof(sms_translit_rows[0]);

    while (low < high) {
        mid = (low + high) / 2;
        row = &sms_translit_rows[mid];

        if (row->cp == cp) {
            return (row->flags & flags) ? row->to : NULL;
        }

        if (row->cp < cp) {
            low = mid + 1;

        } else {
            high = mid;
        }
    }

    return NULL;
}


size_t
sms_translit(const char *p, size_t n, unsigned flags, char *out,
    size_t *changed)
{
    size_t       len, count;
    uint32_t     cp;
    const char  *end, *from, *to;

    end = p + n;
    len = 0;

    if (changed != NULL) {
        *changed = 0;
    }

    while (p < end) {
        from = p;
        cp = sms_utf8_next(&p, end);
        to = sms_translit_find(cp, flags);

        if (to != NULL) {
            count = strlen(to);
            memcpy(out + len, to, count);

            if (changed != NULL) {
                (*changed)++;
            }

        } else {
            /* out may be the text itself, at most as far on as it is read */
            count = (size_t) (p - from);
            memmove(out + len, from, count);
        }

        len += count;
    }

    return len;
}
