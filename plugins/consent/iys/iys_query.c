/*
 * iys_query.c - one request to İYS: the numbers of many calls, and what became
 * of them.
 *
 * Numbers of one brand and recipient type gather in an open query until it
 * leaves, whichever call they come from: the host sizes its calls by the time
 * they take, and İYS counts requests, not numbers.  A number that several
 * items ask for is asked once.  The answer is as old as the moment at which
 * the request left, so that joining before it costs no truth.
 */
#include "iys_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void
iys_query_unlink(iys_query_t *q)
{
    iys_t  *iys;

    iys = q->iys;

    if (q->prev != NULL) {
        q->prev->next = q->next;

    } else if (q->sent) {
        iys->sent = q->next;

    } else {
        iys->waiting = q->next;
    }

    if (q->next != NULL) {
        q->next->prev = q->prev;

    } else if (!q->sent) {
        iys->waiting_last = q->prev;
    }

    q->prev = NULL;
    q->next = NULL;
}


void
iys_query_wait(iys_query_t *q, int first)
{
    iys_t  *iys;

    iys = q->iys;

    if (first || iys->waiting == NULL) {
        q->next = iys->waiting;

        if (q->next != NULL) {
            q->next->prev = q;

        } else {
            iys->waiting_last = q;
        }

        iys->waiting = q;
        return;
    }

    q->prev = iys->waiting_last;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list with a head has a last */
    q->prev->next = q;
    iys->waiting_last = q;
}


void
iys_query_request_free(iys_query_t *q)
{
    if (q->authorization != NULL) {
        memset(q->authorization, 0, strlen(q->authorization));
        free(q->authorization);
        q->authorization = NULL;
    }

    free(q->body);
    q->body = NULL;
}


void
iys_query_free(iys_query_t *q)
{
    iys_t  *iys;

    iys = q->iys;

    iys_query_unlink(q);

    if (q->sent) {
        iys->nsent--;
    }

    if (q->request != 0) {
        iys->host->http->abort(iys->host, q->request);
    }

    iys_query_request_free(q);
    free(q->waiters);
    free(q->slots);
    free(q->numbers);
    free(q);
}


iys_query_t *
iys_query_create(iys_t *iys, const iys_group_t *group, uint32_t single)
{
    iys_query_t  *q;

    q = calloc(1, sizeof(iys_query_t));
    if (q == NULL) {
        return NULL;
    }

    q->iys = iys;
    q->group = *group;
    q->single = single;
    q->max = single ? 1 : iys->batch;
    q->numbers = calloc(q->max, sizeof(uint64_t));

    if (!q->single) {
        q->slots = calloc(IYS_QUERY_SLOTS, sizeof(uint16_t));
    }

    if (q->numbers == NULL || (!q->single && q->slots == NULL)) {
        free(q->numbers);
        free(q->slots);
        free(q);
        return NULL;
    }

    return q;
}


uint16_t *
iys_query_slot(const iys_query_t *q, uint64_t number)
{
    uint32_t  i;

    i = (uint32_t) ((number * 0x9e3779b97f4a7c15u) >> 40)
        & (IYS_QUERY_SLOTS - 1);

    while (q->slots[i] != 0 && q->numbers[q->slots[i] - 1] != number) {
        i = (i + 1) & (IYS_QUERY_SLOTS - 1);
    }

    return &q->slots[i];
}


sms_rc_t
iys_query_waiter(iys_query_t *q, uint32_t number, iys_call_t *call,
    uint32_t item)
{
    uint32_t       max;
    iys_waiter_t  *w;

    if (q->nwaiters == q->waiters_max) {
        max = q->waiters_max == 0 ? (q->single ? 1 : 64) : q->waiters_max * 2;

        w = realloc(q->waiters, max * sizeof(iys_waiter_t));
        if (w == NULL) {
            return SMS_E_NOMEM;
        }

        q->waiters = w;
        q->waiters_max = max;
    }

    w = &q->waiters[q->nwaiters++];
    w->call = call;
    w->item = item;
    w->number = number;

    return SMS_OK;
}


