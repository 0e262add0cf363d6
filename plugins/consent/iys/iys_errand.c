/*
 * iys_errand.c - what the database wants of İYS: declared consents to be brought there,
 * changes to be read.
 *
 * The holder of the lease "errand", of all workers and nodes, takes a request from the
 * database (sms.iys_take), sends it, and hands back what İYS said (sms.iys_done), where
 * it is decided what that means.  One that dies in between leaves a request that is
 * taken again: those that write are of version 2, which answers a repetition as it did
 * the first time.
 *
 * Needs the grant db; without it there are no errands.  Requests share pace, token and
 * stops with the status queries.
 */
#include "iys_errand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IYS_ERRAND_IDLE_MS   1000
#define IYS_ERRAND_TOKEN_MS  200        /* a look for another one's token      */
#define IYS_ERRAND_AGAIN_MS  5000       /* the database, or İYS, is away       */

static const sms_str_t  iys_errand_lease_name = SMS_STR("errand");

static const char  iys_errand_take[] =
    "select kind, owner, iys_code, brand_code, path, note, body"
    "  from sms.iys_take($1::int)";
static const char  iys_errand_done[] =
    "select sms.iys_done($1, $2::bigint, $3, $4, $5, $6)";


static void iys_errand_tick(void *data);
static void iys_errand_taken(void *data, const sms_db_res_t *r);
static void iys_errand_step(iys_t *iys);
static void iys_errand_answer(void *data, const sms_http_res_t *r);
static void iys_errand_store(iys_t *iys, const char *klass, const char *code,
    sms_str_t body);
static void iys_errand_stored(void *data, const sms_db_res_t *r);


void
iys_errand_init(iys_t *iys)
{
    sms_host_t    *h;
    iys_errand_t  *u;

    h = iys->host;
    u = &iys->errand;

    if (h->db == NULL) {
        return;
    }

    u->stmt_take = h->db->prepare(h, iys_errand_take);
    u->stmt_done = h->db->prepare(h, iys_errand_done);

    if (u->stmt_take && u->stmt_done) {
        (void) h->core->lease_want(h, iys_errand_lease_name);
    }
}


static void
iys_errand_arm(iys_t *iys, uint32_t delay_ms)
{
    if (iys->errand.timer == 0) {
        iys->errand.timer = iys->host->loop->timer(iys->host, delay_ms, 0,
                                                   iys_errand_tick, iys);
    }
}


void
iys_errand_lease(iys_t *iys, sms_str_t name, int held)
{
    if (name.len != iys_errand_lease_name.len
        || memcmp(name.ptr, iys_errand_lease_name.ptr, name.len) != 0)
    {
        return;
    }

    iys->errand.held = held;

    if (held) {
        iys_errand_arm(iys, 0);
    }
}


static void
iys_errand_clear(iys_errand_t *u)
{
    free(u->kind);
    free(u->path);
    free(u->owner);
    free(u->note);
    free(u->body);
    free(u->authorization);
    u->kind = u->path = u->owner = u->note = u->body = NULL;
    u->authorization = NULL;
    u->state = IYS_ERRAND_IDLE;
    u->reauthed = 0;
    u->slot = 0;
}


void
iys_errand_free(iys_t *iys)
{
    iys_errand_t  *u;

    u = &iys->errand;

    if (u->timer) {
        iys->host->loop->stop(iys->host, u->timer);
        u->timer = 0;
    }

    if (u->request) {
        iys->host->http->abort(iys->host, u->request);
        u->request = 0;
    }

    iys_errand_clear(u);
}


/* What has begun is finished; nothing new is taken. */

void
iys_errand_drain(iys_t *iys)
{
    iys->errand.draining = 1;

    if (iys->errand.state == IYS_ERRAND_IDLE && iys->host->db) {
        iys->host->core->lease_drop(iys->host, iys_errand_lease_name);
    }
}


