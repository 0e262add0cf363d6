/*
 * smpp_receipt - delivery receipts, and message ids in one form.  Pure.
 *
 * SMPP 3.4 appendix B describes, but does not fix, a text:
 *
 *   id:0123 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201
 *   stat:DELIVRD err:000 text:first words
 *
 * Operators write it in any order and case, leave fields out, put '=' for ':',
 * quote values, add seconds or a century to dates, write numbers in hexadecimal,
 * and spell states in full, as numbers or as words of their own, which the
 * configuration names.  Newer ones also send TLVs (receipted_message_id,
 * message_state, network_error_code), which win over the text, because nobody
 * formats them by hand.
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
    uint32_t             odd;           /* 1: a state that is not known        */
} smpp_receipt_t;

typedef struct {
    sms_str_t            word;          /* in any case                         */
    sms_receipt_state_t  state;
} smpp_receipt_word_t;

typedef struct {
    int32_t                     offset_s;   /* the SMSC's clock, east of UTC   */
    uint32_t                    nwords;
    const smpp_receipt_word_t  *words;      /* of this operator, looked at first */
} smpp_receipt_ways_t;

/* Reads both forms into *r.  "text" must be ASCII (smpp_text_ascii) and live
 * as long as r->id.  1 when id and state were found.                         */
int smpp_receipt_parse(smpp_receipt_t *r, sms_str_t text, sms_str_t tlvs,
    const smpp_receipt_ways_t *ways);

/* "DELIVRD" and its relatives, or message_state as a number; 0: unknown word */
sms_receipt_state_t smpp_receipt_state(sms_str_t word,
    const smpp_receipt_ways_t *ways);

/* WORD=STATE, the state in English; 1, or 0.  "word" points into "item". */
int smpp_receipt_word(sms_str_t item, smpp_receipt_word_t *out);

typedef struct { char s[SMPP_ID_MAX + 1]; uint8_t len; } smpp_id_t;

typedef enum { SMPP_ID_AUTO, SMPP_ID_DECIMAL, SMPP_ID_HEX, SMPP_ID_AS_IS }
    smpp_id_format_t;

/* How a receipt's id becomes the answer's. */
typedef enum {
    SMPP_ID_NONE = -1, SMPP_ID_SAME, SMPP_ID_TO_HEX, SMPP_ID_TO_DECIMAL,
    SMPP_ID_CHANGES
} smpp_id_change_t;

extern const char *const  smpp_id_words[SMPP_ID_CHANGES];   /* "to_hex" ... */

/* Normal form of "raw": spaces off; unless as_is also lower case and leading
 * zeros off.  Ids over SMPP_ID_MAX are cut.                                  */
void smpp_id_normal(smpp_id_t *out, sms_str_t raw, int as_is);

/* Another base; 1, or 0 and *out unset: not a number of the first base, or too
 * long.                                                                      */
int smpp_id_convert(smpp_id_t *out, const smpp_id_t *in,
    smpp_id_change_t change);

/* With "auto" the change is learned from two kinds of evidence:
 *
 *   letters  an id with a-f is hexadecimal; a side that has shown many ids of
 *            digits alone is decimal.  Both sides known: nothing is left open.
 *   matches  just one reading of a receipt's id names a recent answer, and that
 *            answer went to the number the receipt speaks of.  One match of long
 *            ids is proof; small numbers in a row coincide, so several have to
 *            agree without one that says otherwise.
 *
 * As much evidence against what was learned takes it back, with all that it
 * rested on.  Until something is known a receipt carries every reading that is
 * possible, and the host looks for the one whose destination agrees (D8).    */
#define SMPP_ID_RECENT  4096            /* power of two */
#define SMPP_ID_PROOF   6               /* short matches, or one long one */
#define SMPP_ID_LONG    6               /* digits */
#define SMPP_ID_DIGITS  32              /* ids without a letter: decimal */

typedef struct {
    smpp_id_format_t  format;           /* configured                          */
    uint32_t          letters;          /* 1: an id had a letter of a-f        */
    uint32_t          other;            /* 1: an id was no number in any base  */
    uint32_t          digits;           /* ids of two digits and more without  */
} smpp_id_side_t;

typedef struct {
    smpp_id_side_t    answer, receipt;
    smpp_id_change_t  learned;          /* from matches, or from who knew      */
    smpp_id_change_t  candidate;        /* the last match spoke for            */
    uint32_t          votes;            /* that many, in a row                 */
    uint32_t          doubts;           /* against what is known, in a row     */
    smpp_id_change_t  told;             /* what was known at the last receipt  */
    uint64_t          recent[SMPP_ID_RECENT];
} smpp_id_book_t;

typedef struct {
    smpp_id_t         id[SMPP_ID_CHANGES];  /* by change; empty: no such number */
    smpp_id_change_t  best;             /* the one to try first                */
    uint32_t          open;             /* 1: others may be meant              */
    uint32_t          sure;             /* 1: best is known                    */
    uint32_t          changed;          /* 1: what is known has, since the last */
} smpp_reading_t;

void smpp_id_book_init(smpp_id_book_t *book, smpp_id_format_t answer,
    smpp_id_format_t receipt);
/* How receipts are to be read, SMPP_ID_NONE: not known yet. */
smpp_id_change_t smpp_id_known(const smpp_id_book_t *book);
/* Takes over what another worker has learned. */
void smpp_id_believe(smpp_id_book_t *book, smpp_id_change_t change);
/* Normal form of an answer's id, remembered with the number it was for. */
void smpp_id_answer(smpp_id_book_t *book, smpp_id_t *out, sms_str_t raw,
    sms_str_t to);
/* The readings of a receipt's id; "to": the number it speaks of, or empty. */
void smpp_id_receipt(smpp_id_book_t *book, smpp_reading_t *out, sms_str_t raw,
    sms_str_t to);

#endif /* SMPP_RECEIPT_H */
