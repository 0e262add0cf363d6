#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smpp.h"
#include "smpp_job.h"


static const struct {
    uint32_t     type;
    const char  *name, *help;
} smpp_metrics[SMPP_METRICS] = {
    [SMPP_METRIC_SUBMITS] = { 1, "smpp_submits_total",
                              "submit_sm written" },
    [SMPP_METRIC_SENT] = { 1, "smpp_sent_total",
                           "parts that the SMSC has taken" },
    [SMPP_METRIC_REJECTED] = { 1, "smpp_rejected_total",
                               "parts refused for good" },
    [SMPP_METRIC_RETRY] = { 1, "smpp_retry_total",
                            "parts given back to be tried again" },
    [SMPP_METRIC_THROTTLED] = { 1, "smpp_throttled_total",
                                "parts answered with throttled or queue full" },
    [SMPP_METRIC_UNKNOWN] = { 1, "smpp_unknown_total",
                              "parts written and not answered" },
    [SMPP_METRIC_LATE] = { 1, "smpp_late_total",
                           "answers that nobody waited for any more" },
    [SMPP_METRIC_RECEIPTS] = { 1, "smpp_receipts_total",
                               "receipts brought by the SMSC" },
    [SMPP_METRIC_MESSAGES] = { 1, "smpp_messages_total",
                               "messages brought by the SMSC" },
    [SMPP_METRIC_REFUSED] = { 1, "smpp_refused_total",
                              "deliver_sm and data_sm not answered with ROK" },
    [SMPP_METRIC_MALFORMED] = { 1, "smpp_malformed_total",
                                "PDUs and receipts that could not be read" },
    [SMPP_METRIC_CONNECTS] = { 1, "smpp_connects_total",
                               "connections tried" },
    [SMPP_METRIC_BIND_FAILED] = { 1, "smpp_bind_failed_total",
                                  "binds that the SMSC refused" },
    [SMPP_METRIC_FAILOVER] = { 1, "smpp_failover_total",
                               "parts given back for another link" },
    [SMPP_METRIC_STOP] = { 1, "smpp_stop_total",
                           "parts answered with what makes the link rest" },
    [SMPP_METRIC_BOUND] = { 2, "smpp_bound", "sessions bound" },
    [SMPP_METRIC_ANSWER_US] = { 3, "smpp_answer_us",
                                "microseconds until a submit was answered" }
};


void
smpp_log(smpp_t *smpp, sms_level_t level, const char *format, ...)
{
    int      n;
    char     line[256];
    va_list  args;

    va_start(args, format);
    n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);

    if (n < 0) {
        return;
    }

    smpp->host->core->log(smpp->host, level, line,
                          (size_t) n < sizeof(line) ? (size_t) n
                                                    : sizeof(line) - 1);
}


void
smpp_count(smpp_t *smpp, uint32_t metric, int64_t value)
{
    if (smpp->host->metric && smpp->metric[metric]) {
        smpp->host->metric->add(smpp->host, smpp->metric[metric], value);
    }
}


int64_t
smpp_now(smpp_t *smpp)
{
    return smpp->host->core->mono_us(smpp->host);
}


static sms_rc_t
smpp_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    smpp_conf_t  c;

    return smpp_conf_read(&c, conf, err, errcap);
}


void
smpp_learn(smpp_t *smpp)
{
    char              buf[16];
    size_t            len;
    sms_str_t         key = SMS_STR("receipt_id");
    sms_host_t       *h;
    smpp_id_change_t  change;

    h = smpp->host;

    if (h->dict == NULL
        || h->dict->get(h, key, buf, sizeof(buf), &len) != SMS_OK)
    {
        return;
    }

    for (change = SMPP_ID_SAME; change < SMPP_ID_CHANGES; change++) {
        if (len == strlen(smpp_id_words[change])
            && memcmp(buf, smpp_id_words[change], len) == 0)
        {
            smpp_id_believe(smpp->book, change);
        }
    }
}


static void
smpp_exit(void *inst)
{
    smpp_t    *smpp;
    uint32_t   i;

    smpp = inst;

    smpp_submit_free(smpp);
    smpp_deliver_free(smpp);

    for (i = 0; smpp->binds && i < smpp->nbinds; i++) {
        /* init() may have failed before this one was made */
        if (smpp->binds[i].smpp) {
            smpp_session_free(&smpp->binds[i]);
        }
    }

    free(smpp->binds);
    free(smpp->book);
    free(smpp);
}


