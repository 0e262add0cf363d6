#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* the table's own file: a generation cannot be used up in a test otherwise */
#include "../../ngx_sms_module/base/sms_slots.c"


static int  things[64];


static void
test_life(void **state)
{
    uint64_t     a, b, c;
    sms_slots_t  t;

    (void) state;

    sms_slots_init(&t, 4);
    assert_true(sms_slots_next(&t, 0) == 0);
    assert_null(sms_slots_lookup(&t, 0));
    assert_null(sms_slots_free(&t, 12345));

    a = sms_slots_take(&t, &things[0]);
    b = sms_slots_take(&t, &things[1]);
    assert_true(a != 0 && b != 0 && a != b);
    assert_ptr_equal(sms_slots_lookup(&t, a), &things[0]);
    assert_ptr_equal(sms_slots_lookup(&t, b), &things[1]);
    assert_int_equal(t.used, 2);

    assert_ptr_equal(sms_slots_free(&t, a), &things[0]);
    assert_null(sms_slots_lookup(&t, a));
    assert_null(sms_slots_free(&t, a));
    assert_int_equal(t.used, 1);

    /* the slot comes again with another token */
    c = sms_slots_take(&t, &things[2]);
    assert_int_equal((uint32_t) c, (uint32_t) a);
    assert_true(c != a);
    assert_null(sms_slots_lookup(&t, a));
    assert_ptr_equal(sms_slots_lookup(&t, c), &things[2]);

    /* forged: right slot, other generation; slot that does not exist */
    assert_null(sms_slots_lookup(&t, c + (UINT64_C(1) << 32)));
    assert_null(sms_slots_lookup(&t, c & UINT32_MAX));
    assert_null(sms_slots_lookup(&t, (UINT64_C(1) << 32) | 15));
    assert_null(sms_slots_lookup(&t, UINT64_MAX));

    assert_true(sms_slots_take(&t, NULL) == 0);

    sms_slots_close(&t);
    assert_null(sms_slots_lookup(&t, c));
    assert_true(sms_slots_take(&t, &things[0]) == 0);
}


static void
test_limit(void **state)
{
    int          i;
    uint64_t     tokens[64], at;
    sms_slots_t  t;

    (void) state;

    sms_slots_init(&t, 40);

    for (i = 0; i < 40; i++) {
        tokens[i] = sms_slots_take(&t, &things[i]);
        assert_true(tokens[i] != 0);
    }

    assert_true(sms_slots_take(&t, &things[41]) == 0);

    for (i = 0; i < 40; i += 2) {
        assert_ptr_equal(sms_slots_free(&t, tokens[i]), &things[i]);
    }

    for (i = 1, at = 0; i < 40; i += 2) {
        at = sms_slots_next(&t, at);
        assert_true(at == tokens[i]);
    }

    assert_true(sms_slots_next(&t, at) == 0);

    /* oldest first */
    at = sms_slots_take(&t, &things[0]);
    assert_int_equal((uint32_t) at, (uint32_t) tokens[0]);
    at = sms_slots_take(&t, &things[0]);
    assert_int_equal((uint32_t) at, (uint32_t) tokens[2]);

    sms_slots_close(&t);
}


static void
test_generations_end(void **state)
{
    uint64_t     a, b;
    sms_slots_t  t;

    (void) state;

    sms_slots_init(&t, 1);
    a = sms_slots_take(&t, &things[0]);
    assert_ptr_equal(sms_slots_free(&t, a), &things[0]);

    t.entries[0].generation = UINT32_MAX;
    a = sms_slots_take(&t, &things[0]);
    assert_true(a >> 32 == UINT32_MAX);
    assert_ptr_equal(sms_slots_free(&t, a), &things[0]);

    /* another slot, though the limit is one */
    b = sms_slots_take(&t, &things[1]);
    assert_true(b != 0);
    assert_int_equal((uint32_t) b, 1);
    assert_null(sms_slots_lookup(&t, a));

    sms_slots_close(&t);
}


/* random order of takes, frees and stale uses against a plain array */
static void
test_model(void **state)
{
    int          i, k;
    uint64_t     live[64], dead[4096];
    unsigned     ndead;
    sms_slots_t  t;

    (void) state;

    srand(5);
    memset(live, 0, sizeof(live));
    ndead = 0;
    sms_slots_init(&t, 64);

    for (i = 0; i < 100000; i++) {
        k = rand() % 64;

        if (live[k] == 0) {
            live[k] = sms_slots_take(&t, &things[k]);
            assert_true(live[k] != 0);

        } else {
            assert_ptr_equal(sms_slots_lookup(&t, live[k]), &things[k]);

            if (rand() % 2) {
                assert_ptr_equal(sms_slots_free(&t, live[k]), &things[k]);
                dead[ndead++ % 4096] = live[k];
                live[k] = 0;
            }
        }

        if (ndead) {
            assert_null(sms_slots_lookup(&t, dead[(unsigned) rand()
                                         % (ndead < 4096 ? ndead : 4096)]));
        }
    }

    sms_slots_close(&t);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_generations_end),
        cmocka_unit_test(test_model),
    };

    return cmocka_run_group_tests_name("sms_slots", tests, NULL, NULL);
}
