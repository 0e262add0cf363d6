/*
 * content_text.h - one text, folded and cut into words in one pass.
 *
 * "folded" is what sms_fold() gives (upper-case ASCII, map of offsets); a word
 * is a run of A-Z and 0-9 in it, so spaces, dots, line ends, emoji and letters
 * of other scripts all part words.  Characters that nobody sees (soft hyphen,
 * zero width) do not, and letters of other scripts that look like Latin ones are
 * these: a Cyrillic "а" in a word or a link is there to hide it.
 */
#ifndef CONTENT_TEXT_H
#define CONTENT_TEXT_H

#include <stddef.h>
#include <stdint.h>


typedef struct { uint32_t begin, end; } content_word_t;         /* in folded      */

typedef struct {
    const char      *raw;
    size_t           nraw;
    char            *folded;
    uint32_t        *map;               /* of folded[i] in raw; map[n] is nraw    */
    size_t           n;
    content_word_t  *words;
    uint32_t         nwords;
    uint32_t         percent;           /* of a % beside a digit, in folded; n: none */
    uint8_t          has_dot;           /* a '.' between two characters of words  */
    uint8_t          has_at;
    uint8_t          turkish;           /* has a letter that GSM 7-bit lacks      */
    uint8_t          foreign;           /* has a letter that only looks Latin     */
    void            *room;
    size_t           nroom;
} content_text_t;


/* Cuts another text; keeps its memory.  0, or -1 without memory. */
int content_text_read(content_text_t *t, const char *p, size_t n);

void content_text_free(content_text_t *t);

/* 1 when it has so many digits, or more */
int content_text_has_digits(const content_text_t *t, uint32_t n);

/* 1 when the word is exactly this (folded) */
int content_text_is(const content_text_t *t, uint32_t word, const char *p, size_t n);

/* 1 when the octet of folded comes from a letter that only looks Latin */
int content_text_disguised(const content_text_t *t, uint32_t at);


#endif /* CONTENT_TEXT_H */
