#include "sms_segment.h"

#include <string.h>

#include <utf8proc.h>

#include "sms_gsm7.h"
#include "sms_utf8.h"


#define SMS_SEGMENT_OCTETS  140

/* encodings in order of dearness; index of sms_segment_scan_t */
#define SMS_SEGMENT_NENC         5

#define SMS_SEGMENT_ONES         UINT64_C(0x0101010101010101)


typedef struct {
    uint64_t  units[SMS_SEGMENT_NENC];
    uint32_t  missing[SMS_SEGMENT_NENC];        /* offset of the first character
                                                   without code, and its length;
                                                   0: none                      */
    uint16_t  missing_len[SMS_SEGMENT_NENC];
    int       wide;                             /* graphemes are possible       */
} sms_segment_scan_t;


/* a character or a grapheme */
typedef struct {
    const char  *begin;
    const char  *end;
    unsigned     units;
} sms_segment_chunk_t;


typedef struct {
    const char           *start, *end;
    unsigned              encoding;
    unsigned              capacity;
    unsigned              suffix;
    int                   graphemes;
    sms_segment_part_t   *parts;        /* NULL: count only                     */
    size_t                cap;
    unsigned              last;         /* units of the last part               */
} sms_segment_layout_t;


static const unsigned  sms_segment_tables[SMS_SEGMENT_NENC] = {
    0, SMS_GSM7_DEFAULT, SMS_GSM7_SHIFT_TR, SMS_GSM7_LOCK_TR, 0
};


static int
sms_segment_profile_check(const sms_segment_profile_t *pf)
{
    char      c;
    unsigned  i;

    if (pf->shift > SMS_SEGMENT_SHIFT_NONE || pf->force > SMS_SEGMENT_UCS2
        || (pf->ref_bits != 0 && pf->ref_bits != 8 && pf->ref_bits != 16)
        || pf->suffix > SMS_SEGMENT_SUFFIX_MAX)
    {
        return SMS_SEGMENT_E_PROFILE;
    }

    if (pf->append != NULL) {
        for (i = 0; i < pf->suffix; i++) {
            c = pf->append[i];

            /* one unit in every table, so that counting needs no text */
            if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
                  || (c >= '0' && c <= '9') || c == ' ' || c == '.'
                  || c == '-'))
            {
                return SMS_SEGMENT_E_PROFILE;
            }
        }
    }

    return SMS_SEGMENT_OK;
}


unsigned
sms_segment_capacity(unsigned encoding, unsigned ref_bits, int several)
{
    unsigned  header;

    header = 0;

    if (encoding == SMS_SEGMENT_TR_SINGLE
        || encoding == SMS_SEGMENT_TR_LOCKING)
    {
        header += 3;
    }

    if (several) {
        header += (ref_bits == 16) ? 6 : 5;
    }

    if (header) {
        header++;
    }

    if (encoding == SMS_SEGMENT_UCS2) {
        return (SMS_SEGMENT_OCTETS - header) / 2;
    }

    return (8 * SMS_SEGMENT_OCTETS - 8 * header) / 7;
}


static unsigned
sms_segment_cost(uint32_t cp, unsigned encoding)
{
    if (encoding == SMS_SEGMENT_UCS2) {
        return cp > 0xFFFF ? 2 : 1;
    }

    return sms_gsm7_cost(cp, sms_segment_tables[encoding]);
}


/* most of any text: ASCII that costs one unit whatever the encoding is */
static int
sms_segment_is_plain(char c)
{
    return (c >= ' ' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'
           || c == '\n' || c == '\r';
}


/* How many bytes at p are surely plain: most are, eight at a time. */
static size_t
sms_segment_plain(const char *p, size_t n)
{
    size_t    i;
    uint64_t  word, found;

    for (i = 0; n - i >= 8; i += 8) {
        memcpy(&word, p + i, 8);

        /* below ' ', above 'z' or between 'Z' and '`', and '`' */
        found = word | (word - SMS_SEGMENT_ONES * ' ')
                | ((word | SMS_SEGMENT_ONES * 0x20) + SMS_SEGMENT_ONES * 5)
                | ((word ^ SMS_SEGMENT_ONES * '`') - SMS_SEGMENT_ONES);
        found &= SMS_SEGMENT_ONES * 0x80;

        if (found) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            /* what a byte borrows or carries goes to those behind it */
            i += (size_t) __builtin_ctzll(found) / 8;
#endif
            break;
        }
    }

    return i;
}


