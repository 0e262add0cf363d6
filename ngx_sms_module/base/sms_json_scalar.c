#include "sms_json_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sms_utf8.h"


static int
sms_json_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}


/* 16: no digit */
static uint32_t
sms_json_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return (uint32_t) (c - '0');
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? (uint32_t) (c - 'a' + 10) : 16;
}


/* four digits that were looked at before */
static uint32_t
sms_json_hex4(const char *p)
{
    return sms_json_hex(p[0]) << 12 | sms_json_hex(p[1]) << 8
           | sms_json_hex(p[2]) << 4 | sms_json_hex(p[3]);
}


/* p is at a reverse solidus; what follows the escape, or NULL */
static const char *
sms_json_escaped(sms_json_reader_t *r, const char *p)
{
    int  i;

    p++;

    if (p < r->end && *p != '\0' && strchr("\"\\/bfnrt", *p)) {
        return p + 1;
    }

    if (p == r->end || *p != 'u') {
        (void) sms_json_fail(r, "no such escape", p);
        return NULL;
    }

    for (i = 0, p++; i < 4; i++, p++) {

        if (p == r->end || sms_json_hex(*p) > 15) {
            (void) sms_json_fail(r, "four hexadecimal digits expected", p);
            return NULL;
        }
    }

    return p;
}


/* The character that "\u" stands for; p is at its digits. */
static uint32_t
sms_json_unicode(sms_json_reader_t *r, const char **p)
{
    uint32_t     cp, low;
    const char  *from;

    from = *p;
    cp = sms_json_hex4(from);
    *p += 4;

    if (cp >= 0xD800 && cp <= 0xDFFF) {

        /* an escape of the string is whole, and a quote stands behind all */
        low = cp < 0xDC00 && from[4] == '\\' && from[5] == 'u'
              ? sms_json_hex4(from + 6) : 0;

        if (low < 0xDC00 || low > 0xDFFF) {
            return (uint32_t) sms_json_fail(r, "half of a surrogate pair",
                                            from);
        }

        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        *p += 6;
    }

    if (cp == 0) {
        return (uint32_t) sms_json_fail(r, "\\u0000 is not allowed", from);
    }

    return cp;
}


/* p to end has escapes, all of them well-formed */
static int
sms_json_decode(sms_json_reader_t *r, sms_json_node_t *v, const char *p,
    const char *end)
{
    char            *out;
    size_t           run;
    uint32_t         cp;
    const char      *stop;
    sms_json_doc_t  *doc;

    doc = r->doc;

    /* escapes are longer than what they stand for: it is enough for all */
    if (doc->room == NULL) {
        doc->room = sms_json_memory(doc, NULL, 0, (size_t) (r->end - p));
        doc->room_next = doc->room;

        if (doc->room == NULL) {
            return 0;
        }
    }

    out = doc->room_next;

    while (p < end) {
        stop = memchr(p, '\\', (size_t) (end - p));
        run = (size_t) ((stop ? stop : end) - p);
        memcpy(out, p, run);
        out += run;
        p += run;

        if (p == end) {
            break;
        }

        p += 2;

        switch (p[-1]) {
        case 'b':
            *out++ = '\b';
            break;
        case 'f':
            *out++ = '\f';
            break;
        case 'n':
            *out++ = '\n';
            break;
        case 'r':
            *out++ = '\r';
            break;
        case 't':
            *out++ = '\t';
            break;
        case 'u':
            cp = sms_json_unicode(r, &p);
            if (cp == 0) {
                return 0;
            }

            out += sms_utf8_put(out, cp);
            break;
        default:
            *out++ = p[-1];
        }
    }

    v->u.p = doc->room_next;
    v->n = (uint32_t) (out - doc->room_next);
    doc->room_next = out;

    return 1;
}


int
sms_json_string(sms_json_reader_t *r)
{
    int               escapes;
    const char       *p, *from, *start;
    sms_json_node_t  *v;

    start = r->p + 1;
    p = start;
    escapes = 0;

    for ( ;; ) {
        p += sms_json_plain(p, (size_t) (r->end - p));

        if (p < r->end && *p == '"') {
            break;
        }

        if (p < r->end && *p == '\\') {
            escapes = 1;
            p = sms_json_escaped(r, p);

            if (p == NULL) {
                return 0;
            }

            continue;
        }

        from = p;

        if (p == r->end || (unsigned char) *p < 0x20
            || sms_utf8_next(&p, r->end) == SMS_UTF8_BAD)
        {
            return sms_json_fail(r, "a control character in a string", from);
        }
    }

    r->p = p + 1;
    v = sms_json_push(r->doc, SMS_JSON_STR);
    if (v == NULL) {
        return 0;
    }

    if (escapes) {
        return sms_json_decode(r, v, start, p);
    }

    v->u.p = start;
    v->n = (uint32_t) (p - start);

    return 1;
}


