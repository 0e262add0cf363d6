#include "sms_json_reader.h"

#include <stdlib.h>
#include <string.h>

#include "sms_utf8.h"


#define SMS_JSON_FIRST_NODES  64


void
sms_json_read_init(sms_json_doc_t *doc, sms_json_grow_pt grow, void *data)
{
    memset(doc, 0, sizeof(sms_json_doc_t));

    doc->grow = grow;
    doc->data = data;
}


void
sms_json_read_free(sms_json_doc_t *doc)
{
    free(doc->nodes);
    free(doc->room);
    free(doc->keys);
    memset(doc, 0, sizeof(sms_json_doc_t));
}


int
sms_json_error(sms_json_doc_t *doc, int error, const char *what, size_t at)
{
    size_t  i;

    if (doc->error != SMS_JSON_OK) {
        return 0;
    }

    doc->error = error;
    doc->what = what;
    doc->line = 1;
    doc->column = 1;

    for (i = 0; i < at; i++) {

        if (doc->text[i] == '\n') {
            doc->line++;
            doc->column = 1;

        } else if (((unsigned char) doc->text[i] & 0xC0) != 0x80) {
            doc->column++;
        }
    }

    return 0;
}


int
sms_json_fail(sms_json_reader_t *r, const char *what, const char *p)
{
    size_t           i;
    unsigned         depth;
    const char      *next;
    sms_json_doc_t  *doc;

    doc = r->doc;

    for (i = r->open, depth = r->depth; depth; depth--) {

        if (doc->nodes[i].type == SMS_JSON_OBJECT
            && !sms_json_unique(doc, &doc->nodes[i]))
        {
            return 0;
        }

        i = doc->nodes[i].skip;
    }

    next = p;

    if (p < r->end && sms_utf8_next(&next, r->end) == SMS_UTF8_BAD) {
        return sms_json_error(doc, SMS_JSON_E_UTF8, "not UTF-8",
                              (size_t) (p - doc->text));
    }

    return sms_json_error(doc, SMS_JSON_E_SYNTAX,
                          p < r->end ? what : "the text ends too early",
                          (size_t) (p - doc->text));
}


void *
sms_json_memory(sms_json_doc_t *doc, void *p, size_t old, size_t n)
{
    p = doc->grow ? doc->grow(doc->data, p, old, n) : realloc(p, n);

    if (p == NULL) {
        (void) sms_json_error(doc, SMS_JSON_E_NOMEM, "no memory", 0);
    }

    return p;
}


sms_json_node_t *
sms_json_push(sms_json_doc_t *doc, sms_json_type_t type)
{
    size_t            cap;
    sms_json_node_t  *v;

    if (doc->used == doc->cap) {
        cap = doc->cap ? 2 * doc->cap : SMS_JSON_FIRST_NODES;
        v = sms_json_memory(doc, doc->nodes, doc->cap * sizeof(*v),
                            cap * sizeof(*v));
        if (v == NULL) {
            return NULL;
        }

        doc->nodes = v;
        doc->cap = cap;
    }

    v = &doc->nodes[doc->used++];
    v->u.i = 0;
    v->n = 0;
    v->type = type;
    v->skip = 1;

    return v;
}


