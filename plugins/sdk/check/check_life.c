/*
 * check_life.c - check(), init(), exit(), and what they leave behind.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK_CYCLES  100
#define CHECK_WARM    10


static int
check_entries(const char *dir)
{
    DIR  *d;
    int   n;

    d = opendir(dir);
    if (d == NULL) {
        return 0;
    }
    for (n = 0; readdir(d); n++) {
        /* count */
    }
    closedir(d);

    return n;
}


/* a joined thread needs a moment to leave /proc */
static int
check_threads(int before)
{
    int  i, n;

    for (i = 0; i < 50; i++) {
        n = check_entries("/proc/self/task");
        if (n <= before) {
            break;
        }
        usleep(2000);
    }

    return n;
}


/* one instance from start to stop; NULL, or what went wrong */
static const char *
check_cycle(check_t *c, int work)
{
    static char  why[400];

    fakehost_t  *fh;
    char         err[256];
    const char  *left;
    sms_rc_t     rc;

    fh = check_host(c);
    rc = check_start(c, fh, err, sizeof(err));
    if (rc != SMS_OK) {
        snprintf(why, sizeof(why), "refused its configuration with %d: %s", rc, err);
        fakehost_free(fh);
        return why;
    }
    if (work) {
        (void) fakehost_advance(fh, 1000);
    }
    left = check_finish(fh);
    if (left) {
        snprintf(why, sizeof(why), "%s", left);
    }

    return left ? why : NULL;
}


static int
check_first(check_t *c)
{
    fakehost_t  *fh;
    char         err[256];
    const char  *why;
    sms_rc_t     rc;
    int          ready;

    check_step(c, "check() and init()");
    fh = check_host(c);
    memset(err, FAKEHOST_CANARY, sizeof(err));
    rc = check_start(c, fh, err, 128);
    if (err[128] != FAKEHOST_CANARY) {
        check_ok(c, 0, "check() and init() write no more than errcap bytes of error text");
        return 0;
    }
    if (rc != SMS_OK) {
        err[127] = '\0';
        check_ok(c, 0, "starts: rc %d, \"%s\" (give the keys it needs as key=value)", rc, err);
        return 0;
    }
    ready = fakehost_ready(fh);
    check_ok(c, ready == 0 || ready == 1, "ready() answers 0 or 1: %d", ready);
    (void) fakehost_advance(fh, 1000);
    why = check_finish(fh);
    check_ok(c, why == NULL, "starts and stops%s%s", why ? ": " : "", why ? why : "");

    return why == NULL;
}


static void
check_leaks(check_t *c)
{
    const char  *why;
    int64_t      live;
    int          i, fds, threads, now;

    check_step(c, "%d times init() and exit()", CHECK_CYCLES);
    why = NULL;
    live = 0;
    fds = threads = 0;
    for (i = 0; i < CHECK_CYCLES && why == NULL; i++) {
        if (i == CHECK_WARM) {
            fds = check_entries("/proc/self/fd");
            threads = check_threads(0);
            live = check_heap_live();
        }
        why = check_cycle(c, i % 2);
    }
    if (why) {
        check_ok(c, 0, "starts and stops %d times: cycle %d %s", CHECK_CYCLES, i, why);
        return;
    }

    live = check_heap_live() - live;
    /* less than one block in two cycles is a cache of the C library */
    check_ok(c, live < (CHECK_CYCLES - CHECK_WARM) / 2,
             "%d times init and exit leak no memory%s", CHECK_CYCLES,
             live < (CHECK_CYCLES - CHECK_WARM) / 2 ? "" : ": it grows with each cycle");
    if (live >= (CHECK_CYCLES - CHECK_WARM) / 2) {
        check_note(c, "%lld %s more after %d cycles", (long long) live,
                   check_sanitized() ? "bytes" : "blocks", CHECK_CYCLES - CHECK_WARM);
    }
    now = check_entries("/proc/self/fd");
    check_ok(c, now <= fds, "%d times init and exit leave no descriptor open (%d more)",
             CHECK_CYCLES, now > fds ? now - fds : 0);
    now = check_threads(threads);
    check_ok(c, now <= threads, "%d times init and exit leave no thread (%d more)",
             CHECK_CYCLES, now > threads ? now - threads : 0);
}


