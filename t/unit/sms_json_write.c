#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_json_write.h"


static void
text_is(sms_json_t *w, const char *want)
{
    assert_int_equal(sms_json_done(w), SMS_JSON_OK);
    assert_int_equal(w->len, strlen(want));
    assert_memory_equal(w->buf, want, w->len);
}


static void
test_shapes(void **state)
{
    sms_json_t  w;

    (void) state;

    sms_json_init(&w, NULL, NULL, 0);

    sms_json_object(&w);
    sms_json_key(&w, "id");
    sms_json_cstr(&w, "msg_1");
    sms_json_key(&w, "parts");
    sms_json_int(&w, 2);
    sms_json_key(&w, "list");
    sms_json_array(&w);
    sms_json_end(&w);
    sms_json_key(&w, "rows");
    sms_json_array(&w);
    sms_json_object(&w);
    sms_json_end(&w);
    sms_json_array(&w);
    sms_json_int(&w, 1);
    sms_json_bool(&w, 0);
    sms_json_bool(&w, 7);
    sms_json_null(&w);
    sms_json_raw(&w, "{\"x\":1.5}", 9);
    sms_json_end(&w);
    sms_json_cstr(&w, NULL);
    sms_json_end(&w);
    sms_json_key_n(&w, "a\"b", 3);
    sms_json_str(&w, "", 0);
    sms_json_end(&w);

    text_is(&w, "{\"id\":\"msg_1\",\"parts\":2,\"list\":[],\"rows\":[{},"
                "[1,false,true,null,{\"x\":1.5}],null],\"a\\\"b\":\"\"}");

    sms_json_reset(&w);
    sms_json_int(&w, -7);
    text_is(&w, "-7");

    sms_json_free(&w);
}


static void
test_strings(void **state)
{
    size_t      i;
    sms_json_t  w;

    static const struct {
        const char  *p;
        size_t       n;
        const char  *json;
    } rows[] = {
        { "Şeker 😀 €", 15, "\"Şeker 😀 €\"" },
        { "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
        { "\n\r\t\b\f", 5, "\"\\n\\r\\t\\u0008\\u000c\"" },
        { "\0x\x1f\x7f", 4, "\"\\u0000x\\u001f\\u007f\"" },
        { "\u2028|\u2029|\u2027", 11, "\"\\u2028|\\u2029|\u2027\"" },
        { "a\xFF" "b", 3, "\"a\uFFFD" "b\"" },
        { "\xE2\x82", 2, "\"\uFFFD\uFFFD\"" },
        { "\xED\xA0\x80", 3, "\"\uFFFD\uFFFD\uFFFD\"" },
        { "\xC0\xAF", 2, "\"\uFFFD\uFFFD\"" },
    };

    (void) state;

    sms_json_init(&w, NULL, NULL, 0);

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sms_json_reset(&w);
        sms_json_str(&w, rows[i].p, rows[i].n);
        text_is(&w, rows[i].json);
    }

    sms_json_free(&w);
}


/* strings are read eight bytes at a time: each byte at each place of them */
static void
test_places(void **state)
{
    int          c;
    char         text[20], expected[64];
    size_t       n, at;
    sms_json_t   w;
    const char  *as;
    char         hex[8];

    (void) state;

    sms_json_init(&w, NULL, NULL, 0);

    for (c = 0; c < 0x80; c++) {

        snprintf(hex, sizeof(hex), "\\u%04x", (unsigned) c);
        as = c == '"' ? "\\\"" : c == '\\' ? "\\\\"
             : c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : hex;

        if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
            snprintf(hex, sizeof(hex), "%c", c);
        }

        for (n = 1; n < sizeof(text); n++) {
            for (at = 0; at < n; at++) {
                memset(text, 'x', n);
                text[at] = (char) c;
                snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", (int) at,
                         "xxxxxxxxxxxxxxxxxxxx", as, (int) (n - at - 1),
                         "xxxxxxxxxxxxxxxxxxxx");
                sms_json_reset(&w);
                sms_json_str(&w, text, n);
                text_is(&w, expected);
            }
        }
    }

    sms_json_free(&w);
}


