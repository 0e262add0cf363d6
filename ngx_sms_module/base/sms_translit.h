/*
 * sms_translit.h - Turkish text with fewer or no Turkish letters.
 *
 * Written for cost: a letter that is not in the GSM default alphabet makes the
 * whole message dearer.  Case is kept.  Every replacement is at most as long as
 * the original in bytes, so a buffer of n bytes is always enough.  The text
 * must be valid UTF-8; malformed bytes are copied.
 */
#ifndef SMS_TRANSLIT_H
#define SMS_TRANSLIT_H

#include <stddef.h>


/* the seven letters that the default alphabet lacks: ç Ğ ğ İ ı Ş ş */
#define SMS_TRANSLIT_MINIMAL   0x01u
/* all Turkish letters, also those that cost nothing: Ç Ö ö Ü ü */
#define SMS_TRANSLIT_FULL      0x02u
/* â î û and their capitals -> a i u */
#define SMS_TRANSLIT_ACCENTS   0x04u
/* € -> EUR, ₺ -> TL */
#define SMS_TRANSLIT_CURRENCY  0x08u
/* curly quotes -> ' ", dashes -> -, ellipsis -> ..., NBSP and TAB -> space, ₺ -> TL */
#define SMS_TRANSLIT_PUNCT     0x10u


/*
 * Returns the length written to "out" (room for n bytes; may be the text
 * itself).  *changed, if not NULL, is the number of characters replaced.
 */
size_t sms_translit(const char *p, size_t n, unsigned flags, char *out,
    size_t *changed);


#endif /* SMS_TRANSLIT_H */
