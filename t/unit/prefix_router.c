/*
 * The plugin in a fake host: names of links, results, reasons.
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

#include "../../plugins/router/prefix/prefix.c"
#include "../../plugins/router/prefix/prefix_cost.c"
#include "../../plugins/router/prefix/prefix_network.c"
#include "../../plugins/router/prefix/prefix_table.c"
#include "../../plugins/router/prefix/prefix_text.c"

#include "content_fakehost.h"


static char  path[] = "/tmp/prefix_router.XXXXXX";
static char  err[256];


static void
routes(const char *text)
{
    FILE  *f;

    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
}


static sms_rc_t
start(fakehost_t *fh)
{
    char         key[64];
    const char  *conf[1];

    snprintf(key, sizeof(key), "table=%s", path);
    conf[0] = key;
    err[0] = '\0';

    return fakehost_start(fh, &prefix_ops, conf, 1, err, sizeof(err));
}


static void
stop(fakehost_t *fh)
{
    fakehost_stop(fh);
    assert_int_equal(fakehost_left(fh), 0);
    assert_int_equal(fakehost_violations(fh), 0);
    fakehost_free(fh);
}


static void
test_choose(void **state)
{
    sms_msg_t           msg[3];
    sms_brand_t         brand;
    fakehost_t         *fh;
    sms_call_t          call;
    fakehost_batch_t   *b;
    const sms_route_t  *r;

    (void) state;
    routes("90 otp link_b link_a\n9053383 * link_c\n");
    fh = fakehost_new();
    assert_int_equal(start(fh), SMS_OK);

    memset(msg, 0, sizeof(msg));
    memset(&brand, 0, sizeof(brand));
    msg[0].brand = msg[1].brand = msg[2].brand = &brand;
    msg[0].klass = msg[1].klass = SMS_CLASS_OTP;
    msg[2].klass = SMS_CLASS_COMMERCIAL;
    msg[0].to = msg[2].to = (sms_str_t) SMS_STR("905321234567");
    msg[1].to = (sms_str_t) SMS_STR("905338312345");

    b = fakehost_batch_of(FAKEHOST_ROUTER_CHOOSE, msg, sizeof(sms_msg_t), 3);
    call = fakehost_call(fh, FAKEHOST_ROUTER_CHOOSE, &b->batch);
    assert_int_equal(fakehost_call_rc(fh, call), SMS_OK);
    r = b->batch.results;

    assert_int_equal(r[0].nlinks, 2);
    assert_int_equal(r[0].link[0], 2);
    assert_int_equal(r[0].link[1], 1);
    assert_memory_equal(r[0].reason.ptr, "prefix=90 line=1", r[0].reason.len);
    assert_int_equal(r[1].nlinks, 1);
    assert_int_equal(r[1].link[0], 3);
    assert_int_equal(r[2].status, SMS_OK);
    assert_int_equal(r[2].nlinks, 0);
    assert_int_equal(r[2].reason.len, 8);
    assert_memory_equal(r[2].reason.ptr, "no-route", 8);

    fakehost_call_end(fh, call);
    fakehost_batch_free(b);
    stop(fh);
}


static void
test_refused(void **state)
{
    fakehost_t  *fh;
    char         want[128];

    (void) state;
    fh = fakehost_new();

    routes("90 otp link_a\n90 * link_a link_z:3\n");
    assert_int_equal(start(fh), SMS_E_CONFIG);
    snprintf(want, sizeof(want), "%s:2: link \"link_z\" is not configured", path);
    assert_string_equal(err, want);

    routes("90 otp\n");
    assert_int_equal(start(fh), SMS_E_CONFIG);
    snprintf(want, sizeof(want), "%s:1: no link (PREFIX CLASS GROUP ...)", path);
    assert_string_equal(err, want);

    fakehost_free(fh);
}


static int
begin(void **state)
{
    int  fd;

    (void) state;
    fd = mkstemp(path);
    if (fd < 0) {
        return -1;
    }
    close(fd);

    return 0;
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
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_refused)
    };

    return cmocka_run_group_tests_name("prefix_router", tests, begin, end);
}
