/*
 * The routes file: what it says, where it is wrong, who gets which link.
 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../plugins/router/prefix/prefix_table.c"


static prefix_table_t  table;
static char            err[256];


static int
parse(const char *text)
{
    prefix_table_free(&table);
    err[0] = '\0';

    return prefix_table_parse(&table, "r", text, strlen(text), err, sizeof(err));
}


static uint32_t
line_of(uint32_t klass, const char *to)
{
    const prefix_rule_t  *r;

    r = prefix_table_find(&table, klass, to, strlen(to));

    return r ? r->line : 0;
}


static void
test_longest(void **state)
{
    (void) state;
    assert_int_equal(parse("# comment\n"
                           "\n"
                           "90 otp a\n"
                           " 90\t* b  \r\n"
                           "90532 commercial,exempt c\n"
                           "* informational d"), 0);

    assert_int_equal(line_of(1, "905321234567"), 3);
    assert_int_equal(line_of(2, "905321234567"), 4);
    assert_int_equal(line_of(3, "905321234567"), 5);
    assert_int_equal(line_of(4, "905321234567"), 5);
    assert_int_equal(line_of(3, "905331234567"), 4);
    assert_int_equal(line_of(2, "491701234567"), 6);
    assert_int_equal(line_of(3, "491701234567"), 0);
    assert_int_equal(line_of(2, ""), 6);
    assert_int_equal(line_of(0, "905321234567"), 0);
    assert_int_equal(line_of(5, "905321234567"), 0);
    assert_string_equal(prefix_table_find(&table, 3, "905321234567", 12)->reason,
                        "prefix=90532 line=5");
    assert_string_equal(prefix_table_find(&table, 2, "49", 2)->reason, "prefix=* line=6");
}


static void
test_named_wins_in_any_order(void **state)
{
    (void) state;
    assert_int_equal(parse("90 * b\n90 otp a\n"), 0);
    assert_int_equal(line_of(1, "90532"), 2);
    assert_int_equal(line_of(2, "90532"), 1);
}


static void
test_mistakes(void **state)
{
    static const struct { const char *text, *err; }  cases[] = {
        { "90 otp a\n90x * b\n", "r:2: prefix \"90x\" is neither digits nor *" },
        { "+90 * b\n", "r:1: prefix \"+90\" is neither digits nor *" },
        { "1234567890123456 * b\n", "r:1: prefix of 16 digits: a number has at most 15" },
        { "90\n", "r:1: no class (PREFIX CLASS GROUP ...)" },
        { "90 *\n", "r:1: no link (PREFIX CLASS GROUP ...)" },
        { "90 ticari a\n",
          "r:1: class \"ticari\" is none of otp, informational, commercial, exempt, *" },
        { "90 otp,* a\n",
          "r:1: class \"*\" is none of otp, informational, commercial, exempt, *" },
        { "90 otp, a\n",
          "r:1: class \"\" is none of otp, informational, commercial, exempt, *" },
        { "90 otp,otp a\n", "r:1: class otp is there twice" },
        { "90 * a,,b\n", "r:1: the name of a link is missing" },
        { "90 * a,\n", "r:1: the name of a link is missing" },
        { "90 * :5\n", "r:1: the name of a link is missing" },
        { "90 * a:0\n", "r:1: weight of \"a:0\" is no number from 1 to 1000000" },
        { "90 * a:\n", "r:1: weight of \"a:\" is no number from 1 to 1000000" },
        { "90 * a:1.5\n", "r:1: weight of \"a:1.5\" is no number from 1 to 1000000" },
        { "90 * a:1000001\n", "r:1: weight of \"a:1000001\" is no number from 1 to 1000000" },
        { "90 * a:4294967297\n",
          "r:1: weight of \"a:4294967297\" is no number from 1 to 1000000" },
        { "90 * a b,a\n", "r:1: link \"a\" is there twice" },
        { "90 * a,b,c d,e,f,g,h i\n", "r:1: more than 8 links" },
        { "90 otp a\n\n90 otp,exempt b\n", "r:3: prefix and class otp are in line 1 already" },
        { "90 * a\n90 * b\n", "r:2: prefix and class * are in line 1 already" },
        { "* * a\n* * b\n", "r:2: prefix and class * are in line 1 already" }
    };

    size_t  i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text), -1);
        assert_string_equal(err, cases[i].err);
        assert_int_equal(table.n, 0);
    }

    assert_int_equal(prefix_table_parse(&table, "r", "90 * a\n9\0 * b", 13, err, sizeof(err)),
                     -1);
    assert_string_equal(err, "r:2: a zero octet: this is no text");
}


static void
test_small_error_room(void **state)
{
    char  room[12];

    (void) state;
    memset(room, '!', sizeof(room));
    assert_int_equal(prefix_table_parse(&table, "routes", "9x * a", 6, room, 8), -1);
    assert_string_equal(room, "routes:");
    assert_int_equal(room[8], '!');
}


static void
identify(void)
{
    uint32_t  i, k;

    /* ids 1, 2, 3 ... in the order of the file */
    for (i = 0; i < table.n; i++) {
        for (k = 0; k < table.rules[i].nlinks; k++) {
            table.rules[i].links[k].id = k + 1;
        }
    }
}


