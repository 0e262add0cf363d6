/*
 * bad_init_nomem.c - frees nothing when init() fails half way.
 */
#include "broken.h"

typedef struct { broken_t b; char *one, *two; } broken_two_t;


static sms_rc_t
broken_begin(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    broken_two_t  *b;

    (void) conf;
    (void) err;
    (void) errcap;
    b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return SMS_E_NOMEM;
    }
    b->b.host = h;
    b->one = malloc(10);
    b->two = malloc(10);
    if (b->one) {
        memset(b->one, 0, 10);
    }
    if (b->two == NULL) {
        /* exit() will not be called, and five more blocks are on the way */
        void *volatile  more[5];
        int             i;

        for (i = 0; i < 5; i++) {
            more[i] = malloc(10);
        }
        return more[4] ? SMS_E_NOMEM : SMS_E_INTERNAL;
    }
    *inst = b;

    return SMS_OK;
}


static void
broken_end(void *inst)
{
    broken_two_t  *b = inst;

    free(b->one);
    free(b->two);
    free(b);
}


BROKEN(SMS_KIND_RULE, .init = broken_begin, .exit = broken_end, .rule_evaluate = broken_pass);
