/*
 * sms_slots.h - pointers behind tokens that go stale.
 *
 * A token is generation << 32 | slot and never 0.  A slot's generation rises
 * each time it is freed, so a late, repeated or invented token is refused
 * instead of finding somebody else's pointer.  A slot that has used up its
 * generations is never taken again.  Freed slots are taken oldest first.
 */
#ifndef SMS_SLOTS_H
#define SMS_SLOTS_H

#include <stdint.h>


typedef struct sms_slots_entry_s  sms_slots_entry_t;

typedef struct {                        /* all zeros is a valid, closed table     */
    sms_slots_entry_t  *entries;
    uint32_t            cap;            /* allocated                              */
    uint32_t            limit;          /* most that may be in use                */
    uint32_t            used;           /* in use now                             */
    uint32_t            fresh;          /* slots below it have been used          */
    uint32_t            head, tail;     /* of the free list; UINT32_MAX: empty    */
} sms_slots_t;


/* limit 1 .. 2^31.  Allocates with the first take. */
void sms_slots_init(sms_slots_t *t, uint32_t limit);

/* 0 when the limit is reached or memory is out.  data must not be NULL. */
uint64_t sms_slots_take(sms_slots_t *t, void *data);

/* The pointer, or NULL for a token that is not in use. */
void *sms_slots_lookup(const sms_slots_t *t, uint64_t token);

/* Ends the token; its pointer, or NULL when it was stale already. */
void *sms_slots_free(sms_slots_t *t, uint64_t token);

/* Walks tokens in use: 0 to begin, then the last token; 0 at the end. */
uint64_t sms_slots_next(const sms_slots_t *t, uint64_t token);

/* Frees the table, not what its pointers point to. */
void sms_slots_close(sms_slots_t *t);


#endif /* SMS_SLOTS_H */
