#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_template.h"


#define HTTP_NAMES_MAX  512

/* where in the text the next character stands */
typedef enum {
    HTTP_AT_PLAIN,                      /* json: outside of strings; xml: text */
    HTTP_AT_STRING,
    HTTP_AT_TAG, HTTP_AT_VALUE, HTTP_AT_MARKUP      /* xml                     */
} http_at_t;

typedef struct {
    http_template_t  *t;
    const char       *key;
    sms_str_t         text;
    http_place_t      place;
    http_at_t         at;
    unsigned          escaped;          /* json: characters of an escape to come */
    char              quote;            /* xml: of the attribute value         */
    const char       *end;              /* xml: of a comment, CDATA or PI      */
    unsigned          slashes;          /* url: seen so far                    */
    char             *err;
    size_t            errcap;
} http_compiler_t;

#define HTTP_VARIABLE(name, text, digits)  { text, digits },
static const struct {
    const char  *name;
    int          digits;
} http_variables[] = {
    { "", 0 },
#include "http_variable.def"
};
#undef HTTP_VARIABLE


const char *
http_variable_name(http_variable_t variable)
{
    return http_variables[variable].name;
}


http_variable_t
http_variable_find(sms_str_t name)
{
    int  v;

    for (v = HTTP_VAR_LITERAL + 1; v < HTTP_VARS; v++) {
        if (strlen(http_variables[v].name) == name.len
            && memcmp(http_variables[v].name, name.ptr, name.len) == 0)
        {
            return (http_variable_t) v;
        }
    }

    return HTTP_VARS;
}


static void
http_template_names(char *buf, size_t cap, int digits)
{
    int     v, n;
    size_t  len;

    len = 0;
    buf[0] = '\0';

    for (v = HTTP_VAR_LITERAL + 1; v < HTTP_VARS; v++) {
        if (digits && !http_variables[v].digits) {
            continue;
        }

        n = snprintf(buf + len, cap - len, "%s$%s", len ? ", " : "",
                     http_variables[v].name);

        if (n < 0 || (size_t) n >= cap - len) {
            return;
        }

        len += (size_t) n;
    }
}


static sms_rc_t
http_template_bad(http_compiler_t *c, size_t place, const char *what,
    sms_str_t name)
{
    char  known[HTTP_NAMES_MAX];

    http_template_names(known, sizeof(known), 0);
    snprintf(c->err, c->errcap, "%s, character %zu: %s \"$%.*s\"; known are %s",
             c->key, place + 1, what, (int) name.len, name.ptr, known);

    return SMS_E_CONFIG;
}


/* what the characters of a JSON text say about the place of the next one */
static void
http_template_json(http_compiler_t *c, char ch)
{
    if (c->escaped) {
        c->escaped = ch == 'u' && c->escaped == 1 ? 5 : c->escaped;
        c->escaped--;

    } else if (c->at == HTTP_AT_STRING && ch == '\\') {
        c->escaped = 1;

    } else if (ch == '"') {
        c->at = c->at == HTTP_AT_STRING ? HTTP_AT_PLAIN : HTTP_AT_STRING;
    }
}


static int
http_template_starts(const http_compiler_t *c, size_t i, const char *word)
{
    size_t  n;

    n = strlen(word);

    return c->text.len - i >= n && memcmp(c->text.ptr + i, word, n) == 0;
}


static void
http_template_xml(http_compiler_t *c, size_t i)
{
    char    ch;
    size_t  n;

    ch = c->text.ptr[i];

    switch (c->at) {

    case HTTP_AT_PLAIN:

        if (ch != '<') {
            break;
        }

        c->at = HTTP_AT_MARKUP;

        if (http_template_starts(c, i, "<!--")) {
            c->end = "-->";

        } else if (http_template_starts(c, i, "<![CDATA[")) {
            c->end = "]]>";

        } else if (http_template_starts(c, i, "<?")) {
            c->end = "?>";

        } else if (http_template_starts(c, i, "<!")) {
            c->end = ">";

        } else {
            c->at = HTTP_AT_TAG;
        }

        break;

    case HTTP_AT_TAG:

        if (ch == '>') {
            c->at = HTTP_AT_PLAIN;

        } else if (ch == '"' || ch == '\'') {
            c->quote = ch;
            c->at = HTTP_AT_VALUE;
        }

        break;

    case HTTP_AT_VALUE:

        if (ch == c->quote) {
            c->at = HTTP_AT_TAG;
        }

        break;

    default:
        n = strlen(c->end);

        if (i + 1 >= n && memcmp(c->text.ptr + i + 1 - n, c->end, n) == 0) {
            c->at = HTTP_AT_PLAIN;
        }
    }
}


static http_piece_t *
http_template_piece(http_compiler_t *c)
{
    if (c->t->n == HTTP_PIECES_MAX) {
        snprintf(c->err, c->errcap, "%s has more than %d pieces", c->key,
                 HTTP_PIECES_MAX);
        return NULL;
    }

    return &c->t->pieces[c->t->n++];
}


