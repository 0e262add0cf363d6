/*
 * bad_off_loop.c - calls the host from a thread of its own, and not through post().
 */
#include "broken.h"

#include <pthread.h>


static void *
broken_run(void *arg)
{
    broken_t  *b = arg;

    (void) b->host->core->complete(b->host, b->call, SMS_E_BUSY);

    return NULL;
}


static sms_rc_t
broken_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    broken_t   *b = inst;
    pthread_t   thread;

    (void) batch;
    b->call = call;
    if (pthread_create(&thread, NULL, broken_run, b) != 0) {
        return SMS_E_BUSY;
    }
    pthread_join(thread, NULL);

    return SMS_PENDING;
}


static void
broken_cancel(void *inst, sms_call_t call)
{
    (void) inst;
    (void) call;
}


BROKEN(SMS_KIND_RULE, .init = broken_init, .exit = broken_exit, .rule_evaluate = broken_evaluate,
       .cancel = broken_cancel);
