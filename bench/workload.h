/*
 * workload - the requests that the bench sends, the same for every server.
 *
 * Every request is one message to one recipient and has its own number, text and
 * key, all three made from its sequence number alone: the same sequence number is
 * the same bytes, today and on any machine.  Shapes:
 *
 *   single         POST /v1/messages, class informational, Idempotency-Key
 *   kannel         GET /cgi-bin/sendsms, the same number and text, in coding 0:
 *                  one part, for which letters that the default alphabet does
 *                  not have are given up.  It has no keys against sending twice
 *
 *   accounts       one for each line of the key file, in turn
 *   number         +905 3x, a permutation of 10^8: neighbours in time are not
 *                  neighbours in an index
 *   text           120 to 160 characters, Turkish, carries the order number;
 *                  asks for an opinion and brings a greeting, the two doubts
 *                  that rule plugins have about an informational text
 *   key            36 characters like a UUID, not in order either
 *
 * WORKLOAD_POOL requests are written at start, one after another; each use of
 * one overwrites its digits in place, so that making a request costs next to
 * nothing while the servers are measured.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_POOL         8192
#define WORKLOAD_REQUEST_MAX  2048
#define WORKLOAD_SEQUENCES    100000000     /* then numbers repeat */

typedef enum {
    WORKLOAD_SINGLE = 0,
    WORKLOAD_KANNEL
} workload_shape_t;

typedef struct {
    workload_shape_t   shape;
    const char        *keys;            /* of single: a file, one a line */
    const char        *confirm;         /* of single: NULL, or the field's JSON array */
    uint16_t           callback;        /* of kannel: port that wants receipts, or 0 */
} workload_conf_t;

typedef struct {
    char      *bytes;
    size_t     len;
    /* offsets of what changes; 0: the shape has none of it */
    uint32_t   key, number, order, id;
} workload_request_t;

/* Writes the pool.  0; -1 with a line on stderr. */
int workload_init(const workload_conf_t *conf);

/* The request of this sequence number.  Its bytes are good until the next call
 * with a number that differs by a multiple of WORKLOAD_POOL.                 */
const workload_request_t *workload_request(uint64_t sequence);


/* What requests of other kinds are made of. */

uint32_t workload_keys(void);
const char *workload_api_key(uint32_t account);

/* A text of 120 to 160 characters, with ##########nolu in it; "state" is any
 * number at first.                                                           */
void workload_text(char *to, size_t size, uint64_t *state);

/* Overwrites n digits; the eight of a number behind +9053; 36 characters like a
 * UUID.                                                                      */
void workload_digits(char *to, size_t n, uint64_t value);
uint64_t workload_number(uint64_t sequence);
void workload_uuid(char *to, uint64_t sequence);

#endif /* WORKLOAD_H */
