/*
 * broken.h - what the deliberately broken plugins have in common: a rule that
 * passes everything, unless the file puts its own function in the place.
 */
#ifndef BROKEN_H
#define BROKEN_H

#include "sms_plugin.h"

#include <stdlib.h>
#include <string.h>

typedef struct { sms_host_t *host; sms_call_t call; const sms_batch_t *batch; } broken_t;


static inline sms_rc_t
broken_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    broken_t  *b;

    (void) conf;
    (void) err;
    (void) errcap;
    b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return SMS_E_NOMEM;
    }
    b->host = h;
    *inst = b;

    return SMS_OK;
}


static inline void
broken_exit(void *inst)
{
    free(inst);
}


static inline sms_rc_t
broken_pass(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    uint32_t  i;

    (void) inst;
    (void) call;
    for (i = 0; i < batch->n; i++) {
        SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i)->action = SMS_PASS;
    }

    return SMS_OK;
}


#define BROKEN(kind_, ...)                                                     \
    static const sms_ops_t  broken_ops = {                                     \
        .size = sizeof(sms_ops_t), .conf_key_stride = sizeof(sms_conf_key_t),  \
        __VA_ARGS__ };                                                         \
    SMS_PLUGIN("broken", "1", "BSD-2-Clause", "Breaks one rule", 1u << (kind_), broken_ops)

#endif /* BROKEN_H */
