#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_time.h"

#define S  INT64_C(1000000)


static void
test_parse(void **state)
{
    int      rc;
    size_t   i;
    int64_t  us;

    static const struct {
        const char  *text;
        int          rc;
        int64_t      us;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0, 0 },
        { "1970-01-01t00:00:00z", 0, 0 },
        { "1970-01-01T03:00:00+03:00", 0, 0 },
        { "1969-12-31T18:30:00-05:30", 0, 0 },
        { "1970-01-01T00:00:00-00:00", 0, 0 },
        { "2026-04-22T12:30:00+03:00", 0, 1776850200 * S },
        { "2026-04-22T09:30:00.123Z", 0, 1776850200 * S + 123000 },
        { "2026-04-22T09:30:00.5Z", 0, 1776850200 * S + 500000 },
        { "2026-04-22T09:30:00.123456789Z", 0, 1776850200 * S + 123456 },
        { "2024-02-29T00:00:00Z", 0, 1709164800 * S },
        { "2000-02-29T00:00:00Z", 0, 951782400 * S },
        { "1969-12-31T23:59:59.999999Z", 0, -1 },
        { "9999-12-31T23:59:59.999999Z", 0, SMS_TIME_MAX },
        { "0001-01-01T00:00:00Z", 0, SMS_TIME_MIN },

        { "", -1, 0 },
        { "2026-04-22", -1, 0 },
        { "2026-04-22T12:30:00", -1, 0 },
        { "2026-04-22 12:30:00Z", -1, 0 },
        { "2026-04-22T12:30Z", -1, 0 },
        { "2026-04-22T12:30:00.Z", -1, 0 },
        { "2026-04-22T12:30:00.1234567890Z", -1, 0 },
        { "2026-04-22T12:30:00.123", -1, 0 },
        { "2026-04-22T12:30:00+0300", -1, 0 },
        { "2026-04-22T12:30:00+03", -1, 0 },
        { "2026-04-22T12:30:00+3:00", -1, 0 },
        { "2026-04-22T12:30:00+24:00", -1, 0 },
        { "2026-04-22T12:30:00+03:60", -1, 0 },
        { "2026-04-22T12:30:00ZZ", -1, 0 },
        { "2026-04-22T12:30:00Z ", -1, 0 },
        { " 2026-04-22T12:30:00Z", -1, 0 },
        { "2026-04-22T24:00:00Z", -1, 0 },
        { "2026-04-22T12:60:00Z", -1, 0 },
        { "2026-04-22T23:59:60Z", -1, 0 },
        { "2026-00-22T12:30:00Z", -1, 0 },
        { "2026-13-22T12:30:00Z", -1, 0 },
        { "2026-04-00T12:30:00Z", -1, 0 },
        { "2026-04-31T12:30:00Z", -1, 0 },
        { "2025-02-29T12:30:00Z", -1, 0 },
        { "1900-02-29T12:30:00Z", -1, 0 },
        { "0000-01-01T12:30:00Z", -1, 0 },
        { "0001-01-01T00:00:00+00:01", -1, 0 },
        { "9999-12-31T23:59:59-00:01", -1, 0 },
        { "+026-04-22T12:30:00Z", -1, 0 },
        { "2026-4-22T12:30:00Z", -1, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        us = 0;
        rc = sms_time_parse(rows[i].text, strlen(rows[i].text), &us);

        if (rc != rows[i].rc || us != rows[i].us) {
            fail_msg("\"%s\": %d %lld", rows[i].text, rc, (long long) us);
        }
    }
}


