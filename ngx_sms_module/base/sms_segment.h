/*
 * sms_segment.h - encoding, part count and parts of a text.
 *
 * 3GPP TS 23.038 (alphabets), TS 23.040 9.2.3.24 (user data header).  A message
 * has 140 octets of user data: 160 septets or 70 UTF-16 units without header.
 * Every part of a concatenated message repeats the header of its national
 * language table.
 *
 *                          one part   part, 8-bit ref   part, 16-bit ref
 *   GSM default               160          153               152
 *   Turkish single shift      155          149               148
 *   Turkish locking shift     155          149               148
 *   UCS-2                      70           67                66
 *
 * Parts are filled greedily; neither an ESC pair nor a surrogate pair is ever
 * split, so a part may stay one unit short, and the count is that of the
 * filling, never a quotient.  Graphemes (letter and combining mark, joined
 * emoji) stay together where that costs no further part.
 *
 * The text must be valid UTF-8 and should be in NFC.  Nothing is allocated.
 *
 * The suffix is the operator's code of BTK 2016/DK-YED/211: a space and four
 * characters at the end of the last part.  It is counted; unless "append" is
 * set the operator adds it, and the last part is left with room for it.
 */
#ifndef SMS_SEGMENT_H
#define SMS_SEGMENT_H

#include <stddef.h>
#include <stdint.h>


/* encodings: the values of sms_encoding_t in sms_plugin.h, stored */
#define SMS_SEGMENT_AUTO         0      /* profile.force only                     */
#define SMS_SEGMENT_GSM7         1
#define SMS_SEGMENT_TR_SINGLE    2
#define SMS_SEGMENT_TR_LOCKING   3
#define SMS_SEGMENT_UCS2         4

/* profile.shift: what a text with ş is sent as when it is not sent as UCS-2 */
#define SMS_SEGMENT_SHIFT_SINGLE   0    /* widest support in handsets             */
#define SMS_SEGMENT_SHIFT_LOCKING  1    /* denser; single shift where it cannot   */
#define SMS_SEGMENT_SHIFT_NONE     2    /* a link without national tables         */

#define SMS_SEGMENT_SUFFIX_DEFAULT 5    /* " B002"                                */
#define SMS_SEGMENT_SUFFIX_MAX     16
#define SMS_SEGMENT_PARTS_MAX      255  /* 23.040: one octet                      */
#define SMS_SEGMENT_PARTS_DEFAULT  7
#define SMS_SEGMENT_PAYLOAD_MAX    160
#define SMS_SEGMENT_UDH_MAX        16

/* results */
#define SMS_SEGMENT_OK            0
#define SMS_SEGMENT_E_UTF8        (-1)  /* not UTF-8                              */
#define SMS_SEGMENT_E_ENCODING    (-2)  /* the forced encoding lacks a character  */
#define SMS_SEGMENT_E_TOO_LONG    (-3)  /* above max_parts; the result is filled  */
#define SMS_SEGMENT_E_PROFILE     (-4)  /* a value of the profile is impossible   */
#define SMS_SEGMENT_E_SPACE       (-5)  /* the caller's buffer is too small       */
#define SMS_SEGMENT_E_HEADER      (-6)  /* malformed user data header             */

typedef struct {
    uint8_t      shift;         /* SMS_SEGMENT_SHIFT_*                            */
    uint8_t      force;         /* SMS_SEGMENT_AUTO or an encoding                */
    uint8_t      ref_bits;      /* 8 or 16; 0 means 8                             */
    uint8_t      max_parts;     /* 0 means SMS_SEGMENT_PARTS_DEFAULT              */
    uint8_t      suffix;        /* characters counted at the end; 0: none         */
    const char  *append;        /* NULL: the operator adds the suffix; else its
                                   "suffix" characters (A-Z a-z 0-9 space . -),
                                   which we put at the end of the last part       */
} sms_segment_profile_t;

typedef struct {
    uint32_t  begin, len;       /* of the part's text, bytes                      */
    uint16_t  units;            /* septets or UTF-16 units; the last part's with
                                   the suffix                                     */
} sms_segment_part_t;

