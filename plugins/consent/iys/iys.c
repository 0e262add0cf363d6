/*
 * iys.c - consent/iys: keys, ops, instance.
 *
 * Grants: http, dict; db to bring to İYS what people declared; metric if it is to be
 * seen.  See iys.h for the files.
 */
#include "iys_errand.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IYS_BASE_URL_MAX  (IYS_URL_MAX - 256)


static const sms_conf_key_t  iys_keys[] = {
    { "base_url", SMS_CONF_STR, 0, "https://api.iys.org.tr", NULL,
      "İYS'nin adresi. / İYS's address; plain http to loopback only.", 0, 0 },
    { "username", SMS_CONF_STR, 1, NULL, NULL,
      "İş ortağının API kullanıcısı. / API user of the integrator.", 0, 0 },
    { "password", SMS_CONF_SECRET, 1, NULL, NULL,
      "API kullanıcısının parolası. / Password of the API user.", 0, 0 },
    { "rate", SMS_CONF_INT, 0, "10", NULL,
      "Saniyedeki istek sayısı, bütün işçiler için; aynı adresten çıkan "
      "sunucular bölüşür. / Requests a second over all workers; nodes behind "
      "one address share it.", 1, 10 },
    { "timeout", SMS_CONF_MSEC, 0, "10s", NULL,
      "Bir isteğin süresi. / Of one request.", 100, 60000 },
    { "max_age", SMS_CONF_MSEC, 0, "60m", NULL,
      "İYS yanıtı gönderim anında en çok bu kadar eski olabilir. / How old an "
      "answer may be when the message is submitted; the host applies it.",
      1000, 86400000 },
    { "tacir_policy", SMS_CONF_ENUM, 0, "registered",
      "registered|not_refused",
      "Tacir alıcılar: yalnız İYS'de kayıtlı olanlar, ya da reddi olmayanlar "
      "(saatte 1000 tekil sorgu). / Merchants: only those registered in İYS, "
      "or all that have not refused (1000 single queries an hour).", 0, 0 },
    { "batch", SMS_CONF_INT, 0, "1000", NULL,
      "Bir sorgudaki numara sayısı. / Numbers in one query.", 1,
      IYS_BATCH_MAX },
    { "ca_file", SMS_CONF_PATH, 0, NULL, NULL,
      "İYS sertifikasını doğrulayan kök sertifikalar; boşsa sistemin. / "
      "Authorities that verify İYS; the system's when empty.", 0, 0 },
    { NULL, 0, 0, NULL, NULL, NULL, 0, 0 }
};

static const struct {
    const char *name, *help;
} iys_metrics[IYS_METRICS] = {
    { "iys_requests_total", "Requests sent to İYS, tokens included" },
    { "iys_client_errors_total", "Answers 400, 401, 403, 404, 422; İYS bars an "
                               "address whose success rate is below 70 %" },
    { "iys_failures_total", "No answer, 5xx, or an unreadable answer" },
    { "iys_throttled_total", "Answers 429" },
    { "iys_tokens_total", "Token requests; İYS allows few an hour" },
    { "iys_singles_total", "Single status queries; İYS allows 1000 an hour" },
    { "iys_numbers_total", "Numbers asked for in bulk" },
    { "iys_granted_total", "Numbers that İYS listed as approved" },
    { "iys_alarms_total", "Account, brand or user refused: needs a person" },
    { "iys_errands_total", "Declared consents that have ended in İYS, and "
                           "changes that were read there" }
};


void
iys_log(iys_t *iys, sms_level_t level, const char *fmt, ...)
{
    int      len;
    char     buf[512];
    va_list  args;

    va_start(args, fmt);
    len = vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);

    if (len < 0) {
        return;
    }

    if ((size_t) len >= sizeof(buf)) {
        len = sizeof(buf) - 1;
    }

    iys->host->core->log(iys->host, level, buf, (size_t) len);
}


void
iys_count(iys_t *iys, iys_metric_t metric, int64_t value)
{
    if (iys->host->metric != NULL && iys->metric[metric] != 0 && value != 0) {
        iys->host->metric->add(iys->host, iys->metric[metric], value);
    }
}


static int
iys_url_starts(sms_str_t url, const char *prefix)
{
    size_t  len;

    len = strlen(prefix);

    return url.len >= len && memcmp(url.ptr, prefix, len) == 0;
}


/* The password crosses it: only this machine may be asked in the clear. */

