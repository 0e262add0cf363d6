/*
 * content_identity.c - who is named in the text, and is it the brand's owner?
 *
 * tacir MERSİS and trade title; esnaf name and identity or tax number;
 * others name and registry number, which no source confirms: a warning.
 */
#include "content_rules.h"

#include <string.h>

#include <sms/sms_identity.h>


#define CONTENT_TITLE_MAX  512          /* squeezed, bytes                        */

static const struct { const char *word, *squeezed; }  content_short_words[] = {
    { "ANONIM", "A" }, { "SIRKETI", "S" }, { "SIRKET", "S" }, { "STI", "S" },
    { "LIMITED", "L" }, { "LTD", "L" }, { "LTDSTI", "LS" }, { "TICARET", "TIC" },
    { "SANAYI", "SAN" }, { "SANAYII", "SAN" }, { "VE", "" }
};


/* A.Ş. is Anonim Şirketi, Ltd. Şti. Limited Şirketi, San. ve Tic. Sanayi ve Ticaret */
static void
content_squeeze_word(const char *p, size_t n, const char **out, size_t *nout)
{
    size_t  i;

    *out = p;
    *nout = n;

    if (n < 2 || n > 7 || memchr("ASLTV", p[0], 5) == NULL) {
        return;
    }

    for (i = 0; i < sizeof(content_short_words) / sizeof(content_short_words[0]); i++) {
        if (strlen(content_short_words[i].word) == n
            && memcmp(content_short_words[i].word, p, n) == 0)
        {
            *out = content_short_words[i].squeezed;
            *nout = strlen(*out);
            return;
        }
    }
}


/* words without what is between them; 0 when there are none or too many */
static size_t
content_squeeze(sms_str_t s, char *out, size_t cap)
{
    content_text_t  t;
    const char     *p;
    size_t          n, len;
    uint32_t        i;

    memset(&t, 0, sizeof(t));
    if (content_text_read(&t, s.ptr, s.len) != 0) {
        return 0;
    }

    for (i = 0, len = 0; i < t.nwords; i++) {
        content_squeeze_word(t.folded + t.words[i].begin,
                             t.words[i].end - t.words[i].begin, &p, &n);
        if (n > cap - len) {
            len = 0;
            break;
        }
        memcpy(out + len, p, n);
        len += n;
    }
    content_text_free(&t);

    return len;
}


/* do the words from "word" on spell exactly the squeezed title? */
static int
content_title_at(const content_text_t *t, uint32_t word, const char *title, size_t len)
{
    const char  *p;
    size_t       n, at;

    for (at = 0; at < len; word++) {
        if (word == t->nwords) {
            return 0;
        }
        content_squeeze_word(t->folded + t->words[word].begin,
                             t->words[word].end - t->words[word].begin, &p, &n);
        if (n > len - at || memcmp(title + at, p, n) != 0) {
            return 0;
        }
        at += n;
    }

    return 1;
}


static int
content_has_name(const content_t *c, sms_str_t name)
{
    char      title[CONTENT_TITLE_MAX];
    size_t    len;
    uint32_t  i;

    len = content_squeeze(name, title, sizeof(title));
    if (len == 0) {
        return 0;
    }

    for (i = 0; i < c->text.nwords; i++) {
        if (content_title_at(&c->text, i, title, len)) {
            return 1;
        }
    }

    return 0;
}


int
content_has_number(const content_t *c, sms_str_t digits)
{
    const content_text_t  *t = &c->text;
    uint32_t               i;

    for (i = 0; i < t->nwords; i++) {
        if (content_text_is(t, i, digits.ptr, digits.len)) {
            return 1;
        }
    }

    /* 0015 0015 2640 0497, 0850.123.45.67 */

    return digits.len > 4
           && sms_identity_find_digits(t->folded, t->n, digits.ptr, digits.len, NULL, NULL);
}


/* registry numbers have letters: "İstanbul 123456-5" */
static int
content_has_registry(const content_t *c, sms_str_t no)
{
    return content_has_name(c, no);
}


