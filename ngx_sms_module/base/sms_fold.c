#include "sms_fold.h"

#include <string.h>

#include "sms_utf8.h"


#define SMS_FOLD_FIRST  0x00A0u
#define SMS_FOLD_LAST   0x024Fu


/*
 * U+00A0 .. U+024F, two characters each: the folded letter or letters; '.' in
 * the first place means "no ASCII form", a blank in the second "one letter".
 * Rows of eight follow the code charts.
 */
static const char  sms_fold_latin[] =
    /* A0 */ "  . . . . . . . "   /* A8 */ ". . A \" . . . . "
    /* B0 */ ". . . . ' . . . "   /* B8 */ ". . O \" . . . . "
    /* C0 */ "A A A A A A AEC "   /* C8 */ "E E E E I I I I "
    /* D0 */ "D N O O O O O . "   /* D8 */ "O U U U U Y THSS"
    /* E0 */ "A A A A A A AEC "   /* E8 */ "E E E E I I I I "
    /* F0 */ "D N O O O O O . "   /* F8 */ "O U U U U Y THY "
    /* 100 */ "A A A A A A C C "  /* 108 */ "C C C C C C D D "
    /* 110 */ "D D E E E E E E "  /* 118 */ "E E E E G G G G "
    /* 120 */ "G G G G H H H H "  /* 128 */ "I I I I I I I I "
    /* 130 */ "I I IJIJJ J K K "  /* 138 */ "K L L L L L L L "
    /* 140 */ "L L L N N N N N "  /* 148 */ "N N N N O O O O "
    /* 150 */ "O O OEOER R R R "  /* 158 */ "R R S S S S S S "
    /* 160 */ "S S T T T T T T "  /* 168 */ "U U U U U U U U "
    /* 170 */ "U U U U W W Y Y "  /* 178 */ "Y Z Z Z Z Z Z S "
    /* 180 */ "B B B B . . O C "  /* 188 */ "C D D D D . E E "
    /* 190 */ "E F F G . HVI I "  /* 198 */ "K K L . M N N O "
    /* 1A0 */ "O O OIOIP P R . "  /* 1A8 */ ". . . T T T T U "
    /* 1B0 */ "U U V Y Y Z Z . "  /* 1B8 */ ". . . . . . . W "
    /* 1C0 */ ". . . . DZDZDZLJ"  /* 1C8 */ "LJLJNJNJNJA A I "
    /* 1D0 */ "I O O U U U U U "  /* 1D8 */ "U U U U U E A A "
    /* 1E0 */ "A A AEAEG G G G "  /* 1E8 */ "K K O O O O . . "
    /* 1F0 */ "J DZDZDZG G HVW "  /* 1F8 */ "N N A A AEAEO O "
    /* 200 */ "A A A A E E E E "  /* 208 */ "I I I I O O O O "
    /* 210 */ "R R R R U U U U "  /* 218 */ "S S T T . . H H "
    /* 220 */ "N D OUOUZ Z A A "  /* 228 */ "E E O O O O O O "
    /* 230 */ "O O Y Y L N T J "  /* 238 */ "DBQPA C C L T S "
    /* 240 */ "Z . . B U A E E "  /* 248 */ "J J Q Q R R Y Y ";

_Static_assert(sizeof(sms_fold_latin)
               == 2 * (SMS_FOLD_LAST - SMS_FOLD_FIRST + 1) + 1,
               "two characters for each code point");


static unsigned
sms_fold_one(char c, char out[3])
{
    out[0] = c;
    return 1;
}


