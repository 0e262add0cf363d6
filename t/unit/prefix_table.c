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

#include "../../plugins/router/prefix/prefix_cost.c"
#include "../../plugins/router/prefix/prefix_network.c"
#include "../../plugins/router/prefix/prefix_table.c"
#include "../../plugins/router/prefix/prefix_text.c"


static prefix_table_t  table;
static prefix_network_t  nets;
static char            err[256];


static int
parse(const char *text)
{
    prefix_table_free(&table);
    err[0] = '\0';

    return prefix_table_parse(&table, &nets, "r", text, strlen(text), err, sizeof(err));
}


static const prefix_rule_t *
find(uint32_t klass, const char *to)
{
    prefix_what_t  what;

    memset(&what, 0, sizeof(what));
    what.klass = klass;
    what.to = to;
    what.nto = strlen(to);

    return prefix_table_find(&table, &what);
}


static uint32_t
line_of(uint32_t klass, const char *to)
{
    const prefix_rule_t  *r;

    r = find(klass, to);

    return r ? r->line : 0;
}


/* of a message with everything that lines may ask for */
static uint32_t
line_for(const char *to, uint64_t account, const char *sender, uint32_t network,
    const char *country)
{
    const prefix_rule_t  *r;
    prefix_what_t         what;

    memset(&what, 0, sizeof(what));
    what.klass = 2;
    what.to = to;
    what.nto = strlen(to);
    what.account = account;
    what.sender = sender;
    what.nsender = strlen(sender);
    what.network = prefix_network_code(&nets, network);
    memcpy(what.country, country, 2);
    r = prefix_table_find(&table, &what);

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
    assert_string_equal(find(3, "905321234567")->reason,
                        "prefix=90532 line=5");
    assert_string_equal(find(2, "49")->reason, "prefix=* line=6");
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
        { "* * a\n* * b\n", "r:2: prefix and class * are in line 1 already" },
        { "* * country=TR,DE a\n90 * country=TR b\n* * country=DE c\n",
          "r:3: prefix and class * are in line 1 already" },
        { "* * land=TR a\n", "r:1: \"land=TR\" is none of account=, sender=, network=, country=" },
        { "* * country= a\n", "r:1: country has no value" },
        { "* * country=tr a\n", "r:1: country \"tr\" is not of two capitals (ISO 3166-1)" },
        { "* * country=TR, a\n", "r:1: country \"\" is not of two capitals (ISO 3166-1)" },
        { "* * country=TR country=DE a\n", "r:1: country is there twice" },
        { "* * network=orange a\n",
          "r:1: network \"orange\" is no MCC-MNC, and not in the file of networks" },
        { "* * account=12x a\n", "r:1: account \"12x\" is no number" },
        { "* * account=0 a\n", "r:1: account \"0\" is no number" },
        { "* * sender=A,,B a\n", "r:1: the name of a sender is missing" },
        { "* * account=1\n", "r:1: no link (PREFIX CLASS GROUP ...)" }
    };

    size_t  i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text), -1);
        assert_string_equal(err, cases[i].err);
        assert_int_equal(table.n, 0);
    }

    assert_int_equal(prefix_table_parse(&table, &nets, "r", "90 * a\n9\0 * b", 13, err,
                                        sizeof(err)), -1);
    assert_string_equal(err, "r:2: a zero octet: this is no text");
}