static void
content_number(content_t *c, uint32_t begin, uint32_t end)
{
    if (c->nnumbers < CONTENT_NUMBERS_MAX) {
        c->numbers[c->nnumbers++] = (content_span_t) { begin, end };
    }
}


static int
content_digits_equal(sms_str_t s, const char *digits, size_t n)
{
    return s.len == n && memcmp(s.ptr, digits, n) == 0;
}


/* returns 1 when a repair will bring the brand's own MERSİS */
static int
content_mersis_others(content_t *c, const sms_brand_t *b)
{
    const content_text_t  *t = &c->text;
    sms_identity_match_t   m;
    sms_finding_t         *f;
    size_t                 from;
    uint32_t               seen;
    int                    enough, repaired;

    repaired = 0;
    seen = 0;
    enough = content_text_has_digits(t, 16);

    for (from = 0; enough && sms_identity_find_mersis(t->folded, t->n, from, &m);
         from = m.begin + m.len)
    {
        content_number(c, (uint32_t) m.begin, (uint32_t) (m.begin + m.len));
        if (content_digits_equal(b->mersis, m.digits, 16) || ++seen > CONTENT_NUMBERS_MAX) {
            continue;
        }
        f = content_find(c, m.labelled ? CONTENT_F_MISMATCH_MERSIS
                                       : CONTENT_F_MISMATCH_DOUBT,
                         (uint32_t) m.begin, (uint32_t) (m.begin + m.len));
        if (f && m.labelled && b->mersis.len == 16) {
            content_repair(c, f, b->mersis.ptr, b->mersis.len);
            repaired = 1;
        }
    }

    return repaired;
}


/* T.C., TCKN, T.C. Kimlik No: within three words before */
static int
content_tckn_label(const content_text_t *t, uint32_t word)
{
    uint32_t  i, k;

    static const struct { const char *word; size_t len; }  labels[] = {
        { "TCKN", 4 }, { "TC", 2 }, { "KIMLIK", 6 }, { "TCKIMLIK", 8 }, { "TCNO", 4 }
    };

    for (i = 1; i <= 3 && i <= word; i++) {
        for (k = 0; k < sizeof(labels) / sizeof(labels[0]); k++) {
            if (content_text_is(t, word - i, labels[k].word, labels[k].len)) {
                return 1;
            }
        }
        if (content_text_is(t, word - i, "C", 1) && word > i
            && content_text_is(t, word - i - 1, "T", 1))
        {
            return 1;
        }
    }

    return 0;
}


static int
content_tckn_others(content_t *c, const sms_brand_t *b)
{
    const content_text_t  *t = &c->text;
    const char            *p;
    sms_finding_t         *f;
    uint32_t               i, k, seen;
    int                    enough, labelled, repaired;

    repaired = 0;
    enough = content_text_has_digits(t, 11);

    for (i = 0, seen = 0; enough && i < t->nwords && seen < CONTENT_NUMBERS_MAX; i++) {
        if (t->words[i].end - t->words[i].begin != 11) {
            continue;
        }
        p = t->folded + t->words[i].begin;
        for (k = 0; k < 11 && p[k] <= '9'; k++) {
            /* digits */
        }
        if (k < 11) {
            continue;
        }

        labelled = content_tckn_label(t, i);
        if (content_digits_equal(b->tckn, p, 11)) {
            content_number(c, t->words[i].begin, t->words[i].end);
            continue;
        }
        if (!labelled && !sms_identity_tckn(p, 11)) {
            continue;
        }

        seen++;
        content_number(c, t->words[i].begin, t->words[i].end);
        f = content_find(c, labelled ? CONTENT_F_MISMATCH_TCKN
                                     : CONTENT_F_MISMATCH_TCKN_DOUBT,
                         t->words[i].begin, t->words[i].end);
        if (f && labelled && b->tckn.len == 11) {
            content_repair(c, f, b->tckn.ptr, b->tckn.len);
            repaired = 1;
        }
    }

    return repaired;
}


