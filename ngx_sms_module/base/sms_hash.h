/*
 * sms_hash.h - SHA-256 (FIPS 180-4), HMAC (RFC 2104), hex, safe comparison.
 *
 * The only file of base/ and domain/ that knows OpenSSL.
 */
#ifndef SMS_HASH_H
#define SMS_HASH_H

#include <stddef.h>
#include <stdint.h>


#define SMS_HASH_LEN  32


/* 0, or -1 when OpenSSL fails (no memory, no provider); then out is zeroed. */
int sms_hash_sha256(const void *p, size_t n, uint8_t out[32]);
int sms_hash_hmac(const void *key, size_t nkey, const void *p, size_t n,
    uint8_t out[32]);

/* Before the process ends, or what holds this code is unloaded: nothing is hashed
 * any more.                                                                   */
void sms_hash_done(void);

/* 2 n lower-case characters, no NUL. */
void sms_hash_hex(const uint8_t *p, size_t n, char *out);

/* n characters (even, either case) to n / 2 octets; 0, or -1. */
int sms_hash_unhex(const char *p, size_t n, uint8_t *out);

/* 1 when equal; the time depends on n only. */
int sms_hash_equal(const void *a, const void *b, size_t n);


#endif /* SMS_HASH_H */
