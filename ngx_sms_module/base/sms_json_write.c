#include "sms_json_write.h"

#include <stdlib.h>
#include <string.h>

#include "sms_utf8.h"


#define SMS_JSON_FIRST_CAP  1024

#define SMS_JSON_ONES       UINT64_C(0x0101010101010101)
#define SMS_JSON_HIGH_BITS  UINT64_C(0x8080808080808080)


void
sms_json_init(sms_json_t *w, sms_json_grow_pt grow, void *data, size_t max)
{
    memset(w, 0, sizeof(sms_json_t));

    w->grow = grow;
    w->data = data;
    w->max = max ? max : SIZE_MAX / 4;
}


void
sms_json_reserve(sms_json_t *w, size_t n)
{
    w->first = n;
}


static void
sms_json_fail(sms_json_t *w, int error)
{
    if (w->error == SMS_JSON_OK) {
        w->error = error;
    }
}


static int
sms_json_grow(sms_json_t *w, size_t n)
{
    char    *buf;
    size_t   cap;

    if (n > w->max || w->len > w->max - n) {
        sms_json_fail(w, SMS_JSON_E_TOO_LONG);
        return 0;
    }

    cap = w->cap ? w->cap : w->first ? w->first : SMS_JSON_FIRST_CAP;

    while (cap - w->len < n) {
        cap *= 2;
    }

    if (cap > w->max) {
        cap = w->max;
    }

    buf = w->grow ? w->grow(w->data, w->buf, w->cap, cap)
                  : realloc(w->buf, cap);

    if (buf == NULL) {
        sms_json_fail(w, SMS_JSON_E_NOMEM);
        return 0;
    }

    w->buf = buf;
    w->cap = cap;

    return 1;
}


/* Makes room for n more bytes; 0 when there is none, or after an error. */
static inline int
sms_json_room(sms_json_t *w, size_t n)
{
    if (w->error != SMS_JSON_OK) {
        return 0;
    }

    return w->cap - w->len >= n || sms_json_grow(w, n);
}


static inline void
sms_json_append(sms_json_t *w, const char *p, size_t n)
{
    if (n && sms_json_room(w, n)) {
        memcpy(w->buf + w->len, p, n);
        w->len += n;
    }
}


static inline void
sms_json_put(sms_json_t *w, char c)
{
    if (sms_json_room(w, 1)) {
        w->buf[w->len++] = c;
    }
}


/* What stands before a value: a comma in arrays, nothing behind a key. */
static inline int
sms_json_value(sms_json_t *w)
{
    uint32_t  bit;

    if (w->keyed && w->error == SMS_JSON_OK) {
        w->keyed = 0;
        return 1;
    }

    if (w->error != SMS_JSON_OK) {
        return 0;
    }

    if (w->depth == 0) {
        if (w->rooted) {
            sms_json_fail(w, SMS_JSON_E_MISUSE);
            return 0;
        }

        w->rooted = 1;
        return 1;
    }

    bit = UINT32_C(1) << (w->depth - 1);

    if (w->objects & bit) {
        sms_json_fail(w, SMS_JSON_E_MISUSE);
        return 0;
    }

    if (w->filled & bit) {
        sms_json_put(w, ',');
    }

    w->filled |= bit;

    return w->error == SMS_JSON_OK;
}


static void
sms_json_begin(sms_json_t *w, int object)
{
    uint32_t  bit;

    if (!sms_json_value(w)) {
        return;
    }

    if (w->depth == SMS_JSON_DEPTH_MAX) {
        sms_json_fail(w, SMS_JSON_E_MISUSE);
        return;
    }

    bit = UINT32_C(1) << w->depth++;
    w->filled &= ~bit;

    if (object) {
        w->objects |= bit;

    } else {
        w->objects &= ~bit;
    }

    sms_json_put(w, object ? '{' : '[');
}


void
sms_json_object(sms_json_t *w)
{
    sms_json_begin(w, 1);
}


void
sms_json_array(sms_json_t *w)
{
    sms_json_begin(w, 0);
}