static int
iys_url_permitted(sms_str_t url)
{
    size_t  i;

    for (i = 0; i < url.len; i++) {
        if (url.ptr[i] <= 0x20 || url.ptr[i] >= 0x7f || url.ptr[i] == '@'
            || url.ptr[i] == '?' || url.ptr[i] == '#')
        {
            return 0;
        }
    }

    if (iys_url_starts(url, "https://")) {
        return url.len > 8 && url.len <= IYS_BASE_URL_MAX;
    }

    return url.len <= IYS_BASE_URL_MAX
           && (iys_url_starts(url, "http://127.0.0.1:")
               || iys_url_starts(url, "http://127.0.0.1/")
               || iys_url_starts(url, "http://[::1]:")
               || iys_url_starts(url, "http://[::1]/"));
}


static sms_rc_t
iys_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    if (!iys_url_permitted(conf->str(conf, "base_url"))) {
        snprintf(err, errcap, "\"base_url\" must be https://host, without "
                 "user, query or fragment (http:// to 127.0.0.1 or [::1] "
                 "only)");
        return SMS_E_CONFIG;
    }

    if (conf->str(conf, "username").len == 0
        || conf->str(conf, "password").len == 0)
    {
        snprintf(err, errcap, "\"username\" and \"password\" must not be "
                 "empty");
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


/* FNV-1a: spreads names over keys of the dictionary, hides nothing. */

static uint64_t
iys_hash(uint64_t hash, sms_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char) s.ptr[i]) * 0x100000001b3u;
    }

    return (hash ^ 0xff) * 0x100000001b3u;
}


static sms_rc_t
iys_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err,
    size_t errcap)
{
    iys_t     *iys;
    uint32_t   i;

    if (h->http == NULL || h->dict == NULL) {
        snprintf(err, errcap, "needs the grants http and dict");
        return SMS_E_CONFIG;
    }

    if (iys_check(conf, err, errcap) != SMS_OK) {
        return SMS_E_CONFIG;
    }

    iys = calloc(1, sizeof(iys_t));
    if (iys == NULL) {
        snprintf(err, errcap, "no memory");
        return SMS_E_NOMEM;
    }

    iys->host = h;
    iys->base_url = conf->str(conf, "base_url");
    iys->username = conf->str(conf, "username");
    iys->password = conf->str(conf, "password");
    iys->rate = (uint32_t) conf->num(conf, "rate");
    iys->batch = (uint32_t) conf->num(conf, "batch");
    iys->timeout_ms = (uint32_t) conf->num(conf, "timeout");
    iys->tacir_not_refused = conf->num(conf, "tacir_policy") == 1;

    while (iys->base_url.ptr[iys->base_url.len - 1] == '/') {
        iys->base_url.len--;
    }

    iys->tls.size = sizeof(iys->tls);
    iys->tls.ca_file = conf->str(conf, "ca_file");

    if (iys->tls.ca_file.len > 0 && iys_url_starts(iys->base_url, "https://"))
    {
        iys->tls_used = &iys->tls;
    }

    iys->far_id = iys_hash(0xcbf29ce484222325u, iys->base_url);
    iys->user_id = iys_hash(iys->far_id, iys->username);

    for (i = 0; i < IYS_METRICS && h->metric != NULL; i++) {
        iys->metric[i] = h->metric->define(h, 1, iys_metrics[i].name,
                                           iys_metrics[i].help);
    }

    /* reads the system's random numbers once: not in the middle of a call */

    json_object_seed(0);
    iys_errand_init(iys);

    *inst = iys;

    return SMS_OK;
}


static void
iys_lease(void *inst, sms_str_t name, int held, uint64_t epoch)
{
    (void) epoch;

    iys_errand_lease(inst, name, held);
}


static void
iys_drain(void *inst)
{
    iys_errand_drain(inst);
}


static void
iys_exit(void *inst)
{
    iys_t  *iys;

    iys = inst;

    if (iys->pump_timer != 0) {
        iys->host->loop->stop(iys->host, iys->pump_timer);
    }

    iys_errand_free(iys);
    iys_query_free_all(iys);
    iys_call_free_all(iys);
    iys_token_free(iys);

    memset(&iys->token, 0, sizeof(iys->token));
    free(iys);
}


static const sms_ops_t  iys_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = iys_keys,
    .check = iys_check,
    .init = iys_init,
    .lease = iys_lease,
    .drain = iys_drain,
    .exit = iys_exit,
    .cancel = iys_call_cancel,
    .consent_lookup = iys_call_lookup
};


SMS_PLUGIN("iys", "0.1.0", "BSD-2-Clause",
           "Consent from IYS: asked before sending, declared within three days",
           1u << SMS_KIND_CONSENT, iys_ops);
