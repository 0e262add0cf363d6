/*
 * marks - when the bench's SMSC saw certain numbers, for whoever sent to them.
 *
 * A line "destination microseconds" for each, CLOCK_MONOTONIC, which all
 * processes of a machine share; without the leading + of the number.
 */
#ifndef MARKS_H
#define MARKS_H

#include <stdint.h>

uint64_t marks_now_us(void);

/* From now on numbers that begin with "prefix" are written to the file. */
int marks_open(const char *path, const char *prefix);

/* Does nothing for other numbers, or before marks_open(). */
void marks_seen(const char *dest);

void marks_flush(void);

#endif /* MARKS_H */
