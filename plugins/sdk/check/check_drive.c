/*
 * check_drive.c - a fake host with a plausible world around it, and the loop
 * that takes one call to its end.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_STEPS  200000


/* far ends that answer: an HTTP server that likes everything, a silent TCP peer */
fakehost_t *
check_host(check_t *c)
{
    static const fakehost_peer_t  silent = { .delay_ms = 5 };

    fakehost_t  *fh;

    fh = fakehost_new();
    fakehost_blame(fh, c->trace->blame, sizeof(c->trace->blame));
    fakehost_name(fh, c->manifest.name);
    fakehost_http_answer(fh, NULL, "", 200, "{}", 20);
    fakehost_peer(fh, &silent, NULL);

    return fh;
}


/* a value for a required key that the command line does not give */
static const char *
check_invent(const sms_conf_key_t *k, char *buf, size_t cap)
{
    size_t  len;

    switch (k->type) {

    case SMS_CONF_INT:
    case SMS_CONF_SIZE:
        snprintf(buf, cap, "%s=%lld", k->name, (long long) (k->min > 0 ? k->min : 1));
        break;

    case SMS_CONF_MSEC:
        snprintf(buf, cap, "%s=%lldms", k->name, (long long) (k->min > 0 ? k->min : 1000));
        break;

    case SMS_CONF_BOOL:
        snprintf(buf, cap, "%s=on", k->name);
        break;

    case SMS_CONF_ENUM:
        len = k->choices ? strcspn(k->choices, "|") : 0;
        snprintf(buf, cap, "%s=%.*s", k->name, (int) len, k->choices ? k->choices : "");
        break;

    case SMS_CONF_PATH:
        snprintf(buf, cap, "%s=/dev/null", k->name);
        break;

    default:
        snprintf(buf, cap, "%s=example", k->name);
    }

    return buf;
}


sms_rc_t
check_start(check_t *c, fakehost_t *fh, char *err, size_t errcap)
{
    const sms_conf_key_t  *k;
    const char            *conf[CHECK_CONF_MAX * 2];
    char                   invented[CHECK_CONF_MAX][160];
    size_t                 n, i, len;
    uint32_t               at;

    n = 0;
    for (i = 0; i < c->nconf; i++) {
        conf[n++] = c->conf[i];
    }

    for (at = 0; c->ops->conf_keys && at < CHECK_CONF_MAX; at++) {
        k = SMS_AT(const sms_conf_key_t, c->ops->conf_keys, c->ops->conf_key_stride, at);
        if (k->name == NULL) {
            break;
        }
        len = strlen(k->name);
        for (i = 0; i < c->nconf; i++) {
            if (strncmp(c->conf[i], k->name, len) == 0 && c->conf[i][len] == '=') {
                break;
            }
        }
        if (i == c->nconf && k->required) {
            conf[n++] = check_invent(k, invented[at], sizeof(invented[at]));
        }
    }

    return fakehost_start(fh, c->ops, conf, n, err, errcap);
}


const char *
check_drive(check_t *c, fakehost_t *fh, sms_call_t call)
{
    static char  why[200];

    int64_t   until;
    uint32_t  i, idle;

    until = fakehost_now(fh) + 6000000;
    idle = 0;

    for (i = 0; i < CHECK_STEPS; i++) {
        if (fakehost_call_state(fh, call) != FAKEHOST_CALL_OPEN) {
            return NULL;
        }
        if (fakehost_now(fh) > until) {
            check_note(c, "a call met its deadline and was cancelled");
            fakehost_cancel(fh, call);
            return NULL;
        }
        if (fakehost_step(fh)) {
            continue;
        }
        if (fakehost_left(fh) && strstr(fakehost_left_names(fh), "stream")) {
            /* a silent peer: only the deadline helps */
            fakehost_set_now(fh, until + 1);
            continue;
        }
        /* a thread of the plugin may still be at work: real time for it */
        if (++idle > 20) {
            return "returned SMS_PENDING and will never be completed: no timer, watch, "
                   "request or stream is left that could do it";
        }
        (void) fakehost_live(fh, 25);
    }

    snprintf(why, sizeof(why), "still busy after %d events", CHECK_STEPS);
    return why;
}


const char *
check_finish(fakehost_t *fh)
{
    static char  why[300];

    why[0] = '\0';
    fakehost_stop(fh);
    if (fakehost_left(fh)) {
        snprintf(why, sizeof(why), "after exit() there is still: %.200s",
                 fakehost_left_names(fh));
    }
    if (why[0] == '\0') {
        /* answers under way are dropped by the host; nothing may touch the instance */
        (void) fakehost_advance(fh, 60000);
    }
    if (why[0] == '\0' && fakehost_violations(fh)) {
        snprintf(why, sizeof(why), "%s", fakehost_violation(fh, 0));
    }
    fakehost_free(fh);

    return why[0] ? why : NULL;
}


/* odd variants hold messages of two parts, which SMS_OPERATOR_WHOLE never gets */
uint32_t
check_variant(const check_t *c, fakehost_op_t op)
{
    return op == FAKEHOST_OPERATOR_SUBMIT && !(c->ops->flags & SMS_OPERATOR_WHOLE) ? 1 : 2;
}
