#include "prefix_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef struct {
    prefix_table_t          *table;
    const prefix_network_t  *nets;
    prefix_text_t           *text;
} prefix_parse_t;

static const char *const  prefix_classes[PREFIX_CLASSES + 1] = {
    "*", "otp", "informational", "commercial", "exempt"
};

static const char *const  prefix_conditions[PREFIX_CONDITIONS] = {
    "country=", "network=", "sender=", "account="
};


static int
prefix_parse_prefix(prefix_parse_t *s, prefix_rule_t *r, prefix_word_t w)
{
    const char  *p = s->text->text + w.at;
    uint32_t     i;

    r->digits = w.at;

    if (prefix_text_is(s->text->text, w, "*")) {
        return 0;
    }

    for (i = 0; i < w.len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return prefix_text_error(s->text, "prefix \"%.*s\" is neither digits nor *",
                                prefix_text_shown(s->text->text, w), p);
        }
    }

    if (w.len > 15) {
        return prefix_text_error(s->text, "prefix of %u digits: a number has at most 15", w.len);
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

    if (prefix_text_is(s->text->text, w, "*")) {
        return 0;
    }

    for (more = 1; prefix_text_item(s->text->text, &w, &item, &more); /* void */ ) {

        for (c = 1; c <= PREFIX_CLASSES; c++) {
            if (prefix_text_is(s->text->text, item, prefix_classes[c])) {
                break;
            }
        }

        if (c > PREFIX_CLASSES) {
            return prefix_text_error(s->text, "class \"%.*s\" is none of otp, informational, "
                                "commercial, exempt, *", prefix_text_shown(s->text->text, item),
                                s->text->text + item.at);
        }
        if (r->classes & 1u << c) {
            return prefix_text_error(s->text, "class %s is there twice", prefix_classes[c]);
        }
        r->classes |= 1u << c;
    }

    return 0;
}


static int
prefix_parse_link(prefix_parse_t *s, prefix_rule_t *r, prefix_word_t w, uint32_t group)
{
    const char     *p = s->text->text, *colon;
    prefix_link_t  *l;
    uint32_t        i;

    if (r->nlinks == PREFIX_LINKS_MAX) {
        return prefix_text_error(s->text, "more than %d links", PREFIX_LINKS_MAX);
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
            return prefix_text_error(s->text, "weight of \"%.*s\" is no number from 1 to %d",
                                prefix_text_shown(s->text->text, w), p + w.at, PREFIX_WEIGHT_MAX);
        }
    }

    if (l->len == 0) {
        return prefix_text_error(s->text, "the name of a link is missing");
    }

    for (i = 0; i < r->nlinks; i++) {
        if (r->links[i].len == l->len
            && memcmp(p + r->links[i].name, p + l->name, l->len) == 0)
        {
            return prefix_text_error(s->text, "link \"%.*s\" is there twice",
                                prefix_text_shown(s->text->text, w), p + l->name);
        }
    }
    r->nlinks++;

    return 0;
}


/* 1: "w" is a condition, and was taken; 0: it is a group; -1 */
static int
prefix_parse_condition(prefix_parse_t *s, prefix_rule_t *r, prefix_word_t w)
{
    const char  *p = s->text->text + w.at;
    uint32_t     k, len;

    if (memchr(p, '=', w.len) == NULL) {
        return 0;
    }

    for (k = 0; k < PREFIX_CONDITIONS; k++) {

        len = (uint32_t) strlen(prefix_conditions[k]);
        if (w.len < len || memcmp(p, prefix_conditions[k], len) != 0) {
            continue;
        }

        if (r->only[k].len) {
            return prefix_text_error(s->text, "%.*s is there twice", (int) len - 1, p);
        }

        r->only[k].at = w.at + len;
        r->only[k].len = w.len - len;
        if (r->only[k].len == 0) {
            return prefix_text_error(s->text, "%.*s has no value", (int) len - 1, p);
        }

        return 1;
    }

    return prefix_text_error(s->text, "\"%.*s\" is none of account=, sender=, network=, "
                             "country=", prefix_text_shown(s->text->text, w), p);
}


