/*
 * otp - one-time codes, each to a number that nobody else gets: +9054 and eight
 * digits of the sequence number.  By OTP_PREFIX the sink tells them from others.
 */
#ifndef OTP_H
#define OTP_H

#include "workload.h"

#define OTP_PREFIX  "9054"

/* After workload_init().  0; -1 with a line on stderr. */
int otp_init(const char *confirm);

/* Good until the next call with a number that differs by a multiple of OTP_POOL. */
#define OTP_POOL    1024

const workload_request_t *otp_request(uint64_t sequence);

/* The number of that request, without the leading +. */
uint64_t otp_number(uint64_t sequence);

#endif /* OTP_H */
