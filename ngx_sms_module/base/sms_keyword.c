#include "sms_keyword.h"

#include <string.h>

#include "sms_fold.h"


/* a word is a byte and a separator at least */
#define SMS_KEYWORD_WORDS_MAX  (SMS_KEYWORD_TEXT_MAX / 2 + 1)


typedef struct {
    const char  *p;
    size_t       n;
} sms_keyword_word_t;


typedef struct {
    const char  *word;          /* folded; no brand may be called so      */
    int          kind;
} sms_keyword_row_t;


static const sms_keyword_row_t  sms_keyword_rows[] = {
    { "RET", SMS_KEYWORD_RET },
    { "RED", SMS_KEYWORD_RET },
    { "IPTAL", SMS_KEYWORD_RET },
    { "HAYIR", SMS_KEYWORD_RET },
    { "DUR", SMS_KEYWORD_RET },
    { "STOP", SMS_KEYWORD_RET },
    { "CIK", SMS_KEYWORD_RET },
    { "CIKAR", SMS_KEYWORD_RET },
    { "ISTEMIYORUM", SMS_KEYWORD_RET },
    { "REDDEDIYORUM", SMS_KEYWORD_RET },
    { "REDDET", SMS_KEYWORD_RET },
    { "CANCEL", SMS_KEYWORD_RET },
    { "UNSUBSCRIBE", SMS_KEYWORD_RET },
    { "ONAY", SMS_KEYWORD_ONAY },
    { "ONAYLA", SMS_KEYWORD_ONAY },
    { "EVET", SMS_KEYWORD_ONAY },
    { "KABUL", SMS_KEYWORD_ONAY }
};


static const sms_keyword_row_t *
sms_keyword_find(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < sizeof(sms_keyword_rows) / sizeof(sms_keyword_rows[0]); i++)
    {
        if (strlen(sms_keyword_rows[i].word) == n
            && memcmp(sms_keyword_rows[i].word, p, n) == 0)
        {
            return &sms_keyword_rows[i];
        }
    }

    return NULL;
}


/* "RET1", "4605RET": digits at either end do not hide a word of the table */
static const sms_keyword_row_t *
sms_keyword_find_bare(const char *p, size_t n)
{
    while (n && p[0] >= '0' && p[0] <= '9') {
        p++;
        n--;
    }

    while (n && p[n - 1] >= '0' && p[n - 1] <= '9') {
        n--;
    }

    return sms_keyword_find(p, n);
}


static int
sms_keyword_is_letter(char c)
{
    /* other scripts are not folded: bytes above 0x7F belong to words */

    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c & 0x80);
}


/* 1: dots between single letters, "R.E.T.": one word without its dots */
static int
sms_keyword_is_dotted(const char *p, size_t n)
{
    size_t  i;

    if (n < 3) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (i % 2 ? p[i] != '.' : !sms_keyword_is_letter(p[i])) {
            return 0;
        }
    }

    return 1;
}


/*
 * Cuts folded text into words.  "R.E.T" becomes one, and so do the letters of
 * "R E T", if they are a word of the table; the bytes are moved together in p.
 */
static size_t
sms_keyword_cut(char *p, size_t n, sms_keyword_word_t *words)
{
    size_t  i, j, k, from, count;

    count = 0;
    i = 0;

    while (i < n && count < SMS_KEYWORD_WORDS_MAX) {

        if (!sms_keyword_is_letter(p[i])) {
            i++;
            continue;
        }

        from = i;

        while (i < n && (sms_keyword_is_letter(p[i]) || p[i] == '.')) {
            i++;
        }

        if (sms_keyword_is_dotted(p + from, i - from)) {

            for (k = 0, j = from; j < i; j += 2) {
                p[from + k++] = p[j];
            }

            words[count].p = p + from;
            words[count++].n = k;
            continue;
        }

        i = from;

        while (i < n && sms_keyword_is_letter(p[i])) {
            i++;
        }

        words[count].p = p + from;
        words[count++].n = i - from;
    }

    return count;
}


/* "I P T A L": the single letters from words[at] that spell a word; 0: none */
static size_t
sms_keyword_spelled(const sms_keyword_word_t *words, size_t count, size_t at,
    const sms_keyword_row_t **row)
{
    char    buf[16];
    size_t  n;

    for (n = 0; at + n < count && n < sizeof(buf); n++) {

        if (words[at + n].n != 1) {
            break;
        }

        buf[n] = words[at + n].p[0];

        *row = sms_keyword_find(buf, n + 1);

        if (*row != NULL) {
            return n + 1;
        }
    }

    return 0;
}


