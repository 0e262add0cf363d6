/*
 * sms_time.h - points in time as text, and Turkish business days.
 *
 * A point in time is int64_t microseconds since the Unix epoch, without leap
 * seconds.  Local time is Europe/Istanbul, UTC+3 all year since 2016; earlier
 * dates are computed with the same offset.  Nothing here reads a clock.
 *
 * Business days are Monday to Friday without public holidays (Law 2429);
 * holidays are in sms_holiday.def.  Half days (28 October, eves of the two
 * bayrams) count as business days: of the possible readings that is the
 * stricter one for a deadline.
 */
#ifndef SMS_TIME_H
#define SMS_TIME_H

#include <stddef.h>
#include <stdint.h>


#define SMS_TIME_TEXT_LEN   24          /* 2026-04-22T09:30:00.000Z               */
#define SMS_TIME_LOCAL_LEN  19          /* 2026-04-22 12:30:00                    */
#define SMS_TIME_MAX        INT64_C(253402300799999999)     /* end of 9999        */
#define SMS_TIME_MIN        INT64_C(-62135596800000000)     /* begin of 0001      */


/*
 * RFC 3339 with its mandatory offset: 2026-04-22T12:30:00+03:00, ...Z, 1 to 9
 * digits of a second (what is beyond microseconds is cut off), years 0001 to
 * 9999.  't' and 'z' may be lower case; second 60 is refused.  0, or -1.
 */
int sms_time_parse(const char *p, size_t n, int64_t *us);

/* UTC with milliseconds (rounded down).  Outside MIN .. MAX: the nearest. */
void sms_time_print(int64_t us, char out[SMS_TIME_TEXT_LEN]);

/* Local "YYYY-MM-DD HH:mm:ss", exactly this form (İYS).  0, or -1. */
int sms_time_local_parse(const char *p, size_t n, int64_t *us);
void sms_time_local_print(int64_t us, char out[SMS_TIME_LOCAL_LEN]);

/* Local day (days since 1970-01-01) and minute of the day (0 .. 1439). */
int32_t sms_time_local_day(int64_t us);
uint32_t sms_time_local_minute(int64_t us);

/* First microsecond of a local day. */
int64_t sms_time_day_begin(int32_t day);

/* Gregorian date to day and back; -1 when there is no such date. */
int sms_time_day(int year, int month, int mday, int32_t *day);
void sms_time_date(int32_t day, int *year, int *month, int *mday);

/* 1 .. 7, Monday is 1 */
int sms_time_weekday(int32_t day);

int sms_time_holiday(int32_t day);              /* 1: a full public holiday       */
int sms_time_business_day(int32_t day);

/* 1 when the moving holidays of that year are in the table */
int sms_time_holidays_known(int year);

/*
 * Last microsecond of the n-th business day after the local day of "us"; the
 * day itself does not count (R-22, R-41: n = 3).  n is 0 .. 1000; 0 gives the
 * end of that day itself.
 */
int64_t sms_time_deadline(int64_t us, unsigned n);

/* Business days after the day of "from" up to and with the day of "to". */
int32_t sms_time_business_days(int64_t from, int64_t to);


#endif /* SMS_TIME_H */
