/* libs: -lexpat -lpcre2-8 */
/* cflags: -D_GNU_SOURCE */

/*
 * What operator/http makes of answers and callbacks: fields of JSON, XML, forms and
 * text, statuses and codes, times, numbers, networks, pauses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/operator/http/http_answer.c"
#include "../../plugins/operator/http/http_doc.c"
#include "../../plugins/operator/http/http_event.c"
#include "../../plugins/operator/http/http_pace.c"
#include "../../plugins/operator/http/http_secret.c"
#include "../../plugins/operator/http/http_status.c"
#include "../../plugins/operator/http/http_xml.c"

#define NOW  INT64_C(1767258000000000)


static char  got[8192];


static sms_str_t
str(const char *s)
{
    return (sms_str_t) { s, strlen(s) };
}


static int
note(void *data, const http_record_t *r)
{
    size_t  n;
    int     i;

    for (i = 0; i < 2; i++) {
        n = strlen(got);
        snprintf(got + n, sizeof(got) - n, "%.*s%s",
                 r->field[i].ptr ? (int) r->field[i].len : 1,
                 r->field[i].ptr ? r->field[i].ptr : "-", i ? ";" : ",");
    }

    return data != NULL;
}


/* "a,b;" of each record, or "bad" */
static const char *
fields(http_format_t format, const char *list, const char *a, const char *b, const char *text)
{
    char        what[128];
    int         n;
    http_map_t  m;

    memset(&m, 0, sizeof(m));
    m.format = format;
    m.n = 2;
    m.list = str(list);
    m.path[0] = str(a);
    m.path[1] = str(b);
    got[0] = '\0';

    if (!http_map_prepare(&m, what, sizeof(what))) {
        return "no pattern";
    }

    n = http_doc_read(&m, str(text), note, NULL);
    http_map_free(&m);

    return n < 0 ? "bad" : got;
}


static void
documents(void **state)
{
    (void) state;

    assert_string_equal(fields(HTTP_DOC_JSON, "", "m.0.id", "/c~1d",
        "{\"m\":[{\"id\":7}],\"c/d\":1.50}"),
                        "7,1.50;");
    assert_string_equal(fields(HTTP_DOC_JSON, "r", "id", "x",
        "{\"r\":[{\"id\":\"a\"},{\"x\":true,\"id\":null}]}"),
                        "a,-;-,true;");
    assert_string_equal(fields(HTTP_DOC_JSON, "", "id", "x",
        "\xEF\xBB\xBF[{\"id\":1},{\"id\":{}}]"), "1,-;-,-;");
    assert_string_equal(fields(HTTP_DOC_JSON, "r", "id", "", "{\"r\":{\"id\":1}}"), "1,-;");
    assert_string_equal(fields(HTTP_DOC_JSON, "r", "id", "", "{\"q\":[]}"), "bad");
    assert_string_equal(fields(HTTP_DOC_JSON, "", "id", "", "{\"id\":1"), "bad");

    assert_string_equal(fields(HTTP_DOC_XML, "", "r/id", "r/c/@x",
                               "<p:r xmlns:p='u'><id>a&amp;b</id><c x='9'/><id>no</id></p:r>"),
                               "a&b,9;");
    assert_string_equal(fields(HTTP_DOC_XML, "l/m", "@id", ".",
        "<l><m id='1'>x</m><n/><m>y<z>q</z></m></l>"),
                        "1,x;-,y;");
    assert_string_equal(fields(HTTP_DOC_XML, "", "r", "",
        "<?xml version='1.0' encoding='ISO-8859-9'?><r>\xfe\xf0\xdd</r>"), "şğİ,-;");
    assert_string_equal(fields(HTTP_DOC_XML, "", "r", "",
        "<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>"), "bad");
    assert_string_equal(fields(HTTP_DOC_XML, "", "r", "", "<r>"), "bad");

    assert_string_equal(fields(HTTP_DOC_FORM, "", "id", "a b", "x=1&id=%41%c4%9f&a+b=c+d&id=2"),
        "Ağ,c d;");
    assert_string_equal(fields(HTTP_DOC_QUERY, "", "id", "b", "id&b="), ",;");
    assert_string_equal(fields(HTTP_DOC_FORM, "", "id", "b", "id=%4"), "bad");

    assert_string_equal(fields(HTTP_DOC_TEXT, "", "ID:(\\d+)", "^(\\w+)", "OK ID:42"), "42,OK;");
    assert_string_equal(fields(HTTP_DOC_TEXT, "", "(", "", "x"), "no pattern");
    assert_string_equal(fields(HTTP_DOC_TEXT, "", "(a+)+$", "",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), "-,-;");
}


