#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "sms_time.h"
#include "sms_window.h"


static int64_t
at(const char *text)
{
    int64_t  us;

    assert_int_equal(sms_time_parse(text, strlen(text), &us), 0);

    return us;
}


static void
opens(sms_window_t w, const char *now, const char *then)
{
    assert_int_equal(sms_window_opens(&w, at(now)), at(then));
}


/* 2027-01-04 is a Monday; the same cases as in t/sql/pace.pg */

static void
window_open(void **state)
{
    sms_window_t  all = { 540, 1260, SMS_WINDOW_DAYS }, monday = { 540, 1260, 1 },
                  week = { 540, 1260, 0x1f }, day = { 0, 1440, 2 };

    (void) state;

    opens(all, "2027-01-04T06:00:00Z", "2027-01-04T06:00:00Z");
    opens(all, "2027-01-04T05:59:59Z", "2027-01-04T06:00:00Z");
    opens(monday, "2027-01-04T17:59:59.9Z", "2027-01-04T17:59:59.9Z");
    opens(week, "2027-01-04T18:00:00Z", "2027-01-05T06:00:00Z");
    opens(week, "2027-01-08T18:00:00Z", "2027-01-11T06:00:00Z");
    opens(monday, "2027-01-04T18:00:00Z", "2027-01-11T06:00:00Z");
    opens(day, "2027-01-04T21:30:00Z", "2027-01-04T21:30:00Z");
}


static void
window_never(void **state)
{
    sms_window_t  w = { 540, 1260, 0 };

    (void) state;

    assert_int_equal(sms_window_opens(&w, at("2027-01-04T06:00:00Z")), -1);
}


/* whatever the time: it is open then, and was not a minute before unless it is now */

static void
window_sound(void **state)
{
    int           day;
    int64_t       us, open;
    uint32_t      minute;
    sms_window_t  w = { 600, 1020, 0x15 };

    (void) state;

    for (us = at("2027-01-01T00:00:00Z"); us < at("2027-01-20T00:00:00Z");
         us += INT64_C(13) * 60 * 1000000)
    {
        open = sms_window_opens(&w, us);
        assert_true(open >= us);
        day = sms_time_weekday(sms_time_local_day(open));
        minute = sms_time_local_minute(open);
        assert_true(day == 1 || day == 3 || day == 5);
        assert_true(minute >= 600 && minute < 1020);
        assert_true(open == us || minute == 600);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(window_open),
        cmocka_unit_test(window_never),
        cmocka_unit_test(window_sound)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