static void
iys_errand_tick(void *data)
{
    char           limit[12];
    iys_t         *iys;
    sms_str_t      param;
    iys_errand_t  *u;

    iys = data;
    u = &iys->errand;
    u->timer = 0;

    if (u->state == IYS_ERRAND_READY) {
        iys_errand_step(iys);
        return;
    }

    if (u->state != IYS_ERRAND_IDLE || u->draining || !u->held
        || !iys->host->core->lease_valid(iys->host, iys_errand_lease_name))
    {
        return;
    }

    param.ptr = limit;
    param.len = (size_t) snprintf(limit, sizeof(limit), "%" PRIu32,
                                  iys->batch);
    u->state = IYS_ERRAND_TAKING;

    if (iys->host->db->query(iys->host, u->stmt_take, &param, 1,
                             iys_errand_taken, iys) != SMS_OK)
    {
        u->state = IYS_ERRAND_IDLE;
        iys_errand_arm(iys, IYS_ERRAND_AGAIN_MS);
    }
}


static char *
iys_errand_copy(const sms_db_res_t *r, uint32_t col)
{
    char       *p;
    sms_str_t   cell;

    cell = r->cell(r->row_set, 0, col);
    p = malloc(cell.len + 1);

    if (p != NULL) {
        memcpy(p, cell.ptr ? cell.ptr : "", cell.len);
        p[cell.len] = '\0';
    }

    return p;
}


static uint32_t
iys_errand_code(const sms_db_res_t *r, uint32_t col)
{
    char       text[12];
    sms_str_t  cell;

    cell = r->cell(r->row_set, 0, col);

    if (cell.ptr == NULL || cell.len == 0 || cell.len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, cell.ptr, cell.len);
    text[cell.len] = '\0';

    return (uint32_t) strtoul(text, NULL, 10);
}


static void
iys_errand_taken(void *data, const sms_db_res_t *r)
{
    iys_t         *iys;
    iys_errand_t  *u;

    iys = data;
    u = &iys->errand;

    if (r->rc != SMS_OK || r->nrows == 0) {
        if (r->rc != SMS_OK && r->rc != SMS_E_DOWN) {
            iys_log(iys, SMS_LOG_ERROR, "no errand can be taken: "
                    "sqlstate=%s", r->sqlstate);
        }

        u->state = IYS_ERRAND_IDLE;
        iys_errand_arm(iys, r->rc == SMS_OK ? IYS_ERRAND_IDLE_MS
                                            : IYS_ERRAND_AGAIN_MS);
        return;
    }

    u->kind = iys_errand_copy(r, 0);
    u->owner = iys_errand_copy(r, 1);
    u->iys_code = iys_errand_code(r, 2);
    u->brand_code = iys_errand_code(r, 3);
    u->path = iys_errand_copy(r, 4);
    u->note = iys_errand_copy(r, 5);
    u->body = iys_errand_copy(r, 6);

    if (u->kind == NULL || u->owner == NULL || u->path == NULL
        || u->note == NULL || u->body == NULL)
    {
        /* they come again when their time is over */
        iys_errand_clear(u);
        iys_errand_arm(iys, IYS_ERRAND_AGAIN_MS);
        return;
    }

    u->state = IYS_ERRAND_READY;
    iys_errand_step(iys);
}


static int
iys_errand_build(iys_t *iys, sms_http_req_t *req)
{
    int            len;
    size_t         n;
    iys_errand_t  *u;

    u = &iys->errand;
    len = snprintf(u->url, sizeof(u->url), "%.*s%s", (int) iys->base_url.len,
                   iys->base_url.ptr, u->path);

    if (len < 0 || (size_t) len >= sizeof(u->url)) {
        return 0;
    }

    n = strlen(iys->token.access);
    free(u->authorization);
    u->authorization = malloc(n + sizeof("Bearer "));

    if (u->authorization == NULL) {
        return 0;
    }

    memcpy(u->authorization, "Bearer ", 7);
    memcpy(u->authorization + 7, iys->token.access, n + 1);

    u->headers[0].name = (sms_str_t) SMS_STR("Authorization");
    u->headers[0].value.ptr = u->authorization;
    u->headers[0].value.len = n + 7;
    u->headers[1] = (sms_kv_t) { SMS_STR("Accept"),
                                 SMS_STR("application/json") };
    u->headers[2] = (sms_kv_t) { SMS_STR("Content-Type"),
                                 SMS_STR("application/json") };

    memset(req, 0, sizeof(*req));
    req->size = sizeof(*req);
    req->method = *u->body ? (sms_str_t) SMS_STR("POST")
                           : (sms_str_t) SMS_STR("GET");
    req->url.ptr = u->url;
    req->url.len = (size_t) len;
    req->headers = u->headers;
    req->nheaders = *u->body ? 3 : 2;
    req->timeout_ms = iys->timeout_ms;
    req->tls = iys->tls_used;

    req->body.ptr = u->body;
    req->body.len = strlen(u->body);

    return 1;
}


