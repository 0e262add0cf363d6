/*
 * sink - an SMSC that takes everything at once: the bench's far end.
 *
 *   sink [--port N] [--receipt-ms N] [--window N] [--marks FILE --prefix DIGITS]
 *
 * Prints "port N" and serves SMPP 3.4 on 127.0.0.1 until its standard input
 * ends.  Each line of input is answered by one line of name=value:
 *   submits      submit_sm taken            duplicates  same source, destination
 *                                           and text once more
 *   receipts     receipts that the other side took (deliver_sm_resp, status 0)
 *   refused      receipts that it did not take; they are brought again
 *   strange      PDUs that were no use      binds       sessions bound now
 *
 * Receipts (DELIVRD) go out receipt-ms after the submit (100), over any bound
 * session that may receive, with at most window (500) of them unanswered there.
 * With marks, when a number that begins with "prefix" came is written there,
 * whole after each answer to a line of input; see marks.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"
#include "marks.h"
#include "pdu.h"
#include "seen.h"


#define SINK_SESSIONS    64
#define SINK_IN          (256 * 1024)
#define SINK_OUT         (1024 * 1024)
#define SINK_WINDOW_MAX  4096
#define SINK_ADDRESS     24
#define SINK_TURN        512            /* receipts to one session at a time */
#define SINK_AGAIN_MS    500

typedef struct {
    uint64_t  due_ms, id;
    char      source[SINK_ADDRESS], dest[SINK_ADDRESS];
} sink_receipt_t;

typedef struct {
    int             fd;                 /* -1: free */
    int             bound, receives, waits;
    uint32_t        sequence, unanswered;
    size_t          in, out, gone;      /* bytes in the buffers; of out, sent */
    uint8_t        *inbuf, *outbuf;
    sink_receipt_t *pending;            /* by sequence % window */
    uint8_t        *taken;              /* is that place of pending in use? */
} sink_session_t;

static struct {
    int              ep, listener;
    uint32_t         receipt_ms, window;
    uint64_t         submits, duplicates, receipts, refused, strange, next_id;
    sink_session_t   sessions[SINK_SESSIONS];
    uint32_t         turn;
    seen_t           seen;
    /* receipts that wait, in order: a ring */
    sink_receipt_t  *ring;
    size_t           ring_size, ring_first, ring_n;
} sink;


static void
sink_fail(const char *what)
{
    perror(what);
    exit(2);
}


static uint64_t
sink_now_ms(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}


static void *
sink_alloc(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p == NULL) {
        sink_fail("calloc");
    }

    return p;
}


static void
sink_watch(int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event  e;

    memset(&e, 0, sizeof(e));
    e.events = events;
    e.data.u64 = data;

    if (epoll_ctl(sink.ep, op, fd, &e) != 0) {
        sink_fail("epoll_ctl");
    }
}


static void
sink_wait(const sink_receipt_t *r)
{
    size_t           i;
    sink_receipt_t  *ring;

    if (sink.ring_n == sink.ring_size) {
        ring = sink_alloc(sink.ring_size ? 2 * sink.ring_size : 4096, sizeof(*ring));

        for (i = 0; i < sink.ring_n; i++) {
            ring[i] = sink.ring[(sink.ring_first + i) % sink.ring_size];
        }

        free(sink.ring);
        sink.ring = ring;
        sink.ring_first = 0;
        sink.ring_size = sink.ring_size ? 2 * sink.ring_size : 4096;
    }

    sink.ring[(sink.ring_first + sink.ring_n++) % sink.ring_size] = *r;
}


static void
sink_again(sink_receipt_t *r)
{
    r->due_ms = sink_now_ms() + SINK_AGAIN_MS;
    sink_wait(r);
}


static void
sink_close(sink_session_t *s)
{
    uint32_t  i;

    for (i = 0; i < sink.window; i++) {
        if (s->taken[i]) {
            s->taken[i] = 0;
            sink_again(&s->pending[i]);
        }
    }

    close(s->fd);
    s->fd = -1;
    s->bound = 0;
}


