#include "sms_msisdn.h"

#include <string.h>


#define SMS_MSISDN_MCC        286
#define SMS_MSISDN_DIGITS     15        /* E.164                          */
#define SMS_MSISDN_NATIONAL   10

/* in the table only: such a number is an error, not a flag */
#define SMS_MSISDN_PAGING     0x80u


typedef struct {
    uint32_t     prefix;
    uint8_t      digits;
    uint8_t      flags;
    uint16_t     mnc;
    const char  *network;
} sms_msisdn_prefix_t;


typedef struct {
    char     prefix[8];
    char     country[3];
    uint8_t  shortest, longest;
} sms_msisdn_country_t;


static const sms_msisdn_prefix_t  sms_msisdn_prefixes[] = {
#define SMS_MSISDN_PREFIX(prefix, digits, network, mnc, flags)               \
    { prefix, digits, flags, mnc, network },
#include "sms_msisdn.def"
};


static const sms_msisdn_country_t  sms_msisdn_countries[] = {
#define SMS_COUNTRY(prefix, country, shortest, longest)                      \
    { prefix, country, shortest, longest },
#include "sms_country.def"
};


static const char  *const sms_msisdn_slugs[] = {
    "ok", "empty", "bad-character", "too-short", "too-long", "extra-zero",
    "landline", "special-service", "paging", "not-mobile", "unknown-country"
};


const char *
sms_msisdn_slug(int error)
{
    if (error < 0 || error > SMS_MSISDN_E_COUNTRY) {
        return "unknown";
    }

    return sms_msisdn_slugs[error];
}


static const sms_msisdn_prefix_t *
sms_msisdn_find(uint32_t head)
{
    size_t                      i;
    uint32_t                    v[7];
    const sms_msisdn_prefix_t  *row, *best;

    /* "head" is the first six digits; v[k] the first k */

    v[6] = head;

    for (i = 6; i > 0; i--) {
        v[i - 1] = v[i] / 10;
    }

    best = NULL;

    for (i = 0; i < sizeof(sms_msisdn_prefixes) / sizeof(sms_msisdn_prefixes[0]);
         i++)
    {
        row = &sms_msisdn_prefixes[i];

        if (v[row->digits] == row->prefix
            && (best == NULL || row->digits > best->digits))
        {
            best = row;
        }
    }

    return best;
}


static void
sms_msisdn_set(sms_msisdn_t *m, const char *cc, const char *digits, size_t n)
{
    size_t  i, len;

    len = strlen(cc);

    m->text[0] = '+';
    memcpy(m->text + 1, cc, len);
    memcpy(m->text + 1 + len, digits, n);
    m->text_len = (uint8_t) (1 + len + n);
    m->text[m->text_len] = '\0';

    m->number = 0;

    for (i = 1; i < m->text_len; i++) {
        m->number = m->number * 10 + (m->text[i] - '0');
    }

    m->network = "";
}


/* The part behind +90, or a number written without country. */
static int
sms_msisdn_national(const char *d, size_t n, sms_msisdn_t *m)
{
    size_t                      i;
    uint32_t                    head;
    const sms_msisdn_prefix_t  *row;

    if (n == 7 && memcmp(d, "444", 3) == 0) {
        return SMS_MSISDN_E_SPECIAL;
    }

    if (n < SMS_MSISDN_NATIONAL) {
        return SMS_MSISDN_E_SHORT;
    }

    if (n > SMS_MSISDN_NATIONAL) {
        return SMS_MSISDN_E_LONG;
    }

    if (d[0] >= '2' && d[0] <= '4') {
        return memcmp(d, "444", 3) == 0 ? SMS_MSISDN_E_SPECIAL
                                        : SMS_MSISDN_E_LANDLINE;
    }

    if (d[0] == '8' || d[0] == '9') {
        return SMS_MSISDN_E_SPECIAL;
    }

    if (d[0] != '5') {
        return SMS_MSISDN_E_NOT_MOBILE;
    }

    head = 0;

    for (i = 0; i < 6; i++) {
        head = head * 10 + (uint32_t) (d[i] - '0');
    }

    row = sms_msisdn_find(head);

    if (row != NULL && (row->flags & SMS_MSISDN_PAGING)) {
        return SMS_MSISDN_E_PAGING;
    }

    sms_msisdn_set(m, "90", d, n);
    memcpy(m->country, "TR", 2);

    if (row == NULL) {
        m->flags |= SMS_MSISDN_UNKNOWN_PREFIX;

    } else {
        m->flags |= row->flags;
        m->network = row->network;
        m->mnc = row->mnc;
        m->mcc = row->mnc ? SMS_MSISDN_MCC : 0;
    }

    return SMS_MSISDN_OK;
}


