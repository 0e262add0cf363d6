/*
 * http_template - texts with variables: "to=$to&text=${text}", "$$" is a '$'.
 *
 * Where a variable stands decides how its value is written, so nobody who
 * configures can forget to escape, and no text can leave its place:
 *
 *   url, form   %XX for all but the unreserved characters of RFC 3986; in a URL
 *               only behind the host
 *   header      printable characters; CR, LF and other controls become blanks
 *   json        inside a string: escaped as RFC 8259 asks; outside of strings only
 *               variables of digits, 0 where there is none
 *   xml         in text and in attribute values: & < > " ' as references, what
 *               XML 1.0 cannot hold as U+FFFD; nowhere else
 */
#ifndef HTTP_TEMPLATE_H
#define HTTP_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "sms_plugin.h"

#define HTTP_PIECES_MAX  96
#define HTTP_RENDER_MAX  (256 * 1024)

#define HTTP_VARIABLE(name, text, digits)  HTTP_VAR_##name,
typedef enum {
    HTTP_VAR_LITERAL,
#include "http_variable.def"
    HTTP_VARS
} http_variable_t;
#undef HTTP_VARIABLE

typedef enum {
    HTTP_PLACE_URL, HTTP_PLACE_HEADER, HTTP_PLACE_FORM, HTTP_PLACE_JSON, HTTP_PLACE_XML
} http_place_t;

typedef enum {
    HTTP_ESCAPE_NONE, HTTP_ESCAPE_PERCENT, HTTP_ESCAPE_HEADER, HTTP_ESCAPE_JSON,
    HTTP_ESCAPE_DIGITS, HTTP_ESCAPE_XML
} http_escape_t;

typedef struct {
    sms_str_t        literal;           /* in the text that was compiled       */
    http_variable_t  variable;
    http_escape_t    escape;
} http_piece_t;

typedef struct {
    uint32_t         n;
    uint64_t         uses;              /* bit 1 << http_variable_t            */
    http_piece_t     pieces[HTTP_PIECES_MAX];
} http_template_t;

/* grows by itself; failed: no memory, or above HTTP_RENDER_MAX */
typedef struct {
    char            *p;
    size_t           len, cap;
    int              failed;
} http_text_t;

/* Value of a variable; "data" is the caller's.  The string must live until the
 * next call.                                                                  */
typedef sms_str_t (*http_value_pt)(void *data, http_variable_t variable);

/* "text" must stay.  SMS_E_CONFIG: "err" names key, place and what is allowed. */
sms_rc_t http_template_compile(http_template_t *t, sms_str_t text, http_place_t place,
    const char *key, char *err, size_t errcap);

void http_template_render(const http_template_t *t, http_value_pt value, void *data,
    http_text_t *out);

const char *http_variable_name(http_variable_t variable);
/* HTTP_VARS: no such */
http_variable_t http_variable_find(sms_str_t name);

void http_text_add(http_text_t *out, const char *p, size_t n);
void http_text_escape(http_text_t *out, http_escape_t escape, sms_str_t s);
void http_text_free(http_text_t *out);

#endif /* HTTP_TEMPLATE_H */
