/*
 * A lane is the unit of the queue's order: (link, class, slot) as one number
 * (table sms.queue).  Inside a lane the order is the fair share between the
 * accounts; between the lanes of a link OTP goes first.
 */
#ifndef SMS_LANE_H
#define SMS_LANE_H

#include <stdint.h>

#include "sms_plugin.h"


#define SMS_LANE_OTP            0
#define SMS_LANE_INFORMATIONAL  1       /* and exempt */
#define SMS_LANE_COMMERCIAL     2


static inline int32_t
sms_lane(uint32_t link, unsigned klass)
{
    unsigned  part;

    part = klass == SMS_CLASS_OTP ? SMS_LANE_OTP
           : klass == SMS_CLASS_COMMERCIAL ? SMS_LANE_COMMERCIAL
           : SMS_LANE_INFORMATIONAL;

    return (int32_t) (link * 64 + part * 16);
}


static inline uint32_t
sms_lane_link(int32_t lane)
{
    return (uint32_t) lane / 64;
}

#endif /* SMS_LANE_H */
