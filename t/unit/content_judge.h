/*
 * content_judge.h - rule/content without a host, for tests and fuzzers: brands,
 * one message at a time, and repairs applied.  To be included once.
 */
#ifndef CONTENT_JUDGE_H
#define CONTENT_JUDGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/rule/content/content_identity.c"
#include "../../plugins/rule/content/content_link.c"
#include "../../plugins/rule/content/content_pattern.c"
#include "../../plugins/rule/content/content_rules.c"
#include "../../plugins/rule/content/content_text.c"
#include "../../plugins/rule/content/content_words.c"

#define JUDGE_ROOM  65536

static content_t        judge;
static sms_brand_t      judge_brand;
static sms_msg_t        judge_msg;


static sms_str_t
judge_str(const char *p)
{
    return (sms_str_t) { p, strlen(p) };
}


/* a tacir whose data are complete; tests change what they need */
static void
judge_begin(void)
{
    if (judge.pattern == NULL && content_rules_init(&judge) != 0) {
        abort();
    }

    memset(&judge.conf, 0, sizeof(judge.conf));
    judge.conf.topic[CONTENT_GAMBLING] = SMS_SEVERITY_BLOCK;
    judge.conf.topic[CONTENT_ADULT] = SMS_SEVERITY_BLOCK;
    judge.conf.topic[CONTENT_POLITICS] = SMS_SEVERITY_CONFIRM;
    judge.conf.topic[CONTENT_RELIGION] = SMS_SEVERITY_WARN;
    judge.conf.topic[CONTENT_ALCOHOL] = SMS_SEVERITY_WARN;
    judge.conf.topic[CONTENT_TOBACCO] = SMS_SEVERITY_WARN;
    judge.conf.topic[CONTENT_MEDICINE] = SMS_SEVERITY_WARN;
    judge.conf.topic[CONTENT_HEALTH] = SMS_SEVERITY_WARN;

    memset(&judge_brand, 0, sizeof(judge_brand));
    judge_brand.size = sizeof(judge_brand);
    judge_brand.id = 1;
    judge_brand.owner_kind = SMS_OWNER_TACIR;
    judge_brand.name = judge_str("ÖRNEK");
    judge_brand.title = judge_str("Örnek Dış Ticaret A.Ş.");
    judge_brand.mersis = judge_str("0015001526400497");
    judge_brand.vkn = judge_str("0150015264");
    judge_brand.reject_keyword = judge_str("ORNEK");
    judge_brand.reject_number = judge_str("4605");
    judge_brand.reject_free = 1;
    judge_brand.contact = judge_str("Tel: 0212 555 44 33");

    memset(&judge_msg, 0, sizeof(judge_msg));
    judge_msg.brand = &judge_brand;
    judge_msg.klass = SMS_CLASS_COMMERCIAL;
}


static inline void
judge_text(const char *p, size_t n)
{
    judge_msg.text = (sms_str_t) { p, n };
    if (content_rules_judge(&judge, &judge_msg) != 0) {
        abort();
    }
}


/* "code code ..." in order of appearance */
static inline const char *
judge_codes(void)
{
    static char  codes[2048];

    size_t    n;
    uint32_t  i;

    codes[0] = '\0';
    for (i = 0, n = 0; i < judge.nfindings; i++) {
        n += (size_t) snprintf(codes + n, sizeof(codes) - n, "%s%.*s", i ? " " : "",
                               (int) judge.findings[i].code.len, judge.findings[i].code.ptr);
    }

    return codes;
}


/* the text with all repairs, as content_rules.h says; returns its length */
static inline size_t
judge_repaired(char *out, size_t cap)
{
    const sms_finding_t  *order[CONTENT_FINDINGS_MAX], *f;
    size_t                n, len;
    uint32_t              i, k;

    len = judge_msg.text.len;
    if (len > cap) {
        abort();
    }
    if (len) {
        memcpy(out, judge_msg.text.ptr, len);
    }

    for (i = 0, n = 0; i < judge.nfindings; i++) {
        if (judge.findings[i].repair.len == 0) {
            continue;
        }
        for (k = (uint32_t) n++; k > 0 && order[k - 1]->begin > judge.findings[i].begin; k--) {
            order[k] = order[k - 1];
        }
        order[k] = &judge.findings[i];
    }

    while (n-- > 0) {
        f = order[n];
        if (f->begin + f->len > judge_msg.text.len || len + f->repair.len > cap) {
            abort();
        }
        memmove(out + f->begin + f->repair.len, out + f->begin + f->len,
                len - f->begin - f->len);
        memcpy(out + f->begin, f->repair.ptr, f->repair.len);
        len += f->repair.len - f->len;
    }

    return len;
}


#endif /* CONTENT_JUDGE_H */
