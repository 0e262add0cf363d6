/*
 * blast - how fast is the sink itself?  One transceiver session that submits as
 * fast as the sink answers, and takes its receipts.
 *
 *   blast --port N --seconds S [--window N]
 *
 * Prints name=value: submits, receipts, seconds, rate (submits answered a
 * second).
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pdu.h"


#define BLAST_IN   (256 * 1024)
#define BLAST_OUT  (256 * 1024)

static struct {
    int       fd;
    uint32_t  window, sequence;
    uint64_t  sent, answered, receipts;
    size_t    in, out;
    uint8_t   inbuf[BLAST_IN], outbuf[BLAST_OUT];
} blast;


static double
blast_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


static void
blast_connect(uint16_t port)
{
    uint8_t            *p;
    struct sockaddr_in  a;

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    blast.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (blast.fd < 0 || connect(blast.fd, (struct sockaddr *) &a, sizeof(a)) != 0) {
        perror("connect");
        exit(2);
    }

    p = pdu_put_head(blast.outbuf, PDU_BIND_TRX, 0, ++blast.sequence);
    p = pdu_put_cstr(p, "blast");
    p = pdu_put_cstr(p, "");
    p = pdu_put_cstr(p, "");
    *p++ = 0x34;
    *p++ = 0;
    *p++ = 0;
    p = pdu_put_cstr(p, "");
    blast.out = pdu_end(blast.outbuf, p);
}


static void
blast_submit(void)
{
    int       n;
    char      dest[24], text[160];
    uint8_t  *begin, *p;

    begin = blast.outbuf + blast.out;
    p = pdu_put_head(begin, PDU_SUBMIT, 0, ++blast.sequence);
    p = pdu_put_cstr(p, "");
    *p++ = 5;
    *p++ = 0;
    p = pdu_put_cstr(p, "ORNEK");
    *p++ = 1;
    *p++ = 1;
    snprintf(dest, sizeof(dest), "9053%08u", blast.sequence);
    p = pdu_put_cstr(p, dest);
    memset(p, 0, 9);
    p[5] = 1;                           /* registered_delivery */
    p += 9;
    n = snprintf(text, sizeof(text), "%0140u", blast.sequence);
    *p++ = (uint8_t) n;
    memcpy(p, text, (size_t) n);

    blast.out += pdu_end(begin, p + n);
    blast.sent++;
}


static void
blast_read(void)
{
    size_t    at;
    ssize_t   n;
    uint8_t  *begin;
    uint32_t  len, command;

    n = recv(blast.fd, blast.inbuf + blast.in, BLAST_IN - blast.in, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {
        fprintf(stderr, "blast: the sink closed the connection\n");
        exit(2);
    }

    blast.in += (size_t) n;

    for (at = 0; blast.in - at >= PDU_HEAD; at += len) {

        len = pdu_get32(blast.inbuf + at);
        if (len < PDU_HEAD || blast.in - at < len || blast.out + 64 > BLAST_OUT) {
            break;
        }

        command = pdu_get32(blast.inbuf + at + 4);

        if (command == (PDU_SUBMIT | PDU_ANSWER)) {
            blast.answered++;

        } else if (command == PDU_DELIVER) {
            begin = blast.outbuf + blast.out;
            blast.out += pdu_end(begin, pdu_put_cstr(
                pdu_put_head(begin, PDU_DELIVER | PDU_ANSWER, 0,
                             pdu_get32(blast.inbuf + at + 12)), ""));
            blast.receipts++;
        }
    }

    memmove(blast.inbuf, blast.inbuf + at, blast.in - at);
    blast.in -= at;
}


static void
blast_write(void)
{
    ssize_t  n;

    n = send(blast.fd, blast.outbuf, blast.out, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n > 0) {
        memmove(blast.outbuf, blast.outbuf + n, blast.out - (size_t) n);
        blast.out -= (size_t) n;
    }
}


int
main(int argc, char **argv)
{
    int            i;
    double         begin, seconds;
    uint16_t       port;
    struct pollfd  p;

    port = 0;
    seconds = 1;
    blast.window = 1000;

    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) {
            port = (uint16_t) atoi(argv[i + 1]);

        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = atof(argv[i + 1]);

        } else if (strcmp(argv[i], "--window") == 0) {
            blast.window = (uint32_t) atoi(argv[i + 1]);

        } else {
            break;
        }
    }

    if (i != argc || port == 0 || seconds <= 0) {
        fprintf(stderr, "usage: blast --port N --seconds S [--window N]\n");
        return 2;
    }

    blast_connect(port);
    begin = blast_now();

    while (blast_now() - begin < seconds) {

        while (blast.sent - blast.answered < blast.window && blast.out + 512 < BLAST_OUT) {
            blast_submit();
        }

        p.fd = blast.fd;
        p.events = (short) (blast.out ? POLLIN | POLLOUT : POLLIN);

        if (poll(&p, 1, 1000) > 0) {
            if (p.revents & POLLOUT) {
                blast_write();
            }

            if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
                blast_read();
            }
        }
    }

    seconds = blast_now() - begin;
    printf("submits=%llu receipts=%llu seconds=%.3f rate=%.0f\n",
           (unsigned long long) blast.answered, (unsigned long long) blast.receipts, seconds,
           (double) blast.answered / seconds);

    return 0;
}
