#include "content_text.h"

#include <stdlib.h>
#include <string.h>

#include <sms/sms_fold.h>
#include <sms/sms_utf8.h>


/* by octet: what it folds to; 0x80 set: part of a word; above ASCII: 0 */
#define D(c)  ((unsigned char) (0x80 | (c)))
#define U(c)  ((unsigned char) (0x80 | ((c) - 32)))
static const unsigned char  content_ascii[256] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, ' ', 10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    ' ', '!', '"', '#', '$', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    D('0'), D('1'), D('2'), D('3'), D('4'), D('5'), D('6'), D('7'), D('8'), D('9'),
    ':', ';', '<', '=', '>', '?', '@',
    D('A'), D('B'), D('C'), D('D'), D('E'), D('F'), D('G'), D('H'), D('I'), D('J'), D('K'),
    D('L'), D('M'), D('N'), D('O'), D('P'), D('Q'), D('R'), D('S'), D('T'), D('U'), D('V'),
    D('W'), D('X'), D('Y'), D('Z'), '[', '\\', ']', '^', '_', '`',
    U('a'), U('b'), U('c'), U('d'), U('e'), U('f'), U('g'), U('h'), U('i'), U('j'), U('k'),
    U('l'), U('m'), U('n'), U('o'), U('p'), U('q'), U('r'), U('s'), U('t'), U('u'), U('v'),
    U('w'), U('x'), U('y'), U('z'), '{', '|', '}', '~', 127
};
#undef D
#undef U


/* in order of code points */
static const struct { uint32_t cp; char latin; }  content_confusables[] = {
#define CONTENT_CONFUSABLE(cp, latin)  { cp, latin },
#include "content_confusable.def"
#undef CONTENT_CONFUSABLE
};

/* Compiled patterns read whole blocks, the last one past the end of the text and
 * without using what is there; it is part of the buffer, and zero.              */
#define CONTENT_BLOCK  16


static int
content_text_room(content_text_t *t, size_t n)
{
    size_t   size;
    char    *room;

    size = (n + 1) * (sizeof(uint32_t) + 1) + (n / 2 + 1) * sizeof(content_word_t)
           + 2 * CONTENT_BLOCK;

    if (size > t->nroom) {
        room = malloc(size * 2);
        if (room == NULL) {
            return -1;
        }
        free(t->room);
        t->room = room;
        t->nroom = size * 2;
    }

    t->words = t->room;
    t->map = (uint32_t *) (void *) (t->words + n / 2 + 1);
    t->folded = (char *) (t->map + n + 1);
    t->folded += -(uintptr_t) t->folded & (CONTENT_BLOCK - 1);

    return 0;
}


/* the Latin letter that a letter of another script looks like, or 0 */
static char
content_text_confusable(uint32_t cp)
{
    size_t  low, high, mid;

    low = 0;
    high = sizeof(content_confusables) / sizeof(content_confusables[0]);

    while (low < high) {
        mid = (low + high) / 2;
        if (content_confusables[mid].cp == cp) {
            return content_confusables[mid].latin;
        }
        if (content_confusables[mid].cp < cp) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }

    return 0;
}


/* ç ğ ı ş Ğ İ Ş: what only a dearer alphabet has */
static int
content_text_turkish(uint32_t cp)
{
    return cp == 0xe7 || cp == 0x11e || cp == 0x11f || cp == 0x130 || cp == 0x131
           || cp == 0x15e || cp == 0x15f;
}


