#include "content_rules.h"

#include <stdlib.h>
#include <string.h>

#include <sms/sms_suffix.h>
#include <sms/sms_translit.h>


#define CONTENT_BEGINNING   48          /* "at the beginning", in folded bytes    */
#define CONTENT_OTP_WORDS   12          /* the same, in words                     */
#define CONTENT_LINKS_MAX   4           /* links looked at                        */

static const sms_finding_t  content_rows[CONTENT_F_COUNT] = {
#define CONTENT_FINDING(name, code_, severity_, floor_, source_, tr, en)       \
    { .code = SMS_STR(code_), .severity = SMS_SEVERITY_##severity_,             \
      .floor = SMS_SEVERITY_##floor_, .detail_tr = SMS_STR(tr),                 \
      .detail_en = SMS_STR(en), .source = SMS_STR(source_) },
#include "content_finding.def"
#undef CONTENT_FINDING
};

static const struct { content_group_t group; content_finding_id_t id; }  content_topics[] = {
    { CONTENT_GAMBLING, CONTENT_F_GAMBLING }, { CONTENT_ADULT, CONTENT_F_ADULT },
    { CONTENT_POLITICS, CONTENT_F_POLITICS }, { CONTENT_RELIGION, CONTENT_F_RELIGION },
    { CONTENT_ALCOHOL, CONTENT_F_ALCOHOL }, { CONTENT_TOBACCO, CONTENT_F_TOBACCO },
    { CONTENT_MEDICINE, CONTENT_F_MEDICINE }, { CONTENT_HEALTH, CONTENT_F_HEALTH }
};


int
content_rules_init(content_t *c)
{
    c->pattern = content_pattern_new();
    if (c->pattern == NULL || content_words_init(&c->words) != 0) {
        content_rules_free(c);
        return -1;
    }

    return 0;
}


void
content_rules_free(content_t *c)
{
    if (c->pattern) {
        content_pattern_free(c->pattern);
    }
    content_words_free(&c->words);
    content_text_free(&c->text);
    free(c->repairs);
    c->pattern = NULL;
    c->repairs = NULL;
}


sms_finding_t *
content_find(content_t *c, content_finding_id_t id, uint32_t begin, uint32_t end)
{
    sms_finding_t  *f;

    if (c->nfindings == CONTENT_FINDINGS_MAX) {
        return NULL;
    }

    f = &c->findings[c->nfindings++];
    *f = content_rows[id];
    f->begin = c->text.map[begin];
    f->len = end > begin ? c->text.map[end] - f->begin : 0;

    return f;
}


/* repairs move when the room grows, so they are offsets until the end */
void
content_repair(content_t *c, sms_finding_t *f, const char *p, size_t n)
{
    size_t   cap;
    char    *room;

    if (n > c->cap - c->nrepairs) {
        cap = (c->nrepairs + n) * 2 + 256;
        room = realloc(c->repairs, cap);
        if (room == NULL) {
            c->poor = 1;
            return;
        }
        c->repairs = room;
        c->cap = cap;
    }

    if (n) {
        memcpy(c->repairs + c->nrepairs, p, n);
        if (!c->text.turkish) {
            n = sms_translit(c->repairs + c->nrepairs, n,
                             SMS_TRANSLIT_MINIMAL | SMS_TRANSLIT_ACCENTS
                             | SMS_TRANSLIT_CURRENCY | SMS_TRANSLIT_PUNCT,
                             c->repairs + c->nrepairs, NULL);
        }
    }
    c->nrepairs += n;
    f->repair.len += n;
}


void
content_repair_text(content_t *c, sms_finding_t *f, const char *ascii, const char *turkish)
{
    const char  *p = c->text.turkish ? turkish : ascii;

    content_repair(c, f, p, strlen(p));
}


sms_finding_t *
content_find_end(content_t *c, content_finding_id_t id)
{
    sms_finding_t  *f;

    f = content_find(c, id, (uint32_t) c->text.n, (uint32_t) c->text.n);
    if (f && (c->text.n || c->nrepairs)) {
        content_repair(c, f, " ", 1);
    }

    return f;
}


static int
content_hit(const content_t *c, content_group_t g)
{
    return (c->hits.set & 1u << g) != 0;
}


static void
content_find_hit(content_t *c, content_finding_id_t id, content_group_t g)
{
    if (content_hit(c, g)) {
        (void) content_find(c, id, c->hits.begin[g], c->hits.end[g]);
    }
}