static void
sink_accept(void)
{
    int              fd, i;
    sink_session_t  *s;

    fd = listener_accept(sink.listener);
    if (fd < 0) {
        return;
    }

    for (i = 0; i < SINK_SESSIONS && sink.sessions[i].fd >= 0; i++) { /* void */ }

    if (i == SINK_SESSIONS) {
        close(fd);
        return;
    }

    s = &sink.sessions[i];
    if (s->inbuf == NULL) {
        s->inbuf = sink_alloc(1, SINK_IN);
        s->outbuf = sink_alloc(1, SINK_OUT);
        s->pending = sink_alloc(sink.window, sizeof(*s->pending));
        s->taken = sink_alloc(sink.window, 1);
    }

    s->fd = fd;
    s->bound = s->receives = s->waits = 0;
    s->sequence = s->unanswered = 0;
    s->in = s->out = s->gone = 0;
    sink_watch(EPOLL_CTL_ADD, fd, EPOLLIN, (uint64_t) i);
}


static void
sink_flush(sink_session_t *s)
{
    ssize_t  n;

    while (s->gone < s->out) {
        n = send(s->fd, s->outbuf + s->gone, s->out - s->gone, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }

        if (n < 0) {
            break;
        }

        s->gone += (size_t) n;
    }

    if (s->gone == s->out) {
        s->gone = s->out = 0;
    }

    if ((s->out != 0) != s->waits) {
        s->waits = !s->waits;
        sink_watch(EPOLL_CTL_MOD, s->fd, s->waits ? EPOLLIN | EPOLLOUT : EPOLLIN,
                   (uint64_t) (s - sink.sessions));
    }
}


/* room for one more PDU of n bytes at s->outbuf + s->out */

static int
sink_room(sink_session_t *s, size_t n)
{
    if (s->out + n > SINK_OUT && s->gone) {
        memmove(s->outbuf, s->outbuf + s->gone, s->out - s->gone);
        s->out -= s->gone;
        s->gone = 0;
    }

    return s->out + n <= SINK_OUT;
}


static void
sink_answer(sink_session_t *s, uint32_t command, uint32_t status, uint32_t sequence,
    const char *text)
{
    uint8_t  *begin, *p;

    begin = s->outbuf + s->out;
    p = pdu_put_head(begin, command, status, sequence);

    if (text) {
        p = pdu_put_cstr(p, text);
    }

    s->out += pdu_end(begin, p);
}


/* *p behind a C string of less than "size" octets; -1: it has no end */

static int
sink_cstr(const uint8_t **p, const uint8_t *end, char *to, size_t size)
{
    size_t  n;

    n = strnlen((const char *) *p, (size_t) (end - *p));

    if (*p + n >= end || n >= size) {
        return -1;
    }

    memcpy(to, *p, n + 1);
    *p += n + 1;

    return 0;
}


static int
sink_submit(sink_session_t *s, const uint8_t *pdu, const uint8_t *end, uint32_t sequence)
{
    int             registered;
    char            skipped[SINK_ADDRESS], id[24];
    size_t          len;
    uint64_t        hash;
    const uint8_t  *p, *text;
    sink_receipt_t  r;

    p = pdu + PDU_HEAD;

    /* service_type, source, destination */
    if (sink_cstr(&p, end, skipped, sizeof(skipped)) != 0 || end - p < 3) {
        return -1;
    }

    p += 2;
    if (sink_cstr(&p, end, r.source, sizeof(r.source)) != 0 || end - p < 3) {
        return -1;
    }

    p += 2;
    if (sink_cstr(&p, end, r.dest, sizeof(r.dest)) != 0 || end - p < 4) {
        return -1;
    }

    /* esm_class, protocol_id, priority; schedule and validity */
    p += 3;
    if (sink_cstr(&p, end, skipped, sizeof(skipped)) != 0) {
        return -1;
    }

    if (sink_cstr(&p, end, skipped, sizeof(skipped)) != 0 || end - p < 5) {
        return -1;
    }

    registered = p[0] & 1;
    len = p[4];
    text = p + 5;

    if (len > (size_t) (end - text)) {
        return -1;
    }

    if (len == 0 && end - text >= 4
        && ((uint32_t) text[0] << 8 | text[1]) == PDU_TAG_PAYLOAD)
    {
        len = (size_t) text[2] << 8 | text[3];
        text += 4;

        if (len > (size_t) (end - text)) {
            return -1;
        }
    }

    hash = seen_hash(0, r.source, strlen(r.source) + 1);
    hash = seen_hash(hash, r.dest, strlen(r.dest) + 1);
    hash = seen_hash(hash, text, len);

    marks_seen(r.dest);
    sink.submits++;
    sink.duplicates += (uint64_t) seen_add(&sink.seen, hash);

    r.id = ++sink.next_id;
    snprintf(id, sizeof(id), "%llu", (unsigned long long) r.id);
    sink_answer(s, PDU_SUBMIT | PDU_ANSWER, 0, sequence, id);

    if (registered) {
        r.due_ms = sink_now_ms() + sink.receipt_ms;
        sink_wait(&r);
    }

    return 0;
}


