/* Binary arrays out, against octets that PostgreSQL itself made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ngx_sms_module/pg/ngx_sms_pg_array.c"

typedef struct {
    size_t    calls;
    size_t    copied;
    size_t    limit;
    uint8_t  *last;
} memory_t;


static void *
grow(void *ctx, void *old, size_t used, size_t size)
{
    void      *p;
    memory_t  *m = ctx;

    m->calls++;
    m->copied += used;

    if (m->limit && size > m->limit) {
        return NULL;
    }

    p = realloc(old, size);
    assert_non_null(p);
    m->last = p;

    return p;
}


static void
check(ngx_sms_pg_array_t *a, memory_t *m, const char *hex)
{
    char         text[1024];
    size_t       i, len;
    const void  *p;

    assert_int_equal(ngx_sms_pg_array_end(a, &p, &len), 0);
    assert_true(len * 2 < sizeof(text));

    for (i = 0; i < len; i++) {
        static const char  digits[] = "0123456789abcdef";

        text[2 * i] = digits[((const uint8_t *) p)[i] >> 4];
        text[2 * i + 1] = digits[((const uint8_t *) p)[i] & 15];
    }

    text[2 * i] = '\0';
    assert_string_equal(text, hex);
    free(m->last);
    m->last = NULL;
}


/* expected: encode(array_send(ARRAY[...]::type[]), 'hex') */

static void
integers(void **state)
{
    memory_t            m = { 0, 0, 0, NULL };
    ngx_sms_pg_array_t  a;

    (void) state;

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT2, 3, 0, grow, &m);
    ngx_sms_pg_array_int2(&a, 1);
    ngx_sms_pg_array_null(&a);
    ngx_sms_pg_array_int2(&a, -2);
    check(&a, &m, "00000001000000010000001500000003000000010000000200"
                  "01ffffffff00000002fffe");

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT4, 0, 0, grow, &m);
    ngx_sms_pg_array_int4(&a, INT32_MIN);
    check(&a, &m, "00000001000000000000001700000001000000010000000480000000");

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT8, 1, 0, grow, &m);
    ngx_sms_pg_array_int8(&a, INT64_MAX);
    check(&a, &m, "000000010000000000000014000000010000000100000008"
                  "7fffffffffffffff");

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_BOOL, 2, 0, grow, &m);
    ngx_sms_pg_array_bool(&a, 7);
    ngx_sms_pg_array_bool(&a, 0);
    check(&a, &m, "000000010000000000000010000000020000000100000001"
                  "010000000100");
}


static void
trimmed(void **state)
{
    memory_t            m = { 0, 0, 0, NULL };
    ngx_sms_pg_array_t  a;

    (void) state;

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT2, 3, 0, grow, &m);
    ngx_sms_pg_array_null(&a);
    ngx_sms_pg_array_int2(&a, 1);
    ngx_sms_pg_array_null(&a);
    ngx_sms_pg_array_null(&a);
    ngx_sms_pg_array_trim(&a);
    check(&a, &m, "00000001000000010000001500000002"
                  "00000001ffffffff000000020001");

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TEXT, 2, 0, grow, &m);
    ngx_sms_pg_array_null(&a);
    ngx_sms_pg_array_text(&a, NULL, 0);
    ngx_sms_pg_array_trim(&a);
    check(&a, &m, "000000000000000100000019");

    /* nothing to leave out; it may grow again */
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT2, 2, 0, grow, &m);
    ngx_sms_pg_array_null(&a);
    ngx_sms_pg_array_trim(&a);
    ngx_sms_pg_array_int2(&a, 1);
    ngx_sms_pg_array_trim(&a);
    check(&a, &m, "0000000100000001000000150000000100000001000000020001");
}


static void
texts(void **state)
{
    memory_t            m = { 0, 0, 0, NULL };
    ngx_sms_pg_array_t  a;

    (void) state;

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TEXT, 3, 8, grow, &m);
    ngx_sms_pg_array_text(&a, "\xc3\xa7", 2);
    ngx_sms_pg_array_text(&a, "", 0);
    ngx_sms_pg_array_text(&a, NULL, 9);
    check(&a, &m, "000000010000000100000019000000030000000100000002c3a7"
                  "00000000ffffffff");

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_JSONB, 1, 2, grow, &m);
    ngx_sms_pg_array_text(&a, "{}", 2);
    check(&a, &m, "000000010000000000000eda00000001000000010000000301"
                  "7b7d");
}


