/*
 * iys_call.c - one suspended consent_lookup(): its items and their results.
 *
 * A call ends when each item has a result, at the latest shortly before the
 * host's deadline: what İYS has said until then is kept, the rest is UNKNOWN.
 * Were the host to cancel instead, the answers of a thousand single queries
 * would be lost and asked again.
 */
#include "iys.h"

#include <stdlib.h>
#include <string.h>

#define IYS_CALL_MARGIN_US  30000       /* before the host's deadline          */


struct iys_call_s {
    iys_call_t   *prev, *next;
    iys_t        *iys;
    sms_call_t    token;
    char         *results;              /* the host's, until the call ends     */
    uint32_t      stride;
    uint32_t      open;                 /* items without a result              */
    uint32_t      starting;             /* inside iys_call_lookup()            */
    sms_handle_t  timer;
    sms_str_t     proof;                /* last one copied: mostly the same    */
};


static void
iys_call_unlink(iys_call_t *call)
{
    if (call->prev != NULL) {
        call->prev->next = call->next;

    } else {
        call->iys->calls = call->next;
    }

    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
}


static void
iys_call_stop(iys_call_t *call)
{
    if (call->timer != 0) {
        call->iys->host->loop->stop(call->iys->host, call->timer);
        call->timer = 0;
    }
}


static sms_rc_t
iys_call_proof(iys_call_t *call, const char *proof)
{
    char    *copy;
    size_t   len;

    len = strlen(proof);

    if (call->proof.len == len && memcmp(call->proof.ptr, proof, len) == 0) {
        return SMS_OK;
    }

    copy = call->iys->host->core->alloc(call->iys->host, call->token, len);

    if (copy == NULL) {
        return SMS_E_NOMEM;
    }

    memcpy(copy, proof, len);

    call->proof.ptr = copy;
    call->proof.len = len;

    return SMS_OK;
}


void
iys_call_answer(iys_call_t *call, uint32_t item, const iys_outcome_t *o)
{
    sms_consent_t  *result;

    result = SMS_AT(sms_consent_t, call->results, call->stride, item);

    if (result->state != 0) {
        return;
    }

    result->status = o->status;
    result->state = o->state;
    result->as_of_us = o->as_of_us;

    if (o->code != NULL) {
        result->code.ptr = o->code;
        result->code.len = strlen(o->code);
    }

    if (o->proof != NULL && o->proof[0] != '\0') {

        if (iys_call_proof(call, o->proof) == SMS_OK) {
            result->proof = call->proof;

        } else {

            /* an approval that cannot be proved is none */

            result->status = SMS_E_NOMEM;
            result->state = SMS_CONSENT_UNKNOWN;
            result->as_of_us = 0;
            result->code = (sms_str_t) SMS_STR("no_memory");
        }
    }

    call->open--;

    if (call->open == 0 && !call->starting) {
        iys_call_stop(call);
        iys_call_unlink(call);

        call->prev = NULL;
        call->next = call->iys->finished;
        call->iys->finished = call;
    }
}


void
iys_call_flush(iys_t *iys)
{
    sms_call_t   token;
    iys_call_t  *call;

    while (iys->finished != NULL) {
        call = iys->finished;
        iys->finished = call->next;

        token = call->token;
        free(call);

        (void) iys->host->core->complete(iys->host, token, SMS_OK);
    }
}


static void
iys_call_timeout(void *data)
{
    uint32_t              i, n;
    iys_t                *iys;
    iys_call_t           *call;
    static const iys_outcome_t  late = {
        SMS_E_TIMEOUT, SMS_CONSENT_UNKNOWN, 0, NULL, "timeout"
    };

    call = data;
    iys = call->iys;
    call->timer = 0;

    iys_query_forget(iys, call);

    /* the last open item hands the call over: it may not be read after it */

    n = call->open;

    for (i = 0; n > 0; i++) {

        if (SMS_AT(sms_consent_t, call->results, call->stride, i)->state == 0) {
            iys_call_answer(call, i, &late);
            n--;
        }
    }

    iys_pump(iys);
    iys_call_flush(iys);
}


static const char *
iys_call_refuse(const sms_msg_t *msg, iys_group_t *group, uint64_t *number)
{
    /* the law asks consent for commercial messages only (m.5, m.6); asking for
     * others would tell İYS whom a bank writes to */

    if (msg->klass != SMS_CLASS_COMMERCIAL) {
        return "consent_not_required";
    }

    if (iys_status_recipient(msg->recipient_type) == NULL) {
        return "recipient_type_missing";
    }

    if (msg->brand->iys_code == 0 || msg->brand->brand_code == 0) {
        return "brand_not_in_iys";
    }

    if (iys_status_number(msg->to, number) != SMS_OK) {
        return "not_a_turkish_mobile";
    }

    group->iys_code = msg->brand->iys_code;
    group->brand_code = msg->brand->brand_code;
    group->recipient_type = msg->recipient_type;

    return NULL;
}


