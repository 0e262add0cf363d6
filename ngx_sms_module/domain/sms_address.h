/*
 * sms_address.h - which addresses of the internet somebody else may name to us.
 *
 * A server that sends requests to addresses of its customers' choice can be made
 * to speak to what only it can reach.  Public is what is left of the registries of
 * special addresses (RFC 6890 and its updates): not this host, this link or this
 * site, nor shared (carrier-grade NAT), reserved, benchmark or multicast ones.  An
 * IPv6 address that stands for an IPv4 address (mapped, compatible, NAT64, 6to4)
 * is what that one is.
 */
#ifndef SMS_ADDRESS_H
#define SMS_ADDRESS_H

#include <stddef.h>
#include <stdint.h>


/* In network order; n is 4 or 16.  1: public; 0: it is not, or of another length. */
int sms_address_public(const uint8_t *p, size_t n);


#endif /* SMS_ADDRESS_H */
