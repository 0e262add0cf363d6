/*
 * load - sends the workload over keep-alive connections and measures answers.
 *
 *   load --port N --keys FILE --connections N --seconds S [--count N]
 *        [--start SEQUENCE] [--confirm JSON] [--shape single]
 *   load … --shape many|each|commercial [--recipients N]      see bulk.h
 *   load --port N --shape kannel [--callback PORT] --connections N --seconds S …
 *   load --print N --keys FILE [--start SEQUENCE]     bodies, one a line;
 *                                                     of kannel the first lines
 *
 * One thread, one request under way per connection, to 127.0.0.1.  When the
 * time is up, or "count" are sent, what is under way is still waited for.
 * Answers other than 202 are errors; the first of them goes to stderr.
 *
 * Prints one line of name=value: began (Unix time of the first request), sent,
 * ok, messages (that the answers call accepted), errors, closed (connections that
 * the server closed), seconds, rate (messages a second), p50_us, p90_us, p99_us,
 * max_us, cpu_ms (of this program, while it sent), answer_bytes (of the last one).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "bulk.h"
#include "latency.h"
#include "workload.h"


#define LOAD_CONNECTIONS_MAX  4096
#define LOAD_ANSWER_MAX       16384
#define LOAD_ANSWER_BULK      (512 * BULK_RECIPIENTS_MAX)
#define LOAD_PATIENCE_US      30000000      /* for the last answers */

typedef struct {
    int                        fd;
    uint32_t                   waits;       /* for EPOLLOUT */
    uint64_t                   since;
    const workload_request_t  *request;     /* NULL: idle */
    size_t                     sent, got;
    char                      *answer;
} load_connection_t;

static struct {
    uint16_t           port;
    uint32_t           connections;
    double             seconds;
    uint64_t           count, start, print;
    workload_conf_t    conf;
    const char        *bulk;                /* shape of bulk.h, or NULL */
    uint32_t           recipients;
    size_t             answer_max;
    int                ep;
    uint64_t           end;                 /* no new request after this */
    uint32_t           busy;
    uint64_t           sent, ok, messages, errors, closed;
    size_t             answer_bytes;
    latency_t          latency;
    load_connection_t *list;
} load;


static uint64_t
load_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}


