/*
 * check_main.c - arguments, one child a group, TAP.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct { const char *name; void (*run)(check_t *c); int loads; } check_group_t;

typedef struct { uint32_t n, failed; int ended; } check_tap_t;

static const check_group_t  check_groups[] = {
    { "file", check_file, 0 },
    { "constructor", check_constructor, 0 },
    { "keys", check_keys, 1 },
    { "life", check_life, 1 },
    { "operations", check_ops, 1 },
    { "cancel", check_cancel, 1 },
    { "faults", check_faults, 1 },
    { "time", check_time, 1 }
};


static void
check_usage(FILE *f)
{
    fputs("usage: sms-plugin-check [--allow LIB]... [--limit SECONDS] [--slack TIMES]\n"
          "                        FILE.so [key=value]...\n"
          "  --allow LIB      the plugin may use this library, e.g. libpcre2-8\n"
          "  --limit SECONDS  of wall time for one group of checks (60)\n"
          "  --slack TIMES    a callback may take so many budgets of CPU time (5)\n"
          "  key=value        configuration of the plugin, as in its nginx block\n"
          "Output is TAP.  Exit code 0: all passed; 1: something failed; 2: usage.\n", f);
}


static void
check_line(check_tap_t *tap, const char *line)
{
    if (line[0] == 'e') {
        tap->ended = 1;

    } else if (line[0] == '#') {
        printf("# %s\n", line + 1);

    } else if (line[0] == 's') {
        printf("ok %u - # SKIP %s\n", ++tap->n, line + 1);

    } else {
        tap->failed += line[0] == 'n';
        printf("%s %u - %s\n", line[0] == 'o' ? "ok" : "not ok", ++tap->n, line + 1);
    }
    fflush(stdout);
}


/* reads the child's lines; 0 when it took too long */
static int
check_listen(check_t *c, check_tap_t *tap, int fd)
{
    struct timespec  ts;
    struct pollfd    pfd;
    char             buf[4096], *nl;
    size_t           have;
    ssize_t          n;
    time_t           until;

    have = 0;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    until = ts.tv_sec + (time_t) c->limit_s;

    for ( ;; ) {
        clock_gettime(CLOCK_MONOTONIC, &ts);
        if (ts.tv_sec >= until) {
            return 0;
        }
        pfd.fd = fd;
        pfd.events = POLLIN;
        n = poll(&pfd, 1, 1000);
        if (n <= 0) {
            continue;
        }
        n = read(fd, buf + have, sizeof(buf) - 1 - have);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return 1;
        }
        have += (size_t) n;
        buf[have] = '\0';
        while ((nl = strchr(buf, '\n')) != NULL) {
            *nl = '\0';
            check_line(tap, buf);
            have -= (size_t) (nl + 1 - buf);
            memmove(buf, nl + 1, have + 1);
        }
    }
}


static void
check_verdict(check_t *c, check_tap_t *tap, const char *group, int status, int in_time)
{
    const check_trace_t  *t = c->trace;
    char                  where[400];

    snprintf(where, sizeof(where), "%s%s%s%s", t->blame, t->blame[0] ? ", " : "",
             t->step[0] ? "while checking " : "", t->step);

    if (!in_time) {
        printf("not ok %u - %s: did not come back within %u s: %s\n", ++tap->n, group,
               c->limit_s, where);
        tap->failed++;

    } else if (WIFSIGNALED(status)) {
        printf("not ok %u - %s: crashed with SIG%s: %s\n", ++tap->n, group,
               sigabbrev_np(WTERMSIG(status)), where);
        tap->failed++;

    } else if (WEXITSTATUS(status) != 0 || !tap->ended) {
        printf("not ok %u - %s: ended the process with exit code %d: %s\n", ++tap->n, group,
               WEXITSTATUS(status), where);
        tap->failed++;
    }
    fflush(stdout);
}


static void
check_child(check_t *c, const check_group_t *g, int fd)
{
    c->out = fd;
    if (!g->loads || check_load(c)) {
        g->run(c);
    }
    check_end(c);
    /* what the plugin left in atexit() is not ours to run */
    _exit(0);
}


/* 0: the file is such that nothing more can be tried */
static int
check_group(check_t *c, check_tap_t *tap, const check_group_t *g)
{
    uint32_t  failed;
    pid_t     pid;
    int       fds[2], status, in_time;

    memset(c->trace, 0, sizeof(*c->trace));
    failed = tap->failed;
    tap->ended = 0;
    if (pipe2(fds, 0) != 0) {
        perror("pipe");
        return 0;
    }
    fflush(stdout);
    pid = fork();
    if (pid == -1) {
        perror("fork");
        return 0;
    }
    if (pid == 0) {
        close(fds[0]);
        setpgid(0, 0);
        check_child(c, g, fds[1]);
    }

    close(fds[1]);
    printf("# %s\n", g->name);
    in_time = check_listen(c, tap, fds[0]);
    if (!in_time) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        /* again */
    }
    close(fds[0]);
    check_verdict(c, tap, g->name, status, in_time);

    return g->run != check_file || failed == tap->failed;
}


static int
check_number(const char *s, uint32_t *n)
{
    char           *end;
    unsigned long   v;

    v = strtoul(s, &end, 10);
    if (end == s || *end || v == 0 || v > 100000) {
        return 0;
    }
    *n = (uint32_t) v;

    return 1;
}


static int
check_arguments(check_t *c, int argc, char **argv)
{
    int  i;

    for (i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && i + 1 >= argc) {
            return 0;
        }
        if (strcmp(argv[i], "--allow") == 0 && c->nallow < CHECK_ALLOW_MAX) {
            c->allow[c->nallow++] = argv[++i];

        } else if (strcmp(argv[i], "--limit") == 0) {
            if (!check_number(argv[++i], &c->limit_s)) {
                return 0;
            }

        } else if (strcmp(argv[i], "--slack") == 0) {
            if (!check_number(argv[++i], &c->slack)) {
                return 0;
            }

        } else if (argv[i][0] != '-' && strchr(argv[i], '=') && c->file
                   && c->nconf < CHECK_CONF_MAX)
        {
            c->conf[c->nconf++] = argv[i];

        } else if (argv[i][0] != '-' && c->file == NULL) {
            c->file = argv[i];

        } else {
            return 0;
        }
    }

    return c->file != NULL;
}


int
main(int argc, char **argv)
{
    check_tap_t  tap;
    check_t      c;
    size_t       i;

    memset(&c, 0, sizeof(c));
    memset(&tap, 0, sizeof(tap));
    c.limit_s = check_sanitized() ? 300 : 60;
    c.slack = check_sanitized() ? 100 : 5;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        check_usage(stdout);
        return 0;
    }
    if (!check_arguments(&c, argc, argv)) {
        check_usage(stderr);
        return 2;
    }

    c.trace = mmap(NULL, sizeof(*c.trace), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c.trace == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);

    puts("TAP version 13");
    for (i = 0; i < sizeof(check_groups) / sizeof(check_groups[0]); i++) {
        if (!check_group(&c, &tap, &check_groups[i])) {
            puts("# the rest needs a file that can be loaded");
            break;
        }
    }

    printf("1..%u\n", tap.n);
    printf("# %s: %u of %u passed\n", c.file, tap.n - tap.failed, tap.n);

    return tap.failed ? 1 : 0;
}
