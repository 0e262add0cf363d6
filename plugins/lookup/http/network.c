/*
 * network.c - lookup of a number's network at an HTTP service, by template.
 *
 * Grants: http, dict.  Answers are kept in the dictionary, also that a number is not
 * known, so that the network is asked once for all workers; what fails is not kept.
 * A request whose asker has gone goes on: its answer serves who asks next.  Over the
 * rate, or after failures in a row, nothing is asked and the prefix routes.
 */
#include "sms_plugin.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network_answer.h"


#define NETWORK_NUMBER    "{number}"
#define NETWORK_URL_MAX   2048
#define NETWORK_HEADERS   16
#define NETWORK_PARALLEL  256
#define NETWORK_FAILURES  5             /* in a row                               */

typedef struct network_s  network_t;

typedef struct {
    sms_call_t     token;
    uint32_t       left;                /* items without an answer                */
} network_call_t;

typedef struct network_wait_s  network_wait_t;

struct network_wait_s {                 /* in the memory of its call              */
    network_wait_t  *next;
    network_call_t  *call;
    sms_network_t   *result;
};

typedef struct network_query_s  network_query_t;

struct network_query_s {
    network_query_t  *next;
    network_t        *n;
    sms_handle_t      request;
    network_wait_t   *waits;
    char              number[20];
};

struct network_s {
    sms_host_t       *host;
    sms_str_t         url;              /* with {number}                          */
    network_paths_t   paths;
    sms_kv_t          headers[NETWORK_HEADERS];
    uint32_t          nheaders;
    sms_tls_t         tls;
    int               use_tls;
    uint32_t          timeout_ms, ttl_ms, negative_ttl_ms, retry_ms;
    uint32_t          rate, parallel;
    network_query_t  *queries;
    uint32_t          nqueries, failures;
    int64_t           rest_until_us;
};


static const sms_conf_key_t  network_keys[] = {
    { "url", SMS_CONF_STR, 1, NULL, NULL,
      "address that is asked; {number} stands for the digits in international form", 0, 0 },
    { "mcc_path", SMS_CONF_STR, 0, NULL, NULL,
      "where the answer's JSON has the MCC: names and places with dots, result.0.mcc", 0, 0 },
    { "mnc_path", SMS_CONF_STR, 0, NULL, NULL, "the same of the MNC", 0, 0 },
    { "mccmnc_path", SMS_CONF_STR, 0, NULL, NULL,
      "instead of both: where it has 28601 or 286-01", 0, 0 },
    { "header", SMS_CONF_LIST, 0, NULL, NULL, "a header of the request, \"Name: value\"", 0, 0 },
    { "authorization", SMS_CONF_SECRET, 0, NULL, NULL,
      "value of the header Authorization", 0, 0 },
    { "timeout", SMS_CONF_MSEC, 0, "2s", NULL, "of one request", 100, 60000 },
    { "ttl", SMS_CONF_MSEC, 0, "1d", NULL, "how long an answer is kept", 1000, 604800000 },
    { "negative_ttl", SMS_CONF_MSEC, 0, "10m", NULL,
      "how long it is kept that a number is not known", 1000, 604800000 },
    { "rate", SMS_CONF_INT, 0, "50", NULL,
      "requests a second, of all workers of this machine", 1, 100000 },
    { "parallel", SMS_CONF_INT, 0, "32", NULL, "requests of a worker at a time", 1,
      NETWORK_PARALLEL },
    { "retry", SMS_CONF_MSEC, 0, "10s", NULL,
      "after five failures in a row nothing is asked for so long", 100, 3600000 },
    { "ca_file", SMS_CONF_PATH, 0, NULL, NULL,
      "authorities that verify the service; the system's when empty", 0, 0 },
    { NULL, 0, 0, NULL, NULL, NULL, 0, 0 }
};


static void network_done(void *data, const sms_http_res_t *res);


static int
network_starts(sms_str_t s, const char *with)
{
    return s.len > strlen(with) && memcmp(s.ptr, with, strlen(with)) == 0;
}


/* where {number} stands in the URL; NULL: nowhere */
static const char *
network_place(sms_str_t url)
{
    size_t  i, n;

    n = sizeof(NETWORK_NUMBER) - 1;

    for (i = 0; i + n <= url.len; i++) {
        if (memcmp(url.ptr + i, NETWORK_NUMBER, n) == 0) {
            return url.ptr + i;
        }
    }

    return NULL;
}


