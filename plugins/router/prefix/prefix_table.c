#include "prefix_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    prefix_table_t  *table;
    const char      *name;
    uint32_t         line;
    uint32_t         at, end;           /* of what is left of the line            */
    char            *err;
    size_t           errcap;
} prefix_parse_t;

typedef struct { uint32_t at, len; } prefix_word_t;

static const char *const  prefix_classes[PREFIX_CLASSES + 1] = {
    "*", "otp", "informational", "commercial", "exempt"
};


static int __attribute__((format(printf, 2, 3)))
prefix_error(prefix_parse_t *s, const char *fmt, ...)
{
    va_list  args;
    int      n;

    n = s->line ? snprintf(s->err, s->errcap, "%s:%u: ", s->name, s->line)
                : snprintf(s->err, s->errcap, "%s: ", s->name);
    if (n > 0 && (size_t) n < s->errcap) {
        va_start(args, fmt);
        vsnprintf(s->err + n, s->errcap - (size_t) n, fmt, args);
        va_end(args);
    }

    return -1;
}


static int
prefix_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}


/* the next word of the line; its length is 0 at the end */
static prefix_word_t
prefix_word(prefix_parse_t *s)
{
    const char     *p = s->table->text;
    prefix_word_t   w;

    while (s->at < s->end && prefix_blank(p[s->at])) {
        s->at++;
    }

    w.at = s->at;
    while (s->at < s->end && !prefix_blank(p[s->at])) {
        s->at++;
    }
    w.len = s->at - w.at;

    return w;
}


/* cuts "w" at the first comma; 0 when nothing is left */
static int
prefix_item(const prefix_table_t *t, prefix_word_t *w, prefix_word_t *item, int *more)
{
    const char  *comma;

    if (!*more) {
        return 0;
    }

    *item = *w;
    comma = memchr(t->text + w->at, ',', w->len);
    *more = comma != NULL;

    if (comma) {
        item->len = (uint32_t) (comma - t->text) - w->at;
        w->at += item->len + 1;
        w->len -= item->len + 1;
    }

    return 1;
}


static int
prefix_is(const prefix_table_t *t, prefix_word_t w, const char *word)
{
    return strlen(word) == w.len && memcmp(t->text + w.at, word, w.len) == 0;
}


/* quotes in messages end after 40 bytes, at the begin of a character */
static int
prefix_shown(const prefix_table_t *t, prefix_word_t w)
{
    if (w.len <= 40) {
        return (int) w.len;
    }

    for (w.len = 40; w.len && ((unsigned char) t->text[w.at + w.len] & 0xc0) == 0x80; w.len--) {
        /* continuation bytes */
    }

    return (int) w.len;
}


static int
prefix_parse_prefix(prefix_parse_t *s, prefix_rule_t *r, prefix_word_t w)
{
    const char  *p = s->table->text + w.at;
    uint32_t     i;

    r->digits = w.at;

    if (prefix_is(s->table, w, "*")) {
        return 0;
    }

    for (i = 0; i < w.len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return prefix_error(s, "prefix \"%.*s\" is neither digits nor *",
                                prefix_shown(s->table, w), p);
        }
    }

    if (w.len > 15) {
        return prefix_error(s, "prefix of %u digits: a number has at most 15", w.len);
    }
    r->ndigits = w.len;

    return 0;
}


static int
prefix_parse_classes(prefix_parse_t *s, prefix_rule_t *r, prefix_word_t w)
{
    prefix_word_t  item;
    uint32_t       c;
    int            more;

    if (prefix_is(s->table, w, "*")) {
        return 0;
    }

    for (more = 1; prefix_item(s->table, &w, &item, &more); /* void */ ) {

        for (c = 1; c <= PREFIX_CLASSES; c++) {
            if (prefix_is(s->table, item, prefix_classes[c])) {
                break;
            }
        }

        if (c > PREFIX_CLASSES) {
            return prefix_error(s, "class \"%.*s\" is none of otp, informational, "
                                "commercial, exempt, *", prefix_shown(s->table, item),
                                s->table->text + item.at);
        }
        if (r->classes & 1u << c) {
            return prefix_error(s, "class %s is there twice", prefix_classes[c]);
        }
        r->classes |= 1u << c;
    }

    return 0;
}


