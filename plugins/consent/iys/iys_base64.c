/* iys_base64.c - see iys_base64.h */
#include "iys_base64.h"

#include <stdlib.h>


char *
iys_base64(sms_str_t s)
{
    char      *out, *p;
    size_t     i, left;
    uint32_t   v;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    if (s.len > (SIZE_MAX - 1) / 4) {
        return NULL;
    }

    out = malloc((s.len + 2) / 3 * 4 + 1);

    if (out == NULL) {
        return NULL;
    }

    for (i = 0, p = out; i < s.len; i += 3) {
        left = s.len - i;
        v = (uint32_t) (unsigned char) s.ptr[i] << 16
            | (left > 1 ? (uint32_t) (unsigned char) s.ptr[i + 1] << 8 : 0)
            | (left > 2 ? (uint32_t) (unsigned char) s.ptr[i + 2] : 0);

        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *p++ = left > 2 ? digits[v & 63] : '=';
    }

    *p = '\0';

    return out;
}
