#include <stdlib.h>

#include "smpp_window.h"


int
smpp_window_init(smpp_window_t *w, uint32_t size)
{
    uint32_t  cap;

    /* twice the window, so that a free slot is near even behind stragglers */
    for (cap = 4; cap < size * 2; cap *= 2) {
        /* void */
    }

    w->size = size;
    w->used = 0;
    w->last = 0;
    w->mask = cap - 1;
    w->slots = calloc(cap, sizeof(smpp_slot_t));

    return w->slots != NULL;
}


void
smpp_window_free(smpp_window_t *w)
{
    free(w->slots);
    w->slots = NULL;
}


uint32_t
smpp_window_sequence(smpp_window_t *w)
{
    do {
        w->last = w->last >= 0x7FFFFFFF ? 1 : w->last + 1;
    } while (w->slots[w->last & w->mask].sequence);

    return w->last;
}


void
smpp_window_reset(smpp_window_t *w)
{
    w->last = 0;
}


void
smpp_window_add(smpp_window_t *w, uint32_t sequence, void *item,
    int64_t now_us, int64_t due_us)
{
    smpp_slot_t  *slot;

    slot = &w->slots[sequence & w->mask];
    slot->sequence = sequence;
    slot->item = item;
    slot->sent_us = now_us;
    slot->due_us = due_us;
    w->used++;
}


int
smpp_window_take(smpp_window_t *w, uint32_t sequence, void **item,
    int64_t *sent_us)
{
    smpp_slot_t  *slot;

    slot = &w->slots[sequence & w->mask];

    if (sequence == 0 || slot->sequence != sequence) {
        return 0;
    }

    *item = slot->item;
    *sent_us = slot->sent_us;
    slot->sequence = 0;
    slot->item = NULL;
    w->used--;

    return 1;
}


void
smpp_window_forget(smpp_window_t *w, uint32_t sequence)
{
    smpp_slot_t  *slot;

    slot = &w->slots[sequence & w->mask];

    if (slot->sequence == sequence) {
        slot->item = NULL;
    }
}


int
smpp_window_expire(smpp_window_t *w, int64_t now_us, void **item)
{
    int64_t   sent_us;
    uint32_t  i;

    for (i = 0; w->used && i <= w->mask; i++) {
        if (w->slots[i].sequence && w->slots[i].due_us <= now_us) {
            return smpp_window_take(w, w->slots[i].sequence, item, &sent_us);
        }
    }

    return 0;
}


int64_t
smpp_window_due(const smpp_window_t *w)
{
    int64_t   due_us;
    uint32_t  i;

    due_us = INT64_MAX;

    for (i = 0; w->used && i <= w->mask; i++) {
        if (w->slots[i].sequence && w->slots[i].due_us < due_us) {
            due_us = w->slots[i].due_us;
        }
    }

    return due_us;
}