static void
test_print(void **state)
{
    char    out[24];
    size_t  i;

    static const struct {
        int64_t      us;
        const char  *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 1776850200 * S + 123999, "2026-04-22T09:30:00.123Z" },
        { SMS_TIME_MAX, "9999-12-31T23:59:59.999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
        { SMS_TIME_MIN, "0001-01-01T00:00:00.000Z" },
        { INT64_MIN, "0001-01-01T00:00:00.000Z" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sms_time_print(rows[i].us, out);
        assert_memory_equal(out, rows[i].text, 24);
    }
}


static void
test_local(void **state)
{
    char     out[19];
    int32_t  day;
    int64_t  us;

    (void) state;

    assert_int_equal(sms_time_local_parse("2026-04-22 12:30:00", 19, &us), 0);
    assert_true(us == 1776850200 * S);
    sms_time_local_print(us + 999999, out);
    assert_memory_equal(out, "2026-04-22 12:30:00", 19);

    assert_int_equal(sms_time_local_parse("2026-04-22T12:30:00", 19, &us), -1);
    assert_int_equal(sms_time_local_parse("2026-04-22 12:30:00Z", 20, &us), -1);
    assert_int_equal(sms_time_local_parse("2026-04-22 12:30", 16, &us), -1);
    assert_int_equal(sms_time_local_parse("2026-04-31 12:30:00", 19, &us), -1);
    assert_int_equal(sms_time_local_parse("0001-01-01 00:00:00", 19, &us), -1);

    /* the local day begins at 21:00 UTC */
    assert_int_equal(sms_time_day(2026, 4, 22, &day), 0);
    assert_int_equal(sms_time_parse("2026-04-21T20:59:59Z", 20, &us), 0);
    assert_int_equal(sms_time_local_day(us), day - 1);
    assert_int_equal(sms_time_local_minute(us), 1439);
    assert_int_equal(sms_time_parse("2026-04-21T21:00:00Z", 20, &us), 0);
    assert_int_equal(sms_time_local_day(us), day);
    assert_int_equal(sms_time_local_minute(us), 0);
    assert_true(sms_time_day_begin(day) == us);
    assert_int_equal(sms_time_local_minute(us + 9 * 3600 * S), 540);

    sms_time_local_print(INT64_MAX, out);
    assert_memory_equal(out, "9999-12-31 23:59:59", 19);
    sms_time_local_print(INT64_MIN, out);
    assert_memory_equal(out, "0001-01-01 03:00:00", 19);
}


/* every day of 0001 .. 9999, one after the other */
static void
test_calendar(void **state)
{
    int      year, month, mday, y, m, d, weekday, last;
    int32_t  day, got;

    static const int  days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31 };

    (void) state;

    assert_int_equal(sms_time_day(1, 1, 1, &day), 0);
    assert_int_equal(day, -719162);
    assert_int_equal(sms_time_day(1970, 1, 1, &got), 0);
    assert_int_equal(got, 0);
    assert_int_equal(sms_time_weekday(0), 4);
    weekday = sms_time_weekday(day);
    assert_int_equal(weekday, 1);

    for (year = 1; year <= 9999; year++) {
        for (month = 1; month <= 12; month++) {
            last = days[month - 1];

            if (month == 2 && (year % 400 == 0
                               || (year % 4 == 0 && year % 100 != 0)))
            {
                last = 29;
            }

            for (mday = 1; mday <= last; mday++, day++) {
                assert_int_equal(sms_time_day(year, month, mday, &got), 0);
                assert_int_equal(got, day);
                sms_time_date(day, &y, &m, &d);
                assert_true(y == year && m == month && d == mday);
                assert_int_equal(sms_time_weekday(day), weekday);
                weekday = weekday % 7 + 1;
            }

            assert_int_equal(sms_time_day(year, month, last + 1, &got), -1);
        }
    }

    assert_int_equal(sms_time_day(0, 1, 1, &got), -1);
    assert_int_equal(sms_time_day(10000, 1, 1, &got), -1);
    assert_int_equal(sms_time_day(2026, 0, 1, &got), -1);
    assert_int_equal(sms_time_day(2026, 13, 1, &got), -1);
    assert_int_equal(sms_time_day(2026, 1, 0, &got), -1);
}


