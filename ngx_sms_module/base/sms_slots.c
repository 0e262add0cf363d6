#include "sms_slots.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>


#define SMS_SLOTS_NONE       UINT32_MAX
#define SMS_SLOTS_FIRST_CAP  16u
#define SMS_SLOTS_LIMIT_MAX  (UINT32_C(1) << 31)


struct sms_slots_entry_s {
    void      *data;            /* NULL: not in use                       */
    uint32_t   generation;      /* of the token that is, or will be, out  */
    uint32_t   next;            /* free list                              */
};


void
sms_slots_init(sms_slots_t *t, uint32_t limit)
{
    memset(t, 0, sizeof(sms_slots_t));

    t->limit = limit > SMS_SLOTS_LIMIT_MAX ? SMS_SLOTS_LIMIT_MAX : limit;
    t->head = SMS_SLOTS_NONE;
    t->tail = SMS_SLOTS_NONE;
}


static int
sms_slots_grow(sms_slots_t *t)
{
    uint32_t            cap;
    sms_slots_entry_t  *entries;

    /* slots that used up their generations do not count against the limit */

    cap = t->cap ? t->cap : SMS_SLOTS_FIRST_CAP / 2;

    if (cap >= SMS_SLOTS_LIMIT_MAX) {
        return -1;
    }

    cap *= 2;

    entries = realloc(t->entries, (size_t) cap * sizeof(sms_slots_entry_t));
    if (entries == NULL) {
        return -1;
    }

    memset(entries + t->cap, 0,
           (size_t) (cap - t->cap) * sizeof(sms_slots_entry_t));

    t->entries = entries;
    t->cap = cap;

    return 0;
}


static uint64_t
sms_slots_token(const sms_slots_t *t, uint32_t slot)
{
    return (uint64_t) t->entries[slot].generation << 32 | slot;
}


uint64_t
sms_slots_take(sms_slots_t *t, void *data)
{
    uint32_t            slot;
    sms_slots_entry_t  *e;

    if (data == NULL || t->used >= t->limit) {
        return 0;
    }

    if (t->head != SMS_SLOTS_NONE) {
        slot = t->head;
        t->head = t->entries[slot].next;

        if (t->head == SMS_SLOTS_NONE) {
            t->tail = SMS_SLOTS_NONE;
        }

    } else {
        if (t->fresh == t->cap && sms_slots_grow(t) != 0) {
            return 0;
        }

        slot = t->fresh++;
        t->entries[slot].generation = 1;
    }

    e = &t->entries[slot];
    e->data = data;
    e->next = SMS_SLOTS_NONE;
    t->used++;

    return sms_slots_token(t, slot);
}


static sms_slots_entry_t *
sms_slots_find(const sms_slots_t *t, uint64_t token)
{
    uint32_t            slot;
    sms_slots_entry_t  *e;

    slot = (uint32_t) token;

    if (slot >= t->fresh) {
        return NULL;
    }

    e = &t->entries[slot];

    if (e->data == NULL || e->generation != (uint32_t) (token >> 32)) {
        return NULL;
    }

    return e;
}


void *
sms_slots_lookup(const sms_slots_t *t, uint64_t token)
{
    sms_slots_entry_t  *e;

    e = sms_slots_find(t, token);

    return e != NULL ? e->data : NULL;
}


void *
sms_slots_free(sms_slots_t *t, uint64_t token)
{
    void               *data;
    uint32_t            slot;
    sms_slots_entry_t  *e;

    e = sms_slots_find(t, token);

    if (e == NULL) {
        return NULL;
    }

    slot = (uint32_t) token;
    data = e->data;
    e->data = NULL;
    t->used--;

    if (e->generation == UINT32_MAX) {
        /* the next generation would be an old one again */
        return data;
    }

    e->generation++;
    e->next = SMS_SLOTS_NONE;

    if (t->tail == SMS_SLOTS_NONE) {
        t->head = slot;

    } else {
        t->entries[t->tail].next = slot;
    }

    t->tail = slot;

    return data;
}


uint64_t
sms_slots_next(const sms_slots_t *t, uint64_t token)
{
    uint32_t  slot;

    for (slot = token ? (uint32_t) token + 1 : 0; slot < t->fresh; slot++) {
        if (t->entries[slot].data != NULL) {
            return sms_slots_token(t, slot);
        }
    }

    return 0;
}


void
sms_slots_close(sms_slots_t *t)
{
    free(t->entries);
    sms_slots_init(t, 0);
}
