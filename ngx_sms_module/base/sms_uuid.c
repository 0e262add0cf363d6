#include "sms_uuid.h"

#include <string.h>


#define SMS_UUID_MS_MAX       ((UINT64_C(1) << 48) - 1)
#define SMS_UUID_COUNTER_MAX  0xFFFu


void
sms_uuid_init(sms_uuid_gen_t *g, sms_uuid_random_pt random, void *data)
{
    memset(g, 0, sizeof(sms_uuid_gen_t));

    g->random = random;
    g->data = data;
}


static void
sms_uuid_set_ms(uint64_t ms, uint8_t id[16])
{
    unsigned  i;

    for (i = 0; i < 6; i++) {
        id[i] = (uint8_t) (ms >> (40 - 8 * i));
    }
}


int
sms_uuid_make(sms_uuid_gen_t *g, uint64_t now_ms, uint8_t id[16])
{
    uint64_t  ms;
    uint32_t  counter;

    if (now_ms > SMS_UUID_MS_MAX) {
        goto failed;
    }

    if (now_ms > g->ms) {
        ms = now_ms;
        counter = 0;

    } else {
        ms = g->ms;
        counter = g->counter + 1;

        if (counter > SMS_UUID_COUNTER_MAX) {
            ms++;
            counter = 0;

            if (ms > SMS_UUID_MS_MAX) {
                goto failed;
            }
        }
    }

    if (g->random(g->data, id + 8, 8) != 0) {
        goto failed;
    }

    g->ms = ms;
    g->counter = counter;

    sms_uuid_set_ms(ms, id);
    id[6] = (uint8_t) (0x70 | (counter >> 8));
    id[7] = (uint8_t) counter;
    id[8] = (uint8_t) (0x80 | (id[8] & 0x3F));

    return 0;

failed:

    memset(id, 0, SMS_UUID_LEN);

    return -1;
}


int
sms_uuid_is_v7(const uint8_t id[16])
{
    return (id[6] & 0xF0) == 0x70 && (id[8] & 0xC0) == 0x80;
}


uint64_t
sms_uuid_ms(const uint8_t id[16])
{
    uint64_t  ms;
    unsigned  i;

    ms = 0;

    for (i = 0; i < 6; i++) {
        ms = (ms << 8) | id[i];
    }

    return ms;
}


void
sms_uuid_min(uint64_t ms, uint8_t id[16])
{
    memset(id, 0, SMS_UUID_LEN);
    sms_uuid_set_ms(ms > SMS_UUID_MS_MAX ? SMS_UUID_MS_MAX : ms, id);
    id[6] = 0x70;
    id[8] = 0x80;
}


void
sms_uuid_max(uint64_t ms, uint8_t id[16])
{
    memset(id, 0xFF, SMS_UUID_LEN);
    sms_uuid_set_ms(ms > SMS_UUID_MS_MAX ? SMS_UUID_MS_MAX : ms, id);
    id[6] = 0x7F;
    id[8] = 0xBF;
}


void
sms_uuid_print(const uint8_t id[16], char out[36])
{
    unsigned  i, at;

    static const char  hex[] = "0123456789abcdef";

    at = 0;

    for (i = 0; i < SMS_UUID_LEN; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[at++] = '-';
        }

        out[at++] = hex[id[i] >> 4];
        out[at++] = hex[id[i] & 0x0F];
    }
}


static int
sms_uuid_nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }

    return -1;
}


int
sms_uuid_parse(const char *p, size_t n, uint8_t id[16])
{
    int       high, low;
    unsigned  i, at;

    if (n != SMS_UUID_TEXT_LEN) {
        return -1;
    }

    at = 0;

    for (i = 0; i < SMS_UUID_LEN; i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            if (p[at++] != '-') {
                return -1;
            }
        }

        high = sms_uuid_nibble(p[at++]);
        low = sms_uuid_nibble(p[at++]);

        if (high < 0 || low < 0) {
            return -1;
        }

        id[i] = (uint8_t) (high << 4 | low);
    }

    return 0;
}
