/*
 * content_words.h - word lists (content_words.def) as one automaton.
 *
 * Built once per instance, then each text is walked word by word; a word that
 * begins no phrase costs two or three steps.
 */
#ifndef CONTENT_WORDS_H
#define CONTENT_WORDS_H

#include "content_text.h"


typedef enum {
    CONTENT_PROMOTION, CONTENT_HINT, CONTENT_OFFER, CONTENT_MATTER, CONTENT_GREETING,
    CONTENT_WISH,
    CONTENT_SURVEY, CONTENT_NATURE, CONTENT_CONSENT, CONTENT_ASK, CONTENT_TOPIC,
    CONTENT_VERB, CONTENT_PURPOSE, CONTENT_VALIDITY, CONTENT_RATE, CONTENT_PRICE,
    CONTENT_GAMBLING, CONTENT_ADULT, CONTENT_POLITICS, CONTENT_RELIGION, CONTENT_ALCOHOL,
    CONTENT_TOBACCO, CONTENT_MEDICINE, CONTENT_HEALTH, CONTENT_EXCEPT,
    CONTENT_GROUPS                      /* at most 32                             */
} content_group_t;

typedef struct content_node_s  content_node_t;

typedef struct {
    content_node_t  *nodes;
    uint32_t         n, cap;
} content_words_t;

/* the first phrase of each group in a text, those in an EXCEPT phrase left out;
 * begin, end in folded                                                          */
typedef struct {
    uint32_t  set;                      /* bit g: the group was found             */
    uint32_t  begin[CONTENT_GROUPS], end[CONTENT_GROUPS];
} content_hits_t;


/* 0, or -1 without memory */
int content_words_init(content_words_t *w);
void content_words_free(content_words_t *w);

/* 0, or -1: no memory, or a phrase with other characters; used by init() */
int content_words_add(content_words_t *w, content_group_t group, const char *phrases);

void content_words_find(const content_words_t *w, const content_text_t *t,
    content_hits_t *hits);


#endif /* CONTENT_WORDS_H */
