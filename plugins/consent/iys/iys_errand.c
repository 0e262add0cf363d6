/* iys_errand.c - see iys_errand.h */
#include "iys_errand.h"

#include "iys_ask.h"
#include "iys_base64.h"
#include "iys_push.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IYS_ERRAND_LEASE      "errand"
#define IYS_ERRAND_TICK_MS    1000
#define IYS_ERRAND_SEED       30        /* ticks between looks at the brands   */
#define IYS_ERRAND_JOBS       8         /* errands under way                   */

/* sms.iys_errand; the first six go back with the answer */
typedef enum {
    IYS_COL_OWNER, IYS_COL_BRAND, IYS_COL_KIND, IYS_COL_ARG, IYS_COL_STAGE,
    IYS_COL_SENT, IYS_COL_IYS, IYS_COL_BRAND_CODE, IYS_COL_METHOD,
    IYS_COL_PATH, IYS_COL_BODY, IYS_COL_FORM, IYS_COLS
} iys_errand_col_t;

typedef struct iys_job_s {
    iys_ask_t          ask;             /* first                                */
    struct iys_job_s  *prev, *next;     /* while the database has it            */
    iys_t             *iys;
    sms_str_t          cell[IYS_COLS];
    uint32_t           iys_code, brand_code, binary;
    char               text[];
} iys_job_t;

static const char  iys_errand_take_sql[] =
    "select owner, brand, kind, arg, stage, sent, iys_code, brand_code, method,"
    " path, body, form from sms.iys_take($1, $2, $3, $4)";
static const char  iys_errand_done_sql[] =
    "select again, rows, refusals, drift, alarm "
    "from sms.iys_done($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
static const char  iys_errand_state_sql[] =
    "select lag_s from sms.iys_feed_state()";


static void iys_errand_tick(void *data);


static sms_str_t
iys_errand_text(const char *s)
{
    return (sms_str_t) { s, strlen(s) };
}


static int64_t
iys_errand_number(sms_str_t s)
{
    size_t   i;
    int64_t  n;

    n = 0;

    for (i = 0; s.ptr != NULL && i < s.len && i < 18; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return 0;
        }

        n = n * 10 + (s.ptr[i] - '0');
    }

    return n;
}


static void
iys_errand_arm(iys_t *iys, uint32_t delay_ms)
{
    iys_errand_t  *s;

    s = &iys->errand;

    if (!s->held || s->draining) {
        return;
    }

    if (s->timer != 0) {
        if (delay_ms > 0) {
            return;
        }

        iys->host->loop->stop(iys->host, s->timer);
    }

    s->timer = iys->host->loop->timer(iys->host, delay_ms, 0, iys_errand_tick,
                                      iys);
}


static int
iys_errand_is(const iys_job_t *job, iys_errand_col_t col, const char *word)
{
    return strcmp(job->cell[col].ptr, word) == 0;
}


/* ---- jobs ---------------------------------------------------------------- */

static void
iys_errand_alarm(iys_job_t *job, sms_str_t alarm)
{
    iys_t  *iys;

    iys = job->iys;

    if (alarm.ptr == NULL) {
        return;
    }

    if (alarm.len == 8 && memcmp(alarm.ptr, "feed-gap", 8) == 0) {
        iys_count(iys, IYS_METRIC_GAP, 1);
    }

    iys_count(iys, IYS_METRIC_ALARM, 1);
    iys_log(iys, SMS_LOG_ERROR, "look at it: code=%.*s what=%.*s iys=%"
            PRIu32 " brand=%" PRIu32, (int) alarm.len, alarm.ptr,
            (int) job->cell[IYS_COL_KIND].len, job->cell[IYS_COL_KIND].ptr,
            job->iys_code, job->brand_code);
}


static void
iys_errand_kept(iys_job_t *job)
{
    iys_errand_t  *s;

    s = &job->iys->errand;
    job->prev = NULL;
    job->next = s->stored;

    if (job->next != NULL) {
        job->next->prev = job;
    }

    s->stored = job;
}