static int
prefix_parse_groups(prefix_parse_t *s, prefix_rule_t *r)
{
    prefix_word_t  w, item;
    uint32_t       group;
    int            more, rc;

    for (group = 0; (w = prefix_text_word(s->text)).len; /* void */ ) {

        rc = group ? 0 : prefix_parse_condition(s, r, w);
        if (rc < 0) {
            return -1;
        }
        if (rc == 1) {
            continue;
        }

        for (more = 1; prefix_text_item(s->text->text, &w, &item, &more); /* void */ ) {
            if (prefix_parse_link(s, r, item, group) != 0) {
                return -1;
            }
        }
        group++;
    }

    return group ? 0 : prefix_text_error(s->text, "no link (PREFIX CLASS GROUP ...)");
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

    w = prefix_text_word(s->text);

    r = prefix_rule(s->table);
    if (r == NULL) {
        return prefix_text_error(s->text, "out of memory");
    }
    r->line = s->text->line;

    if (prefix_parse_prefix(s, r, w) != 0) {
        return -1;
    }

    w = prefix_text_word(s->text);
    if (w.len == 0) {
        return prefix_text_error(s->text, "no class (PREFIX CLASS GROUP ...)");
    }

    if (prefix_parse_classes(s, r, w) != 0 || prefix_parse_groups(s, r) != 0) {
        return -1;
    }

    n = snprintf(r->reason, sizeof(r->reason), "prefix=%.*s line=%u",
                 r->ndigits ? (int) r->ndigits : 1,
                 r->ndigits ? s->text->text + r->digits : "*", r->line);
    r->reason_len = (uint32_t) n;

    return 0;
}


static uint64_t
prefix_scope_hash(const prefix_scope_key_t *k)
{
    uint64_t  h;
    size_t    i;

    h = UINT64_C(0xcbf29ce484222325) ^ k->mask;
    h = (h ^ k->account) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 29 ^ k->network) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (uint32_t) (unsigned char) k->country[0] << 8 ^ (unsigned char) k->country[1])
        * UINT64_C(0x100000001b3);
    for (i = 0; i < k->nsender; i++) {
        h = (h ^ (unsigned char) k->sender[i]) * UINT64_C(0x100000001b3);
    }

    return h ^ h >> 32;
}


static int
prefix_sender_same(const prefix_scope_key_t *a, const prefix_scope_key_t *b)
{
    return a->nsender == b->nsender
           && (a->nsender == 0 || memcmp(a->sender, b->sender, a->nsender) == 0);
}


static prefix_scope_t *
prefix_scope_find(const prefix_table_t *t, const prefix_scope_key_t *key)
{
    prefix_scope_t  *s;
    uint32_t         i;

    if (t->nplaces == 0) {
        return NULL;
    }

    for (i = (uint32_t) prefix_scope_hash(key); t->places[i & (t->nplaces - 1)]; i++) {
        s = &t->scopes[t->places[i & (t->nplaces - 1)] - 1];
        if (s->key.mask == key->mask && s->key.account == key->account
            && s->key.network == key->network && s->key.country[0] == key->country[0]
            && s->key.country[1] == key->country[1] && prefix_sender_same(&s->key, key))
        {
            return s;
        }
    }

    return NULL;
}


static int
prefix_scope_grow(prefix_table_t *t)
{
    prefix_scope_t  *scopes;
    uint32_t        *places, cap, i, k;

    cap = t->scopes_cap ? t->scopes_cap * 2 : 8;
    scopes = realloc(t->scopes, cap * sizeof(prefix_scope_t));
    if (scopes == NULL) {
        return -1;
    }
    t->scopes = scopes;

    places = calloc((size_t) cap * 2, sizeof(uint32_t));
    if (places == NULL) {
        return -1;
    }

    free(t->places);
    t->places = places;
    t->nplaces = cap * 2;
    t->scopes_cap = cap;

    for (k = 0; k < t->nscopes; k++) {
        for (i = (uint32_t) prefix_scope_hash(&scopes[k].key);
             places[i & (t->nplaces - 1)];
             i++)
        {
            /* to a free one */
        }
        places[i & (t->nplaces - 1)] = k + 1;
    }

    return 0;
}


