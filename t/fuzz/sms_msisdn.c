/* Numbers as people write them, and the prefix tree beside them. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sms_msisdn.h"
#include "sms_prefix.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           rc, found;
    char          out[20];
    size_t        i;
    int64_t       number;
    uint32_t      value;
    sms_msisdn_t  m, again;
    sms_prefix_t  t;

    rc = sms_msisdn_parse((const char *) data, size, &m);
    ENSURE(rc >= 0 && rc <= SMS_MSISDN_E_COUNTRY);

    if (rc == SMS_MSISDN_OK) {
        ENSURE(m.text_len >= 4 && m.text_len <= 16);
        ENSURE(strlen(m.text) == m.text_len && m.text[0] == '+');
        ENSURE(atoll(m.text + 1) == m.number);
        ENSURE((m.flags & SMS_MSISDN_FOREIGN)
               || (m.number >= 905000000000 && m.number <= 905999999999));

        /* the normal form is a fixed point */
        ENSURE(sms_msisdn_parse(m.text, m.text_len, &again) == 0);
        ENSURE(memcmp(&m, &again, sizeof(m)) == 0);
        ENSURE(sms_msisdn_from_number(m.number, &again) == 0);
        ENSURE(memcmp(&m, &again, sizeof(m)) == 0);
        ENSURE(sms_msisdn_mask(m.number, out) == m.text_len);

    } else {
        memset(&again, 0, sizeof(again));
        ENSURE(memcmp(&m, &again, sizeof(m)) == 0);
    }

    if (size >= 8) {
        memcpy(&number, data, 8);
        (void) sms_msisdn_from_number(number, &m);
        ENSURE(sms_msisdn_mask(number, out) == strlen(out));
    }

    /* every slice of the input as a prefix: the longest one is found */
    memset(&t, 0, sizeof(t));

    for (i = 0; i < size && i < 64; i++) {
        (void) sms_prefix_add(&t, (const char *) data, i, (uint32_t) i);
    }

    found = sms_prefix_find(&t, (const char *) data, size, &value);
    ENSURE(found < 0 || (uint32_t) found == value);

    for (i = 0; i < size && data[i] >= '0' && data[i] <= '9'; i++) { /* void */ }

    if (size) {
        ENSURE(found >= 0);
        ENSURE((size_t) found == i
               || (size_t) found == (i == size && i <= 18 ? i - 1 : 18));
    }

    sms_prefix_free(&t);

    return 0;
}