static void
test_small_error_room(void **state)
{
    char  room[12];

    (void) state;
    memset(room, '!', sizeof(room));
    assert_int_equal(prefix_table_parse(&table, &nets, "routes", "9x * a", 6, room, 8), -1);
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
    prefix_what_t         what = { .klass = 1, .to = "90", .nto = 2 };
    prefix_choice_t       all = { .prefer = PREFIX_BY_WEIGHT };

    (void) state;
    assert_int_equal(parse("* * a:70,b:20,c:10 d e:1,f:1"), 0);
    identify();
    r = find(1, "90");
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

        n = prefix_table_order(r, id, &what, &all, out);
        assert_int_equal(n, 6);
        assert_int_equal(prefix_table_order(r, id, &what, &all, again), 6);
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
    assert_int_equal(prefix_table_read(&table, &nets, "/nonexistent/x", 14, err, sizeof(err)), -1);
    assert_string_equal(err, "/nonexistent/x: No such file or directory");
    assert_int_equal(prefix_table_read(&table, &nets, "", 0, err, sizeof(err)), -1);
    assert_int_equal(prefix_table_read(&table, &nets, "/tmp", 4, err, sizeof(err)), -1);
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
    assert_int_equal(prefix_table_read(&table, &nets, path, strlen(path), err, sizeof(err)), 0);
    unlink(path);
    assert_int_equal(table.n, 5000);
    assert_int_equal(line_of(3, "90045671234"), 4568);
}


static void
test_conditions(void **state)
{
    (void) state;
    assert_int_equal(parse("* * a\n"
                           "90532 * b\n"
                           "* * country=TR c\n"
                           "90 * network=286-02,286-3 d\n"
                           "* * sender=ORNEK,ORNEK_AS e\n"
                           "* * account=12 f\n"
                           "* * account=12 sender=ORNEK g\n"
                           "90532 * account=12 network=286-01 h\n"
                           "* otp account=99 i\n"), 0);

    assert_int_equal(line_for("905321234567", 1, "X", 0, "\0"), 2);
    assert_int_equal(line_for("905331234567", 1, "X", 0, "\0"), 1);
    assert_int_equal(line_for("905321234567", 1, "X", 0, "TR"), 3);
    assert_int_equal(line_for("905321234567", 1, "X", 286002, "TR"), 4);
    assert_int_equal(line_for("905321234567", 1, "X", 286003, "TR"), 4);
    assert_int_equal(line_for("905321234567", 1, "X", 286001, "TR"), 3);
    assert_int_equal(line_for("491701234567", 1, "X", 286002, "DE"), 1);
    assert_int_equal(line_for("905321234567", 1, "ORNEK", 286002, "TR"), 5);
    assert_int_equal(line_for("905321234567", 1, "ORNEK AS", 286002, "TR"), 5);
    assert_int_equal(line_for("905321234567", 12, "X", 286002, "TR"), 6);
    assert_int_equal(line_for("905321234567", 12, "ORNEK", 286001, "TR"), 7);
    assert_int_equal(line_for("905321234567", 12, "X", 286001, "TR"), 8);
    assert_int_equal(line_for("905331234567", 12, "X", 286001, "TR"), 6);
    /* a line of its own that is for another class does not count */
    assert_int_equal(line_for("905321234567", 99, "X", 0, "TR"), 3);
}


static void
test_many_scopes(void **state)
{
    char      *text;
    size_t     n;
    uint32_t   i;

    (void) state;
    text = malloc(1 << 20);
    assert_non_null(text);
    for (i = 1, n = 0; i <= 20000; i++) {
        n += (size_t) snprintf(text + n, (1u << 20) - n, "* * account=%u a\n", i * 7);
    }
    assert_int_equal(parse(text), 0);
    free(text);

    for (i = 1; i <= 20000; i++) {
        assert_int_equal(line_for("90", i * 7, "X", 0, "TR"), i);
        assert_int_equal(line_for("90", i * 7 + 1, "X", 0, "TR"), 0);
    }
}


static void
networks(const char *text, int rc, const char *want)
{
    prefix_text_t  t;

    err[0] = '\0';
    prefix_network_free(&nets);
    assert_int_equal(prefix_text_open(&t, "n", text, strlen(text), err, sizeof(err)), 0);
    assert_int_equal(prefix_network_parse(&nets, &t), rc);
    if (want) {
        assert_string_equal(err, want);
    }
}