/* U+2000 and above; only what is found in messages and in attempts to hide words */
static unsigned
sms_fold_symbol(uint32_t cp, char out[3])
{
    if (cp >= 0xFF01 && cp <= 0xFF5E) {
        return sms_fold_char(cp - 0xFF01 + 0x21, out);
    }

    if (cp >= 0x1E00 && cp <= 0x1E95) {
        /* Latin Extended Additional is laid out by base letter */
        static const char  base[] =
            "AABBBBBBCCDDDDDDDDDDEEEEEEEEEEFFGGHHHHHHHHHHIIIIKKKKKK"
            "LLLLLLLLMMMMMMNNNNNNNNOOOOOOOOPPPPRRRRRRRRSSSSSSSSSS"
            "TTTTTTTTUUUUUUUUUUVVVVWWWWWWWWWWXXXXYYZZZZZZ";

        _Static_assert(sizeof(base) == 0x1E95 - 0x1E00 + 2, "one for each");

        return sms_fold_one(base[cp - 0x1E00], out);
    }

    if ((cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029
        || cp == 0x202F || cp == 0x205F || cp == 0x3000)
    {
        return sms_fold_one(' ', out);
    }

    if ((cp >= 0x200B && cp <= 0x200F) || (cp >= 0x202A && cp <= 0x202E)
        || (cp >= 0x2060 && cp <= 0x2064) || cp == 0xFEFF
        || (cp >= 0xFE00 && cp <= 0xFE0F))
    {
        return 0;
    }

    if ((cp >= 0x2010 && cp <= 0x2015) || cp == 0x2212) {
        return sms_fold_one('-', out);
    }

    if ((cp >= 0x2018 && cp <= 0x201B) || cp == 0x2032) {
        return sms_fold_one('\'', out);
    }

    if ((cp >= 0x201C && cp <= 0x201F) || cp == 0x2033) {
        return sms_fold_one('"', out);
    }

    switch (cp) {

    case 0x2024:
        return sms_fold_one('.', out);

    case 0x2026:
        memcpy(out, "...", 3);
        return 3;

    case 0x20AC:
        memcpy(out, "EUR", 3);
        return 3;

    case 0x20BA:
        memcpy(out, "TL", 2);
        return 2;

    case 0x212A:
        return sms_fold_one('K', out);

    case 0x212B:
        return sms_fold_one('A', out);

    case 0x1E97:
        return sms_fold_one('T', out);

    case 0x1E98:
        return sms_fold_one('W', out);

    case 0x1E9E:
        memcpy(out, "SS", 2);
        return 2;
    }

    return SMS_FOLD_KEEP;
}


unsigned
sms_fold_char(uint32_t cp, char out[3])
{
    const char  *pair;

    if (cp < 0x80) {
        if (cp >= 'a' && cp <= 'z') {
            cp -= 'a' - 'A';

        } else if (cp == '\t') {
            cp = ' ';
        }

        return sms_fold_one((char) cp, out);
    }

    if (cp >= SMS_FOLD_FIRST && cp <= SMS_FOLD_LAST) {

        if (cp == 0xAD) {
            return 0;
        }

        pair = &sms_fold_latin[2 * (cp - SMS_FOLD_FIRST)];

        if (pair[0] == '.') {
            return SMS_FOLD_KEEP;
        }

        out[0] = pair[0];
        out[1] = pair[1];

        return pair[1] == ' ' ? 1 : 2;
    }

    if (cp >= 0x0300 && cp <= 0x036F) {
        return 0;
    }

    if (cp >= 0x1E00) {
        return sms_fold_symbol(cp, out);
    }

    return SMS_FOLD_KEEP;
}


size_t
sms_fold(const char *p, size_t n, char *out, uint32_t *map)
{
    char         ascii[3];
    size_t       len;
    uint32_t     cp, at;
    unsigned     count, i;
    const char  *start, *from, *end;

    start = p;
    end = p + n;
    len = 0;

    while (p < end) {
        from = p;
        at = (uint32_t) (p - start);
        cp = sms_utf8_next(&p, end);

        if (cp == SMS_UTF8_BAD) {
            ascii[0] = '?';
            from = ascii;
            count = 1;

        } else {
            count = sms_fold_char(cp, ascii);

            if (count == SMS_FOLD_KEEP) {
                count = (unsigned) (p - from);

            } else {
                from = ascii;
            }
        }

        for (i = 0; i < count; i++) {
            if (map != NULL) {
                map[len] = at;
            }

            out[len++] = from[i];
        }
    }

    if (map != NULL) {
        map[len] = (uint32_t) n;
    }

    return len;
}


typedef struct {
    const char  *p, *end;
    char         ascii[4];
    unsigned     count, used;
} sms_fold_reader_t;


/* The next byte of the folded text, or -1 at its end. */
static int
sms_fold_read(sms_fold_reader_t *r)
{
    uint32_t     cp;
    const char  *from;

    while (r->used == r->count) {

        if (r->p == r->end) {
            return -1;
        }

        from = r->p;
        cp = sms_utf8_next(&r->p, r->end);
        r->used = 0;

        if (cp == SMS_UTF8_BAD) {
            r->ascii[0] = '?';
            r->count = 1;
            continue;
        }

        r->count = sms_fold_char(cp, r->ascii);

        if (r->count == SMS_FOLD_KEEP) {
            r->count = (unsigned) (r->p - from);
            memcpy(r->ascii, from, r->count);
        }
    }

    return (unsigned char) r->ascii[r->used++];
}


int
sms_fold_equal(const char *a, size_t na, const char *b, size_t nb)
{
    int                ca, cb;
    sms_fold_reader_t  ra, rb;

    ra = (sms_fold_reader_t) { a, a + na, { 0 }, 0, 0 };
    rb = (sms_fold_reader_t) { b, b + nb, { 0 }, 0, 0 };

    do {
        ca = sms_fold_read(&ra);
        cb = sms_fold_read(&rb);

    } while (ca == cb && ca != -1);

    return ca == cb;
}
