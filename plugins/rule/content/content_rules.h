/*
 * content_rules.h - one text judged by the rules of its class.
 *
 * commercial      identity, reject route, contact, nature, terms of promotion
 * informational   no promotion, greeting, survey or request for consent
 * otp             no consent wording; the purpose of the code
 * all of them     operator's code, link shorteners, prohibited topics, sectors
 *
 * Findings have their place in the text that was given; their repair is put
 * instead of it, or inserted where the place has length 0.  Repairs fit
 * together: applied from the last to the first, by place and, at one place, by
 * order of appearance, they give a text without the findings that had one.  A
 * repair has Turkish letters only when the text has letters that the GSM
 * alphabet lacks, so it never makes a text need a dearer alphabet.  Of wrong
 * identity numbers the first CONTENT_NUMBERS_MAX of a kind are reported.
 *
 * The brand's telephone or e-mail is not in the contract; when the message has
 * an attribute "contact" it is what the repair of missing-contact inserts.
 */
#ifndef CONTENT_RULES_H
#define CONTENT_RULES_H

#include "sms_plugin.h"

#include "content_link.h"
#include "content_pattern.h"
#include "content_text.h"
#include "content_words.h"


/* edition of words, patterns and findings; kept with each message */
#define CONTENT_VERSION       "tr-2026.2"

#define CONTENT_FINDINGS_MAX  40
#define CONTENT_NUMBERS_MAX   8         /* identity numbers looked at             */
#define CONTENT_KEYWORD_MAX   64

typedef enum { CONTENT_TACIR_TITLE, CONTENT_TACIR_MERSIS } content_tacir_t;
typedef enum { CONTENT_ESNAF_TCKN, CONTENT_ESNAF_VKN } content_esnaf_t;
typedef enum { CONTENT_NATURE_OBVIOUS, CONTENT_NATURE_ALWAYS } content_nature_t;

typedef struct {
    uint32_t  tacir_identity;           /* content_tacir_t                        */
    uint32_t  esnaf_identity;           /* content_esnaf_t                        */
    uint32_t  nature_word;              /* content_nature_t                       */
    uint32_t  contact_short_number;     /* 1: the reject number is contact enough */
    uint32_t  topic[CONTENT_GROUPS];    /* sms_severity_t of GAMBLING .. HEALTH   */
} content_conf_t;

typedef struct {
    content_conf_t      conf;
    content_words_t     words;
    content_pattern_t  *pattern;
    content_text_t      text;           /* of the message that is judged          */
    content_hits_t      hits;
    content_span_t      numbers[CONTENT_NUMBERS_MAX];
    uint32_t            nnumbers;

    /* what was found; strings of repairs are offsets until they are copied */
    sms_finding_t       findings[CONTENT_FINDINGS_MAX];
    uint32_t            nfindings;
    char               *repairs;
    size_t              nrepairs, cap;
    uint32_t            poor;           /* memory ran out                         */
} content_t;


/* 0, or -1 without memory; "c" is zeroed before */
int content_rules_init(content_t *c);
void content_rules_free(content_t *c);

/*
 * Fills c->findings.  Repairs point into c->repairs, valid until the next call.
 * 0, or -1 without memory.
 */
int content_rules_judge(content_t *c, const sms_msg_t *msg);


/* ---- for content_identity.c ----------------------------------------------- */

typedef enum {
#define CONTENT_FINDING(name, code, severity, floor, source, tr, en)  CONTENT_F_##name,
#include "content_finding.def"
#undef CONTENT_FINDING
    CONTENT_F_COUNT
} content_finding_id_t;

/*
 * Adds a finding at begin .. end of the folded text (equal: no place; then
 * begin is where a repair goes).  Returns it, or NULL when there is no room.
 */
sms_finding_t *content_find(content_t *c, content_finding_id_t id, uint32_t begin,
    uint32_t end);

/* Appends to the repair of the newest finding. */
void content_repair(content_t *c, sms_finding_t *f, const char *p, size_t n);
void content_repair_text(content_t *c, sms_finding_t *f, const char *ascii,
    const char *turkish);

/* A finding whose repair is appended to the text. */
sms_finding_t *content_find_end(content_t *c, content_finding_id_t id);

/* identity, and numbers that are not the brand's: C13 */
void content_identity(content_t *c, const sms_msg_t *msg);

/* content_identity.c: 1 when the folded text has these digits as a number */
int content_has_number(const content_t *c, sms_str_t digits);


#endif /* CONTENT_RULES_H */
