/*
 * callback - an HTTP server that takes every receipt at once: where the
 * contenders tell a customer what became of the messages.
 *
 *   callback [--port N]
 *
 * Prints "port N" and serves HTTP/1.1 on 127.0.0.1 until its standard input
 * ends; every request is answered 200, without a body.  Two kinds are counted:
 *   GET /?…type=T&id=I     one event.  Type 1: delivered; 2: failed; 8: the SMSC
 *                          has taken it; an id that was delivered before counts
 *                          as repeated and not once more
 *   POST, JSON             events are its keys "type"; delivered are those with
 *                          the value "message.delivered"
 *
 * Each line of input is answered by one line of name=value: requests, events,
 * delivered, failed, taken, repeated, strange (requests that were none of these,
 * or no HTTP).
 *
 * Bodies: Content-Length or chunked, 4 MiB at most.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* memmem() */
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"
#include "seen.h"


#define CALLBACK_PEERS  1024
#define CALLBACK_FIRST  16384
#define CALLBACK_BODY   (4 * 1024 * 1024)
/* with the head, and with what the lengths of small chunks add */
#define CALLBACK_MAX    (2 * CALLBACK_BODY)

#define CALLBACK_YES    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define CALLBACK_GO_ON  "HTTP/1.1 100 Continue\r\n\r\n"

typedef struct {
    int      fd;                        /* -1: free */
    int      told;                      /* 100 was said to this request */
    char    *buf;
    size_t   size, n;
} callback_peer_t;

typedef struct {
    size_t       head, length;          /* octets of the head and of its body */
    int          chunked, expects, closes;
    const char  *body;
} callback_request_t;

static struct {
    int              ep, listener;
    uint64_t         requests, events, delivered, failed, taken, repeated, strange;
    seen_t           seen;
    callback_peer_t  peers[CALLBACK_PEERS];
} callback;


static void
callback_fail(const char *what)
{
    perror(what);
    exit(2);
}


static void
callback_watch(int fd, uint64_t data)
{
    struct epoll_event  e;

    memset(&e, 0, sizeof(e));
    e.events = EPOLLIN;
    e.data.u64 = data;

    if (epoll_ctl(callback.ep, EPOLL_CTL_ADD, fd, &e) != 0) {
        callback_fail("epoll_ctl");
    }
}


static void
callback_accept(void)
{
    int               fd, i;
    callback_peer_t  *p;

    while ((fd = listener_accept(callback.listener)) >= 0) {

        for (i = 0; i < CALLBACK_PEERS && callback.peers[i].fd >= 0; i++) { /* void */ }

        if (i == CALLBACK_PEERS) {
            close(fd);
            return;
        }

        p = &callback.peers[i];
        p->fd = fd;
        p->told = 0;
        p->n = 0;
        callback_watch(fd, (uint64_t) i);
    }
}


static void
callback_close(callback_peer_t *p)
{
    close(p->fd);
    free(p->buf);
    p->fd = -1;
    p->buf = NULL;
    p->size = 0;
}


/* answers are so short that a socket which does not take one is broken */

static int
callback_say(callback_peer_t *p, const char *text, size_t n)
{
    return send(p->fd, text, n, MSG_NOSIGNAL) == (ssize_t) n ? 0 : -1;
}


/* ---- reading -------------------------------------------------------------- */

static int
callback_field(const char *line, const char *end, const char *name, const char **value)
{
    size_t  n;

    n = strlen(name);

    if ((size_t) (end - line) < n || strncasecmp(line, name, n) != 0) {
        return 0;
    }

    for (*value = line + n; **value == ' '; (*value)++) { /* void */ }

    return 1;
}


/* 1: the head is there; 0: not yet */