static int
sms_segment_scan(const char *p, size_t n, sms_segment_scan_t *sc)
{
    uint32_t     cp;
    unsigned     enc, cost[SMS_SEGMENT_NENC];
    uint64_t     plain;
    const char  *start, *end, *from;

    memset(sc, 0, sizeof(sms_segment_scan_t));

    start = p;
    end = p + n;
    plain = 0;

    while (p < end) {

        from = p;
        p += sms_segment_plain(p, (size_t) (end - p));

        while (p < end && sms_segment_is_plain(*p)) {
            p++;
        }

        plain += (uint64_t) (p - from);

        if (p == end) {
            break;
        }

        from = p;
        cp = sms_utf8_next(&p, end);

        if (cp == SMS_UTF8_BAD) {
            return SMS_SEGMENT_E_UTF8;
        }

        if (cp >= 0x300) {
            sc->wide = 1;
        }

        sms_gsm7_costs(cp, &cost[SMS_SEGMENT_GSM7]);
        cost[SMS_SEGMENT_UCS2] = cp > 0xFFFF ? 2 : 1;

        for (enc = SMS_SEGMENT_GSM7; enc <= SMS_SEGMENT_UCS2; enc++) {

            if (cost[enc] == 0 && sc->missing_len[enc] == 0) {
                sc->missing[enc] = (uint32_t) (from - start);
                sc->missing_len[enc] = (uint16_t) (p - from);
            }

            sc->units[enc] += cost[enc];
        }
    }

    for (enc = SMS_SEGMENT_GSM7; enc <= SMS_SEGMENT_UCS2; enc++) {
        sc->units[enc] += plain;
    }

    return SMS_SEGMENT_OK;
}


static unsigned
sms_segment_choose(const sms_segment_profile_t *pf,
    const sms_segment_scan_t *sc)
{
    if (pf->force != SMS_SEGMENT_AUTO) {
        return pf->force;
    }

    if (sc->missing_len[SMS_SEGMENT_GSM7] == 0) {
        return SMS_SEGMENT_GSM7;
    }

    if (pf->shift == SMS_SEGMENT_SHIFT_LOCKING
        && sc->missing_len[SMS_SEGMENT_TR_LOCKING] == 0)
    {
        return SMS_SEGMENT_TR_LOCKING;
    }

    /* what the locking table has, single shift has too, but not the reverse */

    if (pf->shift != SMS_SEGMENT_SHIFT_NONE
        && sc->missing_len[SMS_SEGMENT_TR_SINGLE] == 0)
    {
        return SMS_SEGMENT_TR_SINGLE;
    }

    return SMS_SEGMENT_UCS2;
}


static void
sms_segment_culprit(const sms_segment_profile_t *pf,
    const sms_segment_scan_t *sc, sms_segment_t *s)
{
    unsigned  enc;

    enc = SMS_SEGMENT_GSM7;

    if (s->encoding == SMS_SEGMENT_UCS2
        && pf->shift != SMS_SEGMENT_SHIFT_NONE
        && sc->missing_len[SMS_SEGMENT_TR_SINGLE] != 0)
    {
        /* taking away a Turkish letter before it would not help */
        enc = SMS_SEGMENT_TR_SINGLE;
    }

    s->costly = sc->missing[enc];
    s->costly_len = sc->missing_len[enc];
}


static void
sms_segment_chunk(const sms_segment_layout_t *l, const char *p,
    sms_segment_chunk_t *c)
{
    uint32_t          cp, next;
    const char       *q;
    utf8proc_int32_t  state;

    c->begin = p;

    if (!l->graphemes && sms_segment_is_plain(*p)) {
        c->end = p + 1;
        c->units = 1;
        return;
    }

    cp = sms_utf8_next(&p, l->end);
    c->units = sms_segment_cost(cp, l->encoding);
    state = 0;

    while (l->graphemes && p < l->end) {
        q = p;
        next = sms_utf8_next(&q, l->end);

        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t) cp,
                                             (utf8proc_int32_t) next, &state))
        {
            break;
        }

        c->units += sms_segment_cost(next, l->encoding);
        cp = next;
        p = q;
    }

    c->end = p;
}


static void
sms_segment_emit(const sms_segment_layout_t *l, size_t i, const char *begin,
    const char *end, unsigned units)
{
    if (l->parts != NULL && i < l->cap) {
        l->parts[i].begin = (uint32_t) (begin - l->start);
        l->parts[i].len = (uint32_t) (end - begin);
        l->parts[i].units = (uint16_t) units;
    }
}


