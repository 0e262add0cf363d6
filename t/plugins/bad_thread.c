/*
 * bad_thread.c - leaves a thread running.
 */
#include "broken.h"

#include <pthread.h>
#include <unistd.h>


static void *
broken_run(void *arg)
{
    (void) arg;
    pause();

    return NULL;
}


static sms_rc_t
broken_begin(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    pthread_t  thread;

    if (pthread_create(&thread, NULL, broken_run, NULL) != 0) {
        return SMS_E_INTERNAL;
    }
    pthread_detach(thread);

    return broken_init(h, conf, inst, err, errcap);
}


BROKEN(SMS_KIND_RULE, .init = broken_begin, .exit = broken_exit, .rule_evaluate = broken_pass);
