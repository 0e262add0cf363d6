/*
 * sms_utf8.h - UTF-8 text: strict check, iteration, encoding, NFC.
 *
 * Texts are a pointer and a length in bytes, never NUL-terminated.  The form is
 * that of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 * NUL is a valid code point here; sms_utf8_check() reports it in its flags, so
 * that the API can refuse it (PostgreSQL's text cannot hold it).
 *
 * Nothing here keeps state.  Only sms_utf8_nfc() allocates, on its slow path,
 * and frees before it returns.
 */
#ifndef SMS_UTF8_H
#define SMS_UTF8_H

#include <stddef.h>
#include <stdint.h>


#define SMS_UTF8_BAD       UINT32_MAX   /* what sms_utf8_next() gives for a bad byte */

/* flags of sms_utf8_check(); bits */
#define SMS_UTF8_NUL       0x01u        /* U+0000                                 */
#define SMS_UTF8_CONTROL   0x02u        /* C0, DEL or C1, except LF, CR, FF, TAB   */
#define SMS_UTF8_WIDE      0x04u        /* a code point at U+0300 or above        */
#define SMS_UTF8_ASTRAL    0x08u        /* above U+FFFF: two UTF-16 units         */

/* results of sms_utf8_nfc() */
#define SMS_UTF8_OK        0
#define SMS_UTF8_E_INVALID (-1)         /* not UTF-8                              */
#define SMS_UTF8_E_SPACE   (-2)         /* cap is too small                       */
#define SMS_UTF8_E_NOMEM   (-3)


/*
 * The length of the longest valid prefix: n when the whole text is valid, else
 * the offset of the first byte that is not part of a well-formed sequence.
 * "flags" may be NULL; it describes the valid prefix.
 */
size_t sms_utf8_check(const char *p, size_t n, unsigned *flags);

/* 1 when the whole text is valid UTF-8 */
int sms_utf8_valid(const char *p, size_t n);

/*
 * The next code point; advances *p, which must be below "end".  A malformed
 * byte gives SMS_UTF8_BAD and advances by one.
 */
static inline uint32_t sms_utf8_next(const char **p, const char *end);

/* The same for what is longer than two bytes; it takes the others, too. */
uint32_t sms_utf8_next_long(const char **p, const char *end);

/* Writes 1 to 4 bytes; 0 for a surrogate or a value above U+10FFFF. */
size_t sms_utf8_put(char out[4], uint32_t cp);

/* Code points and UTF-16 code units; a malformed byte counts as one. */
size_t sms_utf8_count(const char *p, size_t n);
size_t sms_utf8_units(const char *p, size_t n);

/* 1 when the text is known to be in NFC without normalising it; 0: perhaps not */
int sms_utf8_nfc_quick(const char *p, size_t n);

/*
 * Unicode normalisation form C (UAX 15) of a text into "out".  A cap of 3 * n
 * is always enough; "out" must not overlap the text.  *len is the length
 * written, or with E_SPACE the length needed.  E_INVALID: nothing is written.
 */
int sms_utf8_nfc(const char *p, size_t n, char *out, size_t cap, size_t *len);


static inline uint32_t
sms_utf8_next(const char **p, const char *end)
{
    const unsigned char  *u;

    u = (const unsigned char *) *p;

    if (u[0] < 0x80) {
        *p += 1;
        return u[0];
    }

    if (u[0] >= 0xC2 && u[0] <= 0xDF && end - *p > 1 && (u[1] & 0xC0) == 0x80) {
        *p += 2;
        return (uint32_t) (u[0] & 0x1F) << 6 | (u[1] & 0x3F);
    }

    return sms_utf8_next_long(p, end);
}


#endif /* SMS_UTF8_H */