static const char *
iys_call_halted(iys_t *iys, const iys_group_t *group, int64_t now)
{
    const char  *code;

    if (iys_halt_get(iys, IYS_HALT_ACCOUNT, group->iys_code, now, NULL, &code)
        || iys_halt_get(iys, IYS_HALT_BRAND,
                        (uint64_t) group->iys_code << 32 | group->brand_code,
                        now, NULL, &code))
    {
        return code;
    }

    return NULL;
}


static void
iys_call_items(iys_call_t *call, const sms_batch_t *batch)
{
    int64_t           now;
    uint32_t          i, known;
    uint64_t          number;
    iys_t            *iys;
    const char       *halted;
    iys_group_t       group, last;
    iys_outcome_t     o;
    const sms_msg_t  *msg;

    iys = call->iys;
    now = iys->host->core->now_us(iys->host);
    known = 0;
    halted = NULL;
    memset(&last, 0, sizeof(last));

    for (i = 0; i < batch->n; i++) {
        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);

        memset(&o, 0, sizeof(o));
        o.state = SMS_CONSENT_UNKNOWN;
        o.code = iys_call_refuse(msg, &group, &number);

        if (o.code != NULL) {
            o.status = SMS_E_INVAL;
            iys_call_answer(call, i, &o);
            continue;
        }

        if (!known || group.iys_code != last.iys_code
            || group.brand_code != last.brand_code)
        {
            halted = iys_call_halted(iys, &group, now);
            last = group;
            known = 1;
        }

        if (halted != NULL) {
            o.status = SMS_E_DENIED;
            o.code = halted;
            iys_call_answer(call, i, &o);
            continue;
        }

        o.status = iys_query_add(iys, &group, number, call, i);

        if (o.status != SMS_OK) {
            o.code = "no_memory";
            iys_call_answer(call, i, &o);
        }
    }
}


sms_rc_t
iys_call_lookup(void *inst, sms_call_t token, const sms_batch_t *batch)
{
    int64_t      left;
    iys_t       *iys;
    iys_call_t  *call;

    iys = inst;

    call = calloc(1, sizeof(iys_call_t));
    if (call == NULL) {
        return SMS_E_NOMEM;
    }

    call->iys = iys;
    call->token = token;
    call->results = batch->results;
    call->stride = batch->result_stride;
    call->open = batch->n;
    call->starting = 1;

    call->next = iys->calls;
    if (iys->calls != NULL) {
        iys->calls->prev = call;
    }
    iys->calls = call;

    iys_call_items(call, batch);
    iys_pump(iys);

    call->starting = 0;

    if (call->open == 0) {
        iys_call_unlink(call);
        free(call);
        iys_call_flush(iys);

        return SMS_OK;
    }

    if (batch->deadline_us != 0) {
        left = batch->deadline_us - IYS_CALL_MARGIN_US
               - iys->host->core->now_us(iys->host);

        if (left < 0) {
            left = 0;
        }

        if (left / 1000 > UINT32_MAX) {
            left = (int64_t) UINT32_MAX * 1000;
        }

        /* without a timer the host's own deadline ends the call */

        call->timer = iys->host->loop->timer(iys->host,
                                             (uint32_t) (left / 1000), 1,
                                             iys_call_timeout, call);
    }

    iys_call_flush(iys);

    return SMS_PENDING;
}


void
iys_call_cancel(void *inst, sms_call_t token)
{
    iys_t       *iys;
    iys_call_t  *call, **link;

    iys = inst;

    for (call = iys->calls; call != NULL; call = call->next) {
        if (call->token == token) {
            break;
        }
    }

    if (call == NULL) {

        /* answered, and cancelled while another call was being completed */

        for (link = &iys->finished; *link != NULL; link = &(*link)->next) {
            if ((*link)->token == token) {
                call = *link;
                *link = call->next;
                free(call);
                break;
            }
        }

        return;
    }

    iys_query_forget(iys, call);
    iys_call_stop(call);
    iys_call_unlink(call);
    free(call);

    iys_pump(iys);
    iys_call_flush(iys);
}


void
iys_call_free_all(iys_t *iys)
{
    iys_call_t  *call;

    while (iys->calls != NULL) {
        call = iys->calls;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): unlinking moves the head */
        iys_call_stop(call);
        iys_call_unlink(call);
        free(call);
    }

    while (iys->finished != NULL) {
        call = iys->finished;
        iys->finished = call->next;
        free(call);
    }
}
