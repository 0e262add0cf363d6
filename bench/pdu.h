/*
 * pdu - the little of SMPP 3.4 that the bench's sink and its measure need,
 * written for them alone: a bench must not share a codec with what it measures.
 */
#ifndef PDU_H
#define PDU_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PDU_HEAD           16
#define PDU_MAX            65536

#define PDU_NACK           0x80000000u
#define PDU_BIND_RX        0x00000001u
#define PDU_BIND_TX        0x00000002u
#define PDU_SUBMIT         0x00000004u
#define PDU_DELIVER        0x00000005u
#define PDU_UNBIND         0x00000006u
#define PDU_BIND_TRX       0x00000009u
#define PDU_ENQUIRE        0x00000015u
#define PDU_ANSWER         0x80000000u

#define PDU_INVALID_CMD    0x00000003u

#define PDU_TAG_PAYLOAD    0x0424u


static inline uint32_t
pdu_get32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}


static inline uint8_t *
pdu_put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t) (v >> 24);
    p[1] = (uint8_t) (v >> 16);
    p[2] = (uint8_t) (v >> 8);
    p[3] = (uint8_t) v;

    return p + 4;
}


static inline uint8_t *
pdu_put_head(uint8_t *p, uint32_t command, uint32_t status, uint32_t sequence)
{
    /* the length is written by pdu_end() */
    p = pdu_put32(p + 4, command);
    p = pdu_put32(p, status);

    return pdu_put32(p, sequence);
}


static inline size_t
pdu_end(uint8_t *begin, uint8_t *end)
{
    pdu_put32(begin, (uint32_t) (end - begin));

    return (size_t) (end - begin);
}


static inline uint8_t *
pdu_put_cstr(uint8_t *p, const char *s)
{
    size_t  n;

    n = strlen(s) + 1;
    memcpy(p, s, n);

    return p + n;
}

#endif /* PDU_H */
