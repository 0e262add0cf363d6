/*
 * sms_gsm7.h - the GSM 7-bit alphabets of 3GPP TS 23.038.
 *
 * Default alphabet (6.2.1) with its extension table (6.2.1.1), the Turkish
 * single shift table (A.2.1) and the Turkish locking shift table (A.3.1); the
 * tables themselves are in sms_gsm7.def.
 *
 * Code 0x09 is the capital C with cedilla, U+00C7, as 23.038 draws it.  The
 * mapping file that Unicode publishes has the small letter there; following it
 * would bill c-cedilla as one septet and show the wrong letter.
 *
 * A septet is an octet with a value below 0x80.  ESC is 0x1B.  "tables" says
 * which national tables are in use: 0 is the default alphabet alone.
 */
#ifndef SMS_GSM7_H
#define SMS_GSM7_H

#include <stddef.h>
#include <stdint.h>


#define SMS_GSM7_ESC         0x1B

#define SMS_GSM7_DEFAULT     0x0u
#define SMS_GSM7_SHIFT_TR    0x1u       /* single shift: extension table replaced */
#define SMS_GSM7_LOCK_TR     0x2u       /* locking shift: base table replaced     */


/* Septets that a character costs: 1, 2 (with ESC), or 0 when it has no code. */
unsigned sms_gsm7_cost(uint32_t cp, unsigned tables);

/* The same with the default alphabet, single shift, locking shift. */
void sms_gsm7_costs(uint32_t cp, unsigned costs[3]);

/* As sms_gsm7_cost(), and writes them. */
unsigned sms_gsm7_put(uint32_t cp, unsigned tables, uint8_t out[2]);

/*
 * UTF-8 to septets.  Returns the number of septets, or -1 when a character has
 * no code in these tables, the text is not UTF-8 or "cap" is too small.
 */
long sms_gsm7_encode(const char *p, size_t n, unsigned tables,
    uint8_t *out, size_t cap);

/*
 * Septets to UTF-8, as a receiver reads them: bit 7 is ignored; an escaped code
 * that the extension table does not have is read from the base table; ESC ESC
 * and an ESC at the end become a space (23.038 6.2.1.1).  Never fails on its
 * input.  Returns the length; "cap" of 3 * n is always enough, and output ends
 * before the character that does not fit.
 */
size_t sms_gsm7_decode(const uint8_t *p, size_t n, unsigned tables,
    char *out, size_t cap);

/*
 * Fill bits between a user data header of "octets" octets (its length octet
 * included; 0: no header) and the first septet: 23.040 9.2.3.24.
 */
unsigned sms_gsm7_fill(size_t octets);

/* Septets that such a header takes in TP-UDL. */
size_t sms_gsm7_header_septets(size_t octets);

/*
 * Packs n septets behind "fill" (0 to 6) zero bits.  Returns the number of
 * octets, (fill + 7 n + 7) / 8; 0 when that is above "cap" (or n is 0).
 */
size_t sms_gsm7_pack(const uint8_t *septets, size_t n, unsigned fill,
    uint8_t *out, size_t cap);

/*
 * The reverse: reads at most n septets behind "fill" bits from len octets.
 * Returns how many there were.  The caller knows n from TP-UDL, because a last
 * octet with seven free bits cannot be told from one more septet.
 */
size_t sms_gsm7_unpack(const uint8_t *octets, size_t len, unsigned fill,
    uint8_t *septets, size_t n);


#endif /* SMS_GSM7_H */
