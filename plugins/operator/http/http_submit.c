/*
 * Messages on their way to the operator, one request each.
 */
#include <stdlib.h>
#include <string.h>

#include <sms/sms_uuid.h>

#include "http.h"


#define HTTP_NO_ROOM_MS   500           /* it came although the window was closed */
#define HTTP_LOG_PAUSE    10000000      /* us between two warnings of a link   */

struct http_call_s {
    http_call_t         *prev, *next;
    sms_call_t           token;
    const sms_batch_t   *batch;         /* until the call ends                 */
    uint32_t             open;          /* messages without a result           */
};

struct http_request_s {
    http_request_t      *prev, *next;
    http_t              *http;
    http_call_t         *call;          /* NULL: cancelled                     */
    uint32_t             item;
    sms_handle_t         handle;
    char                 id[36];        /* ours, where the operator has none   */
};


static sms_submit_t *
http_submit_result(http_call_t *call, uint32_t item)
{
    return SMS_AT(sms_submit_t, call->batch->results, call->batch->result_stride, item);
}


static void
http_submit_later(sms_submit_t *r, int64_t wait_us)
{
    r->status = SMS_OK;
    r->outcome = SMS_SUBMIT_RETRY;
    r->reason = SMS_REASON_OTHER;
    r->retry_after_ms = (uint32_t) ((wait_us + 999) / 1000);
}


static void
http_submit_unlink(http_request_t *q)
{
    if (q->prev) {
        q->prev->next = q->next;

    } else {
        q->http->requests = q->next;
    }

    if (q->next) {
        q->next->prev = q->prev;
    }

    free(q);
}


static void
http_call_unlink(http_t *http, http_call_t *call)
{
    if (call->prev) {
        call->prev->next = call->next;

    } else {
        http->calls = call->next;
    }

    if (call->next) {
        call->next->prev = call->prev;
    }

    free(call);
}


/* What an answer means for those that follow; how long they wait, us. */
static int64_t
http_submit_pace(http_t *http, const http_answer_t *a)
{
    int64_t             now, wait, first, most;
    http_pace_state_t   state;
    const http_conf_t  *c = &http->conf;

    now = http->host->core->mono_us(http->host);
    wait = (int64_t) a->retry_after_ms * 1000;
    first = (int64_t) c->reconnect_min_ms * 1000;
    most = (int64_t) c->reconnect_max_ms * 1000;

    switch (a->verdict.klass) {

    case HTTP_SENT:
    case HTTP_FINAL:
    case HTTP_FAILOVER:
        http_pace_succeeded(&http->pace, now);
        return 0;

    case HTTP_RETRY:
        /* the next message may fare better */
        if (wait == 0) {
            http_pace_succeeded(&http->pace, now);
            return 0;
        }

        state = HTTP_PACE_DOWN;
        break;

    case HTTP_THROTTLED:
        http->throttled++;
        http_count(http, HTTP_METRIC_THROTTLED, 1);
        state = HTTP_PACE_THROTTLED;
        first = (int64_t) c->throttle_ms * 1000;
        most = 30000000;
        break;

    case HTTP_STOP:
        http_count(http, HTTP_METRIC_STOPPED, 1);
        state = HTTP_PACE_RESTING;
        first = (int64_t) c->stop_ms * 1000;
        most = first;
        break;

    default:
        /* also in doubt: each further one would be in doubt, too */
        state = HTTP_PACE_DOWN;
    }

    http->error = a->why ? a->why : "the operator refuses for now";
    http->error_code = a->code;

    return http_pace_failed(&http->pace, state, wait, first, most, now);
}


static void
http_submit_warn(http_t *http, const http_answer_t *a)
{
    int64_t  now;

    now = http->host->core->mono_us(http->host);

    if (a->verdict.klass == HTTP_SENT || (a->why == NULL && a->verdict.klass != HTTP_STOP)
        || (http->logged_us && now - http->logged_us < HTTP_LOG_PAUSE))
    {
        return;
    }

    http->logged_us = now;
    http_log(http, a->verdict.klass == HTTP_STOP ? SMS_LOG_ERROR : SMS_LOG_WARN,
             "submit: %s: code=%u", a->why ? a->why : "the operator refuses whatever comes",
             (unsigned) a->code);
}


