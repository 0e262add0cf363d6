/* libs: -ldl; cflags: -shared -fPIC
 *
 * loopback.c - preloaded into drive_smpp of kannel-extras, which knows no address to
 * listen on and one port of its bearerbox: it listens on 127.0.0.1, and what it calls
 * 13001 is the port that PEER_SMSBOX names.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>


#define LOOPBACK_SMSBOX  13001

typedef int (*loopback_call_pt)(int fd, const struct sockaddr *sa, socklen_t len);


static int
loopback_call(const char *name, int fd, const struct sockaddr *sa, socklen_t len)
{
    void               *symbol;
    loopback_call_pt    call;
    struct sockaddr_in  sin;

    symbol = dlsym(RTLD_NEXT, name);
    memcpy(&call, &symbol, sizeof(call));

    if (sa->sa_family != AF_INET || len < sizeof(sin)) {
        return call(fd, sa, len);
    }

    memcpy(&sin, sa, sizeof(sin));
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (sin.sin_port == htons(LOOPBACK_SMSBOX) && getenv("PEER_SMSBOX")) {
        sin.sin_port = htons((uint16_t) atoi(getenv("PEER_SMSBOX")));
    }

    return call(fd, (struct sockaddr *) &sin, sizeof(sin));
}


int
bind(int fd, const struct sockaddr *sa, socklen_t len)
{
    return loopback_call("bind", fd, sa, len);
}


int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    return loopback_call("connect", fd, sa, len);
}