/* do the words before (or behind) a RET spell the keyword? */
static int
content_keyword_beside(const content_text_t *t, uint32_t ret, const char *key, size_t len)
{
    uint32_t  i, n;
    size_t    left;

    for (left = len, i = ret; left && i > 0; left -= n) {
        i--;
        n = t->words[i].end - t->words[i].begin;
        if (n > left || memcmp(key + left - n, t->folded + t->words[i].begin, n) != 0) {
            break;
        }
    }
    if (left == 0) {
        return 1;
    }

    for (left = len, i = ret + 1; left && i < t->nwords; left -= n, i++) {
        n = t->words[i].end - t->words[i].begin;
        if (n > left || memcmp(key + len - left, t->folded + t->words[i].begin, n) != 0) {
            break;
        }
    }

    return left == 0;
}


static int
content_has_reject(const content_t *c, const sms_brand_t *b)
{
    const content_text_t  *t = &c->text;
    content_text_t         k;
    uint32_t               i;
    size_t                 n;
    char                   key[CONTENT_KEYWORD_MAX];
    int                    found;

    memset(&k, 0, sizeof(k));
    if (content_text_read(&k, b->reject_keyword.ptr, b->reject_keyword.len) != 0) {
        return 0;
    }
    for (i = 0, n = 0; i < k.nwords; i++) {
        if (k.words[i].end - k.words[i].begin > sizeof(key) - n) {
            break;
        }
        memcpy(key + n, k.folded + k.words[i].begin, k.words[i].end - k.words[i].begin);
        n += k.words[i].end - k.words[i].begin;
    }
    found = i == k.nwords;
    content_text_free(&k);
    if (!found) {
        return 0;
    }

    for (i = 0, found = 0; i < t->nwords && !found; i++) {
        found = content_text_is(t, i, "RET", 3) && content_keyword_beside(t, i, key, n);
    }

    return found && content_has_number(c, b->reject_number);
}


static void
content_reject(content_t *c, const sms_brand_t *b)
{
    sms_finding_t  *f;
    uint32_t        i;

    if (b->reject_number.len == 0) {
        (void) content_find(c, CONTENT_F_REJECT_NONE, 0, 0);
        return;
    }

    if (!b->reject_free) {
        for (i = 0; i < c->text.nwords; i++) {
            if (content_text_is(&c->text, i, b->reject_number.ptr, b->reject_number.len)) {
                break;
            }
        }
        (void) (i < c->text.nwords
                ? content_find(c, CONTENT_F_REJECT_NOT_FREE, c->text.words[i].begin,
                               c->text.words[i].end)
                : content_find(c, CONTENT_F_REJECT_NOT_FREE, 0, 0));
    }

    if (content_has_reject(c, b)) {
        return;
    }

    f = content_find_end(c, CONTENT_F_REJECT_ROUTE);
    if (f == NULL) {
        return;
    }
    content_repair_text(c, f, "Ret icin ", "Ret için ");
    if (b->reject_keyword.len) {
        content_repair(c, f, b->reject_keyword.ptr, b->reject_keyword.len);
        content_repair(c, f, " ", 1);
    }
    content_repair_text(c, f, "RET yaz ", "RET yaz ");
    content_repair(c, f, b->reject_number.ptr, b->reject_number.len);
    content_repair_text(c, f, " numarasina gonder", " numarasına gönder");
}


static void
content_contact(content_t *c, const sms_msg_t *msg, int *phone)
{
    sms_finding_t   *f;
    content_span_t   at;

    *phone = content_pattern_phone(c->pattern, &c->text, c->numbers, c->nnumbers, &at);
    if (*phone || content_pattern_email(c->pattern, &c->text, &at)
        || (c->conf.contact_short_number && msg->brand->reject_number.len
            && content_has_number(c, msg->brand->reject_number)))
    {
        return;
    }

    if (msg->brand->contact.len) {
        f = content_find_end(c, CONTENT_F_CONTACT);
        if (f) {
            content_repair(c, f, msg->brand->contact.ptr, msg->brand->contact.len);
        }
        return;
    }

    (void) content_find(c, CONTENT_F_CONTACT, (uint32_t) c->text.n, (uint32_t) c->text.n);
}


/* an advantage that is promised: R-35.  A new shop is advertised, too, but is none. */
static int
content_is_offer(const content_t *c)
{
    return content_hit(c, CONTENT_OFFER) || c->text.percent < c->text.n;
}


