#include "sms_header.h"

#include <stdint.h>
#include <string.h>

#include "sms_fold.h"
#include "sms_utf8.h"


static const char  *const sms_header_slugs[] = {
    "ok", "too-short", "too-long", "turkish-letter", "lower-case",
    "bad-character", "bad-edge", "no-letter", "generic", "domain"
};


/* words that say nothing about who sends */
static const char  *const sms_header_generic[] = {
    "ALERT", "BILGI", "BILGILENDIRME", "DOGRULAMA", "DUYURU", "FIRSAT",
    "HABER", "INDIRIM", "INFO", "KAMPANYA", "KOD", "MESAJ", "MESSAGE", "MSG",
    "NOTICE", "OFFER", "ONAY", "OTP", "PROMO", "REKLAM", "SERVICE", "SERVIS",
    "SIFRE", "SMS", "TANITIM", "UYARI", "VERIFY"
};


/* the ends of a site address; A.S. and LTD.STI are company forms */
static const char  *const sms_header_domains[] = {
    "APP", "AZ", "BIZ", "CO", "COM", "DE", "EDU", "EU", "GOV", "INFO", "IO",
    "K12", "ME", "NET", "ONLINE", "ORG", "SHOP", "SITE", "STORE", "TR", "TV",
    "UK", "WEB", "XYZ"
};


const char *
sms_header_slug(int error)
{
    if (error < 0 || error > SMS_HEADER_E_DOMAIN) {
        return "unknown";
    }

    return sms_header_slugs[error];
}


static int
sms_header_in(const char *p, size_t n, const char *const *words, size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
sms_header_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9');
}


/* "up" is the header in upper case */
static int
sms_header_is_generic(const char *up, size_t n)
{
    size_t  i, from;

    from = 0;

    for (i = 0; i <= n; i++) {

        if (i < n && sms_header_alnum(up[i])) {
            continue;
        }

        if (i > from
            && !sms_header_in(up + from, i - from, sms_header_generic,
                              sizeof(sms_header_generic)
                              / sizeof(sms_header_generic[0])))
        {
            return 0;
        }

        from = i + 1;
    }

    return 1;
}


static int
sms_header_is_domain(const char *up, size_t n)
{
    size_t  dot;

    if (n > 4 && memcmp(up, "WWW", 3) == 0
        && (up[3] == '.' || up[3] == '-' || up[3] == ' '))
    {
        return 1;
    }

    for (dot = n; dot > 0; dot--) {

        if (up[dot - 1] == '.') {
            return sms_header_in(up + dot, n - dot, sms_header_domains,
                                 sizeof(sms_header_domains)
                                 / sizeof(sms_header_domains[0]));
        }
    }

    return 0;
}


static int
sms_header_is_turkish(uint32_t cp)
{
    switch (cp) {
    case 0x00C2:        /* letters with circumflex count with the others */
    case 0x00CE:
    case 0x00DB:
    case 0x00E2:
    case 0x00EE:
    case 0x00FB:
    case 0x00C7:
    case 0x00D6:
    case 0x00DC:
    case 0x00E7:
    case 0x00F6:
    case 0x00FC:
    case 0x011E:
    case 0x011F:
    case 0x0130:
    case 0x0131:
    case 0x015E:
    case 0x015F:
        return 1;
    }

    return 0;
}


int
sms_header_check(const char *p, size_t n, int mode)
{
    int          letters, rc;
    char         up[SMS_HEADER_LEN_MAX] = { 0 };
    size_t       len, i;
    uint32_t     cp;
    const char  *q, *end;

    len = sms_utf8_count(p, n);

    if (len < SMS_HEADER_LEN_MIN) {
        return SMS_HEADER_E_SHORT;
    }

    if (len > SMS_HEADER_LEN_MAX) {
        return SMS_HEADER_E_LONG;
    }

    letters = 0;
    rc = SMS_HEADER_OK;
    i = 0;
    end = p + n;

    for (q = p; q < end; /* void */ ) {
        cp = sms_utf8_next(&q, end);

        if (sms_header_is_turkish(cp)) {
            return SMS_HEADER_E_TURKISH;
        }

        if (cp >= 'A' && cp <= 'Z') {
            letters++;

        } else if (cp >= 'a' && cp <= 'z') {
            letters++;

            if (mode == SMS_HEADER_STRICT && rc == SMS_HEADER_OK) {
                rc = SMS_HEADER_E_LOWER;
            }

            cp -= 'a' - 'A';

        } else if (!(cp >= '0' && cp <= '9') && cp != ' ' && cp != '.'
                   && cp != '-' && !(cp == '*' && mode == SMS_HEADER_LAX))
        {
            rc = SMS_HEADER_E_CHARACTER;
            continue;
        }

        up[i++] = (char) cp;
    }

    if (rc != SMS_HEADER_OK) {
        return rc;
    }

    if (!sms_header_alnum(up[0]) || !sms_header_alnum(up[n - 1])) {
        return SMS_HEADER_E_EDGE;
    }

    if (letters == 0) {
        return SMS_HEADER_E_NUMERIC;
    }

    if (sms_header_is_domain(up, n)) {
        return SMS_HEADER_E_DOMAIN;
    }

    if (sms_header_is_generic(up, n)) {
        return SMS_HEADER_E_GENERIC;
    }

    return SMS_HEADER_OK;
}


size_t
sms_header_suggest(const char *p, size_t n, char out[12])
{
    char         ascii[3];
    size_t       len, i, count;
    uint32_t     cp;
    const char  *end;

    end = p + n;
    len = 0;

    while (p < end) {
        cp = sms_utf8_next(&p, end);
        count = (cp == SMS_UTF8_BAD) ? SMS_FOLD_KEEP : sms_fold_char(cp, ascii);

        if (count == SMS_FOLD_KEEP) {
            continue;
        }

        for (i = 0; i < count && len < SMS_HEADER_LEN_MAX; i++) {

            if (sms_header_alnum(ascii[i])
                || (len > 0 && (ascii[i] == ' ' || ascii[i] == '.'
                                || ascii[i] == '-')))
            {
                out[len++] = ascii[i];
            }
        }
    }

    while (len > 0 && !sms_header_alnum(out[len - 1])) {
        len--;
    }

    out[len] = '\0';

    return len;
}