/* A job ends here, however it ended. */

static void
iys_errand_end(iys_job_t *job)
{
    iys_t       *iys;
    iys_errand_t  *s;

    iys = job->iys;
    s = &iys->errand;

    if (job->prev != NULL) {
        job->prev->next = job->next;

    } else if (s->stored == job) {
        s->stored = job->next;
    }

    if (job->next != NULL) {
        job->next->prev = job->prev;
    }

    s->jobs--;
    iys_ask_free(&job->ask);

    if (s->draining && s->jobs == 0) {
        iys->host->core->lease_drop(iys->host, iys_errand_text(IYS_ERRAND_LEASE));
    }
}


static void
iys_errand_stored(void *data, const sms_db_res_t *r)
{
    iys_t         *iys;
    int64_t        rows;
    iys_job_t     *job;
    sms_str_t      again;
    iys_metric_t   metric;

    job = data;
    iys = job->iys;

    if (r->rc != SMS_OK || r->nrows != 1) {

        /* what could not be stored is asked again when its time is over */

        if (r->rc != SMS_E_DOWN) {
            iys_log(iys, SMS_LOG_ERROR, "an answer cannot be stored: what=%.*s "
                    "sqlstate=%.5s iys=%" PRIu32 " brand=%" PRIu32,
                    (int) job->cell[IYS_COL_KIND].len,
                    job->cell[IYS_COL_KIND].ptr, r->sqlstate, job->iys_code,
                    job->brand_code);
        }

        iys_errand_end(job);
        return;
    }

    again = r->cell(r->row_set, 0, 0);
    rows = iys_errand_number(r->cell(r->row_set, 0, 1));
    metric = iys_errand_is(job, IYS_COL_KIND, "add")
             || iys_errand_is(job, IYS_COL_KIND, "poll") ? IYS_METRIC_DECLARED
             : iys_errand_is(job, IYS_COL_KIND, "feed") ? IYS_METRIC_FEED
                                                        : IYS_METRIC_READ;

    iys_count(iys, metric, rows);
    iys_count(iys, IYS_METRIC_REFUSAL,
              iys_errand_number(r->cell(r->row_set, 0, 2)));
    iys_count(iys, IYS_METRIC_DRIFT,
              iys_errand_number(r->cell(r->row_set, 0, 3)));
    iys_errand_alarm(job, r->cell(r->row_set, 0, 4));
    iys_errand_end(job);

    if (again.len == 1 && again.ptr[0] == 't') {
        iys_errand_arm(iys, 0);
    }
}


static void
iys_errand_store(iys_job_t *job, const iys_told_t *told)
{
    char       *copy, number[16];
    iys_t      *iys;
    sms_str_t   p[11], body;

    iys = job->iys;
    copy = NULL;
    body = told->body;
    snprintf(number, sizeof(number), "%" PRIu32, told->http);

    if (job->binary && told->klass == NULL) {
        copy = iys_base64(body);
        body = iys_errand_text(copy == NULL ? "" : copy);
    }

    /* PostgreSQL keeps no NUL: an answer with one is none of İYS's */

    if (body.ptr == NULL || memchr(body.ptr, '\0', body.len) != NULL) {
        body = iys_errand_text("");
    }

    p[0] = iys_errand_text(iys->errand.conf);
    memcpy(&p[1], job->cell, 6 * sizeof(sms_str_t));
    p[7] = iys_errand_text(number);
    p[8] = iys_errand_text(told->klass == NULL ? "ok" : told->klass);
    p[9] = told->code == NULL ? (sms_str_t) { NULL, 0 }
                              : iys_errand_text(told->code);
    p[10] = body;

    if (iys->host->db->query(iys->host, iys->errand.stmt_done, p, 11,
                             iys_errand_stored, job)
        != SMS_OK)
    {
        iys_errand_end(job);
    }

    free(copy);
}


/* ---- asking -------------------------------------------------------------- */

