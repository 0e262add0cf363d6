#include "prepaid_prices.h"

#include <stdlib.h>
#include <string.h>

#define PREPAID_NONE  UINT32_MAX


static uint32_t
prepaid_prices_hash(uint32_t tariff, uint8_t klass, uint64_t prefix)
{
    uint64_t  h;

    h = prefix * UINT64_C(0x9e3779b97f4a7c15);
    h ^= ((uint64_t) tariff << 8 | klass) * UINT64_C(0xc2b2ae3d27d4eb4f);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);

    return (uint32_t) (h >> 32);
}


int
prepaid_prices_init(prepaid_prices_t *t, uint32_t n)
{
    uint32_t  slots;

    memset(t, 0, sizeof(*t));

    if (n > UINT32_MAX / 8) {
        return -1;
    }

    for (slots = 16; slots < n * 2; slots *= 2) {
        /* at most half full */
    }

    t->prices = malloc((n ? n : 1) * sizeof(prepaid_price_t));
    t->slots = malloc(slots * sizeof(uint32_t));

    if (t->prices == NULL || t->slots == NULL) {
        prepaid_prices_free(t);
        return -1;
    }

    memset(t->slots, 0xff, slots * sizeof(uint32_t));
    t->mask = slots - 1;
    t->cap = n;

    return 0;
}


void
prepaid_prices_free(prepaid_prices_t *t)
{
    free(t->prices);
    free(t->slots);
    memset(t, 0, sizeof(*t));
}


uint64_t
prepaid_prices_prefix(const char *p, size_t n)
{
    uint64_t  v;
    size_t    i;

    if (n > PREPAID_PREFIX_MAX) {
        return 0;
    }

    v = 1;
    for (i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return 0;
        }
        v = v * 10 + (uint64_t) (p[i] - '0');
    }

    return v;
}


/* the slot of the key, or the free one where it belongs */
static uint32_t *
prepaid_prices_slot(const prepaid_prices_t *t, uint32_t tariff, uint8_t klass,
    uint64_t prefix)
{
    const prepaid_price_t  *p;
    uint32_t                i;

    i = prepaid_prices_hash(tariff, klass, prefix) & t->mask;

    for ( ;; ) {
        if (t->slots[i] == PREPAID_NONE) {
            return &t->slots[i];
        }

        p = &t->prices[t->slots[i]];
        if (p->prefix == prefix && p->tariff == tariff && p->klass == klass) {
            return &t->slots[i];
        }

        i = (i + 1) & t->mask;
    }
}


static unsigned
prepaid_prices_digits(uint64_t prefix)
{
    unsigned  n;

    for (n = 0; prefix >= 10; prefix /= 10) {
        n++;
    }

    return n;
}


int
prepaid_prices_add(prepaid_prices_t *t, const prepaid_price_t *price)
{
    uint32_t  *link;
    unsigned   digits;
    uint32_t   i;

    digits = prepaid_prices_digits(price->prefix);

    if (t->n == t->cap || price->prefix == 0 || digits > PREPAID_PREFIX_MAX
        || price->klass == 0 || price->klass > PREPAID_CLASS_MAX
        || price->price_micro < PREPAID_CLOSED || price->unit[3] != '\0')
    {
        return -1;
    }

    for (i = 0; i < 3; i++) {
        if (price->unit[i] < 'A' || price->unit[i] > 'Z') {
            return -1;
        }
    }

    /* prices of one key are a list, newest first */

    link = prepaid_prices_slot(t, price->tariff, price->klass, price->prefix);

    while (*link != PREPAID_NONE
           && t->prices[*link].valid_from_us > price->valid_from_us)
    {
        link = &t->prices[*link].next;
    }

    if (*link != PREPAID_NONE
        && t->prices[*link].valid_from_us == price->valid_from_us)
    {
        return -1;
    }

    t->prices[t->n] = *price;
    t->prices[t->n].next = *link;
    *link = t->n++;
    t->lengths |= (uint16_t) (1u << digits);

    return 0;
}


const prepaid_price_t *
prepaid_prices_find(const prepaid_prices_t *t, uint32_t tariff, uint8_t klass,
    const char *to, size_t n, int64_t at_us)
{
    uint64_t  prefix[PREPAID_PREFIX_MAX + 1];
    uint32_t  i;
    size_t    len;

    prefix[0] = 1;
    for (len = 0; len < n && len < PREPAID_PREFIX_MAX; len++) {
        if (to[len] < '0' || to[len] > '9') {
            break;
        }
        prefix[len + 1] = prefix[len] * 10 + (uint64_t) (to[len] - '0');
    }

    for (len++; len-- > 0; /* void */ ) {

        if (!(t->lengths & 1u << len)) {
            continue;
        }

        for (i = *prepaid_prices_slot(t, tariff, klass, prefix[len]);
             i != PREPAID_NONE;
             i = t->prices[i].next)
        {
            if (t->prices[i].valid_from_us <= at_us) {
                return &t->prices[i];
            }
        }
    }

    return NULL;
}
