/*
 * What the operator calls back: receipts and messages of handsets.
 *
 * The operator gets its answer from done(SMS_OK) of the host only: until then it
 * brings the callback again, and a repetition changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sms/sms_utf8.h>

#include "http.h"
#include "http_event.h"


#define HTTP_CALLBACK_MAX    262144     /* bytes; the time to read them is bounded */
#define HTTP_CALLBACK_PAUSE  10000000   /* us between two warnings             */

typedef struct {
    http_arrival_t     *arrival;
    uint32_t            item;
    uint32_t            n, bad;         /* events, and those of no use         */
} http_callback_t;

struct http_arrival_s {                 /* one call of http_in                 */
    http_arrival_t     *prev, *next;
    http_t             *http;
    sms_call_t          token;
    const sms_batch_t  *batch;          /* NULL: cancelled                     */
    uint32_t            open;           /* deliveries without an answer        */
    http_callback_t     callbacks[];
};


static const sms_kv_t  http_type_text[] = {
    { SMS_STR("Content-Type"), SMS_STR("text/plain; charset=utf-8") }
};

static const sms_kv_t  http_allow_post[] = { { SMS_STR("Allow"), SMS_STR("POST") } };

static const sms_kv_t  http_allow_both[] = { { SMS_STR("Allow"), SMS_STR("GET, POST") } };


static void
http_callback_warn(http_t *http, const char *what)
{
    int64_t  now;

    now = http->host->core->mono_us(http->host);

    if (http->logged_us == 0 || now - http->logged_us >= HTTP_CALLBACK_PAUSE) {
        http->logged_us = now;
        http_log(http, SMS_LOG_WARN, "callback: %s", what);
    }
}


/* without a body: the host writes a problem */
static void
http_callback_refuse(sms_http_out_t *out, uint32_t status)
{
    out->status = status;
}


static void
http_callback_answer(http_t *http, const http_callback_t *cb, sms_http_out_t *out,
    sms_rc_t rc)
{
    if (rc != SMS_OK && rc != SMS_E_INVAL) {
        http_count(http, HTTP_METRIC_RETURNED, 1);
        http_callback_refuse(out, 503);
        return;
    }

    if (rc == SMS_E_INVAL || cb->bad) {
        http_callback_refuse(out, 400);
        return;
    }

    out->status = 200;
    out->headers = http_type_text;
    out->nheaders = 1;
    out->body = http->conf.callback_answer;
}


static void
http_callback_unlink(http_arrival_t *a)
{
    if (a->prev) {
        a->prev->next = a->next;

    } else {
        a->http->arrivals = a->next;
    }

    if (a->next) {
        a->next->prev = a->prev;
    }

    free(a);
}


static void
http_callback_done(void *data, sms_rc_t rc)
{
    http_t           *http;
    sms_call_t        token;
    http_arrival_t   *a;
    http_callback_t  *cb = data;

    a = cb->arrival;
    http = a->http;

    if (a->batch) {
        http_callback_answer(http, cb, SMS_AT(sms_http_out_t, a->batch->results,
                                              a->batch->result_stride, cb->item), rc);
    }

    if (--a->open) {
        return;
    }

    token = a->batch ? a->token : 0;
    http_callback_unlink(a);

    if (token) {
        (void) http->host->core->complete(http->host, token, SMS_OK);
    }
}


static int
http_callback_ends(sms_str_t path, sms_str_t end)
{
    return end.len && path.len >= end.len
           && memcmp(path.ptr + path.len - end.len, end.ptr, end.len) == 0;
}


static int
http_callback_is(sms_str_t s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.ptr, word, s.len) == 0;
}


/* 1: an answer is to come */
static int
http_callback_take(http_t *http, http_callback_t *cb, const sms_http_in_t *in,
    sms_http_out_t *out)
{
    int                 n, receipts;
    sms_rc_t            rc;
    http_events_t       events;
    const http_map_t   *map;
    const http_conf_t  *c = &http->conf;

    if (!http_secret_good(c, in)) {
        http_count(http, HTTP_METRIC_FORBIDDEN, 1);
        http_callback_warn(http, "refused: the secret or the address is wrong");
        http_callback_refuse(out, 403);
        return 0;
    }

    receipts = c->receipt.path[HTTP_RECEIPT_ID].len
               && http_callback_ends(in->path, c->receipt_path);
    map = receipts ? &c->receipt : &c->inbound;

    if (!receipts && (c->inbound.path[HTTP_INBOUND_FROM].len == 0
                      || !http_callback_ends(in->path, c->inbound_path)))
    {
        http_callback_refuse(out, 404);
        return 0;
    }

    if (!http_callback_is(in->method, "POST")
        && !(map->format == HTTP_DOC_QUERY && http_callback_is(in->method, "GET")))
    {
        http_callback_refuse(out, 405);
        out->headers = map->format == HTTP_DOC_QUERY ? http_allow_both : http_allow_post;
        out->nheaders = 1;
        return 0;
    }

    if (in->body.len > HTTP_CALLBACK_MAX || in->query.len > HTTP_CALLBACK_MAX) {
        http_callback_refuse(out, 413);
        return 0;
    }

    http_events_init(&events, http->host, c, receipts);
    n = http_doc_read(map, map->format == HTTP_DOC_QUERY ? in->query : in->body,
                      http_events_add, &events);
    cb->n = events.n;
    cb->bad = events.bad + (n <= 0);

    if (cb->bad) {
        http_count(http, HTTP_METRIC_MALFORMED, cb->bad);
        http_callback_warn(http, n <= 0 ? "it cannot be read"
                           : receipts ? "a receipt without id, or with a status that "
                                        "receipt_state does not name"
                                      : "a message without number or text");
    }

    if (events.n == 0) {
        http_events_free(&events);
        http_callback_refuse(out, events.failed ? 503 : 400);
        return 0;
    }

    rc = http_events_deliver(&events, http_callback_done, cb);
    http_events_free(&events);

    if (rc != SMS_OK) {
        http_callback_answer(http, cb, out, rc);
        return 0;
    }

    http_count(http, receipts ? HTTP_METRIC_RECEIPTS : HTTP_METRIC_MESSAGES, cb->n);

    return 1;
}


sms_rc_t
http_callback_run(void *inst, sms_call_t token, const sms_batch_t *batch)
{
    http_t          *http = inst;
    uint32_t         i;
    http_arrival_t  *a;

    a = calloc(1, sizeof(http_arrival_t) + batch->n * sizeof(http_callback_t));

    if (a == NULL) {
        return SMS_E_NOMEM;
    }

    a->http = http;
    a->token = token;
    a->batch = batch;

    for (i = 0; i < batch->n; i++) {
        a->callbacks[i].arrival = a;
        a->callbacks[i].item = i;
        a->open += (uint32_t) http_callback_take(http, &a->callbacks[i],
            SMS_AT(const sms_http_in_t, batch->items, batch->item_stride, i),
            SMS_AT(sms_http_out_t, batch->results, batch->result_stride, i));
    }

    if (a->open == 0) {
        free(a);
        return SMS_OK;
    }

    a->next = http->arrivals;

    if (a->next) {
        a->next->prev = a;
    }

    http->arrivals = a;

    return SMS_PENDING;
}


void
http_callback_cancel(http_t *http, sms_call_t token)
{
    http_arrival_t  *a;

    for (a = http->arrivals; a; a = a->next) {
        if (a->token == token) {
            /* what is being stored is stored; nobody waits to hear it */
            a->batch = NULL;
        }
    }
}


void
http_callback_free(http_t *http)
{
    while (http->arrivals) {
        http_callback_unlink(http->arrivals);
    }
}
