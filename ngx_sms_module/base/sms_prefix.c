#include "sms_prefix.h"

#include <stdlib.h>
#include <string.h>


#define SMS_PREFIX_NONE  UINT32_MAX


/* child 0 is "none": the root is nobody's child */
struct sms_prefix_node_s {
    uint32_t  child[10];
    uint32_t  value;
};


static uint32_t
sms_prefix_node(sms_prefix_t *t)
{
    uint32_t            cap;
    sms_prefix_node_t  *nodes;

    if (t->n == t->cap) {

        if (t->cap > UINT32_MAX / 4) {
            return SMS_PREFIX_NONE;
        }

        cap = t->cap ? t->cap * 2 : 64;

        nodes = realloc(t->nodes, (size_t) cap * sizeof(sms_prefix_node_t));
        if (nodes == NULL) {
            return SMS_PREFIX_NONE;
        }

        t->nodes = nodes;
        t->cap = cap;
    }

    memset(&t->nodes[t->n], 0, sizeof(sms_prefix_node_t));
    t->nodes[t->n].value = SMS_PREFIX_NONE;

    return t->n++;
}


int
sms_prefix_add(sms_prefix_t *t, const char *digits, size_t n, uint32_t value)
{
    size_t    i;
    uint32_t  at, next;

    if (n > SMS_PREFIX_DIGITS_MAX || value == SMS_PREFIX_NONE) {
        return SMS_PREFIX_E_INVALID;
    }

    for (i = 0; i < n; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return SMS_PREFIX_E_INVALID;
        }
    }

    if (t->n == 0 && sms_prefix_node(t) == SMS_PREFIX_NONE) {
        return SMS_PREFIX_E_NOMEM;
    }

    at = 0;

    for (i = 0; i < n; i++) {
        next = t->nodes[at].child[digits[i] - '0'];

        if (next == 0) {
            next = sms_prefix_node(t);

            if (next == SMS_PREFIX_NONE) {
                return SMS_PREFIX_E_NOMEM;
            }

            t->nodes[at].child[digits[i] - '0'] = next;
        }

        at = next;
    }

    if (t->nodes[at].value != SMS_PREFIX_NONE) {
        return SMS_PREFIX_E_EXISTS;
    }

    t->nodes[at].value = value;

    return SMS_PREFIX_OK;
}


int
sms_prefix_find(const sms_prefix_t *t, const char *digits, size_t n,
    uint32_t *value)
{
    int       found;
    size_t    i;
    uint32_t  at;

    if (t->n == 0) {
        return -1;
    }

    found = -1;
    at = 0;

    for (i = 0; /* void */ ; i++) {

        if (t->nodes[at].value != SMS_PREFIX_NONE) {
            found = (int) i;
            *value = t->nodes[at].value;
        }

        if (i == n || digits[i] < '0' || digits[i] > '9') {
            break;
        }

        at = t->nodes[at].child[digits[i] - '0'];

        if (at == 0) {
            break;
        }
    }

    return found;
}


int
sms_prefix_find_number(const sms_prefix_t *t, int64_t number, uint32_t *value)
{
    char    digits[20];
    size_t  i;

    if (number < 0) {
        return -1;
    }

    i = sizeof(digits);

    do {
        digits[--i] = (char) ('0' + number % 10);
        number /= 10;

    } while (number);

    return sms_prefix_find(t, digits + i, sizeof(digits) - i, value);
}


void
sms_prefix_free(sms_prefix_t *t)
{
    free(t->nodes);
    memset(t, 0, sizeof(sms_prefix_t));
}
