#include "ngx_sms_shadow.h"

#include "ngx_sms_judge.h"
#include "ngx_sms_store_shadow.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_SHADOW_SUMS     256
#define NGX_SMS_SHADOW_JOBS     32      /* under way at once                  */
#define NGX_SMS_SHADOW_TIMEOUT  3000
#define NGX_SMS_SHADOW_FLUSH    2000
#define NGX_SMS_SHADOW_CREDIT   (100 * NGX_SMS_RECIPIENTS_MAX)


typedef struct {
    ngx_queue_t              queue;
    ngx_sms_submission_t    *sub;           /* held                           */
    ngx_sms_plugin_t        *plugin;
    ngx_sms_run_t           *run;
    ngx_array_t              asked;         /* ngx_uint_t: index of a body    */
} ngx_sms_shadow_job_t;

typedef struct {
    ngx_sms_store_shadow_t   rows[NGX_SMS_SHADOW_SUMS];
    ngx_uint_t               n;
} ngx_sms_shadow_sums_t;


static ngx_sms_shadow_job_t *ngx_sms_shadow_job(ngx_sms_submission_t *sub,
    ngx_sms_plugin_t *plugin);
static ngx_uint_t ngx_sms_shadow_due(ngx_sms_plugin_t *plugin, ngx_uint_t n);
static void ngx_sms_shadow_run(ngx_sms_shadow_job_t *job);
static void ngx_sms_shadow_run_done(ngx_sms_run_t *run);
static void ngx_sms_shadow_end(ngx_sms_shadow_job_t *job);
static void ngx_sms_shadow_compare(ngx_sms_shadow_job_t *job,
    ngx_sms_body_t *body, ngx_uint_t index, const sms_verdict_t *v);
static ngx_uint_t ngx_sms_shadow_finding(ngx_sms_submission_t *sub,
    const sms_finding_t *f);
static ngx_uint_t ngx_sms_shadow_weight(ngx_uint_t severity,
    ngx_uint_t confirmed);
static ngx_uint_t ngx_sms_shadow_other(ngx_str_t *name,
    ngx_sms_finding_t *finding);
static ngx_uint_t ngx_sms_shadow_live(ngx_sms_body_t *body, ngx_str_t *name,
    sms_str_t code);
static ngx_uint_t ngx_sms_shadow_found(ngx_sms_submission_t *sub,
    const sms_verdict_t *v, uint32_t n, sms_str_t code);
static const u_char *ngx_sms_shadow_message(ngx_sms_submission_t *sub,
    ngx_uint_t body);
static void ngx_sms_shadow_add(const ngx_str_t *shadow, sms_str_t version,
    const char *change, sms_str_t code, int64_t texts, const u_char *sample);
