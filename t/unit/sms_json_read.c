#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_json_read.h"


/* in memory that ends where the text does: valgrind and ASan see a step beyond */
static const sms_json_node_t *
read_n(sms_json_doc_t *doc, const char *text, size_t len, char **copy)
{
    *copy = malloc(len ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, text, len);
    sms_json_read_init(doc, NULL, NULL);

    return sms_json_read(doc, *copy, len);
}


static void
str_is(const sms_json_node_t *v, const char *want)
{
    assert_true(sms_json_is(v, SMS_JSON_STR));
    assert_int_equal(v->n, strlen(want));
    assert_memory_equal(v->u.p, want, v->n);
}


static const sms_json_node_t *
get(const sms_json_node_t *object, const char *key)
{
    return sms_json_get(object, key, strlen(key));
}


static void
test_shapes(void **state)
{
    char                   *copy;
    sms_json_doc_t          doc;
    const sms_json_node_t  *root, *list, *v;

    static const char  text[] = " {\"to\": [\"05321112233\" ,[], {}, 7],\r\n"
        "\t\"n\":null, \"t\":true,\"f\":false, \"r\":-1.5e3,\"o\":{\"o\":{}}} ";

    (void) state;

    root = read_n(&doc, text, sizeof(text) - 1, &copy);
    assert_true(sms_json_is(root, SMS_JSON_OBJECT));
    assert_int_equal(doc.error, SMS_JSON_OK);
    assert_int_equal(root->n, 6);
    assert_ptr_equal(sms_json_next(root), doc.nodes + doc.used);

    list = get(root, "to");
    assert_true(sms_json_is(list, SMS_JSON_ARRAY));
    assert_int_equal(list->n, 4);

    v = sms_json_first(list);
    str_is(v, "05321112233");
    assert_ptr_equal(v->u.p, strchr(copy, '0'));
    v = sms_json_next(v);
    assert_true(sms_json_is(v, SMS_JSON_ARRAY) && v->n == 0);
    v = sms_json_next(v);
    assert_true(sms_json_is(v, SMS_JSON_OBJECT) && v->n == 0);
    v = sms_json_next(v);
    assert_true(sms_json_is(v, SMS_JSON_INT) && v->u.i == 7);
    v = sms_json_next(v);
    assert_ptr_equal(v, sms_json_next(list));
    str_is(v, "n");

    assert_true(sms_json_is(get(root, "n"), SMS_JSON_NULL));
    assert_true(sms_json_is(get(root, "t"), SMS_JSON_TRUE));
    assert_true(sms_json_is(get(root, "f"), SMS_JSON_FALSE));
    v = get(root, "r");
    assert_true(sms_json_is(v, SMS_JSON_REAL) && v->n == 6);
    assert_memory_equal(v->u.p, "-1.5e3", 6);
    assert_true(sms_json_is(get(get(root, "o"), "o"), SMS_JSON_OBJECT));

    /* neither a part of a key, nor of another object, nor of none */
    assert_null(get(root, "t1"));
    assert_null(get(root, ""));
    assert_null(get(get(root, "o"), "to"));
    assert_null(get(list, "to"));
    assert_null(get(NULL, "to"));
    assert_false(sms_json_is(NULL, SMS_JSON_NULL));

    sms_json_read_free(&doc);
    free(copy);
}


