/* libs: -lexpat -lpcre2-8 */

/*
 * Templates of operator/http: values stay in their places, and what could not be
 * written safely is refused with its name and place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../plugins/operator/http/http_conf.h"
#include "../../plugins/operator/http/http_escape.c"
#include "../../plugins/operator/http/http_message.c"
#include "../../plugins/operator/http/http_template.c"


static sms_brand_t     brand;
static sms_msg_t       msg;
static http_conf_t     conf;
static char            err[1024];


static sms_str_t
str(const char *s)
{
    return (sms_str_t) { s, strlen(s) };
}


static int
setup(void **state)
{
    (void) state;

    memset(&conf, 0, sizeof(conf));
    conf.username = str("u:1");
    conf.password = str("p\"&");
    brand.iys_code = 100200;
    brand.name = str("Örnek & Oğulları");
    msg.brand = &brand;
    msg.to = str("905321234567");
    msg.from = str("ORNEK");
    msg.text = str("a\"b\\c\n<d> & ğ😀\r\nX: y");
    msg.klass = SMS_CLASS_COMMERCIAL;
    msg.recipient_type = SMS_RECIPIENT_TACIR;
    msg.encoding = SMS_ENC_UCS2;
    msg.parts = 3;
    msg.expires_us = 3600000000;
    memset(msg.id, 0x0a, sizeof(msg.id));

    return 0;
}


/* the rendered text, or what is wrong */
static const char *
render(http_place_t place, const char *text)
{
    static char  out[4096];

    http_text_t      t;
    http_message_t   m;
    http_template_t  tpl;

    if (http_template_compile(&tpl, str(text), place, "key", err, sizeof(err)) != SMS_OK) {
        return err;
    }

    memset(&t, 0, sizeof(t));
    memset(&m, 0, sizeof(m));
    m.conf = &conf;
    m.msg = &msg;
    http_template_render(&tpl, http_message_value, &m, &t);
    assert_false(t.failed || m.scratch.failed);
    snprintf(out, sizeof(out), "%.*s", (int) t.len, t.p ? t.p : "");
    http_text_free(&t);
    http_text_free(&m.scratch);

    return out;
}


static void
escaped_by_place(void **state)
{
    (void) state;

    assert_string_equal(render(HTTP_PLACE_JSON,
        "{\"t\":\"$text\",\"n\":$parts,\"i\":${iys_code}}"),
        "{\"t\":\"a\\\"b\\\\c\\u000a<d> & ğ😀\\u000d\\u000aX: y\",\"n\":3,\"i\":100200}");
    assert_string_equal(render(HTTP_PLACE_XML, "<a b='$sender'>$text</a>"),
        "<a b='ORNEK'>a&quot;b\\c&#10;&lt;d&gt; &amp; ğ😀&#13;&#10;X: y</a>");
    assert_string_equal(render(HTTP_PLACE_FORM, "m=$text&n=$to_local"),
        "m=a%22b%5Cc%0A%3Cd%3E%20%26%20%C4%9F%F0%9F%98%80%0D%0AX%3A%20y&n=5321234567");
    assert_string_equal(render(HTTP_PLACE_HEADER, "x $text"),
                        "x a\"b\\c <d> & ğ😀  X: y");
    assert_string_equal(render(HTTP_PLACE_URL, "https://a.example/s?b=$brand&c=$$1"),
        "https://a.example/s?b=%C3%96rnek%20%26%20O%C4%9Fullar%C4%B1&c=$1");
    msg.text = str("a\xff" "b\x01");
    assert_string_equal(render(HTTP_PLACE_XML, "<a>$text</a>"),
        "<a>a\xEF\xBF\xBD" "b\xEF\xBF\xBD</a>");
    assert_string_equal(render(HTTP_PLACE_JSON, "\"$text\""), "\"a\xEF\xBF\xBD" "b\\u0001\"");
    assert_string_equal(render(HTTP_PLACE_JSON, "[$brand_code,\"$brand_code\"]"), "[0,\"\"]");
}


static void
values(void **state)
{
    http_choice_t  *c = &conf.choices[0];

    (void) state;

    assert_string_equal(render(HTTP_PLACE_FORM, "$basic_auth"), "dToxOnAiJg%3D%3D");
    assert_string_equal(render(HTTP_PLACE_FORM, "$message_id"),
                        "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a");
    msg.text = str("ğ😀");
    assert_string_equal(render(HTTP_PLACE_FORM, "$text_ucs2"), "011FD83DDE00");
    assert_string_equal(render(HTTP_PLACE_FORM, "$validity $class $recipient_type $encoding"),
                        "60 commercial TACIR ucs2");
    assert_true(http_choice_parse(str("class:commercial=T=1"), c));
    conf.nchoices = 1;
    assert_string_equal(render(HTTP_PLACE_FORM, "$class"), "T%3D1");
    assert_false(http_choice_parse(str("class:nothing=1"), c));
    assert_false(http_choice_parse(str("text:otp=1"), c));
    assert_false(http_choice_parse(str("class"), c));
}


static void
refused(void **state)
{
    static const struct {
        http_place_t  place;
        const char   *text, *says;
    } bad[] = {
        { HTTP_PLACE_FORM, "a=$nope", "character 3: unknown variable \"$nope\"" },
        { HTTP_PLACE_FORM, "a=${to", "no \"}\"" },
        { HTTP_PLACE_FORM, "a=$", "unknown variable" },
        { HTTP_PLACE_JSON, "{\"a\":$text}", "outside of a string" },
        { HTTP_PLACE_JSON, "{\"a\":\"\\\"\",\"b\":$text}", "outside of a string" },
        { HTTP_PLACE_JSON, "\"\\$to\"", "inside an escape" },
        { HTTP_PLACE_JSON, "\"\\u00$to\"", "inside an escape" },
        { HTTP_PLACE_XML, "<$text/>", "neither in text" },
        { HTTP_PLACE_XML, "<a b=$to>", "neither in text" },
        { HTTP_PLACE_XML, "<![CDATA[$text]]>", "neither in text" },
        { HTTP_PLACE_XML, "<!-- > $text -->", "neither in text" },
        { HTTP_PLACE_URL, "https://$sender/", "before the path" },
        { HTTP_PLACE_URL, "https://a/ b", "cannot stand here" },
        { HTTP_PLACE_HEADER, "a\r\nb: $to", "cannot stand here" }
    };

    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err[0] = '\0';
        assert_non_null(strstr(render(bad[i].place, bad[i].text), bad[i].says));
        assert_non_null(strstr(err, "key"));
    }

    assert_string_equal(render(HTTP_PLACE_XML, "<a><!-- x --><b c=\"$to\"/>$parts</a>"),
                        "<a><!-- x --><b c=\"905321234567\"/>3</a>");
}


static void
bounded(void **state)
{
    static char  big[200000];

    http_text_t  t;

    (void) state;

    memset(big, '"', sizeof(big));
    memset(&t, 0, sizeof(t));
    http_text_escape(&t, HTTP_ESCAPE_JSON, (sms_str_t) { big, sizeof(big) });
    assert_true(t.failed);
    http_text_free(&t);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(escaped_by_place, setup),
        cmocka_unit_test_setup(values, setup),
        cmocka_unit_test_setup(refused, setup),
        cmocka_unit_test_setup(bounded, setup)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
