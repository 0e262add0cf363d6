/*
 * XML by expat, as a stream: no tree, no document type, no entity but the five.
 */
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_doc.h"


#define HTTP_XML_PATH   512             /* bytes of the names of open elements */
#define HTTP_XML_DEPTH  64

typedef struct {
    char            *p;
    size_t           len, cap;
    unsigned         found:1;
    unsigned         closed:1;          /* its element has ended               */
    unsigned         lost:1;            /* too long, or no memory              */
} http_xml_value_t;

typedef struct {
    const http_map_t  *map;
    http_record_pt     record;
    void              *data;
    XML_Parser         parser;
    char               path[HTTP_XML_PATH];
    size_t             len;             /* of path                             */
    size_t             ends[HTTP_XML_DEPTH];    /* of path, before each element */
    unsigned           depth;
    unsigned           in;              /* depth of the record's element; 0: none */
    size_t             base;            /* where the paths of its fields begin */
    int                n;
    int                failed;
    http_xml_value_t   values[HTTP_FIELDS_MAX];
} http_xml_t;


static void
http_xml_stop(http_xml_t *x)
{
    x->failed = 1;
    (void) XML_StopParser(x->parser, XML_FALSE);
}


/* the path of an open element against that of a field; "." is the record itself */
static int
http_xml_is(const http_xml_t *x, sms_str_t path, const char *attribute)
{
    size_t       n, len;
    const char  *p;

    p = x->path + x->base;
    len = x->len > x->base ? x->len - x->base : 0;

    if (len && *p == '/') {
        p++;
        len--;
    }

    if (attribute == NULL) {
        return (path.len == 1 && path.ptr[0] == '.' && len == 0)
               || (len && path.len == len && memcmp(path.ptr, p, len) == 0);
    }

    n = strlen(attribute);

    if (path.len < n + 1 || path.ptr[path.len - n - 1] != '@'
        || memcmp(path.ptr + path.len - n, attribute, n) != 0)
    {
        return 0;
    }

    path.len -= n + 1;

    return (path.len == 0 && len == 0)
           || (path.len == len + 1 && path.ptr[len] == '/'
               && memcmp(path.ptr, p, len) == 0);
}


static void
http_xml_keep(http_xml_t *x, http_xml_value_t *v, const char *p, size_t n)
{
    char    *grown;
    size_t   cap;

    v->found = 1;

    if (v->lost || n > HTTP_VALUE_MAX - v->len) {
        v->lost = 1;
        return;
    }

    if (v->len + n > v->cap) {
        for (cap = v->cap ? v->cap : 64; cap < v->len + n; cap *= 2) {
            /* void */
        }

        grown = realloc(v->p, cap);

        if (grown == NULL) {
            http_xml_stop(x);
            return;
        }

        v->p = grown;
        v->cap = cap;
    }

    if (n) {
        memcpy(v->p + v->len, p, n);
        v->len += n;
    }
}


static void
http_xml_clear(http_xml_t *x)
{
    uint32_t  i;

    for (i = 0; i < HTTP_FIELDS_MAX; i++) {
        x->values[i].len = 0;
        x->values[i].found = 0;
        x->values[i].closed = 0;
        x->values[i].lost = 0;
    }
}


static void
http_xml_tell(http_xml_t *x)
{
    uint32_t           i;
    http_record_t      r;
    http_xml_value_t  *v;

    memset(&r, 0, sizeof(r));

    for (i = 0; i < x->map->n; i++) {
        v = &x->values[i];

        if (v->found && !v->lost) {
            r.field[i].ptr = v->len ? v->p : "";
            r.field[i].len = v->len;
        }
    }

    if (x->n == HTTP_RECORDS_MAX || x->record(x->data, &r)) {
        http_xml_stop(x);
        return;
    }

    x->n++;
    http_xml_clear(x);
}


static const char *
http_xml_local(const char *name)
{
    const char  *colon;

    colon = strchr(name, ':');

    return colon ? colon + 1 : name;
}


static void XMLCALL
http_xml_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    size_t       n;
    uint32_t     i, k;
    http_xml_t  *x = data;

    name = http_xml_local(name);
    n = strlen(name);

    if (x->failed) {
        return;
    }

    if (x->depth == HTTP_XML_DEPTH || n + 1 > HTTP_XML_PATH - x->len) {
        http_xml_stop(x);
        return;
    }

    x->ends[x->depth++] = x->len;

    if (x->len) {
        x->path[x->len++] = '/';
    }

    memcpy(x->path + x->len, name, n);
    x->len += n;

    if (x->in == 0 && x->map->list.len == x->len
        && memcmp(x->map->list.ptr, x->path, x->len) == 0)
    {
        x->in = x->depth;
        x->base = x->len;
        http_xml_clear(x);
    }

    if (x->map->list.len && x->in == 0) {
        return;
    }

    for (i = 0; i < x->map->n; i++) {

        if (x->map->path[i].len == 0 || x->values[i].closed) {
            continue;
        }

        if (http_xml_is(x, x->map->path[i], NULL)) {
            http_xml_keep(x, &x->values[i], "", 0);
        }

        for (k = 0; attributes[k]; k += 2) {
            if (http_xml_is(x, x->map->path[i], http_xml_local(attributes[k]))) {
                http_xml_keep(x, &x->values[i], attributes[k + 1],
                              strlen(attributes[k + 1]));
                x->values[i].closed = 1;
                break;
            }
        }
    }
}