static void
iys_errand_told(iys_ask_t *ask, const iys_told_t *told)
{
    iys_job_t  *job;

    job = (iys_job_t *) ask;
    iys_errand_kept(job);
    iys_errand_store(job, told);
}


static void
iys_errand_gone(iys_ask_t *ask)
{
    iys_errand_end((iys_job_t *) ask);
}


/* The cells of a row of iys_take(), each ended by a NUL. */

static iys_job_t *
iys_errand_read(iys_t *iys, const sms_db_res_t *r, uint32_t row)
{
    char       *p;
    size_t      len;
    uint32_t    i;
    iys_job_t  *job;
    sms_str_t   cell;

    for (i = 0, len = 0; i < IYS_COLS; i++) {
        len += r->cell(r->row_set, row, i).len + 1;
    }

    job = (iys_job_t *) iys_ask_create(iys, sizeof(iys_job_t) + len);

    if (job == NULL) {
        return NULL;
    }

    job->iys = iys;
    p = job->text;

    for (i = 0; i < IYS_COLS; i++) {
        cell = r->cell(r->row_set, row, i);
        job->cell[i].ptr = p;
        job->cell[i].len = cell.len;

        if (cell.len > 0) {
            memcpy(p, cell.ptr, cell.len);
            p += cell.len;
        }

        *p++ = '\0';
    }

    job->iys_code = (uint32_t) iys_errand_number(job->cell[IYS_COL_IYS]);
    job->brand_code = (uint32_t) iys_errand_number(job->cell[IYS_COL_BRAND_CODE]);

    return job;
}


static void
iys_errand_start(iys_t *iys, const sms_db_res_t *r, uint32_t row)
{
    iys_job_t   *job;
    iys_told_t   told;

    job = iys_errand_read(iys, r, row);

    if (job == NULL) {
        return;
    }

    iys->errand.jobs++;

    /* nothing is asked: a step of the database's own */

    if (iys_errand_is(job, IYS_COL_FORM, "none")) {
        memset(&told, 0, sizeof(told));
        iys_errand_kept(job);
        iys_errand_store(job, &told);
        return;
    }

    job->ask.body = iys_errand_is(job, IYS_COL_FORM, "push")
                    ? iys_push_registration(iys,
                          iys_errand_is(job, IYS_COL_STAGE, "register"))
                    : job->cell[IYS_COL_BODY].len == 0
                    ? NULL : strdup(job->cell[IYS_COL_BODY].ptr);

    job->ask.path = strdup(job->cell[IYS_COL_PATH].ptr);
    job->ask.method = job->cell[IYS_COL_METHOD].ptr;
    job->ask.body_len = job->ask.body == NULL ? 0 : strlen(job->ask.body);
    job->ask.hourly = iys_errand_is(job, IYS_COL_FORM, "hourly");
    job->ask.unhalted = iys_errand_is(job, IYS_COL_FORM, "unhalted");
    job->binary = iys_errand_is(job, IYS_COL_FORM, "binary");
    job->ask.iys_code = job->iys_code;
    job->ask.brand_code = job->brand_code;
    job->ask.done = iys_errand_told;
    job->ask.gone = iys_errand_gone;

    if (job->ask.path == NULL
        || (job->ask.body == NULL
            && (iys_errand_is(job, IYS_COL_FORM, "push")
                || job->cell[IYS_COL_BODY].len > 0)))
    {
        iys_errand_end(job);
        return;
    }

    iys_ask_wait(&job->ask);
}


static void
iys_errand_taken(void *data, const sms_db_res_t *r)
{
    iys_t     *iys;
    uint32_t   i;

    iys = data;
    iys->errand.taking = 0;

    if (r->rc != SMS_OK) {
        iys_log(iys, SMS_LOG_ERROR, "no errand can be taken: "
                "sqlstate=%.5s", r->sqlstate);
        iys->errand.ticks = 0;
        return;
    }

    for (i = 0; iys->errand.held && !iys->errand.draining && i < r->nrows; i++) {
        iys_errand_start(iys, r, i);
    }

    if (i > 0) {
        iys_pump(iys);
        iys_call_flush(iys);
    }
}