static int
callback_head(const callback_peer_t *p, callback_request_t *r)
{
    const char  *end, *line, *next, *value;

    end = memmem(p->buf, p->n, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    memset(r, 0, sizeof(*r));
    r->head = (size_t) (end + 4 - p->buf);

    for (line = p->buf; line < end + 2; line = next + 2) {

        next = memmem(line, (size_t) (end + 2 - line), "\r\n", 2);

        if (callback_field(line, next, "Content-Length:", &value)) {
            r->length = strtoul(value, NULL, 10);

        } else if (callback_field(line, next, "Transfer-Encoding:", &value)) {
            r->chunked = strncasecmp(value, "chunked", 7) == 0;

        } else if (callback_field(line, next, "Expect:", &value)) {
            r->expects = 1;

        } else if (callback_field(line, next, "Connection:", &value)) {
            r->closes = strncasecmp(value, "close", 5) == 0;
        }
    }

    return 1;
}


/*
 * Moves the chunks together, behind the head.  The length of all of it as it
 * came; 0: not whole yet, nothing was moved; -1: no chunks.
 */

static long
callback_chunks(callback_peer_t *p, callback_request_t *r)
{
    int     move;
    char   *at, *end, *to, *line;
    size_t  n;

    end = p->buf + p->n;

    for (move = 0; move < 2; move++) {

        at = p->buf + r->head;
        to = at;

        do {
            line = memmem(at, (size_t) (end - at), "\r\n", 2);
            if (line == NULL) {
                return 0;
            }

            n = strtoul(at, &at, 16);
            if ((at != line && *at != ';') || n > CALLBACK_BODY) {
                return -1;
            }

            at = line + 2;
            if ((size_t) (end - at) < n + 2) {
                return 0;
            }

            if (move) {
                memmove(to, at, n);
            }

            to += n;
            at += n + 2;

        } while (n);

        r->length = (size_t) (to - p->buf) - r->head;
    }

    return at - p->buf;
}


/* ---- counting ------------------------------------------------------------- */

/* the value of a query's field, up to & or a blank; NULL: it is not there */

static const char *
callback_query(const callback_peer_t *p, const char *name, size_t *len)
{
    size_t       n;
    const char  *at, *end;

    n = strlen(name);
    end = memchr(p->buf, '\r', p->n);

    for (at = memchr(p->buf, '?', (size_t) (end - p->buf)); at;
         at = memchr(at, '&', (size_t) (end - at)))
    {
        at++;

        if ((size_t) (end - at) > n && memcmp(at, name, n) == 0 && at[n] == '=') {
            at += n + 1;
            for (*len = 0; at + *len < end && !strchr("& ", at[*len]); (*len)++) { /* void */ }
            return at;
        }
    }

    return NULL;
}


static void
callback_one(const callback_peer_t *p)
{
    size_t       len, type_len;
    const char  *id, *type;

    id = callback_query(p, "id", &len);
    type = callback_query(p, "type", &type_len);

    if (id == NULL || type == NULL || type_len != 1) {
        callback.strange++;
        return;
    }

    callback.events++;

    if (*type == '8') {
        callback.taken++;

    } else if (*type == '2') {
        callback.failed++;

    } else if (*type != '1') {
        callback.strange++;

    } else if (seen_add(&callback.seen, seen_hash(0, id, len))) {
        callback.repeated++;

    } else {
        callback.delivered++;
    }
}


static void
callback_many(const char *body, size_t n)
{
    const char  *at, *end;

    static const char  type[] = "\"type\"", delivered[] = "\"message.delivered\"";

    end = body + n;
    at = body;

    while ((at = memmem(at, (size_t) (end - at), type, sizeof(type) - 1)) != NULL) {

        at += sizeof(type) - 1;
        while (at < end && (*at == ' ' || *at == '\n')) {
            at++;
        }

        if (at == end || *at != ':') {
            continue;
        }

        for (at++; at < end && (*at == ' ' || *at == '\n'); at++) { /* void */ }

        callback.events++;
        callback.delivered += (size_t) (end - at) >= sizeof(delivered) - 1
                              && memcmp(at, delivered, sizeof(delivered) - 1) == 0;
    }
}


static void
callback_count(const callback_peer_t *p, const callback_request_t *r)
{
    callback.requests++;

    if (r->head > 4 && memcmp(p->buf, "GET ", 4) == 0) {
        callback_one(p);

    } else if (r->head > 5 && memcmp(p->buf, "POST ", 5) == 0) {
        callback_many(p->buf + r->head, r->length);

    } else {
        callback.strange++;
    }
}


/* ---- the loop ------------------------------------------------------------- */

/* 1: a request was answered; 0: more must come; -1: the peer is no use */

static int
callback_serve(callback_peer_t *p)
{
    long                whole;
    callback_request_t  r;

    if (!callback_head(p, &r)) {
        return p->n < CALLBACK_MAX ? 0 : -1;
    }

    if (r.length > CALLBACK_BODY) {
        return -1;
    }

    whole = r.chunked ? callback_chunks(p, &r) : (long) (r.head + r.length);

    if (whole < 0 || whole > CALLBACK_MAX) {
        return -1;
    }

    if (whole == 0 || p->n < (size_t) whole) {

        if (r.expects && !p->told) {
            p->told = 1;
            return callback_say(p, CALLBACK_GO_ON, sizeof(CALLBACK_GO_ON) - 1);
        }

        return p->n < CALLBACK_MAX ? 0 : -1;
    }

    callback_count(p, &r);

    memmove(p->buf, p->buf + whole, p->n - (size_t) whole);
    p->n -= (size_t) whole;
    p->told = 0;

    if (callback_say(p, CALLBACK_YES, sizeof(CALLBACK_YES) - 1) != 0) {
        return -1;
    }

    if (r.closes) {
        shutdown(p->fd, SHUT_WR);
    }

    return 1;
}


static void
callback_read(callback_peer_t *p)
{
    int      served;
    ssize_t  n;

    if (p->n == p->size) {
        p->size = p->size ? 2 * p->size : CALLBACK_FIRST;
        p->buf = realloc(p->buf, p->size);

        if (p->buf == NULL) {
            callback_fail("realloc");
        }
    }

    n = recv(p->fd, p->buf + p->n, p->size - p->n, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {
        callback_close(p);
        return;
    }

    p->n += (size_t) n;

    do {
        served = callback_serve(p);
    } while (served > 0 && p->n);

    if (served < 0) {
        callback.strange++;
        callback_close(p);
    }
}


static int
callback_ask(void)
{
    char     line[256];
    ssize_t  n;

    n = read(0, line, sizeof(line));
    if (n <= 0) {
        return -1;
    }

    while (n--) {
        if (line[n] == '\n') {
            printf("requests=%llu events=%llu delivered=%llu failed=%llu taken=%llu "
                   "repeated=%llu strange=%llu\n",
                   (unsigned long long) callback.requests, (unsigned long long) callback.events,
                   (unsigned long long) callback.delivered,
                   (unsigned long long) callback.failed, (unsigned long long) callback.taken,
                   (unsigned long long) callback.repeated,
                   (unsigned long long) callback.strange);
        }
    }

    fflush(stdout);

    return 0;
}


int
main(int argc, char **argv)
{
    int                 i, n;
    struct epoll_event  events[256];

    if (argc != 1 && (argc != 3 || strcmp(argv[1], "--port") != 0)) {
        fprintf(stderr, "usage: callback [--port N]\n");
        return 2;
    }

    for (i = 0; i < CALLBACK_PEERS; i++) {
        callback.peers[i].fd = -1;
    }

    callback.ep = epoll_create1(EPOLL_CLOEXEC);
    callback.listener = listener_open(argc == 3 ? (uint16_t) atoi(argv[2]) : 0, CALLBACK_PEERS);
    callback_watch(callback.listener, CALLBACK_PEERS);
    callback_watch(0, CALLBACK_PEERS + 1);

    for ( ;; ) {
        n = epoll_wait(callback.ep, events, 256, -1);

        for (i = 0; i < n; i++) {

            if (events[i].data.u64 == CALLBACK_PEERS) {
                callback_accept();

            } else if (events[i].data.u64 < CALLBACK_PEERS) {
                if (callback.peers[events[i].data.u64].fd >= 0) {
                    callback_read(&callback.peers[events[i].data.u64]);
                }

            } else if (callback_ask() != 0) {
                return 0;
            }
        }
    }
}