static void
test_ints(void **state)
{
    size_t      i;
    sms_json_t  w;

    static const struct {
        int64_t      v;
        const char  *json;
    } rows[] = {
        { 0, "0" }, { 9, "9" }, { -1, "-1" }, { 1000000, "1000000" },
        { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" },
    };

    (void) state;

    sms_json_init(&w, NULL, NULL, 0);

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sms_json_reset(&w);
        sms_json_int(&w, rows[i].v);
        text_is(&w, rows[i].json);
    }

    sms_json_free(&w);
}


static void
test_misuse(void **state)
{
    int         i;
    sms_json_t  w;

    (void) state;

    sms_json_init(&w, NULL, NULL, 0);
    assert_int_equal(sms_json_done(&w), SMS_JSON_E_MISUSE);

    sms_json_object(&w);
    assert_int_equal(sms_json_done(&w), SMS_JSON_E_MISUSE);     /* open   */
    sms_json_int(&w, 1);                                        /* no key */
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);
    sms_json_end(&w);
    assert_int_equal(sms_json_done(&w), SMS_JSON_E_MISUSE);     /* sticky */

    sms_json_reset(&w);
    sms_json_object(&w);
    sms_json_key(&w, "a");
    sms_json_end(&w);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_object(&w);
    sms_json_key(&w, "a");
    sms_json_key(&w, "b");
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_array(&w);
    sms_json_key(&w, "a");
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_key(&w, "a");
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_int(&w, 1);
    sms_json_int(&w, 2);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_end(&w);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_raw(&w, "", 0);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);

    for (i = 0; i < SMS_JSON_DEPTH_MAX; i++) {
        sms_json_array(&w);
    }

    assert_int_equal(w.error, SMS_JSON_OK);
    sms_json_array(&w);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    /* the deepest level works, and levels do not remember older ones */
    sms_json_reset(&w);

    for (i = 0; i < SMS_JSON_DEPTH_MAX; i++) {
        sms_json_array(&w);
        sms_json_int(&w, i);
    }

    for (i = 0; i < SMS_JSON_DEPTH_MAX; i++) {
        sms_json_end(&w);
    }

    assert_int_equal(sms_json_done(&w), SMS_JSON_OK);

    sms_json_free(&w);
}


static void
test_limit(void **state)
{
    sms_json_t  w;

    (void) state;

    sms_json_init(&w, NULL, NULL, 10);
    sms_json_str(&w, "12345678", 8);
    text_is(&w, "\"12345678\"");

    sms_json_reset(&w);
    sms_json_str(&w, "123456789", 9);
    assert_int_equal(sms_json_done(&w), SMS_JSON_E_TOO_LONG);
    assert_true(w.len <= 10);
    sms_json_free(&w);
}


typedef struct {
    int     fail_at;
    int     calls;
    size_t  seen;
} grower_t;


static void *
grow(void *data, void *p, size_t old, size_t n)
{
    void      *fresh;
    grower_t  *g;

    g = data;
    assert_int_equal(old, g->seen);

    if (++g->calls == g->fail_at) {
        return NULL;
    }

    g->seen = n;
    fresh = malloc(n);
    assert_non_null(fresh);

    if (p != NULL) {
        memcpy(fresh, p, old);
        free(p);
    }

    return fresh;
}


