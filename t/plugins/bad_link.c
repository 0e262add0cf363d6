/*
 * bad_link.c - routes over a link that does not exist.
 */
#include "broken.h"


static sms_rc_t
broken_choose(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    sms_route_t  *r;
    uint32_t      i;

    (void) inst;
    (void) call;
    for (i = 0; i < batch->n; i++) {
        r = SMS_AT(sms_route_t, batch->results, batch->result_stride, i);
        r->nlinks = 1;
        r->link[0] = 99;
    }

    return SMS_OK;
}


BROKEN(SMS_KIND_ROUTER, .init = broken_init, .exit = broken_exit,
       .router_choose = broken_choose);