static int
iys_query_same_group(const iys_query_t *q, const iys_group_t *group)
{
    return q->group.iys_code == group->iys_code
           && q->group.brand_code == group->brand_code
           && q->group.recipient_type == group->recipient_type;
}


sms_rc_t
iys_query_add(iys_t *iys, const iys_group_t *group, uint64_t number,
    iys_call_t *call, uint32_t item)
{
    sms_rc_t      rc;
    uint16_t     *slot;
    iys_query_t  *q;

    slot = NULL;

    for (q = iys->waiting_last; q != NULL; q = q->prev) {

        /* what was sent once has fewer tries left than a new number deserves */

        if (q->single || q->tries > 0 || !iys_query_same_group(q, group)) {
            continue;
        }

        slot = iys_query_slot(q, number);

        if (*slot != 0 || q->n < q->max) {
            break;
        }
    }

    if (q == NULL) {
        q = iys_query_create(iys, group, 0);
        if (q == NULL) {
            return SMS_E_NOMEM;
        }

        iys_query_wait(q, 0);
        slot = iys_query_slot(q, number);
    }

    if (*slot == 0) {
        q->numbers[q->n] = number;
        q->n++;
        *slot = (uint16_t) q->n;
    }

    rc = iys_query_waiter(q, *slot - 1u, call, item);

    if (q->nwaiters == 0) {
        iys_query_free(q);
    }

    return rc;
}


void
iys_query_forget(iys_t *iys, iys_call_t *call)
{
    uint32_t      i, kept, list;
    iys_query_t  *q, *next;

    for (list = 0; list < 2; list++) {

        for (q = list == 0 ? iys->waiting : iys->sent; q != NULL; q = next) {
            next = q->next;

            for (i = 0, kept = 0; i < q->nwaiters; i++) {
                if (q->waiters[i].call != call) {
                    q->waiters[kept++] = q->waiters[i];
                }
            }

            q->nwaiters = kept;

            if (kept == 0) {
                iys_query_free(q);
            }
        }
    }
}


void
iys_query_free_all(iys_t *iys)
{
    while (iys->waiting != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): unlinking moves the head */
        iys_query_free(iys->waiting);
    }

    while (iys->sent != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): unlinking moves the head */
        iys_query_free(iys->sent);
    }
}


void
iys_query_answer_all(iys_query_t *q, const iys_outcome_t *o)
{
    uint32_t  i;

    for (i = 0; i < q->nwaiters; i++) {
        iys_call_answer(q->waiters[i].call, q->waiters[i].item, o);
    }

    iys_query_free(q);
}


void
iys_query_fail(iys_query_t *q, sms_rc_t status, const char *code)
{
    iys_outcome_t  o;

    memset(&o, 0, sizeof(o));
    o.status = status;
    o.state = SMS_CONSENT_UNKNOWN;
    o.code = code;

    iys_query_answer_all(q, &o);
}


iys_query_t *
iys_query_due(iys_t *iys, int64_t now, int64_t *next_us)
{
    int64_t       next;
    iys_query_t  *q;

    next = INT64_MAX;

    for (q = iys->waiting; q != NULL; q = q->next) {

        if (q->not_before_us <= now) {
            return q;
        }

        if (q->not_before_us < next) {
            next = q->not_before_us;
        }
    }

    *next_us = next;

    return NULL;
}


static int
iys_query_halted(iys_query_t *q, int64_t now)
{
    iys_t       *iys;
    const char  *code;

    iys = q->iys;

    if (iys_halt_get(iys, IYS_HALT_ACCOUNT, q->group.iys_code, now, NULL,
                     &code)
        || iys_halt_get(iys, IYS_HALT_BRAND,
                        (uint64_t) q->group.iys_code << 32
                        | q->group.brand_code,
                        now, NULL, &code))
    {
        iys_query_fail(q, SMS_E_DENIED, code);
        return 1;
    }

    if (q->single && !iys_budget_single(iys, now)) {
        iys_query_fail(q, SMS_E_BUSY, "single_budget");
        return 1;
    }

    return 0;
}