int
content_text_read(content_text_t *t, const char *p, size_t n)
{
    char             out[3], *folded;
    size_t           len;
    uint32_t         cp, at, word, *map;
    unsigned         count, i;
    const char      *begin, *from, *end;
    unsigned char    c, last;

    if (n > UINT32_MAX / 16 || content_text_room(t, n) != 0) {
        return -1;
    }

    t->raw = p;
    t->nraw = n;
    t->nwords = 0;
    t->has_dot = t->has_at = t->turkish = t->foreign = 0;
    t->percent = UINT32_MAX;
    begin = p;
    end = p + n;
    map = t->map;
    folded = t->folded;
    len = 0;
    word = UINT32_MAX;
    last = 0;

    while (p < end) {
        at = (uint32_t) (p - begin);
        c = content_ascii[(unsigned char) *p];

        if (c & 0x80) {
            t->has_dot |= last == '.';
            if (last == '%' && (c & 0x7f) <= '9' && t->percent == UINT32_MAX) {
                t->percent = (uint32_t) len - 1;
            }
            if (word == UINT32_MAX) {
                word = (uint32_t) len;
            }
            last = 'A';

            /* the rest of the word, or what of it is ASCII */
            do {
                c &= 0x7f;
                map[len] = (uint32_t) (p - begin);
                folded[len++] = (char) c;
                p++;
            } while (p < end && (c = content_ascii[(unsigned char) *p]) & 0x80);

            continue;
        }

        if ((unsigned char) *p < 0x80) {
            p++;
            if (c == '%' && len && folded[len - 1] >= '0' && folded[len - 1] <= '9'
                && t->percent == UINT32_MAX)
            {
                t->percent = (uint32_t) len;
            }
            t->has_at |= c == '@';
            last = c == '.' && last != 'A' ? 0 : c;
            if (word != UINT32_MAX) {
                t->words[t->nwords++] = (content_word_t) { word, (uint32_t) len };
                word = UINT32_MAX;
            }
            map[len] = at;
            folded[len++] = (char) c;
            continue;
        }

        from = p;
        cp = sms_utf8_next(&p, end);
        if (cp == SMS_UTF8_BAD) {
            out[0] = '?';
            from = out;
            count = 1;

        } else {
            t->turkish |= (uint8_t) content_text_turkish(cp);
            count = sms_fold_char(cp, out);
            if (count == SMS_FOLD_KEEP && (out[0] = content_text_confusable(cp)) != 0) {
                from = out;
                count = 1;
                t->foreign = 1;

            } else if (count == SMS_FOLD_KEEP) {
                count = (unsigned) (p - from);

            } else {
                from = out;
            }
        }

        for (i = 0; i < count; i++) {
            c = (unsigned char) from[i];
            map[len] = at;
            folded[len] = (char) c;

            if (content_ascii[c] & 0x80) {
                if (word == UINT32_MAX) {
                    word = (uint32_t) len;
                }
                last = 'A';

            } else {
                if (word != UINT32_MAX) {
                    t->words[t->nwords++] = (content_word_t) { word, (uint32_t) len };
                    word = UINT32_MAX;
                }
                last = 0;
            }
            len++;
        }
    }

    if (word != UINT32_MAX) {
        t->words[t->nwords++] = (content_word_t) { word, (uint32_t) len };
    }
    map[len] = (uint32_t) n;
    memset(folded + len, 0, CONTENT_BLOCK);
    t->n = len;
    if (t->percent == UINT32_MAX) {
        t->percent = (uint32_t) len;
    }

    return 0;
}


void
content_text_free(content_text_t *t)
{
    free(t->room);
    memset(t, 0, sizeof(*t));
}


int
content_text_has_digits(const content_text_t *t, uint32_t n)
{
    size_t  i;

    for (i = 0; i < t->n && n; i++) {
        n -= t->folded[i] >= '0' && t->folded[i] <= '9';
    }

    return n == 0;
}


int
content_text_is(const content_text_t *t, uint32_t word, const char *p, size_t n)
{
    return t->words[word].end - t->words[word].begin == n
           && memcmp(t->folded + t->words[word].begin, p, n) == 0;
}


int
content_text_disguised(const content_text_t *t, uint32_t at)
{
    const char  *p;
    char         out[3];
    uint32_t     cp;

    p = t->raw + t->map[at];
    if (!t->foreign || (unsigned char) *p < 0x80) {
        return 0;
    }

    cp = sms_utf8_next(&p, t->raw + t->nraw);

    return cp != SMS_UTF8_BAD && sms_fold_char(cp, out) == SMS_FOLD_KEEP
           && content_text_confusable(cp) != 0;
}
