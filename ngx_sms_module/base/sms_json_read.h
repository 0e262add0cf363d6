/*
 * sms_json_read.h - JSON (RFC 8259) from a text in memory.
 *
 *   sms_json_doc_t          doc;
 *   const sms_json_node_t  *root, *to;
 *
 *   sms_json_read_init(&doc, NULL, NULL);
 *   root = sms_json_read(&doc, text, len);
 *   if (root == NULL) ... doc.error, doc.line, doc.column, doc.what
 *   to = sms_json_get(root, "to", 2);
 *   if (sms_json_is(to, SMS_JSON_STR)) ... to->u.p, to->n
 *   sms_json_read_free(&doc);
 *
 * One pass lays the values down in one array, in the order of the text: behind
 * an object its members, each a key (a string) and a value; behind an array its
 * elements.
 *
 *   for (i = 0, v = sms_json_first(list); i < list->n; i++, v = sms_json_next(v))
 *   for (i = 0, key = sms_json_first(obj); i < obj->n;
 *        i++, key = sms_json_next(key + 1))
 *
 * Strings point into the text, which must stay, or, where it escapes
 * characters, into memory of the document.  They have no NUL at their end and
 * none in them.
 *
 * Read strictly, and as jansson does with JSON_REJECT_DUPLICATES: the root is an
 * object or an array; UTF-8 is that of RFC 3629, without a byte order mark; no
 * NUL, no half of a surrogate pair; integers are those of int64_t, reals those
 * of double; keys of one object differ.  t/fuzz/sms_json_read.c holds both
 * against each other, the kinds of errors included.  What differs on purpose:
 *
 * - an octet 0 is always an error; jansson overlooks it behind a number or word;
 * - a real is checked and not converted: nothing here asks for its value;
 * - a text has less than 256 MiB: lengths and places take 28 bits;
 * - line and column say where the fault is, not how far was read.
 *
 * Time and memory grow with the length of the text, n log n for the keys of a
 * large object.  There is no recursion.
 */
#ifndef SMS_JSON_READ_H
#define SMS_JSON_READ_H

#include <stddef.h>
#include <stdint.h>

#include "sms_json_write.h"


#define SMS_JSON_READ_MAX     0x0FFFFFFF    /* octets of a text               */
#define SMS_JSON_READ_DEPTH   2048          /* values in one another          */

/* errors beside those of sms_json_write.h */
#define SMS_JSON_E_SYNTAX     (-4)
#define SMS_JSON_E_UTF8       (-5)
#define SMS_JSON_E_DUPLICATE  (-6)

typedef enum {
    SMS_JSON_NULL = 1,
    SMS_JSON_FALSE,
    SMS_JSON_TRUE,
    SMS_JSON_INT,
    SMS_JSON_REAL,
    SMS_JSON_STR,
    SMS_JSON_ARRAY,
    SMS_JSON_OBJECT
} sms_json_type_t;

typedef struct {
    union {
        const char    *p;               /* string; a real as it is written        */
        int64_t        i;
    } u;

    uint32_t           n;               /* bytes; elements; members               */
    unsigned           type:4;          /* sms_json_type_t                        */
    unsigned           skip:28;         /* nodes to what comes behind the value;
                                           a key's place in the text              */
} sms_json_node_t;

typedef struct {
    sms_json_node_t   *nodes;
    size_t             used, cap;
    char              *room;            /* of decoded strings                     */
    char              *room_next;
    uint32_t          *keys;            /* of the object that is being checked    */
    size_t             keys_cap;
    sms_json_grow_pt   grow;
    void              *data;
    const char        *text;
    int                error;
    unsigned           line, column;    /* from 1; columns are characters         */
    const char        *what;            /* a constant, what is wrong there        */
} sms_json_doc_t;


/* grow NULL: realloc(), and sms_json_read_free() frees. */
void sms_json_read_init(sms_json_doc_t *doc, sms_json_grow_pt grow, void *data);

/* Once after each init.  NULL: see doc->error. */
const sms_json_node_t *sms_json_read(sms_json_doc_t *doc, const char *text,
    size_t len);

/* Only for the default grow; also after an error. */
void sms_json_read_free(sms_json_doc_t *doc);

/* The value of a member; NULL where there is none, or no object. */
const sms_json_node_t *sms_json_get(const sms_json_node_t *object,
    const char *key, size_t len);


/* v may be NULL */
static inline int
sms_json_is(const sms_json_node_t *v, sms_json_type_t type)
{
    return v != NULL && v->type == type;
}


/* The first element, or key. */
static inline const sms_json_node_t *
sms_json_first(const sms_json_node_t *v)
{
    return v + 1;
}


/* Behind a value, not a key. */
static inline const sms_json_node_t *
sms_json_next(const sms_json_node_t *v)
{
    return v + v->skip;
}


#endif /* SMS_JSON_READ_H */
