/*
 * The writing of values, so that none can leave its place; see http_template.h.
 */
#include <stdlib.h>
#include <string.h>

#include <sms/sms_utf8.h>

#include "http_template.h"


void
http_text_add(http_text_t *out, const char *p, size_t n)
{
    char    *grown;
    size_t   cap;

    if (out->failed || n == 0) {
        return;
    }

    if (n > HTTP_RENDER_MAX - out->len) {
        out->failed = 1;
        return;
    }

    if (out->len + n > out->cap) {
        for (cap = out->cap ? out->cap : 512; cap < out->len + n; cap *= 2) {
            /* void */
        }

        grown = realloc(out->p, cap);

        if (grown == NULL) {
            out->failed = 1;
            return;
        }

        out->p = grown;
        out->cap = cap;
    }

    memcpy(out->p + out->len, p, n);
    out->len += n;
}


void
http_text_free(http_text_t *out)
{
    free(out->p);
    memset(out, 0, sizeof(http_text_t));
}


static void
http_escape_percent(http_text_t *out, sms_str_t s)
{
    char    code[3];
    size_t  i;

    for (i = 0; i < s.len; i++) {
        code[0] = s.ptr[i];

        if ((code[0] >= 'a' && code[0] <= 'z') || (code[0] >= 'A' && code[0] <= 'Z')
            || (code[0] >= '0' && code[0] <= '9') || code[0] == '-'
            || code[0] == '.' || code[0] == '_' || code[0] == '~')
        {
            http_text_add(out, code, 1);
            continue;
        }

        code[0] = '%';
        code[1] = "0123456789ABCDEF"[(unsigned char) s.ptr[i] >> 4];
        code[2] = "0123456789ABCDEF"[s.ptr[i] & 15];
        http_text_add(out, code, 3);
    }
}


static void
http_escape_header(http_text_t *out, sms_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((unsigned char) s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) {
            http_text_add(out, " ", 1);

        } else {
            http_text_add(out, s.ptr + i, 1);
        }
    }
}


/* what is no character of the text becomes U+FFFD: the far end must not choke */

static void
http_escape_json(http_text_t *out, sms_str_t s)
{
    char         code[6];
    uint32_t     cp;
    const char  *p, *from, *end;

    end = s.ptr + s.len;

    for (p = s.ptr; p < end; /* void */ ) {
        from = p;
        cp = sms_utf8_next(&p, end);

        if (cp == SMS_UTF8_BAD) {
            http_text_add(out, "\xEF\xBF\xBD", 3);

        } else if (cp == '"' || cp == '\\') {
            code[0] = '\\';
            code[1] = (char) cp;
            http_text_add(out, code, 2);

        } else if (cp < 0x20 || cp == 0x7f) {
            memcpy(code, "\\u00", 4);
            code[4] = "01234567"[cp >> 4];
            code[5] = "0123456789abcdef"[cp & 15];
            http_text_add(out, code, 6);

        } else {
            http_text_add(out, from, (size_t) (p - from));
        }
    }
}


static void
http_escape_xml(http_text_t *out, sms_str_t s)
{
    uint32_t     cp;
    const char  *p, *from, *end, *name;

    end = s.ptr + s.len;

    for (p = s.ptr; p < end; /* void */ ) {
        from = p;
        cp = sms_utf8_next(&p, end);

        /* blanks other than ' ' would be normalised in attributes */
        name = cp == '&' ? "&amp;" : cp == '<' ? "&lt;" : cp == '>' ? "&gt;"
               : cp == '"' ? "&quot;" : cp == '\'' ? "&#39;"
               : cp == '\n' ? "&#10;" : cp == '\r' ? "&#13;"
               : cp == '\t' ? "&#9;"
               : cp < 0x20 || cp == SMS_UTF8_BAD || cp == 0xFFFE || cp == 0xFFFF
               ? "\xEF\xBF\xBD" : NULL;

        if (name) {
            http_text_add(out, name, strlen(name));

        } else {
            http_text_add(out, from, (size_t) (p - from));
        }
    }
}


static void
http_escape_digits(http_text_t *out, sms_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            s.len = 0;
        }
    }

    /* a JSON number has no zeros in front */
    while (s.len > 1 && s.ptr[0] == '0') {
        s.ptr++;
        s.len--;
    }

    http_text_add(out, s.len ? s.ptr : "0", s.len ? s.len : 1);
}


void
http_text_escape(http_text_t *out, http_escape_t escape, sms_str_t s)
{
    if (s.len == 0 && escape != HTTP_ESCAPE_DIGITS) {
        return;
    }

    switch (escape) {

    case HTTP_ESCAPE_PERCENT:
        http_escape_percent(out, s);
        break;

    case HTTP_ESCAPE_HEADER:
        http_escape_header(out, s);
        break;

    case HTTP_ESCAPE_JSON:
        http_escape_json(out, s);
        break;

    case HTTP_ESCAPE_DIGITS:
        http_escape_digits(out, s);
        break;

    case HTTP_ESCAPE_XML:
        http_escape_xml(out, s);
        break;

    default:
        http_text_add(out, s.ptr, s.len);
    }
}