/* the scope of a key, made where there is none; NULL without memory */
static prefix_scope_t *
prefix_scope(prefix_table_t *t, const prefix_scope_key_t *key)
{
    prefix_scope_t  *s;
    uint32_t         i;

    s = prefix_scope_find(t, key);
    if (s) {
        return s;
    }

    if (t->nscopes == PREFIX_SCOPES_MAX
        || (t->nscopes == t->scopes_cap && prefix_scope_grow(t) != 0))
    {
        return NULL;
    }

    s = &t->scopes[t->nscopes++];
    memset(s, 0, sizeof(prefix_scope_t));
    s->key = *key;
    t->masks |= 1u << key->mask;

    for (i = (uint32_t) prefix_scope_hash(key); t->places[i & (t->nplaces - 1)]; i++) {
        /* to a free one */
    }
    t->places[i & (t->nplaces - 1)] = t->nscopes;

    return s;
}


static int
prefix_add(prefix_parse_t *s, prefix_scope_t *scope, uint32_t c, uint32_t i, int named)
{
    prefix_table_t  *t = s->table;
    prefix_rule_t   *r = &t->rules[i];
    uint32_t         other;

    switch (sms_prefix_add(&scope->tree[c], t->text + r->digits, r->ndigits, i)) {

    case SMS_PREFIX_OK:
        return 0;

    case SMS_PREFIX_E_EXISTS:
        (void) sms_prefix_find(&scope->tree[c], t->text + r->digits, r->ndigits, &other);
        if (!named && t->rules[other].classes) {
            return 0;
        }
        return prefix_text_error(s->text, "prefix and class %s are in line %u already",
                                 prefix_classes[named ? c : 0], t->rules[other].line);

    default:
        s->text->line = 0;
        return prefix_text_error(s->text, "out of memory");
    }
}


/* one value of a condition into the key; 0 or -1 */
static int
prefix_condition_set(prefix_parse_t *s, prefix_scope_key_t *key, uint32_t k,
    prefix_word_t item)
{
    char     *p = s->table->text + item.at;
    int64_t   n;
    uint32_t  i;

    switch (k) {

    case PREFIX_COUNTRY:
        if (item.len != 2 || p[0] < 'A' || p[0] > 'Z' || p[1] < 'A' || p[1] > 'Z') {
            return prefix_text_error(s->text, "country \"%.*s\" is not of two capitals "
                                     "(ISO 3166-1)", prefix_text_shown(s->table->text, item),
                                     p);
        }
        memcpy(key->country, p, 2);
        return 0;

    case PREFIX_NETWORK:
        key->network = prefix_network_find(s->nets, p, item.len);
        if (key->network == 0) {
            return prefix_text_error(s->text, "network \"%.*s\" is no MCC-MNC, and not in "
                                     "the file of networks",
                                     prefix_text_shown(s->table->text, item), p);
        }
        return 0;

    case PREFIX_SENDER:
        if (item.len == 0) {
            return prefix_text_error(s->text, "the name of a sender is missing");
        }
        for (i = 0; i < item.len; i++) {
            p[i] = p[i] == '_' ? ' ' : p[i];
        }
        key->sender = p;
        key->nsender = item.len;
        return 0;

    default:
        n = prefix_text_number(s->table->text, item, 18);
        if (n < 1) {
            return prefix_text_error(s->text, "account \"%.*s\" is no number",
                                     prefix_text_shown(s->table->text, item), p);
        }
        key->account = (uint64_t) n;
        return 0;
    }
}