/* appends what is missing of name and number */
static void
content_missing(content_t *c, content_finding_id_t id, sms_str_t name, const char *label,
    sms_str_t number)
{
    sms_finding_t  *f;

    if (name.len == 0 && number.len == 0) {
        /* it is not on record, so nobody can put it there */
        (void) content_find(c, id, (uint32_t) c->text.n, (uint32_t) c->text.n);
        return;
    }

    f = content_find_end(c, id);
    if (f == NULL) {
        return;
    }
    if (name.len) {
        content_repair(c, f, name.ptr, name.len);
    }
    if (number.len) {
        content_repair(c, f, " ", name.len != 0);
        content_repair(c, f, label, strlen(label));
        content_repair(c, f, number.ptr, number.len);
    }
}


static void
content_identity_tacir(content_t *c, const sms_brand_t *b, int repaired)
{
    int        named, numbered, wants_title;
    sms_str_t  none = { NULL, 0 };

    wants_title = c->conf.tacir_identity == CONTENT_TACIR_TITLE;
    if (b->mersis.len != 16 || (wants_title && b->title.len == 0)) {
        (void) content_find(c, CONTENT_F_IDENTITY_UNKNOWN, 0, 0);
        return;
    }

    numbered = repaired || content_has_number(c, b->mersis);
    named = !wants_title || content_has_name(c, b->title);
    if (named && numbered) {
        return;
    }

    content_missing(c, wants_title ? CONTENT_F_IDENTITY_TACIR : CONTENT_F_IDENTITY_MERSIS,
                    named ? none : b->title, "Mersis: ", numbered ? none : b->mersis);
}


static void
content_identity_esnaf(content_t *c, const sms_brand_t *b, int repaired)
{
    int        named, numbered, tax;
    sms_str_t  none = { NULL, 0 };

    tax = c->conf.esnaf_identity == CONTENT_ESNAF_VKN && b->vkn.len == 10;
    if (b->title.len == 0 || (!tax && b->tckn.len != 11)) {
        (void) content_find(c, CONTENT_F_IDENTITY_UNKNOWN, 0, 0);
        return;
    }

    numbered = repaired || (tax && content_has_number(c, b->vkn))
               || (b->tckn.len == 11 && content_has_number(c, b->tckn));
    named = content_has_name(c, b->title);
    if (named && numbered) {
        return;
    }

    content_missing(c, CONTENT_F_IDENTITY_ESNAF, named ? none : b->title,
                    tax ? "VKN: " : "TCKN: ", numbered ? none : tax ? b->vkn : b->tckn);
}


static void
content_identity_other(content_t *c, const sms_brand_t *b)
{
    int        named, numbered;
    sms_str_t  none = { NULL, 0 };
    sms_str_t  name = b->title.len ? b->title : b->name;

    named = name.len && content_has_name(c, name);
    numbered = b->owner_kind == SMS_OWNER_PUBLIC
               || (b->registry_no.len && content_has_registry(c, b->registry_no));
    if (named && numbered) {
        return;
    }

    content_missing(c, CONTENT_F_IDENTITY_OTHER, named ? none : name, "Sicil No: ",
                    numbered ? none : b->registry_no);
}


void
content_identity(content_t *c, const sms_msg_t *msg)
{
    const sms_brand_t  *b = msg->brand;
    int                 mersis, tckn;

    mersis = content_mersis_others(c, b);
    tckn = content_tckn_others(c, b);

    switch (b->owner_kind) {

    case SMS_OWNER_TACIR:
        content_identity_tacir(c, b, mersis);
        break;

    case SMS_OWNER_ESNAF:
        content_identity_esnaf(c, b, tckn);
        break;

    case SMS_OWNER_PROFESSION:
    case SMS_OWNER_ASSOCIATION:
    case SMS_OWNER_PUBLIC:
    case SMS_OWNER_FOREIGN:
        content_identity_other(c, b);
        break;

    default:
        (void) content_find(c, CONTENT_F_IDENTITY_UNKNOWN, 0, 0);
    }
}
