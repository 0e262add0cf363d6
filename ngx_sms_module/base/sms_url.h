/*
 * sms_url.h - is there an internet address in a text?
 *
 * A link that enters Turkey from abroad may carry no text with one (the carriers'
 * rule against fraud).  Found are addresses with a scheme (http, https), names
 * that begin with "www.", bare names under a top-level domain that is common in
 * texts, and any name that a path follows ("s.id/x").  An e-mail address is none.
 * Not found is what only a reader would take for one ("ornek nokta com").
 */
#ifndef SMS_URL_H
#define SMS_URL_H

#include <stddef.h>


/* 1 and its place in bytes, the first one; else 0.  "p" is UTF-8. */
int sms_url_find(const char *p, size_t n, size_t *begin, size_t *len);


#endif /* SMS_URL_H */