/* the rule in the scope of each combination of its conditions' values */
static int
prefix_index_rule(prefix_parse_t *s, uint32_t i, prefix_scope_key_t *key, uint32_t k,
    int named)
{
    prefix_rule_t   *r = &s->table->rules[i];
    prefix_scope_t  *scope;
    prefix_word_t    w, item;
    uint32_t         c;
    int              more;

    while (k < PREFIX_CONDITIONS && r->only[k].len == 0) {
        k++;
    }

    if (k < PREFIX_CONDITIONS) {

        w = r->only[k];
        key->mask |= 1u << k;

        for (more = 1; prefix_text_item(s->table->text, &w, &item, &more); /* void */ ) {
            if (prefix_condition_set(s, key, k, item) != 0
                || prefix_index_rule(s, i, key, k + 1, named) != 0)
            {
                return -1;
            }
        }

        return 0;
    }

    scope = prefix_scope(s->table, key);
    if (scope == NULL) {
        return prefix_text_error(s->text, "out of memory, or more than %d combinations",
                                 PREFIX_SCOPES_MAX);
    }

    for (c = 1; c <= PREFIX_CLASSES; c++) {
        if ((!named || r->classes & 1u << c) && prefix_add(s, scope, c, i, named) != 0) {
            return -1;
        }
    }

    return 0;
}