static sms_rc_t
network_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    sms_str_t    url, item;
    const char  *colon;
    uint32_t     i;
    size_t       k;
    int          both;

    url = conf->str(conf, "url");

    if (!(network_starts(url, "https://") || network_starts(url, "http://"))
        || network_place(url) == NULL || url.len > NETWORK_URL_MAX - 32)
    {
        snprintf(err, errcap, "\"url\" must begin with https:// or http:// and have {number}");
        return SMS_E_CONFIG;
    }

    for (k = 0; k < url.len; k++) {
        if (url.ptr[k] <= ' ' || (unsigned char) url.ptr[k] >= 0x7f) {
            snprintf(err, errcap, "\"url\" has an octet that must be escaped");
            return SMS_E_CONFIG;
        }
    }

    both = (conf->str(conf, "mcc_path").len != 0) + (conf->str(conf, "mnc_path").len != 0);

    if (conf->str(conf, "mccmnc_path").len ? both != 0 : both != 2) {
        snprintf(err, errcap, "either \"mcc_path\" and \"mnc_path\" or \"mccmnc_path\" is "
                 "needed");
        return SMS_E_CONFIG;
    }

    if (conf->count(conf, "header") >= NETWORK_HEADERS) {
        snprintf(err, errcap, "more than %d times \"header\"", NETWORK_HEADERS - 1);
        return SMS_E_CONFIG;
    }

    for (i = 0; i < conf->count(conf, "header"); i++) {

        item = conf->item(conf, "header", i);
        colon = item.len ? memchr(item.ptr, ':', item.len) : NULL;

        if (colon == NULL || colon == item.ptr || colon + 1 == item.ptr + item.len) {
            snprintf(err, errcap, "\"header\" is \"Name: value\"");
            return SMS_E_CONFIG;
        }
    }

    return SMS_OK;
}


static void
network_headers(network_t *n, const sms_conf_t *conf)
{
    sms_str_t    item;
    const char  *colon;
    uint32_t     i;
    sms_kv_t    *h;

    for (i = 0; i < conf->count(conf, "header"); i++) {

        item = conf->item(conf, "header", i);
        colon = memchr(item.ptr, ':', item.len);
        h = &n->headers[n->nheaders++];
        h->name = (sms_str_t) { item.ptr, (size_t) (colon - item.ptr) };
        h->value = (sms_str_t) { colon + 1, item.len - h->name.len - 1 };

        while (h->value.len && *h->value.ptr == ' ') {
            h->value.ptr++;
            h->value.len--;
        }
    }

    item = conf->str(conf, "authorization");
    if (item.len) {
        h = &n->headers[n->nheaders++];
        h->name = (sms_str_t) SMS_STR("Authorization");
        h->value = item;
    }
}


static sms_rc_t
network_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    network_t  *n;

    if (h->http == NULL || h->dict == NULL) {
        snprintf(err, errcap, "needs the grants http and dict");
        return SMS_E_DENIED;
    }

    if (network_check(conf, err, errcap) != SMS_OK) {
        return SMS_E_CONFIG;
    }

    n = calloc(1, sizeof(network_t));
    if (n == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    n->host = h;
    n->url = conf->str(conf, "url");
    n->paths.mcc = conf->str(conf, "mcc_path");
    n->paths.mnc = conf->str(conf, "mnc_path");
    n->paths.mccmnc = conf->str(conf, "mccmnc_path");
    n->timeout_ms = (uint32_t) conf->num(conf, "timeout");
    n->ttl_ms = (uint32_t) conf->num(conf, "ttl");
    n->negative_ttl_ms = (uint32_t) conf->num(conf, "negative_ttl");
    n->retry_ms = (uint32_t) conf->num(conf, "retry");
    n->rate = (uint32_t) conf->num(conf, "rate");
    n->parallel = (uint32_t) conf->num(conf, "parallel");
    n->tls.size = sizeof(n->tls);
    n->tls.ca_file = conf->str(conf, "ca_file");
    n->use_tls = n->tls.ca_file.len && network_starts(n->url, "https://");
    network_headers(n, conf);

    /* reads the system's random numbers once: not in the middle of a call */
    json_object_seed(0);

    *inst = n;

    return SMS_OK;
}


