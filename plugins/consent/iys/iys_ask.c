/* iys_ask.c - see iys_ask.h */
#include "iys_ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


iys_ask_t *
iys_ask_create(iys_t *iys, size_t size)
{
    iys_ask_t  *ask;

    ask = calloc(1, size);

    if (ask != NULL) {
        ask->iys = iys;
    }

    return ask;
}


static void
iys_ask_unlink(iys_ask_t *ask)
{
    iys_t  *iys;

    iys = ask->iys;

    if (ask->prev != NULL) {
        ask->prev->next = ask->next;

    } else if (ask->sent && iys->asked == ask) {
        iys->asked = ask->next;

    } else if (iys->asks == ask) {
        iys->asks = ask->next;
    }

    if (ask->next != NULL) {
        ask->next->prev = ask->prev;

    } else if (iys->asks_last == ask) {
        iys->asks_last = ask->prev;
    }

    ask->prev = NULL;
    ask->next = NULL;
}


static void
iys_ask_request_free(iys_ask_t *ask)
{
    if (ask->authorization != NULL) {
        memset(ask->authorization, 0, strlen(ask->authorization));
    }

    free(ask->authorization);
    free(ask->url);

    ask->authorization = NULL;
    ask->url = NULL;
}


void
iys_ask_free(iys_ask_t *ask)
{
    iys_ask_request_free(ask);
    free(ask->path);
    free(ask->body);
    free(ask);
}


/* Off the lists. */

static void
iys_ask_leave(iys_ask_t *ask)
{
    iys_ask_unlink(ask);

    if (ask->sent) {
        ask->iys->nsent--;
        ask->sent = 0;
    }

    if (ask->request != 0) {
        ask->iys->host->http->abort(ask->iys->host, ask->request);
        ask->request = 0;
    }
}


static void
iys_ask_end(iys_ask_t *ask, const iys_told_t *told)
{
    iys_ask_leave(ask);
    ask->done(ask, told);
}


static void
iys_ask_refuse(iys_ask_t *ask, const sms_http_res_t *r, const char *klass,
    const char *code)
{
    iys_told_t  told;

    memset(&told, 0, sizeof(told));
    told.klass = klass;
    told.code = code;

    if (r != NULL) {
        told.http = r->status;
        told.body = r->body;
    }

    iys_ask_end(ask, &told);
}


static void
iys_ask_fail(iys_ask_t *ask, const char *klass, const char *code)
{
    iys_ask_refuse(ask, NULL, klass, code);
}


void
iys_ask_wait(iys_ask_t *ask)
{
    iys_t  *iys;

    iys = ask->iys;

    if (ask->since_us == 0) {
        ask->since_us = iys->host->core->now_us(iys->host);
    }

    ask->next = NULL;
    ask->prev = iys->asks_last;

    if (ask->prev != NULL) {
        ask->prev->next = ask;

    } else {
        iys->asks = ask;
    }

    iys->asks_last = ask;
}


iys_ask_t *
iys_ask_due(iys_t *iys)
{
    return iys->asks;
}


void
iys_ask_fail_all(iys_t *iys, const char *klass, const char *code)
{
    while (iys->asks != NULL) {
        iys_ask_fail(iys->asks, klass, code);
    }
}


void
iys_ask_free_all(iys_t *iys)
{
    iys_ask_t  *ask;

    while ((ask = iys->asks != NULL ? iys->asks : iys->asked) != NULL) {
        iys_ask_leave(ask);
        iys_ask_request_free(ask);
        ask->gone(ask);
    }
}


static int
iys_ask_halted(iys_ask_t *ask, int64_t now)
{
    iys_t       *iys;
    uint64_t     brand;
    const char  *code;

    iys = ask->iys;
    brand = (uint64_t) ask->iys_code << 32 | ask->brand_code;

    if (!ask->unhalted && ask->iys_code != 0
        && (iys_halt_get(iys, IYS_HALT_ACCOUNT, ask->iys_code, now, NULL, &code)
            || iys_halt_get(iys, IYS_HALT_BRAND, brand, now, NULL, &code)))
    {
        iys_ask_fail(ask, "stop", code);
        return 1;
    }

    if (ask->hourly && !iys_budget_history(iys, now)) {
        iys_ask_fail(ask, "next_hour", "history_budget");
        return 1;
    }

    return 0;
}


/* What İYS's answer asks of us.  The accounts and brands themselves are stopped
 * by status queries only: a right that the feed lacks is none that sending does. */