typedef struct {
    uint8_t   encoding;         /* SMS_SEGMENT_GSM7 ...                           */
    uint8_t   ref_bits;         /* 8 or 16                                        */
    uint16_t  parts;            /* 1 for an empty text                            */
    uint32_t  units;            /* septets or UTF-16 units of all, with suffix    */
    uint16_t  single, multi;    /* capacity alone and of each of several parts    */
    uint16_t  left;             /* units free in the last part                    */
    uint16_t  costly_len;       /* bytes; 0: no character made the text dearer    */
    uint32_t  costly;           /* offset of the first character that does not
                                   exist in the next cheaper encoding: outside
                                   the Turkish tables for UCS-2, else outside
                                   the GSM alphabet                               */
} sms_segment_t;

/* one part as it goes to an operator */
typedef struct {
    uint8_t   data_coding;      /* SMPP 5.2.19: 0x00 or 0x08                      */
    uint8_t   udh_len;          /* 0: no header, esm_class without UDHI           */
    uint8_t   payload_len;      /* octets                                         */
    uint8_t   septets;          /* of the payload; 0 for UCS-2                    */
    uint8_t   udh[SMS_SEGMENT_UDH_MAX];           /* with its length octet        */
    uint8_t   payload[SMS_SEGMENT_PAYLOAD_MAX];   /* one septet an octet, or
                                                     UCS-2 big endian             */
} sms_segment_out_t;

/* what a received user data header says; zeros where it says nothing */
typedef struct {
    uint16_t  ref;
    uint8_t   ref_bits;         /* 0: not concatenated; 8 or 16                   */
    uint8_t   total, seq;       /* seq from 1                                     */
    uint8_t   lock, shift;      /* national language identifiers; 1 is Turkish    */
} sms_segment_udh_t;


/*
 * Counts.  "parts" may be NULL, else the first cap parts are described there
 * (the default max_parts of 7 needs 7).  On E_TOO_LONG the result is filled and
 * "parts" counts on up to SMS_SEGMENT_PARTS_MAX + 1, which means "even more".
 * On E_ENCODING costly names the character and encoding the forced one.
 */
int sms_segment_count(const sms_segment_profile_t *pf, const char *p, size_t n,
    sms_segment_t *s, sms_segment_part_t *parts, size_t cap);

/*
 * Part k (from 1) of a counted text, with the same profile and text and the
 * part's own description.  All parts take the same "ref" (its low ref_bits).
 */
int sms_segment_split(const sms_segment_profile_t *pf, const sms_segment_t *s,
    const sms_segment_part_t *part, const char *p, size_t n, unsigned k,
    uint16_t ref, sms_segment_out_t *out);

/* Capacity of a part: "several" 0 for a single part, 1 for one of several. */
unsigned sms_segment_capacity(unsigned encoding, unsigned ref_bits,
    int several);

/*
 * Reads a user data header, "n" octets with the length octet, in any order of
 * elements; unknown elements are skipped, a repeated element: the last counts
 * (23.040 9.2.3.24).  E_HEADER when lengths do not add up, or a concatenation
 * element is impossible (total 0, seq 0 or above total).
 */
int sms_segment_udh_read(const uint8_t *udh, size_t n, sms_segment_udh_t *h);

/*
 * Received octets (without header) to UTF-8 by data_coding: 0x00 septets in
 * the tables that the header names, 0x01 ASCII, 0x03 Latin-1, 0x08 UCS-2 or
 * UTF-16.  Damaged UTF-16 and NUL become U+FFFD.  E_ENCODING for another data_coding,
 * E_HEADER, E_SPACE (3 * n bytes are always enough).  "udh" may be NULL.
 */
int sms_segment_text(unsigned data_coding, const uint8_t *udh, size_t udh_len,
    const uint8_t *octets, size_t n, char *out, size_t cap, size_t *len);


#endif /* SMS_SEGMENT_H */
