/* Addresses in texts: what is found lies inside, holds no blank, and is found alone. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sms_url.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t  begin, len, i, b, l;

    if (!sms_url_find((const char *) data, size, &begin, &len)) {
        return 0;
    }

    ENSURE(len > 0 && begin < size && len <= size - begin);

    for (i = begin; i < begin + len; i++) {
        ENSURE(data[i] > ' ');
    }

    ENSURE(sms_url_find((const char *) data + begin, len, &b, &l) && b == 0 && l == len);

    return 0;
}
