/*
 * drip - sends a one-time code every so often, whatever becomes of those before,
 * and writes down when.
 *
 *   drip --port N --keys FILE --every-us N --log FILE [--start SEQUENCE]
 *        [--confirm JSON]
 *
 * It goes on until its standard input ends, waits for the last answers, and
 * prints one line of name=value: sent, ok, errors.  The log has a line "number
 * due answered" for each 202, in microseconds of CLOCK_MONOTONIC.  "due" is when
 * it was to be sent, also when no connection was free at that moment: a server
 * that stalls is not asked less often.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "answer.h"
#include "marks.h"
#include "otp.h"


#define DRIP_CONNECTIONS  64
#define DRIP_ANSWER_MAX   16384
#define DRIP_PATIENCE_US  30000000

typedef struct {
    int       fd;
    int       busy;
    uint64_t  sequence, due;
    size_t    got;
    char      answer[DRIP_ANSWER_MAX + 1];
} drip_connection_t;

static struct {
    uint16_t           port;
    const char        *keys, *confirm, *log;
    uint64_t           every, start, begin, waiting, sent, answered, ok, errors;
    int                ep, clock, ending;
    FILE              *out;
    drip_connection_t  list[DRIP_CONNECTIONS];
} drip;


static void
drip_fail(const char *what)
{
    perror(what);
    exit(2);
}


static void
drip_watch(int fd, void *data)
{
    struct epoll_event  e;

    memset(&e, 0, sizeof(e));
    e.events = EPOLLIN;
    e.data.ptr = data;

    if (epoll_ctl(drip.ep, EPOLL_CTL_ADD, fd, &e) != 0) {
        drip_fail("epoll_ctl");
    }
}


static void
drip_connect(drip_connection_t *c)
{
    int                 one;
    struct sockaddr_in  a;

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_port = htons(drip.port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (c->fd < 0 || connect(c->fd, (struct sockaddr *) &a, sizeof(a)) != 0) {
        drip_fail("connect");
    }

    one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c->busy = 0;
    drip_watch(c->fd, c);
}


/* all that are due, as long as there are free connections */

static void
drip_send(void)
{
    size_t                     i;
    drip_connection_t         *c;
    const workload_request_t  *r;

    for (i = 0; i < DRIP_CONNECTIONS && drip.waiting; i++) {
        c = &drip.list[i];

        if (c->busy) {
            continue;
        }

        c->busy = 1;
        c->got = 0;
        c->sequence = drip.start + drip.sent;
        c->due = drip.begin + drip.sent * drip.every;
        drip.sent++;
        drip.waiting--;
        r = otp_request(c->sequence);

        /* half a kilobyte on an idle connection goes as a whole */
        if (send(c->fd, r->bytes, r->len, MSG_NOSIGNAL) != (ssize_t) r->len) {
            drip_fail("send");
        }
    }
}


static void
drip_tick(void)
{
    uint64_t  n;

    if (read(drip.clock, &n, sizeof(n)) == sizeof(n) && !drip.ending) {
        drip.waiting += n;
        drip_send();
    }
}


static void
drip_read(drip_connection_t *c)
{
    long     len;
    ssize_t  n;

    n = recv(c->fd, c->answer + c->got, DRIP_ANSWER_MAX - c->got, 0);

    if (n <= 0) {
        drip.errors += (uint64_t) c->busy;
        drip.answered += (uint64_t) c->busy;
        close(c->fd);
        drip_connect(c);
        return;
    }

    c->got += (size_t) n;
    c->answer[c->got] = 0;
    len = answer_length(c->answer);

    if (len < 0 || len > DRIP_ANSWER_MAX) {
        fprintf(stderr, "drip: an answer that is not understood:\n%s\n", c->answer);
        exit(2);
    }

    if (len == 0 || c->got < (size_t) len) {
        return;
    }

    c->busy = 0;
    drip.answered++;

    if (strncmp(c->answer, "HTTP/1.1 202 ", 13) == 0) {
        drip.ok++;
        fprintf(drip.out, "%llu %llu %llu\n", (unsigned long long) otp_number(c->sequence),
                (unsigned long long) c->due, (unsigned long long) marks_now_us());

    } else if (drip.errors++ == 0) {
        fprintf(stderr, "drip: not a 202:\n%s\n", c->answer);
    }

    drip_send();
}


