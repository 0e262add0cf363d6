#include "sms_joined.h"

#include <string.h>

#include "sms_segment.h"


static const char  sms_joined_gap[] = "\xE2\x80\xA6";


/* 1: the second goes on where the first ends, in the same alphabet */
static int
sms_joined_goes_on(const sms_joined_part_t *a, const sms_joined_part_t *b)
{
    sms_segment_udh_t  h, k;

    if (b->seq != a->seq + 1 || a->data_coding != b->data_coding) {
        return 0;
    }

    memset(&h, 0, sizeof(h));
    memset(&k, 0, sizeof(k));

    if (a->udh_len && sms_segment_udh_read(a->udh, a->udh_len, &h) != SMS_SEGMENT_OK) {
        return 0;
    }

    if (b->udh_len && sms_segment_udh_read(b->udh, b->udh_len, &k) != SMS_SEGMENT_OK) {
        return 0;
    }

    return h.lock == k.lock && h.shift == k.shift;
}


static void
sms_joined_put_gap(char *out, size_t cap, size_t *len)
{
    size_t  n;

    n = sizeof(sms_joined_gap) - 1;

    if (cap - *len >= n) {
        memcpy(out + *len, sms_joined_gap, n);
        *len += n;
    }
}


size_t
sms_joined_text(const sms_joined_part_t *parts, size_t n, unsigned total,
    uint8_t *scratch, char *out, size_t cap, size_t *len)
{
    size_t    i, k, used, written, readable;
    unsigned  next;

    *len = 0;
    readable = 0;
    next = 1;

    for (i = 0; i < n; i = k) {

        if (parts[i].seq > next) {
            sms_joined_put_gap(out, cap, len);
        }

        used = 0;
        k = i;

        do {
            if (parts[k].len) {
                memcpy(scratch + used, parts[k].octets, parts[k].len);
                used += parts[k].len;
            }

            k++;
        } while (k < n && sms_joined_goes_on(&parts[k - 1], &parts[k]));

        next = parts[k - 1].seq + 1;

        if (sms_segment_text(parts[i].data_coding, parts[i].udh, parts[i].udh_len, scratch,
                             used, out + *len, cap - *len, &written)
            == SMS_SEGMENT_OK)
        {
            *len += written;
            readable += k - i;
        }
    }

    if (next <= total) {
        sms_joined_put_gap(out, cap, len);
    }

    return readable;
}
