/*
 * sms_json_reader.h - the inside of sms_json_read.h, whose three parts share it:
 * what nests (sms_json_read.c), strings, numbers and words (sms_json_scalar.c),
 * keys (sms_json_keys.c).
 *
 * The functions return 0 after they noted an error.
 */
#ifndef SMS_JSON_READER_H
#define SMS_JSON_READER_H

#include "sms_json_read.h"


typedef struct {
    sms_json_doc_t  *doc;
    const char      *p, *end;           /* what is not read yet               */
    size_t           open;              /* innermost object or array          */
    unsigned         depth;             /* objects and arrays that are open   */
} sms_json_reader_t;


/* Notes an error at a place of the text; the first one stays. */
int sms_json_error(sms_json_doc_t *doc, int error, const char *what, size_t at);

/*
 * What is at p cannot stand there.  An octet that is no UTF-8 is the fault
 * itself, and so is a key given twice in an object that is still open: others
 * are looked for when they end.
 */
int sms_json_fail(sms_json_reader_t *r, const char *what, const char *p);

/* As realloc(), or NULL with the error noted. */
void *sms_json_memory(sms_json_doc_t *doc, void *p, size_t old, size_t n);

/* A new node at the end, or NULL; nodes may have moved. */
sms_json_node_t *sms_json_push(sms_json_doc_t *doc, sms_json_type_t type);

/* Reads a value without members; "what" is said where none begins. */
int sms_json_scalar(sms_json_reader_t *r, const char *what);
int sms_json_string(sms_json_reader_t *r);

/* The keys of an object, which may still be open, differ. */
int sms_json_unique(sms_json_doc_t *doc, const sms_json_node_t *object);


#endif /* SMS_JSON_READER_H */
