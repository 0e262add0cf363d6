/* Parts of a text: sizes, bounds, and what a receiver reads is the text again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_segment.h"
#include "sms_utf8.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)

static const char  suffix[] = " B002";


static unsigned
naive_parts(const sms_segment_t *s)
{
    if (s->units <= s->single) {
        return 1;
    }

    return (s->units + s->multi - 1) / s->multi;
}


static void
split(const sms_segment_profile_t *pf, const sms_segment_t *s,
    const sms_segment_part_t *parts, const char *p, size_t n)
{
    char               *text;
    size_t              len, total, at;
    unsigned            k, capacity;
    sms_segment_out_t   out;
    sms_segment_udh_t   h;

    text = malloc(6 * n + 64);
    ENSURE(text != NULL);
    total = 0;
    at = 0;
    capacity = s->parts > 1 ? s->multi : s->single;

    for (k = 1; k <= s->parts; k++) {
        ENSURE(parts[k - 1].begin == at);
        at += parts[k - 1].len;
        ENSURE(parts[k - 1].units <= capacity);
        ENSURE(parts[k - 1].len > 0 || s->parts == 1);

        ENSURE(sms_segment_split(pf, s, &parts[k - 1], p, n, k, 0xBEEF, &out)
               == SMS_SEGMENT_OK);

        memset(&h, 0, sizeof(h));
        ENSURE(out.udh_len == 0
               || sms_segment_udh_read(out.udh, out.udh_len, &h) == 0);
        ENSURE(h.total == (s->parts > 1 ? s->parts : 0));
        ENSURE(h.seq == (s->parts > 1 ? k : 0));
        ENSURE(h.shift == (s->encoding == SMS_SEGMENT_TR_SINGLE));
        ENSURE(h.lock == (s->encoding == SMS_SEGMENT_TR_LOCKING));

        if (out.data_coding == 8) {
            ENSURE(out.udh_len + out.payload_len <= 140);

        } else {
            ENSURE((out.udh_len * 8 + 6) / 7 + out.payload_len <= 160);
            ENSURE(out.septets == out.payload_len);
        }

        ENSURE(sms_segment_text(out.data_coding, out.udh, out.udh_len,
                                out.payload, out.payload_len, text + total,
                                6 * n + 64 - total, &len) == SMS_SEGMENT_OK);
        total += len;
    }

    ENSURE(at == n);

    if (pf->append != NULL) {
        ENSURE(total >= pf->suffix
               && memcmp(text + total - pf->suffix, suffix, pf->suffix) == 0);
        total -= pf->suffix;
    }

    ENSURE(total == n && memcmp(text, p, n) == 0);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                     rc;
    size_t                  n;
    unsigned                k;
    uint32_t                units;
    const char             *p;
    sms_segment_t           s, bare;
    sms_segment_part_t      parts[SMS_SEGMENT_PARTS_MAX];
    sms_segment_profile_t   pf;

    if (size < 2) {
        return 0;
    }

    memset(&pf, 0, sizeof(pf));
    pf.shift = (data[0] & 3) % 3;
    pf.force = ((data[0] >> 2) & 7) % 5;
    pf.ref_bits = (data[0] & 0x20) ? 16 : 8;
    pf.suffix = (data[0] & 0x40) ? 5 : 0;
    pf.append = (data[0] & 0x80) && pf.suffix ? suffix : NULL;
    pf.max_parts = data[1];
    p = (const char *) data + 2;
    n = size - 2;

    rc = sms_segment_count(&pf, p, n, &s, parts, SMS_SEGMENT_PARTS_MAX);

    ENSURE((rc == SMS_SEGMENT_E_UTF8) == !sms_utf8_valid(p, n));

    if (rc == SMS_SEGMENT_E_ENCODING) {
        ENSURE(pf.force && s.costly_len && s.costly + s.costly_len <= n);
        return 0;
    }

    if (rc == SMS_SEGMENT_E_TOO_LONG) {
        ENSURE(s.parts > (pf.max_parts ? pf.max_parts
                                       : SMS_SEGMENT_PARTS_DEFAULT));
        return 0;
    }

    if (rc != SMS_SEGMENT_OK) {
        ENSURE(rc == SMS_SEGMENT_E_UTF8);
        return 0;
    }

    /* never fewer than a quotient, at most a unit a part more */
    ENSURE(s.parts >= naive_parts(&s));
    ENSURE(s.parts == 1
           || (uint32_t) (s.parts - 1) * (s.multi - 1u)
              < s.units + SMS_SEGMENT_SUFFIX_MAX + 2);

    units = 0;

    for (k = 0; k < s.parts; k++) {
        units += parts[k].units;
    }

    ENSURE(units == s.units);

    if (memchr(p, 0, n) != NULL) {
        /* counted all the same, but no text of ours; not read back as it was */
        return 0;
    }

    split(&pf, &s, parts, p, n);

    /* the suffix costs its units, and a part only where they do not fit */
    if (pf.suffix) {
        pf.suffix = 0;
        pf.append = NULL;
        pf.max_parts = 255;
        ENSURE(sms_segment_count(&pf, p, n, &bare, NULL, 0) == SMS_SEGMENT_OK);
        ENSURE(bare.encoding == s.encoding && bare.units + 5 == s.units);

        /* whole graphemes leave less than the filling that is counted by */
        ENSURE(s.parts == bare.parts + (bare.left < 5)
               || (s.encoding == SMS_SEGMENT_UCS2 && s.parts == bare.parts));
    }

    return 0;
}
