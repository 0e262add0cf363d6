#include "sms_time.h"

#include <string.h>


#define SMS_TIME_SECOND  INT64_C(1000000)
#define SMS_TIME_DAY     (INT64_C(86400) * SMS_TIME_SECOND)
#define SMS_TIME_OFFSET  (INT64_C(3) * 3600 * SMS_TIME_SECOND)


typedef struct {
    int16_t  year;              /* fixed holidays: the first year         */
    uint8_t  month, mday, days;
} sms_time_holiday_t;


static const sms_time_holiday_t  sms_time_fixed[] = {
#define SMS_HOLIDAY_FIXED(month, day, since)  { since, month, day, 1 },
#include "sms_holiday.def"
};


static const sms_time_holiday_t  sms_time_moving[] = {
#define SMS_HOLIDAY(year, month, day, days)  { year, month, day, days },
#include "sms_holiday.def"
};


static int64_t
sms_time_floor(int64_t v, int64_t unit)
{
    return v / unit - (v % unit < 0);
}


static int
sms_time_month_days(int year, int month)
{
    static const uint8_t  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        return 29;
    }

    return days[month - 1];
}


int
sms_time_day(int year, int month, int mday, int32_t *day)
{
    int  y, era, yoe, doy, doe;

    if (year < 1 || year > 9999 || month < 1 || month > 12 || mday < 1
        || mday > sms_time_month_days(year, month))
    {
        return -1;
    }

    /* years begin in March, so that the leap day is the last of a year */

    y = year - (month <= 2);
    era = y / 400;
    yoe = y - era * 400;
    doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;
    doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    *day = era * 146097 + doe - 719468;

    return 0;
}


void
sms_time_date(int32_t day, int *year, int *month, int *mday)
{
    int      era, doe, yoe, doy, mp;
    int64_t  z;

    z = (int64_t) day + 719468;
    era = (int) sms_time_floor(z, 146097);
    doe = (int) (z - (int64_t) era * 146097);
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;

    *mday = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}


/* n digits at *p, which moves behind them; -1 when there are not as many */
static int
sms_time_number(const char **p, const char *end, int n)
{
    int  v;

    if (end - *p < n) {
        return -1;
    }

    for (v = 0; n > 0; n--, (*p)++) {

        if (**p < '0' || **p > '9') {
            return -1;
        }

        v = v * 10 + (**p - '0');
    }

    return v;
}


static int
sms_time_char(const char **p, const char *end, char a, char b)
{
    if (*p == end || (**p != a && **p != b)) {
        return -1;
    }

    (*p)++;

    return 0;
}


/* YYYY-MM-DD, one of two separators, HH:MM:SS; the offset is not applied */
static int
sms_time_read(const char **p, const char *end, char a, char b, int64_t *us)
{
    int      year, month, mday, hour, minute, second;
    int32_t  day;

    year = sms_time_number(p, end, 4);
    if (year < 0 || sms_time_char(p, end, '-', '-') != 0) {
        return -1;
    }

    month = sms_time_number(p, end, 2);
    if (month < 0 || sms_time_char(p, end, '-', '-') != 0) {
        return -1;
    }

    mday = sms_time_number(p, end, 2);
    if (mday < 0 || sms_time_char(p, end, a, b) != 0) {
        return -1;
    }

    hour = sms_time_number(p, end, 2);
    if (hour < 0 || hour > 23 || sms_time_char(p, end, ':', ':') != 0) {
        return -1;
    }

    minute = sms_time_number(p, end, 2);
    if (minute < 0 || minute > 59 || sms_time_char(p, end, ':', ':') != 0) {
        return -1;
    }

    second = sms_time_number(p, end, 2);
    if (second < 0 || second > 59
        || sms_time_day(year, month, mday, &day) != 0)
    {
        return -1;
    }

    *us = day * SMS_TIME_DAY
          + (hour * 3600 + minute * 60 + second) * SMS_TIME_SECOND;

    return 0;
}


int
sms_time_parse(const char *p, size_t n, int64_t *us)
{
    int          hour, minute, sign, digits;
    int64_t      t, fraction, unit;
    const char  *end;

    end = p + n;

    if (sms_time_read(&p, end, 'T', 't', &t) != 0) {
        return -1;
    }

    fraction = 0;

    if (p < end && *p == '.') {
        p++;
        unit = SMS_TIME_SECOND / 10;

        for (digits = 0; p < end && *p >= '0' && *p <= '9'; digits++, p++) {
            fraction += (*p - '0') * unit;
            unit /= 10;
        }

        if (digits == 0 || digits > 9) {
            return -1;
        }
    }

    if (p == end) {
        return -1;
    }

    sign = 0;

    if (*p == '+') {
        sign = 1;

    } else if (*p == '-') {
        sign = -1;

    } else if (*p != 'Z' && *p != 'z') {
        return -1;
    }

    p++;

    if (sign) {
        hour = sms_time_number(&p, end, 2);
        if (hour < 0 || hour > 23 || sms_time_char(&p, end, ':', ':') != 0) {
            return -1;
        }

        minute = sms_time_number(&p, end, 2);
        if (minute < 0 || minute > 59) {
            return -1;
        }

        t -= sign * (hour * 3600 + minute * 60) * SMS_TIME_SECOND;
    }

    if (p != end) {
        return -1;
    }

    t += fraction;

    if (t < SMS_TIME_MIN || t > SMS_TIME_MAX) {
        return -1;
    }

    *us = t;

    return 0;
}


