/*
 * sms_keyword.h - what a reply like "ORNEK RET" means.
 *
 * People write "Örnek ret", "RET ORNEK", "ret.", "R.E.T", "iptal".  The text is
 * folded (sms_fold.h), cut into words at everything that is neither letter nor
 * digit, and searched for a word of refusal or approval anywhere.  Refusal
 * wins over approval: a RET is never lost.  The other words are the keyword.
 */
#ifndef SMS_KEYWORD_H
#define SMS_KEYWORD_H

#include <stddef.h>


#define SMS_KEYWORD_TEXT_MAX  512       /* the keyword is taken from the first so
                                           many bytes; refusals are found anywhere */

enum {
    SMS_KEYWORD_OTHER = 0,      /* neither; the keyword holds all words           */
    SMS_KEYWORD_RET,
    SMS_KEYWORD_ONAY
};

typedef struct {
    int     kind;
    size_t  len;                        /* of keyword; 0: none, a bare RET        */
    char    keyword[SMS_KEYWORD_TEXT_MAX + 1];  /* words joined by single spaces,
                                           folded, NUL-terminated                 */
} sms_keyword_t;


void sms_keyword_parse(const char *p, size_t n, sms_keyword_t *k);

/*
 * 1 when the words of a registered keyword ("ORNEK", "Örnek Mağaza") stand in
 * the parsed one, in this order, side by side, or written as one word.
 */
int sms_keyword_names(const sms_keyword_t *k, const char *p, size_t n);

/* 1 for words that no brand may register: RET, IPTAL, ONAY, EVET ... */
int sms_keyword_reserved(const char *p, size_t n);


#endif /* SMS_KEYWORD_H */