static int
prefix_parse_link(prefix_parse_t *s, prefix_rule_t *r, prefix_word_t w, uint32_t group)
{
    const char     *p = s->table->text, *colon;
    prefix_link_t  *l;
    uint32_t        i;

    if (r->nlinks == PREFIX_LINKS_MAX) {
        return prefix_error(s, "more than %d links", PREFIX_LINKS_MAX);
    }

    l = &r->links[r->nlinks];
    l->name = w.at;
    l->len = w.len;
    l->group = group;
    l->weight = 1;

    colon = memchr(p + w.at, ':', w.len);
    if (colon) {
        l->len = (uint32_t) (colon - p) - w.at;
        l->weight = 0;

        for (i = l->len + 1; i < w.len; i++) {
            if (p[w.at + i] < '0' || p[w.at + i] > '9' || i > l->len + 7) {
                l->weight = 0;
                break;
            }
            l->weight = l->weight * 10 + (uint32_t) (p[w.at + i] - '0');
        }

        if (l->weight == 0 || l->weight > PREFIX_WEIGHT_MAX) {
            return prefix_error(s, "weight of \"%.*s\" is no number from 1 to %d",
                                prefix_shown(s->table, w), p + w.at, PREFIX_WEIGHT_MAX);
        }
    }

    if (l->len == 0) {
        return prefix_error(s, "the name of a link is missing");
    }

    for (i = 0; i < r->nlinks; i++) {
        if (r->links[i].len == l->len
            && memcmp(p + r->links[i].name, p + l->name, l->len) == 0)
        {
            return prefix_error(s, "link \"%.*s\" is there twice",
                                prefix_shown(s->table, w), p + l->name);
        }
    }
    r->nlinks++;

    return 0;
}


static int
prefix_parse_groups(prefix_parse_t *s, prefix_rule_t *r)
{
    prefix_word_t  w, item;
    uint32_t       group;
    int            more;

    for (group = 0; (w = prefix_word(s)).len; group++) {
        for (more = 1; prefix_item(s->table, &w, &item, &more); /* void */ ) {
            if (prefix_parse_link(s, r, item, group) != 0) {
                return -1;
            }
        }
    }

    return group ? 0 : prefix_error(s, "no link (PREFIX CLASS GROUP ...)");
}


static prefix_rule_t *
prefix_rule(prefix_table_t *t)
{
    prefix_rule_t  *rules;
    uint32_t        cap;

    if (t->n == t->cap) {
        cap = t->cap ? t->cap * 2 : 16;
        rules = realloc(t->rules, cap * sizeof(prefix_rule_t));
        if (rules == NULL) {
            return NULL;
        }
        t->rules = rules;
        t->cap = cap;
    }

    memset(&t->rules[t->n], 0, sizeof(prefix_rule_t));

    return &t->rules[t->n++];
}


static int
prefix_parse_line(prefix_parse_t *s)
{
    prefix_word_t   w;
    prefix_rule_t  *r;
    int             n;

    w = prefix_word(s);
    if (w.len == 0 || s->table->text[w.at] == '#') {
        return 0;
    }

    r = prefix_rule(s->table);
    if (r == NULL) {
        return prefix_error(s, "out of memory");
    }
    r->line = s->line;

    if (prefix_parse_prefix(s, r, w) != 0) {
        return -1;
    }

    w = prefix_word(s);
    if (w.len == 0) {
        return prefix_error(s, "no class (PREFIX CLASS GROUP ...)");
    }

    if (prefix_parse_classes(s, r, w) != 0 || prefix_parse_groups(s, r) != 0) {
        return -1;
    }

    n = snprintf(r->reason, sizeof(r->reason), "prefix=%.*s line=%u",
                 r->ndigits ? (int) r->ndigits : 1,
                 r->ndigits ? s->table->text + r->digits : "*", r->line);
    r->reason_len = (uint32_t) n;

    return 0;
}


static int
prefix_add(prefix_parse_t *s, uint32_t c, uint32_t i, int named)
{
    prefix_table_t  *t = s->table;
    prefix_rule_t   *r = &t->rules[i];
    uint32_t         other;

    switch (sms_prefix_add(&t->tree[c], t->text + r->digits, r->ndigits, i)) {

    case SMS_PREFIX_OK:
        return 0;

    case SMS_PREFIX_E_EXISTS:
        (void) sms_prefix_find(&t->tree[c], t->text + r->digits, r->ndigits, &other);
        if (!named && t->rules[other].classes) {
            return 0;
        }
        s->line = r->line;
        return prefix_error(s, "prefix and class %s are in line %u already",
                            prefix_classes[named ? c : 0], t->rules[other].line);

    default:
        s->line = 0;
        return prefix_error(s, "out of memory");
    }
}