static void
content_nature(content_t *c)
{
    sms_finding_t  *f;

    if ((content_hit(c, CONTENT_NATURE) && c->hits.begin[CONTENT_NATURE] <= CONTENT_BEGINNING)
        || (c->conf.nature_word == CONTENT_NATURE_OBVIOUS && content_is_offer(c)))
    {
        return;
    }

    f = content_find(c, CONTENT_F_NATURE, 0, 0);
    if (f) {
        f->begin = 0;
        content_repair_text(c, f, "TANITIM: ", "TANITIM: ");
    }
}


/* 31.12, 31/12/2026 */
static int
content_has_date(const content_text_t *t)
{
    const content_word_t  *a, *b;
    uint32_t               i;

    for (i = 0; i + 1 < t->nwords; i++) {
        a = &t->words[i];
        b = &t->words[i + 1];
        if (a->end - a->begin <= 2 && b->end - b->begin <= 2 && b->begin == a->end + 1
            && t->folded[a->begin] <= '3' && t->folded[a->end - 1] <= '9'
            && t->folded[b->begin] <= '1' && t->folded[b->end - 1] <= '9'
            && (t->folded[a->end] == '.' || t->folded[a->end] == '/'))
        {
            return 1;
        }
    }

    return 0;
}


static void
content_terms(content_t *c, int link, int phone)
{
    uint32_t  begin, end;

    if (!content_is_offer(c)) {
        return;
    }

    begin = c->text.percent;
    end = begin + 1;
    if (content_hit(c, CONTENT_OFFER)) {
        begin = c->hits.begin[CONTENT_OFFER];
        end = c->hits.end[CONTENT_OFFER];
    }

    if (!link && !phone) {
        (void) content_find(c, CONTENT_F_TERMS_LINK, begin, end);
    }
    if (!content_hit(c, CONTENT_VALIDITY) && !content_has_date(&c->text)) {
        (void) content_find(c, CONTENT_F_TERMS_PERIOD, begin, end);
    }
}


/* A text about the reader's own affairs may speak of a discount or congratulate; what
 * is advertising anyhow (PROMOTION, GREETING) stays so.  A percentage of tax or of a
 * quota is no offer.                                                            */
static void
content_informational(content_t *c)
{
    int  matter, percent;

    matter = content_hit(c, CONTENT_MATTER);
    percent = c->text.percent < c->text.n && !content_hit(c, CONTENT_RATE);

    if (content_hit(c, CONTENT_PROMOTION)) {
        content_find_hit(c, CONTENT_F_INFO_PROMOTION, CONTENT_PROMOTION);

    } else if (content_hit(c, CONTENT_HINT) && (percent || !matter)) {
        content_find_hit(c, CONTENT_F_INFO_PROMOTION, CONTENT_HINT);

    } else if (percent && !matter) {
        (void) content_find(c, CONTENT_F_INFO_PROMOTION, c->text.percent, c->text.percent + 1);
    }

    if (content_hit(c, CONTENT_GREETING)) {
        content_find_hit(c, CONTENT_F_INFO_GREETING, CONTENT_GREETING);

    } else if (!matter) {
        content_find_hit(c, CONTENT_F_INFO_GREETING, CONTENT_WISH);
    }

    content_find_hit(c, CONTENT_F_INFO_SURVEY, CONTENT_SURVEY);

    if (content_hit(c, CONTENT_ASK)) {
        content_find_hit(c, CONTENT_F_INFO_CONSENT, CONTENT_ASK);

    } else if (content_hit(c, CONTENT_TOPIC)) {
        content_find_hit(c, CONTENT_F_INFO_CONSENT, CONTENT_VERB);
    }
}


static void
content_otp(content_t *c)
{
    uint32_t  early;

    content_find_hit(c, CONTENT_F_OTP_CONSENT, CONTENT_CONSENT);

    early = c->text.nwords > CONTENT_OTP_WORDS ? c->text.words[CONTENT_OTP_WORDS].begin
                                               : (uint32_t) c->text.n + 1;
    if (!content_hit(c, CONTENT_PURPOSE) || c->hits.begin[CONTENT_PURPOSE] >= early) {
        (void) content_find(c, CONTENT_F_OTP_PURPOSE, 0, 0);
    }
}


