/*
 * clock.c - preloaded by SMS::Clock: wall clock and monotonic clock are ahead of the
 * machine's by what a file says, 8 octets that are mapped, so a change is seen at once
 * by every process that was started with it.
 *
 * libfaketime of Debian does as much and does not start beside AddressSanitizer.  Here
 * are no thread-local variables, no constructor and no call into libc that ASan would
 * want to see before it is ready.  Clocks of CPU time are left alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static const volatile int64_t  *clock_offset;
static const int64_t            clock_none;


static int64_t
clock_seconds(void)
{
    long         fd, at;
    const char  *file;

    if (clock_offset == NULL) {
        file = getenv("SMS_CLOCK");
        fd = file ? syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;
        at = fd < 0 ? -1 : syscall(SYS_mmap, NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd,
                                   0L);
        if (fd >= 0) {
            syscall(SYS_close, fd);
        }

        clock_offset = at == -1 ? &clock_none : (const volatile int64_t *) at;
    }

    return *clock_offset;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    long  rc;

    rc = syscall(SYS_clock_gettime, id, ts);

    if (rc == 0) {
        switch (id) {

        case CLOCK_REALTIME:
        case CLOCK_REALTIME_COARSE:
        case CLOCK_MONOTONIC:
        case CLOCK_MONOTONIC_COARSE:
        case CLOCK_MONOTONIC_RAW:
        case CLOCK_BOOTTIME:
            ts->tv_sec += (time_t) clock_seconds();
            break;

        default:
            break;
        }
    }

    return (int) rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec  ts;

    (void) zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *out)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    if (out) {
        *out = ts.tv_sec;
    }

    return ts.tv_sec;
}
