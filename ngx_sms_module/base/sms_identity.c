#include "sms_identity.h"

#include <stdint.h>
#include <string.h>

#include "sms_fold.h"


#define SMS_IDENTITY_TCKN_LEN    11
#define SMS_IDENTITY_VKN_LEN     10
#define SMS_IDENTITY_MERSIS_LEN  16

/* how far before a number its label may begin, bytes */
#define SMS_IDENTITY_LABEL_MAX   48


static int
sms_identity_is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static int
sms_identity_all_digits(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (!sms_identity_is_digit(p[i])) {
            return 0;
        }
    }

    return 1;
}


int
sms_identity_tckn(const char *p, size_t n)
{
    int     odd, even, sum;
    size_t  i;

    if (n != SMS_IDENTITY_TCKN_LEN || !sms_identity_all_digits(p, n)
        || p[0] == '0')
    {
        return 0;
    }

    odd = 0;
    even = 0;

    for (i = 0; i < 9; i += 2) {
        odd += p[i] - '0';
    }

    for (i = 1; i < 8; i += 2) {
        even += p[i] - '0';
    }

    /* 7 * odd - even may be negative: 36 is the most, 40 makes it positive */

    if ((7 * odd - even + 40) % 10 != p[9] - '0') {
        return 0;
    }

    sum = odd + even + (p[9] - '0');

    return sum % 10 == p[10] - '0';
}


int
sms_identity_vkn(const char *p, size_t n)
{
    int     a, sum;
    size_t  i;

    if (n != SMS_IDENTITY_VKN_LEN || !sms_identity_all_digits(p, n)) {
        return 0;
    }

    sum = 0;

    for (i = 0; i < 9; i++) {
        a = (p[i] - '0' + 9 - (int) i) % 10;
        sum += (a == 9) ? 9 : (a << (9 - i)) % 9;
    }

    return (10 - sum % 10) % 10 == p[9] - '0';
}


int
sms_identity_mersis(const char *p, size_t n)
{
    if (n != SMS_IDENTITY_MERSIS_LEN || !sms_identity_all_digits(p, n)) {
        return SMS_IDENTITY_NONE;
    }

    if (p[0] == '0') {
        return sms_identity_vkn(p + 1, SMS_IDENTITY_VKN_LEN)
               ? SMS_IDENTITY_LEGAL : SMS_IDENTITY_NONE;
    }

    return sms_identity_tckn(p, SMS_IDENTITY_TCKN_LEN)
           ? SMS_IDENTITY_NATURAL : SMS_IDENTITY_NONE;
}


/*
 * Reads "want" digits at p[at], with at most one separator between two, that
 * touch no other digit.  Returns the length in the text, 0: no such number.
 */
static size_t
sms_identity_group(const char *p, size_t n, size_t at, size_t want,
    char *digits)
{
    size_t  i, got;

    if (at > 0 && sms_identity_is_digit(p[at - 1])) {
        return 0;
    }

    got = 0;

    for (i = at; i < n; i++) {

        if (sms_identity_is_digit(p[i])) {
            digits[got++] = p[i];

            if (got == want) {
                i++;
                break;
            }

            continue;
        }

        if ((p[i] != ' ' && p[i] != '.' && p[i] != '-') || i == at
            || !sms_identity_is_digit(p[i - 1]))
        {
            return 0;
        }
    }

    if (got < want || (i < n && sms_identity_is_digit(p[i]))) {
        return 0;
    }

    digits[got] = '\0';

    return i - at;
}


/* 1: MERSIS, MERSIS NO, MERSIS NUMARASI ... ends right before p[at] */
static int
sms_identity_label(const char *p, size_t at)
{
    char    folded[SMS_IDENTITY_LABEL_MAX];
    size_t  begin, n, i;

    static const char  *const words[] = {
        "NUMARAMIZ", "NUMARASI", "NUMARA", "NOMUZ", "NO", "NR"
    };

    begin = at > SMS_IDENTITY_LABEL_MAX ? at - SMS_IDENTITY_LABEL_MAX : 0;
    n = sms_fold(p + begin, at - begin, folded, NULL);

    while (n && (folded[n - 1] == ' ' || folded[n - 1] == ':'
                 || folded[n - 1] == '.' || folded[n - 1] == '-'
                 || folded[n - 1] == '=' || folded[n - 1] == '\n'))
    {
        n--;
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {

        if (n >= strlen(words[i])
            && memcmp(folded + n - strlen(words[i]), words[i],
                      strlen(words[i])) == 0)
        {
            n -= strlen(words[i]);

            while (n && (folded[n - 1] == ' ' || folded[n - 1] == '.')) {
                n--;
            }

            break;
        }
    }

    return n >= 6 && memcmp(folded + n - 6, "MERSIS", 6) == 0;
}


int
sms_identity_find_mersis(const char *p, size_t n, size_t from,
    sms_identity_match_t *m)
{
    size_t  at, len;

    for (at = from; at < n; at++) {

        if (!sms_identity_is_digit(p[at])) {
            continue;
        }

        len = sms_identity_group(p, n, at, SMS_IDENTITY_MERSIS_LEN, m->digits);

        if (len == 0) {
            continue;
        }

        m->kind = sms_identity_mersis(m->digits, SMS_IDENTITY_MERSIS_LEN);
        m->labelled = sms_identity_label(p, at);

        if (m->kind == SMS_IDENTITY_NONE && !m->labelled) {
            continue;
        }

        m->begin = at;
        m->len = len;

        return 1;
    }

    memset(m, 0, sizeof(sms_identity_match_t));

    return 0;
}


int
sms_identity_find_digits(const char *p, size_t n, const char *digits,
    size_t nd, size_t *begin, size_t *len)
{
    char    found[33];
    size_t  at, got;

    if (nd == 0 || nd >= sizeof(found)) {
        return 0;
    }

    for (at = 0; at < n; at++) {

        if (!sms_identity_is_digit(p[at])) {
            continue;
        }

        got = sms_identity_group(p, n, at, nd, found);

        if (got == 0 || memcmp(found, digits, nd) != 0) {
            continue;
        }

        if (begin != NULL) {
            *begin = at;
        }

        if (len != NULL) {
            *len = got;
        }

        return 1;
    }

    return 0;
}