static void
sink_bind(sink_session_t *s, uint32_t command, uint32_t sequence)
{
    s->bound = 1;
    s->receives = command != PDU_BIND_TX;
    sink_answer(s, command | PDU_ANSWER, 0, sequence, "sink");
}


static void
sink_delivered(sink_session_t *s, uint32_t status, uint32_t sequence)
{
    uint32_t  i;

    i = sequence % sink.window;

    if (!s->taken[i]) {
        sink.strange++;
        return;
    }

    s->taken[i] = 0;
    s->unanswered--;

    if (status == 0) {
        sink.receipts++;

    } else {
        sink.refused++;
        sink_again(&s->pending[i]);
    }
}


static void
sink_pdu(sink_session_t *s, const uint8_t *p, size_t n)
{
    uint32_t  command, status, sequence;

    command = pdu_get32(p + 4);
    status = pdu_get32(p + 8);
    sequence = pdu_get32(p + 12);

    switch (command) {

    case PDU_SUBMIT:
        if (s->bound && sink_submit(s, p, p + n, sequence) == 0) {
            return;
        }
        break;

    case PDU_DELIVER | PDU_ANSWER:
        sink_delivered(s, status, sequence);
        return;

    case PDU_BIND_RX:
    case PDU_BIND_TX:
    case PDU_BIND_TRX:
        sink_bind(s, command, sequence);
        return;

    case PDU_UNBIND:
    case PDU_ENQUIRE:
        sink_answer(s, command | PDU_ANSWER, 0, sequence, NULL);
        return;

    default:
        break;
    }

    sink.strange++;

    if (!(command & PDU_ANSWER)) {
        sink_answer(s, PDU_NACK, PDU_INVALID_CMD, sequence, NULL);
    }
}


/* whatever is whole in the buffer, as long as there is room for the answers */

static void
sink_parse(sink_session_t *s)
{
    size_t    at;
    uint32_t  len;

    for (at = 0; s->in - at >= PDU_HEAD; at += len) {

        len = pdu_get32(s->inbuf + at);

        if (len < PDU_HEAD || len > PDU_MAX) {
            sink.strange++;
            sink_close(s);
            return;
        }

        if (s->in - at < len || !sink_room(s, 256)) {
            break;
        }

        sink_pdu(s, s->inbuf + at, len);
    }

    memmove(s->inbuf, s->inbuf + at, s->in - at);
    s->in -= at;
    sink_flush(s);
}


static void
sink_read(sink_session_t *s)
{
    ssize_t  n;

    if (s->in < SINK_IN) {

        n = recv(s->fd, s->inbuf + s->in, SINK_IN - s->in, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }

        if (n <= 0) {
            sink_close(s);
            return;
        }

        s->in += (size_t) n;
    }

    sink_parse(s);
}


static void
sink_deliver(sink_session_t *s, const sink_receipt_t *r)
{
    int       n;
    char      text[160];
    uint8_t  *begin, *p;

    /* the window has room, so within "window" numbers one place is free */
    while (s->taken[++s->sequence % sink.window]) { /* void */ }

    s->pending[s->sequence % sink.window] = *r;
    s->taken[s->sequence % sink.window] = 1;
    s->unanswered++;

    n = snprintf(text, sizeof(text), "id:%llu sub:001 dlvrd:001 submit date:2601011200 "
                 "done date:2601011200 stat:DELIVRD err:000 text:",
                 (unsigned long long) r->id);

    begin = s->outbuf + s->out;
    p = pdu_put_head(begin, PDU_DELIVER, 0, s->sequence);
    *p++ = 0;
    *p++ = 1;
    *p++ = 1;
    p = pdu_put_cstr(p, r->dest);
    *p++ = 5;
    *p++ = 0;
    p = pdu_put_cstr(p, r->source);
    *p++ = 4;                           /* esm_class: a receipt */
    memset(p, 0, 8);
    p += 8;
    *p++ = (uint8_t) n;
    memcpy(p, text, (size_t) n);
    s->out += pdu_end(begin, p + n);
}


