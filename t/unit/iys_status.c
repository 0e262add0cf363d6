/* libs: -ljansson */

/* Bodies and answers of the status queries, octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../plugins/consent/iys/iys_error.c"
#include "../../plugins/consent/iys/iys_status.c"

#define NUMBER  UINT64_C(905321112233)


static sms_str_t
text(const char *s)
{
    sms_str_t  t;

    t.ptr = s;
    t.len = strlen(s);

    return t;
}


static void
test_number(void **state)
{
    size_t    i;
    uint64_t  n;
    static const char *const  bad[] = {
        "", "905", "90532111223", "9053211122330", "+90532111223",
        "902121230000", "900532111223", "491701234567", "90532111223 ",
        "90532111223a"
    };

    (void) state;

    assert_int_equal(iys_status_number(text("905321112233"), &n), SMS_OK);
    assert_true(n == NUMBER);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(iys_status_number(text(bad[i]), &n), SMS_E_INVAL);
    }
}


static void
test_body(void **state)
{
    char      buf[IYS_BULK_BODY_MAX(IYS_BATCH_MAX)];
    size_t    i, len;
    uint64_t  numbers[IYS_BATCH_MAX];

    (void) state;

    numbers[0] = NUMBER;
    numbers[1] = UINT64_C(905000000000);
    len = iys_status_bulk_body(numbers, 2, buf);
    assert_int_equal(len, 15 + 15 + 1 + 15 + 2);
    assert_memory_equal(buf, "{\"recipients\":[\"+905321112233\","
                             "\"+905000000000\"]}", len);

    for (i = 0; i < IYS_BATCH_MAX; i++) {
        numbers[i] = UINT64_C(905999999000) + i;
    }

    len = iys_status_bulk_body(numbers, IYS_BATCH_MAX, buf);
    assert_true(len <= sizeof(buf));
    assert_memory_equal(buf + len - 16, "+905999999999\"]}", 16);

    len = iys_status_single_body(NUMBER, SMS_RECIPIENT_BIREYSEL, buf);
    assert_true(len <= IYS_SINGLE_BODY_MAX);
    assert_int_equal(len, 13 + 15 + 18 + 8 + 17);
    assert_memory_equal(buf, "{\"recipient\":\"+905321112233\","
                        "\"recipientType\":\"BIREYSEL\",\"type\":\"MESAJ\"}",
                        len);
}


static void
test_bulk(void **state)
{
    iys_bulk_t  a;

    (void) state;

    assert_int_equal(iys_status_bulk_read(
        text("{\"requestId\":\"0b7e-1\",\"list\":[\"+905321112233\"],"
             "\"more\":null}"), 2, &a), SMS_OK);
    assert_string_equal(a.request_id, "0b7e-1");
    assert_int_equal(a.n, 1);
    assert_true(a.listed[0] == NUMBER);

    assert_int_equal(iys_status_bulk_read(
        text("{\"requestId\":\"x\",\"list\":[]}"), 2, &a), SMS_OK);
    assert_int_equal(a.n, 0);

    /* more than was asked */

    assert_int_equal(iys_status_bulk_read(
        text("{\"requestId\":\"x\",\"list\":[\"+905321112233\","
             "\"+905321112234\"]}"), 1, &a), SMS_E_INVAL);
    assert_int_equal(a.n, 0);
}


