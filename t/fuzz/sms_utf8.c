/* UTF-8 check, iteration and NFC against utf8proc; folding keeps its promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "sms_fold.h"
#include "sms_utf8.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


static void
nfc(const char *p, size_t n)
{
    int                rc;
    char              *out;
    size_t             len, again;
    utf8proc_uint8_t  *want;
    utf8proc_ssize_t   want_len;

    out = malloc(3 * n + 1);
    ENSURE(out != NULL);

    rc = sms_utf8_nfc(p, n, out, 3 * n, &len);
    ENSURE(rc == SMS_UTF8_OK);

    want_len = utf8proc_map((const utf8proc_uint8_t *) p, (utf8proc_ssize_t) n,
                            &want, UTF8PROC_STABLE|UTF8PROC_COMPOSE);
    ENSURE(want_len >= 0);
    ENSURE((size_t) want_len == len && memcmp(want, out, len) == 0);
    free(want);

    if (len > 0) {
        ENSURE(sms_utf8_nfc(p, n, out, len - 1, &again) == SMS_UTF8_E_SPACE);
        ENSURE(again == len);
    }

    free(out);
}


static void
fold(const char *p, size_t n)
{
    char      *out;
    size_t     len, i;
    uint32_t  *map;

    out = malloc(n + 1);
    map = malloc((n + 1) * sizeof(uint32_t));
    ENSURE(out != NULL && map != NULL);

    len = sms_fold(p, n, out, map);
    ENSURE(len <= n && map[len] == n && sms_utf8_valid(out, len));

    for (i = 0; i < len; i++) {
        ENSURE(map[i] < n && map[i] <= map[i + 1]);
        ENSURE(out[i] < 'a' || out[i] > 'z');
    }

    ENSURE(sms_fold_equal(p, n, out, len));

    free(out);
    free(map);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         buf[4];
    size_t       valid, at, len, count, units;
    uint32_t     cp;
    unsigned     flags, seen;
    const char  *p, *q, *end;

    p = (const char *) data;
    end = p + size;
    valid = sms_utf8_check(p, size, &flags);
    count = 0;
    units = 0;
    seen = 0;

    for (q = p; q < end; count++) {
        at = (size_t) (q - p);
        cp = sms_utf8_next(&q, end);

        if (cp == SMS_UTF8_BAD) {
            ENSURE(q == p + at + 1 && at >= valid);
            units++;
            continue;
        }

        len = sms_utf8_put(buf, cp);
        ENSURE(len == (size_t) (q - p) - at && memcmp(buf, p + at, len) == 0);
        units += cp > 0xFFFF ? 2 : 1;

        if (at < valid) {
            seen |= (cp == 0 ? SMS_UTF8_NUL : 0)
                    | (cp >= 0x300 ? SMS_UTF8_WIDE : 0)
                    | (cp > 0xFFFF ? SMS_UTF8_ASTRAL : 0);
        }
    }

    ENSURE((flags & ~SMS_UTF8_CONTROL) == seen);
    ENSURE(count == sms_utf8_count(p, size));
    ENSURE(units == sms_utf8_units(p, size));
    ENSURE(sms_utf8_valid(p, size) == (valid == size));

    nfc(p, valid);
    fold(p, size);

    return 0;
}
