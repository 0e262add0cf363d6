/*
 * fakehost_socket.c - streams over real, plain TCP to numeric addresses.
 */
#define _GNU_SOURCE
#include "fakehost_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>


int
fakehost_socket_open(fakehost_stream_t *s, sms_str_t peer, uint32_t port)
{
    struct sockaddr_in  sin;
    char                text[64];

    if (peer.len >= sizeof(text)) {
        return 0;
    }
    memcpy(text, peer.ptr, peer.len);
    text[peer.len] = '\0';

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    if (inet_pton(AF_INET, text, &sin.sin_addr) != 1) {
        return 0;
    }

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd == -1) {
        return 0;
    }
    if (connect(s->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1 && errno != EINPROGRESS) {
        close(s->fd);
        s->fd = -1;
        return 0;
    }

    return 1;
}


static int
fakehost_socket_read(fakehost_t *fh, fakehost_stream_t *s)
{
    char     buf[4096];
    ssize_t  n;

    n = recv(s->fd, buf, sizeof(buf), 0);
    if (n == 0) {
        fakehost_stream_gone(fh, s, SMS_OK);
        return 1;
    }
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return 0;
        }
        fakehost_stream_gone(fh, s, SMS_E_DOWN);
        return 1;
    }

    fakehost_stream_append(&s->in, &s->nin, buf, (size_t) n);
    s->visible = s->nin;
    fakehost_stream_feed(fh, s);
    return 1;
}


static int
fakehost_socket_write(fakehost_t *fh, fakehost_stream_t *s)
{
    ssize_t  n;

    n = send(s->fd, s->out, s->nout, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return 0;
        }
        fakehost_stream_gone(fh, s, SMS_E_DOWN);
        return 1;
    }

    memmove(s->out, s->out + n, s->nout - (size_t) n);
    s->nout -= (size_t) n;
    fakehost_stream_writable(fh, s);
    return 1;
}


static int
fakehost_socket_ready(fakehost_t *fh, fakehost_stream_t *s, short revents)
{
    socklen_t  len;
    int        error;

    if (!s->open) {
        error = 0;
        len = sizeof(error);
        (void) getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) {
            fakehost_stream_gone(fh, s, SMS_E_DOWN);
        } else if (revents & POLLOUT) {
            fakehost_stream_opened(fh, s);
        }
        return 1;
    }
    if ((revents & POLLOUT) && s->nout) {
        return fakehost_socket_write(fh, s);
    }

    return (revents & (POLLIN | POLLHUP | POLLERR)) ? fakehost_socket_read(fh, s) : 0;
}


int
fakehost_socket_pump(fakehost_t *fh, int timeout_ms)
{
    fakehost_stream_t  *s;
    struct pollfd       pfd;

    for (s = fh->streams; s; s = s->next) {
        if (s->fd == -1) {
            continue;
        }
        if (s->closing && s->nout == 0) {
            fakehost_stream_gone(fh, s, SMS_OK);
            return 1;
        }
        if (!s->open && fh->now_us > s->deadline_us) {
            fakehost_stream_gone(fh, s, SMS_E_TIMEOUT);
            return 1;
        }
        pfd.fd = s->fd;
        pfd.events = (short) (!s->open || s->nout ? POLLIN | POLLOUT : POLLIN);
        pfd.revents = 0;
        if (poll(&pfd, 1, timeout_ms) > 0 && fakehost_socket_ready(fh, s, pfd.revents)) {
            return 1;
        }
    }

    return 0;
}
