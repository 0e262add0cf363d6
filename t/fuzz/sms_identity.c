/* Identity numbers in texts: a place that is found holds what was found. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_header.h"
#include "sms_identity.h"
#include "sms_suffix.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                   out[12];
    size_t                 from, i, n, begin, len;
    const char            *p;
    sms_identity_match_t   m;

    if (size > 4096) {
        return 0;
    }

    p = (const char *) data;

    ENSURE(!sms_identity_tckn(p, size) || size == 11);
    ENSURE(!sms_identity_vkn(p, size) || size == 10);
    ENSURE(!sms_identity_mersis(p, size) || size == 16);

    for (from = 0; sms_identity_find_mersis(p, size, from, &m);
         from = m.begin + m.len)
    {
        ENSURE(m.begin >= from && m.len >= 16 && m.len <= 31
               && m.begin + m.len <= size);
        ENSURE(m.kind != SMS_IDENTITY_NONE || m.labelled);
        ENSURE(sms_identity_mersis(m.digits, 16) == m.kind);

        for (i = 0, n = 0; i < m.len; i++) {
            if (p[m.begin + i] >= '0' && p[m.begin + i] <= '9') {
                ENSURE(m.digits[n++] == p[m.begin + i]);
            }
        }

        ENSURE(n == 16);
        ENSURE(sms_identity_find_digits(p, size, m.digits, 16, &begin, &len));
        ENSURE(begin <= m.begin);
    }

    if (sms_suffix_find(p, size, &begin)) {
        ENSURE(begin + 4 <= size && sms_suffix_valid(p + begin, 4));
    }

    if (sms_header_check(p, size, SMS_HEADER_STRICT) == SMS_HEADER_OK) {
        ENSURE(size >= 3 && size <= 11);
        ENSURE(sms_header_check(p, size, SMS_HEADER_LAX) == SMS_HEADER_OK);
        ENSURE(sms_header_suggest(p, size, out) == size);
        ENSURE(memcmp(p, out, size) == 0);
    }

    (void) sms_header_suggest(p, size, out);
    ENSURE(strlen(out) <= 11);

    return 0;
}