static void
network_exit(void *inst)
{
    network_t        *n = inst;
    network_query_t  *q;

    while ((q = n->queries) != NULL) {
        n->queries = q->next;
        n->host->http->abort(n->host, q->request);
        free(q);
    }

    free(n);
}


static sms_str_t
network_key(network_t *n, const char *what, char *buf, size_t cap)
{
    int  len;

    len = snprintf(buf, cap, "network:%.*s:%s", (int) n->host->name.len, n->host->name.ptr,
                   what);

    return (sms_str_t) { buf, len > 0 && (size_t) len < cap ? (size_t) len : 0 };
}


/* 1: the dictionary has an answer, which may be that there is none */
static int
network_kept(network_t *n, const char *number, sms_network_t *r)
{
    char      key[128], value[16];
    size_t    len;
    unsigned  mcc, mnc;

    if (n->host->dict->get(n->host, network_key(n, number, key, sizeof(key)), value,
                           sizeof(value) - 1, &len)
        != SMS_OK || len >= sizeof(value))
    {
        return 0;
    }
    value[len] = '\0';

    if (sscanf(value, "%3u-%3u", &mcc, &mnc) == 2) {
        r->mcc = (uint16_t) mcc;
        r->mnc = (uint16_t) mnc;
    }

    return 1;
}


static void
network_keep(network_t *n, const char *number, uint16_t mcc, uint16_t mnc)
{
    char       key[128], value[16];
    sms_str_t  v;

    v.ptr = value;
    v.len = (size_t) snprintf(value, sizeof(value), "%u-%u", mcc, mnc);

    (void) n->host->dict->set(n->host, network_key(n, number, key, sizeof(key)), v,
                              mcc ? n->ttl_ms : n->negative_ttl_ms);
}


/* SMS_OK: one more request may leave */
static sms_rc_t
network_may(network_t *n)
{
    char      key[128], second[32];
    int64_t   now, asked;
    sms_rc_t  rc;

    now = n->host->core->now_us(n->host);

    if (now < n->rest_until_us) {
        return SMS_E_DOWN;
    }

    if (n->nqueries >= n->parallel) {
        return SMS_E_BUSY;
    }

    snprintf(second, sizeof(second), "rate:%" PRId64, now / 1000000);
    rc = n->host->dict->incr(n->host, network_key(n, second, key, sizeof(key)), 1, 2000,
                             &asked);

    return rc != SMS_OK || asked > n->rate ? SMS_E_BUSY : SMS_OK;
}


/* NULL with the reason in *rc */
static network_query_t *
network_ask(network_t *n, const char *number, sms_rc_t *rc)
{
    char              url[NETWORK_URL_MAX];
    const char       *place;
    sms_http_req_t    req;
    network_query_t  *q;
    int               len;

    for (q = n->queries; q; q = q->next) {
        if (strcmp(q->number, number) == 0) {
            return q;
        }
    }

    *rc = network_may(n);
    if (*rc != SMS_OK) {
        return NULL;
    }

    q = calloc(1, sizeof(network_query_t));
    if (q == NULL) {
        *rc = SMS_E_NOMEM;
        return NULL;
    }

    place = network_place(n->url);
    len = snprintf(url, sizeof(url), "%.*s%s%.*s", (int) (place - n->url.ptr), n->url.ptr,
                   number,
                   (int) (n->url.len - (size_t) (place - n->url.ptr)
                          - (sizeof(NETWORK_NUMBER) - 1)),
                   place + sizeof(NETWORK_NUMBER) - 1);

    memset(&req, 0, sizeof(req));
    req.size = sizeof(req);
    req.method = (sms_str_t) SMS_STR("GET");
    req.url = (sms_str_t) { url, (size_t) len };
    req.headers = n->headers;
    req.nheaders = n->nheaders;
    req.timeout_ms = n->timeout_ms;
    req.tls = n->use_tls ? &n->tls : NULL;

    q->n = n;
    memcpy(q->number, number, strlen(number) + 1);
    q->request = n->host->http->request(n->host, &req, network_done, q);

    if (q->request == 0) {
        free(q);
        *rc = SMS_E_BUSY;
        return NULL;
    }

    q->next = n->queries;
    n->queries = q;
    n->nqueries++;

    return q;
}


static void
network_log(network_t *n, const char *what)
{
    n->host->core->log(n->host, SMS_LOG_WARN, what, strlen(what));
}