static void
times(void **state)
{
    memory_t            m = { 0, 0, 0, NULL };
    ngx_sms_pg_array_t  a;

    (void) state;

    /* 1970-01-01, infinity, 2000-01-01 00:00:00.000001 */
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TIMESTAMPTZ, 3, 0, grow, &m);
    ngx_sms_pg_array_time(&a, 0);
    ngx_sms_pg_array_time(&a, NGX_SMS_PG_TIME_MAX);
    ngx_sms_pg_array_time(&a, INT64_C(946684800000001));
    check(&a, &m, "0000000100000000000004a0000000030000000100000008"
                  "fffca2fec4c82000000000087fffffffffffffff00000008"
                  "0000000000000001");

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TIMESTAMPTZ, 1, 0, grow, &m);
    ngx_sms_pg_array_time(&a, INT64_MIN + 1);
    assert_true(a.failed);
    free(m.last);
}


static void
empty(void **state)
{
    memory_t            m = { 0, 0, 0, NULL };
    ngx_sms_pg_array_t  a;

    (void) state;

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_UUID, 0, 0, grow, &m);
    check(&a, &m, "000000000000000000000b86");
}


static void
growth_is_linear(void **state)
{
    size_t              i, len;
    memory_t            m = { 0, 0, 0, NULL };
    const void         *p;
    ngx_sms_pg_array_t  a;

    (void) state;

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TEXT, 0, 0, grow, &m);

    for (i = 0; i < 100000; i++) {
        ngx_sms_pg_array_text(&a, "0123456789", 10);
    }

    assert_int_equal(ngx_sms_pg_array_end(&a, &p, &len), 0);
    assert_int_equal(len, 20 + 100000 * 14);
    assert_true(m.copied < 2 * len);
    assert_true(m.calls < 20);
    free(m.last);

    /* the right hint: one call, nothing copied */
    memset(&m, 0, sizeof(m));
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT8, 1000, 0, grow, &m);

    for (i = 0; i < 1000; i++) {
        ngx_sms_pg_array_int8(&a, (int64_t) i);
    }

    assert_int_equal(m.calls, 1);
    free(m.last);
}


static void
failures_are_kept(void **state)
{
    size_t              len;
    uint8_t            *mem;
    memory_t            m = { 0, 0, 0, NULL };
    const void         *p;
    ngx_sms_pg_array_t  a;

    (void) state;

    /* another type */
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT8, 4, 0, grow, &m);
    mem = m.last;
    ngx_sms_pg_array_int4(&a, 1);
    ngx_sms_pg_array_int8(&a, 1);
    assert_int_equal(ngx_sms_pg_array_end(&a, &p, &len), -1);
    free(mem);

    ngx_sms_pg_array_init(&a, NGX_SMS_PG_INT8, 4, 0, grow, &m);
    mem = m.last;
    ngx_sms_pg_array_text(&a, "x", 1);
    assert_int_equal(ngx_sms_pg_array_end(&a, &p, &len), -1);
    free(mem);

    /* no memory, first and later */
    m.limit = 1;
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TEXT, 0, 0, grow, &m);
    ngx_sms_pg_array_text(&a, "x", 1);
    assert_int_equal(ngx_sms_pg_array_end(&a, &p, &len), -1);

    m.limit = 64;
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TEXT, 0, 0, grow, &m);
    mem = m.last;
    ngx_sms_pg_array_text(&a, "0123456789012345678901234567890123456789012345"
                              "678901234567890123456789", 70);
    ngx_sms_pg_array_null(&a);
    assert_int_equal(ngx_sms_pg_array_end(&a, &p, &len), -1);
    free(mem);

    /* more than PostgreSQL takes: refused before memory is asked for */
    m.limit = 0;
    m.calls = 0;
    ngx_sms_pg_array_init(&a, NGX_SMS_PG_TEXT, SIZE_MAX, SIZE_MAX, grow, &m);
    mem = m.last;
    ngx_sms_pg_array_text(&a, "x", (size_t) 1 << 31);
    assert_int_equal(ngx_sms_pg_array_end(&a, &p, &len), -1);
    assert_int_equal(m.calls, 1);
    free(mem);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(trimmed),
        cmocka_unit_test(texts),
        cmocka_unit_test(times),
        cmocka_unit_test(empty),
        cmocka_unit_test(growth_is_linear),
        cmocka_unit_test(failures_are_kept),
    };

    return cmocka_run_group_tests_name("ngx_sms_pg_array", tests, NULL, NULL);
}
