/*
 * bulk - requests with many recipients, made from sequence numbers like those of
 * workload.
 *
 * The recipients of request s are messages s * recipients up to (s + 1) *
 * recipients - 1, each with the number that workload_number() gives it, so SQL
 * can tell beforehand who will be written to, and by which account: that of key
 * s % (number of keys).
 *
 *   many         class informational, one text for all
 *   each         class informational, a text of its own for each
 *   commercial   one text for all, with everything that the law asks of it; the
 *                brand of the n-th account has the title "Örnek n A.Ş." and the
 *                keyword MARKA and three digits
 *
 * As in workload, requests are written once and their digits overwritten.
 */
#ifndef BULK_H
#define BULK_H

#include "workload.h"

#define BULK_RECIPIENTS_MAX  1000           /* of the API */

/* After workload_init().  0; -1 with a line on stderr: no memory, or no shape of
 * that name.                                                                 */
int bulk_init(const char *shape, uint32_t recipients, const char *confirm);

/* Good until the next call with a number that differs by a multiple of
 * bulk_pool().                                                               */
const workload_request_t *bulk_request(uint64_t sequence);

uint32_t bulk_pool(void);

#endif /* BULK_H */