/* SMS_OK with the network, 0 where it is not known; else the service failed */
static sms_rc_t
network_read(network_t *n, const sms_http_res_t *res, uint16_t *mcc, uint16_t *mnc)
{
    *mcc = 0;
    *mnc = 0;

    if (res->rc == SMS_OK && res->status == 404) {
        n->failures = 0;
        return SMS_OK;
    }

    if (res->rc == SMS_OK && res->status == 200
        && network_answer_read(&n->paths, res->body.ptr, res->body.len, mcc, mnc) >= 0)
    {
        n->failures = 0;
        return SMS_OK;
    }

    if (++n->failures >= NETWORK_FAILURES) {
        n->failures = 0;
        n->rest_until_us = n->host->core->now_us(n->host) + (int64_t) n->retry_ms * 1000;
        network_log(n, "the service of networks fails; prefixes route for a while");
    }

    return SMS_E_DOWN;
}


static void
network_done(void *data, const sms_http_res_t *res)
{
    network_query_t  *q = data, **link;
    network_wait_t   *w, *next;
    network_t        *n = q->n;
    sms_rc_t          rc;
    uint16_t          mcc, mnc;

    for (link = &n->queries; *link != q; link = &(*link)->next) {
        /* to who points to it */
    }
    *link = q->next;
    n->nqueries--;

    rc = network_read(n, res, &mcc, &mnc);
    if (rc == SMS_OK) {
        network_keep(n, q->number, mcc, mnc);
    }

    w = q->waits;
    free(q);

    for ( /* void */ ; w; w = next) {

        next = w->next;
        w->result->status = rc;
        w->result->mcc = mcc;
        w->result->mnc = mnc;

        /* its memory goes with the call */
        if (--w->call->left == 0) {
            (void) n->host->core->complete(n->host, w->call->token, SMS_OK);
        }
    }
}


static void
network_cancel(void *inst, sms_call_t call)
{
    network_t        *n = inst;
    network_query_t  *q;
    network_wait_t  **w;

    for (q = n->queries; q; q = q->next) {
        for (w = &q->waits; *w; /* void */ ) {
            if ((*w)->call->token == call) {
                *w = (*w)->next;
            } else {
                w = &(*w)->next;
            }
        }
    }
}


static sms_rc_t
network_wait(network_t *n, network_call_t **call, sms_call_t token, network_query_t *q,
    sms_network_t *r)
{
    network_wait_t  *w;

    if (*call == NULL) {
        *call = n->host->core->alloc(n->host, token, sizeof(network_call_t));
        if (*call == NULL) {
            return SMS_E_NOMEM;
        }
        (*call)->token = token;
        (*call)->left = 0;
    }

    w = n->host->core->alloc(n->host, token, sizeof(network_wait_t));
    if (w == NULL) {
        return SMS_E_NOMEM;
    }

    w->call = *call;
    w->result = r;
    w->next = q->waits;
    q->waits = w;
    (*call)->left++;

    return SMS_OK;
}


static sms_rc_t
network_lookup(void *inst, sms_call_t token, const sms_batch_t *batch)
{
    network_t        *n = inst;
    const sms_msg_t  *msg;
    network_query_t  *q;
    network_call_t   *call;
    sms_network_t    *r;
    sms_rc_t          rc;
    uint32_t          i;
    char              number[20];

    call = NULL;

    for (i = 0; i < batch->n; i++) {

        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        r = SMS_AT(sms_network_t, batch->results, batch->result_stride, i);

        if (msg->to.len == 0 || msg->to.len > 15) {
            r->status = SMS_E_INVAL;
            continue;
        }
        memcpy(number, msg->to.ptr, msg->to.len);
        number[msg->to.len] = '\0';

        r->status = SMS_OK;
        if (network_kept(n, number, r)) {
            continue;
        }

        rc = SMS_OK;
        q = network_ask(n, number, &rc);
        if (q) {
            rc = network_wait(n, &call, token, q, r);
        }
        r->status = rc;
    }

    return call && call->left ? SMS_PENDING : SMS_OK;
}


static const sms_ops_t  network_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = network_keys,
    .check = network_check,
    .init = network_init,
    .exit = network_exit,
    .cancel = network_cancel,
    .lookup_network = network_lookup
};

SMS_PLUGIN("http", "0.1.0", "BSD-2-Clause", "Networks of numbers, asked at an HTTP service",
           1u << SMS_KIND_LOOKUP, network_ops);
