#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_url.h"


static void
test_found(void **state)
{
    size_t  i, begin, len;

    static const struct { const char *text, *url; }  rows[] = {
        { "https://ornek.com.tr/k", "https://ornek.com.tr/k" },
        { "Bkz: HTTP://1.2.3.4/x y", "HTTP://1.2.3.4/x" },
        { "Bilgi: www.ornek.firma.", "www.ornek.firma." },
        { "indirim ornek.com.tr de", "ornek.com.tr" },
        { "Tıkla: bit.ly/3xYz", "bit.ly/3xYz" },
        { "s.id/abc", "s.id/abc" },
        { "Mağaza: ŞEKER.COM", "ŞEKER.COM" },
        { "(ornek.app)", "ornek.app)" },
        { "ornek.com", "ornek.com" },
        { "x@y.com ornek.net", "ornek.net" }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_url_find(rows[i].text, strlen(rows[i].text), &begin, &len), 1);
        assert_int_equal(len, strlen(rows[i].url));
        assert_memory_equal(rows[i].text + begin, rows[i].url, len);
    }
}


static void
test_none(void **state)
{
    size_t  i, begin, len;

    static const char *const  rows[] = {
        "", ".", "..", "a.", ".com", "..com", "Siparişiniz yola çıktı.",
        "Geldi.Tamam", "02.05.2026 saat 14.30", "1.250,50 TL", "destek@ornek.com.tr",
        "ve/veya", "http://", "ftp://x", "Prof.Dr. Yılmaz", "a...com", "http:// x",
        "kod:12.tr5"
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (sms_url_find(rows[i], strlen(rows[i]), &begin, &len)) {
            fail_msg("\"%s\" has an address at %zu", rows[i], begin);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_none)
    };

    return cmocka_run_group_tests_name("sms_url", tests, NULL, NULL);
}
