#include "sms_json_reader.h"

#include <string.h>


#define SMS_JSON_FEW_KEYS  16         /* are compared each with each */


static int
sms_json_key_cmp(const sms_json_node_t *a, const sms_json_node_t *b)
{
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }

    return memcmp(a->u.p, b->u.p, a->n);
}


/* One step of heapsort, which needs no memory and has no bad case. */
static void
sms_json_sift(const sms_json_node_t *base, uint32_t *heap, size_t i, size_t n)
{
    size_t    child;
    uint32_t  top;

    top = heap[i];

    while ((child = 2 * i + 1) < n) {

        if (child + 1 < n
            && sms_json_key_cmp(base + heap[child], base + heap[child + 1]) < 0)
        {
            child++;
        }

        if (sms_json_key_cmp(base + heap[child], base + top) <= 0) {
            break;
        }

        heap[i] = heap[child];
        i = child;
    }

    heap[i] = top;
}


static int
sms_json_same(sms_json_doc_t *doc, const sms_json_node_t *a,
    const sms_json_node_t *b)
{
    if (sms_json_key_cmp(a, b) != 0) {
        return 0;
    }

    (void) sms_json_error(doc, SMS_JSON_E_DUPLICATE, "a key given twice",
                          a->skip > b->skip ? a->skip : b->skip);

    return 1;
}


int
sms_json_unique(sms_json_doc_t *doc, const sms_json_node_t *object)
{
    size_t                  i, k, n;
    uint32_t                last, *heap;
    const sms_json_node_t  *key, *other;

    n = object->n;

    if (n <= SMS_JSON_FEW_KEYS) {

        for (i = 1, key = object + 1; i < n; i++) {
            key = sms_json_next(key + 1);

            for (k = 0, other = object + 1; k < i;
                 k++, other = sms_json_next(other + 1))
            {
                if (sms_json_same(doc, key, other)) {
                    return 0;
                }
            }
        }

        return 1;
    }

    if (doc->keys_cap < n) {
        heap = sms_json_memory(doc, doc->keys,
                               doc->keys_cap * sizeof(uint32_t),
                               n * sizeof(uint32_t));
        if (heap == NULL) {
            return 0;
        }

        doc->keys = heap;
        doc->keys_cap = n;
    }

    heap = doc->keys;
    heap[0] = 1;

    for (i = 1; i < n; i++) {
        key = object + heap[i - 1];
        heap[i] = (uint32_t) (sms_json_next(key + 1) - object);
    }

    for (i = n / 2; i-- > 0; /* void */) {
        sms_json_sift(object, heap, i, n);
    }

    for (i = n - 1; i > 0; i--) {
        last = heap[0];
        heap[0] = heap[i];
        heap[i] = last;
        sms_json_sift(object, heap, 0, i);
    }

    for (i = 1; i < n; i++) {

        if (sms_json_same(doc, object + heap[i - 1], object + heap[i])) {
            return 0;
        }
    }

    return 1;
}
