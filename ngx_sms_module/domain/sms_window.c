#include "sms_window.h"

#include "sms_time.h"


#define SMS_WINDOW_MINUTE  INT64_C(60000000)


int64_t
sms_window_opens(const sms_window_t *w, int64_t us)
{
    int       i;
    int32_t   day;
    int64_t   begin, opens;

    day = sms_time_local_day(us);

    /* the last one is this weekday again, whose window may be over today */

    for (i = 0; i <= 7; i++, day++) {

        begin = sms_time_day_begin(day);

        if ((w->days & 1 << (sms_time_weekday(day) - 1)) == 0
            || us >= begin + w->closes * SMS_WINDOW_MINUTE)
        {
            continue;
        }

        opens = begin + w->opens * SMS_WINDOW_MINUTE;

        return us > opens ? us : opens;
    }

    return -1;
}