static sms_rc_t
http_template_literal(http_compiler_t *c, size_t from, size_t to)
{
    char           ch;
    size_t         i;
    http_piece_t  *piece;

    if (from == to) {
        return SMS_OK;
    }

    for (i = from; i < to; i++) {
        ch = c->text.ptr[i];

        if (c->place == HTTP_PLACE_JSON) {
            http_template_json(c, ch);

        } else if (c->place == HTTP_PLACE_XML) {
            http_template_xml(c, i);

        } else if (c->place == HTTP_PLACE_URL) {
            c->slashes += ch == '/' || ch == '?';
        }

        if ((c->place <= HTTP_PLACE_FORM && ((unsigned char) ch < 0x20 || ch == 0x7f))
            || (c->place == HTTP_PLACE_URL && ((unsigned char) ch >= 0x7f || ch == ' ')))
        {
            snprintf(c->err, c->errcap, "%s, character %zu: cannot stand here",
                     c->key, i + 1);
            return SMS_E_CONFIG;
        }
    }

    piece = http_template_piece(c);

    if (piece == NULL) {
        return SMS_E_CONFIG;
    }

    piece->literal.ptr = c->text.ptr + from;
    piece->literal.len = to - from;
    piece->variable = HTTP_VAR_LITERAL;
    piece->escape = HTTP_ESCAPE_NONE;

    return SMS_OK;
}


static sms_rc_t
http_template_variable(http_compiler_t *c, size_t place, sms_str_t name)
{
    char              known[HTTP_NAMES_MAX];
    http_piece_t     *piece;
    http_escape_t     escape;
    http_variable_t   v;

    v = http_variable_find(name);

    if (v == HTTP_VARS) {
        return http_template_bad(c, place, "unknown variable", name);
    }

    switch (c->place) {

    case HTTP_PLACE_URL:

        if (c->slashes < 3) {
            return http_template_bad(c, place, "no variable may stand before "
                                     "the path:", name);
        }

        escape = HTTP_ESCAPE_PERCENT;
        break;

    case HTTP_PLACE_FORM:
        escape = HTTP_ESCAPE_PERCENT;
        break;

    case HTTP_PLACE_HEADER:
        escape = HTTP_ESCAPE_HEADER;
        break;

    case HTTP_PLACE_JSON:

        if (c->escaped) {
            return http_template_bad(c, place, "inside an escape stands", name);
        }

        escape = c->at == HTTP_AT_STRING ? HTTP_ESCAPE_JSON : HTTP_ESCAPE_DIGITS;

        if (escape == HTTP_ESCAPE_DIGITS && !http_variables[v].digits) {
            http_template_names(known, sizeof(known), 1);
            snprintf(c->err, c->errcap, "%s, character %zu: \"$%.*s\" stands "
                     "outside of a string, write \"$%.*s\" in quotes; only %s "
                     "may stand so", c->key, place + 1, (int) name.len, name.ptr,
                     (int) name.len, name.ptr, known);
            return SMS_E_CONFIG;
        }

        break;

    default:

        if (c->at != HTTP_AT_PLAIN && c->at != HTTP_AT_VALUE) {
            return http_template_bad(c, place, "neither in text nor in an "
                                     "attribute's value stands", name);
        }

        escape = HTTP_ESCAPE_XML;
    }

    piece = http_template_piece(c);

    if (piece == NULL) {
        return SMS_E_CONFIG;
    }

    memset(piece, 0, sizeof(http_piece_t));
    piece->variable = v;
    piece->escape = escape;
    c->t->uses |= UINT64_C(1) << v;

    return SMS_OK;
}


sms_rc_t
http_template_compile(http_template_t *t, sms_str_t text, http_place_t place,
    const char *key, char *err, size_t errcap)
{
    char             ch;
    size_t           i, from, begin;
    sms_rc_t         rc;
    sms_str_t        name;
    http_compiler_t  c;

    memset(t, 0, sizeof(http_template_t));
    memset(&c, 0, sizeof(http_compiler_t));
    c.t = t;
    c.key = key;
    c.text = text;
    c.place = place;
    c.err = err;
    c.errcap = errcap;
    from = 0;
    i = 0;

    while (i < text.len) {

        if (text.ptr[i] != '$') {
            i++;
            continue;
        }

        rc = http_template_literal(&c, from, i);

        if (rc != SMS_OK) {
            return rc;
        }

        begin = i++;

        if (i < text.len && text.ptr[i] == '$') {
            from = i++;
            continue;
        }

        ch = i < text.len ? text.ptr[i] : '\0';
        i += ch == '{';
        name.ptr = text.ptr + i;

        while (i < text.len && ((text.ptr[i] >= 'a' && text.ptr[i] <= 'z')
                                || (text.ptr[i] >= '0' && text.ptr[i] <= '9')
                                || text.ptr[i] == '_'))
        {
            i++;
        }

        name.len = (size_t) (text.ptr + i - name.ptr);

        if (ch == '{') {
            if (i == text.len || text.ptr[i] != '}') {
                return http_template_bad(&c, begin, "no \"}\" behind", name);
            }

            i++;
        }

        rc = http_template_variable(&c, begin, name);

        if (rc != SMS_OK) {
            return rc;
        }

        from = i;
    }

    return http_template_literal(&c, from, text.len);
}


void
http_template_render(const http_template_t *t, http_value_pt value, void *data,
    http_text_t *out)
{
    uint32_t             i;
    const http_piece_t  *piece;

    for (i = 0; i < t->n && !out->failed; i++) {
        piece = &t->pieces[i];

        if (piece->variable == HTTP_VAR_LITERAL) {
            http_text_add(out, piece->literal.ptr, piece->literal.len);

        } else {
            http_text_escape(out, piece->escape, value(data, piece->variable));
        }
    }
}
