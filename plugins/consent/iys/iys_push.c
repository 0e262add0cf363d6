/* iys_push.c - see iys_push.h */
#include "iys_push.h"

#include "iys_base64.h"

#include <sms/sms_hash.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IYS_PUSH_BODY_MAX  (1024 * 1024)
#define IYS_PUSH_MS        4000         /* İYS waits for five seconds          */

const char  iys_push_sql[] =
    "select rows, stored, refusals, unknown, odd from sms.iys_push($1)";

typedef struct {
    iys_arrival_t  *arrival;
    uint32_t        item;
    uint32_t        open;
} iys_pushed_t;

struct iys_arrival_s {                  /* one call of http_in                 */
    iys_arrival_t      *prev, *next;
    iys_t              *iys;
    sms_call_t          token;
    const sms_batch_t  *batch;          /* NULL: nobody waits any more         */
    sms_handle_t        timer;
    uint32_t            open;           /* queries without an answer           */
    uint32_t            n;
    iys_pushed_t        pushed[];
};


static const sms_kv_t  iys_push_json[] = {
    { SMS_STR("Content-Type"), SMS_STR("application/json") }
};
static const sms_kv_t  iys_push_allow[] = {
    { SMS_STR("Allow"), SMS_STR("POST") }
};
static const sms_kv_t  iys_push_basic[] = {
    { SMS_STR("WWW-Authenticate"), SMS_STR("Basic realm=\"iys\", "
                                           "charset=\"UTF-8\"") }
};


static void
iys_push_free_one(iys_arrival_t *a)
{
    if (a->timer != 0) {
        a->iys->host->loop->stop(a->iys->host, a->timer);
    }

    if (a->prev != NULL) {
        a->prev->next = a->next;

    } else if (a->iys->arrivals == a) {
        a->iys->arrivals = a->next;
    }

    if (a->next != NULL) {
        a->next->prev = a->prev;
    }

    free(a);
}


static sms_http_out_t *
iys_push_out(const sms_batch_t *batch, uint32_t item)
{
    return SMS_AT(sms_http_out_t, batch->results, batch->result_stride, item);
}


/* Whoever waits is told; what is in the database's hands stays there. */

static void
iys_push_answer(iys_arrival_t *a)
{
    sms_call_t  token;

    if (a->batch == NULL) {
        return;
    }

    token = a->token;
    a->batch = NULL;

    if (a->timer != 0) {
        a->iys->host->loop->stop(a->iys->host, a->timer);
        a->timer = 0;
    }

    (void) a->iys->host->core->complete(a->iys->host, token, SMS_OK);
}


static void
iys_push_late(void *data)
{
    uint32_t        i;
    iys_arrival_t  *a;

    a = data;
    a->timer = 0;

    for (i = 0; i < a->n; i++) {
        if (a->pushed[i].open) {
            iys_push_out(a->batch, i)->status = 503;
            iys_count(a->iys, IYS_METRIC_PUSH_RETURNED, 1);
        }
    }

    iys_push_answer(a);
}


static int64_t
iys_push_cell(const sms_db_res_t *r, uint32_t col)
{
    size_t     i;
    int64_t    n;
    sms_str_t  s;

    s = r->cell(r->row_set, 0, col);

    for (i = 0, n = 0; s.ptr != NULL && i < s.len && i < 18; i++) {
        n = n * 10 + (s.ptr[i] - '0');
    }

    return n;
}


static void
iys_push_stored(void *data, const sms_db_res_t *r)
{
    iys_t           *iys;
    int64_t          odd, unknown;
    iys_pushed_t    *p;
    iys_arrival_t   *a;
    sms_http_out_t  *out;

    p = data;
    a = p->arrival;
    iys = a->iys;
    out = a->batch == NULL ? NULL : iys_push_out(a->batch, p->item);

    p->open = 0;
    a->open--;

    if (r->rc == SMS_OK && r->nrows == 1) {
        iys_count(iys, IYS_METRIC_PUSH, iys_push_cell(r, 1));
        iys_count(iys, IYS_METRIC_REFUSAL, iys_push_cell(r, 2));
        unknown = iys_push_cell(r, 3);
        odd = iys_push_cell(r, 4);

        if (odd + unknown > 0) {
            iys_log(iys, SMS_LOG_WARN, "pushed rows not kept: other "
                    "brands=%" PRId64 " unreadable=%" PRId64, unknown, odd);
        }

        if (out != NULL) {
            out->status = 200;
            out->headers = iys_push_json;
            out->nheaders = 1;
            out->body = (sms_str_t) SMS_STR("{\"status\":\"ok\"}");
        }

    } else if (r->rc == SMS_E_INVAL && memcmp(r->sqlstate, "22", 2) == 0) {
        iys_count(iys, IYS_METRIC_PUSH_DENIED, 1);

        if (out != NULL) {
            out->status = 400;
        }

    } else {
        iys_count(iys, IYS_METRIC_PUSH_RETURNED, 1);

        if (out != NULL) {
            out->status = 503;
        }
    }

    if (a->open == 0) {
        iys_push_answer(a);
        iys_push_free_one(a);
    }
}