static void
test_order(void **state)
{
    const prefix_rule_t  *r;
    uint32_t              out[8], again[8], first[9], second[9], i, n, k, seen;
    uint8_t               id[16];

    (void) state;
    assert_int_equal(parse("* * a:70,b:20,c:10 d e:1,f:1"), 0);
    identify();
    r = prefix_table_find(&table, 1, "90", 2);
    memset(first, 0, sizeof(first));
    memset(second, 0, sizeof(second));

    for (i = 0; i < 20000; i++) {
        /* UUIDv7 of one millisecond: only a counter at the end moves */
        memset(id, 0, sizeof(id));
        id[0] = 0x01;
        id[6] = 0x70;
        id[8] = 0x80;
        id[14] = (uint8_t) (i >> 8);
        id[15] = (uint8_t) i;

        n = prefix_table_order(r, id, out);
        assert_int_equal(n, 6);
        assert_int_equal(prefix_table_order(r, id, again), 6);
        assert_memory_equal(out, again, 6 * sizeof(uint32_t));

        for (k = 0, seen = 0; k < n; k++) {
            seen |= 1u << out[k];
        }
        assert_int_equal(seen, 0x7e);
        assert_true(out[0] <= 3 && out[1] <= 3 && out[2] <= 3);
        assert_int_equal(out[3], 4);
        assert_true(out[4] >= 5 && out[5] >= 5);
        first[out[0]]++;
        second[out[4]]++;
    }

    /* five standard deviations are 324, 283, 212 and 354 */
    assert_in_range(first[1], 14000 - 324, 14000 + 324);
    assert_in_range(first[2], 4000 - 283, 4000 + 283);
    assert_in_range(first[3], 2000 - 212, 2000 + 212);
    assert_in_range(second[5], 10000 - 354, 10000 + 354);
}


static void
test_no_file(void **state)
{
    (void) state;
    assert_int_equal(prefix_table_read(&table, "/nonexistent/x", 14, err, sizeof(err)), -1);
    assert_string_equal(err, "/nonexistent/x: No such file or directory");
    assert_int_equal(prefix_table_read(&table, "", 0, err, sizeof(err)), -1);
    assert_int_equal(prefix_table_read(&table, "/tmp", 4, err, sizeof(err)), -1);
    assert_string_equal(err, "/tmp: Is a directory");
}


static void
test_file(void **state)
{
    char     path[] = "/tmp/prefix_table.XXXXXX";
    char     line[64];
    FILE    *f;
    int      fd, i, n;

    (void) state;
    fd = mkstemp(path);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    for (i = 0; i < 5000; i++) {
        n = snprintf(line, sizeof(line), "90%05d * link_%d:%d\n", i, i % 7, i % 9 + 1);
        assert_int_equal(fwrite(line, 1, (size_t) n, f), n);
    }
    fclose(f);

    prefix_table_free(&table);
    assert_int_equal(prefix_table_read(&table, path, strlen(path), err, sizeof(err)), 0);
    unlink(path);
    assert_int_equal(table.n, 5000);
    assert_int_equal(line_of(3, "90045671234"), 4568);
}


static int
clean(void **state)
{
    (void) state;
    prefix_table_free(&table);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_teardown(test_longest, clean),
        cmocka_unit_test_teardown(test_named_wins_in_any_order, clean),
        cmocka_unit_test_teardown(test_mistakes, clean),
        cmocka_unit_test_teardown(test_small_error_room, clean),
        cmocka_unit_test_teardown(test_order, clean),
        cmocka_unit_test_teardown(test_no_file, clean),
        cmocka_unit_test_teardown(test_file, clean)
    };

    return cmocka_run_group_tests_name("prefix_table", tests, NULL, NULL);
}