static void
sms_json_space(sms_json_reader_t *r)
{
    while (r->p < r->end
           && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
    {
        r->p++;
    }
}


/* Something else stands at p.  Its own fault, if it has one, is told first. */
static int
sms_json_unexpected(sms_json_reader_t *r, const char *what)
{
    const char  *p;

    p = r->p;

    if ((p == r->end || *p == '\0' || strchr("{}[],:", *p) == NULL)
        && !sms_json_scalar(r, what))
    {
        return 0;
    }

    return sms_json_fail(r, what, p);
}


/* The innermost one ends behind p. */
static int
sms_json_close(sms_json_reader_t *r)
{
    size_t            open;
    sms_json_node_t  *v;

    r->p++;
    open = r->open;
    v = &r->doc->nodes[open];

    if (v->type == SMS_JSON_OBJECT && !sms_json_unique(r->doc, v)) {
        return 0;
    }

    r->open = v->skip;
    r->depth--;
    v->skip = (unsigned) (r->doc->used - open);

    return 1;
}


/* A key and its colon. */
static int
sms_json_name(sms_json_reader_t *r)
{
    size_t           key;
    const char      *from;
    sms_json_doc_t  *doc;

    doc = r->doc;
    sms_json_space(r);
    from = r->p;
    key = doc->used;

    if (from == r->end || *from != '"') {
        return sms_json_unexpected(r, "a key expected");
    }

    if (!sms_json_string(r)) {
        return 0;
    }

    doc->nodes[key].skip = (unsigned) (from - doc->text);
    doc->nodes[r->open].n++;
    sms_json_space(r);

    if (r->p == r->end || *r->p != ':') {
        return sms_json_unexpected(r, "a colon expected");
    }

    r->p++;

    return 1;
}


/* At p begins a value: 1 when it is whole, 2 when members or elements follow. */
static int
sms_json_value(sms_json_reader_t *r)
{
    char              c;
    size_t            open;
    const char       *from;
    sms_json_node_t  *v;

    sms_json_space(r);
    from = r->p;
    c = from < r->end ? *from : '\0';

    if (c != '{' && c != '[') {

        if (!sms_json_scalar(r, "a value expected")) {
            return 0;
        }

        if (r->depth == 0) {
            return sms_json_fail(r, "an object or an array expected", from);
        }

    } else {
        r->p++;
    }

    if (r->depth == SMS_JSON_READ_DEPTH) {
        return sms_json_fail(r, "nested too deep", from);
    }

    if (r->depth && r->doc->nodes[r->open].type == SMS_JSON_ARRAY) {
        r->doc->nodes[r->open].n++;
    }

    if (c != '{' && c != '[') {
        return 1;
    }

    open = r->doc->used;
    v = sms_json_push(r->doc, c == '{' ? SMS_JSON_OBJECT : SMS_JSON_ARRAY);
    if (v == NULL) {
        return 0;
    }

    /* while it is open: in what it is */
    v->skip = (unsigned) r->open;
    r->open = open;
    r->depth++;
    sms_json_space(r);

    if (r->p < r->end && *r->p == (c == '{' ? '}' : ']')) {
        return sms_json_close(r);
    }

    return c == '[' || sms_json_name(r) ? 2 : 0;
}


/* Behind a value: 1 when another one follows, 2 when the root has ended. */
static int
sms_json_behind(sms_json_reader_t *r)
{
    int  object;

    while (r->depth) {
        object = r->doc->nodes[r->open].type == SMS_JSON_OBJECT;
        sms_json_space(r);

        if (r->p < r->end && *r->p == ',') {
            r->p++;
            return !object || sms_json_name(r);
        }

        if (r->p == r->end || *r->p != (object ? '}' : ']')) {
            return sms_json_unexpected(r, object ? "a comma or } expected"
                                                 : "a comma or ] expected");
        }

        if (!sms_json_close(r)) {
            return 0;
        }
    }

    sms_json_space(r);

    return r->p == r->end ? 2 : sms_json_unexpected(r, "nothing may follow");
}


const sms_json_node_t *
sms_json_read(sms_json_doc_t *doc, const char *text, size_t len)
{
    int                rc;
    sms_json_reader_t  r;

    doc->text = text;

    if (len > SMS_JSON_READ_MAX) {
        (void) sms_json_error(doc, SMS_JSON_E_TOO_LONG, "the text is too long",
                              0);
        return NULL;
    }

    memset(&r, 0, sizeof(sms_json_reader_t));
    r.doc = doc;
    r.p = text;
    r.end = text + len;

    do {
        rc = sms_json_value(&r);

        if (rc == 1) {
            rc = sms_json_behind(&r);
        }

        if (rc == 0) {
            return NULL;
        }

    } while (r.depth);

    return doc->nodes;
}


const sms_json_node_t *
sms_json_get(const sms_json_node_t *object, const char *key, size_t len)
{
    uint32_t                i;
    const sms_json_node_t  *k;

    if (!sms_json_is(object, SMS_JSON_OBJECT)) {
        return NULL;
    }

    for (i = 0, k = sms_json_first(object); i < object->n;
         i++, k = sms_json_next(k + 1))
    {
        if (k->n == len && memcmp(k->u.p, key, len) == 0) {
            return k + 1;
        }
    }

    return NULL;
}
