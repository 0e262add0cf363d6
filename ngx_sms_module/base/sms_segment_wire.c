/* Parts as octets: header and payload for sending, and their reading. */

#include "sms_segment.h"

#include <string.h>

#include "sms_gsm7.h"
#include "sms_utf8.h"


/* user data header elements, 23.040 9.2.3.24 */
#define SMS_SEGMENT_IE_CONCAT8   0x00
#define SMS_SEGMENT_IE_CONCAT16  0x08
#define SMS_SEGMENT_IE_SHIFT     0x24
#define SMS_SEGMENT_IE_LOCK      0x25
#define SMS_SEGMENT_TURKISH      0x01

#define SMS_SEGMENT_OCTETS       140


static const unsigned  sms_segment_tables[] = {
    0, SMS_GSM7_DEFAULT, SMS_GSM7_SHIFT_TR, SMS_GSM7_LOCK_TR
};


static size_t
sms_segment_udh_put(const sms_segment_t *s, unsigned k, uint16_t ref,
    uint8_t *udh)
{
    size_t  len;

    len = 1;

    if (s->parts > 1) {
        if (s->ref_bits == 16) {
            udh[len++] = SMS_SEGMENT_IE_CONCAT16;
            udh[len++] = 4;
            udh[len++] = (uint8_t) (ref >> 8);

        } else {
            udh[len++] = SMS_SEGMENT_IE_CONCAT8;
            udh[len++] = 3;
        }

        udh[len++] = (uint8_t) ref;
        udh[len++] = (uint8_t) s->parts;
        udh[len++] = (uint8_t) k;
    }

    if (s->encoding == SMS_SEGMENT_TR_SINGLE
        || s->encoding == SMS_SEGMENT_TR_LOCKING)
    {
        udh[len++] = (s->encoding == SMS_SEGMENT_TR_SINGLE)
                     ? SMS_SEGMENT_IE_SHIFT : SMS_SEGMENT_IE_LOCK;
        udh[len++] = 1;
        udh[len++] = SMS_SEGMENT_TURKISH;
    }

    if (len == 1) {
        return 0;
    }

    udh[0] = (uint8_t) (len - 1);

    return len;
}


/* Appends UCS-2 or UTF-16, big endian; -1 when it does not fit. */
static int
sms_segment_ucs2_put(const char *p, size_t n, sms_segment_out_t *out)
{
    size_t       len;
    uint32_t     cp;
    const char  *end;

    end = p + n;
    len = out->payload_len;

    while (p < end) {
        cp = sms_utf8_next(&p, end);

        if (cp == SMS_UTF8_BAD
            || len + (cp > 0xFFFF ? 4 : 2) > SMS_SEGMENT_OCTETS)
        {
            return -1;
        }

        if (cp > 0xFFFF) {
            cp -= 0x10000;
            out->payload[len++] = (uint8_t) (0xD8 | (cp >> 18));
            out->payload[len++] = (uint8_t) (cp >> 10);
            cp = 0xDC00 | (cp & 0x3FF);
        }

        out->payload[len++] = (uint8_t) (cp >> 8);
        out->payload[len++] = (uint8_t) cp;
    }

    out->payload_len = (uint8_t) len;

    return 0;
}


static int
sms_segment_put(unsigned encoding, const char *p, size_t n,
    sms_segment_out_t *out)
{
    long  len;

    if (encoding == SMS_SEGMENT_UCS2) {
        return sms_segment_ucs2_put(p, n, out);
    }

    len = sms_gsm7_encode(p, n, sms_segment_tables[encoding],
                          out->payload + out->payload_len,
                          SMS_SEGMENT_PAYLOAD_MAX - (size_t) out->payload_len);
    if (len < 0) {
        return -1;
    }

    out->payload_len = (uint8_t) (out->payload_len + len);
    out->septets = out->payload_len;

    return 0;
}


int
sms_segment_split(const sms_segment_profile_t *pf, const sms_segment_t *s,
    const sms_segment_part_t *part, const char *p, size_t n, unsigned k,
    uint16_t ref, sms_segment_out_t *out)
{
    memset(out, 0, sizeof(sms_segment_out_t));

    if (pf->suffix > SMS_SEGMENT_SUFFIX_MAX
        || s->encoding < SMS_SEGMENT_GSM7 || s->encoding > SMS_SEGMENT_UCS2
        || s->parts > SMS_SEGMENT_PARTS_MAX || k == 0 || k > s->parts
        || part->begin > n || part->len > n - part->begin)
    {
        return SMS_SEGMENT_E_PROFILE;
    }

    out->data_coding = (s->encoding == SMS_SEGMENT_UCS2) ? 0x08 : 0x00;
    out->udh_len = (uint8_t) sms_segment_udh_put(s, k, ref, out->udh);

    if (sms_segment_put(s->encoding, p + part->begin, part->len, out) != 0) {
        return SMS_SEGMENT_E_PROFILE;
    }

    if (k == s->parts && pf->append != NULL && pf->suffix != 0
        && sms_segment_put(s->encoding, pf->append, pf->suffix, out) != 0)
    {
        return SMS_SEGMENT_E_PROFILE;
    }

    return SMS_SEGMENT_OK;
}


