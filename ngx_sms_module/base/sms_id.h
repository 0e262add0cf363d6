/*
 * sms_id.h - public ids: a prefix, '_', and 128 bits in 26 characters.
 *
 * Crockford base 32, lower case, most significant first: "msg_01j9z...".  26
 * characters hold 130 bits, so the first is at most '7'.  There is exactly one
 * text for an id: upper case, i, l, o, u and anything else is invalid, and
 * texts sort as their ids do.
 */
#ifndef SMS_ID_H
#define SMS_ID_H

#include <stddef.h>
#include <stdint.h>


#define SMS_ID_DIGITS      26
#define SMS_ID_PREFIX_MAX  16
#define SMS_ID_LEN_MAX     (SMS_ID_PREFIX_MAX + 1 + SMS_ID_DIGITS)


/* "prefix" without '_'.  Returns the length; 0 when the prefix is too long. */
size_t sms_id_print(const char *prefix, const uint8_t id[16],
    char out[SMS_ID_LEN_MAX]);

/* 0, or -1 for anything but the id's one text with this prefix. */
int sms_id_parse(const char *prefix, const char *p, size_t n, uint8_t id[16]);

/* The 26 characters alone. */
void sms_id_digits_print(const uint8_t id[16], char out[26]);
int sms_id_digits_parse(const char *p, size_t n, uint8_t id[16]);


#endif /* SMS_ID_H */
