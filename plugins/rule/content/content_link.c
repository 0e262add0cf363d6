#include "content_link.h"

#include <string.h>


#define CONTENT_NAME_MAX      253       /* of a host, RFC 1035                    */

typedef struct { const char *name; size_t len; }  content_name_t;

#define CONTENT_TOP(name)
#define CONTENT_SHORT(name)
#define CONTENT_GUARDED(name)

static const content_name_t  content_tops[] = {
#undef CONTENT_TOP
#define CONTENT_TOP(name)  { name, sizeof(name) - 1 },
#include "content_link.def"
#undef CONTENT_TOP
#define CONTENT_TOP(name)
};

static const content_name_t  content_shorts[] = {
#undef CONTENT_SHORT
#define CONTENT_SHORT(name)  { name, sizeof(name) - 1 },
#include "content_link.def"
#undef CONTENT_SHORT
#define CONTENT_SHORT(name)
};

static const content_name_t  content_guardeds[] = {
#undef CONTENT_GUARDED
#define CONTENT_GUARDED(name)  { name, sizeof(name) - 1 },
#include "content_link.def"
};

#undef CONTENT_TOP
#undef CONTENT_SHORT
#undef CONTENT_GUARDED

#define CONTENT_N(list)  (sizeof(list) / sizeof((list)[0]))


static int
content_name_in(const content_name_t *list, size_t count, const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (list[i].len == n && memcmp(list[i].name, p, n) == 0) {
            return 1;
        }
    }

    return 0;
}


/* 1: it is one of the names, or below one */
static int
content_name_under(const content_name_t *list, size_t count, const char *p, size_t n)
{
    size_t  i, len;

    for (i = 0; i < count; i++) {
        len = list[i].len;
        if (n >= len && memcmp(list[i].name, p + n - len, len) == 0
            && (n == len || p[n - len - 1] == '.'))
        {
            return 1;
        }
    }

    return 0;
}


static int
content_host_octet(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}


static int
content_letters(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n && p[i] >= 'A' && p[i] <= 'Z'; i++) {
        /* letters */
    }

    return n && i == n;
}


/* octets of a scheme with "://" that end at "at"; 0: there is none */
static uint32_t
content_scheme(const content_text_t *t, uint32_t at)
{
    if (at >= 8 && memcmp(t->folded + at - 8, "HTTPS://", 8) == 0) {
        return 8;
    }

    return at >= 7 && memcmp(t->folded + at - 7, "HTTP://", 7) == 0 ? 7 : 0;
}


/* a run of names and dots around a dot, without those at its ends */
static void
content_run(const content_text_t *t, uint32_t dot, uint32_t from, uint32_t *begin, uint32_t *end)
{
    uint32_t  b, e;

    for (b = dot; b > from && (content_host_octet(t->folded[b - 1]) || t->folded[b - 1] == '.');
         b--)
    {
        /* to the left */
    }
    for (e = dot; e < t->n && (content_host_octet(t->folded[e]) || t->folded[e] == '.'); e++) {
        /* to the right */
    }
    while (b < dot && !content_host_octet(t->folded[b])) {
        b++;
    }
    while (e > dot + 1 && !content_host_octet(t->folded[e - 1])) {
        e--;
    }

    *begin = b;
    *end = e;
}


static int
content_is_link(const content_text_t *t, content_link_t *link, uint32_t scheme)
{
    const char  *p = t->folded + link->host;
    size_t       n = link->nhost, dot;
    uint32_t     end = link->host + link->nhost;

    for (dot = n; dot && p[dot - 1] != '.'; dot--) {
        /* to what is behind the last dot */
    }
    if (dot < 2 || p[dot - 2] == '.' || n > CONTENT_NAME_MAX) {
        return 0;
    }

    link->bare = !scheme && !(n > 4 && memcmp(p, "WWW.", 4) == 0);
    link->numeric = p[dot] >= '0' && p[dot] <= '9';
    if (!link->bare) {
        return 1;
    }
    if (link->numeric) {
        return 0;
    }

    return content_name_in(content_tops, CONTENT_N(content_tops), p + dot, n - dot)
           || (end + 1 < t->n && t->folded[end] == '/' && content_host_octet(t->folded[end + 1])
               && n - dot >= 2 && content_letters(p + dot, n - dot));
}


int
content_link_next(const content_text_t *t, uint32_t *from, content_link_t *link)
{
    const char  *dot;
    uint32_t     at, begin, end, scheme;

    if (!t->has_dot) {
        return 0;
    }

    for (at = *from; at < t->n; at = end > at ? end : at + 1) {
        dot = memchr(t->folded + at, '.', t->n - at);
        if (dot == NULL) {
            break;
        }
        end = (uint32_t) (dot - t->folded) + 1;
        if (end < 2 || end >= t->n || !content_host_octet(dot[-1]) || !content_host_octet(dot[1])) {
            continue;
        }

        content_run(t, end - 1, *from, &begin, &end);
        memset(link, 0, sizeof(*link));
        scheme = content_scheme(t, begin);

        if (end + 1 < t->n && t->folded[end] == '@' && scheme) {
            /* what stands before the @ is shown to people, the host comes behind */
            link->userinfo = 1;
            link->begin = begin - scheme;
            for (begin = end = end + 1; end < t->n
                 && (content_host_octet(t->folded[end]) || t->folded[end] == '.'); end++)
            {
                /* the host */
            }

        } else if ((begin && t->folded[begin - 1] == '@')
                   || (end < t->n && t->folded[end] == '@'))
        {
            /* an e-mail address: neither side is a link */
            for ( ; end < t->n && (t->folded[end] == '@' || content_host_octet(t->folded[end])
                                   || t->folded[end] == '.'); end++)
            {
                /* to its end */
            }
            continue;

        } else {
            link->begin = begin - scheme;
        }

        link->host = begin;
        link->nhost = end - begin;
        link->end = end;
        if (!content_is_link(t, link, scheme)) {
            continue;
        }

        /* its path is part of it, whatever it looks like */
        while (end < t->n && (unsigned char) t->folded[end] > ' ') {
            end++;
        }
        *from = end;
        return 1;
    }

    *from = (uint32_t) t->n;

    return 0;
}


int
content_link_short(const char *host, size_t n)
{
    if (n > 4 && memcmp(host, "WWW.", 4) == 0) {
        host += 4;
        n -= 4;
    }

    return content_name_in(content_shorts, CONTENT_N(content_shorts), host, n);
}


int
content_link_guarded(const char *host, size_t n)
{
    static const content_name_t  state[] = { { "GOV.TR", 6 } };

    char    plain[CONTENT_NAME_MAX];
    size_t  i, k, len;

    if (n > sizeof(plain) || content_name_under(state, 1, host, n)) {
        return 0;
    }

    for (i = 0, len = 0; i < n; i++) {
        if (host[i] != '-' && host[i] != '.' && host[i] != '_') {
            plain[len++] = host[i] == '0' ? 'O' : host[i] == '1' ? 'I' : host[i];
        }
    }

    for (i = 0; i < CONTENT_N(content_guardeds); i++) {
        for (k = 0; k + content_guardeds[i].len <= len; k++) {
            if (memcmp(plain + k, content_guardeds[i].name, content_guardeds[i].len) == 0) {
                return 1;
            }
        }
    }

    return 0;
}
