#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_hash.h"


static void
check_hex(const uint8_t *got, const char *want)
{
    char  hex[64];

    sms_hash_hex(got, 32, hex);
    assert_memory_equal(hex, want, 64);
}


/* examples of FIPS 180-4 */
static void
test_sha256(void **state)
{
    char     *million;
    uint8_t   out[32];

    (void) state;

    assert_int_equal(sms_hash_sha256("", 0, out), 0);
    check_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
                   "27ae41e4649b934ca495991b7852b855");

    assert_int_equal(sms_hash_sha256(NULL, 0, out), 0);
    check_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
                   "27ae41e4649b934ca495991b7852b855");

    assert_int_equal(sms_hash_sha256("abc", 3, out), 0);
    check_hex(out, "ba7816bf8f01cfea414140de5dae2223"
                   "b00361a396177a9cb410ff61f20015ad");

    million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    assert_int_equal(sms_hash_sha256(million, 1000000, out), 0);
    check_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67"
                   "f1809a48a497200e046d39ccc7112cd0");
    free(million);
}


/* RFC 4231 */
static void
test_hmac(void **state)
{
    uint8_t  key[131], data[50], out[32];

    (void) state;

    memset(key, 0x0b, 20);
    assert_int_equal(sms_hash_hmac(key, 20, "Hi There", 8, out), 0);
    check_hex(out, "b0344c61d8db38535ca8afceaf0bf12b"
                   "881dc200c9833da726e9376c2e32cff7");

    assert_int_equal(sms_hash_hmac("Jefe", 4, "what do ya want for nothing?",
                                   28, out), 0);
    check_hex(out, "5bdcc146bf60754e6a042426089575c7"
                   "5a003f089d2739839dec58b964ec3843");

    memset(key, 0xaa, 20);
    memset(data, 0xdd, 50);
    assert_int_equal(sms_hash_hmac(key, 20, data, 50, out), 0);
    check_hex(out, "773ea91e36800e46854db8ebd09181a7"
                   "2959098b3ef8c122d9635514ced565fe");

    memset(key, 0xaa, 131);
    assert_int_equal(sms_hash_hmac(key, 131, "Test Using Larger Than Block-Size"
                                   " Key - Hash Key First", 54, out), 0);
    check_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f"
                   "8e0bc6213728c5140546040f0ee37f54");

    /* an empty key, also as NULL, is not "the key of the call before" */
    assert_int_equal(sms_hash_hmac(NULL, 0, "", 0, out), 0);
    check_hex(out, "b613679a0814d9ec772f95d778c35fc5"
                   "ff1697c493715653c6c712144292c5ad");
}


static void
test_hex(void **state)
{
    char     hex[8];
    uint8_t  out[8];

    (void) state;

    sms_hash_hex((const uint8_t *) "\x00\x9a\xff", 3, hex);
    assert_memory_equal(hex, "009aff", 6);

    assert_int_equal(sms_hash_unhex("009aFF", 6, out), 0);
    assert_memory_equal(out, "\x00\x9a\xff", 3);
    assert_int_equal(sms_hash_unhex("", 0, out), 0);
    assert_int_equal(sms_hash_unhex("0", 1, out), -1);
    assert_int_equal(sms_hash_unhex("0g", 2, out), -1);
    assert_int_equal(sms_hash_unhex("/0", 2, out), -1);
    assert_int_equal(sms_hash_unhex(":0", 2, out), -1);
    assert_int_equal(sms_hash_unhex("@0", 2, out), -1);
    assert_int_equal(sms_hash_unhex("0`", 2, out), -1);
}


static void
test_equal(void **state)
{
    (void) state;

    assert_true(sms_hash_equal("abc", "abc", 3));
    assert_false(sms_hash_equal("abc", "abd", 3));
    assert_false(sms_hash_equal("abc", "bbc", 3));
    assert_true(sms_hash_equal("abc", "abd", 2));
    assert_true(sms_hash_equal("a", "b", 0));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_equal),
    };

    return cmocka_run_group_tests_name("sms_hash", tests, NULL, NULL);
}