int
sms_segment_udh_read(const uint8_t *udh, size_t n, sms_segment_udh_t *h)
{
    size_t          i, len;
    uint8_t         id;
    const uint8_t  *ie;

    memset(h, 0, sizeof(sms_segment_udh_t));

    if (n == 0 || (size_t) udh[0] + 1 != n) {
        return SMS_SEGMENT_E_HEADER;
    }

    for (i = 1; i < n; i += 2 + len) {

        if (n - i < 2 || n - i - 2 < udh[i + 1]) {
            goto failed;
        }

        id = udh[i];
        len = udh[i + 1];
        ie = udh + i + 2;

        if ((id == SMS_SEGMENT_IE_CONCAT8 && len != 3)
            || (id == SMS_SEGMENT_IE_CONCAT16 && len != 4)
            || ((id == SMS_SEGMENT_IE_SHIFT || id == SMS_SEGMENT_IE_LOCK)
                && len != 1))
        {
            goto failed;
        }

        switch (id) {

        case SMS_SEGMENT_IE_CONCAT8:
            h->ref_bits = 8;
            h->ref = ie[0];
            h->total = ie[1];
            h->seq = ie[2];
            break;

        case SMS_SEGMENT_IE_CONCAT16:
            h->ref_bits = 16;
            h->ref = (uint16_t) ((ie[0] << 8) | ie[1]);
            h->total = ie[2];
            h->seq = ie[3];
            break;

        case SMS_SEGMENT_IE_SHIFT:
            h->shift = ie[0];
            break;

        case SMS_SEGMENT_IE_LOCK:
            h->lock = ie[0];
            break;
        }
    }

    if (h->ref_bits && (h->total == 0 || h->seq == 0 || h->seq > h->total)) {
        goto failed;
    }

    return SMS_SEGMENT_OK;

failed:

    memset(h, 0, sizeof(sms_segment_udh_t));

    return SMS_SEGMENT_E_HEADER;
}


static uint32_t
sms_segment_utf16_next(const uint8_t *p, size_t n, size_t *used)
{
    uint32_t  unit, low;

    if (n == 1) {
        *used = 1;
        return 0xFFFD;
    }

    unit = (uint32_t) ((p[0] << 8) | p[1]);
    *used = 2;

    if (unit < 0xD800 || unit > 0xDFFF) {
        return unit;
    }

    if (unit <= 0xDBFF && n >= 4) {
        low = (uint32_t) ((p[2] << 8) | p[3]);

        if (low >= 0xDC00 && low <= 0xDFFF) {
            *used = 4;
            return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
    }

    return 0xFFFD;
}


int
sms_segment_text(unsigned data_coding, const uint8_t *udh, size_t udh_len,
    const uint8_t *octets, size_t n, char *out, size_t cap, size_t *len)
{
    int                rc;
    char               buf[4];
    size_t             i, count, used;
    unsigned           tables;
    uint32_t           cp;
    sms_segment_udh_t  h;

    *len = 0;
    memset(&h, 0, sizeof(sms_segment_udh_t));

    if (udh != NULL && udh_len != 0) {
        rc = sms_segment_udh_read(udh, udh_len, &h);
        if (rc != SMS_SEGMENT_OK) {
            return rc;
        }
    }

    if (data_coding == 0x00) {
        if (n > cap / 3) {
            return SMS_SEGMENT_E_SPACE;
        }

        /* a language we do not know is read in the default alphabet */
        tables = SMS_GSM7_DEFAULT;

        if (h.lock == SMS_SEGMENT_TURKISH) {
            tables |= SMS_GSM7_LOCK_TR;
        }

        if (h.shift == SMS_SEGMENT_TURKISH) {
            tables |= SMS_GSM7_SHIFT_TR;
        }

        *len = sms_gsm7_decode(octets, n, tables, out, cap);
        return SMS_SEGMENT_OK;
    }

    if (data_coding != 0x01 && data_coding != 0x03 && data_coding != 0x08) {
        return SMS_SEGMENT_E_ENCODING;
    }

    for (i = 0; i < n; i += used) {

        if (data_coding == 0x08) {
            cp = sms_segment_utf16_next(octets + i, n - i, &used);

        } else {
            cp = octets[i];
            used = 1;

            if (data_coding == 0x01 && cp > 0x7F) {
                cp = 0xFFFD;
            }
        }

        if (cp == 0) {
            /* no text of ours, nor PostgreSQL's, can hold it */
            cp = 0xFFFD;
        }

        count = sms_utf8_put(buf, cp);

        if (cap - *len < count) {
            return SMS_SEGMENT_E_SPACE;
        }

        memcpy(out + *len, buf, count);
        *len += count;
    }

    return SMS_SEGMENT_OK;
}
