#include "network_answer.h"

#include <jansson.h>
#include <string.h>

#define NETWORK_BODY_MAX  (64 * 1024)


/* the value at "path", or NULL */
static const json_t *
network_value(const json_t *at, sms_str_t path)
{
    char    name[128];
    size_t  begin, end, i, index;

    for (begin = 0; at && begin <= path.len; begin = end + 1) {

        for (end = begin; end < path.len && path.ptr[end] != '.'; end++) {
            /* to the next dot */
        }

        if (end - begin >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path.ptr + begin, end - begin);
        name[end - begin] = '\0';

        if (json_is_array(at)) {
            for (i = 0, index = 0; name[i] >= '0' && name[i] <= '9' && i < 6; i++) {
                index = index * 10 + (size_t) (name[i] - '0');
            }
            at = i && name[i] == '\0' ? json_array_get(at, index) : NULL;

        } else {
            at = json_object_get(at, name);
        }
    }

    return at;
}


/* a number, or a text of digits with at most one '-': its digits. -1: neither */
static int
network_digits(const json_t *value, char out[8], size_t *dash)
{
    const char  *p;
    size_t       n, i, k;
    json_int_t   number;

    *dash = 0;

    if (value == NULL || json_is_null(value)) {
        return 0;
    }

    if (json_is_integer(value)) {
        number = json_integer_value(value);
        if (number < 0 || number > 999999) {
            return -1;
        }
        for (k = 0, i = 100000; i; i /= 10) {
            if (k || (size_t) number >= i || i == 1) {
                out[k++] = (char) ('0' + (size_t) number / i % 10);
            }
        }
        return (int) k;
    }

    if (!json_is_string(value)) {
        return -1;
    }

    p = json_string_value(value);
    n = json_string_length(value);

    for (i = 0, k = 0; i < n; i++) {
        if (p[i] == '-' && *dash == 0 && i) {
            *dash = k;
            continue;
        }
        if (p[i] < '0' || p[i] > '9' || k == 6) {
            return -1;
        }
        out[k++] = p[i];
    }

    return (int) k;
}


static uint16_t
network_number(const char *p, size_t n)
{
    uint32_t  value;
    size_t    i;

    for (i = 0, value = 0; i < n; i++) {
        value = value * 10 + (uint32_t) (p[i] - '0');
    }

    return (uint16_t) value;
}


int
network_answer_read(const network_paths_t *paths, const char *body, size_t n,
    uint16_t *mcc, uint16_t *mnc)
{
    char     a[8], b[8];
    int      rc, na, nb;
    json_t  *root;
    size_t   dash;

    *mcc = 0;
    *mnc = 0;

    root = n && n <= NETWORK_BODY_MAX ? json_loadb(body, n, JSON_DECODE_ANY, NULL) : NULL;
    if (root == NULL) {
        return -1;
    }

    rc = -1;

    if (paths->mccmnc.len) {

        na = network_digits(network_value(root, paths->mccmnc), a, &dash);
        if (na <= 0) {
            rc = na;
            goto done;
        }

        if (na < 4 || (dash && dash != 3)) {
            rc = network_number(a, (size_t) na) ? -1 : 0;
            goto done;
        }

        *mcc = network_number(a, 3);
        *mnc = network_number(a + 3, (size_t) na - 3);
        rc = *mcc ? 1 : 0;
        goto done;
    }

    na = network_digits(network_value(root, paths->mcc), a, &dash);
    nb = dash ? -1 : network_digits(network_value(root, paths->mnc), b, &dash);

    if (na < 0 || nb < 0 || na > 3 || nb > 3 || dash) {
        goto done;
    }

    *mcc = network_number(a, (size_t) na);
    *mnc = network_number(b, (size_t) nb);
    rc = na && nb && *mcc ? 1 : 0;

done:

    json_decref(root);

    if (rc != 1) {
        *mcc = 0;
        *mnc = 0;
    }

    return rc;
}