/* Behind a number or a word more of the object or array follows. */
static int
sms_json_ended(sms_json_reader_t *r, const char *p)
{
    if (p == r->end || (unsigned char) *p >= 0x80) {
        return sms_json_fail(r, "a comma or the end expected", p);
    }

    return 1;
}


/* behind one digit or more at p, or NULL */
static const char *
sms_json_digits(sms_json_reader_t *r, const char *p)
{
    const char  *from;

    for (from = p; sms_json_digit(p, r->end); p++) { /* void */ }

    if (p == from) {
        (void) sms_json_fail(r, "a digit expected", p);
        return NULL;
    }

    return p;
}


static int
sms_json_number(sms_json_reader_t *r)
{
    int               real;
    uint64_t          u, max;
    const char       *p, *digits;
    sms_json_node_t  *v;

    digits = *r->p == '-' ? r->p + 1 : r->p;
    max = (uint64_t) INT64_MAX + (*r->p == '-');
    real = 0;
    p = sms_json_digits(r, digits);

    if (p == NULL) {
        return 0;
    }

    if (*digits == '0' && p - digits > 1) {
        return sms_json_fail(r, "a number begins with 0", digits);
    }

    /* 19 digits fit, and stay below it */
    u = p - digits > 19 ? UINT64_MAX : 0;

    while (digits < p && u != UINT64_MAX) {
        u = u * 10 + (uint64_t) (*digits++ - '0');
    }

    if (p < r->end && *p == '.') {
        real = 1;
        p = sms_json_digits(r, p + 1);

        if (p == NULL) {
            return 0;
        }
    }

    if (p < r->end && (*p == 'e' || *p == 'E')) {
        real = 1;
        p++;

        if (p < r->end && (*p == '+' || *p == '-')) {
            p++;
        }

        p = sms_json_digits(r, p);

        if (p == NULL) {
            return 0;
        }
    }

    if (!sms_json_ended(r, p)) {
        return 0;
    }

    /* something that is no digit stands behind it, where strtod() ends */
    if (real ? isinf(strtod(r->p, NULL)) : u > max) {
        return sms_json_fail(r, "a number that is too large", p);
    }

    v = sms_json_push(r->doc, real ? SMS_JSON_REAL : SMS_JSON_INT);
    if (v == NULL) {
        return 0;
    }

    if (real) {
        v->u.p = r->p;
        v->n = (uint32_t) (p - r->p);

    } else if (*r->p == '-') {
        v->u.i = u > (uint64_t) INT64_MAX ? INT64_MIN : -(int64_t) u;

    } else {
        v->u.i = (int64_t) u;
    }

    r->p = p;

    return 1;
}


static int
sms_json_word(sms_json_reader_t *r, const char *what)
{
    size_t            n;
    const char       *p;
    sms_json_type_t   type;

    for (p = r->p; p < r->end && (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'; p++) {
        /* void */
    }

    if (!sms_json_ended(r, p)) {
        return 0;
    }

    n = (size_t) (p - r->p);

    if (n == 4 && memcmp(r->p, "null", 4) == 0) {
        type = SMS_JSON_NULL;

    } else if (n == 4 && memcmp(r->p, "true", 4) == 0) {
        type = SMS_JSON_TRUE;

    } else if (n == 5 && memcmp(r->p, "false", 5) == 0) {
        type = SMS_JSON_FALSE;

    } else {
        return sms_json_fail(r, what, r->p);
    }

    r->p = p;

    return sms_json_push(r->doc, type) != NULL;
}


int
sms_json_scalar(sms_json_reader_t *r, const char *what)
{
    if (r->p < r->end) {

        if (*r->p == '"') {
            return sms_json_string(r);
        }

        if (*r->p == '-' || sms_json_digit(r->p, r->end)) {
            return sms_json_number(r);
        }

        if ((*r->p | 0x20) >= 'a' && (*r->p | 0x20) <= 'z') {
            return sms_json_word(r, what);
        }
    }

    return sms_json_fail(r, what, r->p);
}