static void
iys_errand_lag(iys_t *iys, int64_t lag)
{
    iys_count(iys, IYS_METRIC_LAG, lag - iys->errand.lag_s);
    iys->errand.lag_s = lag;
}


static void
iys_errand_state(void *data, const sms_db_res_t *r)
{
    iys_t  *iys;

    iys = data;

    if (r->rc == SMS_OK && r->nrows == 1 && iys->errand.held) {
        iys_errand_lag(iys, iys_errand_number(r->cell(r->row_set, 0, 0)));
    }
}


static void
iys_errand_tick(void *data)
{
    char         limit[16], hide[16];
    iys_t       *iys;
    uint32_t     seed;
    sms_str_t    p[4];
    iys_errand_t  *s;

    iys = data;
    s = &iys->errand;
    s->timer = 0;
    iys_errand_arm(iys, IYS_ERRAND_TICK_MS);

    if (s->taking || s->jobs >= IYS_ERRAND_JOBS
        || !iys->host->core->lease_valid(iys->host,
                                         iys_errand_text(IYS_ERRAND_LEASE)))
    {
        return;
    }

    seed = s->ticks++ % IYS_ERRAND_SEED == 0;

    if (seed) {
        (void) iys->host->db->query(iys->host, s->stmt_state, NULL, 0,
                                    iys_errand_state, iys);
    }

    /* long enough for an answer and its commit; then it is somebody's again */

    snprintf(limit, sizeof(limit), "%" PRIu32, IYS_ERRAND_JOBS - s->jobs);
    snprintf(hide, sizeof(hide), "%" PRIu32, 2 * iys->timeout_ms + 20000);

    p[0] = iys_errand_text(s->conf);
    p[1] = iys_errand_text(seed ? "t" : "f");
    p[2] = iys_errand_text(limit);
    p[3] = iys_errand_text(hide);

    if (iys->host->db->query(iys->host, s->stmt_take, p, 4, iys_errand_taken,
                             iys)
        == SMS_OK)
    {
        s->taking = 1;

    } else {
        s->ticks = 0;
    }
}


/* ---- the instance -------------------------------------------------------- */

void
iys_errand_lease(void *inst, sms_str_t name, int held, uint64_t epoch)
{
    iys_t  *iys;

    (void) name;
    (void) epoch;

    iys = inst;
    iys->errand.held = held != 0;
    iys->errand.ticks = 0;

    if (held) {
        iys_errand_arm(iys, 0);
        return;
    }

    /* whoever has it now asks anew */

    if (iys->errand.timer != 0) {
        iys->host->loop->stop(iys->host, iys->errand.timer);
        iys->errand.timer = 0;
    }

    iys_ask_free_all(iys);
    iys_errand_lag(iys, 0);
}


void
iys_errand_drain(void *inst)
{
    iys_t  *iys;

    iys = inst;

    if (iys->errand.conf == NULL || iys->errand.draining) {
        return;
    }

    if (iys->errand.timer != 0) {
        iys->host->loop->stop(iys->host, iys->errand.timer);
        iys->errand.timer = 0;
    }

    iys->errand.draining = 1;
    iys->errand.jobs++;           /* the lease goes when the last one ends, here
                                   or later                                   */
    iys_ask_free_all(iys);

    if (--iys->errand.jobs == 0) {
        iys->host->core->lease_drop(iys->host, iys_errand_text(IYS_ERRAND_LEASE));
    }
}