static sms_str_t
iys_push_header(const sms_http_in_t *in, const char *name)
{
    uint32_t  i;

    for (i = 0; i < in->nheaders; i++) {
        if (in->headers[i].name.len == strlen(name)
            && strncasecmp(in->headers[i].name.ptr, name, strlen(name)) == 0)
        {
            return in->headers[i].value;
        }
    }

    return (sms_str_t) { NULL, 0 };
}


/* Over digests: how much of a guess was right, and how long the secret is, does
 * not show in the time. */

static int
iys_push_known(iys_t *iys, const sms_http_in_t *in)
{
    uint8_t     want[SMS_HASH_LEN], got[SMS_HASH_LEN];
    sms_str_t   given;

    given = iys_push_header(in, "authorization");

    if (iys->errand.push_username.len == 0 || given.len < 6
        || strncasecmp(given.ptr, "Basic ", 6) != 0)
    {
        return 0;
    }

    return sms_hash_sha256(iys->errand.push_secret, strlen(iys->errand.push_secret),
                           want) == 0
           && sms_hash_sha256(given.ptr + 6, given.len - 6, got) == 0
           && sms_hash_equal(want, got, SMS_HASH_LEN);
}


/* 1: an answer is to come. */

static int
iys_push_take(iys_arrival_t *a, uint32_t item, const sms_http_in_t *in,
    sms_http_out_t *out)
{
    iys_t      *iys;
    sms_str_t   body;

    iys = a->iys;

    if (!iys_push_known(iys, in)) {
        iys_count(iys, IYS_METRIC_PUSH_DENIED, 1);
        out->status = 401;
        out->headers = iys_push_basic;
        out->nheaders = 1;
        return 0;
    }

    if (in->method.len != 4 || memcmp(in->method.ptr, "POST", 4) != 0) {
        out->status = 405;
        out->headers = iys_push_allow;
        out->nheaders = 1;
        return 0;
    }

    if (in->body.len > IYS_PUSH_BODY_MAX) {
        iys_count(iys, IYS_METRIC_PUSH_DENIED, 1);
        out->status = 413;
        return 0;
    }

    body = in->body;

    if (body.len == 0 || memchr(body.ptr, '\0', body.len) != NULL) {
        iys_count(iys, IYS_METRIC_PUSH_DENIED, 1);
        out->status = 400;
        return 0;
    }

    if (iys->host->db == NULL
        || iys->host->db->query(iys->host, iys->errand.stmt_push, &body, 1,
                                iys_push_stored, &a->pushed[item])
           != SMS_OK)
    {
        iys_count(iys, IYS_METRIC_PUSH_RETURNED, 1);
        out->status = 503;
        return 0;
    }

    return 1;
}


sms_rc_t
iys_push_run(void *inst, sms_call_t token, const sms_batch_t *batch)
{
    iys_t          *iys;
    uint32_t        i;
    iys_arrival_t  *a;

    iys = inst;
    a = calloc(1, sizeof(iys_arrival_t) + batch->n * sizeof(iys_pushed_t));

    if (a == NULL) {
        return SMS_E_NOMEM;
    }

    a->iys = iys;
    a->token = token;
    a->batch = batch;
    a->n = batch->n;

    for (i = 0; i < batch->n; i++) {
        a->pushed[i].arrival = a;
        a->pushed[i].item = i;
        a->pushed[i].open = (uint32_t) iys_push_take(a, i,
            SMS_AT(const sms_http_in_t, batch->items, batch->item_stride, i),
            iys_push_out(batch, i));
        a->open += a->pushed[i].open;
    }

    if (a->open == 0) {
        free(a);
        return SMS_OK;
    }

    a->next = iys->arrivals;

    if (a->next != NULL) {
        a->next->prev = a;
    }

    iys->arrivals = a;

    /* without a timer the host's own limit ends the call */

    a->timer = iys->host->loop->timer(iys->host, IYS_PUSH_MS, 1, iys_push_late,
                                      a);

    return SMS_PENDING;
}


void
iys_push_cancel(iys_t *iys, sms_call_t token)
{
    iys_arrival_t  *a;

    for (a = iys->arrivals; a != NULL; a = a->next) {
        if (a->batch != NULL && a->token == token) {
            a->batch = NULL;

            if (a->timer != 0) {
                iys->host->loop->stop(iys->host, a->timer);
                a->timer = 0;
            }
        }
    }
}


char *
iys_push_registration(iys_t *iys, int registers)
{
    char          *text;
    json_t        *connection, *body;
    iys_errand_t  *e;

    e = &iys->errand;
    connection = json_pack("{s:s%,s:s,s:s%,s:s%}",
                           "url", e->push_url.ptr, e->push_url.len,
                           "type", "MESAJ",
                           "username", e->push_username.ptr,
                           e->push_username.len,
                           "password", e->push_password.ptr,
                           e->push_password.len);
    body = registers && connection != NULL
           ? json_pack("{s:[o]}", "connection", connection) : connection;

    text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);

    return text;
}


void
iys_push_free(iys_t *iys)
{
    while (iys->arrivals != NULL) {
        iys_push_free_one(iys->arrivals);
    }
}