static void
test_single(void **state)
{
    size_t        i;
    iys_single_t  a;
    static const struct {
        uint32_t http; const char *body; sms_rc_t rc; uint32_t record;
    } c[] = {
        { 200, "{\"recipient\":\"+905321112233\",\"recipientType\":\"TACIR\","
               "\"type\":\"MESAJ\",\"status\":\"ONAY\",\"transactionId\":\"a\"}",
          SMS_OK, IYS_RECORD_ONAY },
        { 200, "{\"recipient\":\"+905321112233\",\"status\":\"RET\","
               "\"transactionId\":\"a\"}", SMS_OK, IYS_RECORD_RET },
        { 200, "{}", SMS_OK, IYS_RECORD_NONE },
        { 204, "", SMS_OK, IYS_RECORD_NONE },
        { 404, "{\"errors\":[{\"code\":\"H401\"}]}", SMS_OK, IYS_RECORD_NONE },
        { 404, "{\"errors\":[{\"code\":\"H018\"}]}", SMS_E_DENIED, 0 },
        { 404, "{\"errors\":[{\"code\":\"H999\"},{\"code\":\"H001\"}]}",
          SMS_E_DENIED, 0 },
        { 404, "", SMS_E_INVAL, 0 },
        { 404, "{}", SMS_E_INVAL, 0 },
        { 404, "<html>", SMS_E_INVAL, 0 },
        { 204, "{}", SMS_E_INVAL, 0 },
        { 200, "", SMS_E_INVAL, 0 },
        { 200, "[]", SMS_E_INVAL, 0 },
        { 200, "{\"error\":\"x\"}", SMS_E_INVAL, 0 },
        { 200, "{\"status\":\"ONAY\",\"transactionId\":\"a\"}", SMS_E_INVAL, 0 },
        { 200, "{\"recipient\":\"+905321112233\",\"status\":\"ONAY\"}",
          SMS_E_INVAL, 0 },
        { 200, "{\"recipient\":\"+905321112233\",\"status\":\"RED\","
               "\"transactionId\":\"a\"}", SMS_E_INVAL, 0 },
        { 200, "{\"recipient\":\"+905321112233\",\"status\":1,"
               "\"transactionId\":\"a\"}", SMS_E_INVAL, 0 },
        { 200, "{\"recipient\":\"+905321112234\",\"status\":\"ONAY\","
               "\"transactionId\":\"a\"}", SMS_E_INVAL, 0 },
        { 200, "{\"recipient\":\"+905321112233\",\"type\":\"ARAMA\","
               "\"status\":\"ONAY\",\"transactionId\":\"a\"}", SMS_E_INVAL, 0 },
        { 200, "{\"recipient\":\"+905321112233\","
               "\"recipientType\":\"BIREYSEL\",\"status\":\"ONAY\","
               "\"transactionId\":\"a\"}", SMS_E_INVAL, 0 },
        { 500, "{}", SMS_E_INVAL, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        assert_int_equal(iys_status_single_read(c[i].http, text(c[i].body),
                                                NUMBER, SMS_RECIPIENT_TACIR,
                                                &a), c[i].rc);

        if (c[i].rc == SMS_OK) {
            assert_int_equal(a.record, c[i].record);
        }
    }
}


static void
test_error(void **state)
{
    iys_faults_t  f;

    (void) state;

    assert_int_equal(iys_error_read(
        text("{\"errors\":[{\"code\":\"H121\",\"index\":7,"
             "\"location\":[\"recipient\"]},"
             "{\"code:\":\"H353\",\"location\":[\"recipients\",3]},"
             "{\"code\":\"H 1\"},{\"code\":5},5,{\"code\":\"H1\","
             "\"index\":-4}]}"), &f), SMS_OK);
    assert_int_equal(f.n, 3);
    assert_string_equal(f.fault[0].code, "H121");
    assert_int_equal(f.fault[0].index, 7);
    assert_string_equal(f.fault[1].code, "H353");
    assert_int_equal(f.fault[1].index, 3);
    assert_int_equal(f.fault[2].index, -1);

    assert_int_equal(iys_error_read(text("{\"error\":\"invalid_grant\"}"), &f),
                     SMS_OK);
    assert_string_equal(f.fault[0].code, "invalid_grant");

    assert_int_equal(iys_error_read(text("<html>"), &f), SMS_E_INVAL);
    assert_int_equal(iys_error_read(text("{\"errors\":[]}"), &f), SMS_E_INVAL);
    assert_int_equal(iys_error_read(text(""), &f), SMS_E_INVAL);
    assert_int_equal(f.n, 0);
}


static void
test_table(void **state)
{
    size_t  i, j;
    static const struct {
        uint32_t http; const char *code; uint32_t klass; const char *found;
    } c[] = {
        { 401, "H351", IYS_ERROR_REAUTH, "H351" },
        { 403, "H353", IYS_ERROR_STOP_BRAND, "H353" },
        { 403, "H520", IYS_ERROR_STOP_ACCOUNT, "H520" },
        { 429, "H084", IYS_ERROR_SILENT, "H084" },
        { 429, "H086", IYS_ERROR_NEXT_HOUR, "H086" },
        { 429, "H124", IYS_ERROR_RETRY, "H124" },
        { 400, "H123", IYS_ERROR_RETRY, "H123" },
        { 500, "H470", IYS_ERROR_RETRY, "H470" },
        { 503, "H192", IYS_ERROR_RETRY, "H192" },
        { 422, "H467", IYS_ERROR_ITEM, "H467" },
        { 400, "H467", IYS_ERROR_ITEM, "H467" },
        { 500, "H174", IYS_ERROR_RETRY, "http_5xx" },
        { 403, "H999", IYS_ERROR_STOP_BRAND, "http_403" },
        { 429, "H999", IYS_ERROR_RETRY, "http_429" },
        { 418, NULL, IYS_ERROR_REQUEST, "http_4xx" },
        { 302, NULL, IYS_ERROR_REQUEST, "http_other" },
        { 0, "single_budget", IYS_ERROR_REQUEST, "http_other" },
    };

    (void) state;

    for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        assert_int_equal(iys_error_find(c[i].http, c[i].code)->klass,
                         c[i].klass);
        assert_string_equal(iys_error_find(c[i].http, c[i].code)->code,
                            c[i].found);
    }

    for (i = 0; i < IYS_NERRORS; i++) {
        assert_true(strlen(iys_errors[i].code) <= IYS_CODE_MAX);

        for (j = 0; j < i; j++) {
            assert_string_not_equal(iys_errors[i].code, iys_errors[j].code);
        }
    }

    assert_string_equal(iys_error_literal("H084", 4), "H084");
    assert_string_equal(iys_error_literal("nobody", 6), "halted");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_table)
    };

    return cmocka_run_group_tests_name("iys_status", tests, NULL, NULL);
}