sms_rc_t
iys_errand_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    sms_str_t  url, user, password;

    url = conf->str(conf, "push_url");
    user = conf->str(conf, "push_username");
    password = conf->str(conf, "push_password");

    if ((user.len == 0) != (password.len == 0)) {
        snprintf(err, errcap, "\"push_username\" and \"push_password\" go "
                 "together");
        return SMS_E_CONFIG;
    }

    if (user.len > IYS_PUSH_SECRET_MAX || password.len > IYS_PUSH_SECRET_MAX
        || (user.len > 0 && memchr(user.ptr, ':', user.len) != NULL))
    {
        snprintf(err, errcap, "\"push_username\" has no colon (RFC 7617), and "
                 "neither is longer than %d bytes", IYS_PUSH_SECRET_MAX);
        return SMS_E_CONFIG;
    }

    if (conf->num(conf, "push") == 0) {
        return SMS_OK;
    }

    if (url.len == 0 || user.len == 0) {
        snprintf(err, errcap, "\"push\" needs \"push_url\", \"push_username\" "
                 "and \"push_password\"");
        return SMS_E_CONFIG;
    }

    if (!iys_url_permitted(url)) {
        snprintf(err, errcap, "\"push_url\" must be https://host/path, without "
                 "user, query or fragment (http:// to 127.0.0.1 or [::1] "
                 "only)");
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


static char *
iys_errand_conf(iys_t *iys, const sms_conf_t *conf)
{
    char       *text;
    json_t     *o;
    sms_str_t   url;

    static const char *const  push[] = { "off", "on", "remove" };

    url = iys->errand.push_url;
    o = json_pack("{s:I,s:I,s:I,s:b,s:s,s:s,s:s%,s:I}",
                  "batch", (json_int_t) iys->batch,
                  "feed_ms", (json_int_t) conf->num(conf, "feed"),
                  "limit", (json_int_t) conf->num(conf, "feed_page"),
                  "day", (int) conf->num(conf, "reconcile"),
                  "agreement", conf->num(conf, "agreement") ? "on" : "off",
                  "push", push[conf->num(conf, "push")],
                  "push_url", url.ptr == NULL ? "" : url.ptr, url.len,
                  "integrator", (json_int_t) conf->num(conf, "integrator"));
    text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
    json_decref(o);

    return text;
}


sms_rc_t
iys_errand_init(iys_t *iys, const sms_conf_t *conf, char *err, size_t errcap)
{
    sms_rc_t             rc;
    iys_errand_t          *s;
    const sms_db_api_t  *db;

    s = &iys->errand;
    db = iys->host->db;

    s->push_url = conf->str(conf, "push_url");
    s->push_username = conf->str(conf, "push_username");
    s->push_password = conf->str(conf, "push_password");

    if (db == NULL) {
        return SMS_OK;
    }

    s->stmt_take = db->prepare(iys->host, iys_errand_take_sql);
    s->stmt_done = db->prepare(iys->host, iys_errand_done_sql);
    s->stmt_state = db->prepare(iys->host, iys_errand_state_sql);
    s->stmt_push = db->prepare(iys->host, iys_push_sql);

    if (s->stmt_take == 0 || s->stmt_done == 0 || s->stmt_state == 0 || s->stmt_push == 0)
    {
        snprintf(err, errcap, "the statements could not be prepared");
        return SMS_E_CONFIG;
    }

    s->conf = iys_errand_conf(iys, conf);

    if (s->conf == NULL) {
        snprintf(err, errcap, "no memory");
        return SMS_E_NOMEM;
    }

    rc = iys->host->core->lease_want(iys->host, iys_errand_text(IYS_ERRAND_LEASE));

    if (rc != SMS_OK) {
        snprintf(err, errcap, "the lease cannot be asked for (%d)", (int) rc);
        free(s->conf);
        s->conf = NULL;
    }

    return rc;
}


void
iys_errand_free(iys_t *iys)
{
    iys_errand_t  *s;

    s = &iys->errand;
    s->draining = 0;

    if (s->timer != 0) {
        iys->host->loop->stop(iys->host, s->timer);
        s->timer = 0;
    }

    iys_ask_free_all(iys);

    while (s->stored != NULL) {
        iys_errand_end(s->stored);
    }

    free(s->conf);
    s->conf = NULL;
}
