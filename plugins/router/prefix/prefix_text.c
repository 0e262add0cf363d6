#include "prefix_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


int
prefix_text_error(prefix_text_t *t, const char *fmt, ...)
{
    va_list  args;
    int      n;

    n = t->line ? snprintf(t->err, t->errcap, "%s:%u: ", t->name, t->line)
                : snprintf(t->err, t->errcap, "%s: ", t->name);
    if (n > 0 && (size_t) n < t->errcap) {
        va_start(args, fmt);
        vsnprintf(t->err + n, t->errcap - (size_t) n, fmt, args);
        va_end(args);
    }

    return -1;
}


static int
prefix_text_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}


prefix_word_t
prefix_text_word(prefix_text_t *t)
{
    prefix_word_t  w;

    while (t->at < t->end && prefix_text_blank(t->text[t->at])) {
        t->at++;
    }

    w.at = t->at;
    while (t->at < t->end && !prefix_text_blank(t->text[t->at])) {
        t->at++;
    }
    w.len = t->at - w.at;

    return w;
}


int
prefix_text_item(const char *text, prefix_word_t *w, prefix_word_t *item, int *more)
{
    const char  *comma;

    if (!*more) {
        return 0;
    }

    *item = *w;
    comma = memchr(text + w->at, ',', w->len);
    *more = comma != NULL;

    if (comma) {
        item->len = (uint32_t) (comma - text) - w->at;
        w->at += item->len + 1;
        w->len -= item->len + 1;
    }

    return 1;
}


int
prefix_text_is(const char *text, prefix_word_t w, const char *word)
{
    return strlen(word) == w.len && memcmp(text + w.at, word, w.len) == 0;
}


int
prefix_text_shown(const char *text, prefix_word_t w)
{
    if (w.len <= 40) {
        return (int) w.len;
    }

    for (w.len = 40; w.len && ((unsigned char) text[w.at + w.len] & 0xc0) == 0x80; w.len--) {
        /* continuation bytes */
    }

    return (int) w.len;
}


int64_t
prefix_text_number(const char *text, prefix_word_t w, uint32_t max)
{
    int64_t   n;
    uint32_t  i;

    if (w.len == 0 || w.len > max) {
        return -1;
    }

    for (i = 0, n = 0; i < w.len; i++) {
        if (text[w.at + i] < '0' || text[w.at + i] > '9') {
            return -1;
        }
        n = n * 10 + (text[w.at + i] - '0');
    }

    return n;
}


int
prefix_text_next(prefix_text_t *t)
{
    const char  *nl;

    while (t->next < t->len) {

        t->line++;
        t->at = t->next;
        nl = memchr(t->text + t->next, '\n', t->len - t->next);
        t->end = nl ? (uint32_t) (nl - t->text) : (uint32_t) t->len;
        t->next = t->end + 1;

        if (memchr(t->text + t->at, '\0', t->end - t->at)) {
            return prefix_text_error(t, "a zero octet: this is no text");
        }

        while (t->at < t->end && prefix_text_blank(t->text[t->at])) {
            t->at++;
        }

        if (t->at < t->end && t->text[t->at] != '#') {
            return 1;
        }
    }

    return 0;
}


int
prefix_text_open(prefix_text_t *t, const char *name, const char *p, size_t n, char *err,
    size_t errcap)
{
    memset(t, 0, sizeof(*t));
    t->name = name;
    t->err = err;
    t->errcap = errcap;

    if (n > PREFIX_FILE_MAX) {
        return prefix_text_error(t, "longer than %u bytes", PREFIX_FILE_MAX);
    }

    t->text = malloc(n ? n : 1);
    if (t->text == NULL) {
        return prefix_text_error(t, "out of memory");
    }
    if (n) {
        memcpy(t->text, p, n);
    }
    t->len = n;

    return 0;
}


int
prefix_text_read(prefix_text_t *t, const char *path, size_t npath, char *name, char *err,
    size_t errcap)
{
    char    *buf, *more;
    FILE    *f;
    size_t   n, got, cap;
    int      rc;

    memset(t, 0, sizeof(*t));

    if (npath == 0 || npath >= 4096) {
        snprintf(err, errcap, "the path of a file is empty or too long");
        return -1;
    }
    memcpy(name, path, npath);
    name[npath] = '\0';

    f = fopen(name, "re");
    if (f == NULL) {
        snprintf(err, errcap, "%s: %s", name, strerror(errno));
        return -1;
    }

    rc = -1;
    buf = NULL;
    cap = 16384;

    for (n = 0, got = 1; got && n <= PREFIX_FILE_MAX; n += got) {
        if (buf == NULL || cap - n < 4096) {
            cap *= 2;
            more = realloc(buf, cap);
            if (more == NULL) {
                snprintf(err, errcap, "%s: out of memory", name);
                goto failed;
            }
            buf = more;
        }
        got = fread(buf + n, 1, cap - n, f);
    }

    if (ferror(f)) {
        snprintf(err, errcap, "%s: %s", name, strerror(errno));
        goto failed;
    }

    rc = prefix_text_open(t, name, buf, n, err, errcap);

failed:

    free(buf);
    fclose(f);

    return rc;
}
