#include <string.h>

#include "smpp_receipt.h"


const char *const  smpp_id_words[SMPP_ID_CHANGES] = {
    "same", "to_hex", "to_decimal"
};


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
smpp_id_hash(const char *p, size_t n)
{
    size_t    i;
    uint64_t  h;

    h = 0xCBF29CE484222325u;

    for (i = 0; i < n; i++) {
        h = (h ^ (uint8_t) p[i]) * 0x100000001B3u;
    }

    return h;
}


/* The last ten digits: with or without the country, "00" or "+" before it. */
static uint32_t
smpp_id_hash_number(sms_str_t to)
{
    size_t  i;

    for (i = 0; i < to.len; i++) {
        if ((to.ptr[i] < '0' || to.ptr[i] > '9') && (i || to.ptr[i] != '+')) {
            /* a sender: receipts of this operator do not name the recipient */
            return 0;
        }
    }

    if (to.len < 7) {
        return 0;
    }

    i = to.len > 10 ? to.len - 10 : 0;

    return (uint32_t) smpp_id_hash(to.ptr + i, to.len - i) | 1;
}


/* An answer that is remembered: half of the id's hash, half of the number's. */
static int
smpp_id_recent(const smpp_id_book_t *book, const smpp_id_t *id, uint32_t to)
{
    uint64_t  h, kept;

    h = smpp_id_hash(id->s, id->len);
    kept = book->recent[h & (SMPP_ID_RECENT - 1)];

    return kept && kept >> 32 == h >> 32
           && (to == 0 || to == (uint32_t) kept);
}


static void
smpp_id_note(smpp_id_side_t *side, const smpp_id_t *id)
{
    if (strspn(id->s, "0123456789") == id->len) {
        side->digits += id->len > 1 && side->digits < SMPP_ID_DIGITS;

    } else if (strspn(id->s, "0123456789abcdef") == id->len) {
        side->letters = 1;

    } else {
        side->other = 1;
    }
}


static smpp_id_format_t
smpp_id_format(const smpp_id_side_t *side)
{
    if (side->format != SMPP_ID_AUTO) {
        return side->format;
    }

    return side->letters ? SMPP_ID_HEX
           : side->digits == SMPP_ID_DIGITS ? SMPP_ID_DECIMAL : SMPP_ID_AUTO;
}


static int
smpp_id_possible(smpp_id_format_t answer, smpp_id_format_t receipt,
    smpp_id_change_t change)
{
    switch (change) {

    case SMPP_ID_TO_HEX:
        return (answer == SMPP_ID_HEX || answer == SMPP_ID_AUTO)
               && (receipt == SMPP_ID_DECIMAL || receipt == SMPP_ID_AUTO);

    case SMPP_ID_TO_DECIMAL:
        return (answer == SMPP_ID_DECIMAL || answer == SMPP_ID_AUTO)
               && (receipt == SMPP_ID_HEX || receipt == SMPP_ID_AUTO);

    default:
        return answer == receipt || answer == SMPP_ID_AUTO
               || receipt == SMPP_ID_AUTO;
    }
}


smpp_id_change_t
smpp_id_known(const smpp_id_book_t *book)
{
    smpp_id_format_t  answer, receipt;
    smpp_id_change_t  change, last;

    if (book->answer.other) {
        return SMPP_ID_SAME;
    }

    answer = smpp_id_format(&book->answer);
    receipt = smpp_id_format(&book->receipt);

    if (answer == SMPP_ID_AUTO || receipt == SMPP_ID_AUTO) {
        return book->learned != SMPP_ID_NONE
               && smpp_id_possible(answer, receipt, book->learned)
               ? book->learned : SMPP_ID_NONE;
    }

    last = SMPP_ID_SAME;

    for (change = SMPP_ID_SAME; change < SMPP_ID_CHANGES; change++) {
        if (smpp_id_possible(answer, receipt, change)) {
            last = change;
        }
    }

    return last;
}


static void
smpp_id_forget(smpp_id_book_t *book)
{
    book->answer = (smpp_id_side_t) { book->answer.format, 0, 0, 0 };
    book->receipt = (smpp_id_side_t) { book->receipt.format, 0, 0, 0 };
    book->learned = SMPP_ID_NONE;
    book->candidate = SMPP_ID_NONE;
    book->votes = 0;
    book->doubts = 0;
}


void
smpp_id_book_init(smpp_id_book_t *book, smpp_id_format_t answer,
    smpp_id_format_t receipt)
{
    memset(book, 0, sizeof(smpp_id_book_t));

    book->answer.format = answer;
    book->receipt.format = receipt;
    smpp_id_forget(book);
    book->told = smpp_id_known(book);
}


