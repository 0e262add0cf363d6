#include "seen.h"

#include <stdio.h>
#include <stdlib.h>


uint64_t
seen_hash(uint64_t hash, const void *p, size_t n)
{
    size_t          i;
    const uint8_t  *octets;

    octets = p;
    hash ^= 0xcbf29ce484222325u;

    for (i = 0; i < n; i++) {
        hash = (hash ^ octets[i]) * 0x100000001b3u;
    }

    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;

    return hash ^ (hash >> 32);
}


static void
seen_grow(seen_t *s)
{
    size_t  i;
    seen_t  bigger;

    bigger.n = 0;
    bigger.size = s->size ? 2 * s->size : 65536;
    bigger.slots = calloc(bigger.size, sizeof(uint64_t));

    if (bigger.slots == NULL) {
        perror("calloc");
        exit(2);
    }

    for (i = 0; i < s->size; i++) {
        if (s->slots[i]) {
            seen_add(&bigger, s->slots[i]);
        }
    }

    free(s->slots);
    *s = bigger;
}


int
seen_add(seen_t *s, uint64_t hash)
{
    size_t  i;

    if (2 * (s->n + 1) > s->size) {
        seen_grow(s);
    }

    hash += hash == 0;

    for (i = hash & (s->size - 1); s->slots[i]; i = (i + 1) & (s->size - 1)) {
        if (s->slots[i] == hash) {
            return 1;
        }
    }

    s->slots[i] = hash;
    s->n++;

    return 0;
}
