/*
 * sms_backoff.h - how long a message waits before it is tried again.
 */
#ifndef SMS_BACKOFF_H
#define SMS_BACKOFF_H

#include <stdint.h>


#define SMS_BACKOFF_FIRST_US  INT64_C(1000000)
#define SMS_BACKOFF_MAX_US    INT64_C(60000000)

/*
 * After attempt "attempt" (1 is the first): a second, twice that after each further
 * one, a minute at the most; and a quarter more or less by "random", so that what
 * failed together does not come back together.
 */
int64_t sms_backoff_us(unsigned attempt, uint32_t random);

#endif /* SMS_BACKOFF_H */
