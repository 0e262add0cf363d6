/*
 * The file of ported numbers: read in steps, looked up by block, and where it is wrong.
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

#include "../../plugins/lookup/file/ported.c"
#include "../../plugins/lookup/file/ported_table.c"

#include "content_fakehost.h"


static char  path[] = "/tmp/ported_table.XXXXXX";
static char  err[512];


static void
put(const char *text, size_t n)
{
    FILE  *f;
    char   fresh[64];

    snprintf(fresh, sizeof(fresh), "%s.new", path);
    f = fopen(fresh, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
    assert_int_equal(rename(fresh, path), 0);
}


static int
read_all(ported_table_t *t, const char *text)
{
    int  rc;

    put(text, strlen(text));
    err[0] = '\0';
    assert_int_equal(ported_table_open(t, path, err, sizeof(err)), 0);
    do {
        rc = ported_table_step(t, err, sizeof(err));
    } while (rc == 1);

    return rc;
}


static void
test_lines(void **state)
{
    static const char *const  bad[] = {
        "905321234567", "905321234567 ", "905321234567 28602", "905321234567 286-",
        "905321234567 286-0123", "905321234567 000-01", "905321234567 286-02 x",
        "x 286-02", "+905321234567 286-02", "9053212345678901 286-02", " 90532 286-02"
    };

    uint64_t  number;
    uint16_t  mcc, mnc;
    size_t    i;

    (void) state;
    assert_int_equal(ported_line("905321234567 286-02", 19, &number, &mcc, &mnc), 1);
    assert_true(number == 905321234567 && mcc == 286 && mnc == 2);
    assert_int_equal(ported_line("1\t310-410\r", 10, &number, &mcc, &mnc), 1);
    assert_true(number == 1 && mcc == 310 && mnc == 410);
    assert_int_equal(ported_line("# x", 3, &number, &mcc, &mnc), 0);
    assert_int_equal(ported_line("", 0, &number, &mcc, &mnc), 0);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ported_line(bad[i], strlen(bad[i]), &number, &mcc, &mnc), -1);
    }
}


static void
test_wrong_files(void **state)
{
    static const struct { const char *text, *err; }  cases[] = {
        { "2 286-01\n1 286-01\n",
          "line 2: the number is not above that of the line before (sort -n -u)" },
        { "2 286-01\n2 286-01\n",
          "line 2: the number is not above that of the line before (sort -n -u)" },
        { "# a\n\n1 286-01\n# b\n2 286-01\n", "line 4: a comment behind the first number" },
        { "1 286-01\n\n2 286-01\n", "line 2: an empty line behind the first number" },
        { "1 286-01\n2\n", "line 2: a line is NUMBER MCC-MNC (905321234567 286-02)" },
        { "1 286-01\n2", "line 2: a line is NUMBER MCC-MNC (905321234567 286-02)" },
        { "1                                                                     ",
          "line 1: longer than 64 bytes" }
    };

    ported_table_t  t;
    size_t          i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_all(&t, cases[i].text), -1);
        assert_string_equal(err, cases[i].err);
        ported_table_close(&t);
    }

    assert_int_equal(ported_table_open(&t, "/nonexistent/x", err, sizeof(err)), -1);
    assert_string_equal(err, "No such file or directory");
    assert_int_equal(ported_table_open(&t, "/tmp", err, sizeof(err)), -1);
    assert_string_equal(err, "is no regular file");

    assert_int_equal(read_all(&t, ""), 0);
    ported_table_close(&t);
    assert_int_equal(read_all(&t, "# nothing was ported"), 0);
    ported_table_close(&t);
}


/* more than one step, blocks of all kinds of ends, first, last, and between */
static void
test_many(void **state)
{
    ported_table_t  t;
    uint64_t        i;
    uint16_t        mcc, mnc;
    char           *text;
    size_t          n;

    (void) state;
    text = malloc(8u << 20);
    assert_non_null(text);
    n = (size_t) sprintf(text, "# %0*d\n", 600000, 0);
    for (i = 1; i <= 200000; i++) {
        n += (size_t) sprintf(text + n, "%llu 286-0%llu%s\n",
                              (unsigned long long) (i * 3 + (i > 100000 ? 905320000000 : 0)),
                              (unsigned long long) (i % 3 + 1), i % 7 ? "" : "\r");
    }
    text[n - 1] = '\0';                 /* the last line has no end               */
    assert_int_equal(read_all(&t, text), 0);
    free(text);
    assert_true(t.numbers == 200000 && t.n > 400 && t.n < 2000);

    for (i = 1; i <= 200000; i += i > 300 && i < 199000 ? 37 : 1) {
        assert_int_equal(ported_table_find(&t, i * 3 + (i > 100000 ? 905320000000 : 0), &mcc,
                                           &mnc), 1);
        assert_true(mcc == 286 && mnc == i % 3 + 1);
        assert_int_equal(ported_table_find(&t, i * 3 + 1 + (i > 100000 ? 905320000000 : 0),
                                           &mcc, &mnc), 0);
    }
    assert_int_equal(ported_table_find(&t, 0, &mcc, &mnc), 0);
    assert_int_equal(ported_table_find(&t, UINT64_MAX, &mcc, &mnc), 0);
    ported_table_close(&t);
}


