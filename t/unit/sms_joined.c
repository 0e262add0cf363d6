#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_joined.h"
#include "sms_segment.h"


static void
joined(const sms_joined_part_t *parts, size_t n, unsigned total, const char *want,
    size_t readable)
{
    char     out[4096];
    size_t   len;
    uint8_t  scratch[2048];

    assert_int_equal(sms_joined_text(parts, n, total, scratch, out, sizeof(out), &len),
                     readable);

    if (len != strlen(want) || memcmp(out, want, len) != 0) {
        fail_msg("\"%.*s\" and not \"%s\"", (int) len, out, want);
    }
}


#define PART(s, dc, u, o)                                                     \
    { s, dc, (const uint8_t *) u, sizeof(u) - 1, (const uint8_t *) o, sizeof(o) - 1 }


static void
test_one(void **state)
{
    const sms_joined_part_t  ascii[] = { PART(1, 0, "", "ORNEK RET") };
    const sms_joined_part_t  ucs2[] = { PART(1, 8, "", "\x01\x30\x00P") };
    const sms_joined_part_t  binary[] = { PART(1, 4, "", "\x01\x02") };
    const sms_joined_part_t  empty[] = { PART(1, 0, "", "") };

    (void) state;

    joined(ascii, 1, 1, "ORNEK RET", 1);
    joined(ucs2, 1, 1, "İP", 1);
    joined(binary, 1, 1, "", 0);
    joined(empty, 1, 1, "", 1);
}


/* what a handset cuts in two is whole again */
static void
test_cut(void **state)
{
    /* U+1F44B, and ESC e: the euro sign */
    const sms_joined_part_t  pair[] = {
        PART(1, 8, "\x05\x00\x03\x2A\x02\x01", "\x00" "A\xD8\x3D"),
        PART(2, 8, "\x05\x00\x03\x2A\x02\x02", "\xDC\x4B\x00" "B")
    };
    const sms_joined_part_t  escape[] = {
        PART(1, 0, "\x05\x00\x03\x2A\x02\x01", "5 \x1B"),
        PART(2, 0, "\x05\x00\x03\x2A\x02\x02", "e.")
    };

    (void) state;

    joined(pair, 2, 2, "A👋B", 2);
    joined(escape, 2, 2, "5 €.", 2);
}


/* 23.038: the tables of one part are not those of the next */
static void
test_tables(void **state)
{
    /* locking shift table of Turkish: 0x1C is Ş; single shift: ESC 's' is ş */
    const sms_joined_part_t  parts[] = {
        PART(1, 0, "\x08\x00\x03\x2A\x03\x01\x25\x01\x01", "\x1C" "A"),
        PART(2, 0, "\x08\x00\x03\x2A\x03\x02\x24\x01\x01", "\x1Bs"),
        PART(3, 8, "\x05\x00\x03\x2A\x03\x03", "\x01\x5F")
    };

    (void) state;

    joined(parts, 3, 3, "ŞAşş", 3);
}


static void
test_missing(void **state)
{
    const sms_joined_part_t  parts[] = {
        PART(2, 0, "\x05\x00\x03\x2A\x05\x02", "ORN"),
        PART(4, 0, "\x05\x00\x03\x2A\x05\x04", "RET")
    };
    const sms_joined_part_t  broken[] = {
        PART(1, 0, "\x05\x00\x03\x2A\x02\x01", "A"),
        PART(2, 0, "\x09\x00\x03", "B")
    };

    (void) state;

    joined(parts, 2, 5, "…ORN…RET…", 2);
    joined(broken, 2, 2, "A", 1);
    joined(parts, 0, 2, "…", 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_missing),
    };

    return cmocka_run_group_tests_name("sms_joined", tests, NULL, NULL);
}
