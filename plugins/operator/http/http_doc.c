#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH  8
#endif
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sms/sms_json_read.h>

#include "http_doc.h"


#define HTTP_STEPS_MAX     100000       /* of matching a pattern               */
#define HTTP_SEGMENT_MAX   128          /* bytes of a member's name in a path  */


/* the next name of a JSON path, without ~1 and ~0; 0: there is none, or it is too
 * long */
static int
http_json_segment(sms_str_t *path, char separator, char *name, size_t *len)
{
    size_t  i, n;

    if (path->len == 0) {
        return 0;
    }

    for (i = 0, n = 0; i < path->len && path->ptr[i] != separator; i++) {
        if (n == HTTP_SEGMENT_MAX) {
            return 0;
        }

        name[n++] = path->ptr[i];

        if (separator == '/' && path->ptr[i] == '~' && i + 1 < path->len
            && (path->ptr[i + 1] == '0' || path->ptr[i + 1] == '1'))
        {
            name[n - 1] = path->ptr[++i] == '1' ? '/' : '~';
        }
    }

    *len = n;
    i += i < path->len;
    path->ptr += i;
    path->len -= i;

    return 1;
}


static const sms_json_node_t *
http_json_element(const sms_json_node_t *array, const char *name, size_t len)
{
    size_t                  i;
    uint32_t                k, place;
    const sms_json_node_t  *v;

    if (len == 0 || len > 6) {
        return NULL;
    }

    for (i = 0, place = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return NULL;
        }

        place = place * 10 + (uint32_t) (name[i] - '0');
    }

    if (place >= array->n) {
        return NULL;
    }

    for (k = 0, v = sms_json_first(array); k < place; k++) {
        v = sms_json_next(v);
    }

    return v;
}


static const sms_json_node_t *
http_json_find(const sms_json_node_t *v, sms_str_t path)
{
    char    separator, name[HTTP_SEGMENT_MAX];
    size_t  len;

    separator = '.';

    if (path.len && path.ptr[0] == '/') {
        separator = '/';
        path.ptr++;
        path.len--;
    }

    while (v && http_json_segment(&path, separator, name, &len)) {
        v = v->type == SMS_JSON_OBJECT ? sms_json_get(v, name, len)
            : v->type == SMS_JSON_ARRAY ? http_json_element(v, name, len)
            : NULL;
    }

    return path.len ? NULL : v;
}


static sms_str_t
http_json_value(const sms_json_node_t *v, char *scratch, size_t cap)
{
    sms_str_t  s;

    s.ptr = NULL;
    s.len = 0;

    if (v == NULL) {
        return s;
    }

    switch (v->type) {

    case SMS_JSON_STR:
    case SMS_JSON_REAL:
        s.ptr = v->n ? v->u.p : "";
        s.len = v->n;
        break;

    case SMS_JSON_INT:
        s.ptr = scratch;
        s.len = (size_t) snprintf(scratch, cap, "%lld", (long long) v->u.i);
        break;

    case SMS_JSON_TRUE:
    case SMS_JSON_FALSE:
        s.ptr = v->type == SMS_JSON_TRUE ? "true" : "false";
        s.len = strlen(s.ptr);
        break;

    default:
        break;
    }

    if (s.len > HTTP_VALUE_MAX) {
        s.ptr = NULL;
        s.len = 0;
    }

    return s;
}


static int
http_json_record(const http_map_t *map, const sms_json_node_t *v,
    http_record_pt record, void *data)
{
    char           scratch[HTTP_FIELDS_MAX][24];
    uint32_t       i;
    http_record_t  r;

    memset(&r, 0, sizeof(r));

    for (i = 0; i < map->n; i++) {
        if (map->path[i].len) {
            r.field[i] = http_json_value(http_json_find(v, map->path[i]), scratch[i],
                                         sizeof(scratch[i]));
        }
    }

    return record(data, &r);
}


static int
http_json_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data)
{
    int                     n;
    uint32_t                i;
    sms_json_doc_t          doc;
    const sms_json_node_t  *v, *root;

    /* some write a byte order mark, which JSON has none of */
    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) {
        text.ptr += 3;
        text.len -= 3;
    }

    sms_json_read_init(&doc, NULL, NULL);
    root = sms_json_read(&doc, text.ptr, text.len);
    v = root && map->list.len ? http_json_find(root, map->list) : root;
    n = -1;

    if (sms_json_is(v, SMS_JSON_OBJECT)) {
        n = http_json_record(map, v, record, data) ? -1 : 1;

    } else if (sms_json_is(v, SMS_JSON_ARRAY) && v->n <= HTTP_RECORDS_MAX) {
        n = (int) v->n;

        for (i = 0, v = sms_json_first(v); i < (uint32_t) n;
             i++, v = sms_json_next(v))
        {
            if (http_json_record(map, v, record, data)) {
                n = -1;
                break;
            }
        }
    }

    sms_json_read_free(&doc);

    return n;
}


static int
http_form_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}


