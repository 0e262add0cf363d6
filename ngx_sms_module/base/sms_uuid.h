/*
 * sms_uuid.h - UUID version 7 (RFC 9562 5.7).
 *
 *   48 bits  milliseconds since the Unix epoch, big endian
 *    4       version 7
 *   12       counter of the generator, from 0 in each new millisecond
 *    2       variant 2
 *   62       random
 *
 * Ids of one generator rise strictly (6.2, method 1): within a millisecond, when
 * the clock stands still or goes back, the counter goes on, and after 4096 ids
 * the generator runs a millisecond ahead.  Compare ids with memcmp().
 */
#ifndef SMS_UUID_H
#define SMS_UUID_H

#include <stddef.h>
#include <stdint.h>


#define SMS_UUID_LEN       16
#define SMS_UUID_TEXT_LEN  36

/* Fills buf with n random bytes; 0, or -1 when it cannot. */
typedef int (*sms_uuid_random_pt)(void *data, uint8_t *buf, size_t n);

typedef struct {
    sms_uuid_random_pt  random;
    void               *data;
    uint64_t            ms;             /* of the last id                         */
    uint32_t            counter;
} sms_uuid_gen_t;


void sms_uuid_init(sms_uuid_gen_t *g, sms_uuid_random_pt random, void *data);

/* -1: no random bytes, or now_ms does not fit in 48 bits; the id is zeroed. */
int sms_uuid_make(sms_uuid_gen_t *g, uint64_t now_ms, uint8_t id[16]);

/* 1 when version and variant are those of a UUIDv7 */
int sms_uuid_is_v7(const uint8_t id[16]);

/* Milliseconds since the epoch of a UUIDv7. */
uint64_t sms_uuid_ms(const uint8_t id[16]);

/* The lowest and highest id of a millisecond, for range bounds. */
void sms_uuid_min(uint64_t ms, uint8_t id[16]);
void sms_uuid_max(uint64_t ms, uint8_t id[16]);

/* 36 lower-case characters, no NUL. */
void sms_uuid_print(const uint8_t id[16], char out[36]);

/* Any version, hex of either case, hyphens in their places.  0, or -1. */
int sms_uuid_parse(const char *p, size_t n, uint8_t id[16]);


#endif /* SMS_UUID_H */