void
sms_json_end(sms_json_t *w)
{
    uint32_t  bit;

    if (w->error != SMS_JSON_OK) {
        return;
    }

    if (w->depth == 0 || w->keyed) {
        sms_json_fail(w, SMS_JSON_E_MISUSE);
        return;
    }

    bit = UINT32_C(1) << --w->depth;

    sms_json_put(w, (w->objects & bit) ? '}' : ']');
}


/* "p" has "n" bytes; p[0] is one that cannot be copied.  Bytes used. */
static size_t
sms_json_escape(sms_json_t *w, const char *p, size_t n)
{
    char           buf[6];
    uint32_t       cp;
    const char    *from;
    unsigned char  c;

    static const char  hex[] = "0123456789abcdef";

    c = (unsigned char) p[0];

    if (c < 0x80) {
        buf[0] = '\\';
        buf[1] = 0;

        switch (c) {
        case '"':
        case '\\':
            buf[1] = (char) c;
            break;
        case '\n':
            buf[1] = 'n';
            break;
        case '\r':
            buf[1] = 'r';
            break;
        case '\t':
            buf[1] = 't';
            break;
        }

        if (buf[1]) {
            sms_json_append(w, buf, 2);
            return 1;
        }

        memcpy(buf, "\\u00", 4);
        buf[4] = hex[c >> 4];
        buf[5] = hex[c & 0x0F];
        sms_json_append(w, buf, 6);
        return 1;
    }

    from = p;
    cp = sms_utf8_next(&p, p + n);

    if (cp == SMS_UTF8_BAD) {
        sms_json_append(w, "\xEF\xBF\xBD", 3);

    } else if (cp == 0x2028) {
        sms_json_append(w, "\\u2028", 6);

    } else if (cp == 0x2029) {
        sms_json_append(w, "\\u2029", 6);

    } else {
        sms_json_append(w, from, (size_t) (p - from));
    }

    return (size_t) (p - from);
}


/* 0x80 in bytes below 0x20, above 0x7E, of a quote and of a reverse solidus */
static inline uint64_t
sms_json_special(uint64_t word)
{
    return (word | (word - SMS_JSON_ONES * 0x20) | (word + SMS_JSON_ONES)
            | ((word ^ SMS_JSON_ONES * '"') - SMS_JSON_ONES)
            | ((word ^ SMS_JSON_ONES * '\\') - SMS_JSON_ONES))
           & SMS_JSON_HIGH_BITS;
}


static size_t
sms_json_plain_bytes(const char *p, size_t n)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < n; i++) {
        c = (unsigned char) p[i];

        if (c < 0x20 || c > 0x7E || c == '"' || c == '\\') {
            break;
        }
    }

    return i;
}


size_t
sms_json_plain(const char *p, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

    size_t    i;
    uint64_t  word, found;

    if (n >= 8) {

        /* what a byte borrows goes to those behind it: the first one is right */
        for (i = 0; n - i >= 8; i += 8) {
            memcpy(&word, p + i, 8);
            found = sms_json_special(word);

            if (found) {
                return i + (size_t) __builtin_ctzll(found) / 8;
            }
        }

        if (i == n) {
            return n;
        }

        /* the last eight again, without those that were seen: 0 ends them */
        memcpy(&word, p + n - 8, 8);
        found = sms_json_special(word >> 8 * (8 - (n - i)));

        return i + (size_t) __builtin_ctzll(found) / 8;
    }

#endif

    return sms_json_plain_bytes(p, n);
}


static void
sms_json_quoted(sms_json_t *w, const char *p, size_t n)
{
    size_t  run;

    if (!sms_json_room(w, n + 2)) {
        return;
    }

    w->buf[w->len++] = '"';

    for ( ;; ) {
        run = sms_json_plain(p, n);
        sms_json_append(w, p, run);

        if (run == n) {
            break;
        }

        run += sms_json_escape(w, p + run, n - run);
        p += run;
        n -= run;
    }

    sms_json_put(w, '"');
}


