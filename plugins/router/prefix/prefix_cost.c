#include "prefix_cost.h"

#include <stdlib.h>
#include <string.h>


static const char *const  prefix_cost_classes[] = {
    "*", "otp", "informational", "commercial", "exempt"
};


/* "0.0125" in millionths, or PREFIX_COST_UNKNOWN */
static uint32_t
prefix_cost_read(const char *text, prefix_word_t w)
{
    uint64_t  n, unit;
    uint32_t  i, digits, point;

    for (i = 0, n = 0, digits = 0, point = 0, unit = 1000000; i < w.len; i++) {

        if (text[w.at + i] == '.' && !point && digits) {
            point = 1;
            continue;
        }

        if (text[w.at + i] < '0' || text[w.at + i] > '9' || (point && unit == 1)
            || ++digits > 12)
        {
            return PREFIX_COST_UNKNOWN;
        }

        n = n * 10 + (uint64_t) (text[w.at + i] - '0');
        unit = point ? unit / 10 : unit;
    }

    n *= unit;

    return digits == 0 || text[w.at + w.len - 1] == '.' || n > PREFIX_COST_MAX
           ? PREFIX_COST_UNKNOWN : (uint32_t) n;
}


static prefix_cost_link_t *
prefix_cost_link(prefix_cost_t *c, uint32_t id)
{
    prefix_cost_link_t  *links;
    uint32_t             i;

    for (i = 0; i < c->n; i++) {
        if (c->links[i].id == id) {
            return &c->links[i];
        }
    }

    links = realloc(c->links, (c->n + 1) * sizeof(prefix_cost_link_t));
    if (links == NULL) {
        return NULL;
    }

    c->links = links;
    memset(&links[c->n], 0, sizeof(prefix_cost_link_t));
    links[c->n].id = id;

    return &links[c->n++];
}


static int
prefix_cost_line(prefix_cost_t *c, prefix_text_t *t, prefix_cost_link_pt link,
    const void *data)
{
    prefix_cost_link_t  *l;
    prefix_word_t        name, prefix, klass, cost;
    uint32_t             id, value, k;

    name = prefix_text_word(t);
    prefix = prefix_text_word(t);
    klass = prefix_text_word(t);
    cost = prefix_text_word(t);

    if (cost.len == 0 || prefix_text_word(t).len) {
        return prefix_text_error(t, "a line is LINK PREFIX CLASS COST");
    }

    id = link(data, t->text + name.at, name.len);
    if (id == 0) {
        return prefix_text_error(t, "link \"%.*s\" is not configured",
                                 prefix_text_shown(t->text, name), t->text + name.at);
    }

    for (k = 0; k < 5 && !prefix_text_is(t->text, klass, prefix_cost_classes[k]); k++) {
        /* to its number */
    }
    if (k == 5) {
        return prefix_text_error(t, "class \"%.*s\" is none of otp, informational, "
                                 "commercial, exempt, *", prefix_text_shown(t->text, klass),
                                 t->text + klass.at);
    }

    value = prefix_cost_read(t->text, cost);
    if (value == PREFIX_COST_UNKNOWN) {
        return prefix_text_error(t, "cost \"%.*s\" is no number from 0 to 1000 with at most "
                                 "six decimals", prefix_text_shown(t->text, cost),
                                 t->text + cost.at);
    }

    if (prefix_text_is(t->text, prefix, "*")) {
        prefix.len = 0;

    } else if (prefix_text_number(t->text, prefix, 15) < 0) {
        return prefix_text_error(t, "prefix \"%.*s\" is neither digits nor *",
                                 prefix_text_shown(t->text, prefix), t->text + prefix.at);
    }

    l = prefix_cost_link(c, id);
    if (l == NULL) {
        return prefix_text_error(t, "out of memory");
    }

    switch (sms_prefix_add(&l->tree[k], t->text + prefix.at, prefix.len, value)) {
    case SMS_PREFIX_OK:
        return 0;
    case SMS_PREFIX_E_EXISTS:
        return prefix_text_error(t, "link, prefix and class are there already");
    default:
        return prefix_text_error(t, "out of memory");
    }
}


int
prefix_cost_parse(prefix_cost_t *c, prefix_text_t *t, prefix_cost_link_pt link,
    const void *data)
{
    int  rc;

    memset(c, 0, sizeof(*c));

    while ((rc = prefix_text_next(t)) == 1) {
        rc = prefix_cost_line(c, t, link, data);
        if (rc != 0) {
            break;
        }
    }

    free(t->text);
    t->text = NULL;

    if (rc != 0) {
        prefix_cost_free(c);
    }

    return rc;
}


uint32_t
prefix_cost_find(const prefix_cost_t *c, uint32_t link, uint32_t klass, const char *to,
    size_t n)
{
    uint32_t  i, named, any;
    int       a, b;

    for (i = 0; i < c->n; i++) {

        if (c->links[i].id != link || klass > 4) {
            continue;
        }

        a = sms_prefix_find(&c->links[i].tree[klass], to, n, &named);
        b = sms_prefix_find(&c->links[i].tree[0], to, n, &any);

        return a < 0 && b < 0 ? PREFIX_COST_UNKNOWN : a >= b ? named : any;
    }

    return PREFIX_COST_UNKNOWN;
}


void
prefix_cost_free(prefix_cost_t *c)
{
    uint32_t  i, k;

    for (i = 0; i < c->n; i++) {
        for (k = 0; k < 5; k++) {
            sms_prefix_free(&c->links[i].tree[k]);
        }
    }
    free(c->links);
    memset(c, 0, sizeof(*c));
}
