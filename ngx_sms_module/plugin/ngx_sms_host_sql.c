#include "ngx_sms_host_sql.h"

#include <string.h>


static const char *ngx_sms_host_sql_quoted(const char *p, int escapes);
static const char *ngx_sms_host_sql_comment(const char *p);
static const char *ngx_sms_host_sql_dollar(const char *p);
static int ngx_sms_host_sql_word(char c);


int
ngx_sms_host_sql_params(const char *sql)
{
    int          n, max;
    const char  *p, *word;

    max = 0;
    word = NULL;

    for (p = sql; p != NULL && *p != '\0'; /* void */ ) {

        if (*p == '\'') {
            /* E'...' knows backslashes, '...' does not */
            p = ngx_sms_host_sql_quoted(p, word != NULL && p == word + 1
                                           && (*word == 'E' || *word == 'e'));
            word = NULL;
            continue;
        }

        if (*p == '"') {
            p = ngx_sms_host_sql_quoted(p, 0);
            continue;
        }

        if (p[0] == '-' && p[1] == '-') {
            p += strcspn(p, "\n");
            continue;
        }

        if (p[0] == '/' && p[1] == '*') {
            p = ngx_sms_host_sql_comment(p);
            continue;
        }

        if (ngx_sms_host_sql_word(*p)) {
            /* "$" inside of a word belongs to it */
            word = p;
            while (ngx_sms_host_sql_word(*p) || *p == '$') {
                p++;
            }

            continue;
        }

        if (*p != '$') {
            p++;
            continue;
        }

        if (p[1] < '0' || p[1] > '9') {
            p = ngx_sms_host_sql_dollar(p);
            continue;
        }

        for (n = 0, p++; *p >= '0' && *p <= '9'; p++) {
            n = n * 10 + (*p - '0');

            if (n > NGX_SMS_HOST_SQL_PARAMS) {
                return -1;
            }
        }

        if (n == 0) {
            return -1;
        }

        if (n > max) {
            max = n;
        }
    }

    return p != NULL ? max : -1;
}


/* behind the closing quote, or NULL; a doubled quote is one inside */
static const char *
ngx_sms_host_sql_quoted(const char *p, int escapes)
{
    char  quote;

    quote = *p++;

    while (*p != '\0') {

        if (escapes && p[0] == '\\' && p[1] != '\0') {
            p += 2;
            continue;
        }

        if (*p != quote) {
            p++;
            continue;
        }

        if (p[1] != quote) {
            return p + 1;
        }

        p += 2;
    }

    return NULL;
}


/* they nest */
static const char *
ngx_sms_host_sql_comment(const char *p)
{
    int  depth;

    depth = 0;

    while (*p != '\0') {

        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;

        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;

            if (--depth == 0) {
                return p;
            }

        } else {
            p++;
        }
    }

    return NULL;
}


/* $tag$ ... $tag$, or a lone "$", which is left to PostgreSQL */
static const char *
ngx_sms_host_sql_dollar(const char *p)
{
    size_t       len;
    const char  *end;

    for (len = 1; ngx_sms_host_sql_word(p[len]); len++) {
        /* void */
    }

    if (p[len] != '$') {
        return p + 1;
    }

    len++;

    for (end = p + len; *end != '\0'; end++) {
        if (strncmp(end, p, len) == 0) {
            return end + len;
        }
    }

    return NULL;
}


static int
ngx_sms_host_sql_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}
