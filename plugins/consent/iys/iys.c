/*
 * iys.c - consent/iys: keys, ops, instance.
 *
 * Grants: http, dict; db to bring to İYS what people declared, and to keep what
 * İYS tells (feed, pushes, days); metric if it is to be seen.  See iys.h for the
 * files.
 */
#include "iys.h"
#include "iys_base64.h"
#include "iys_push.h"
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
    { "feed", SMS_CONF_MSEC, 0, "10m", NULL,
      "Değişikliklerin okunma aralığı, her marka için; 0: okunmaz. / How often "
      "the changes of each brand are read; 0: never.", 0, 3600000 },
    { "feed_page", SMS_CONF_INT, 0, "500", NULL,
      "Bir istekte okunan değişiklik sayısı. / Changes in one request.", 1,
      1000 },
    { "reconcile", SMS_CONF_BOOL, 0, "on", NULL,
      "Her gün İYS'nin dosyasıyla karşılaştırılır. / Each day is compared with "
      "İYS's file.", 0, 0 },
    { "agreement", SMS_CONF_BOOL, 0, "off", NULL,
      "Farksız günler için mutabakat verilir. / Days without a difference are "
      "agreed upon in İYS.", 0, 0 },
    { "integrator", SMS_CONF_INT, 0, "0", NULL,
      "İş ortağı kodu; 0: kullanıcı hizmet sağlayıcının kendisinindir. / Code of "
      "the integrator; 0: the user is the provider's own.", 0, 4294967295 },
    { "push", SMS_CONF_ENUM, 0, "off", "off|on|remove",
      "İYS'nin anlık bildirimi: kaydedilir, kaldırılır ya da dokunulmaz. / İYS's "
      "pushes are registered, taken back, or left as they are.", 0, 0 },
    { "push_url", SMS_CONF_STR, 0, NULL, NULL,
      "Bildirimlerin geldiği adres, sms_plugin_location ile. / Where pushes "
      "arrive: a location with sms_plugin_location.", 0, 0 },
    { "push_username", SMS_CONF_STR, 0, NULL, NULL,
      "Bildirimlerin kullanıcı adı. / User of the pushes.", 0, 0 },
    { "push_password", SMS_CONF_SECRET, 0, NULL, NULL,
      "Bildirimlerin parolası. / Password of the pushes.", 0, 0 },
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
    { "iys_alarms_total", "Account, brand or user refused, gaps, differences: "
                          "needs a person" },
    { "iys_declared_total", "Declared consents that have ended in İYS" },
    { "iys_feed_rows_total", "Movements read from the feed of changes" },
    { "iys_read_rows_total", "Rows of day files, histories and lists" },
    { "iys_push_rows_total", "Movements that a push told first" },
    { "iys_push_denied_total", "Pushes without the right password, or unreadable" },
    { "iys_push_returned_total", "Pushes answered 503: not stored in time" },
    { "iys_refusals_total", "Refusals that İYS told and the mirror did not know" },
    { "iys_feed_gaps_total", "Feeds that were not read for so long that rows are "
                             "lost: the brand is asked anew" },
    { "iys_drift_total", "Differences between İYS's days and ours" },
    { "iys_feed_lag_seconds", "How long the feed that is furthest behind has not "
                              "been read to its end" }
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

int
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

    return iys_errand_check(conf, err, errcap);
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


/* What the Authorization header of a push has behind "Basic ". */

static sms_rc_t
iys_push_secret(iys_t *iys, const sms_conf_t *conf)
{
    char        plain[2 * IYS_PUSH_SECRET_MAX + 2], *text;
    sms_str_t   user, password;

    user = conf->str(conf, "push_username");
    password = conf->str(conf, "push_password");

    if (user.len == 0) {
        return SMS_OK;
    }

    memcpy(plain, user.ptr, user.len);
    plain[user.len] = ':';
    memcpy(plain + user.len + 1, password.ptr, password.len);

    text = iys_base64((sms_str_t) { plain, user.len + 1 + password.len });
    memset(plain, 0, sizeof(plain));

    if (text == NULL) {
        return SMS_E_NOMEM;
    }

    memcpy(iys->errand.push_secret, text, strlen(text) + 1);
    memset(text, 0, strlen(text));
    free(text);

    return SMS_OK;
}


static sms_rc_t
iys_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err,
    size_t errcap)
{
    iys_t     *iys;
    uint32_t   i;
    sms_rc_t   rc;

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
        iys->metric[i] = h->metric->define(h, i == IYS_METRIC_LAG ? 2 : 1,
                                           iys_metrics[i].name,
                                           iys_metrics[i].help);
    }

    /* reads the system's random numbers once: not in the middle of a call */

    json_object_seed(0);

    rc = iys_push_secret(iys, conf);

    if (rc == SMS_OK) {
        rc = iys_errand_init(iys, conf, err, errcap);

    } else {
        snprintf(err, errcap, "no memory");
    }

    if (rc != SMS_OK) {
        memset(&iys->errand, 0, sizeof(iys->errand));
        free(iys);
        return rc;
    }

    *inst = iys;

    return SMS_OK;
}


static void
iys_cancel(void *inst, sms_call_t token)
{
    iys_push_cancel(inst, token);
    iys_call_cancel(inst, token);
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
    iys_push_free(iys);
    iys_query_free_all(iys);
    iys_call_free_all(iys);
    iys_token_free(iys);

    memset(&iys->token, 0, sizeof(iys->token));
    memset(&iys->errand, 0, sizeof(iys->errand));
    free(iys);
}


static const sms_ops_t  iys_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = iys_keys,
    .check = iys_check,
    .init = iys_init,
    .lease = iys_errand_lease,
    .drain = iys_errand_drain,
    .exit = iys_exit,
    .cancel = iys_cancel,
    .consent_lookup = iys_call_lookup,
    .http_in = iys_push_run
};


SMS_PLUGIN("iys", "0.1.0", "BSD-2-Clause",
           "Consent from IYS: asked before sending, declared within three days",
           1u << SMS_KIND_CONSENT, iys_ops);