static void
http_submit_answer(http_request_t *q, const http_answer_t *a, int64_t wait_us)
{
    char          *id;
    size_t         n;
    http_t        *http;
    sms_submit_t  *r;

    static const uint32_t  outcomes[] = {
        0, SMS_SUBMIT_SENT, SMS_SUBMIT_REJECTED, SMS_SUBMIT_RETRY, SMS_SUBMIT_THROTTLED,
        SMS_SUBMIT_RETRY, SMS_SUBMIT_FAILOVER, SMS_SUBMIT_STOP, SMS_SUBMIT_UNKNOWN
    };

    http = q->http;
    r = http_submit_result(q->call, q->item);
    r->status = SMS_OK;
    r->outcome = outcomes[a->verdict.klass];
    r->reason = a->verdict.klass == HTTP_SENT ? SMS_REASON_NONE : a->verdict.reason;
    r->operator_code = a->code;

    if (r->outcome == SMS_SUBMIT_RETRY || r->outcome == SMS_SUBMIT_THROTTLED
        || r->outcome == SMS_SUBMIT_STOP)
    {
        r->retry_after_ms = (uint32_t) ((wait_us + 999) / 1000);
    }

    if (r->outcome != SMS_SUBMIT_SENT) {
        return;
    }

    n = a->id_len ? a->id_len : sizeof(q->id);
    id = http->host->core->alloc(http->host, q->call->token, n);

    if (id == NULL) {
        /* it was sent, and its receipts will not find it */
        r->outcome = SMS_SUBMIT_UNKNOWN;
        r->reason = SMS_REASON_OTHER;
        return;
    }

    memcpy(id, a->id_len ? a->id : q->id, n);
    r->operator_id.ptr = id;
    r->operator_id.len = n;
}


static void
http_submit_done(void *data, const sms_http_res_t *res)
{
    int64_t           wait;
    http_t           *http;
    sms_call_t        token;
    http_call_t      *call;
    http_answer_t     a;
    http_request_t   *q = data;

    http = q->http;
    call = q->call;
    http_answer_judge(&http->conf, res, http->host->core->now_us(http->host), &a);
    http_pace_ended(&http->pace);
    wait = http_submit_pace(http, &a);
    http_submit_warn(http, &a);
    http_count(http, HTTP_METRIC_INFLIGHT, -1);

    if (res->rc != SMS_OK) {
        http_count(http, HTTP_METRIC_FAILED, 1);
    }

    if (a.verdict.klass == HTTP_UNKNOWN) {
        http_count(http, HTTP_METRIC_DOUBT, 1);
    }

    if (call) {
        http_submit_answer(q, &a, wait);
    }

    http_submit_unlink(q);

    if (call && --call->open == 0) {
        token = call->token;
        http_call_unlink(http, call);
        (void) http->host->core->complete(http->host, token, SMS_OK);
    }

    http_submit_settle(http);
}


/* 1: the request is under way */
static int
http_submit_start(http_t *http, http_call_t *call, uint32_t item, const sms_msg_t *msg)
{
    int               ok;
    uint32_t          i, n;
    sms_kv_t          headers[HTTP_HEADERS_MAX + 1];
    http_text_t       url, body, lines[HTTP_HEADERS_MAX];
    http_message_t    m;
    http_request_t   *q;
    sms_http_req_t    req;
    const http_conf_t  *c = &http->conf;

    static const sms_str_t  types[] = {
        SMS_STR("application/json; charset=utf-8"),
        SMS_STR("application/x-www-form-urlencoded"),
        SMS_STR("application/xml; charset=utf-8")
    };

    q = calloc(1, sizeof(http_request_t));

    if (q == NULL) {
        return 0;
    }

    memset(&m, 0, sizeof(m));
    memset(&url, 0, sizeof(url));
    memset(&body, 0, sizeof(body));
    memset(lines, 0, sizeof(lines));
    m.conf = c;
    m.msg = msg;
    m.now_us = http->host->core->now_us(http->host);
    sms_uuid_print(msg->id, q->id);
    http_template_render(&c->url, http_message_value, &m, &url);
    http_template_render(&c->body, http_message_value, &m, &body);
    ok = !url.failed && !body.failed;

    for (i = 0, n = 0; i < c->nheaders; i++) {
        http_template_render(&c->headers[i].value, http_message_value, &m, &lines[i]);
        headers[n].name = c->headers[i].name;
        headers[n].value.ptr = lines[i].p ? lines[i].p : "";
        headers[n++].value.len = lines[i].len;
        ok = ok && !lines[i].failed;
    }

    if (c->body_type != HTTP_BODY_NONE && !c->has_type) {
        headers[n].name = (sms_str_t) SMS_STR("Content-Type");
        headers[n++].value = types[c->body_type];
    }

    memset(&req, 0, sizeof(req));
    req.size = sizeof(req);
    req.method = c->method;
    req.url.ptr = url.p;
    req.url.len = url.len;
    req.body.ptr = body.p;
    req.body.len = body.len;
    req.headers = headers;
    req.nheaders = n;
    req.timeout_ms = c->timeout_ms;
    req.tls = c->tls.ca_file.len || c->tls.cert_file.len ? &c->tls : NULL;
    q->http = http;
    q->call = call;
    q->item = item;

    if (ok && !m.scratch.failed) {
        q->handle = http->host->http->request(http->host, &req, http_submit_done, q);
    }

    http_text_free(&url);
    http_text_free(&body);
    http_text_free(&m.scratch);

    for (i = 0; i < c->nheaders; i++) {
        http_text_free(&lines[i]);
    }

    if (q->handle == 0) {
        free(q);
        return 0;
    }

    q->next = http->requests;

    if (q->next) {
        q->next->prev = q;
    }

    http->requests = q;

    return 1;
}