/* decodes into "to", which has room for s.len; -1: malformed */
static long
http_form_decode(sms_str_t s, char *to)
{
    int     high, low;
    size_t  i;
    long    n;

    for (i = 0, n = 0; i < s.len; i++, n++) {
        if (s.ptr[i] == '+') {
            to[n] = ' ';

        } else if (s.ptr[i] != '%') {
            to[n] = s.ptr[i];

        } else {
            high = i + 2 < s.len ? http_form_digit(s.ptr[i + 1]) : -1;
            low = high < 0 ? -1 : http_form_digit(s.ptr[i + 2]);

            if (low < 0) {
                return -1;
            }

            to[n] = (char) (high << 4 | low);
            i += 2;
        }
    }

    return n;
}


static int
http_form_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data)
{
    long            n;
    char           *room, *to;
    size_t          i, k, end, eq;
    uint32_t        f;
    sms_str_t       name, value;
    http_record_t   r;

    memset(&r, 0, sizeof(r));
    room = malloc(text.len + 1);

    if (room == NULL) {
        return -1;
    }

    to = room;

    for (i = 0; i < text.len; i = end + 1) {

        for (end = i; end < text.len && text.ptr[end] != '&'; end++) {
            /* void */
        }

        for (eq = i; eq < end && text.ptr[eq] != '='; eq++) {
            /* void */
        }

        name.ptr = text.ptr + i;
        name.len = eq - i;
        k = eq < end ? eq + 1 : end;
        value.ptr = text.ptr + k;
        value.len = end - k;

        n = http_form_decode(name, to);

        if (n < 0) {
            goto failed;
        }

        name.ptr = to;
        name.len = (size_t) n;
        to += n;
        n = http_form_decode(value, to);

        if (n < 0) {
            goto failed;
        }

        for (f = 0; f < map->n; f++) {
            if (r.field[f].ptr == NULL && map->path[f].len && n <= HTTP_VALUE_MAX
                && map->path[f].len == name.len
                && memcmp(map->path[f].ptr, name.ptr, name.len) == 0)
            {
                r.field[f].ptr = to;
                r.field[f].len = (size_t) n;
            }
        }

        to += n;
    }

    n = record(data, &r) ? -1 : 1;
    free(room);

    return (int) n;

failed:

    free(room);

    return -1;
}


static int
http_text_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data)
{
    int                   rc;
    uint32_t              i, group;
    PCRE2_SIZE           *place;
    http_record_t         r;
    pcre2_match_data     *match;
    pcre2_match_context  *limits;

    memset(&r, 0, sizeof(r));
    limits = pcre2_match_context_create(NULL);

    if (limits == NULL) {
        return -1;
    }

    (void) pcre2_set_match_limit(limits, HTTP_STEPS_MAX);
    (void) pcre2_set_depth_limit(limits, 1000);
    (void) pcre2_set_heap_limit(limits, 1024);

    for (i = 0; i < map->n; i++) {

        match = map->pattern[i]
                ? pcre2_match_data_create_from_pattern(map->pattern[i], NULL) : NULL;

        if (match == NULL) {
            continue;
        }

        rc = pcre2_match(map->pattern[i], (PCRE2_SPTR) text.ptr, text.len, 0, 0, match,
                         limits);

        if (rc > 0) {
            place = pcre2_get_ovector_pointer(match);
            group = rc > 1 && place[2] != PCRE2_UNSET ? 1 : 0;

            if (place[2 * group + 1] >= place[2 * group]
                && place[2 * group + 1] - place[2 * group] <= HTTP_VALUE_MAX)
            {
                r.field[i].ptr = text.ptr + place[2 * group];
                r.field[i].len = place[2 * group + 1] - place[2 * group];
            }
        }

        pcre2_match_data_free(match);
    }

    pcre2_match_context_free(limits);

    return record(data, &r) ? -1 : 1;
}


int
http_doc_read(const http_map_t *map, sms_str_t text, http_record_pt record,
    void *data)
{
    if (text.ptr == NULL) {
        text.ptr = "";
    }

    switch (map->format) {

    case HTTP_DOC_JSON:
        return http_json_read(map, text, record, data);

    case HTTP_DOC_XML:
        return http_xml_read(map, text, record, data);

    case HTTP_DOC_TEXT:
        return http_text_read(map, text, record, data);

    case HTTP_DOC_FORM:
    case HTTP_DOC_QUERY:
        return http_form_read(map, text, record, data);

    default:
        return 0;
    }
}


int
http_map_prepare(http_map_t *map, char *what, size_t cap)
{
    int            code;
    char           said[96];
    uint32_t       i;
    PCRE2_SIZE     place;

    for (i = 0; i < map->n; i++) {
        if (map->format != HTTP_DOC_TEXT || map->path[i].len == 0) {
            continue;
        }

        map->pattern[i] = pcre2_compile((PCRE2_SPTR) map->path[i].ptr, map->path[i].len,
                                        PCRE2_NEVER_BACKSLASH_C, &code, &place, NULL);

        if (map->pattern[i] == NULL) {
            (void) pcre2_get_error_message(code, (PCRE2_UCHAR *) said, sizeof(said));
            snprintf(what, cap, "\"%.*s\" is no regular expression: %s at character "
                     "%zu", (int) map->path[i].len, map->path[i].ptr, said, place + 1);
            return 0;
        }
    }

    return 1;
}


void
http_map_free(http_map_t *map)
{
    uint32_t  i;

    for (i = 0; i < HTTP_FIELDS_MAX; i++) {
        pcre2_code_free(map->pattern[i]);
        map->pattern[i] = NULL;
    }
}
