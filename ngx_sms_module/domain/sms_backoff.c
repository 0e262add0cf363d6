#include "sms_backoff.h"


int64_t
sms_backoff_us(unsigned attempt, uint32_t random)
{
    int64_t  wait;

    wait = SMS_BACKOFF_MAX_US;

    if (attempt == 0) {
        attempt = 1;
    }

    if (attempt <= 6) {
        wait = SMS_BACKOFF_FIRST_US << (attempt - 1);
    }

    return wait - wait / 4 + (int64_t) random % (wait / 2 + 1);
}
