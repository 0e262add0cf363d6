/*
 * fakehost_memory.c - memory, copies and lists of the fake host itself.
 *
 * None of it may fail: a test that runs out of memory has nothing to say about
 * the plugin.
 */
#define _GNU_SOURCE
#include "fakehost_impl.h"


void *
fakehost_grab(size_t n)
{
    void  *p;

    p = calloc(1, n ? n : 1);
    if (p == NULL) {
        fputs("fakehost: out of memory\n", stderr);
        abort();
    }

    return p;
}


char *
fakehost_copy(const char *p, size_t n)
{
    char  *c;

    c = fakehost_grab(n + 1);
    if (n) {
        memcpy(c, p, n);
    }

    return c;
}


char *
fakehost_text(const char *fmt, ...)
{
    va_list  args;
    char    *c;

    va_start(args, fmt);
    if (vasprintf(&c, fmt, args) < 0) {
        fputs("fakehost: out of memory\n", stderr);
        abort();
    }
    va_end(args);

    return c;
}


void
fakehost_push(fakehost_list_t *l, void *p)
{
    void    **at;
    size_t    cap;

    if (l->n == l->cap) {
        cap = l->cap ? l->cap * 2 : 8;
        at = fakehost_grab(cap * sizeof(void *));
        if (l->n) {
            memcpy(at, l->at, l->n * sizeof(void *));
        }
        free(l->at);
        l->at = at;
        l->cap = cap;
    }

    l->at[l->n++] = p;
}


void
fakehost_list_free(fakehost_list_t *l)
{
    size_t  i;

    for (i = 0; i < l->n; i++) {
        free(l->at[i]);
    }
    free(l->at);
    memset(l, 0, sizeof(*l));
}
