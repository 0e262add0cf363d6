/*
 * sms_key.h - API keys: sms_live_ or sms_test_, then 46 characters.
 *
 *   8   public id, what the key is looked up by and called in logs
 *  32   secret
 *   6   CRC-32 of everything before it, base 62, most significant first
 *
 * The alphabet is 0-9A-Za-z.  The check lets a mistyped key be refused without
 * asking the database, and secret scanners match a leaked one without doubt.
 * Only SHA-256 of the whole text is ever stored.
 */
#ifndef SMS_KEY_H
#define SMS_KEY_H

#include <stddef.h>
#include <stdint.h>


#define SMS_KEY_LEN     55
#define SMS_KEY_ID_LEN  8
#define SMS_KEY_RANDOM  40      /* octets that sms_key_make() takes */


typedef struct {
    const char  *id;            /* SMS_KEY_ID_LEN characters, in the text         */
    int          test;
} sms_key_t;


/* 0, or -1 when it is not a well-formed key */
int sms_key_parse(const char *p, size_t n, sms_key_t *key);

/* A key from 40 random octets; no NUL. */
void sms_key_make(int test, const uint8_t random[SMS_KEY_RANDOM],
    char out[SMS_KEY_LEN]);


#endif /* SMS_KEY_H */