static void
test_networks(void **state)
{
    (void) state;
    networks("turkcell 286-01 90530 90531\nbig 262-01,262-06,310-410 4915 49151\n", 0, NULL);
    assert_int_equal(prefix_network_find(&nets, "turkcell", 8), 286001);
    assert_int_equal(prefix_network_find(&nets, "big", 3), 262001);
    assert_int_equal(prefix_network_find(&nets, "262-6", 5), 262001);
    assert_int_equal(prefix_network_find(&nets, "310-410", 7), 262001);
    assert_int_equal(prefix_network_find(&nets, "286-03", 6), 286003);
    assert_int_equal(prefix_network_find(&nets, "nobody", 6), 0);
    assert_int_equal(prefix_network_of(&nets, "905311234567", 12), 286001);
    assert_int_equal(prefix_network_of(&nets, "491511234567", 12), 262001);
    assert_int_equal(prefix_network_of(&nets, "33", 2), 0);

    assert_int_equal(parse("* * a\n* * network=big b\n"), 0);
    assert_int_equal(line_for("4917", 1, "X", 310410, "DE"), 2);
    assert_int_equal(line_for("4917", 1, "X", 310411, "DE"), 1);

    networks("a 286-01\na 286-02\n", -1, "n:2: network \"a\" is in line 1 already");
    networks("a 286-01\nb 286-1\n", -1, "n:2: 286-1 is there already");
    networks("a\n", -1, "n:1: \"\" is no MCC-MNC (NAME MCC-MNC PREFIX ...)");
    networks("a 28601\n", -1, "n:1: \"28601\" is no MCC-MNC (NAME MCC-MNC PREFIX ...)");
    networks("a 286-01 90\nb 286-02 90\n", -1, "n:2: prefix 90 is there already");
    networks("a 286-01 9x\n", -1, "n:1: prefix \"9x\" is not of at most 15 digits");
    networks("", 0, NULL);
}


static uint32_t
number_of(const void *data, const char *p, size_t n)
{
    (void) data;
    return n == 1 && *p >= 'a' && *p <= 'h' ? (uint32_t) (*p - 'a') + 1 : 0;
}


static int
costs(prefix_cost_t *c, const char *text)
{
    prefix_text_t  t;

    err[0] = '\0';
    assert_int_equal(prefix_text_open(&t, "c", text, strlen(text), err, sizeof(err)), 0);

    return prefix_cost_parse(c, &t, number_of, NULL);
}


static void
test_costs(void **state)
{
    static const struct { const char *text, *err; }  bad[] = {
        { "a 90 *\n", "c:1: a line is LINK PREFIX CLASS COST" },
        { "a 90 * 1 2\n", "c:1: a line is LINK PREFIX CLASS COST" },
        { "z 90 * 1\n", "c:1: link \"z\" is not configured" },
        { "a 9- * 1\n", "c:1: prefix \"9-\" is neither digits nor *" },
        { "a 90 all 1\n",
          "c:1: class \"all\" is none of otp, informational, commercial, exempt, *" },
        { "a 90 * 1,5\n",
          "c:1: cost \"1,5\" is no number from 0 to 1000 with at most six decimals" },
        { "a 90 * 0.1234567\n",
          "c:1: cost \"0.1234567\" is no number from 0 to 1000 with at most six decimals" },
        { "a 90 * 1000.1\n",
          "c:1: cost \"1000.1\" is no number from 0 to 1000 with at most six decimals" },
        { "a 90 * .\n", "c:1: cost \".\" is no number from 0 to 1000 with at most six decimals" },
        { "a 90 * 1\na 90 * 2\n", "c:2: link, prefix and class are there already" }
    };

    prefix_cost_t  c;
    size_t         i;

    (void) state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(costs(&c, bad[i].text), -1);
        assert_string_equal(err, bad[i].err);
    }

    assert_int_equal(costs(&c, "a * * 0.05\na 90 * 0.0125\na 90 otp 0.02\nb 90532 * 1\n"), 0);
    assert_int_equal(prefix_cost_find(&c, 1, 2, "49", 2), 50000);
    assert_int_equal(prefix_cost_find(&c, 1, 2, "90532", 5), 12500);
    assert_int_equal(prefix_cost_find(&c, 1, 1, "90532", 5), 20000);
    assert_int_equal(prefix_cost_find(&c, 2, 1, "90532", 5), 1000000);
    assert_int_equal(prefix_cost_find(&c, 2, 1, "90533", 5), PREFIX_COST_UNKNOWN);
    assert_int_equal(prefix_cost_find(&c, 3, 1, "90533", 5), PREFIX_COST_UNKNOWN);
    prefix_cost_free(&c);
}


