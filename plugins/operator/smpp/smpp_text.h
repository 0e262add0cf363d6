/*
 * smpp_text - what short_message holds: user data header, data_coding,
 * septets packed or not, addresses, times.  Pure.
 *
 * Standards: SMPP 3.4 5.2.5 (TON), 5.2.12 (esm_class), 5.2.19 (data_coding),
 * 7.1.1 (times); 3GPP TS 23.040 9.2.3.24 (user data header), TS 23.038 4
 * (coding groups) and 6.1.2.1 (packing).
 */
#ifndef SMPP_TEXT_H
#define SMPP_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "sms_plugin.h"

#define SMPP_TEXT_MAX     254           /* octets of short_message            */
#define SMPP_PERIOD_LEN   16            /* "YYMMDDhhmmss000R"                 */

typedef struct { uint8_t ton, npi; } smpp_numbering_t;

/* Splits *text after its user data header; the header keeps its length octet.
 * 1, or 0 and nothing changed: the length octet points outside the text.     */
int smpp_text_split_udh(sms_str_t *text, sms_str_t *udh);

/* The alphabet of a data_coding as one of 0x00 (GSM 7 bit), 0x01 (ASCII), 0x03
 * (Latin 1), 0x04 (octets), 0x08 (UCS-2), or the value itself where it names
 * another one.  Message classes and message waiting groups are folded.       */
uint8_t smpp_text_alphabet(uint8_t data_coding);

/* Packs septets (one an octet) behind a header of "udh_len" octets, which
 * decides the fill bits; octets written, 0 when "cap" is too small.          */
size_t smpp_text_pack(sms_str_t septets, size_t udh_len, char *out, size_t cap);

/* The reverse; a last septet that is only padding is dropped. */
size_t smpp_text_unpack(sms_str_t octets, size_t udh_len, char *out,
    size_t cap);

/* Letters to read a receipt in, whatever its alphabet: UCS-2 becomes ASCII,
 * everything outside it a '?'; of the others octets above ASCII stay.  CR, TAB
 * and NUL, which some put between fields or behind the last, become spaces.
 * Returns octets written.                                                    */
size_t smpp_text_ascii(sms_str_t text, uint8_t alphabet, char *out,
    size_t cap);

/* Kinds of sender: letters, a short number of at most 6 digits, a number. */
typedef enum {
    SMPP_SENDER_ALPHA, SMPP_SENDER_SHORT, SMPP_SENDER_NUMBER
} smpp_sender_kind_t;

smpp_sender_kind_t smpp_text_sender_kind(sms_str_t from);

/* A period in SMPP's relative format, at most 30 days. */
void smpp_text_period(uint32_t seconds, char out[SMPP_PERIOD_LEN + 1]);

/* A moment in SMPP's absolute format (7.1.1), by a clock "offset_s" east of UTC, a
 * multiple of 900.                                                           */
void smpp_text_time(int64_t us, int32_t offset_s,
    char out[SMPP_PERIOD_LEN + 1]);

/* The reverse: 1 and *us, or 0 when it is no absolute time. */
int smpp_text_when(sms_str_t text, int64_t *us);

/* Drops a leading '+' (or 00 of an international number). */
sms_str_t smpp_text_address(sms_str_t address, uint8_t ton);

#endif /* SMPP_TEXT_H */