static int
http_submit_may(http_t *http)
{
    return http->held && !http->draining
           && http_pace_room(&http->pace, http->host->core->mono_us(http->host)) > 0
           && http->host->core->lease_valid(http->host, HTTP_LEASE);
}


sms_rc_t
http_submit_run(void *inst, sms_call_t token, const sms_batch_t *batch)
{
    http_t            *http = inst;
    uint32_t           i;
    http_call_t       *call;
    const sms_part_t  *part;

    call = calloc(1, sizeof(http_call_t));

    if (call == NULL) {
        return SMS_E_NOMEM;
    }

    call->token = token;
    call->batch = batch;

    for (i = 0; i < batch->n; i++) {
        part = SMS_AT(const sms_part_t, batch->items, batch->item_stride, i);

        if (!http_submit_may(http) || !http_submit_start(http, call, i, part->msg)) {
            /* nothing of it was written */
            http_submit_later(http_submit_result(call, i), HTTP_NO_ROOM_MS * 1000);
            continue;
        }

        http_pace_sent(&http->pace, http->host->core->mono_us(http->host));
        http_count(http, HTTP_METRIC_REQUESTS, 1);
        http_count(http, HTTP_METRIC_INFLIGHT, 1);
        call->open++;
    }

    if (call->open == 0) {
        free(call);
        return SMS_OK;
    }

    call->next = http->calls;

    if (call->next) {
        call->next->prev = call;
    }

    http->calls = call;

    return SMS_PENDING;
}


/* What was written may be acted upon: it runs on, for the sake of the window. */
int
http_submit_cancel(http_t *http, sms_call_t token)
{
    http_call_t     *call;
    http_request_t  *q;

    for (call = http->calls; call && call->token != token; call = call->next) {
        /* void */
    }

    if (call == NULL) {
        return 0;
    }

    for (q = http->requests; q; q = q->next) {
        if (q->call == call) {
            q->call = NULL;
        }
    }

    http_call_unlink(http, call);

    return 1;
}


uint32_t
http_submit_window(void *inst)
{
    http_t  *http = inst;

    if (!http->held || http->draining) {
        return 0;
    }

    return http_pace_room(&http->pace, http->host->core->mono_us(http->host));
}


static void
http_submit_timer(void *data)
{
    http_t  *http = data;

    http->timer = 0;
    http_submit_settle(http);
}


void
http_submit_settle(http_t *http)
{
    int64_t  now, due;

    http_tell(http);

    if (http->draining) {
        if (http->pace.inflight == 0 && !http->dropped) {
            http->dropped = 1;
            http->host->core->lease_drop(http->host, HTTP_LEASE);
        }

        return;
    }

    if (!http->held) {
        return;
    }

    now = http->host->core->mono_us(http->host);

    if (http_pace_room(&http->pace, now) > 0) {
        http->host->core->window_open(http->host);
        return;
    }

    due = http_pace_due(&http->pace, now);

    if (due == INT64_MAX || http->timer) {
        return;
    }

    due = (due - now + 999) / 1000;
    http->timer = http->host->loop->timer(http->host, due > 0 ? (uint32_t) due : 1, 0,
                                          http_submit_timer, http);

    if (http->timer == 0) {
        /* without a timer the host's own looks must do, and find it open */
        http->pace.pause_us = now;
    }
}


void
http_submit_free(http_t *http)
{
    http_request_t  *q;

    if (http->timer) {
        http->host->loop->stop(http->host, http->timer);
        http->timer = 0;
    }

    while ((q = http->requests) != NULL) {
        http->host->http->abort(http->host, q->handle);
        http_submit_unlink(q);
    }

    while (http->calls) {
        http_call_unlink(http, http->calls);
    }
}