char *
sms_json_key_place(sms_json_t *w, size_t n)
{
    char      *p;
    uint32_t   bit;

    bit = w->depth ? UINT32_C(1) << (w->depth - 1) : 0;

    if (w->error != SMS_JSON_OK || w->keyed || !(w->objects & bit)) {
        sms_json_fail(w, SMS_JSON_E_MISUSE);
        return NULL;
    }

    /* a comma may come before it */
    if (w->cap - w->len <= n && !sms_json_grow(w, n + 1)) {
        return NULL;
    }

    p = w->buf + w->len;

    if (w->filled & bit) {
        *p++ = ',';
    }

    w->filled |= bit;
    w->keyed = 1;
    w->len = (size_t) (p - w->buf) + n;

    return p;
}


void
sms_json_key_n(sms_json_t *w, const char *p, size_t n)
{
    /* of no length yet: how long it is the escapes say */
    if (sms_json_key_place(w, 0) != NULL) {
        sms_json_quoted(w, p, n);
        sms_json_put(w, ':');
    }
}


void
sms_json_members(sms_json_t *w, const char *object, size_t n)
{
    if (n < 2 || object[0] != '{' || object[n - 1] != '}') {
        sms_json_fail(w, SMS_JSON_E_MISUSE);
        return;
    }

    if (n > 2) {
        sms_json_key_text(w, object + 1, n - 2);
        w->keyed = 0;
    }
}


void
sms_json_str(sms_json_t *w, const char *p, size_t n)
{
    if (sms_json_value(w)) {
        sms_json_quoted(w, p, n);
    }
}


void
sms_json_ascii(sms_json_t *w, const char *p, size_t n)
{
    char  *out;

    if (sms_json_value(w) && sms_json_room(w, n + 2)) {
        out = w->buf + w->len;
        *out++ = '"';
        memcpy(out, p, n);
        out[n] = '"';
        w->len += n + 2;
    }
}


void
sms_json_cstr(sms_json_t *w, const char *s)
{
    if (s == NULL) {
        sms_json_null(w);
        return;
    }

    sms_json_str(w, s, strlen(s));
}


void
sms_json_int(sms_json_t *w, int64_t v)
{
    char      buf[20];
    size_t    i;
    uint64_t  u;

    if (!sms_json_value(w)) {
        return;
    }

    if (v >= 0 && v <= 9) {
        sms_json_put(w, (char) ('0' + v));
        return;
    }

    u = v < 0 ? 0 - (uint64_t) v : (uint64_t) v;
    i = sizeof(buf);

    do {
        buf[--i] = (char) ('0' + u % 10);
        u /= 10;

    } while (u);

    if (v < 0) {
        buf[--i] = '-';
    }

    sms_json_append(w, buf + i, sizeof(buf) - i);
}


void
sms_json_bool(sms_json_t *w, int v)
{
    sms_json_raw(w, v ? "true" : "false", v ? 4 : 5);
}


void
sms_json_null(sms_json_t *w)
{
    sms_json_raw(w, "null", 4);
}


void
sms_json_raw(sms_json_t *w, const char *p, size_t n)
{
    if (n == 0) {
        sms_json_fail(w, SMS_JSON_E_MISUSE);
        return;
    }

    if (sms_json_value(w)) {
        sms_json_append(w, p, n);
    }
}


int
sms_json_done(const sms_json_t *w)
{
    if (w->error != SMS_JSON_OK) {
        return w->error;
    }

    return (w->rooted && w->depth == 0) ? SMS_JSON_OK : SMS_JSON_E_MISUSE;
}


void
sms_json_reset(sms_json_t *w)
{
    w->len = 0;
    w->error = SMS_JSON_OK;
    w->depth = 0;
    w->objects = 0;
    w->filled = 0;
    w->keyed = 0;
    w->rooted = 0;
}


void
sms_json_free(sms_json_t *w)
{
    free(w->buf);
    memset(w, 0, sizeof(sms_json_t));
}
