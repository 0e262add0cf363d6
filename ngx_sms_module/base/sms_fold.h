/*
 * sms_fold.h - one form for everything that is compared with a word list.
 *
 * Turkish text is matched as upper-case ASCII, because "I/i/İ/ı" makes every
 * case-insensitive comparison wrong in one language or the other:
 *
 *   ç Ç -> C   ğ Ğ -> G   ı I i İ -> I   ö Ö -> O   ş Ş -> S   ü Ü -> U
 *   other accented Latin letters -> their base letter, ß -> SS, æ -> AE
 *   full-width letters and digits -> ASCII; curly and angle quotes, dashes -> ' " -
 *   Unicode spaces, TAB -> one space each;  ... -> three dots;  ₺ -> TL, € -> EUR
 *   combining marks, soft hyphen, zero-width characters -> dropped
 *   any other character stays as it is; a malformed byte becomes '?'
 *
 * The result is never longer than the text, in bytes.
 */
#ifndef SMS_FOLD_H
#define SMS_FOLD_H

#include <stddef.h>
#include <stdint.h>


/*
 * Folds p[0..n) into "out", which has room for n bytes, and returns the length.
 *
 * "map" may be NULL, else it has room for n + 1 entries: map[i] is the offset
 * in the text of the character that out[i] came from, and map[length] is n.  So
 * a match out[a..b) lies in the text at map[a] .. map[b]; characters that were
 * dropped inside or right behind the match belong to it.
 *
 * Texts of 4 GiB and more are not supported (the map is 32 bits).
 */
size_t sms_fold(const char *p, size_t n, char *out, uint32_t *map);

/*
 * One code point: 0 to 3 ASCII characters into "out", and their number;
 * SMS_FOLD_KEEP when the character has no ASCII form.
 */
#define SMS_FOLD_KEEP  0xFFu
unsigned sms_fold_char(uint32_t cp, char out[3]);

/* 1 when both texts fold to the same bytes; allocates nothing */
int sms_fold_equal(const char *a, size_t na, const char *b, size_t nb);


#endif /* SMS_FOLD_H */
