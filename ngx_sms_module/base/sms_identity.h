/*
 * sms_identity.h - Turkish identity numbers: TCKN, VKN, MERSİS.
 *
 * TCKN    11 digits, the last two are checks.
 * VKN     10 digits, the last is a check.
 * MERSİS  16 digits: 0 + VKN + 5 digits, or TCKN + 5 digits for a merchant who
 *         is a natural person.  The last digits' check is not published, so
 *         only the VKN or TCKN inside is checked (İYS does the same).
 *
 * A valid number need not exist: 1234567890 and 11111111110 are valid.
 */
#ifndef SMS_IDENTITY_H
#define SMS_IDENTITY_H

#include <stddef.h>


enum {
    SMS_IDENTITY_NONE = 0,      /* not a MERSİS number                            */
    SMS_IDENTITY_LEGAL,         /* 0 + VKN                                        */
    SMS_IDENTITY_NATURAL        /* TCKN                                           */
};

typedef struct {
    size_t  begin, len;         /* digits with their separators, in the text      */
    char    digits[17];         /* NUL-terminated                                 */
    int     kind;               /* SMS_IDENTITY_*; NONE: 16 digits, wrong check   */
    int     labelled;           /* 1: "Mersis", "Mersis No" ... stands before it  */
} sms_identity_match_t;


/* Exactly the digits, no separators.  1: valid */
int sms_identity_tckn(const char *p, size_t n);
int sms_identity_vkn(const char *p, size_t n);

/* SMS_IDENTITY_LEGAL or _NATURAL when valid, else SMS_IDENTITY_NONE */
int sms_identity_mersis(const char *p, size_t n);

/*
 * The next MERSİS number in a text from offset "from": 16 digits that may be
 * grouped by single spaces, dots or hyphens and touch no other digit.  Found
 * are valid numbers anywhere, and invalid ones behind a label.  Returns 1, or
 * 0 when there is none; go on at begin + len.
 */
int sms_identity_find_mersis(const char *p, size_t n, size_t from,
    sms_identity_match_t *m);

/*
 * 1 when the text has exactly these digits as a number of their own, grouped
 * in any such way; the place goes to *begin, *len (may be NULL).
 */
int sms_identity_find_digits(const char *p, size_t n, const char *digits,
    size_t nd, size_t *begin, size_t *len);


#endif /* SMS_IDENTITY_H */
