#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_suffix.h"


static void
test_valid(void **state)
{
    size_t  i;

    static const char  *const valid[] = {
        "B001", "B002", "B003", "B038", "B050", "B204", "B141", "B186", "B043",
        "RM00"
    };

    static const char  *const invalid[] = {
        "", "B01", "B0011", "b001", "1001", "RMX0", "B0O1", "BA1C", "B 01"
    };

    (void) state;

    for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        assert_true(sms_suffix_valid(valid[i], strlen(valid[i])));
    }

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_false(sms_suffix_valid(invalid[i], strlen(invalid[i])));
    }
}


static void
test_find(void **state)
{
    size_t  i, begin;

    static const struct {
        const char  *text;
        int          found;
        size_t       begin;
    } rows[] = {
        { "Merhaba B002", 1, 8 },
        { "Merhaba\nB002", 1, 8 },
        { "Merhaba RM00  \n", 1, 8 },
        { "Merhaba B002.", 1, 8 },
        { "Merhaba B002. ", 1, 8 },
        { "B002", 1, 0 },
        { "MerhabaB002", 0, 0 },
        { "Merhaba B002 x", 0, 0 },
        { "Merhaba B002!", 0, 0 },
        { "Merhaba b002", 0, 0 },
        { "Merhaba -B002", 0, 0 },
        { "", 0, 0 },
        { "   ", 0, 0 },
        { ".", 0, 0 },
        { "002", 0, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin = 0;
        assert_int_equal(sms_suffix_find(rows[i].text, strlen(rows[i].text),
                                         &begin), rows[i].found);
        assert_int_equal(begin, rows[i].begin);
    }

    assert_true(sms_suffix_find("a B002", 6, NULL));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_find),
    };

    return cmocka_run_group_tests_name("sms_suffix", tests, NULL, NULL);
}