static void ngx_sms_shadow_tick(void *data);
static void ngx_sms_shadow_flush(void);
static void ngx_sms_shadow_told(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_shadow_back(void);


static ngx_sms_plugins_t       *ngx_sms_shadow_plugins;
static ngx_log_t               *ngx_sms_shadow_log;
static ngx_queue_t              ngx_sms_shadow_jobs;
static ngx_uint_t               ngx_sms_shadow_njobs;
static ngx_uint_t               ngx_sms_shadow_off;
static ngx_sms_timer_t          ngx_sms_shadow_timer;
static ngx_sms_store_query_t   *ngx_sms_shadow_query;

/* by place in plugins->shadows: hundredths of texts that may be judged */
static ngx_uint_t               ngx_sms_shadow_credit[NGX_SMS_PLUGINS_MAX];

/* what is summed, and what is on its way */
static ngx_sms_shadow_sums_t    ngx_sms_shadow_now;
static ngx_sms_shadow_sums_t    ngx_sms_shadow_sent;

static const sms_str_t          ngx_sms_shadow_none = SMS_STR("");


void
ngx_sms_shadow_init(ngx_sms_plugins_t *plugins, ngx_log_t *log)
{
    ngx_sms_shadow_plugins = plugins;
    ngx_sms_shadow_log = log;
    ngx_sms_shadow_njobs = 0;
    ngx_sms_shadow_off = 0;
    ngx_sms_shadow_query = NULL;
    ngx_sms_shadow_now.n = 0;
    ngx_sms_shadow_sent.n = 0;
    ngx_queue_init(&ngx_sms_shadow_jobs);
    ngx_memzero(ngx_sms_shadow_credit, sizeof(ngx_sms_shadow_credit));

    ngx_sms_timer_housekeeping(&ngx_sms_shadow_timer, ngx_sms_shadow_tick,
                               NULL, log);

    if (plugins->shadows.nelts) {
        ngx_sms_timer_start(&ngx_sms_shadow_timer,
                            ngx_sms_timer_jitter(NGX_SMS_SHADOW_FLUSH));
    }
}


void
ngx_sms_shadow_stop(void)
{
    ngx_sms_timer_stop(&ngx_sms_shadow_timer);

    if (ngx_sms_shadow_query == NULL && ngx_sms_shadow_now.n) {
        ngx_sms_shadow_flush();
    }

    /* what would be counted now has nobody to store it */
    ngx_sms_shadow_off = 1;
}


void
ngx_sms_shadow_exit(void)
{
    ngx_queue_t           *q;
    ngx_sms_shadow_job_t  *job;

    ngx_sms_timer_stop(&ngx_sms_shadow_timer);
    ngx_sms_shadow_off = 1;

    if (ngx_sms_shadow_query) {
        ngx_sms_store_query_forget(ngx_sms_shadow_query);
        ngx_sms_shadow_query = NULL;
    }

    while (ngx_sms_shadow_njobs) {
        q = ngx_queue_head(&ngx_sms_shadow_jobs);
        job = ngx_queue_data(q, ngx_sms_shadow_job_t, queue);
        ngx_sms_plugin_run_abandon(job->run);
        ngx_sms_shadow_end(job);
    }
}


void
ngx_sms_shadow(ngx_sms_submission_t *sub)
{
    ngx_uint_t             i;
    ngx_sms_plugin_t     **plugin;
    ngx_sms_shadow_job_t  *job;

    /* a preview decides nothing */
    if (ngx_sms_shadow_plugins->shadows.nelts == 0 || ngx_sms_shadow_off
        || sub->preview)
    {
        return;
    }

    plugin = ngx_sms_shadow_plugins->shadows.elts;

    for (i = 0; i < ngx_sms_shadow_plugins->shadows.nelts; i++) {

        job = ngx_sms_shadow_job(sub, plugin[i]);

        if (job && ngx_sms_shadow_due(plugin[i], job->asked.nelts)
            && ngx_sms_shadow_njobs < NGX_SMS_SHADOW_JOBS)
        {
            ngx_sms_shadow_run(job);
        }
    }
}


/* the texts that the rule beside it has judged; NULL: none */

static ngx_sms_shadow_job_t *
ngx_sms_shadow_job(ngx_sms_submission_t *sub, ngx_sms_plugin_t *plugin)
{
    ngx_uint_t             i, *asked;
    ngx_sms_body_t        *body;
    ngx_sms_rule_t        *rule;
    ngx_sms_shadow_job_t  *job;

    rule = sub->rules.elts;

    for (i = 0; i < sub->rules.nelts; i++) {
        if (rule[i].plugin.len == plugin->shadow.len
            && ngx_memcmp(rule[i].plugin.data, plugin->shadow.data,
                          plugin->shadow.len) == 0)
        {
            break;
        }
    }

    if (i == sub->rules.nelts || sub->problem == SMS_PROBLEM_UNAVAILABLE
        || sub->problem == SMS_PROBLEM_INTERNAL)
    {
        return NULL;
    }

    job = ngx_palloc(sub->pool, sizeof(ngx_sms_shadow_job_t));

    if (job == NULL
        || ngx_array_init(&job->asked, sub->pool, sub->bodies.nelts,
                          sizeof(ngx_uint_t))
           != NGX_OK)
    {
        return NULL;
    }

    job->sub = sub;
    job->plugin = plugin;
    job->run = NULL;
    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {

        if (body[i].problem != SMS_PROBLEM_NONE
            && body[i].problem != SMS_PROBLEM_CONTENT_REFUSED
            && body[i].problem != SMS_PROBLEM_CONFIRMATION_NEEDED)
        {
            continue;
        }

        asked = ngx_array_push(&job->asked);
        if (asked == NULL) {
            return NULL;
        }

        *asked = i;
    }

    return job->asked.nelts ? job : NULL;
}


/* each text earns its share, and what is judged spends it: never more than that */

static ngx_uint_t
ngx_sms_shadow_due(ngx_sms_plugin_t *plugin, ngx_uint_t n)
{
    ngx_uint_t  *credit;

    credit = &ngx_sms_shadow_credit[plugin->index];
    *credit = ngx_min(*credit + n * plugin->share, NGX_SMS_SHADOW_CREDIT);

    if (*credit < n * 100) {
        return 0;
    }

    *credit -= n * 100;

    return 1;
}


static void
ngx_sms_shadow_run(ngx_sms_shadow_job_t *job)
{
    ngx_uint_t             i, *asked;
    ngx_sms_body_t        *body;
    ngx_sms_submission_t  *sub;

    sub = job->sub;
    body = sub->bodies.elts;
    asked = job->asked.elts;

    job->run = ngx_sms_run_create(job->asked.nelts, sizeof(sms_msg_t),
                                  ngx_sms_shadow_log);
    if (job->run == NULL) {
        return;
    }

    for (i = 0; i < job->asked.nelts; i++) {
        ngx_sms_submission_message(sub, &body[asked[i]], NULL,
                                   ngx_sms_run_item(job->run, sms_msg_t, i));
    }

    job->run->timeout = NGX_SMS_SHADOW_TIMEOUT;
    job->run->done = ngx_sms_shadow_run_done;
    job->run->data = job;

    ngx_sms_submission_hold(sub);
    ngx_queue_insert_tail(&ngx_sms_shadow_jobs, &job->queue);
    ngx_sms_shadow_njobs++;

    if (ngx_sms_plugin_run(job->plugin, NGX_SMS_OP_RULE_EVALUATE, job->run)
        != NGX_AGAIN)
    {
        ngx_sms_shadow_run_done(job->run);
    }
}


static void
ngx_sms_shadow_run_done(ngx_sms_run_t *run)
{
    ngx_sms_shadow_job_t  *job = run->data;

    ngx_uint_t             i, *asked;
    ngx_sms_body_t        *body;
    const sms_verdict_t   *v;

    body = job->sub->bodies.elts;
    asked = job->asked.elts;

    for (i = 0; i < job->asked.nelts; i++) {

        v = run->results ? ngx_sms_run_result(run, sms_verdict_t, i) : NULL;

        if (v == NULL || v->status != SMS_OK) {
            ngx_sms_shadow_add(&job->plugin->name, ngx_sms_shadow_none,
                               "failed", ngx_sms_shadow_none, 1, NULL);
            continue;
        }

        ngx_sms_shadow_compare(job, &body[asked[i]], asked[i], v);
    }

    ngx_sms_plugin_run_free(run);
    ngx_sms_shadow_end(job);
}


static void
ngx_sms_shadow_end(ngx_sms_shadow_job_t *job)
{
    ngx_queue_remove(&job->queue);
    ngx_sms_shadow_njobs--;
    ngx_sms_submission_release(job->sub);
}


/*
 * What would the text have got?  Findings of other rules stay as they are.  A finding is
 * named only where the decision would be another, whatever else it says.
 */

static void
ngx_sms_shadow_compare(ngx_sms_shadow_job_t *job, ngx_sms_body_t *body,
    ngx_uint_t index, const sms_verdict_t *v)
{
    uint32_t                k;
    ngx_str_t              *beside;
    ngx_uint_t              i, weight, live, shadow;
    const u_char           *sample;
    ngx_sms_finding_t      *finding;
    const sms_finding_t    *f;

    beside = &job->plugin->shadow;
    finding = body->findings.elts;
    live = 0;
    shadow = 0;

    for (i = 0; i < body->findings.nelts; i++) {

        weight = ngx_sms_shadow_weight(finding[i].severity,
                                       finding[i].confirmed);
        live = ngx_max(live, weight);

        if (ngx_sms_shadow_other(beside, &finding[i])) {
            shadow = ngx_max(shadow, weight);
        }
    }

    for (k = 0; k < v->nfindings; k++) {
        f = SMS_AT(const sms_finding_t, v->findings, v->stride, k);
        weight = ngx_sms_shadow_finding(job->sub, f);
        shadow = ngx_max(shadow, weight);
    }

    ngx_sms_shadow_add(&job->plugin->name, v->version, "judged",
                       ngx_sms_shadow_none, 1, NULL);

    if (live == shadow) {
        return;
    }

    sample = ngx_sms_shadow_message(job->sub, index);
    ngx_sms_shadow_add(&job->plugin->name, v->version, "differs",
                       ngx_sms_shadow_none, 1, sample);

    for (k = 0; k < v->nfindings; k++) {

        f = SMS_AT(const sms_finding_t, v->findings, v->stride, k);

        /* the first of a code stands for all */
        if (ngx_sms_shadow_found(job->sub, v, k, f->code) == 0
            && ngx_sms_shadow_found(job->sub, v, v->nfindings, f->code)
               > ngx_sms_shadow_live(body, beside, f->code))
        {
            ngx_sms_shadow_add(&job->plugin->name, v->version, "adds", f->code,
                               1, sample);
        }
    }

    for (i = 0; i < body->findings.nelts; i++) {

        f = &finding[i].f;

        if (ngx_sms_shadow_other(beside, &finding[i])
            || ngx_sms_shadow_live(body, beside, f->code)
               <= ngx_sms_shadow_found(job->sub, v, v->nfindings, f->code))
        {
            continue;
        }

        for (k = 0; k < i; k++) {
            if (!ngx_sms_shadow_other(beside, &finding[k])
                && finding[k].f.code.len == f->code.len
                && ngx_memcmp(finding[k].f.code.ptr, f->code.ptr, f->code.len)
                   == 0)
            {
                break;
            }
        }

        if (k == i) {
            ngx_sms_shadow_add(&job->plugin->name, v->version, "drops",
                               f->code, 1, sample);
        }
    }
}


static ngx_uint_t
ngx_sms_shadow_finding(ngx_sms_submission_t *sub, const sms_finding_t *f)
{
    ngx_uint_t  severity;

    severity = ngx_sms_account_judged(sub->account, f, ngx_time(), NULL);

    return ngx_sms_shadow_weight(severity,
                                 severity == SMS_SEVERITY_CONFIRM
                                 && ngx_sms_judge_confirmed(sub, f->code));
}


/* 0 lets it pass, 1 asks, 2 refuses */

static ngx_uint_t
ngx_sms_shadow_weight(ngx_uint_t severity, ngx_uint_t confirmed)
{
    return severity == SMS_SEVERITY_BLOCK ? 2
           : severity == SMS_SEVERITY_CONFIRM && !confirmed ? 1 : 0;
}


static ngx_uint_t
ngx_sms_shadow_other(ngx_str_t *name, ngx_sms_finding_t *finding)
{
    return finding->plugin.len != name->len
           || ngx_memcmp(finding->plugin.data, name->data, name->len) != 0;
}


/* the weight of a code among what the rule beside it has found */

static ngx_uint_t
ngx_sms_shadow_live(ngx_sms_body_t *body, ngx_str_t *name, sms_str_t code)
{
    ngx_uint_t          i, weight, worst;
    ngx_sms_finding_t  *finding;

    finding = body->findings.elts;
    worst = 0;

    for (i = 0; i < body->findings.nelts; i++) {
        if (!ngx_sms_shadow_other(name, &finding[i])
            && finding[i].f.code.len == code.len
            && ngx_memcmp(finding[i].f.code.ptr, code.ptr, code.len) == 0)
        {
            weight = ngx_sms_shadow_weight(finding[i].severity,
                                           finding[i].confirmed);
            worst = ngx_max(worst, weight);
        }
    }

    return worst;
}


/* the same among the first "n" that the shadow has found */

static ngx_uint_t
ngx_sms_shadow_found(ngx_sms_submission_t *sub, const sms_verdict_t *v,
    uint32_t n, sms_str_t code)
{
    uint32_t              k;
    ngx_uint_t            weight, worst;
    const sms_finding_t  *f;

    worst = 0;

    for (k = 0; k < n; k++) {

        f = SMS_AT(const sms_finding_t, v->findings, v->stride, k);

        if (f->code.len == code.len
            && ngx_memcmp(f->code.ptr, code.ptr, code.len) == 0)
        {
            weight = ngx_sms_shadow_finding(sub, f);
            worst = ngx_max(worst, weight);
        }
    }

    return worst;
}


/* a message that will be stored with this text, or NULL */

static const u_char *
ngx_sms_shadow_message(ngx_sms_submission_t *sub, ngx_uint_t body)
{
    ngx_uint_t            i;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;

    for (i = 0; sub->problem == SMS_PROBLEM_NONE && i < sub->recipients.nelts;
         i++)
    {
        if (rcpt[i].body == body && rcpt[i].problem == SMS_PROBLEM_NONE) {
            return rcpt[i].id;
        }
    }

    return NULL;
}


/* ---- sums ---------------------------------------------------------------- */

static void
ngx_sms_shadow_add(const ngx_str_t *shadow, sms_str_t version,
    const char *change, sms_str_t code, int64_t texts, const u_char *sample)
{
    size_t                   nversion, ncode;
    ngx_uint_t               i;
    ngx_sms_store_shadow_t  *row;

    nversion = ngx_min(version.len, NGX_SMS_SHADOW_VERSION);
    ncode = ngx_min(code.len, NGX_SMS_SHADOW_CODE);

    for (i = 0; i < ngx_sms_shadow_now.n; i++) {

        row = &ngx_sms_shadow_now.rows[i];

        if (row->shadow.data == shadow->data && row->nversion == nversion
            && row->ncode == ncode && ngx_strcmp(row->change, change) == 0
            && ngx_memcmp(row->version, version.ptr, nversion) == 0
            && ngx_memcmp(row->code, code.ptr, ncode) == 0)
        {
            goto found;
        }
    }

    /* more kinds of findings than that are noise */
    if (ngx_sms_shadow_now.n == NGX_SMS_SHADOW_SUMS) {
        return;
    }

    row = &ngx_sms_shadow_now.rows[ngx_sms_shadow_now.n++];
    ngx_memzero(row, sizeof(ngx_sms_store_shadow_t));
    row->shadow = *shadow;
    row->change = change;
    row->nversion = (uint8_t) nversion;
    row->ncode = (uint8_t) ncode;
    ngx_memcpy(row->version, version.ptr, nversion);
    ngx_memcpy(row->code, code.ptr, ncode);

found:

    row->texts += texts;

    if (sample) {
        row->sampled = 1;
        ngx_memcpy(row->sample, sample, 16);
    }
}


static void
ngx_sms_shadow_tick(void *data)
{
    (void) data;

    ngx_sms_timer_start(&ngx_sms_shadow_timer, NGX_SMS_SHADOW_FLUSH);

    if (ngx_sms_shadow_query == NULL && ngx_sms_shadow_now.n) {
        ngx_sms_shadow_flush();
    }
}


static void
ngx_sms_shadow_flush(void)
{
    ngx_sms_shadow_sent = ngx_sms_shadow_now;
    ngx_sms_shadow_now.n = 0;

    ngx_sms_shadow_query = ngx_sms_store_shadow(ngx_sms_shadow_sent.rows,
                               ngx_sms_shadow_sent.n, ngx_sms_timer_now_us(),
                               ngx_sms_shadow_told, NULL);

    if (ngx_sms_shadow_query == NULL) {
        ngx_sms_shadow_back();
    }
}


static void
ngx_sms_shadow_told(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_shadow_query = NULL;

    if (res->rc == NGX_SMS_PG_OK) {
        return;
    }

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_shadow_log, 0,
                      "sms shadow: sums not stored: sqlstate=%s",
                      res->sqlstate);
    }

    ngx_sms_shadow_back();
}


/* what was not stored goes with the next */

static void
ngx_sms_shadow_back(void)
{
    sms_str_t                version, code;
    ngx_uint_t               i;
    ngx_sms_store_shadow_t  *row;

    for (i = 0; i < ngx_sms_shadow_sent.n; i++) {
        row = &ngx_sms_shadow_sent.rows[i];
        version.ptr = (const char *) row->version;
        version.len = row->nversion;
        code.ptr = (const char *) row->code;
        code.len = row->ncode;
        ngx_sms_shadow_add(&row->shadow, version, row->change, code,
                           row->texts, row->sampled ? row->sample : NULL);
    }
}