static sms_rc_t
iys_query_build(iys_query_t *q, sms_http_req_t *req)
{
    int     len;
    size_t  token_len;
    iys_t  *iys;

    iys = q->iys;

    if (q->single) {
        len = snprintf(q->url, sizeof(q->url),
                       "%.*s/sps/%" PRIu32 "/brands/%" PRIu32
                       "/consents/status",
                       (int) iys->base_url.len, iys->base_url.ptr,
                       q->group.iys_code, q->group.brand_code);
    } else {
        len = snprintf(q->url, sizeof(q->url),
                       "%.*s/sps/%" PRIu32 "/brands/%" PRIu32
                       "/consents/%s/status/MESAJ",
                       (int) iys->base_url.len, iys->base_url.ptr,
                       q->group.iys_code, q->group.brand_code,
                       iys_status_recipient(q->group.recipient_type));
    }

    if (len < 0 || (size_t) len >= sizeof(q->url)) {
        return SMS_E_INVAL;
    }

    token_len = strlen(iys->token.access);

    q->authorization = malloc(token_len + sizeof("Bearer "));
    q->body = malloc(q->single ? IYS_SINGLE_BODY_MAX : IYS_BULK_BODY_MAX(q->n));

    if (q->authorization == NULL || q->body == NULL) {
        return SMS_E_NOMEM;
    }

    memcpy(q->authorization, "Bearer ", 7);
    memcpy(q->authorization + 7, iys->token.access, token_len + 1);

    q->headers[0] = (sms_kv_t) { SMS_STR("Authorization"), { NULL, 0 } };
    q->headers[0].value.ptr = q->authorization;
    q->headers[0].value.len = token_len + 7;
    q->headers[1] = (sms_kv_t) { SMS_STR("Content-Type"),
                                 SMS_STR("application/json") };
    q->headers[2] = (sms_kv_t) { SMS_STR("Accept"),
                                 SMS_STR("application/json") };

    memset(req, 0, sizeof(*req));
    req->size = sizeof(*req);
    req->method = (sms_str_t) SMS_STR("POST");
    req->url.ptr = q->url;
    req->url.len = (size_t) len;
    req->body.ptr = q->body;
    req->body.len = q->single
                    ? iys_status_single_body(q->numbers[0],
                                             q->group.recipient_type, q->body)
                    : iys_status_bulk_body(q->numbers, q->n, q->body);
    req->headers = q->headers;
    req->nheaders = 3;
    req->timeout_ms = iys->timeout_ms;
    req->tls = iys->tls_used;

    return SMS_OK;
}


int
iys_query_send(iys_query_t *q, int64_t now)
{
    iys_t           *iys;
    sms_rc_t         rc;
    sms_http_req_t   req;

    iys = q->iys;

    if (iys_query_halted(q, now)) {
        return 0;
    }

    rc = iys_query_build(q, &req);

    if (rc != SMS_OK) {
        iys_query_fail(q, rc, "no_memory");
        return 0;
    }

    iys_query_unlink(q);

    q->sent = 1;
    q->sent_us = now;
    q->token_us = iys->token.issued_us;
    q->tries++;

    q->next = iys->sent;
    if (iys->sent != NULL) {
        iys->sent->prev = q;
    }
    iys->sent = q;
    iys->nsent++;

    q->request = iys->host->http->request(iys->host, &req, iys_answer_done, q);

    if (q->request == 0) {
        iys_query_fail(q, SMS_E_DOWN, "unreachable");
        return 0;
    }

    iys_count(iys, IYS_METRIC_REQUEST, 1);
    iys_count(iys, q->single ? IYS_METRIC_SINGLE : IYS_METRIC_NUMBER, q->n);

    return 1;
}


void
iys_query_again(iys_query_t *q, int64_t not_before_us)
{
    iys_query_unlink(q);
    q->sent = 0;
    q->iys->nsent--;
    q->not_before_us = not_before_us;
    iys_query_wait(q, 1);
}


void
iys_query_retry(iys_query_t *q, int64_t now, sms_rc_t status,
    const char *code)
{
    if (q->tries >= IYS_TRIES_MAX) {
        iys_query_fail(q, status, code);
        return;
    }

    iys_query_again(q, now + (IYS_SECOND_US << (q->tries - 1))
                       + IYS_SECOND_US / 20);
}