static http_answer_t
judge(http_conf_t *c, sms_rc_t rc, uint32_t flags, uint32_t status, const char *body)
{
    http_answer_t   a;
    sms_http_res_t  res;

    static const sms_kv_t  headers[] = { { SMS_STR("retry-after"), SMS_STR("7") } };

    memset(&res, 0, sizeof(res));
    res.rc = rc;
    res.flags = flags;
    res.status = status;
    res.body = str(body);
    res.headers = headers;
    res.nheaders = 1;
    http_answer_judge(c, &res, NOW, &a);

    return a;
}


static void
answers(void **state)
{
    static http_conf_t  c;

    size_t         i;
    http_answer_t  a;

    static const struct {
        uint32_t      status;
        const char   *body;
        http_class_t  klass;
        uint32_t      reason, code;
    } rows[] = {
        { 200, "{\"id\":\"x1\",\"c\":\"0\"}", HTTP_SENT, SMS_REASON_NONE, 0 },
        { 200, "{\"id\":5}", HTTP_SENT, SMS_REASON_NONE, 200 },
        { 200, "{\"c\":\"0\"}", HTTP_UNKNOWN, SMS_REASON_OTHER, 0 },
        { 200, "{\"id\":\"x1\"", HTTP_UNKNOWN, SMS_REASON_OTHER, 200 },
        { 200, "", HTTP_UNKNOWN, SMS_REASON_OTHER, 200 },
        { 200, "{\"c\":\"9\"}", HTTP_FINAL, SMS_REASON_OTHER, 9 },
        { 400, "{\"c\":\"3\"}", HTTP_FINAL, SMS_REASON_CONSENT, 3 },
        { 200, "{\"c\":\"3\"}", HTTP_FINAL, SMS_REASON_CONSENT, 3 },
        { 500, "{\"c\":\"4\"}", HTTP_FAILOVER, SMS_REASON_OTHER, 4 },
        { 400, "no", HTTP_FINAL, SMS_REASON_OTHER, 400 },
        { 401, "", HTTP_STOP, SMS_REASON_OTHER, 401 },
        { 302, "", HTTP_STOP, SMS_REASON_OTHER, 302 },
        { 429, "", HTTP_THROTTLED, SMS_REASON_OTHER, 429 },
        { 500, "", HTTP_RETRY, SMS_REASON_OTHER, 500 },
        { 503, "", HTTP_DOWN, SMS_REASON_OTHER, 503 },
        { 504, "", HTTP_UNKNOWN, SMS_REASON_OTHER, 504 },
        { 418, "", HTTP_FINAL, SMS_REASON_BLACKLIST, 418 },
        { 599, "", HTTP_RETRY, SMS_REASON_OTHER, 599 }
    };

    (void) state;

    c.answer.n = 2;
    c.answer.path[HTTP_ANSWER_ID] = str("id");
    c.answer.path[HTTP_ANSWER_CODE] = str("c");
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_ANSWER, str("0=sent")), SMS_OK);
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_ANSWER, str("3=consent")), SMS_OK);
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_ANSWER, str("4=failover")), SMS_OK);
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_ANSWER, str("4=retry")), SMS_E_CONFIG);
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_ANSWER, str("5=perhaps")), SMS_E_CONFIG);
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_ANSWER, str("=sent")), SMS_E_CONFIG);
    assert_int_equal(http_table_add(&c.codes, HTTP_TABLE_REASON, str("6=retry")), SMS_E_CONFIG);
    assert_int_equal(http_table_add(&c.statuses, HTTP_TABLE_ANSWER, str("418=blacklist")),
        SMS_OK);

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        a = judge(&c, SMS_OK, SMS_HTTP_WRITTEN, rows[i].status, rows[i].body);
        assert_int_equal(a.verdict.klass, rows[i].klass);
        assert_int_equal(a.verdict.reason, rows[i].reason);
        assert_int_equal(a.code, rows[i].code);
        assert_int_equal(a.retry_after_ms, 7000);
    }

    assert_int_equal(judge(&c, SMS_E_TIMEOUT, SMS_HTTP_WRITTEN, 0, "").verdict.klass,
        HTTP_UNKNOWN);
    assert_int_equal(judge(&c, SMS_E_DOWN, SMS_HTTP_WRITTEN, 0, "").verdict.klass, HTTP_UNKNOWN);
    assert_int_equal(judge(&c, SMS_E_TIMEOUT, 0, 0, "").verdict.klass, HTTP_DOWN);
    assert_int_equal(judge(&c, SMS_E_DENIED, 0, 0, "").verdict.klass, HTTP_DOWN);

    assert_int_equal(http_answer_retry_after(str("Thu, 01 Jan 2026 09:00:30 GMT"), NOW), 30000);
    assert_int_equal(http_answer_retry_after(str("99999999999999999999"), NOW), 3600000);
    assert_int_equal(http_answer_retry_after(str("Thu, 01 Jan 2025 09:00:30 GMT"), NOW), 0);
    assert_int_equal(http_answer_retry_after(str("soon"), NOW), 0);
}


