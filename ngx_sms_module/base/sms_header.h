/*
 * sms_header.h - sender headers ("başlık"), the alphanumeric originator.
 *
 * 3 to 11 characters of A-Z, 0-9, and between them also space, '.', '-'; at
 * least one letter.  Lax also takes a-z, and '*' in the middle.  No Turkish
 * letters.  Not allowed: headers made of generic words only, and internet
 * addresses (BTK's rules on calling line identification, operators' forms).
 * Carriers compare headers case-sensitively: nothing is folded here.
 */
#ifndef SMS_HEADER_H
#define SMS_HEADER_H

#include <stddef.h>


#define SMS_HEADER_LEN_MIN  3
#define SMS_HEADER_LEN_MAX  11

#define SMS_HEADER_STRICT   0
#define SMS_HEADER_LAX      1

/* results; the texts of sms_header_slug() are stable */
enum {
    SMS_HEADER_OK = 0,
    SMS_HEADER_E_SHORT,
    SMS_HEADER_E_LONG,
    SMS_HEADER_E_TURKISH,       /* a Turkish letter: suggest()                    */
    SMS_HEADER_E_LOWER,         /* strict: a lower-case letter                    */
    SMS_HEADER_E_CHARACTER,     /* any other character                            */
    SMS_HEADER_E_EDGE,          /* begins or ends with space or punctuation       */
    SMS_HEADER_E_NUMERIC,       /* no letter                                      */
    SMS_HEADER_E_GENERIC,       /* INFO, SMS, BILGI ... only                      */
    SMS_HEADER_E_DOMAIN         /* ORNEK.COM, WWW.ORNEK                           */
};


int sms_header_check(const char *p, size_t n, int mode);

/* "ok", "too-short", ... */
const char *sms_header_slug(int error);

/*
 * The nearest strict form: upper-case ASCII, unfit characters dropped, at most
 * 11 characters; NUL-terminated.  Returns its length, which may be below 3.
 */
size_t sms_header_suggest(const char *p, size_t n, char out[12]);


#endif /* SMS_HEADER_H */
