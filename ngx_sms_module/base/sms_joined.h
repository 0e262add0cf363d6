/*
 * sms_joined.h - the text of a message from a handset, of the parts that came.
 *
 * 3GPP TS 23.040 9.2.3.24.1.  Parts that follow each other in one alphabet are
 * decoded as one: handsets cut between the halves of a surrogate pair, and between
 * ESC and what it escapes.  Where parts are missing there stands "…" (U+2026).
 */
#ifndef SMS_JOINED_H
#define SMS_JOINED_H

#include <stddef.h>
#include <stdint.h>


typedef struct {
    unsigned        seq;                /* from 1, rising in the list             */
    unsigned        data_coding;        /* as in sms_segment_text()               */
    const uint8_t  *udh;                /* with its length octet; NULL: none      */
    size_t          udh_len;
    const uint8_t  *octets;             /* without the header                     */
    size_t          len;
} sms_joined_part_t;


/* bytes that are always enough for the text of "octets" in "n" parts */
#define sms_joined_room(octets, n)  (3 * (octets) + 3 * ((size_t) (n) + 1))

/*
 * Writes the text, UTF-8 without NUL, and returns how many parts could be read;
 * what cannot be leaves nothing in the text.  "scratch" has room for all octets
 * together.  A "cap" below sms_joined_room() may cost the end of the text.
 */
size_t sms_joined_text(const sms_joined_part_t *parts, size_t n, unsigned total,
    uint8_t *scratch, char *out, size_t cap, size_t *len);


#endif /* SMS_JOINED_H */