static void
sink_receipts(void)
{
    int              i, n;
    uint64_t         now;
    sink_session_t  *s;

    if (sink.ring_n == 0) {
        return;
    }

    now = sink_now_ms();

    for (i = 0; i < SINK_SESSIONS; i++) {
        s = &sink.sessions[sink.turn++ % SINK_SESSIONS];

        if (s->fd < 0 || !s->bound || !s->receives) {
            continue;
        }

        for (n = 0; n < SINK_TURN && sink.ring_n && s->unanswered < sink.window; n++) {

            if (sink.ring[sink.ring_first].due_ms > now || !sink_room(s, 512)) {
                break;
            }

            sink_deliver(s, &sink.ring[sink.ring_first]);
            sink.ring_first = (sink.ring_first + 1) % sink.ring_size;
            sink.ring_n--;
        }

        sink_flush(s);
    }
}


/* one line of numbers for each line of input; -1 at its end */

static int
sink_ask(void)
{
    int      i, binds;
    char     line[256];
    ssize_t  n;

    n = read(0, line, sizeof(line));
    if (n <= 0) {
        return -1;
    }

    marks_flush();

    for (i = 0, binds = 0; i < SINK_SESSIONS; i++) {
        binds += sink.sessions[i].fd >= 0 && sink.sessions[i].bound;
    }

    while (n--) {
        if (line[n] == '\n') {
            printf("submits=%llu duplicates=%llu receipts=%llu refused=%llu strange=%llu "
                   "binds=%d\n",
                   (unsigned long long) sink.submits, (unsigned long long) sink.duplicates,
                   (unsigned long long) sink.receipts, (unsigned long long) sink.refused,
                   (unsigned long long) sink.strange, binds);
        }
    }

    fflush(stdout);

    return 0;
}


int
main(int argc, char **argv)
{
    int                 i, n;
    uint16_t            port;
    const char         *marks, *prefix;
    sink_session_t     *s;
    struct epoll_event  events[SINK_SESSIONS + 2];

    port = 0;
    marks = NULL;
    prefix = "";
    sink.receipt_ms = 100;
    sink.window = 500;

    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) {
            port = (uint16_t) atoi(argv[i + 1]);

        } else if (strcmp(argv[i], "--receipt-ms") == 0) {
            sink.receipt_ms = (uint32_t) atoi(argv[i + 1]);

        } else if (strcmp(argv[i], "--window") == 0) {
            sink.window = (uint32_t) atoi(argv[i + 1]);

        } else if (strcmp(argv[i], "--marks") == 0) {
            marks = argv[i + 1];

        } else if (strcmp(argv[i], "--prefix") == 0) {
            prefix = argv[i + 1];

        } else {
            break;
        }
    }

    if (i != argc || sink.window == 0 || sink.window > SINK_WINDOW_MAX) {
        fprintf(stderr, "usage: sink [--port N] [--receipt-ms N] [--window N] "
                "[--marks FILE --prefix DIGITS]\n");
        return 2;
    }

    if (marks && marks_open(marks, prefix) != 0) {
        return 2;
    }

    for (i = 0; i < SINK_SESSIONS; i++) {
        sink.sessions[i].fd = -1;
    }

    sink.ep = epoll_create1(EPOLL_CLOEXEC);
    sink.listener = listener_open(port, SINK_SESSIONS);
    sink_watch(EPOLL_CTL_ADD, sink.listener, EPOLLIN, SINK_SESSIONS);
    sink_watch(EPOLL_CTL_ADD, 0, EPOLLIN, SINK_SESSIONS + 1);

    for ( ;; ) {
        n = epoll_wait(sink.ep, events, SINK_SESSIONS + 2, sink.ring_n ? 2 : -1);

        for (i = 0; i < n; i++) {

            if (events[i].data.u64 == SINK_SESSIONS) {
                sink_accept();

            } else if (events[i].data.u64 == SINK_SESSIONS + 1) {
                if (sink_ask() != 0) {
                    return 0;
                }

            } else {
                s = &sink.sessions[events[i].data.u64];

                if (s->fd >= 0 && (events[i].events & EPOLLOUT)) {
                    sink_flush(s);
                    sink_parse(s);
                }

                if (s->fd >= 0 && (events[i].events & ~(uint32_t) EPOLLOUT)) {
                    sink_read(s);
                }
            }
        }

        sink_receipts();
    }
}