static sms_network_t
ask(fakehost_t *fh, const char *number)
{
    fakehost_batch_t  *b;
    sms_network_t      r;
    sms_brand_t        brand;
    sms_msg_t          msg;
    sms_call_t         call;

    memset(&msg, 0, sizeof(msg));
    memset(&brand, 0, sizeof(brand));
    msg.brand = &brand;
    msg.to = (sms_str_t) { number, strlen(number) };
    b = fakehost_batch_of(FAKEHOST_LOOKUP_NETWORK, &msg, sizeof(msg), 1);
    call = fakehost_call(fh, FAKEHOST_LOOKUP_NETWORK, &b->batch);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_OK);
    r = *(const sms_network_t *) b->batch.results;
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);

    return r;
}


static void
test_plugin(void **state)
{
    fakehost_t    *fh;
    char           key[64];
    const char    *conf[2] = { key, "check=1s" };
    sms_network_t  r;

    (void) state;
    snprintf(key, sizeof(key), "table=%s", path);
    put("5 286-02\n", 9);
    fh = fakehost_new();
    assert_int_equal(fakehost_start(fh, &ported_ops, conf, 2, err, sizeof(err)), SMS_OK);
    assert_int_equal(fakehost_ready(fh), 1);

    r = ask(fh, "5");
    assert_true(r.status == SMS_OK && r.mcc == 286 && r.mnc == 2);
    r = ask(fh, "6");
    assert_true(r.status == SMS_OK && r.mcc == 0);

    put("6 286-03\n7 286-03\n", 18);
    (void) fakehost_advance(fh, 1100);
    r = ask(fh, "6");
    assert_true(r.status == SMS_OK && r.mcc == 286 && r.mnc == 3);
    r = ask(fh, "5");
    assert_true(r.status == SMS_OK && r.mcc == 0);

    /* a wrong one is told once, and the old one stays */
    put("7 286-03\n6 286-03\n", 18);
    (void) fakehost_advance(fh, 5000);
    assert_int_equal(fakehost_log_count(fh), 3);
    assert_string_equal(fakehost_log_line(fh, 2), "error: ported numbers: not taken, the old "
                        "ones stay: line 2: the number is not above that of the line before "
                        "(sort -n -u)");
    assert_int_equal(ask(fh, "6").mnc, 3);

    assert_int_equal(unlink(path), 0);
    (void) fakehost_advance(fh, 5000);
    assert_int_equal(ask(fh, "6").mnc, 3);

    fakehost_stop(fh);
    assert_int_equal(fakehost_left(fh), 0);
    assert_int_equal(fakehost_violations(fh), 0);

    assert_int_equal(fakehost_start(fh, &ported_ops, conf, 2, err, sizeof(err)), SMS_E_CONFIG);
    assert_non_null(strstr(err, "No such file or directory"));
    fakehost_free(fh);
    put("", 0);
}


static int
begin(void **state)
{
    int  fd;

    (void) state;
    fd = mkstemp(path);

    return fd < 0 ? -1 : close(fd);
}


static int
end(void **state)
{
    (void) state;
    return unlink(path);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_plugin)
    };

    return cmocka_run_group_tests_name("ported_table", tests, begin, end);
}