/* the repair takes the code away: the character before it stays, alone */
static void
content_operator_code(content_t *c)
{
    const char     *p = c->text.raw;
    size_t          n, begin;
    uint32_t        i;
    sms_finding_t  *f;

    if (!sms_suffix_find(p, c->text.nraw, &begin)) {
        return;
    }
    f = content_find(c, CONTENT_F_OPERATOR_CODE, 0, 0);
    if (f == NULL) {
        return;
    }
    f->begin = (uint32_t) begin;
    f->len = SMS_SUFFIX_CODE_LEN;

    n = begin;
    do {
        while (n && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\n'
                     || p[n - 1] == '\r'))
        {
            n--;
        }
    } while (n && sms_suffix_find(p, n, &n));

    if (n == 0) {
        return;
    }
    for (begin = n - 1; begin && ((unsigned char) p[begin] & 0xc0) == 0x80; begin--) {
        /* to the first byte of the character */
    }

    for (i = 0; i + 1 < c->nfindings; i++) {
        if (c->findings[i].repair.len && c->findings[i].len
            && c->findings[i].begin + c->findings[i].len > begin)
        {
            return;                     /* two repairs of one place               */
        }
    }

    f->begin = (uint32_t) begin;
    f->len = (uint32_t) (c->text.nraw - begin);
    content_repair(c, f, p + begin, n - begin);
}


/* the first of what is wrong with a link is enough */
static void
content_link(content_t *c, const content_link_t *link)
{
    const content_text_t  *t = &c->text;
    const char            *host = t->folded + link->host;
    content_finding_id_t   id;
    uint32_t               i;

    if (content_link_short(host, link->nhost)) {
        (void) content_find(c, CONTENT_F_SHORTENER, link->begin, link->end);
    }

    if (link->userinfo) {
        id = CONTENT_F_LOOKALIKE_HOST;

    } else if (content_link_guarded(host, link->nhost)) {
        id = CONTENT_F_LOOKALIKE_STATE;

    } else if (link->numeric) {
        id = CONTENT_F_NUMERIC;

    } else {
        for (i = 0; i < link->nhost; i++) {
            if (content_text_disguised(t, link->host + i)
                || (link->nhost - i > 4 && memcmp(host + i, "XN--", 4) == 0
                    && (i == 0 || host[i - 1] == '.')))
            {
                break;
            }
        }
        if (i == link->nhost) {
            return;
        }
        id = CONTENT_F_LOOKALIKE_LETTERS;
    }

    (void) content_find(c, id, link->begin, link->end);
}


static int
content_links(content_t *c)
{
    content_link_t  link;
    uint32_t        from, n;

    for (from = 0, n = 0; n < CONTENT_LINKS_MAX && content_link_next(&c->text, &from, &link);
         n++)
    {
        content_link(c, &link);
    }

    return n != 0;
}


static void
content_all(content_t *c)
{
    uint32_t        i, severity;
    sms_finding_t  *f;

    for (i = 0; i < sizeof(content_topics) / sizeof(content_topics[0]); i++) {
        severity = c->conf.topic[content_topics[i].group];
        if (!content_hit(c, content_topics[i].group) || severity == SMS_SEVERITY_OFF
            || (content_topics[i].group == CONTENT_HEALTH && !content_is_offer(c)
                && !content_hit(c, CONTENT_PRICE)))
        {
            continue;
        }
        f = content_find(c, content_topics[i].id, c->hits.begin[content_topics[i].group],
                         c->hits.end[content_topics[i].group]);
        if (f) {
            f->severity = severity;
        }
    }

    content_operator_code(c);
}


int
content_rules_judge(content_t *c, const sms_msg_t *msg)
{
    uint32_t     i;
    size_t       at;
    int          link, phone;

    c->nfindings = 0;
    c->nrepairs = 0;
    c->nnumbers = 0;
    c->poor = 0;

    if (content_text_read(&c->text, msg->text.ptr, msg->text.len) != 0) {
        return -1;
    }
    content_words_find(&c->words, &c->text, &c->hits);
    link = content_links(c);

    switch (msg->klass) {

    case SMS_CLASS_COMMERCIAL:
        content_nature(c);
        content_identity(c, msg);
        content_reject(c, msg->brand);
        content_contact(c, msg, &phone);
        content_terms(c, link, phone);
        break;

    case SMS_CLASS_INFORMATIONAL:
        content_informational(c);
        break;

    case SMS_CLASS_OTP:
        content_otp(c);
        break;

    default:
        break;
    }

    content_all(c);

    if (c->poor) {
        return -1;
    }

    for (i = 0, at = 0; i < c->nfindings; i++) {
        c->findings[i].repair.ptr = c->findings[i].repair.len ? c->repairs + at : NULL;
        at += c->findings[i].repair.len;
    }

    return 0;
}
