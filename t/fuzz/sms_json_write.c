/* libs: -ljansson */
/*
 * The writer's calls come from the input.  What it calls well-formed, jansson
 * reads, and writes the same values.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sms_json_write.h"
#include "sms_utf8.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


/* one string through both */
static void
string(const char *p, size_t n)
{
    json_t      *j;
    sms_json_t   w;

    sms_json_init(&w, NULL, NULL, 0);
    sms_json_array(&w);
    sms_json_str(&w, p, n);
    sms_json_end(&w);
    ENSURE(sms_json_done(&w) == SMS_JSON_OK);
    ENSURE(sms_utf8_valid(w.buf, w.len));

    j = json_loadb(w.buf, w.len, JSON_ALLOW_NUL, NULL);
    ENSURE(j != NULL);

    if (sms_utf8_valid(p, n)) {
        ENSURE(json_string_length(json_array_get(j, 0)) == n);
        ENSURE(memcmp(json_string_value(json_array_get(j, 0)), p, n) == 0);
    }

    json_decref(j);
    sms_json_free(&w);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         key[24];
    json_t      *j;
    size_t       i, n;
    int64_t      v;
    sms_json_t   w;

    string((const char *) data, size);

    sms_json_init(&w, NULL, NULL, size > 2 && data[0] == 'L' ? data[1] : 0);

    for (i = 0; i < size; i++) {
        switch (data[i] % 9) {
        case 0:
            sms_json_object(&w);
            break;
        case 1:
            sms_json_array(&w);
            break;
        case 2:
            sms_json_end(&w);
            break;
        case 3:
            /* keys of one object are the caller's to keep apart */
            n = (size_t) snprintf(key, sizeof(key), "k%zu\n", i);
            sms_json_key_n(&w, key, n);
            break;
        case 4:
            n = size - i > 5 ? 5 : size - i;
            sms_json_str(&w, (const char *) data + i, n);
            break;
        case 5:
            v = 0;
            memcpy(&v, data + i, size - i > 8 ? 8 : size - i);
            sms_json_int(&w, v);
            break;
        case 6:
            sms_json_bool(&w, data[i] & 1);
            break;
        case 7:
            sms_json_null(&w);
            break;
        case 8:
            sms_json_raw(&w, "[1]", 3);
            break;
        }
    }

    if (sms_json_done(&w) == SMS_JSON_OK) {
        j = json_loadb(w.buf, w.len, JSON_ALLOW_NUL|JSON_DECODE_ANY
                                     |JSON_REJECT_DUPLICATES, NULL);
        ENSURE(j != NULL);
        json_decref(j);
    }

    ENSURE(w.error != SMS_JSON_E_NOMEM);
    sms_json_free(&w);

    return 0;
}
