#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* accept4() */
#endif

#include "listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>


int
listener_open(uint16_t port, int backlog)
{
    int                 fd, one;
    socklen_t           len;
    struct sockaddr_in  a;

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(a);
    one = 1;

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));

    if (fd < 0 || bind(fd, (struct sockaddr *) &a, len) != 0 || listen(fd, backlog) != 0
        || getsockname(fd, (struct sockaddr *) &a, &len) != 0)
    {
        perror("listen");
        exit(2);
    }

    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);

    return fd;
}


int
listener_accept(int listener)
{
    int  fd, one;

    fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }

    return fd;
}