static void
check_two(check_t *c)
{
    fakehost_t  *a, *b;
    const char  *why;
    char         err[256];

    check_step(c, "two instances at once");
    a = check_host(c);
    b = check_host(c);
    fakehost_name(b, "second");
    if (check_start(c, a, err, sizeof(err)) != SMS_OK
        || check_start(c, b, err, sizeof(err)) != SMS_OK)
    {
        check_ok(c, 0, "two instances live side by side: %s", err);
        return;
    }
    if (fakehost_instance(a) && fakehost_instance(a) == fakehost_instance(b)) {
        check_ok(c, 0, "two instances have an instance each: both got the same pointer");
        return;
    }
    (void) fakehost_advance(a, 100);
    (void) fakehost_advance(b, 100);
    why = check_finish(a);
    (void) fakehost_advance(b, 5000);
    if (why == NULL) {
        why = check_finish(b);
    }
    check_ok(c, why == NULL, "two instances live side by side%s%s", why ? ": " : "",
             why ? why : "");
}


static void
check_ungranted(check_t *c)
{
    fakehost_t  *fh;
    char         err[256];
    const char  *why;
    sms_rc_t     rc;

    check_step(c, "init() without any granted table");
    fh = check_host(c);
    fakehost_grant(fh, 0);
    rc = check_start(c, fh, err, sizeof(err));
    if (rc == SMS_OK) {
        (void) fakehost_advance(fh, 5000);
    }
    why = check_finish(fh);
    if (rc > SMS_OK || rc < SMS_E_INTERNAL) {
        why = "init() returned something that is no sms_rc_t";
    }
    check_ok(c, why == NULL, "without grants it %s%s%s",
             rc == SMS_OK ? "works" : "refuses to start", why ? ": " : "", why ? why : "");
}


/* the k-th malloc of check() and init() fails, for every k they reach */
static void
check_poor(check_t *c)
{
    fakehost_t  *fh;
    char         err[256];
    const char  *why;
    int64_t      live, before;
    uint32_t     k, used;
    sms_rc_t     rc;

    if (!check_heap_fail(0)) {
        check_skip(c, "malloc cannot be made to fail under a sanitizer");
        return;
    }

    why = NULL;
    live = 0;
    for (k = 1, used = 1; used + 1 >= k && k <= 200 && why == NULL; k++) {
        check_step(c, "init() with malloc number %u failing", k);
        before = check_heap_live();
        fh = check_host(c);
        (void) check_heap_fail(k);
        rc = check_start(c, fh, err, sizeof(err));
        used = check_heap_used();
        (void) check_heap_fail(0);
        why = check_finish(fh);
        if (rc > SMS_OK || rc < SMS_E_INTERNAL) {
            why = "init() returned something that is no sms_rc_t";
        }
        live = check_heap_live() - before;
        /* the first round warms the C library up */
        if (why == NULL && k > 1 && live > 1) {
            why = rc == SMS_OK ? "memory leaks" : "a failed init() frees nothing (exit() is "
                                                  "not called then)";
        }
    }
    check_ok(c, why == NULL, "init survives each of its %u allocations failing%s%s", k - 2,
             why ? ": " : "", why ? why : "");
    if (why) {
        check_note(c, "malloc number %u, %lld blocks more", k - 1, (long long) live);
    }
}


void
check_life(check_t *c)
{
    if (!check_first(c)) {
        return;
    }
    check_leaks(c);
    check_two(c);
    check_ungranted(c);
    check_poor(c);
}