/* how often each link comes first, over 20,000 ids */
static void
shares(const prefix_choice_t *choice, uint32_t first[9])
{
    prefix_what_t  what = { .klass = 2, .to = "905321234567", .nto = 12 };
    uint32_t       i, n, out[8];
    uint8_t        id[16];

    memset(first, 0, 9 * sizeof(uint32_t));
    memset(id, 0, sizeof(id));

    for (i = 0; i < 20000; i++) {
        id[14] = (uint8_t) (i >> 8);
        id[15] = (uint8_t) i;
        n = prefix_table_order(&table.rules[0], id, &what, choice, out);
        first[n ? out[0] : 0]++;
    }
}


static void
test_eligible_and_cost(void **state)
{
    static const uint32_t  two[] = { 3, 1 }, none[] = { 7 };

    prefix_choice_t  choice;
    prefix_cost_t    c;
    uint32_t         first[9], out[8];
    prefix_what_t    what = { .klass = 2, .to = "905321234567", .nto = 12 };

    (void) state;
    assert_int_equal(parse("* * a:50,b:30,c:20 d\n"), 0);
    identify();
    memset(&choice, 0, sizeof(choice));

    /* the shares are right among those that may: five standard deviations are 319 */
    choice.eligible = two;
    choice.neligible = 2;
    shares(&choice, first);
    assert_in_range(first[1], 14286 - 319, 14286 + 319);
    assert_int_equal(first[1] + first[3], 20000);

    choice.eligible = none;
    choice.neligible = 1;
    shares(&choice, first);
    assert_int_equal(first[0], 20000);

    /* the cheapest of the group, and the rest behind it in the order of costs */
    choice.eligible = NULL;
    choice.prefer = PREFIX_CHEAPEST;
    choice.costs = &c;
    assert_int_equal(costs(&c, "a 90 * 0.03\nb 90 * 0.01\nd 90 * 0.001\n"), 0);
    shares(&choice, first);
    assert_int_equal(first[2], 20000);
    assert_int_equal(prefix_table_order(&table.rules[0], (const uint8_t *) "0123456789abcdef",
                                        &what, &choice, out), 4);
    assert_int_equal(out[1], 1);
    assert_int_equal(out[2], 3);
    assert_int_equal(out[3], 4);

    /* 50/3 : 30/1 : 20/1000 */
    choice.prefer = PREFIX_BY_COST;
    shares(&choice, first);
    assert_in_range(first[1], 7143 - 340, 7143 + 340);
    assert_in_range(first[2], 12857 - 340, 12857 + 340);
    prefix_cost_free(&c);
}


static int
clean(void **state)
{
    (void) state;
    prefix_table_free(&table);
    prefix_network_free(&nets);
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
        cmocka_unit_test_teardown(test_conditions, clean),
        cmocka_unit_test_teardown(test_many_scopes, clean),
        cmocka_unit_test_teardown(test_networks, clean),
        cmocka_unit_test_teardown(test_costs, clean),
        cmocka_unit_test_teardown(test_eligible_and_cost, clean),
        cmocka_unit_test_teardown(test_order, clean),
        cmocka_unit_test_teardown(test_no_file, clean),
        cmocka_unit_test_teardown(test_file, clean)
    };

    return cmocka_run_group_tests_name("prefix_table", tests, NULL, NULL);
}