/* The request leaves when nothing forbids it, with the token, in its slot. */

static void
iys_errand_step(iys_t *iys)
{
    int64_t              now, until;
    const char          *code;
    iys_errand_t        *u;
    sms_http_req_t       req;
    static const sms_str_t  none = { NULL, 0 };

    u = &iys->errand;
    now = iys->host->core->now_us(iys->host);

    if (iys_halt_get(iys, IYS_HALT_ACCOUNT, u->iys_code, now, NULL, &code)
        || iys_halt_get(iys, IYS_HALT_BRAND,
                        (uint64_t) u->iys_code << 32 | u->brand_code, now,
                        NULL, &code))
    {
        iys_errand_store(iys, "stop", code, none);
        return;
    }

    if (iys_halt_get(iys, IYS_HALT_PAUSE, iys->far_id, now, &until, NULL)) {
        iys_errand_arm(iys, (uint32_t) ((until - now) / 1000 + 1));
        return;
    }

    switch (iys_token_state(iys, now, &code)) {

    case IYS_TOKEN_READY:
        break;

    case IYS_TOKEN_NEEDED:
        iys_token_fetch(iys, now);
        /* fall through */

    case IYS_TOKEN_FETCHING:
    case IYS_TOKEN_WAITING:
        iys_errand_arm(iys, IYS_ERRAND_TOKEN_MS);
        return;

    default:
        iys_errand_store(iys, "retry", code, none);
        return;
    }

    if (!u->slot) {
        u->slot = 1;
        until = iys_budget_slot(iys, now);

        if (until > now) {
            iys_errand_arm(iys, (uint32_t) ((until - now + 999) / 1000));
            return;
        }
    }

    u->slot = 0;

    if (!iys_errand_build(iys, &req)) {
        iys_errand_store(iys, "retry", "no_memory", none);
        return;
    }

    u->state = IYS_ERRAND_SENT;
    u->token_us = iys->token.issued_us;
    u->request = iys->host->http->request(iys->host, &req, iys_errand_answer,
                                          iys);

    if (u->request == 0) {
        iys_errand_store(iys, "retry", "unreachable", none);
        return;
    }

    iys_count(iys, IYS_METRIC_REQUEST, 1);
}


static void
iys_errand_refused(iys_t *iys, const sms_http_res_t *r)
{
    int64_t             now;
    iys_faults_t        f;
    iys_errand_t       *u;
    const iys_error_t  *e;

    u = &iys->errand;
    now = iys->host->core->now_us(iys->host);

    (void) iys_error_read(r->body, &f);
    e = iys_error_judge(r->status, &f);

    iys_log(iys, SMS_LOG_WARN, "%s refused: %s code=%s http=%"
            PRIu32 " iys=%" PRIu32 " brand=%" PRIu32, u->kind, e->meaning,
            e->code, r->status, u->iys_code, u->brand_code);

    if (r->status == 429) {
        iys_count(iys, IYS_METRIC_THROTTLED, 1);
        iys_halt_set(iys, IYS_HALT_PAUSE, iys->far_id, now,
                     now + IYS_SECOND_US + IYS_SECOND_US / 20, e->code);

    } else {
        iys_count(iys, r->status >= 500 ? IYS_METRIC_FAILURE
                                        : IYS_METRIC_CLIENT_ERROR, 1);
    }

    switch (e->klass) {

    case IYS_ERROR_REAUTH:
        iys_token_reject(iys, u->token_us);

        if (u->reauthed++ == 0) {
            u->state = IYS_ERRAND_READY;
            iys_errand_arm(iys, 0);
            return;
        }

        iys_count(iys, IYS_METRIC_ALARM, 1);
        iys_errand_store(iys, "retry", e->code, r->body);
        return;

    case IYS_ERROR_STOP_ACCOUNT:
    case IYS_ERROR_STOP_BRAND:
    case IYS_ERROR_CREDENTIAL:
        iys_count(iys, IYS_METRIC_ALARM, 1);
        iys_errand_store(iys, "stop", e->code, r->body);
        return;

    case IYS_ERROR_ITEM:
    case IYS_ERROR_REQUEST:
        iys_errand_store(iys, "rows", e->code, r->body);
        return;

    default:
        iys_errand_store(iys, "retry", e->code, r->body);
        return;
    }
}


