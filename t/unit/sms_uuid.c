#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_uuid.h"


static int
fill(void *data, uint8_t *buf, size_t n)
{
    memset(buf, *(int *) data, n);
    return 0;
}


static int
broken(void *data, uint8_t *buf, size_t n)
{
    (void) data;
    (void) buf;
    (void) n;

    return -1;
}


/* the example of RFC 9562 A.6 */
static void
test_layout(void **state)
{
    int             byte;
    char            text[36];
    uint8_t         id[16];
    sms_uuid_gen_t  g;

    (void) state;

    assert_int_equal(sms_uuid_parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 36,
                                    id), 0);
    assert_true(sms_uuid_is_v7(id));
    assert_true(sms_uuid_ms(id) == UINT64_C(0x017F22E279B0));
    sms_uuid_print(id, text);
    assert_memory_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 36);

    byte = 0xFF;
    sms_uuid_init(&g, fill, &byte);
    assert_int_equal(sms_uuid_make(&g, UINT64_C(0x017F22E279B0), id), 0);
    sms_uuid_print(id, text);
    assert_memory_equal(text, "017f22e2-79b0-7000-bfff-ffffffffffff", 36);

    byte = 0;
    assert_int_equal(sms_uuid_make(&g, UINT64_C(0x017F22E279B0), id), 0);
    sms_uuid_print(id, text);
    assert_memory_equal(text, "017f22e2-79b0-7001-8000-000000000000", 36);
}


static void
test_monotonic(void **state)
{
    int             byte, i;
    uint8_t         id[16], last[16], low[16], high[16];
    uint64_t        now;
    sms_uuid_gen_t  g;

    (void) state;

    memset(last, 0, 16);
    now = 1700000000000;
    byte = 0;
    sms_uuid_init(&g, fill, &byte);
    srand(3);

    for (i = 0; i < 50000; i++) {
        /* a clock that stands still for long, steps, and goes back */
        if (rand() % 997 == 0) {
            now += (uint64_t) (rand() % 7);
            now -= 2;
        }

        byte = rand() & 0xFF;
        assert_int_equal(sms_uuid_make(&g, now, id), 0);
        assert_true(sms_uuid_is_v7(id));
        assert_true(memcmp(last, id, 16) < 0);

        sms_uuid_min(sms_uuid_ms(id), low);
        sms_uuid_max(sms_uuid_ms(id), high);
        assert_true(memcmp(low, id, 16) <= 0);
        assert_true(memcmp(id, high, 16) <= 0);

        memcpy(last, id, 16);
    }
}


/* 4096 ids fit into a millisecond, then the generator runs ahead */
static void
test_counter(void **state)
{
    int             byte, i;
    uint8_t         id[16];
    sms_uuid_gen_t  g;

    (void) state;

    byte = 0;
    sms_uuid_init(&g, fill, &byte);

    for (i = 0; i < 4096; i++) {
        assert_int_equal(sms_uuid_make(&g, 1000, id), 0);
        assert_true(sms_uuid_ms(id) == 1000);
    }

    assert_int_equal(sms_uuid_make(&g, 1000, id), 0);
    assert_true(sms_uuid_ms(id) == 1001);
    assert_int_equal(id[6], 0x70);
    assert_int_equal(id[7], 0);

    /* a later real time starts its counter anew */
    assert_int_equal(sms_uuid_make(&g, 1001, id), 0);
    assert_int_equal(id[7], 1);
    assert_int_equal(sms_uuid_make(&g, 1002, id), 0);
    assert_int_equal(id[7], 0);
}


static void
test_errors(void **state)
{
    int             byte, i;
    uint8_t         id[16], zero[16];
    sms_uuid_gen_t  g;

    (void) state;

    memset(zero, 0, 16);

    sms_uuid_init(&g, broken, NULL);
    memset(id, 7, 16);
    assert_int_equal(sms_uuid_make(&g, 1000, id), -1);
    assert_memory_equal(id, zero, 16);

    byte = 0;
    sms_uuid_init(&g, fill, &byte);
    assert_int_equal(sms_uuid_make(&g, UINT64_C(1) << 48, id), -1);
    assert_int_equal(sms_uuid_make(&g, (UINT64_C(1) << 48) - 1, id), 0);

    for (i = 1; i < 4096; i++) {
        assert_int_equal(sms_uuid_make(&g, 1, id), 0);
    }

    assert_int_equal(sms_uuid_make(&g, 1, id), -1);
}


static void
test_parse(void **state)
{
    size_t   i;
    uint8_t  id[16];

    static const char  *const invalid[] = {
        "", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2 79b0 7cc3 98c4 dc0c0c07398f",
    };

    (void) state;

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_int_equal(sms_uuid_parse(invalid[i], strlen(invalid[i]), id),
                         -1);
    }

    assert_int_equal(sms_uuid_parse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 36,
                                    id), 0);
    assert_false(sms_uuid_is_v7(id));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_monotonic),
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_parse),
    };

    return cmocka_run_group_tests_name("sms_uuid", tests, NULL, NULL);
}
