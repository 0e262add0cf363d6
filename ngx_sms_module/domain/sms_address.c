#include "sms_address.h"

#include <string.h>


typedef struct {
    uint8_t  net[16];
    uint8_t  bits;
} sms_address_net_t;


static int sms_address_in(const uint8_t *p, const sms_address_net_t *nets,
    size_t n);


static const sms_address_net_t  sms_address_v4[] = {
    { { 0 }, 8 },                       /* this network, unspecified          */
    { { 10 }, 8 },
    { { 100, 64 }, 10 },                /* shared, RFC 6598                   */
    { { 127 }, 8 },
    { { 169, 254 }, 16 },
    { { 172, 16 }, 12 },
    { { 192, 0, 0 }, 24 },              /* protocol assignments               */
    { { 192, 168 }, 16 },
    { { 198, 18 }, 15 },                /* benchmarks                         */
    { { 224 }, 3 }                      /* multicast, reserved, broadcast     */
};

static const sms_address_net_t  sms_address_v6[] = {
    { { 0x01 }, 8 },                    /* discard-only among them            */
    { { 0xfc }, 7 },                    /* unique local                       */
    { { 0xfe, 0x80 }, 10 },             /* link-local                         */
    { { 0xfe, 0xc0 }, 10 },             /* site-local, once                   */
    { { 0xff }, 8 },
    { { 0x20, 0x01 }, 23 },             /* protocol assignments, Teredo       */
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }      /* local NAT64        */
};

/* the IPv4 address stands behind the net */
static const sms_address_net_t  sms_address_holders[] = {
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 },
    { { 0 }, 96 },
    { { 0x00, 0x64, 0xff, 0x9b }, 96 },
    { { 0x20, 0x02 }, 16 }
};

#define sms_address_n(nets)  (sizeof(nets) / sizeof(nets[0]))


int
sms_address_public(const uint8_t *p, size_t n)
{
    size_t  i;

    if (n == 4) {
        return !sms_address_in(p, sms_address_v4, sms_address_n(sms_address_v4));
    }

    if (n != 16) {
        return 0;
    }

    for (i = 0; i < sms_address_n(sms_address_holders); i++) {
        if (sms_address_in(p, &sms_address_holders[i], 1)) {
            return sms_address_public(p + sms_address_holders[i].bits / 8, 4);
        }
    }

    return !sms_address_in(p, sms_address_v6, sms_address_n(sms_address_v6));
}


static int
sms_address_in(const uint8_t *p, const sms_address_net_t *nets, size_t n)
{
    size_t   i, octets;
    uint8_t  mask;

    for (i = 0; i < n; i++) {

        octets = nets[i].bits / 8;
        mask = (uint8_t) (0xff00 >> nets[i].bits % 8);

        if (memcmp(p, nets[i].net, octets) == 0
            && (mask == 0 || (p[octets] & mask) == nets[i].net[octets]))
        {
            return 1;
        }
    }

    return 0;
}
