/*
 * sms_window.h - the hours of the week in which messages may leave.
 *
 * Days and minutes are local (sms_time.h): Turkey, UTC+3.  A window opens and closes
 * on the same day, so one over midnight does not exist.  sms.quiet_opens() in the
 * database says the same.
 */
#ifndef SMS_WINDOW_H
#define SMS_WINDOW_H

#include <stdint.h>


#define SMS_WINDOW_DAYS  0x7f           /* every day                              */

typedef struct {
    uint16_t  opens, closes;            /* minutes of the day: [opens, closes)    */
    uint8_t   days;                     /* bit 0 Monday .. bit 6 Sunday           */
} sms_window_t;


/* "us" where the window is open then, else when it opens next; -1: never */
int64_t sms_window_opens(const sms_window_t *w, int64_t us);

#endif /* SMS_WINDOW_H */
