/*
 * http_doc - fields out of what an operator wrote: JSON, a form, a query string,
 * XML or plain text.  Everything here comes from outside.
 *
 * A map names a list of records and the fields of one:
 *
 *   json    "reports" and "id": dotted, numbers are places in arrays, or a JSON
 *           pointer (RFC 6901) "/reports", "/data/0/id"; without a list the
 *           root is the record, or, where it is an array, each element
 *   xml     "response/report" and "id", "@id", "body/text" (names without their
 *           prefix), "." the record's own text; without a list the document is
 *           the record and paths begin with its root element.  A document type
 *           is refused, so there are no entities but the five
 *   form,
 *   query   "id": name of a parameter; one record
 *   text    a regular expression; the first group, else all of it, is the value
 *
 * A field that is not there, or is null, an object or an array, is absent.
 */
#ifndef HTTP_DOC_H
#define HTTP_DOC_H

#include <stddef.h>
#include <stdint.h>

#include "sms_plugin.h"

#define HTTP_FIELDS_MAX    8
#define HTTP_VALUE_MAX     8192         /* bytes of one field                  */
#define HTTP_RECORDS_MAX   SMS_BATCH_MAX

typedef enum {
    HTTP_DOC_JSON, HTTP_DOC_XML, HTTP_DOC_TEXT, HTTP_DOC_NONE, HTTP_DOC_FORM,
    HTTP_DOC_QUERY
} http_format_t;

typedef struct {
    http_format_t   format;
    uint32_t        n;
    sms_str_t       list;               /* empty: none                         */
    sms_str_t       path[HTTP_FIELDS_MAX];      /* empty: not asked for        */
    void           *pattern[HTTP_FIELDS_MAX];   /* text: compiled              */
} http_map_t;

typedef struct {
    sms_str_t       field[HTTP_FIELDS_MAX];     /* ptr NULL: absent            */
} http_record_t;

/* Not 0: it is enough, and http_doc_read() says -1.  Fields live until it
 * returns.                                                                    */
typedef int (*http_record_pt)(void *data, const http_record_t *record);

/* How many records, or -1: it could not be read to its end.                   */
int http_doc_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data);

/* 1: a path of this format; compiles patterns.  "what" says what is wrong.    */
int http_map_prepare(http_map_t *map, char *what, size_t cap);
void http_map_free(http_map_t *map);

/* http_xml.c */
int http_xml_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data);

#endif /* HTTP_DOC_H */