static void
events(void **state)
{
    char        n[32];
    http_net_t  nets[2];

    (void) state;

    assert_int_equal(http_event_time(HTTP_TIME_LOCAL, str("2026-01-01 11:00:00"), NOW),
        NOW - 3600000000);
    assert_int_equal(http_event_time(HTTP_TIME_DOTTED, str("01.01.2026 11:00:00"), NOW),
        NOW - 3600000000);
    assert_int_equal(http_event_time(HTTP_TIME_UNIX, str("1767254400"), NOW), NOW - 3600000000);
    assert_int_equal(http_event_time(HTTP_TIME_UNIX_MS, str("1767254400000"), NOW),
        NOW - 3600000000);
    assert_int_equal(http_event_time(HTTP_TIME_RFC3339, str("2026-01-01T08:00:00Z"), NOW),
        NOW - 3600000000);
    assert_int_equal(http_event_time(HTTP_TIME_RFC3339, str("2026-01-01T09:05:00Z"), NOW), NOW);
    assert_int_equal(http_event_time(HTTP_TIME_RFC3339, str("2026-01-01T12:05:00Z"), NOW), 0);
    assert_int_equal(http_event_time(HTTP_TIME_DOTTED, str("01/01/2026"), NOW), 0);
    assert_int_equal(http_event_time(HTTP_TIME_UNIX, str("99999999999999999"), NOW), 0);

#define NUMBER(in, out)                                                       \
    n[http_event_number(str(in), n)] = '\0';                                  \
    assert_string_equal(n, out)

    NUMBER("+905321234567", "905321234567");
    NUMBER("00905321234567", "905321234567");
    NUMBER("05321234567", "905321234567");
    NUMBER("5321234567", "905321234567");
    NUMBER("4605", "4605");
    NUMBER("ORNEK", "ORNEK");

    memset(nets, 0, sizeof(nets));
    nets[0].address[10] = nets[0].address[11] = 0xff;
    memcpy(nets[0].address + 12, "\xc0\x00\x02\x80", 4);
    nets[0].bits = 96 + 25;
    nets[1].address[15] = 1;
    nets[1].bits = 128;
    assert_true(http_net_has(nets, 2, str("192.0.2.200")));
    assert_false(http_net_has(nets, 2, str("192.0.2.100")));
    assert_true(http_net_has(nets, 2, str("::ffff:192.0.2.129")));
    assert_true(http_net_has(nets, 2, str("::1")));
    assert_false(http_net_has(nets, 2, str("::2")));
    assert_false(http_net_has(nets, 2, str("unix:")));
    assert_true(http_secret_basic(str("p:w"), str("dTpwOnc=")));
    assert_false(http_secret_basic(str("pw"), str("dTpwOnc=")));
    assert_false(http_secret_basic(str("pw"), str("!")));
}


static void
paces(void **state)
{
    http_pace_t  p;

    (void) state;

    http_pace_init(&p, 4, 10, 0);
    assert_int_equal(http_pace_room(&p, 0), 1);
    http_pace_sent(&p, 0);
    assert_int_equal(http_pace_room(&p, 0), 0);
    assert_int_equal(http_pace_due(&p, 0), 100000);
    assert_int_equal(http_pace_room(&p, 10000000), 2);
    http_pace_ended(&p);

    http_pace_init(&p, 4, 0, 0);
    assert_int_equal(http_pace_room(&p, 0), 4);
    assert_int_equal(http_pace_failed(&p, HTTP_PACE_DOWN, 0, 100, 350, 0), 100);
    assert_int_equal(http_pace_failed(&p, HTTP_PACE_DOWN, 0, 100, 350, 50), 50);
    http_pace_succeeded(&p, 60);
    assert_int_equal(http_pace_room(&p, 99), 0);
    assert_int_equal(http_pace_room(&p, 100), 1);
    assert_int_equal(http_pace_failed(&p, HTTP_PACE_DOWN, 0, 100, 350, 100), 200);
    assert_int_equal(http_pace_failed(&p, HTTP_PACE_DOWN, 0, 100, 350, 300), 350);
    assert_int_equal(http_pace_failed(&p, HTTP_PACE_THROTTLED, 5000, 100, 350, 700), 5000);
    http_pace_sent(&p, 6000);
    assert_int_equal(http_pace_room(&p, 6000), 0);
    assert_int_equal(http_pace_due(&p, 6000), INT64_MAX);
    http_pace_ended(&p);
    http_pace_succeeded(&p, 6000);
    assert_int_equal(http_pace_room(&p, 6000), 4);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(documents), cmocka_unit_test(answers), cmocka_unit_test(events),
        cmocka_unit_test(paces)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
