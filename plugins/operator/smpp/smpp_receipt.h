/*
 * smpp_receipt - delivery receipts, and message ids in one form.  Pure.
 *
 * SMPP 3.4 appendix B describes, but does not fix, a text:
 *
 *   id:0123 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201
 *   stat:DELIVRD err:000 text:first words
 *
 * Operators write it in any order and case, leave fields out, add seconds to
 * dates, and spell states in full.  Newer ones also send TLVs
 * (receipted_message_id, message_state, network_error_code), which win over
 * the text, because nobody formats them by hand.
 *
 * Ids: many SMSCs answer submit_sm with hexadecimal digits and write the same
 * number in decimal into the receipt, or pad one of the two with zeros.  The
 * normal form is made from the answer's id alone (that is what the host
 * stores): ASCII lower case, leading zeros off.  A receipt's id is brought
 * into the answer's base first.
 */
#ifndef SMPP_RECEIPT_H
#define SMPP_RECEIPT_H

#include <stddef.h>
#include <stdint.h>

#include "sms_plugin.h"

#define SMPP_ID_MAX  64

typedef struct {
    sms_str_t            id;            /* empty: none found                   */
    sms_receipt_state_t  state;         /* 0: none found                       */
    uint32_t             error;         /* err: or network_error_code          */
    int64_t              done_us;       /* done date; 0: none or unreadable    */
    uint32_t             sub, dlvrd;    /* 0 when missing                      */
} smpp_receipt_t;

/* Reads both forms into *r.  "text" must be ASCII (smpp_text_ascii) and live
 * as long as r->id; "offset_s" is the SMSC's clock in seconds east of UTC.
 * 1 when id and state were found.                                            */
int smpp_receipt_parse(smpp_receipt_t *r, sms_str_t text, sms_str_t tlvs,
    int32_t offset_s);

/* "DELIVRD" and its relatives; 0: unknown word */
sms_receipt_state_t smpp_receipt_state(sms_str_t word);

typedef struct { char s[SMPP_ID_MAX + 1]; uint8_t len; } smpp_id_t;

typedef enum { SMPP_ID_AUTO, SMPP_ID_DECIMAL, SMPP_ID_HEX, SMPP_ID_AS_IS }
    smpp_id_format_t;

/* How a receipt's id becomes the answer's. */
typedef enum {
    SMPP_ID_SAME, SMPP_ID_TO_HEX, SMPP_ID_TO_DECIMAL
} smpp_id_change_t;

/* Normal form of "raw": spaces off; unless as_is also lower case and leading
 * zeros off.  Ids over SMPP_ID_MAX are cut.                                  */
void smpp_id_normal(smpp_id_t *out, sms_str_t raw, int as_is);

/* Another base; 1, or 0 and *out unset: not a number of the first base, or too
 * long.                                                                      */
int smpp_id_convert(smpp_id_t *out, const smpp_id_t *in,
    smpp_id_change_t change);

/* With "auto", the base is learned: the last answers' ids are remembered, and
 * when just one reading of a receipt's id names one of them, that reading is
 * the SMSC's habit.  What was learned serves receipts of older answers; three
 * receipts in a row have to speak against it before it changes.              */
#define SMPP_ID_RECENT  4096            /* power of two */

typedef struct {
    smpp_id_format_t  answer, receipt;
    smpp_id_change_t  learned;
    uint32_t          sure;             /* 1: learned from a match             */
    uint32_t          doubts;           /* receipts in a row against it        */
    uint32_t          letters;          /* 1: answers are hexadecimal for sure */
    uint64_t          recent[SMPP_ID_RECENT];
} smpp_id_book_t;

void smpp_id_book_init(smpp_id_book_t *book, smpp_id_format_t answer,
    smpp_id_format_t receipt);
/* Normal form of an answer's id, remembered. */
void smpp_id_answer(smpp_id_book_t *book, smpp_id_t *out, sms_str_t raw);
/* Normal form of a receipt's id; 1 when something new was learned. */
int smpp_id_receipt(smpp_id_book_t *book, smpp_id_t *out, sms_str_t raw);

#endif /* SMPP_RECEIPT_H */
