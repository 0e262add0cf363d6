/*
 * seen - a set of 64-bit hashes that grows: was this there before?
 */
#ifndef SEEN_H
#define SEEN_H

#include <stddef.h>
#include <stdint.h>

/* all zero: empty */
typedef struct {
    uint64_t  *slots;                   /* 0: free */
    size_t     size, n;
} seen_t;

/* FNV-1a with a last mix; "hash" is what came before, or 0. */
uint64_t seen_hash(uint64_t hash, const void *p, size_t n);

/* 1: it was there.  Ends the program when memory does. */
int seen_add(seen_t *s, uint64_t hash);

#endif /* SEEN_H */