void
smpp_id_believe(smpp_id_book_t *book, smpp_id_change_t change)
{
    book->learned = change;
    book->told = smpp_id_known(book);
}


/* Also an answer may have been what was missing. */
static smpp_id_change_t
smpp_id_tell(smpp_id_book_t *book, smpp_reading_t *r)
{
    smpp_id_change_t  known;

    known = smpp_id_known(book);
    r->changed = known != book->told;
    book->told = known;

    return known;
}


void
smpp_id_answer(smpp_id_book_t *book, smpp_id_t *out, sms_str_t raw,
    sms_str_t to)
{
    uint64_t  h;

    smpp_id_normal(out, raw, book->answer.format == SMPP_ID_AS_IS);
    smpp_id_note(&book->answer, out);
    h = smpp_id_hash(out->s, out->len);
    book->recent[h & (SMPP_ID_RECENT - 1)]
        = (h >> 32) << 32 | smpp_id_hash_number(to);
}


/* One match: for what is known, against it, or towards knowing it. */
static void
smpp_id_match(smpp_id_book_t *book, smpp_id_change_t match, uint32_t weight)
{
    smpp_id_change_t  known;

    known = smpp_id_known(book);

    if (known == match) {
        book->doubts = 0;

    } else if (known != SMPP_ID_NONE) {
        book->doubts += weight;

        if (book->doubts >= SMPP_ID_PROOF) {
            smpp_id_forget(book);
        }
    }

    book->votes = book->candidate == match ? book->votes + weight : weight;
    book->candidate = match;

    if (book->votes >= SMPP_ID_PROOF) {
        book->votes = SMPP_ID_PROOF;
        book->learned = match;
    }
}


/* The only reading that names a recent answer, and how much that says. */
static smpp_id_change_t
smpp_id_find(const smpp_id_book_t *book, const smpp_reading_t *r, uint32_t to,
    uint32_t *weight)
{
    size_t            len;
    smpp_id_change_t  change, found;

    found = SMPP_ID_NONE;

    for (change = SMPP_ID_SAME; change < SMPP_ID_CHANGES; change++) {
        if (r->id[change].len == 0
            || !smpp_id_recent(book, &r->id[change], to))
        {
            continue;
        }

        if (found != SMPP_ID_NONE) {
            return SMPP_ID_NONE;
        }

        found = change;
    }

    if (found != SMPP_ID_NONE) {
        len = r->id[found].len < r->id[SMPP_ID_SAME].len
              ? r->id[found].len : r->id[SMPP_ID_SAME].len;
        *weight = len < SMPP_ID_LONG ? to != 0
                  : to ? SMPP_ID_PROOF : SMPP_ID_PROOF / 2;
    }

    return found;
}


void
smpp_id_receipt(smpp_id_book_t *book, smpp_reading_t *out, sms_str_t raw,
    sms_str_t to)
{
    uint32_t          weight, number, disputed;
    smpp_id_t        *same;
    smpp_id_change_t  change, known, match;

    memset(out, 0, sizeof(smpp_reading_t));
    same = &out->id[SMPP_ID_SAME];
    smpp_id_normal(same, raw, book->receipt.format == SMPP_ID_AS_IS);
    out->best = SMPP_ID_SAME;
    out->sure = 1;

    if (book->receipt.format == SMPP_ID_AS_IS) {
        return;
    }

    smpp_id_note(&book->receipt, same);

    for (change = SMPP_ID_TO_HEX; change < SMPP_ID_CHANGES; change++) {
        if (smpp_id_possible(book->answer.format, book->receipt.format, change)
            && smpp_id_convert(&out->id[change], same, change)
            && strcmp(out->id[change].s, same->s) != 0)
        {
            out->open = 1;

        } else {
            /* a digit below ten reads the same in every base */
            out->id[change].len = 0;
        }
    }

    if (out->open
        && !smpp_id_possible(book->answer.format, book->receipt.format,
                             SMPP_ID_SAME))
    {
        /* configured, both sides: one reading is left */
        out->best = out->id[SMPP_ID_TO_HEX].len ? SMPP_ID_TO_HEX
                                                : SMPP_ID_TO_DECIMAL;
        out->open = 0;
    }

    if (!out->open) {
        smpp_id_tell(book, out);
        return;
    }

    disputed = 0;
    weight = 0;
    number = smpp_id_hash_number(to);
    match = smpp_id_find(book, out, number, &weight);

    if (match != SMPP_ID_NONE && weight) {
        disputed = smpp_id_known(book) != match;
        smpp_id_match(book, match, weight);
    }

    known = smpp_id_tell(book, out);
    out->sure = known != SMPP_ID_NONE && out->id[known].len
                && (!disputed || known == match);
    out->best = out->sure ? known : match != SMPP_ID_NONE ? match
                                                          : SMPP_ID_SAME;
}
