/*
 * content_pattern.h - telephone numbers and e-mail addresses in a text.
 *
 * PCRE2 with limits: a text made to be slow ends as "not found", which for a
 * contact means that the text is refused.
 */
#ifndef CONTENT_PATTERN_H
#define CONTENT_PATTERN_H

#include "content_text.h"


typedef struct content_pattern_s  content_pattern_t;

typedef struct { uint32_t begin, end; } content_span_t;         /* in folded      */


/* NULL without memory */
content_pattern_t *content_pattern_new(void);
void content_pattern_free(content_pattern_t *p);

/*
 * 1 when the text has a telephone number that does not overlap any of the
 * "not" spans, or an e-mail address.  Turkish numbers with 0 or +90, service
 * numbers (444 0 000), others with '+'.
 */
int content_pattern_phone(content_pattern_t *p, const content_text_t *t,
    const content_span_t *not, uint32_t nnot, content_span_t *at);
int content_pattern_email(content_pattern_t *p, const content_text_t *t,
    content_span_t *at);


#endif /* CONTENT_PATTERN_H */