/* first the lines that name their classes, then what * still covers */
static int
prefix_index(prefix_parse_t *s)
{
    prefix_scope_key_t  key;
    prefix_table_t     *t = s->table;
    uint32_t            i;
    int                 named;

    for (named = 1; named >= 0; named--) {
        for (i = 0; i < t->n; i++) {
            if (named != (t->rules[i].classes != 0)) {
                continue;
            }

            memset(&key, 0, sizeof(key));
            s->text->line = t->rules[i].line;
            if (prefix_index_rule(s, i, &key, 0, named) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


static int
prefix_table_take(prefix_table_t *t, const prefix_network_t *nets, prefix_text_t *text)
{
    prefix_parse_t  s;
    int             rc;

    s.table = t;
    s.nets = nets;
    s.text = text;
    t->text = text->text;

    while ((rc = prefix_text_next(text)) == 1) {
        rc = prefix_parse_line(&s);
        if (rc != 0) {
            break;
        }
    }

    if (rc != 0 || prefix_index(&s) != 0) {
        prefix_table_free(t);
        return -1;
    }

    return 0;
}


int
prefix_table_parse(prefix_table_t *t, const prefix_network_t *nets, const char *name,
    const char *p, size_t n, char *err, size_t errcap)
{
    prefix_text_t  text;

    memset(t, 0, sizeof(*t));

    return prefix_text_open(&text, name, p, n, err, errcap) == 0
           ? prefix_table_take(t, nets, &text) : -1;
}


int
prefix_table_read(prefix_table_t *t, const prefix_network_t *nets, const char *path,
    size_t npath, char *err, size_t errcap)
{
    prefix_text_t  text;
    char           name[4096];

    memset(t, 0, sizeof(*t));

    return prefix_text_read(&text, path, npath, name, err, errcap) == 0
           ? prefix_table_take(t, nets, &text) : -1;
}


void
prefix_table_free(prefix_table_t *t)
{
    uint32_t  i, c;

    for (i = 0; i < t->nscopes; i++) {
        for (c = 0; c <= PREFIX_CLASSES; c++) {
            sms_prefix_free(&t->scopes[i].tree[c]);
        }
    }
    free(t->scopes);
    free(t->places);
    free(t->rules);
    free(t->text);
    memset(t, 0, sizeof(*t));
}


/* the strongest condition first, and the longest prefix within it */
const prefix_rule_t *
prefix_table_find(const prefix_table_t *t, const prefix_what_t *what)
{
    const prefix_scope_t  *scope;
    prefix_scope_key_t     key;
    uint32_t               mask, i;

    if (what->klass == 0 || what->klass > PREFIX_CLASSES) {
        return NULL;
    }

    for (mask = 1u << PREFIX_CONDITIONS; mask-- > 0; /* void */ ) {

        if (!(t->masks & 1u << mask)) {
            continue;
        }

        memset(&key, 0, sizeof(key));
        key.mask = mask;
        if (mask & 1u << PREFIX_ACCOUNT) {
            key.account = what->account;
        }
        if (mask & 1u << PREFIX_SENDER) {
            key.sender = what->sender;
            key.nsender = what->nsender;
        }
        if (mask & 1u << PREFIX_NETWORK) {
            key.network = what->network;
        }
        if (mask & 1u << PREFIX_COUNTRY) {
            memcpy(key.country, what->country, 2);
        }

        scope = prefix_scope_find(t, &key);
        if (scope && sms_prefix_find(&scope->tree[what->klass], what->to, what->nto, &i) >= 0)
        {
            return &t->rules[i];
        }
    }

    return NULL;
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


static int
prefix_may(const prefix_choice_t *choice, uint32_t link)
{
    uint32_t  i;

    for (i = 0; choice->eligible && i < choice->neligible; i++) {
        if (choice->eligible[i] == link) {
            return 1;
        }
    }

    return choice->eligible == NULL;
}


/* shares go down as costs go up; a link whose cost is not known has a small one */
static void
prefix_weigh(prefix_link_t *left, const uint32_t *cost, uint32_t n)
{
    uint64_t  least, w;
    uint32_t  i;

    for (i = 0, least = PREFIX_COST_UNKNOWN; i < n; i++) {
        least = cost[i] < least ? cost[i] : least;
    }

    if (least == PREFIX_COST_UNKNOWN) {
        return;
    }

    for (i = 0; i < n; i++) {
        w = cost[i] == PREFIX_COST_UNKNOWN ? left[i].weight
            : (uint64_t) left[i].weight * 1000 * (least + 1) / ((uint64_t) cost[i] + 1);
        left[i].weight = w ? (uint32_t) w : 1;
    }
}


uint32_t
prefix_table_order(const prefix_rule_t *rule, const uint8_t id[16],
    const prefix_what_t *what, const prefix_choice_t *choice,
    uint32_t out[PREFIX_LINKS_MAX])
{
    prefix_link_t  left[PREFIX_LINKS_MAX];
    uint64_t       seed, at, sum;
    uint32_t       cost[PREFIX_LINKS_MAX], begin, end, i, n, nleft, k, c;

    /* independent of the machine's byte order: workers of a fleet agree */
    for (seed = 0, i = 0; i < 16; i++) {
        seed = (seed ^ id[i]) * UINT64_C(0x100000001b3);
    }

    for (i = 0, nleft = 0; i < rule->nlinks; i++) {
        if (prefix_may(choice, rule->links[i].id)) {
            left[nleft] = rule->links[i];
            cost[nleft++] = choice->prefer == PREFIX_BY_WEIGHT ? PREFIX_COST_UNKNOWN
                            : prefix_cost_find(choice->costs, rule->links[i].id, what->klass,
                                               what->to, what->nto);
        }
    }

    n = 0;

    for (begin = 0; begin < nleft; begin = end) {

        for (end = begin; end < nleft && left[end].group == left[begin].group; end++) {
            /* to the end of the group */
        }

        if (choice->prefer == PREFIX_BY_COST) {
            prefix_weigh(&left[begin], &cost[begin], end - begin);
        }

        for (k = begin, sum = 0; k < end; k++) {
            sum += left[k].weight;
        }

        for (k = begin; k < end; k++) {

            at = end - k > 1 ? prefix_random(&seed) % sum : 0;
            for (i = k; at >= left[i].weight; i++) {
                at -= left[i].weight;
            }

            sum -= left[i].weight;
            c = cost[i];
            out[n] = left[i].id;
            memmove(&left[k + 1], &left[k], (i - k) * sizeof(left[0]));
            memmove(&cost[k + 1], &cost[k], (i - k) * sizeof(cost[0]));
            cost[k] = c;
            n++;
        }

        /* in the order of costs; what costs the same stays as it was drawn */
        for (k = begin + 1; choice->prefer == PREFIX_CHEAPEST && k < end; k++) {
            for (i = k; i > begin && cost[i - 1] > cost[i]; i--) {
                c = cost[i], cost[i] = cost[i - 1], cost[i - 1] = c;
                c = out[i], out[i] = out[i - 1], out[i - 1] = c;
            }
        }
    }

    return n;
}