/* first the lines that name their classes, then what * still covers */
static int
prefix_index(prefix_parse_t *s)
{
    prefix_table_t  *t = s->table;
    uint32_t         c, i;
    int              named;

    for (named = 1; named >= 0; named--) {
        for (i = 0; i < t->n; i++) {
            if (named != (t->rules[i].classes != 0)) {
                continue;
            }
            for (c = 1; c <= PREFIX_CLASSES; c++) {
                if (named && !(t->rules[i].classes & 1u << c)) {
                    continue;
                }
                if (prefix_add(s, c, i, named) != 0) {
                    return -1;
                }
            }
        }
    }

    return 0;
}


static int
prefix_parse(prefix_parse_t *s)
{
    prefix_table_t  *t = s->table;
    const char      *nl;
    uint32_t         next;

    for (next = 0; next < t->len; next = s->end + 1) {
        s->line++;
        s->at = next;
        nl = memchr(t->text + next, '\n', t->len - next);
        s->end = nl ? (uint32_t) (nl - t->text) : (uint32_t) t->len;

        if (memchr(t->text + next, '\0', s->end - next)) {
            return prefix_error(s, "a zero octet: this is no text");
        }
        if (prefix_parse_line(s) != 0) {
            return -1;
        }
    }

    return prefix_index(s);
}


int
prefix_table_parse(prefix_table_t *t, const char *name, const char *p, size_t n, char *err,
    size_t errcap)
{
    prefix_parse_t  s;

    memset(t, 0, sizeof(*t));
    memset(&s, 0, sizeof(s));
    s.table = t;
    s.name = name;
    s.err = err;
    s.errcap = errcap;

    if (n > PREFIX_FILE_MAX) {
        return prefix_error(&s, "longer than %u bytes", PREFIX_FILE_MAX);
    }

    t->text = malloc(n ? n : 1);
    if (t->text == NULL) {
        return prefix_error(&s, "out of memory");
    }
    if (n) {
        memcpy(t->text, p, n);
    }
    t->len = n;

    if (prefix_parse(&s) != 0) {
        prefix_table_free(t);
        return -1;
    }

    return 0;
}


int
prefix_table_read(prefix_table_t *t, const char *path, size_t npath, char *err, size_t errcap)
{
    char    name[4096], *buf, *more;
    FILE   *f;
    size_t  n, got, cap;
    int     rc;

    memset(t, 0, sizeof(*t));

    if (npath == 0 || npath >= sizeof(name)) {
        snprintf(err, errcap, "table: the path is empty or too long");
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

    rc = prefix_table_parse(t, name, buf, n, err, errcap);

failed:

    free(buf);
    fclose(f);

    return rc;
}


void
prefix_table_free(prefix_table_t *t)
{
    uint32_t  c;

    for (c = 0; c <= PREFIX_CLASSES; c++) {
        sms_prefix_free(&t->tree[c]);
    }
    free(t->rules);
    free(t->text);
    memset(t, 0, sizeof(*t));
}


const prefix_rule_t *
prefix_table_find(const prefix_table_t *t, uint32_t klass, const char *to, size_t n)
{
    uint32_t  i;

    if (klass == 0 || klass > PREFIX_CLASSES
        || sms_prefix_find(&t->tree[klass], to, n, &i) < 0)
    {
        return NULL;
    }

    return &t->rules[i];
}


/* splitmix64: every bit of the seed reaches every bit of each number */
static uint64_t
prefix_random(uint64_t *seed)
{
    uint64_t  z;

    *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = *seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);

    return z ^ z >> 31;
}


uint32_t
prefix_table_order(const prefix_rule_t *rule, const uint8_t id[16],
    uint32_t out[PREFIX_LINKS_MAX])
{
    prefix_link_t  left[PREFIX_LINKS_MAX];
    uint64_t       seed, at, sum;
    uint32_t       begin, end, i, n;

    /* independent of the machine's byte order: workers of a fleet agree */
    for (seed = 0, i = 0; i < 16; i++) {
        seed = (seed ^ id[i]) * UINT64_C(0x100000001b3);
    }

    memcpy(left, rule->links, sizeof(left));
    n = 0;

    for (begin = 0; begin < rule->nlinks; begin = end) {

        for (end = begin, sum = 0;
             end < rule->nlinks && left[end].group == left[begin].group;
             end++)
        {
            sum += left[end].weight;
        }

        for ( /* void */ ; begin < end; begin++) {

            at = end - begin > 1 ? prefix_random(&seed) % sum : 0;
            for (i = begin; at >= left[i].weight; i++) {
                at -= left[i].weight;
            }

            out[n++] = left[i].id;
            sum -= left[i].weight;
            memmove(&left[begin + 1], &left[begin], (i - begin) * sizeof(left[0]));
        }
    }

    return n;
}
