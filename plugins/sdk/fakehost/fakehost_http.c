/*
 * fakehost_http.c - scripted answers to HTTP requests.
 */
#include "fakehost_impl.h"

typedef struct {
    void        (*done)(void *d, const sms_http_res_t *r);
    char         *body;
    uint32_t      status;
} fakehost_answer_t;


static void
fakehost_http_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    static const sms_kv_t  headers[] = {
        { SMS_STR("content-type"), SMS_STR("application/json") }
    };

    fakehost_answer_t  *a = ev->more;
    fakehost_span_t     span;
    sms_http_res_t      res;

    memset(&res, 0, sizeof(res));
    res.rc = ev->rc;
    if (ev->rc == SMS_OK) {
        res.status = a->status;
        res.headers = headers;
        res.nheaders = 1;
        res.body = (sms_str_t) { a->body, strlen(a->body) };
    }

    if (!fh->started) {
        return;
    }
    fakehost_begin(fh, &span, "http done");
    a->done(ev->data, &res);
    fakehost_finish(fh, &span);
}


static void
fakehost_http_drop(fakehost_event_t *ev)
{
    fakehost_answer_t  *a = ev->more;

    free(a->body);
    free(a);
}


static const fakehost_rule_t *
fakehost_http_match(fakehost_t *fh, const sms_http_req_t *q)
{
    const fakehost_rule_t  *r;
    size_t                  i, len;

    for (i = 0; i < fh->rules.n; i++) {
        r = fh->rules.at[i];
        len = strlen(r->url);
        if (r->method && (strlen(r->method) != q->method.len
                          || memcmp(r->method, q->method.ptr, q->method.len) != 0))
        {
            continue;
        }
        if (q->url.len >= len && memcmp(q->url.ptr, r->url, len) == 0) {
            return r;
        }
    }

    return NULL;
}


static sms_handle_t
fakehost_http_request(sms_host_t *h, const sms_http_req_t *q,
    void (*done)(void *d, const sms_http_res_t *r), void *d)
{
    const fakehost_rule_t  *rule;
    fakehost_answer_t      *a;
    fakehost_event_t       *ev;
    sms_handle_t            handle;
    sms_rc_t                rc;
    FAKEHOST_ENTER(h, "request()");

    handle = 0;
    if (done == NULL || q->method.len == 0 || q->url.len == 0) {
        fakehost_fault(fh, "request() without method, url or done");

    } else if (q->timeout_ms == 0) {
        fakehost_fault(fh, "request() without a timeout");

    } else if (!fakehost_failing(fh, FAKEHOST_ON_REQUEST, &rc)) {
        fakehost_push(&fh->requests,
                      fakehost_text("%.*s %.*s\n\n%.*s", (int) q->method.len, q->method.ptr,
                                    (int) q->url.len, q->url.ptr, (int) q->body.len,
                                    q->body.len ? q->body.ptr : ""));
        rule = fakehost_http_match(fh, q);
        a = fakehost_grab(sizeof(*a));
        a->done = done;
        a->status = rule ? rule->status : 0;
        a->body = fakehost_copy(rule ? rule->body : "", rule ? strlen(rule->body) : 0);
        ev = fakehost_event(fh, FAKEHOST_EV_HTTP,
                            rule && rule->delay_ms < q->timeout_ms ? rule->delay_ms
                            : rule ? q->timeout_ms : 1, fakehost_http_fire);
        ev->rc = rule ? SMS_OK : SMS_E_DOWN;
        if (rule && rule->delay_ms >= q->timeout_ms) {
            ev->rc = SMS_E_TIMEOUT;
        }
        if (fakehost_failing(fh, FAKEHOST_ON_ANSWER, &rc)) {
            ev->rc = rc;
        }
        ev->data = d;
        ev->more = a;
        ev->drop = fakehost_http_drop;
        handle = ev->handle;
    }

    FAKEHOST_LEAVE();
    return handle;
}


static void
fakehost_http_abort(sms_host_t *h, sms_handle_t q)
{
    FAKEHOST_ENTER(h, "abort()");

    (void) fakehost_event_stop(fh, q, FAKEHOST_EV_HTTP);
    FAKEHOST_LEAVE();
}


void
fakehost_http_answer(fakehost_t *fh, const char *method, const char *url, uint32_t status,
    const char *body, uint32_t delay_ms)
{
    fakehost_rule_t  *r;

    r = fakehost_grab(sizeof(*r));
    r->method = method ? fakehost_copy(method, strlen(method)) : NULL;
    r->url = fakehost_copy(url, strlen(url));
    r->body = fakehost_copy(body, strlen(body));
    r->status = status;
    r->delay_ms = delay_ms;
    fakehost_push(&fh->rules, r);
}


uint32_t
fakehost_http_count(fakehost_t *fh)
{
    return (uint32_t) fh->requests.n;
}


const char *
fakehost_http_sent(fakehost_t *fh, uint32_t i)
{
    return i < fh->requests.n ? fh->requests.at[i] : NULL;
}


void
fakehost_http_table(fakehost_t *fh)
{
    fh->http.size = sizeof(sms_http_api_t);
    fh->http.request = fakehost_http_request;
    fh->http.abort = fakehost_http_abort;
}


void
fakehost_http_clear(fakehost_t *fh)
{
    fakehost_rule_t  *r;
    size_t            i;

    for (i = 0; i < fh->rules.n; i++) {
        r = fh->rules.at[i];
        free(r->method);
        free(r->url);
        free(r->body);
    }
    fakehost_list_free(&fh->rules);
    fakehost_list_free(&fh->requests);
}