static void
test_grow(void **state)
{
    int         i;
    grower_t    g;
    sms_json_t  w;

    (void) state;

    memset(&g, 0, sizeof(g));
    sms_json_init(&w, grow, &g, 0);
    sms_json_array(&w);

    for (i = 0; i < 1000; i++) {
        sms_json_cstr(&w, "0123456789");
    }

    sms_json_end(&w);
    assert_int_equal(sms_json_done(&w), SMS_JSON_OK);
    assert_int_equal(w.len, 1000 * 13 + 1);
    assert_int_equal(g.calls, 5);                      /* 1024 .. 16384 */
    free(w.buf);

    memset(&g, 0, sizeof(g));
    g.fail_at = 3;
    sms_json_init(&w, grow, &g, 0);
    sms_json_array(&w);

    for (i = 0; i < 1000; i++) {
        sms_json_cstr(&w, "0123456789");
    }

    sms_json_end(&w);
    assert_int_equal(sms_json_done(&w), SMS_JSON_E_NOMEM);
    assert_int_equal(g.calls, 3);
    free(w.buf);
}


/* wherever it stands, and whatever stands around it */
static void
test_plain(void **state)
{
    char      text[40];
    size_t    n, at;
    unsigned  c, around;

    (void) state;

    static const char  bytes[] = { ' ', '~', '!', '#', '[', ']', 'a' };

    for (around = 0; around < sizeof(bytes); around++) {

        memset(text, bytes[around], sizeof(text));

        for (n = 0; n <= sizeof(text); n++) {

            assert_int_equal(sms_json_plain(text, n), n);

            for (at = 0; at < n; at++) {

                for (c = 0; c < 256; c++) {
                    text[at] = (char) c;
                    assert_int_equal(sms_json_plain(text, n),
                                     c < 0x20 || c > 0x7E || c == '"' || c == '\\'
                                     ? at : n);
                }

                /* two of them: the first counts */
                text[at] = '\n';
                text[n - 1] = (char) 0xFF;
                assert_int_equal(sms_json_plain(text, n), at + 1 == n ? n - 1 : at);
                text[at] = text[n - 1] = bytes[around];
            }
        }
    }
}


static void
test_ascii(void **state)
{
    sms_json_t  w;

    (void) state;

    sms_json_init(&w, NULL, NULL, 16);
    sms_json_array(&w);
    sms_json_ascii(&w, "abc", 3);
    sms_json_ascii(&w, "", 0);
    sms_json_end(&w);
    assert_int_equal(sms_json_done(&w), SMS_JSON_OK);
    assert_int_equal(w.len, 10);
    assert_memory_equal(w.buf, "[\"abc\",\"\"]", 10);

    sms_json_reset(&w);
    sms_json_array(&w);
    sms_json_ascii(&w, "0123456789abcdef", 16);
    assert_int_equal(w.error, SMS_JSON_E_TOO_LONG);
    sms_json_free(&w);
}


/* those of an object that was written before */
static void
test_members(void **state)
{
    sms_json_t  w;

    (void) state;

    sms_json_init(&w, NULL, NULL, 0);
    sms_json_reserve(&w, 4);
    sms_json_object(&w);
    sms_json_members(&w, "{}", 2);
    sms_json_members(&w, "{\"a\":1,\"b\":[]}", 14);
    sms_json_members(&w, "{}", 2);
    sms_json_key(&w, "c");
    sms_json_int(&w, 12);
    sms_json_members(&w, "{\"d\":{}}", 8);
    sms_json_end(&w);
    assert_int_equal(sms_json_done(&w), SMS_JSON_OK);
    assert_int_equal(w.len, 28);
    assert_memory_equal(w.buf, "{\"a\":1,\"b\":[],\"c\":12,\"d\":{}}", 28);

    sms_json_reset(&w);
    sms_json_object(&w);
    sms_json_members(&w, "[1]", 3);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_array(&w);
    sms_json_members(&w, "{\"a\":1}", 7);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);

    sms_json_reset(&w);
    sms_json_object(&w);
    sms_json_key(&w, "a");
    sms_json_members(&w, "{\"b\":1}", 7);
    assert_int_equal(w.error, SMS_JSON_E_MISUSE);
    sms_json_free(&w);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_ints),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests_name("sms_json_write", tests, NULL, NULL);
}