static void
test_holidays(void **state)
{
    size_t   i;
    int32_t  day;

    static const struct {
        int  year, month, mday, holiday, business;
    } rows[] = {
        { 2026, 1, 1, 1, 0 }, { 2026, 4, 23, 1, 0 }, { 2026, 5, 1, 1, 0 },
        { 2026, 5, 19, 1, 0 }, { 2026, 7, 15, 1, 0 }, { 2026, 8, 30, 1, 0 },
        { 2026, 10, 29, 1, 0 },
        { 2026, 10, 28, 0, 1 },         /* half days are business days    */
        { 2026, 3, 19, 0, 1 }, { 2026, 3, 20, 1, 0 }, { 2026, 3, 22, 1, 0 },
        { 2026, 3, 23, 0, 1 },
        { 2026, 5, 26, 0, 1 }, { 2026, 5, 27, 1, 0 }, { 2026, 5, 30, 1, 0 },
        { 2026, 5, 31, 0, 0 },
        { 2027, 3, 8, 0, 1 }, { 2027, 3, 9, 1, 0 }, { 2027, 3, 11, 1, 0 },
        { 2027, 3, 12, 0, 1 },
        { 2027, 5, 15, 0, 0 }, { 2027, 5, 16, 1, 0 }, { 2027, 5, 19, 1, 0 },
        { 2027, 5, 20, 0, 1 },
        { 2016, 7, 15, 0, 1 }, { 2017, 7, 15, 1, 0 },
        { 2026, 6, 15, 0, 1 }, { 2026, 6, 13, 0, 0 }, { 2026, 6, 14, 0, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_time_day(rows[i].year, rows[i].month,
                                      rows[i].mday, &day), 0);

        if (sms_time_holiday(day) != rows[i].holiday
            || sms_time_business_day(day) != rows[i].business)
        {
            fail_msg("%d-%d-%d", rows[i].year, rows[i].month, rows[i].mday);
        }
    }

    assert_true(sms_time_holidays_known(2026));
    assert_true(sms_time_holidays_known(2027));
    assert_false(sms_time_holidays_known(2023));
    assert_false(sms_time_holidays_known(2099));
}


/* three business days, day of receipt excluded, end of the day */
static void
test_deadline(void **state)
{
    char     out[19];
    size_t   i;
    int64_t  from, end;

    static const struct {
        const char  *from;
        unsigned     n;
        const char  *end;
    } rows[] = {
        { "2026-06-15 10:00:00", 3, "2026-06-18 23:59:59" },  /* Mon: Thu */
        { "2026-06-19 10:00:00", 3, "2026-06-24 23:59:59" },  /* Fri: Wed */
        { "2026-04-22 10:00:00", 3, "2026-04-28 23:59:59" },  /* 23 April */
        { "2026-06-15 00:00:00", 3, "2026-06-18 23:59:59" },
        { "2026-06-15 23:59:59", 3, "2026-06-18 23:59:59" },
        { "2026-06-20 12:00:00", 3, "2026-06-24 23:59:59" },  /* Saturday */
        { "2026-06-21 12:00:00", 3, "2026-06-24 23:59:59" },  /* Sunday   */
        { "2026-10-27 12:00:00", 3, "2026-11-02 23:59:59" },  /* 28 half  */
        { "2026-05-25 12:00:00", 3, "2026-06-02 23:59:59" },  /* Kurban   */
        { "2026-12-31 12:00:00", 1, "2027-01-04 23:59:59" },
        { "2026-06-15 12:00:00", 0, "2026-06-15 23:59:59" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(sms_time_local_parse(rows[i].from, 19, &from), 0);
        end = sms_time_deadline(from, rows[i].n);

        sms_time_local_print(end, out);
        assert_memory_equal(out, rows[i].end, 19);

        /* the last microsecond of that day */
        assert_int_equal(sms_time_local_day(end) + 1,
                         sms_time_local_day(end + 1));

        assert_int_equal(sms_time_business_days(from, end), rows[i].n);
        assert_int_equal(sms_time_business_days(from, end + 1) >= (int)
                         rows[i].n, 1);
    }

    assert_int_equal(sms_time_business_days(10 * 86400 * S, 0), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_holidays),
        cmocka_unit_test(test_deadline),
    };

    return cmocka_run_group_tests_name("sms_time", tests, NULL, NULL);
}
