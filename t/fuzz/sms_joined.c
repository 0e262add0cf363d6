/* Parts from a handset: bounded, without NUL, valid, and never more than fits. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_joined.h"
#include "sms_utf8.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)

#define PARTS_MAX  16


/* each part: step of the number, data_coding, length of the header, of the octets */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               *out;
    size_t              at, n, len, cap, octets, readable;
    unsigned            seq, total;
    uint8_t            *scratch;
    sms_joined_part_t   parts[PARTS_MAX];

    if (size < 1) {
        return 0;
    }

    total = data[0];
    at = 1;
    seq = 0;
    octets = 0;

    for (n = 0; n < PARTS_MAX && size - at >= 4; n++) {
        seq += 1 + data[at] % 3;
        parts[n].seq = seq;
        parts[n].data_coding = data[at + 1];
        parts[n].udh_len = data[at + 2] % 32;
        parts[n].len = data[at + 3];
        at += 4;

        if (parts[n].udh_len > size - at) {
            parts[n].udh_len = size - at;
        }

        parts[n].udh = parts[n].udh_len ? data + at : NULL;
        at += parts[n].udh_len;

        if (parts[n].len > size - at) {
            parts[n].len = size - at;
        }

        parts[n].octets = parts[n].len ? data + at : NULL;
        at += parts[n].len;
        octets += parts[n].len;
    }

    cap = sms_joined_room(octets, n);
    out = malloc(cap);
    scratch = malloc(octets + 1);
    ENSURE(out != NULL && scratch != NULL);

    readable = sms_joined_text(parts, n, total, scratch, out, cap, &len);
    ENSURE(readable <= n);
    ENSURE(len <= cap);
    ENSURE(sms_utf8_valid(out, len));
    ENSURE(memchr(out, '\0', len) == NULL);

    free(out);
    free(scratch);

    return 0;
}