static void
iys_errand_answer(void *data, const sms_http_res_t *r)
{
    iys_t                  *iys;
    static const sms_str_t  none = { NULL, 0 };

    iys = data;
    iys->errand.request = 0;

    if (r->rc != SMS_OK) {
        iys_count(iys, IYS_METRIC_FAILURE, 1);
        iys_errand_store(iys, "retry",
                         r->rc == SMS_E_TIMEOUT ? "timeout" : "unreachable",
                         none);
        return;
    }

    /* 202: taken; 204: nothing there */

    if (r->status == 200 || r->status == 202 || r->status == 204) {
        iys_errand_store(iys, "ok", NULL, r->body);
        return;
    }

    iys_errand_refused(iys, r);
}


static void
iys_errand_store(iys_t *iys, const char *klass, const char *code,
    sms_str_t body)
{
    sms_str_t      params[6];
    iys_errand_t  *u;

    u = &iys->errand;
    u->state = IYS_ERRAND_STORING;

    /* PostgreSQL keeps no NUL: an answer with one is none of İYS's */

    if (body.len && memchr(body.ptr, 0, body.len) != NULL) {
        body.len = 0;
    }

    params[0] = (sms_str_t) { u->kind, strlen(u->kind) };
    params[1] = (sms_str_t) { u->owner, strlen(u->owner) };
    params[2] = (sms_str_t) { u->note, strlen(u->note) };
    params[3] = (sms_str_t) { klass, strlen(klass) };
    params[4] = (sms_str_t) { code, code ? strlen(code) : 0 };
    params[5] = (sms_str_t) { body.len ? body.ptr : "", body.len };

    if (iys->host->db->query(iys->host, u->stmt_done, params, 6,
                             iys_errand_stored, iys) != SMS_OK)
    {
        iys_errand_clear(u);
        iys_errand_arm(iys, IYS_ERRAND_AGAIN_MS);
    }
}


/* What could not be stored is sent again when its time is over. */

static void
iys_errand_stored(void *data, const sms_db_res_t *r)
{
    iys_t         *iys;
    sms_str_t      cell;
    iys_errand_t  *u;

    iys = data;
    u = &iys->errand;

    if (r->rc == SMS_OK && r->nrows == 1) {
        cell = r->cell(r->row_set, 0, 0);
        iys_count(iys, IYS_METRIC_ERRAND,
                  cell.ptr && cell.len < 10 ? iys_errand_code(r, 0) : 0);

    } else if (r->rc != SMS_E_DOWN) {
        iys_log(iys, SMS_LOG_ERROR, "an answer cannot be stored: "
                "sqlstate=%s iys=%" PRIu32 " brand=%" PRIu32, r->sqlstate,
                u->iys_code, u->brand_code);
    }

    iys_errand_clear(u);

    if (u->draining) {
        iys->host->core->lease_drop(iys->host, iys_errand_lease_name);
        return;
    }

    iys_errand_arm(iys, r->rc == SMS_OK ? 0 : IYS_ERRAND_AGAIN_MS);
}
