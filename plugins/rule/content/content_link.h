/*
 * content_link.h - links in a text, as handsets and carriers read them.
 *
 * A link is a name with a scheme, one that begins with "www.", one under a top
 * level that is common in texts (content_link.def), or any name that a path
 * follows ("s.id/x").  An e-mail address is none.  What sms_url.h finds for the
 * routes from abroad is found here, too.
 */
#ifndef CONTENT_LINK_H
#define CONTENT_LINK_H

#include "content_text.h"


typedef struct {
    uint32_t  begin, end;               /* with its scheme, without path: folded  */
    uint32_t  host, nhost;              /* the name alone: folded                 */
    uint8_t   bare;                     /* neither scheme nor "www."              */
    uint8_t   userinfo;                 /* "https://x@host": x is not the host    */
    uint8_t   numeric;                  /* an address instead of a name           */
} content_link_t;


/* The next link from *from (updated).  1, or 0: there is none. */
int content_link_next(const content_text_t *t, uint32_t *from, content_link_t *link);

/* 1 for hosts that only lead to others */
int content_link_short(const char *host, size_t n);

/* 1 when the host pretends to be a public service (content_link.def) */
int content_link_guarded(const char *host, size_t n);


#endif /* CONTENT_LINK_H */