static void
drip_input(void)
{
    char  line[256];

    if (read(0, line, sizeof(line)) <= 0) {
        drip.ending = 1;
        drip.waiting = 0;
        epoll_ctl(drip.ep, EPOLL_CTL_DEL, 0, NULL);
    }
}


static void
drip_options(int argc, char **argv)
{
    int  i;

    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) {
            drip.port = (uint16_t) atoi(argv[i + 1]);

        } else if (strcmp(argv[i], "--keys") == 0) {
            drip.keys = argv[i + 1];

        } else if (strcmp(argv[i], "--every-us") == 0) {
            drip.every = strtoull(argv[i + 1], NULL, 10);

        } else if (strcmp(argv[i], "--log") == 0) {
            drip.log = argv[i + 1];

        } else if (strcmp(argv[i], "--start") == 0) {
            drip.start = strtoull(argv[i + 1], NULL, 10);

        } else if (strcmp(argv[i], "--confirm") == 0) {
            drip.confirm = argv[i + 1];

        } else {
            break;
        }
    }

    if (i != argc || !drip.port || !drip.keys || !drip.every || !drip.log) {
        fprintf(stderr, "usage: drip --port N --keys FILE --every-us N --log FILE "
                "[--start SEQUENCE] [--confirm JSON]\n");
        exit(2);
    }
}


static void
drip_start(void)
{
    size_t             i;
    struct itimerspec  t;

    drip.out = fopen(drip.log, "w");
    drip.ep = epoll_create1(EPOLL_CLOEXEC);
    drip.clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    if (drip.out == NULL || drip.ep < 0 || drip.clock < 0) {
        drip_fail("drip");
    }

    for (i = 0; i < DRIP_CONNECTIONS; i++) {
        drip_connect(&drip.list[i]);
    }

    drip_watch(0, NULL);
    drip_watch(drip.clock, &drip.clock);

    memset(&t, 0, sizeof(t));
    t.it_interval.tv_sec = (time_t) (drip.every / 1000000);
    t.it_interval.tv_nsec = (long) (drip.every % 1000000) * 1000;
    drip.begin = marks_now_us() + drip.every;
    t.it_value.tv_sec = (time_t) (drip.begin / 1000000);
    t.it_value.tv_nsec = (long) (drip.begin % 1000000) * 1000;
    timerfd_settime(drip.clock, TFD_TIMER_ABSTIME, &t, NULL);
}


int
main(int argc, char **argv)
{
    int                 i, n;
    uint64_t            patience;
    workload_conf_t     conf;
    struct epoll_event  events[DRIP_CONNECTIONS + 2];

    drip_options(argc, argv);
    memset(&conf, 0, sizeof(conf));
    conf.keys = drip.keys;

    if (workload_init(&conf) != 0 || otp_init(drip.confirm) != 0) {
        return 2;
    }

    drip_start();

    for (patience = 0; !drip.ending || drip.answered < drip.sent; /* void */ ) {

        n = epoll_wait(drip.ep, events, DRIP_CONNECTIONS + 2, 1000);

        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                drip_input();

            } else if (events[i].data.ptr == &drip.clock) {
                drip_tick();

            } else {
                drip_read(events[i].data.ptr);
            }
        }

        if (drip.ending && patience == 0) {
            patience = marks_now_us() + DRIP_PATIENCE_US;
        }

        if (patience && marks_now_us() > patience) {
            drip.errors += drip.sent - drip.answered;
            break;
        }
    }

    fclose(drip.out);
    printf("sent=%llu ok=%llu errors=%llu\n", (unsigned long long) drip.sent,
           (unsigned long long) drip.ok, (unsigned long long) drip.errors);

    return 0;
}