static void
sms_time_put(char *out, int v, int n)
{
    while (n > 0) {
        out[--n] = (char) ('0' + v % 10);
        v /= 10;
    }
}


/* YYYY-MM-DD?HH:MM:SS, 19 characters */
static void
sms_time_write(int64_t us, char separator, char *out)
{
    int      year, month, mday, s;
    int32_t  day;

    day = (int32_t) sms_time_floor(us, SMS_TIME_DAY);
    s = (int) ((us - day * SMS_TIME_DAY) / SMS_TIME_SECOND);

    sms_time_date(day, &year, &month, &mday);

    sms_time_put(out, year, 4);
    out[4] = '-';
    sms_time_put(out + 5, month, 2);
    out[7] = '-';
    sms_time_put(out + 8, mday, 2);
    out[10] = separator;
    sms_time_put(out + 11, s / 3600, 2);
    out[13] = ':';
    sms_time_put(out + 14, s / 60 % 60, 2);
    out[16] = ':';
    sms_time_put(out + 17, s % 60, 2);
}


static int64_t
sms_time_clamp(int64_t us)
{
    if (us < SMS_TIME_MIN) {
        return SMS_TIME_MIN;
    }

    return us > SMS_TIME_MAX ? SMS_TIME_MAX : us;
}


void
sms_time_print(int64_t us, char out[SMS_TIME_TEXT_LEN])
{
    int64_t  s;

    us = sms_time_clamp(us);
    s = sms_time_floor(us, SMS_TIME_SECOND);

    sms_time_write(us, 'T', out);
    out[19] = '.';
    sms_time_put(out + 20, (int) ((us - s * SMS_TIME_SECOND) / 1000), 3);
    out[23] = 'Z';
}


int
sms_time_local_parse(const char *p, size_t n, int64_t *us)
{
    int64_t      t;
    const char  *end;

    end = p + n;

    if (sms_time_read(&p, end, ' ', ' ', &t) != 0 || p != end) {
        return -1;
    }

    t -= SMS_TIME_OFFSET;

    if (t < SMS_TIME_MIN) {
        return -1;
    }

    *us = t;

    return 0;
}


void
sms_time_local_print(int64_t us, char out[SMS_TIME_LOCAL_LEN])
{
    sms_time_write(sms_time_clamp(sms_time_clamp(us) + SMS_TIME_OFFSET), ' ',
                   out);
}


int32_t
sms_time_local_day(int64_t us)
{
    return (int32_t) sms_time_floor(sms_time_clamp(us) + SMS_TIME_OFFSET,
                                    SMS_TIME_DAY);
}


uint32_t
sms_time_local_minute(int64_t us)
{
    us = sms_time_clamp(us);

    return (uint32_t) ((us - sms_time_day_begin(sms_time_local_day(us)))
                       / (60 * SMS_TIME_SECOND));
}


int64_t
sms_time_day_begin(int32_t day)
{
    return day * SMS_TIME_DAY - SMS_TIME_OFFSET;
}


int
sms_time_weekday(int32_t day)
{
    int64_t  v;

    /* 1970-01-01 was a Thursday */
    v = (int64_t) day + 3;

    return (int) (v - 7 * sms_time_floor(v, 7)) + 1;
}


int
sms_time_holiday(int32_t day)
{
    int      year, month, mday;
    size_t   i;
    int32_t  first;

    sms_time_date(day, &year, &month, &mday);

    for (i = 0; i < sizeof(sms_time_fixed) / sizeof(sms_time_fixed[0]); i++) {
        if (month == sms_time_fixed[i].month && mday == sms_time_fixed[i].mday
            && year >= sms_time_fixed[i].year)
        {
            return 1;
        }
    }

    for (i = 0; i < sizeof(sms_time_moving) / sizeof(sms_time_moving[0]); i++) {

        if (sms_time_moving[i].year != year) {
            continue;
        }

        if (sms_time_day(year, sms_time_moving[i].month,
                         sms_time_moving[i].mday, &first) == 0
            && day >= first && day < first + sms_time_moving[i].days)
        {
            return 1;
        }
    }

    return 0;
}


int
sms_time_business_day(int32_t day)
{
    return sms_time_weekday(day) <= 5 && !sms_time_holiday(day);
}


int
sms_time_holidays_known(int year)
{
    size_t  i;

    for (i = 0; i < sizeof(sms_time_moving) / sizeof(sms_time_moving[0]); i++) {
        if (sms_time_moving[i].year == year) {
            return 1;
        }
    }

    return 0;
}


int64_t
sms_time_deadline(int64_t us, unsigned n)
{
    int32_t  day;

    day = sms_time_local_day(us);

    if (n > 1000) {
        n = 1000;
    }

    while (n > 0) {
        if (sms_time_business_day(++day)) {
            n--;
        }
    }

    return sms_time_day_begin(day + 1) - 1;
}


int32_t
sms_time_business_days(int64_t from, int64_t to)
{
    int32_t  day, last, count;

    day = sms_time_local_day(from);
    last = sms_time_local_day(to);
    count = 0;

    while (day < last) {
        count += sms_time_business_day(++day);
    }

    return count;
}