static sms_rc_t
smpp_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err,
    size_t errcap)
{
    smpp_t       *smpp;
    int64_t       now;
    sms_rc_t      rc;
    uint32_t      i, rate;
    smpp_bind_t  *b;

    if (h->stream == NULL || h->inbound == NULL) {
        snprintf(err, errcap, "smpp needs the grants stream and inbound");
        return SMS_E_DENIED;
    }

    smpp = calloc(1, sizeof(smpp_t));

    if (smpp == NULL) {
        return SMS_E_NOMEM;
    }

    smpp->host = h;
    smpp->queue_end = &smpp->queue;
    rc = smpp_conf_read(&smpp->conf, conf, err, errcap);

    if (rc != SMS_OK) {
        goto failed;
    }

    rc = SMS_E_NOMEM;
    smpp->book = malloc(sizeof(smpp_id_book_t));
    smpp->nbinds = smpp->conf.binds
                   * (smpp->conf.mode == SMPP_BIND_PAIRED ? 2 : 1);
    smpp->binds = calloc(smpp->nbinds, sizeof(smpp_bind_t));

    if (smpp->book == NULL || smpp->binds == NULL) {
        goto failed;
    }

    smpp_id_book_init(smpp->book, smpp->conf.message_id,
                      smpp->conf.receipt_id);
    smpp_learn(smpp);

    now = smpp_now(smpp);
    smpp->random = (uint64_t) now ^ ((uint64_t) h->worker << 40)
                   ^ ((uint64_t) h->link << 48);
    smpp->random |= 1;

    for (i = 0; h->metric && i < SMPP_METRICS; i++) {
        smpp->metric[i] = h->metric->define(h, smpp_metrics[i].type,
                                            smpp_metrics[i].name,
                                            smpp_metrics[i].help);
    }

    /* thousandths, so that 1 a second over 3 binds is still a rate */
    rate = (uint32_t) ((uint64_t) smpp->conf.rate * 1000 / smpp->conf.binds);

    for (i = 0; i < smpp->nbinds; i++) {
        b = &smpp->binds[i];
        b->smpp = smpp;
        b->mode = smpp->conf.mode;
        snprintf(b->name, sizeof(b->name), "%u", i % smpp->conf.binds + 1);

        if (b->mode == SMPP_BIND_PAIRED) {
            b->second = i >= smpp->conf.binds;
            b->mode = b->second ? SMPP_BIND_RECEIVER : SMPP_BIND_TRANSMITTER;
            b->pair = &smpp->binds[(i + smpp->conf.binds) % smpp->nbinds];
        }

        smpp_rate_init(&b->rate, smpp->conf.rate && rate == 0 ? 1 : rate,
                       smpp->conf.throttle_ms, now);

        if (!smpp_window_init(&b->window, smpp->conf.window)) {
            goto failed;
        }
    }

    for (i = 0; i < smpp->conf.binds; i++) {
        rc = smpp_session_want(&smpp->binds[i]);

        if (rc != SMS_OK) {
            snprintf(err, errcap, "no lease for bind %u: rc=%d", i + 1,
                     (int) rc);
            goto failed;
        }
    }

    *inst = smpp;

    return SMS_OK;

failed:

    smpp_exit(smpp);

    return rc;
}


static void
smpp_lease(void *inst, sms_str_t name, int held, uint64_t epoch)
{
    smpp_t    *smpp;
    uint32_t   i;

    smpp = inst;

    for (i = 0; i < smpp->conf.binds; i++) {
        if (strlen(smpp->binds[i].name) == name.len
            && memcmp(smpp->binds[i].name, name.ptr, name.len) == 0)
        {
            smpp_session_lease(&smpp->binds[i], held, epoch);

            if (smpp->binds[i].pair) {
                smpp_session_lease(smpp->binds[i].pair, held, epoch);
            }

            return;
        }
    }
}


static void
smpp_drain(void *inst)
{
    smpp_t    *smpp;
    uint32_t   i;

    smpp = inst;
    smpp->draining = 1;

    for (i = 0; i < smpp->nbinds; i++) {
        smpp_session_drain(&smpp->binds[i]);
    }
}


static uint32_t
smpp_flags(void *inst)
{
    smpp_t  *smpp;

    smpp = inst;

    return (smpp->conf.split.how == SMPP_LONG_PAYLOAD ? SMS_OPERATOR_WHOLE : 0)
           | (smpp->conf.split.turkish ? 0 : SMS_OPERATOR_NO_NATIONAL);
}


static const sms_ops_t  smpp_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = smpp_conf_keys,
    .check = smpp_check,
    .init = smpp_init,
    .lease = smpp_lease,
    .drain = smpp_drain,
    .exit = smpp_exit,
    .cancel = smpp_submit_cancel,
    .operator_submit = smpp_submit_run,
    .operator_window = smpp_submit_window,
    .operator_flags = smpp_flags,
    .operator_query = smpp_ask_query,
    .operator_cancel = smpp_ask_cancel
};

SMS_PLUGIN("smpp", "0.1.0", "BSD-2-Clause",
           "operator link over SMPP 3.4", 1u << SMS_KIND_OPERATOR, smpp_ops);
