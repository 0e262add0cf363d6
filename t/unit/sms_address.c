#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "sms_address.h"


static int
public(const char *text)
{
    int      family;
    uint8_t  p[16];

    family = strchr(text, ':') ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(family, text, p), 1);

    return sms_address_public(p, family == AF_INET ? 4 : 16);
}


/* the first and last address of each net, and its neighbours */

static void
test_v4(void **state)
{
    size_t  i;

    static const char *const  hidden[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
        "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
        "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0",
        "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.168.0.0",
        "192.168.255.255", "198.18.0.0", "198.19.255.255", "224.0.0.1",
        "239.255.255.255", "240.0.0.0", "255.255.255.255"
    };
    static const char *const  shown[] = {
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
        "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255",
        "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "223.255.255.255", "8.8.8.8"
    };

    (void) state;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        assert_int_equal(public(hidden[i]), 0);
    }

    for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        assert_int_equal(public(shown[i]), 1);
    }
}


static void
test_v6(void **state)
{
    size_t  i;

    static const char *const  hidden[] = {
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.1.2.3",
        "::ffff:169.254.169.254", "64:ff9b::192.168.1.1", "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::", "2002:c0a8:101::1", "100::1", "fc00::1",
        "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1",
        "2001::1", "2001:1ff::1"
    };
    static const char *const  shown[] = {
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:200::1",
        "2606:4700::1", "2a00::1", "fbff::1", "fe00::1"
    };

    (void) state;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        assert_int_equal(public(hidden[i]), 0);
    }

    for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        assert_int_equal(public(shown[i]), 1);
    }
}


static void
test_length(void **state)
{
    size_t   n;
    uint8_t  p[17];

    (void) state;

    memset(p, 8, sizeof(p));

    for (n = 0; n <= sizeof(p); n++) {
        assert_int_equal(sms_address_public(p, n), n == 4 || n == 16);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_v4),
        cmocka_unit_test(test_v6),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
