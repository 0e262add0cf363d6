/*
 * smpp_window - sequence numbers of one connection and the submits in flight
 * under them.  Pure: the caller brings the clock.
 *
 * A slot is taken when a submit_sm has been written and freed by its answer,
 * by its time-out or by the end of the connection.  forget() takes the owner
 * away and keeps the slot: the SMSC still works on it, so it still counts.
 *
 * Sequence numbers run from 1 to 0x7FFFFFFF and begin again (SMPP 3.4 2.4.7,
 * 5.1.4); one that is in flight is skipped.
 */
#ifndef SMPP_WINDOW_H
#define SMPP_WINDOW_H

#include <stdint.h>

#define SMPP_WINDOW_MAX  1024

typedef struct {
    uint32_t  sequence;                 /* 0: free                             */
    void     *item;                     /* NULL: forgotten                     */
    int64_t   sent_us, due_us;
} smpp_slot_t;

typedef struct {
    uint32_t      size;                 /* most submits in flight              */
    uint32_t      used;
    uint32_t      last;                 /* sequence number given last          */
    uint32_t      mask;
    smpp_slot_t  *slots;
} smpp_window_t;

/* size 1 .. SMPP_WINDOW_MAX.  0 when memory is out. */
int smpp_window_init(smpp_window_t *w, uint32_t size);
void smpp_window_free(smpp_window_t *w);

/* Next sequence number whose slot is free; begins again at 1 after reset(). */
uint32_t smpp_window_sequence(smpp_window_t *w);
void smpp_window_reset(smpp_window_t *w);       /* only when nothing is used   */

/* "sequence" comes from smpp_window_sequence(); used < size. */
void smpp_window_add(smpp_window_t *w, uint32_t sequence, void *item,
    int64_t now_us, int64_t due_us);

/* Frees the slot: 1, its item (NULL: forgotten) and age; 0: not in flight. */
int smpp_window_take(smpp_window_t *w, uint32_t sequence, void **item,
    int64_t *sent_us);

void smpp_window_forget(smpp_window_t *w, uint32_t sequence);

/* Frees a slot that is due at "now_us" (INT64_MAX: any), 1 and its item. */
int smpp_window_expire(smpp_window_t *w, int64_t now_us, void **item);

/* Earliest due time, INT64_MAX when nothing is in flight. */
int64_t smpp_window_due(const smpp_window_t *w);

#endif /* SMPP_WINDOW_H */