static size_t
sms_keyword_fold(const char *p, size_t n, char *out)
{
    if (n > SMS_KEYWORD_TEXT_MAX) {
        n = SMS_KEYWORD_TEXT_MAX;
    }

    return sms_fold(p, n, out, NULL);
}


/* One stretch of a text; the words that are left over go to the keyword. */
static void
sms_keyword_stretch(const char *p, size_t n, int keep, sms_keyword_t *k)
{
    char                      folded[SMS_KEYWORD_TEXT_MAX];
    size_t                    i, count, used;
    sms_keyword_word_t        words[SMS_KEYWORD_WORDS_MAX];
    const sms_keyword_row_t  *row;

    n = sms_keyword_fold(p, n, folded);
    count = sms_keyword_cut(folded, n, words);

    for (i = 0; i < count; i += used) {
        used = 1;
        row = sms_keyword_find_bare(words[i].p, words[i].n);

        if (row == NULL) {
            used = sms_keyword_spelled(words, count, i, &row);

            if (used == 0) {
                used = 1;
                row = NULL;
            }
        }

        if (row != NULL) {
            if (k->kind != SMS_KEYWORD_RET) {
                k->kind = row->kind;
            }

            continue;
        }

        if (!keep) {
            continue;
        }

        if (k->len) {
            k->keyword[k->len++] = ' ';
        }

        memcpy(k->keyword + k->len, words[i].p, words[i].n);
        k->len += words[i].n;
    }
}


void
sms_keyword_parse(const char *p, size_t n, sms_keyword_t *k)
{
    size_t  from, len;

    k->kind = SMS_KEYWORD_OTHER;
    k->len = 0;

    for (from = 0; from < n; from += len) {
        len = n - from;

        if (len > SMS_KEYWORD_TEXT_MAX) {
            len = SMS_KEYWORD_TEXT_MAX;

            /* a stretch ends with a space, so that no word is made by cutting */
            while (len > 1 && p[from + len - 1] != ' ') {
                len--;
            }

            if (len == 1) {
                len = SMS_KEYWORD_TEXT_MAX;
            }
        }

        sms_keyword_stretch(p + from, len, from == 0, k);
    }

    k->keyword[k->len] = '\0';
}


/* The words of a registered keyword, joined by "joint" ('\0': by nothing). */
static size_t
sms_keyword_join(const sms_keyword_word_t *words, size_t count, char joint,
    char *out)
{
    size_t  i, len;

    len = 0;

    for (i = 0; i < count; i++) {

        if (len && joint) {
            out[len++] = joint;
        }

        memcpy(out + len, words[i].p, words[i].n);
        len += words[i].n;
    }

    return len;
}


/* 1 when "w" stands in the keyword as whole words */
static int
sms_keyword_has(const sms_keyword_t *k, const char *w, size_t n)
{
    size_t  i;

    if (n == 0 || n > k->len) {
        return 0;
    }

    for (i = 0; i + n <= k->len; i++) {

        if ((i == 0 || k->keyword[i - 1] == ' ')
            && (i + n == k->len || k->keyword[i + n] == ' ')
            && memcmp(k->keyword + i, w, n) == 0)
        {
            return 1;
        }
    }

    return 0;
}


int
sms_keyword_names(const sms_keyword_t *k, const char *p, size_t n)
{
    char                folded[SMS_KEYWORD_TEXT_MAX];
    char                joined[SMS_KEYWORD_TEXT_MAX + 1];
    size_t              count, i, j, len;
    sms_keyword_word_t  words[SMS_KEYWORD_WORDS_MAX];

    n = sms_keyword_fold(p, n, folded);
    count = sms_keyword_cut(folded, n, words);

    len = sms_keyword_join(words, count, ' ', joined);

    if (sms_keyword_has(k, joined, len)) {
        return 1;
    }

    /* ORNEKMAGAZA for ORNEK MAGAZA, and the other way round */

    len = sms_keyword_join(words, count, '\0', joined);

    if (sms_keyword_has(k, joined, len)) {
        return 1;
    }

    for (i = 0, j = 0; i < k->len && j < len; i++) {

        if (k->keyword[i] == ' ') {
            continue;
        }

        if (k->keyword[i] != joined[j]) {
            return 0;
        }

        j++;
    }

    return len != 0 && i == k->len && j == len;
}


int
sms_keyword_reserved(const char *p, size_t n)
{
    char                      folded[SMS_KEYWORD_TEXT_MAX];
    size_t                    count;
    sms_keyword_word_t        words[SMS_KEYWORD_WORDS_MAX];

    n = sms_keyword_fold(p, n, folded);
    count = sms_keyword_cut(folded, n, words);

    return count == 1 && sms_keyword_find(words[0].p, words[0].n) != NULL;
}