static void
test_strings(void **state)
{
    size_t           i;
    char            *copy;
    sms_json_doc_t   doc;

    static const struct { const char *text, *want; }  cases[] = {
        { "[\"\"]", "" },
        { "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "\"\\/\b\f\n\r\t" },
        { "[\"\\u0041\\u00e7\\u20AC\"]", "A\xC3\xA7\xE2\x82\xAC" },
        { "[\"\\ud83d\\ude00\\uD800\\uDC00\"]",
          "\xF0\x9F\x98\x80\xF0\x90\x80\x80" },
        { "[\"\\uffff\\ue000\\ud7ff\"]", "\xEF\xBF\xBF\xEE\x80\x80\xED\x9F\xBF" },
        { "[\"I\xC5\x9F\xC4\xB1k a\x7F \xF4\x8F\xBF\xBF\"]",
          "I\xC5\x9F\xC4\xB1k a\x7F \xF4\x8F\xBF\xBF" },
        { "[\"0123456789 \\u0020 0123456789\"]", "0123456789   0123456789" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_non_null(read_n(&doc, cases[i].text, strlen(cases[i].text),
                               &copy));
        str_is(sms_json_first(doc.nodes), cases[i].want);
        sms_json_read_free(&doc);
        free(copy);
    }

    /* what is decoded later does not move what was */
    assert_non_null(read_n(&doc, "{\"\\u0061\":\"\\n\",\"b\\t\":\"c\"}", 25, &copy));
    str_is(get(doc.nodes, "a"), "\n");
    str_is(get(doc.nodes, "b\t"), "c");
    sms_json_read_free(&doc);
    free(copy);
}


static void
test_numbers(void **state)
{
    char                   *copy;
    size_t                  i;
    sms_json_doc_t          doc;
    const sms_json_node_t  *v;

    static const char  text[] = "[0,-0,10,-17,9223372036854775807,"
        "-9223372036854775808,1000000000000000000]";
    static const int64_t  want[] = {
        0, 0, 10, -17, INT64_MAX, INT64_MIN, INT64_C(1000000000000000000)
    };

    (void) state;

    assert_non_null(read_n(&doc, text, sizeof(text) - 1, &copy));

    for (i = 0, v = sms_json_first(doc.nodes); i < doc.nodes->n;
         i++, v = sms_json_next(v))
    {
        assert_true(sms_json_is(v, SMS_JSON_INT));
        assert_true(v->u.i == want[i]);
    }

    assert_int_equal(i, sizeof(want) / sizeof(want[0]));
    sms_json_read_free(&doc);
    free(copy);
}


static void
test_errors(void **state)
{
    size_t           i;
    char            *copy;
    sms_json_doc_t   doc;

    static const struct {
        const char  *text;
        int          error;
        unsigned     line, column;
    }  cases[] = {
        { "", SMS_JSON_E_SYNTAX, 1, 1 },
        { "1", SMS_JSON_E_SYNTAX, 1, 2 },
        { "\"a\"", SMS_JSON_E_SYNTAX, 1, 1 },
        { "{\"a\":1", SMS_JSON_E_SYNTAX, 1, 7 },
        { "{\"a\":1,}", SMS_JSON_E_SYNTAX, 1, 8 },
        { "{\n\"a\" 1}", SMS_JSON_E_SYNTAX, 2, 5 },
        { "{\"a\":1 \"b\":2}", SMS_JSON_E_SYNTAX, 1, 8 },
        { "{a:1}", SMS_JSON_E_SYNTAX, 1, 2 },
        { "[1,]", SMS_JSON_E_SYNTAX, 1, 4 },
        { "[1}", SMS_JSON_E_SYNTAX, 1, 3 },
        { "[] []", SMS_JSON_E_SYNTAX, 1, 4 },
        { "[01]", SMS_JSON_E_SYNTAX, 1, 2 },
        { "[1.]", SMS_JSON_E_SYNTAX, 1, 4 },
        { "[-]", SMS_JSON_E_SYNTAX, 1, 3 },
        { "[1e+]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "[9223372036854775808]", SMS_JSON_E_SYNTAX, 1, 21 },
        { "[-9223372036854775809]", SMS_JSON_E_SYNTAX, 1, 22 },
        { "[36893488147419103233]", SMS_JSON_E_SYNTAX, 1, 22 },
        { "[1e309]", SMS_JSON_E_SYNTAX, 1, 7 },
        { "[nul]", SMS_JSON_E_SYNTAX, 1, 2 },
        { "[True]", SMS_JSON_E_SYNTAX, 1, 2 },
        { "[\"a\nb\"]", SMS_JSON_E_SYNTAX, 1, 4 },
        { "[\"\xC3\xA7\xC3\xA7\\x\"]", SMS_JSON_E_SYNTAX, 1, 6 },
        { "[\"\\u12g4\"]", SMS_JSON_E_SYNTAX, 1, 7 },
        { "[\"\\u0000\"]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "{\"a\\u0000\":1}", SMS_JSON_E_SYNTAX, 1, 6 },
        { "[\"\\ud83d\"]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "[\"\\ude00\"]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "[\"\\ud83d\\u0041\"]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "[\"\\ud83d\\ue000\"]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "[\"\\ud83d\\udbff\"]", SMS_JSON_E_SYNTAX, 1, 5 },
        { "[\"a", SMS_JSON_E_SYNTAX, 1, 4 },
        { "\xEF\xBB\xBF{}", SMS_JSON_E_SYNTAX, 1, 1 },
        { "[\"\xC0\xAF\"]", SMS_JSON_E_UTF8, 1, 3 },
        { "[\"\xED\xA0\x80\"]", SMS_JSON_E_UTF8, 1, 3 },
        { "[\"\xE2\x82", SMS_JSON_E_UTF8, 1, 3 },
        { "[1\xFF]", SMS_JSON_E_UTF8, 1, 3 },
        { "{} \xFF", SMS_JSON_E_UTF8, 1, 4 },
        { "[\"\\ud83d \xFF\"]", SMS_JSON_E_UTF8, 1, 10 },
        { "{\"a\":1,\n \"b\":2,\n \"a\":3}", SMS_JSON_E_DUPLICATE, 3, 2 },
        { "{\"a\":1,\"\\u0061\":3}", SMS_JSON_E_DUPLICATE, 1, 8 },
        { "{\"\":1,\"\":3}", SMS_JSON_E_DUPLICATE, 1, 7 },
        { "[{\"b\":{\"a\":1,\"a\":3}}]", SMS_JSON_E_DUPLICATE, 1, 14 },

        /* the one that stands first */
        { "{\"a\":1,\"a\":{\"b\":[}", SMS_JSON_E_DUPLICATE, 1, 8 },
        { "{\"a\":1,\"b\":[tru],\"a\":1}", SMS_JSON_E_SYNTAX, 1, 13 },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(read_n(&doc, cases[i].text, strlen(cases[i].text), &copy));

        if (doc.error != cases[i].error || doc.line != cases[i].line
            || doc.column != cases[i].column)
        {
            fail_msg("%s: %d at %u:%u, %s", cases[i].text, doc.error, doc.line,
                     doc.column, doc.what);
        }

        assert_non_null(doc.what);
        sms_json_read_free(&doc);
        free(copy);
    }

    assert_null(read_n(&doc, "[1\0]", 4, &copy));
    assert_int_equal(doc.error, SMS_JSON_E_SYNTAX);
    assert_int_equal(doc.column, 3);
    sms_json_read_free(&doc);
    free(copy);

    /* before a byte of it is looked at */
    sms_json_read_init(&doc, NULL, NULL);
    assert_null(sms_json_read(&doc, NULL, (size_t) SMS_JSON_READ_MAX + 1));
    assert_int_equal(doc.error, SMS_JSON_E_TOO_LONG);
    sms_json_read_free(&doc);
}


static void
test_depth(void **state)
{
    int              deep;
    char            *copy, text[2 * SMS_JSON_READ_DEPTH + 4];
    size_t           n;
    sms_json_doc_t   doc;

    (void) state;

    for (deep = 0; deep < 2; deep++) {
        n = SMS_JSON_READ_DEPTH;
        memset(text, '[', n);
        text[n] = '1';
        memset(text + n + deep, ']', n);

        if (deep) {
            assert_null(read_n(&doc, text, 2 * n + 1, &copy));
            assert_int_equal(doc.error, SMS_JSON_E_SYNTAX);
            assert_string_equal(doc.what, "nested too deep");
            assert_int_equal(doc.column, n + 1);

        } else {
            assert_non_null(read_n(&doc, text, 2 * n, &copy));
            assert_int_equal(doc.used, n);
        }

        sms_json_read_free(&doc);
        free(copy);
    }
}


/* "n" members, the last with the key of number "same" */
static char *
many(size_t n, size_t same, size_t *len)
{
    char    *text, *p;
    size_t   i;

    text = malloc(n * 16 + 3);
    assert_non_null(text);
    p = text;
    *p++ = '{';

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%s\"%zu\":%zu", i ? "," : "",
                     i == n - 1 ? same : i, i % 10);
    }

    *p++ = '}';
    *len = (size_t) (p - text);

    return text;
}


static void
test_keys(void **state)
{
    char                   *text, key[8];
    size_t                  i, n, same, len;
    sms_json_doc_t          doc;
    const sms_json_node_t  *root, *v;

    (void) state;

    for (n = 2; n <= 40; n++) {

        for (same = 0; same < n; same++) {
            text = many(n, same, &len);
            sms_json_read_init(&doc, NULL, NULL);
            root = sms_json_read(&doc, text, len);

            if (same == n - 1) {
                assert_non_null(root);
                assert_int_equal(root->n, n);

                for (i = 0; i < n; i++) {
                    (void) sprintf(key, "%zu", i);
                    v = get(root, key);
                    assert_true(sms_json_is(v, SMS_JSON_INT)
                                && v->u.i == (int64_t) i % 10);
                }

            } else {
                assert_null(root);
                assert_int_equal(doc.error, SMS_JSON_E_DUPLICATE);
                assert_memory_equal(text + doc.column - 2, ",\"", 2);
                assert_null(memchr(text + doc.column, ',',
                                   len - doc.column));
            }

            sms_json_read_free(&doc);
            free(text);
        }
    }

    /* each with each would be 5,000,000,000 comparisons */
    for (same = 0; same < 2; same++) {
        text = many(100000, same ? 77777 : 99999, &len);
        sms_json_read_init(&doc, NULL, NULL);
        root = sms_json_read(&doc, text, len);
        assert_int_equal(root != NULL, !same);
        assert_int_equal(doc.error, same ? SMS_JSON_E_DUPLICATE : SMS_JSON_OK);
        sms_json_read_free(&doc);
        free(text);
    }
}


typedef struct {
    unsigned   calls, fail;
    void      *held[64];
} arena_t;


static void *
arena_grow(void *data, void *p, size_t old, size_t n)
{
    void     *q;
    arena_t  *arena = data;

    if (++arena->calls == arena->fail) {
        return NULL;
    }

    assert_true(arena->calls <= 64 && n > old);

    /* as a pool: what was given stays until the end */
    q = malloc(n);
    assert_non_null(q);
    arena->held[arena->calls - 1] = q;

    if (old) {
        memcpy(q, p, old);
    }

    return q;
}


static void
test_memory(void **state)
{
    char             *text;
    size_t            i, n;
    arena_t           arena;
    unsigned          fail, calls;
    sms_json_doc_t    doc;

    (void) state;

    text = many(60, 59, &n);
    text = realloc(text, n + 16);
    assert_non_null(text);
    memcpy(text + n - 1, ",\"\\n\":\"\\t\"}", 11);
    n += 10;

    for (fail = 0, calls = 1; fail <= calls; fail++) {
        memset(&arena, 0, sizeof(arena));
        arena.fail = fail;
        sms_json_read_init(&doc, arena_grow, &arena);

        if (fail == 0) {
            assert_non_null(sms_json_read(&doc, text, n));
            str_is(get(doc.nodes, "\n"), "\t");
            calls = arena.calls;
            assert_true(calls >= 4);

        } else {
            assert_null(sms_json_read(&doc, text, n));
            assert_int_equal(doc.error, SMS_JSON_E_NOMEM);
            assert_int_equal(arena.calls, fail);
        }

        for (i = 0; i < 64; i++) {
            free(arena.held[i]);
        }
    }

    free(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