static int
sms_msisdn_international(const char *d, size_t n, sms_msisdn_t *m)
{
    size_t                       i, len, best;
    const sms_msisdn_country_t  *row, *country;

    if (n >= 2 && memcmp(d, "90", 2) == 0) {
        if (n > 2 && d[2] == '0') {
            return SMS_MSISDN_E_EXTRA_ZERO;
        }

        return sms_msisdn_national(d + 2, n - 2, m);
    }

    best = 0;
    country = NULL;

    for (i = 0; i < sizeof(sms_msisdn_countries)
                    / sizeof(sms_msisdn_countries[0]); i++)
    {
        row = &sms_msisdn_countries[i];
        len = strlen(row->prefix);

        if (len > best && len <= n && memcmp(row->prefix, d, len) == 0) {
            best = len;
            country = row;
        }
    }

    if (country == NULL) {
        return n < 3 ? SMS_MSISDN_E_SHORT : SMS_MSISDN_E_COUNTRY;
    }

    if (n < country->shortest) {
        return SMS_MSISDN_E_SHORT;
    }

    if (n > country->longest) {
        return SMS_MSISDN_E_LONG;
    }

    sms_msisdn_set(m, "", d, n);
    memcpy(m->country, country->country, 2);
    m->flags |= SMS_MSISDN_FOREIGN;

    return SMS_MSISDN_OK;
}


static int
sms_msisdn_classify(const char *d, size_t n, int plus, sms_msisdn_t *m)
{
    if (plus) {
        return sms_msisdn_international(d, n, m);
    }

    if (n >= 2 && d[0] == '0' && d[1] == '0') {
        return sms_msisdn_international(d + 2, n - 2, m);
    }

    if (d[0] == '0') {
        return sms_msisdn_national(d + 1, n - 1, m);
    }

    /* ten digits that begin with 90 are 0900 numbers without their zero */

    if (n > SMS_MSISDN_NATIONAL && memcmp(d, "90", 2) == 0) {
        return sms_msisdn_international(d, n, m);
    }

    return sms_msisdn_national(d, n, m);
}


int
sms_msisdn_parse(const char *p, size_t n, sms_msisdn_t *m)
{
    int     rc, plus;
    char    digits[2 + SMS_MSISDN_DIGITS];      /* with 00                */
    size_t  i, len;

    memset(m, 0, sizeof(sms_msisdn_t));

    plus = 0;
    len = 0;
    rc = SMS_MSISDN_OK;

    for (i = 0; i < n; i++) {

        if (p[i] >= '0' && p[i] <= '9') {

            if (len == sizeof(digits)) {
                rc = SMS_MSISDN_E_LONG;
                continue;
            }

            digits[len++] = p[i];
            continue;
        }

        if (p[i] == '+' && len == 0 && !plus) {
            plus = 1;
            continue;
        }

        if (p[i] == ' ' || p[i] == '-' || p[i] == '.' || p[i] == '('
            || p[i] == ')')
        {
            continue;
        }

        return SMS_MSISDN_E_CHARACTER;
    }

    if (len == 0) {
        return SMS_MSISDN_E_EMPTY;
    }

    if (rc == SMS_MSISDN_OK) {
        rc = sms_msisdn_classify(digits, len, plus, m);
    }

    if (rc != SMS_MSISDN_OK) {
        memset(m, 0, sizeof(sms_msisdn_t));
    }

    return rc;
}


/* Digits of a positive number; their count. */
static size_t
sms_msisdn_digits(int64_t number, char out[20])
{
    char    buf[20];
    size_t  i, n;

    n = 0;

    while (number > 0) {
        buf[n++] = (char) ('0' + number % 10);
        number /= 10;
    }

    for (i = 0; i < n; i++) {
        out[i] = buf[n - 1 - i];
    }

    return n;
}


int
sms_msisdn_from_number(int64_t number, sms_msisdn_t *m)
{
    int     rc;
    char    digits[20];
    size_t  n;

    memset(m, 0, sizeof(sms_msisdn_t));

    n = sms_msisdn_digits(number, digits);

    if (n == 0) {
        return SMS_MSISDN_E_EMPTY;
    }

    if (n > SMS_MSISDN_DIGITS) {
        return SMS_MSISDN_E_LONG;
    }

    rc = sms_msisdn_international(digits, n, m);

    if (rc != SMS_MSISDN_OK) {
        memset(m, 0, sizeof(sms_msisdn_t));
    }

    return rc;
}


size_t
sms_msisdn_mask(int64_t number, char out[20])
{
    char    digits[20];
    size_t  i, n, head, tail;

    n = sms_msisdn_digits(number, digits);

    if (n > 18) {
        /* not a telephone number; say nothing about it */
        n = 0;
    }

    head = (n == 12 && memcmp(digits, "90", 2) == 0) ? 5 : 3;
    tail = 2;

    if (n < head + tail + 3) {
        head = 0;
        tail = 0;
    }

    out[0] = '+';

    for (i = 0; i < n; i++) {
        out[1 + i] = (i < head || i >= n - tail) ? digits[i] : '*';
    }

    out[1 + n] = '\0';

    return 1 + n;
}
