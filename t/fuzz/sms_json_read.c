/* libs: -ljansson */
/*
 * The reader against jansson: both take a text or both refuse it, for the same
 * kind of reason, and what they take is the same.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sms_json_read.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


static void same(const sms_json_node_t *v, json_t *j);


static void
same_members(const sms_json_node_t *v, json_t *j)
{
    void                   *iter;
    json_t                 *value;
    uint32_t                i;
    const sms_json_node_t  *key;

    ENSURE(v->n == json_object_size(j));
    iter = json_object_iter(j);

    for (i = 0, key = sms_json_first(v); i < v->n;
         i++, key = sms_json_next(key + 1))
    {
        ENSURE(sms_json_is(key, SMS_JSON_STR));
        ENSURE(json_object_iter_key_len(iter) == key->n);
        ENSURE(memcmp(json_object_iter_key(iter), key->u.p, key->n) == 0);

        value = json_object_iter_value(iter);

        if (i < 64) {
            ENSURE(sms_json_get(v, key->u.p, key->n) == key + 1);
        }

        same(key + 1, value);
        iter = json_object_iter_next(j, iter);
    }

    ENSURE(sms_json_get(v, "no such key", 11) == NULL
           || json_object_get(j, "no such key"));
    ENSURE(key == sms_json_next(v));
}


static void
same_elements(const sms_json_node_t *v, json_t *j)
{
    uint32_t                i;
    const sms_json_node_t  *item;

    ENSURE(v->n == json_array_size(j));

    for (i = 0, item = sms_json_first(v); i < v->n;
         i++, item = sms_json_next(item))
    {
        same(item, json_array_get(j, i));
    }

    ENSURE(item == sms_json_next(v));
    ENSURE(sms_json_get(v, "", 0) == NULL);
}


static void
same_real(const sms_json_node_t *v, double d)
{
    char    *text, *end;
    double   mine;

    text = malloc(v->n + 1);
    ENSURE(text != NULL);
    memcpy(text, v->u.p, v->n);
    text[v->n] = '\0';

    mine = strtod(text, &end);
    ENSURE(*end == '\0' && end != text);
    ENSURE(memcmp(&mine, &d, sizeof(d)) == 0);
    ENSURE(isfinite(mine));

    free(text);
}


static void
same(const sms_json_node_t *v, json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        ENSURE(sms_json_is(v, SMS_JSON_OBJECT));
        same_members(v, j);
        return;
    case JSON_ARRAY:
        ENSURE(sms_json_is(v, SMS_JSON_ARRAY));
        same_elements(v, j);
        return;
    case JSON_STRING:
        ENSURE(sms_json_is(v, SMS_JSON_STR));
        ENSURE(v->n == json_string_length(j));
        ENSURE(memcmp(v->u.p, json_string_value(j), v->n) == 0);
        break;
    case JSON_INTEGER:
        ENSURE(sms_json_is(v, SMS_JSON_INT));
        ENSURE(v->u.i == json_integer_value(j));
        break;
    case JSON_REAL:
        ENSURE(sms_json_is(v, SMS_JSON_REAL));
        same_real(v, json_real_value(j));
        break;
    case JSON_TRUE:
        ENSURE(sms_json_is(v, SMS_JSON_TRUE));
        break;
    case JSON_FALSE:
        ENSURE(sms_json_is(v, SMS_JSON_FALSE));
        break;
    case JSON_NULL:
        ENSURE(sms_json_is(v, SMS_JSON_NULL));
        break;
    }

    ENSURE(sms_json_next(v) == v + 1);
}


static int
kind(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return SMS_JSON_E_UTF8;
    case json_error_duplicate_key:
        return SMS_JSON_E_DUPLICATE;
    case json_error_out_of_memory:
        return SMS_JSON_E_NOMEM;
    default:
        return SMS_JSON_E_SYNTAX;
    }
}


static void
both(const char *text, size_t len)
{
    json_t                 *j;
    json_error_t            error;
    sms_json_doc_t          doc;
    const sms_json_node_t  *root;

    j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    sms_json_read_init(&doc, NULL, NULL);
    root = sms_json_read(&doc, text, len);

    if (len && memchr(text, '\0', len)) {

        /* jansson reads over one behind a number or a word */
        ENSURE(root == NULL);
        goto done;
    }

    ENSURE((j == NULL) == (root == NULL));

    if (root) {
        ENSURE(doc.error == SMS_JSON_OK);
        ENSURE(sms_json_next(root) == doc.nodes + doc.used);
        same(root, j);

    } else {
        ENSURE(doc.error == kind(&error));
        ENSURE(doc.line >= 1 && doc.column >= 1 && doc.what != NULL);
        ENSURE(doc.line + doc.column <= len + 2);
    }

done:

    sms_json_read_free(&doc);
    json_decref(j);
}


/* in "n" arrays, or behind "n" members of an object */
static void
within(const char *p, size_t len, size_t n, int members)
{
    char    *text, *out;
    size_t   i;

    text = malloc(1 + 7 * n + len);
    ENSURE(text != NULL);
    out = text;

    if (members) {
        *out++ = '{';
    }

    for (i = 0; i < n; i++) {

        if (members) {
            memcpy(out, "\"aa\":1,", 7);
            out[1] = (char) ('a' + i % 23);
            out[2] = (char) ('a' + i / 23);
            out += 7;

        } else {
            *out++ = '[';
        }
    }

    memcpy(out, p, len);
    out += len;

    if (!members) {
        memset(out, ']', n);
        out += n;
    }

    both(text, (size_t) (out - text));
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char  *p;

    p = (const char *) data;

    /* such are slow: a word that mutations seldom make keeps them few */
    if (size > 5 && memcmp(p, "deep", 4) == 0) {
        within(p + 5, size - 5,
               SMS_JSON_READ_DEPTH - 16 + (size_t) data[4] % 32, 0);

    } else if (size > 5 && memcmp(p, "many", 4) == 0) {
        within(p + 5, size - 5, data[4], 1);
    }

    both(p, size);

    return 0;
}