static void XMLCALL
http_xml_end(void *data, const XML_Char *name)
{
    uint32_t     i;
    http_xml_t  *x = data;

    (void) name;

    if (x->failed || x->depth == 0) {
        return;
    }

    for (i = 0; i < x->map->n; i++) {
        if (x->map->path[i].len && (x->in || x->map->list.len == 0)
            && x->values[i].found && http_xml_is(x, x->map->path[i], NULL))
        {
            x->values[i].closed = 1;
        }
    }

    if (x->in == x->depth) {
        http_xml_tell(x);
        x->in = 0;
        x->base = 0;
    }

    x->len = x->ends[--x->depth];
}


static void XMLCALL
http_xml_characters(void *data, const XML_Char *p, int n)
{
    uint32_t     i;
    http_xml_t  *x = data;

    if (x->failed || (x->map->list.len && x->in == 0)) {
        return;
    }

    for (i = 0; i < x->map->n; i++) {
        if (x->map->path[i].len && !x->values[i].closed
            && http_xml_is(x, x->map->path[i], NULL))
        {
            http_xml_keep(x, &x->values[i], p, (size_t) n);
        }
    }
}


static void XMLCALL
http_xml_doctype(void *data, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int subset)
{
    (void) name;
    (void) sysid;
    (void) pubid;
    (void) subset;
    http_xml_stop(data);
}


/* the code pages of Turkish, which expat does not know */
static int XMLCALL
http_xml_encoding(void *data, const XML_Char *name, XML_Encoding *e)
{
    int  i;

    static const struct { int at, cp; }  windows[] = {
        { 0x80, 0x20AC }, { 0x82, 0x201A }, { 0x83, 0x0192 }, { 0x84, 0x201E },
        { 0x85, 0x2026 }, { 0x86, 0x2020 }, { 0x87, 0x2021 }, { 0x88, 0x02C6 },
        { 0x89, 0x2030 }, { 0x8A, 0x0160 }, { 0x8B, 0x2039 }, { 0x8C, 0x0152 },
        { 0x91, 0x2018 }, { 0x92, 0x2019 }, { 0x93, 0x201C }, { 0x94, 0x201D },
        { 0x95, 0x2022 }, { 0x96, 0x2013 }, { 0x97, 0x2014 }, { 0x98, 0x02DC },
        { 0x99, 0x2122 }, { 0x9A, 0x0161 }, { 0x9B, 0x203A }, { 0x9C, 0x0153 },
        { 0x9F, 0x0178 }
    };

    (void) data;

    if (strcasecmp(name, "iso-8859-9") != 0 && strcasecmp(name, "windows-1254") != 0) {
        return XML_STATUS_ERROR;
    }

    for (i = 0; i < 256; i++) {
        e->map[i] = i;
    }

    e->map[0xD0] = 0x011E;
    e->map[0xDD] = 0x0130;
    e->map[0xDE] = 0x015E;
    e->map[0xF0] = 0x011F;
    e->map[0xFD] = 0x0131;
    e->map[0xFE] = 0x015F;

    if (name[0] == 'w' || name[0] == 'W') {
        for (i = 0; i < (int) (sizeof(windows) / sizeof(windows[0])); i++) {
            e->map[windows[i].at] = windows[i].cp;
        }
    }

    e->data = NULL;
    e->convert = NULL;
    e->release = NULL;

    return XML_STATUS_OK;
}


int
http_xml_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data)
{
    int          n;
    uint32_t     i;
    http_xml_t  *x;

    x = calloc(1, sizeof(http_xml_t));

    if (x == NULL) {
        return -1;
    }

    x->map = map;
    x->record = record;
    x->data = data;
    x->parser = XML_ParserCreate(NULL);
    n = -1;

    if (x->parser == NULL) {
        goto failed;
    }

    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, http_xml_start, http_xml_end);
    XML_SetCharacterDataHandler(x->parser, http_xml_characters);
    XML_SetStartDoctypeDeclHandler(x->parser, http_xml_doctype);
    XML_SetUnknownEncodingHandler(x->parser, http_xml_encoding, NULL);

    if (text.len <= INT32_MAX
        && XML_Parse(x->parser, text.ptr, (int) text.len, 1) == XML_STATUS_OK
        && !x->failed)
    {
        if (map->list.len == 0) {
            http_xml_tell(x);
        }

        n = x->failed ? -1 : x->n;
    }

    XML_ParserFree(x->parser);

failed:

    for (i = 0; i < HTTP_FIELDS_MAX; i++) {
        free(x->values[i].p);
    }

    free(x);

    return n;
}
