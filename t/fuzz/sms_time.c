/* Points in time: what parses prints as the same point. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_time.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          year, month, mday;
    char         out[24], local[19];
    int32_t      day;
    int64_t      us, back, raw, end;
    const char  *p;

    p = (const char *) data;

    if (sms_time_parse(p, size, &us) == 0) {
        ENSURE(us >= SMS_TIME_MIN && us <= SMS_TIME_MAX);
        sms_time_print(us, out);
        ENSURE(sms_time_parse(out, 24, &back) == 0);
        ENSURE(back <= us && us - back < 1000);
    }

    if (sms_time_local_parse(p, size, &us) == 0) {
        sms_time_local_print(us, local);
        ENSURE(size == 19 && memcmp(local, p, 19) == 0);
    }

    if (size < 8) {
        return 0;
    }

    memcpy(&raw, data, 8);
    sms_time_print(raw, out);
    ENSURE(sms_time_parse(out, 24, &back) == 0);
    sms_time_local_print(raw, local);
    ENSURE(sms_time_local_minute(raw) < 1440);

    day = (int32_t) raw % 4000000;
    sms_time_date(day, &year, &month, &mday);

    if (year >= 1 && year <= 9999) {
        ENSURE(sms_time_day(year, month, mday, &day) == 0);
        ENSURE(day == (int32_t) raw % 4000000);
        end = sms_time_deadline(sms_time_day_begin(day), data[0] % 8);
        ENSURE(end >= sms_time_day_begin(day));
        ENSURE(sms_time_business_days(sms_time_day_begin(day), end)
               == data[0] % 8);
    }

    return 0;
}
