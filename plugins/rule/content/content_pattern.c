#define PCRE2_CODE_UNIT_WIDTH 8

#include "content_pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>


#define CONTENT_MATCH_LIMIT  20000
#define CONTENT_DEPTH_LIMIT  500
#define CONTENT_HEAP_LIMIT   512        /* KiB, without JIT                       */

typedef enum { CONTENT_PHONE, CONTENT_EMAIL, CONTENT_PATTERNS } content_re_t;

struct content_pattern_s {
    pcre2_code           *code[CONTENT_PATTERNS];
    pcre2_match_data     *data;
    pcre2_match_context  *limits;
};

/* all on folded text */
static const char *const  content_patterns[CONTENT_PATTERNS] = {
    ("(?<![0-9])(?:(?:\\+|00)90[ .()/-]{0,2}|\\(?0[ .()/-]{0,2})"
    "[2-58][0-9]{2}[ .()/-]{0,2}[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{2}(?![0-9])"
    "|(?<![0-9])444(?:[ .-]?[0-9]){4}(?![0-9])"
    "|(?<![0-9])\\+(?!90)[1-9](?:[ .()-]?[0-9]){7,14}(?![0-9])"),

    "[A-Z0-9][A-Z0-9._%+-]{0,63}@(?:[A-Z0-9-]{1,63}\\.){1,8}[A-Z]{2,24}(?![A-Z0-9])"
};


content_pattern_t *
content_pattern_new(void)
{
    content_pattern_t  *p;
    size_t              where;
    int                 i, error;

    p = calloc(1, sizeof(content_pattern_t));
    if (p == NULL) {
        return NULL;
    }

    p->data = pcre2_match_data_create(4, NULL);
    p->limits = pcre2_match_context_create(NULL);
    if (p->data == NULL || p->limits == NULL) {
        goto failed;
    }
    pcre2_set_match_limit(p->limits, CONTENT_MATCH_LIMIT);
    pcre2_set_depth_limit(p->limits, CONTENT_DEPTH_LIMIT);
    pcre2_set_heap_limit(p->limits, CONTENT_HEAP_LIMIT);

    for (i = 0; i < CONTENT_PATTERNS; i++) {
        p->code[i] = pcre2_compile((PCRE2_SPTR) content_patterns[i], PCRE2_ZERO_TERMINATED,
                                   PCRE2_DOTALL, &error, &where, NULL);
        if (p->code[i] == NULL) {
            goto failed;
        }
        /* where the system forbids it, the interpreter does the same */
        (void) pcre2_jit_compile(p->code[i], PCRE2_JIT_COMPLETE);
    }

    return p;

failed:

    content_pattern_free(p);

    return NULL;
}


void
content_pattern_free(content_pattern_t *p)
{
    int  i;

    for (i = 0; i < CONTENT_PATTERNS; i++) {
        pcre2_code_free(p->code[i]);
    }
    pcre2_match_data_free(p->data);
    pcre2_match_context_free(p->limits);
    free(p);
}


/* 1 and the offsets of the match and its groups, from p->data */
static int
content_match(content_pattern_t *p, content_re_t re, const content_text_t *t, uint32_t from,
    content_span_t *at)
{
    const PCRE2_SIZE  *v;

    if (pcre2_match(p->code[re], (PCRE2_SPTR) t->folded, t->n, from, 0, p->data, p->limits)
        <= 0)
    {
        return 0;
    }

    v = pcre2_get_ovector_pointer(p->data);
    at->begin = (uint32_t) v[0];
    at->end = (uint32_t) v[1];

    return 1;
}


int
content_pattern_phone(content_pattern_t *p, const content_text_t *t,
    const content_span_t *not, uint32_t nnot, content_span_t *at)
{
    uint32_t  from, i;

    if (!content_text_has_digits(t, 7)) {
        return 0;
    }

    for (from = 0; content_match(p, CONTENT_PHONE, t, from, at); from = at->begin + 1) {
        for (i = 0; i < nnot; i++) {
            if (at->begin < not[i].end && not[i].begin < at->end) {
                break;
            }
        }
        if (i == nnot) {
            return 1;
        }
    }

    return 0;
}


int
content_pattern_email(content_pattern_t *p, const content_text_t *t, content_span_t *at)
{
    return t->has_at && t->has_dot && content_match(p, CONTENT_EMAIL, t, 0, at);
}
