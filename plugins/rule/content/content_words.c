#include "content_words.h"

#include <stdlib.h>
#include <string.h>

#define CONTENT_LETTERS  36             /* A-Z, 0-9                               */
#define CONTENT_NEXT     36             /* the word ends here, another follows    */
#define CONTENT_REST     37             /* the rest of the word is skipped        */
#define CONTENT_DEPTH    4              /* stars inside one phrase                */
#define CONTENT_PIECES   16             /* pieces that one phrase was torn into   */

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


/* figures that stand for letters: 0 O, 1 I, 3 E, 4 A, 5 S, 7 T, 8 B */
static unsigned
content_figure(unsigned symbol)
{
    static const char  letters[] = "OI.EAS.TB.";

    return symbol >= 26 && letters[symbol - 26] != '.'
           ? (unsigned) (letters[symbol - 26] - 'A') : CONTENT_LETTERS;
}


/* Is the next word the rest of this one?  ba.his, B-A-H-I-S, and b a h i s, where
 * every piece is one letter.                                                    */
static int
content_torn(const content_text_t *t, uint32_t word)
{
    const content_word_t  *a = &t->words[word], *b = a + 1;
    char                   c;

    if (word + 1 >= t->nwords || b->begin != a->end + 1) {
        return 0;
    }

    c = t->folded[a->end];

    return c == '.' || c == '-' || c == '*' || c == '_'
           || (c == ' ' && a->end - a->begin == 1 && b->end - b->begin == 1);
}


static void
content_walk(content_walk_t *k, uint32_t at, uint32_t word, unsigned depth, unsigned pieces)
{
    const content_text_t  *t = k->text;
    const content_node_t  *node;
    unsigned               symbol, figure;
    uint32_t               p, end;

    p = t->words[word].begin;
    end = t->words[word].end;

    for ( ;; ) {
        node = &k->words->nodes[at];

        if (node->stem) {
            content_found(k, node->stem, end);
        }

        if (node->child[CONTENT_REST] && word + 1 < t->nwords && depth < CONTENT_DEPTH) {
            content_walk(k, node->child[CONTENT_REST], word + 1, depth + 1, pieces);
        }

        if (p < end) {
            symbol = content_symbol(t->folded[p++]);
            at = node->child[symbol];
            if (at == 0 && p - 1 > t->words[word].begin
                && (figure = content_figure(symbol)) < CONTENT_LETTERS)
            {
                at = node->child[figure];
            }

        } else {
            if (node->whole) {
                content_found(k, node->whole, end);
            }
            if (word + 1 == t->nwords) {
                return;
            }
            if (pieces < CONTENT_PIECES && content_torn(t, word)) {
                content_walk(k, at, word + 1, depth, pieces + 1);
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
    uint32_t        i, fresh, taken;

    hits->set = 0;
    taken = 0;
    k.words = w;
    k.text = t;

    for (i = 0; i < t->nwords; i++) {
        k.mask = 0;
        content_walk(&k, 0, i, 0, 0);
        if (k.mask == 0) {
            continue;
        }

        if (k.mask & 1u << CONTENT_EXCEPT) {
            if (k.end[CONTENT_EXCEPT] > taken) {
                taken = k.end[CONTENT_EXCEPT];
            }
            continue;
        }
        if (t->words[i].begin < taken) {
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