/*
 * Fills parts of l->capacity units greedily and returns how many, at most
 * SMS_SEGMENT_PARTS_MAX + 1.  0: a grapheme is too large to be kept whole.
 */
static unsigned
sms_segment_layout(sms_segment_layout_t *l)
{
    unsigned             used, count;
    const char          *p, *begin;
    sms_segment_chunk_t  c;

    c = (sms_segment_chunk_t) { l->start, l->start, 0 };
    begin = l->start;
    count = 1;
    used = 0;

    for (p = l->start; p < l->end; p = c.end) {
        sms_segment_chunk(l, p, &c);

        if (c.units > l->capacity) {
            return 0;
        }

        if (used + c.units > l->capacity) {
            sms_segment_emit(l, count - 1, begin, c.begin, used);

            if (++count > SMS_SEGMENT_PARTS_MAX) {
                return count;
            }

            begin = c.begin;
            used = 0;
        }

        used += c.units;
    }

    if (used + l->suffix > l->capacity) {
        /*
         * The suffix is not split, and a part with nothing but the suffix
         * cannot be sent where the operator adds it: the last character goes
         * along.  The count is that of a suffix that is filled in as text.
         */
        if (c.begin == begin || c.units + l->suffix > l->capacity) {
            return 0;
        }

        sms_segment_emit(l, count - 1, begin, c.begin, used - c.units);
        count++;
        begin = c.begin;
        used = c.units;
    }

    l->last = used + l->suffix;
    sms_segment_emit(l, count - 1, begin, l->end, l->last);

    return count;
}


int
sms_segment_count(const sms_segment_profile_t *pf, const char *p, size_t n,
    sms_segment_t *s, sms_segment_part_t *parts, size_t cap)
{
    int                   rc;
    unsigned              max, whole;
    uint64_t              units;
    sms_segment_scan_t    sc;
    sms_segment_layout_t  l;

    memset(s, 0, sizeof(sms_segment_t));

    rc = sms_segment_profile_check(pf);
    if (rc != SMS_SEGMENT_OK) {
        return rc;
    }

    if (n > INT32_MAX) {
        s->parts = SMS_SEGMENT_PARTS_MAX + 1;
        return SMS_SEGMENT_E_TOO_LONG;
    }

    rc = sms_segment_scan(p, n, &sc);
    if (rc != SMS_SEGMENT_OK) {
        return rc;
    }

    s->encoding = (uint8_t) sms_segment_choose(pf, &sc);
    s->ref_bits = (pf->ref_bits == 16) ? 16 : 8;
    s->single = (uint16_t) sms_segment_capacity(s->encoding, s->ref_bits, 0);
    s->multi = (uint16_t) sms_segment_capacity(s->encoding, s->ref_bits, 1);

    if (sc.missing_len[s->encoding]) {
        s->costly = sc.missing[s->encoding];
        s->costly_len = sc.missing_len[s->encoding];
        return SMS_SEGMENT_E_ENCODING;
    }

    if (s->encoding != SMS_SEGMENT_GSM7) {
        sms_segment_culprit(pf, &sc, s);
    }

    units = sc.units[s->encoding] + pf->suffix;
    s->units = (uint32_t) units;

    l = (sms_segment_layout_t) { p, p + n, s->encoding, s->single, pf->suffix,
                                 0, parts, cap, 0 };

    if (units <= s->single) {
        s->parts = 1;
        s->left = (uint16_t) (s->single - units);
        sms_segment_emit(&l, 0, p, p + n, (unsigned) units);
        return SMS_SEGMENT_OK;
    }

    l.capacity = s->multi;
    s->parts = (uint16_t) sms_segment_layout(&l);

    if (s->parts > SMS_SEGMENT_PARTS_MAX) {
        return SMS_SEGMENT_E_TOO_LONG;
    }

    s->left = (uint16_t) (s->multi - l.last);

    if (s->encoding == SMS_SEGMENT_UCS2 && sc.wide) {
        /* graphemes stay whole if that is free */
        l.graphemes = 1;
        l.parts = NULL;
        whole = sms_segment_layout(&l);

        if (whole == s->parts) {
            s->left = (uint16_t) (s->multi - l.last);
            l.parts = parts;
            (void) sms_segment_layout(&l);
        }
    }

    max = pf->max_parts ? pf->max_parts : SMS_SEGMENT_PARTS_DEFAULT;

    return s->parts > max ? SMS_SEGMENT_E_TOO_LONG : SMS_SEGMENT_OK;
}
