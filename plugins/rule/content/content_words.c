#include "content_words.h"

#include <stdlib.h>
#include <string.h>

#define CONTENT_LETTERS  36             /* A-Z, 0-9                               */
#define CONTENT_NEXT     36             /* the word ends here, another follows    */
#define CONTENT_REST     37             /* the rest of the word is skipped        */
#define CONTENT_DEPTH    4              /* stars inside one phrase                */

struct content_node_s {
    uint16_t  child[38];                /* 0: none                                */
    uint32_t  stem, whole;              /* groups: here, or if the word ends here */
};

typedef struct {
    const content_words_t  *words;
    const content_text_t   *text;
    uint32_t                mask;       /* groups found                           */
    uint32_t                end[CONTENT_GROUPS];
} content_walk_t;

static const struct { content_group_t group; const char *phrases; }  content_lists[] = {
#define CONTENT_WORDS(group, phrases)  { CONTENT_##group, phrases },
#include "content_words.def"
#undef CONTENT_WORDS
};


static unsigned
content_symbol(char c)
{
    return c >= 'A' ? (unsigned) (c - 'A') : (unsigned) (c - '0' + 26);
}


/* index of the child, made if need be; 0 without memory */
static uint32_t
content_child(content_words_t *w, uint32_t at, unsigned symbol)
{
    content_node_t  *nodes;
    uint32_t         cap;

    if (w->nodes[at].child[symbol]) {
        return w->nodes[at].child[symbol];
    }

    if (w->n == w->cap) {
        cap = w->cap * 2;
        if (cap > UINT16_MAX) {
            return 0;
        }
        nodes = realloc(w->nodes, cap * sizeof(content_node_t));
        if (nodes == NULL) {
            return 0;
        }
        w->nodes = nodes;
        w->cap = cap;
    }

    memset(&w->nodes[w->n], 0, sizeof(content_node_t));
    w->nodes[at].child[symbol] = (uint16_t) w->n;

    return w->n++;
}


static int
content_phrase(content_words_t *w, uint32_t bit, const char *p, size_t n)
{
    unsigned  symbol;
    uint32_t  at;
    size_t    i;

    for (at = 0, i = 0; i < n; i++) {

        if (p[i] == '*' && i + 1 == n) {
            w->nodes[at].stem |= bit;
            return 0;
        }

        if (p[i] == '*' && p[i + 1] == ' ') {
            symbol = CONTENT_REST;
            i++;

        } else if (p[i] == ' ') {
            symbol = CONTENT_NEXT;

        } else if ((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9')) {
            symbol = content_symbol(p[i]);

        } else {
            return -1;
        }

        at = content_child(w, at, symbol);
        if (at == 0) {
            return -1;
        }
    }
    w->nodes[at].whole |= bit;

    return 0;
}


int
content_words_add(content_words_t *w, content_group_t group, const char *phrases)
{
    size_t  n;

    for ( ;; ) {
        n = strcspn(phrases, "|");
        if (n == 0 || content_phrase(w, 1u << group, phrases, n) != 0) {
            return -1;
        }
        if (phrases[n] == '\0') {
            return 0;
        }
        phrases += n + 1;
    }
}


int
content_words_init(content_words_t *w)
{
    size_t  i;

    memset(w, 0, sizeof(*w));
    w->cap = 4096;
    w->nodes = malloc(w->cap * sizeof(content_node_t));
    if (w->nodes == NULL) {
        return -1;
    }
    memset(&w->nodes[0], 0, sizeof(content_node_t));
    w->n = 1;

    for (i = 0; i < sizeof(content_lists) / sizeof(content_lists[0]); i++) {
        if (content_words_add(w, content_lists[i].group, content_lists[i].phrases) != 0) {
            content_words_free(w);
            return -1;
        }
    }

    return 0;
}


void
content_words_free(content_words_t *w)
{
    free(w->nodes);
    memset(w, 0, sizeof(*w));
}


static void
content_found(content_walk_t *k, uint32_t groups, uint32_t end)
{
    unsigned  g;

    for (g = 0; g < CONTENT_GROUPS; g++) {
        if (groups & 1u << g) {
            k->end[g] = end;
        }
    }
    k->mask |= groups;
}


static void
content_walk(content_walk_t *k, uint32_t at, uint32_t word, unsigned depth)
{
    const content_text_t  *t = k->text;
    const content_node_t  *node;
    uint32_t               p, end;

    p = t->words[word].begin;
    end = t->words[word].end;

    for ( ;; ) {
        node = &k->words->nodes[at];

        if (node->stem) {
            content_found(k, node->stem, end);
        }

        if (node->child[CONTENT_REST] && word + 1 < t->nwords && depth < CONTENT_DEPTH) {
            content_walk(k, node->child[CONTENT_REST], word + 1, depth + 1);
        }

        if (p < end) {
            at = node->child[content_symbol(t->folded[p++])];

        } else {
            if (node->whole) {
                content_found(k, node->whole, end);
            }
            if (word + 1 == t->nwords) {
                return;
            }
            at = node->child[CONTENT_NEXT];
            word++;
            p = t->words[word].begin;
            end = t->words[word].end;
        }

        if (at == 0) {
            return;
        }
    }
}


void
content_words_find(const content_words_t *w, const content_text_t *t, content_hits_t *hits)
{
    content_walk_t  k;
    unsigned        g;
    uint32_t        i, fresh;

    hits->set = 0;
    k.words = w;
    k.text = t;

    for (i = 0; i < t->nwords; i++) {
        k.mask = 0;
        content_walk(&k, 0, i, 0);
        if (k.mask == 0 || k.mask & 1u << CONTENT_EXCEPT) {
            continue;
        }

        fresh = k.mask & ~hits->set;
        for (g = 0; fresh; g++, fresh >>= 1) {
            if (fresh & 1) {
                hits->begin[g] = t->words[i].begin;
                hits->end[g] = k.end[g];
            }
        }
        hits->set |= k.mask;
    }
}
