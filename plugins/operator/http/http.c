#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"


#define HTTP_GAUGE    2
#define HTTP_TELL_US  1000000

static const struct {
    uint32_t     type;
    const char  *name, *help;
} http_metrics[HTTP_METRICS] = {
    { 1, "http_requests_total", "Messages given to the operator" },
    { 1, "http_failed_total", "Requests without an answer" },
    { 1, "http_throttled_total", "Answers that ask for less" },
    { 1, "http_in_doubt_total", "Messages of which the operator's answer is not known" },
    { 1, "http_stopped_total", "Answers that refuse whatever comes: needs a person" },
    { HTTP_GAUGE, "http_inflight", "Requests without an answer yet" },
    { 1, "http_receipts_total", "Receipts that came in" },
    { 1, "http_messages_total", "Messages of handsets that came in" },
    { 1, "http_callback_forbidden_total", "Callbacks with a wrong secret or address" },
    { 1, "http_callback_malformed_total", "Receipts and messages that could not be read" },
    { 1, "http_callback_returned_total", "Callbacks that could not be stored: they come "
                                         "again" }
};


void
http_log(http_t *http, sms_level_t level, const char *fmt, ...)
{
    int      n;
    char     line[256];
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);

    if (n > 0) {
        http->host->core->log(http->host, level, line,
                              (size_t) n < sizeof(line) ? (size_t) n : sizeof(line) - 1);
    }
}


void
http_count(http_t *http, http_metric_t metric, int64_t value)
{
    if (http->host->metric && http->metric[metric] && value) {
        http->host->metric->add(http->host, http->metric[metric], value);
    }
}


static sms_bind_state_t
http_state(const http_t *http)
{
    if (!http->held || http->draining) {
        return SMS_BIND_DOWN;
    }

    return http->pace.state == HTTP_PACE_DOWN ? SMS_BIND_WAITING
           : http->pace.state == HTTP_PACE_RESTING ? SMS_BIND_RESTING : SMS_BIND_BOUND;
}


void
http_tell(http_t *http)
{
    int64_t           now, mono;
    sms_host_t       *h;
    sms_bind_t        bind;
    sms_bind_state_t  state;

    h = http->host;
    state = http_state(http);
    mono = h->core->mono_us(h);

    if ((state == http->told && mono - http->told_us < HTTP_TELL_US)
        || !SMS_HAS(sms_core_api_t, h->core, bind_told))
    {
        return;
    }

    now = h->core->now_us(h);
    http->told_us = mono;

    if (state != http->told) {
        http->told = state;
        http->since_us = now;
    }

    memset(&bind, 0, sizeof(bind));
    bind.size = sizeof(bind);
    bind.state = state;
    bind.window = http->conf.concurrency;
    bind.inflight = http->pace.inflight;
    bind.rate = http->conf.rate;
    bind.throttled = http->throttled;
    bind.since_us = http->since_us;
    bind.error_code = http->error_code;

    if (state == SMS_BIND_WAITING || state == SMS_BIND_RESTING) {
        /* a pause that is over ends with the next request */
        bind.retry_us = now + (http->pace.pause_us > mono ? http->pace.pause_us - mono : 1);
    }

    if (http->error) {
        bind.error.ptr = http->error;
        bind.error.len = strlen(http->error);
    }

    h->core->bind_told(h, HTTP_LEASE, &bind);
}


static sms_rc_t
http_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    sms_rc_t      rc;
    http_conf_t  *c;

    c = malloc(sizeof(http_conf_t));

    if (c == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    rc = http_conf_read(c, conf, err, errcap);
    http_conf_free(c);
    free(c);

    return rc;
}


static sms_rc_t
http_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    http_t    *http;
    sms_rc_t   rc;
    uint32_t   i;

    if (h->http == NULL || h->inbound == NULL) {
        snprintf(err, errcap, "needs the grants http and inbound");
        return SMS_E_DENIED;
    }

    http = calloc(1, sizeof(http_t));

    if (http == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    http->host = h;
    rc = http_conf_read(&http->conf, conf, err, errcap);

    if (rc != SMS_OK) {
        goto failed;
    }

    http_pace_init(&http->pace, http->conf.concurrency, http->conf.rate,
                   h->core->mono_us(h));

    for (i = 0; h->metric && i < HTTP_METRICS; i++) {
        http->metric[i] = h->metric->define(h, http_metrics[i].type, http_metrics[i].name,
                                            http_metrics[i].help);
    }

    rc = h->core->lease_want(h, HTTP_LEASE);

    if (rc != SMS_OK) {
        snprintf(err, errcap, "the lease cannot be asked for (%d)", (int) rc);
        goto failed;
    }

    *inst = http;

    return SMS_OK;

failed:

    http_conf_free(&http->conf);
    free(http);

    return rc;
}


static void
http_lease(void *inst, sms_str_t name, int held, uint64_t epoch)
{
    http_t  *http = inst;

    (void) name;
    (void) epoch;

    http->held = held != 0;
    http_submit_settle(http);
}


static void
http_drain(void *inst)
{
    http_t  *http = inst;

    http->draining = 1;
    http_submit_settle(http);
}


static void
http_cancel(void *inst, sms_call_t call)
{
    if (!http_submit_cancel(inst, call)) {
        http_callback_cancel(inst, call);
    }
}


static void
http_exit(void *inst)
{
    http_t  *http = inst;

    http_submit_free(http);
    http_callback_free(http);
    http_conf_free(&http->conf);
    free(http);
}


static const sms_ops_t  http_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .flags = SMS_OPERATOR_WHOLE,
    .conf_keys = http_conf_keys,
    .check = http_check,
    .init = http_init,
    .lease = http_lease,
    .drain = http_drain,
    .exit = http_exit,
    .cancel = http_cancel,
    .operator_submit = http_submit_run,
    .operator_window = http_submit_window,
    .http_in = http_callback_run
};

SMS_PLUGIN("http", "0.1.0", "BSD-2-Clause", "operator link over HTTP, by templates",
           1u << SMS_KIND_OPERATOR, http_ops);
