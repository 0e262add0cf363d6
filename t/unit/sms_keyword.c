#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_keyword.h"


static void
test_parse(void **state)
{
    size_t         i;
    sms_keyword_t  k;

    static const struct {
        const char  *text;
        int          kind;
        const char  *keyword;
    } rows[] = {
        { "RET", SMS_KEYWORD_RET, "" },
        { "ret", SMS_KEYWORD_RET, "" },
        { " Ret. ", SMS_KEYWORD_RET, "" },
        { "R.E.T", SMS_KEYWORD_RET, "" },
        { "r.e.t.", SMS_KEYWORD_RET, "" },
        { "R E T", SMS_KEYWORD_RET, "" },
        { "\"RET\"", SMS_KEYWORD_RET, "" },
        { "\uFF32\uFF25\uFF34", SMS_KEYWORD_RET, "" },
        { "İPTAL", SMS_KEYWORD_RET, "" },
        { "iptal", SMS_KEYWORD_RET, "" },
        { "ıptal", SMS_KEYWORD_RET, "" },
        { "IPTAL", SMS_KEYWORD_RET, "" },
        { "i\u0307ptal", SMS_KEYWORD_RET, "" },
        { "İ P T A L", SMS_KEYWORD_RET, "" },
        { "hayır", SMS_KEYWORD_RET, "" },
        { "Dur!", SMS_KEYWORD_RET, "" },
        { "stop", SMS_KEYWORD_RET, "" },
        { "MARKA RET", SMS_KEYWORD_RET, "MARKA" },
        { "marka   ret", SMS_KEYWORD_RET, "MARKA" },
        { "RET MARKA", SMS_KEYWORD_RET, "MARKA" },
        { "ORNEK.RET", SMS_KEYWORD_RET, "ORNEK" },
        { "ORNEK-RET", SMS_KEYWORD_RET, "ORNEK" },
        { "Örnek\nret\n", SMS_KEYWORD_RET, "ORNEK" },
        { "EMARKA RET", SMS_KEYWORD_RET, "EMARKA" },
        { "A RET", SMS_KEYWORD_RET, "A" },
        { "A R E T", SMS_KEYWORD_RET, "A" },
        { "X R.E.T Y", SMS_KEYWORD_RET, "X Y" },
        { "örnek mağaza iptal lütfen", SMS_KEYWORD_RET, "ORNEK MAGAZA LUTFEN" },
        { "artık istemiyorum", SMS_KEYWORD_RET, "ARTIK" },
        { "RET1", SMS_KEYWORD_RET, "" },
        { "4605RET", SMS_KEYWORD_RET, "" },
        { "örnek ret 4605", SMS_KEYWORD_RET, "ORNEK 4605" },
        { "«ÖRNEK RET»", SMS_KEYWORD_RET, "ORNEK" },
        { "(örnek) ret!!!", SMS_KEYWORD_RET, "ORNEK" },
        { "ÖRNEK/RET", SMS_KEYWORD_RET, "ORNEK" },
        { "ret ret ret", SMS_KEYWORD_RET, "" },
        { "Örnek mağazadan artık mesaj almak istemiyorum, iptal edin", SMS_KEYWORD_RET,
          "ORNEK MAGAZADAN ARTIK MESAJ ALMAK EDIN" },
        { "ÖRNEK rét", SMS_KEYWORD_RET, "ORNEK" },
        { "1234", SMS_KEYWORD_OTHER, "1234" },
        { "R3T", SMS_KEYWORD_OTHER, "R3T" },
        { "ONAY", SMS_KEYWORD_ONAY, "" },
        { "örnek onay", SMS_KEYWORD_ONAY, "ORNEK" },
        { "Evet", SMS_KEYWORD_ONAY, "" },
        { "onay iptal", SMS_KEYWORD_RET, "" },
        { "iptal onay", SMS_KEYWORD_RET, "" },
        { "ORNEK", SMS_KEYWORD_OTHER, "ORNEK" },
        { "ücret", SMS_KEYWORD_OTHER, "UCRET" },
        { "ürettik", SMS_KEYWORD_OTHER, "URETTIK" },
        { "retro", SMS_KEYWORD_OTHER, "RETRO" },
        { "A.Ş.", SMS_KEYWORD_OTHER, "AS" },
        { "", SMS_KEYWORD_OTHER, "" },
        { " ... ", SMS_KEYWORD_OTHER, "" },
        { "\xFF\xFF", SMS_KEYWORD_OTHER, "" },
        { "жук ret", SMS_KEYWORD_RET, "жук" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sms_keyword_parse(rows[i].text, strlen(rows[i].text), &k);

        if (k.kind != rows[i].kind || strcmp(k.keyword, rows[i].keyword) != 0) {
            fail_msg("\"%s\": kind %d, \"%s\"", rows[i].text, k.kind,
                     k.keyword);
        }

        assert_int_equal(k.len, strlen(k.keyword));
    }
}


/* a refusal behind a long story counts, and no cut makes one */
static void
test_long(void **state)
{
    char           text[4096];
    size_t         i, n;
    sms_keyword_t  k;

    (void) state;

    for (n = 0; n + 6 < 3000; n += 6) {
        memcpy(text + n, "UCRET ", 6);
    }

    for (i = 0; i < 6; i++) {
        memset(text, 'x', i);
        sms_keyword_parse(text, n, &k);
        assert_int_equal(k.kind, SMS_KEYWORD_OTHER);
        assert_true(k.len <= SMS_KEYWORD_TEXT_MAX);
    }

    memcpy(text + n, "ret", 3);
    sms_keyword_parse(text, n + 3, &k);
    assert_int_equal(k.kind, SMS_KEYWORD_RET);

    memset(text, 'x', sizeof(text));
    sms_keyword_parse(text, sizeof(text), &k);
    assert_int_equal(k.kind, SMS_KEYWORD_OTHER);
    assert_int_equal(k.len, SMS_KEYWORD_TEXT_MAX);
}


static void
test_names(void **state)
{
    size_t         i;
    sms_keyword_t  k;

    static const struct {
        const char  *text, *brand;
        int          names;
    } rows[] = {
        { "ORNEK RET", "ORNEK", 1 },
        { "örnek ret", "Örnek", 1 },
        { "ret lütfen örnek mağaza", "ORNEK MAGAZA", 1 },
        { "örnekmağaza ret", "Örnek Mağaza", 1 },
        { "örnek mağaza ret", "ORNEKMAGAZA", 1 },
        { "ORNEK RET", "ORNEK MAGAZA", 0 },
        { "ORNEKLER RET", "ORNEK", 0 },
        { "BIRORNEK RET", "ORNEK", 0 },
        { "MAGAZA ORNEK RET", "ORNEK MAGAZA", 0 },
        { "RET", "ORNEK", 0 },
        { "RET", "", 0 },
        { "ORNEK RET", "", 0 },
        { "A.Ş. ret", "A.Ş.", 1 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sms_keyword_parse(rows[i].text, strlen(rows[i].text), &k);

        if (sms_keyword_names(&k, rows[i].brand, strlen(rows[i].brand))
            != rows[i].names)
        {
            fail_msg("\"%s\" and \"%s\"", rows[i].text, rows[i].brand);
        }
    }
}


static void
test_reserved(void **state)
{
    size_t  i;

    static const char  *const words[] = {
        "RET", "IPTAL", "İPTAL", "ONAY", "EVET", "HAYIR", "DUR", "STOP", "ret",
        "hayır", " İptal ", "R.E.T"
    };

    static const char  *const free_words[] = {
        "ORNEK", "RETRO", "RET ORNEK", "", "ORNEK RET"
    };

    (void) state;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_true(sms_keyword_reserved(words[i], strlen(words[i])));
    }

    for (i = 0; i < sizeof(free_words) / sizeof(free_words[0]); i++) {
        assert_false(sms_keyword_reserved(free_words[i],
                                          strlen(free_words[i])));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reserved),
    };

    return cmocka_run_group_tests_name("sms_keyword", tests, NULL, NULL);
}