static void
iys_ask_refused(iys_ask_t *ask, int64_t now, const sms_http_res_t *r)
{
    iys_t              *iys;
    const char         *klass;
    iys_faults_t        f;
    const iys_error_t  *e;

    iys = ask->iys;

    (void) iys_error_read(r->body, &f);
    e = iys_error_judge(r->status, &f);

    iys_log(iys, SMS_LOG_WARN, "refused: %s code=%s http=%" PRIu32
            " iys=%" PRIu32 " brand=%" PRIu32, e->meaning, e->code, r->status,
            ask->iys_code, ask->brand_code);

    if (r->status == 429) {
        iys_count(iys, IYS_METRIC_THROTTLED, 1);
        iys_halt_set(iys, IYS_HALT_PAUSE, iys->far_id, now,
                     now + IYS_SECOND_US + IYS_SECOND_US / 20, e->code);

    } else if (r->status >= 500) {
        iys_count(iys, IYS_METRIC_FAILURE, 1);

    } else {
        iys_count(iys, IYS_METRIC_CLIENT_ERROR, 1);
    }

    switch (e->klass) {

    case IYS_ERROR_RETRY:
    case IYS_ERROR_SILENT:
        klass = "retry";
        break;

    case IYS_ERROR_NEXT_HOUR:
        klass = "next_hour";
        iys_halt_set(iys, IYS_HALT_HISTORY, iys->far_id, now,
                     now + IYS_HOUR_US - now % IYS_HOUR_US, e->code);
        break;

    case IYS_ERROR_REAUTH:
        iys_token_reject(iys, ask->token_us);

        if (!ask->reauthed) {
            ask->reauthed = 1;
            iys_ask_leave(ask);
            iys_ask_wait(ask);
            return;
        }

        klass = "stop";
        break;

    case IYS_ERROR_ITEM:
        klass = "item";
        break;

    case IYS_ERROR_REQUEST:
        klass = "request";
        break;

    default:
        klass = "stop";
    }

    iys_ask_refuse(ask, r, klass, e->code);
}


static void
iys_ask_answered(void *data, const sms_http_res_t *r)
{
    iys_t       *iys;
    iys_ask_t   *ask;
    iys_told_t   told;

    ask = data;
    iys = ask->iys;

    ask->request = 0;
    iys_ask_request_free(ask);

    if (r->rc != SMS_OK) {
        iys_count(iys, IYS_METRIC_FAILURE, 1);
        /* the host's word for an answer above 8 MiB */
        iys_ask_fail(ask, r->rc == SMS_E_INVAL ? "request" : "retry",
                     r->rc == SMS_E_TIMEOUT ? "timeout"
                     : r->rc == SMS_E_INVAL ? "answer_malformed" : "unreachable");

    } else if (r->status == 200 || r->status == 201 || r->status == 202
               || r->status == 204)
    {
        memset(&told, 0, sizeof(told));
        told.http = r->status;
        told.body = r->body;
        iys_ask_end(ask, &told);

    } else {
        iys_ask_refused(ask, iys->host->core->now_us(iys->host), r);
    }

    iys_pump(iys);
    iys_call_flush(iys);
}


static sms_rc_t
iys_ask_build(iys_ask_t *ask, sms_http_req_t *req)
{
    size_t  len, token_len;
    iys_t  *iys;

    iys = ask->iys;
    token_len = strlen(iys->token.access);
    len = iys->base_url.len + strlen(ask->path);

    ask->authorization = malloc(token_len + sizeof("Bearer "));
    ask->url = malloc(len + 1);

    if (ask->authorization == NULL || ask->url == NULL) {
        return SMS_E_NOMEM;
    }

    memcpy(ask->authorization, "Bearer ", 7);
    memcpy(ask->authorization + 7, iys->token.access, token_len + 1);
    memcpy(ask->url, iys->base_url.ptr, iys->base_url.len);
    memcpy(ask->url + iys->base_url.len, ask->path, strlen(ask->path) + 1);

    ask->headers[0] = (sms_kv_t) { SMS_STR("Authorization"), { NULL, 0 } };
    ask->headers[0].value.ptr = ask->authorization;
    ask->headers[0].value.len = token_len + 7;
    ask->headers[1] = (sms_kv_t) { SMS_STR("Accept"), SMS_STR("*/*") };
    ask->headers[2] = (sms_kv_t) { SMS_STR("Content-Type"),
                                   SMS_STR("application/json") };

    memset(req, 0, sizeof(*req));
    req->size = sizeof(*req);
    req->method.ptr = ask->method;
    req->method.len = strlen(ask->method);
    req->url.ptr = ask->url;
    req->url.len = len;
    req->body.ptr = ask->body;
    req->body.len = ask->body_len;
    req->headers = ask->headers;
    req->nheaders = ask->body != NULL ? 3 : 2;
    req->timeout_ms = iys->timeout_ms;
    req->tls = iys->tls_used;

    return SMS_OK;
}


int
iys_ask_send(iys_ask_t *ask, int64_t now)
{
    iys_t           *iys;
    sms_http_req_t   req;

    iys = ask->iys;

    if (iys_ask_halted(ask, now)) {
        return 0;
    }

    if (iys_ask_build(ask, &req) != SMS_OK) {
        iys_ask_request_free(ask);
        iys_ask_fail(ask, "retry", "no_memory");
        return 0;
    }

    iys_ask_unlink(ask);

    ask->sent = 1;
    ask->token_us = iys->token.issued_us;
    ask->next = iys->asked;

    if (iys->asked != NULL) {
        iys->asked->prev = ask;
    }

    iys->asked = ask;
    iys->nsent++;

    ask->request = iys->host->http->request(iys->host, &req, iys_ask_answered,
                                            ask);

    if (ask->request == 0) {
        iys_ask_fail(ask, "retry", "unreachable");
        return 0;
    }

    iys_count(iys, IYS_METRIC_REQUEST, 1);

    return 1;
}
