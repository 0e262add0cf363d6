#include <string.h>

#include "smpp_receipt.h"


static int
smpp_id_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return 16;
}


void
smpp_id_normal(smpp_id_t *out, sms_str_t raw, int as_is)
{
    size_t  i;
    char    c;

    while (raw.len && (raw.ptr[0] == ' ' || raw.ptr[0] == 0)) {
        raw.ptr++;
        raw.len--;
    }

    while (raw.len && (raw.ptr[raw.len - 1] == ' '
                       || raw.ptr[raw.len - 1] == 0))
    {
        raw.len--;
    }

    while (!as_is && raw.len > 1 && raw.ptr[0] == '0') {
        raw.ptr++;
        raw.len--;
    }

    if (raw.len > SMPP_ID_MAX) {
        raw.len = SMPP_ID_MAX;
    }

    for (i = 0; i < raw.len; i++) {
        c = raw.ptr[i];
        out->s[i] = (char) (!as_is && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }

    out->s[i] = 0;
    out->len = (uint8_t) i;
}


int
smpp_id_convert(smpp_id_t *out, const smpp_id_t *in, smpp_id_change_t change)
{
    int       from, to, digit;
    size_t    i, j, n;
    uint8_t   value[SMPP_ID_MAX + 16];      /* digits of "to", lowest first */
    unsigned  carry;

    if (change == SMPP_ID_SAME) {
        *out = *in;
        return 1;
    }

    from = change == SMPP_ID_TO_HEX ? 10 : 16;
    to = change == SMPP_ID_TO_HEX ? 16 : 10;
    n = 0;

    if (in->len == 0) {
        return 0;
    }

    for (i = 0; i < in->len; i++) {
        digit = smpp_id_digit(in->s[i]);

        if (digit >= from) {
            return 0;
        }

        carry = (unsigned) digit;

        for (j = 0; j < n; j++) {
            carry += (unsigned) value[j] * (unsigned) from;
            value[j] = (uint8_t) (carry % (unsigned) to);
            carry /= (unsigned) to;
        }

        while (carry) {
            if (n == SMPP_ID_MAX) {
                return 0;
            }

            value[n++] = (uint8_t) (carry % (unsigned) to);
            carry /= (unsigned) to;
        }
    }

    if (n == 0) {
        value[n++] = 0;
    }

    for (i = 0; i < n; i++) {
        out->s[i] = "0123456789abcdef"[value[n - 1 - i]];
    }

    out->s[n] = 0;
    out->len = (uint8_t) n;

    return 1;
}


/* FNV-1a, 64 bit */
static uint64_t
smpp_id_hash(const smpp_id_t *id)
{
    size_t    i;
    uint64_t  h;

    h = 0xCBF29CE484222325u;

    for (i = 0; i < id->len; i++) {
        h = (h ^ (uint8_t) id->s[i]) * 0x100000001B3u;
    }

    return h ? h : 1;
}


static int
smpp_id_recent(const smpp_id_book_t *book, const smpp_id_t *id)
{
    uint64_t  h;

    h = smpp_id_hash(id);

    return book->recent[h & (SMPP_ID_RECENT - 1)] == h;
}


void
smpp_id_book_init(smpp_id_book_t *book, smpp_id_format_t answer,
    smpp_id_format_t receipt)
{
    memset(book, 0, sizeof(smpp_id_book_t));

    book->answer = answer;
    book->receipt = receipt;

    if (answer == SMPP_ID_HEX && receipt == SMPP_ID_DECIMAL) {
        book->learned = SMPP_ID_TO_HEX;

    } else if (answer == SMPP_ID_DECIMAL && receipt == SMPP_ID_HEX) {
        book->learned = SMPP_ID_TO_DECIMAL;
    }
}


void
smpp_id_answer(smpp_id_book_t *book, smpp_id_t *out, sms_str_t raw)
{
    uint64_t  h;

    smpp_id_normal(out, raw, book->answer == SMPP_ID_AS_IS
                             || book->receipt == SMPP_ID_AS_IS);
    book->letters |= strpbrk(out->s, "abcdef") != NULL
                     && strspn(out->s, "0123456789abcdef") == out->len;
    h = smpp_id_hash(out);
    book->recent[h & (SMPP_ID_RECENT - 1)] = h;
}


/* What one receipt says: the readings of its id that name recent answers.
 * Returns 1 when it changed what is believed.                                */
static int
smpp_id_learn(smpp_id_book_t *book, smpp_id_t *out, const smpp_id_t *same)
{
    int               same_only, changed;
    uint32_t          hits;
    smpp_id_t         reading, hit;
    smpp_id_change_t  change, found;

    hits = 0;
    same_only = 0;
    found = SMPP_ID_SAME;

    for (change = SMPP_ID_SAME; change <= SMPP_ID_TO_DECIMAL; change++) {
        if (!smpp_id_convert(&reading, same, change)
            || !smpp_id_recent(book, &reading))
        {
            continue;
        }

        if (hits && strcmp(reading.s, hit.s) == 0) {
            /* one digit below ten reads the same in every base */
            same_only = 1;
            continue;
        }

        hits++;
        found = change;
        hit = reading;
    }

    if (hits == 1 && same_only) {
        *out = hit;
        return 0;
    }

    if (hits == 1 && (!book->sure || found == book->learned
                      || ++book->doubts >= 3))
    {
        changed = !book->sure || found != book->learned;
        book->learned = found;
        book->sure = 1;
        book->doubts = 0;
        *out = hit;
        return changed;
    }

    change = book->learned;

    if (hits > 1 && !book->sure && book->letters) {
        /* digits alone where answers have letters: most likely decimal */
        change = SMPP_ID_TO_HEX;
    }

    if (!smpp_id_convert(out, same, change)) {
        *out = *same;
    }

    return 0;
}


int
smpp_id_receipt(smpp_id_book_t *book, smpp_id_t *out, sms_str_t raw)
{
    smpp_id_t  same;

    if (book->answer == SMPP_ID_AS_IS || book->receipt == SMPP_ID_AS_IS) {
        smpp_id_normal(out, raw, 1);
        return 0;
    }

    smpp_id_normal(&same, raw, 0);

    if (book->answer == SMPP_ID_AUTO || book->receipt == SMPP_ID_AUTO) {
        return smpp_id_learn(book, out, &same);
    }

    if (!smpp_id_convert(out, &same, book->learned)) {
        *out = same;
    }

    return 0;
}
