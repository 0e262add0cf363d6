/*
 * listener - a listening socket of 127.0.0.1, as the bench's sinks have it.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdint.h>

/* Prints "port N" and answers the socket, non-blocking.  Port 0: a free one.
 * Ends the program when it cannot.                                          */
int listener_open(uint16_t port, int backlog);

/* The next connection, non-blocking and without Nagle's delay; -1: none. */
int listener_accept(int listener);

#endif /* LISTENER_H */