static double
load_cpu_ms(void)
{
    struct rusage  u;

    getrusage(RUSAGE_SELF, &u);

    return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3
           + (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}


static void
load_fail(const char *what)
{
    perror(what);
    exit(2);
}


static void
load_watch(load_connection_t *c, int op, uint32_t events)
{
    struct epoll_event  e;

    memset(&e, 0, sizeof(e));
    e.events = events;
    e.data.ptr = c;

    if (epoll_ctl(load.ep, op, c->fd, &e) != 0) {
        load_fail("epoll_ctl");
    }
}


static void
load_connect(load_connection_t *c)
{
    int                 one;
    struct sockaddr_in  a;

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_port = htons(load.port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (c->fd < 0 || connect(c->fd, (struct sockaddr *) &a, sizeof(a)) != 0) {
        load_fail("connect");
    }

    one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    c->waits = 0;
    load_watch(c, EPOLL_CTL_ADD, EPOLLIN);
}


static void
load_lost(load_connection_t *c)
{
    close(c->fd);
    load.closed++;

    if (c->request) {
        load.errors++;
        load.busy--;
        c->request = NULL;

        if (load.errors == 1) {
            fprintf(stderr, "load: connection closed before the answer\n");
        }
    }

    load_connect(c);
}


static void
load_send(load_connection_t *c)
{
    ssize_t  n;

    n = send(c->fd, c->request->bytes + c->sent, c->request->len - c->sent,
             MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        load_lost(c);
        return;
    }

    c->sent += n > 0 ? (size_t) n : 0;

    if (c->sent < c->request->len) {
        c->waits = 1;
        load_watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);

    } else if (c->waits) {
        c->waits = 0;
        load_watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}


static const workload_request_t *
load_request(uint64_t sequence)
{
    return load.bulk ? bulk_request(sequence) : workload_request(sequence);
}


static void
load_next(load_connection_t *c, uint64_t now)
{
    if (now >= load.end || (load.count && load.sent >= load.count)) {
        return;
    }

    c->request = load_request(load.start + load.sent);
    c->sent = 0;
    c->got = 0;
    c->since = now;
    load.sent++;
    load.busy++;
    load_send(c);
}


/* how many messages a 202 has accepted */

static uint64_t
load_accepted(const char *answer)
{
    const char  *p;

    p = load.bulk ? strstr(answer, "\"accepted\":") : NULL;

    return p ? strtoull(p + 11, NULL, 10) : 1;
}


static void
load_read(load_connection_t *c)
{
    long      len;
    ssize_t   n;
    uint64_t  now;

    n = recv(c->fd, c->answer + c->got, load.answer_max - c->got, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 || c->request == NULL) {
        load_lost(c);
        load_next(c, load_now());
        return;
    }

    c->got += (size_t) n;
    c->answer[c->got] = 0;
    len = answer_length(c->answer);

    if (len == 0 && c->got < load.answer_max) {
        return;
    }

    if (len <= 0 || (size_t) len > load.answer_max) {
        fprintf(stderr, "load: an answer that is not understood:\n%s\n", c->answer);
        exit(2);
    }

    if (c->got < (size_t) len) {
        return;
    }

    now = load_now();
    latency_add(&load.latency, now - c->since);
    load.busy--;
    c->request = NULL;
    load.answer_bytes = c->got;

    if (strncmp(c->answer, "HTTP/1.1 202 ", 13) == 0) {
        load.ok++;
        load.messages += load_accepted(c->answer);

    } else if (load.errors++ == 0) {
        fprintf(stderr, "load: not a 202:\n%s\n", c->answer);
    }

    load_next(c, now);
}


static void
load_options(int argc, char **argv)
{
    int          i;
    const char  *name, *value;

    for (i = 1; i + 1 < argc; i += 2) {
        name = argv[i];
        value = argv[i + 1];

        if (strcmp(name, "--port") == 0) {
            load.port = (uint16_t) atoi(value);

        } else if (strcmp(name, "--keys") == 0) {
            load.conf.keys = value;

        } else if (strcmp(name, "--connections") == 0) {
            load.connections = (uint32_t) atoi(value);

        } else if (strcmp(name, "--seconds") == 0) {
            load.seconds = atof(value);

        } else if (strcmp(name, "--count") == 0) {
            load.count = strtoull(value, NULL, 10);

        } else if (strcmp(name, "--print") == 0) {
            load.print = strtoull(value, NULL, 10);

        } else if (strcmp(name, "--start") == 0) {
            load.start = strtoull(value, NULL, 10);

        } else if (strcmp(name, "--confirm") == 0) {
            load.conf.confirm = value;

        } else if (strcmp(name, "--callback") == 0) {
            load.conf.callback = (uint16_t) atoi(value);

        } else if (strcmp(name, "--shape") == 0 && strcmp(value, "kannel") == 0) {
            load.conf.shape = WORKLOAD_KANNEL;

        } else if (strcmp(name, "--shape") == 0) {
            load.bulk = strcmp(value, "single") == 0 ? NULL : value;

        } else if (strcmp(name, "--recipients") == 0) {
            load.recipients = (uint32_t) atoi(value);

        } else {
            break;
        }
    }

    if (i != argc || (load.conf.shape == WORKLOAD_SINGLE && load.conf.keys == NULL)
        || (!load.print
            && (load.port == 0 || load.seconds <= 0 || load.connections == 0
                || load.connections > LOAD_CONNECTIONS_MAX)))
    {
        fprintf(stderr, "usage: load --port N --keys FILE --connections N --seconds S "
                "[--count N] [--start SEQUENCE] [--confirm JSON] [--callback PORT] "
                "[--shape single|kannel|many|each|commercial] [--recipients N]\n");
        exit(2);
    }
}


static void
load_loop(void)
{
    int                 i, n;
    uint64_t            patience;
    load_connection_t  *c;
    struct epoll_event  events[512];

    patience = load.end + LOAD_PATIENCE_US;

    while (load.busy) {

        n = epoll_wait(load.ep, events, 512, 1000);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            if ((events[i].events & EPOLLOUT) && c->request) {
                load_send(c);
            }

            if (events[i].events & ~(uint32_t) EPOLLOUT) {
                load_read(c);
            }
        }

        if (load_now() > patience) {
            fprintf(stderr, "load: %u answers did not come\n", load.busy);
            load.errors += load.busy;
            break;
        }
    }
}


static void
load_print(void)
{
    uint64_t                   i;
    const char                *body;
    const workload_request_t  *r;

    for (i = 0; i < load.print; i++) {
        r = load_request(load.start + i);
        body = strstr(r->bytes, "\r\n\r\n") + 4;
        body = *body ? body : r->bytes;
        printf("%.*s\n", (int) strcspn(body, "\r"), body);
    }
}


int
main(int argc, char **argv)
{
    double           cpu, seconds;
    uint32_t         i;
    uint64_t         begin;
    struct timespec  wall;

    load.recipients = BULK_RECIPIENTS_MAX;
    load_options(argc, argv);
    load.answer_max = load.bulk ? LOAD_ANSWER_BULK : LOAD_ANSWER_MAX;

    load.ep = epoll_create1(EPOLL_CLOEXEC);
    load.list = calloc(load.connections, sizeof(load_connection_t));

    if (load.ep < 0 || load.list == NULL) {
        load_fail("load");
    }

    if (workload_init(&load.conf) != 0
        || (load.bulk && bulk_init(load.bulk, load.recipients, load.conf.confirm) != 0))
    {
        return 2;
    }

    if (load.print) {
        load_print();
        return 0;
    }

    for (i = 0; i < load.connections; i++) {
        load.list[i].answer = malloc(load.answer_max + 1);

        if (load.list[i].answer == NULL) {
            load_fail("malloc");
        }

        load_connect(&load.list[i]);
    }

    /* connecting is no part of it: a short backlog can make that take seconds */
    cpu = load_cpu_ms();
    begin = load_now();
    clock_gettime(CLOCK_REALTIME, &wall);
    load.end = begin + (uint64_t) (load.seconds * 1e6);

    for (i = 0; i < load.connections; i++) {
        load_next(&load.list[i], load_now());
    }

    load_loop();

    seconds = (double) (load_now() - begin) / 1e6;
    cpu = load_cpu_ms() - cpu;

    printf("began=%lld.%06ld sent=%llu ok=%llu messages=%llu errors=%llu closed=%llu "
           "seconds=%.3f rate=%.1f p50_us=%llu p90_us=%llu p99_us=%llu max_us=%llu "
           "cpu_ms=%.1f answer_bytes=%zu\n",
           (long long) wall.tv_sec, wall.tv_nsec / 1000,
           (unsigned long long) load.sent, (unsigned long long) load.ok,
           (unsigned long long) load.messages,
           (unsigned long long) load.errors, (unsigned long long) load.closed, seconds,
           (double) load.messages / seconds,
           (unsigned long long) latency_at(&load.latency, 0.50),
           (unsigned long long) latency_at(&load.latency, 0.90),
           (unsigned long long) latency_at(&load.latency, 0.99),
           (unsigned long long) load.latency.max, cpu, load.answer_bytes);

    return 0;
}
