/*
 * prefix_text.h - the router's files: lines of words, '#' for comments.
 *
 * A file is read whole and kept; words are places in it.  Errors are one sentence
 * with file and line ("routes.txt:12: ...").
 */
#ifndef PREFIX_TEXT_H
#define PREFIX_TEXT_H

#include <stddef.h>
#include <stdint.h>


#define PREFIX_FILE_MAX    (4u << 20)   /* bytes                                  */

typedef struct { uint32_t at, len; } prefix_word_t;

typedef struct {
    char        *text;                  /* the file; whoever parses takes it over */
    size_t       len;
    const char  *name;                  /* for errors                             */
    uint32_t     line;                  /* from 1; 0: none                        */
    uint32_t     at, end;               /* of what is left of the line            */
    uint32_t     next;
    char        *err;
    size_t       errcap;
} prefix_text_t;


/* the file "path" (not NUL-terminated), whose name is kept in name[4096]; 0 or -1 */
int prefix_text_read(prefix_text_t *t, const char *path, size_t npath, char *name,
    char *err, size_t errcap);

/* a text, which is copied; 0 or -1 */
int prefix_text_open(prefix_text_t *t, const char *name, const char *p, size_t n,
    char *err, size_t errcap);

/* the next line that is neither empty nor a comment: 1; 0 at the end; -1 */
int prefix_text_next(prefix_text_t *t);

/* the next word of the line; its length is 0 at the end */
prefix_word_t prefix_text_word(prefix_text_t *t);

/* cuts "w" at the first comma; 0 when nothing is left ("more" is 1 at first) */
int prefix_text_item(const char *text, prefix_word_t *w, prefix_word_t *item, int *more);

int prefix_text_is(const char *text, prefix_word_t w, const char *word);

/* "w" for a "%.*s": the length; quotes end after 40 bytes, between characters */
int prefix_text_shown(const char *text, prefix_word_t w);

/* digits of a number, at most "max" of them; -1 for anything else */
int64_t prefix_text_number(const char *text, prefix_word_t w, uint32_t max);

/* writes the sentence; always -1 */
int prefix_text_error(prefix_text_t *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* PREFIX_TEXT_H */
