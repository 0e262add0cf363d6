#include "ngx_sms_judge.h"

#include "ngx_sms_ids.h"
#include "ngx_sms_judge_route.h"
#include "ngx_sms_reprice.h"
#include "ngx_sms_shadow.h"


typedef enum {
    NGX_SMS_JUDGE_RULES = 0,
    NGX_SMS_JUDGE_LOOKUP,
    NGX_SMS_JUDGE_QUOTE,
    NGX_SMS_JUDGE_ROUTE,
    NGX_SMS_JUDGE_DONE
} ngx_sms_judge_step_e;


#define NGX_SMS_JUDGE_TIMEOUT  3000
#define NGX_SMS_JUDGE_RETRY    50       /* ms; after SMS_E_BUSY */


static ngx_int_t ngx_sms_judge_go(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);
static ngx_sms_plugin_t *ngx_sms_judge_plugin(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);
static ngx_int_t ngx_sms_judge_start(ngx_sms_submission_t *sub,
    ngx_sms_plugin_t *plugin, const ngx_sms_judge_conf_t *conf);
static void ngx_sms_judge_run_done(ngx_sms_run_t *run);
static ngx_uint_t ngx_sms_judge_busy(ngx_sms_submission_t *sub);
static void ngx_sms_judge_again(void *data);
static void ngx_sms_judge_repriced(ngx_sms_submission_t *sub);
static void ngx_sms_judge_take(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf);
static void ngx_sms_judge_take_rules(ngx_sms_submission_t *sub,
    ngx_sms_plugin_t *plugin);
static ngx_int_t ngx_sms_judge_rule(ngx_sms_submission_t *sub,
    ngx_sms_plugin_t *plugin, sms_str_t version);
static ngx_int_t ngx_sms_judge_finding(ngx_sms_submission_t *sub,
    ngx_sms_body_t *body, ngx_sms_plugin_t *plugin, const sms_verdict_t *v,
    const sms_finding_t *f);
static void ngx_sms_judge_take_quotes(ngx_sms_submission_t *sub,
    ngx_sms_plugin_t *plugin);
static void ngx_sms_judge_failed(ngx_sms_submission_t *sub,
    ngx_sms_plugin_t *plugin);
static void ngx_sms_judge_findings(ngx_sms_submission_t *sub);
static char *ngx_sms_judge_copy(char *p, sms_str_t *s);


ngx_int_t
ngx_sms_judge(ngx_sms_submission_t *sub, const ngx_sms_judge_conf_t *conf)
{
    ngx_uint_t            i;
    ngx_sms_recipient_t  *rcpt;

    /* plugins know a message by its id: shares of links are drawn by it */
    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (ngx_sms_id_make(rcpt[i].id) != NGX_OK) {
            sub->problem = SMS_PROBLEM_INTERNAL;
        }
    }

    sub->identified = 1;
    sub->step = NGX_SMS_JUDGE_RULES;
    sub->nth = 0;
    sub->judge_until = ngx_current_msec + NGX_SMS_JUDGE_TIMEOUT;

    return ngx_sms_judge_go(sub, conf);
}


void
ngx_sms_judge_abandon(ngx_sms_submission_t *sub)
{
    ngx_sms_run_t  *run;

    run = sub->run;
    sub->done = NULL;

    if (run) {
        sub->run = NULL;
        ngx_sms_plugin_run_abandon(run);
        ngx_sms_submission_release(sub);

    } else if (sub->busy && ngx_sms_timer_running(sub->busy)) {
        ngx_sms_timer_stop(sub->busy);
        ngx_sms_submission_release(sub);
    }
}


static ngx_int_t
ngx_sms_judge_go(ngx_sms_submission_t *sub, const ngx_sms_judge_conf_t *conf)
{
    ngx_sms_plugin_t  *plugin;

    while (sub->step != NGX_SMS_JUDGE_DONE) {

        if (sub->problem != SMS_PROBLEM_NONE) {
            break;
        }

        plugin = ngx_sms_judge_plugin(sub, conf);

        if (plugin) {

            if (ngx_sms_judge_start(sub, plugin, conf) == NGX_AGAIN) {
                return NGX_AGAIN;
            }

            continue;
        }

        if (sub->step == NGX_SMS_JUDGE_RULES) {
            ngx_sms_judge_findings(sub);

        } else if (sub->step == NGX_SMS_JUDGE_ROUTE) {
            ngx_sms_judge_unrouted(sub, conf);
        }

        sub->step++;
        sub->nth = 0;

        if (sub->step == NGX_SMS_JUDGE_ROUTE) {
            ngx_sms_judge_eligible(sub, conf);
        }
    }

    if (sub->preview && !sub->repriced) {
        sub->repriced = 1;
        sub->judge = conf;

        if (ngx_sms_reprice(sub, conf->plugins, ngx_sms_judge_repriced)
            == NGX_AGAIN)
        {
            return NGX_AGAIN;
        }
    }

    ngx_sms_submission_sum(sub);
    ngx_sms_shadow(sub);

    return NGX_OK;
}


static void
ngx_sms_judge_repriced(ngx_sms_submission_t *sub)
{
    ngx_sms_judge_again(sub);
}


/* the next plugin of this step, or NULL when the step is over */

static ngx_sms_plugin_t *
ngx_sms_judge_plugin(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf)
{
    ngx_array_t       *list;
    ngx_sms_plugin_t **plugin;

    static const ngx_uint_t  kinds[] = {
        SMS_KIND_RULE, SMS_KIND_LOOKUP, SMS_KIND_BILLING, SMS_KIND_ROUTER
    };

    list = &conf->plugins->kinds[kinds[sub->step]];
    plugin = list->elts;

    /* one tariff prices a message; the sandbox has neither price nor route */
    if ((sub->step == NGX_SMS_JUDGE_QUOTE && sub->nth > 0)
        || (sub->step != NGX_SMS_JUDGE_RULES && sub->test)
        || sub->nth >= list->nelts)
    {
        return NULL;
    }

    return plugin[sub->nth++];
}


static ngx_int_t
ngx_sms_judge_start(ngx_sms_submission_t *sub, ngx_sms_plugin_t *plugin,
    const ngx_sms_judge_conf_t *conf)
{
    ngx_int_t             rc;
    ngx_uint_t            i, n, *asked;
    ngx_sms_run_t        *run;
    ngx_sms_body_t       *body;
    ngx_sms_recipient_t  *rcpt;

    static const ngx_uint_t  ops[] = {
        NGX_SMS_OP_RULE_EVALUATE, NGX_SMS_OP_LOOKUP_NETWORK,
        NGX_SMS_OP_BILLING_QUOTE, NGX_SMS_OP_ROUTER_CHOOSE
    };

    body = sub->bodies.elts;
    rcpt = sub->recipients.elts;
    sub->asked.nelts = 0;

    n = sub->step == NGX_SMS_JUDGE_RULES ? sub->bodies.nelts
                                         : sub->recipients.nelts;

    for (i = 0; i < n; i++) {

        if (sub->step == NGX_SMS_JUDGE_RULES
            ? body[i].problem != SMS_PROBLEM_NONE
            : (rcpt[i].problem != SMS_PROBLEM_NONE
               || (sub->step == NGX_SMS_JUDGE_LOOKUP && rcpt[i].looked)
               || (sub->step == NGX_SMS_JUDGE_ROUTE
                   && (rcpt[i].link
                       || body[rcpt[i].body].neligible == 0))))
        {
            continue;
        }

        asked = ngx_array_push(&sub->asked);

        if (asked == NULL) {
            sub->problem = SMS_PROBLEM_INTERNAL;
            return NGX_OK;
        }

        *asked = i;
    }

    if (sub->asked.nelts == 0) {
        return NGX_OK;
    }

    run = ngx_sms_run_create(sub->asked.nelts, sizeof(sms_msg_t), sub->log);

    if (run == NULL) {
        sub->problem = SMS_PROBLEM_INTERNAL;
        return NGX_OK;
    }

    asked = sub->asked.elts;

    for (i = 0; i < sub->asked.nelts; i++) {

        if (sub->step == NGX_SMS_JUDGE_RULES) {
            ngx_sms_submission_message(sub, &body[asked[i]], NULL,
                                       ngx_sms_run_item(run, sms_msg_t, i));
            continue;
        }

        ngx_sms_submission_message(sub, &body[rcpt[asked[i]].body],
                                   &rcpt[asked[i]],
                                   ngx_sms_run_item(run, sms_msg_t, i));
    }

    run->timeout = sub->step == NGX_SMS_JUDGE_LOOKUP && plugin->wait
                   ? plugin->wait : NGX_SMS_JUDGE_TIMEOUT;
    run->done = ngx_sms_judge_run_done;
    run->data = sub;
    sub->run = run;
    sub->judge = conf;

    rc = ngx_sms_plugin_run(plugin, ops[sub->step], run);

    if (rc == NGX_AGAIN) {

        if (sub->step == NGX_SMS_JUDGE_LOOKUP && plugin->wait == 0) {

            /* its answer is for the next one who asks; the prefix routes this */
            sub->run = NULL;
            ngx_sms_plugin_run_abandon(run);
            return NGX_OK;
        }

        ngx_sms_submission_hold(sub);
        return NGX_AGAIN;
    }

    if (ngx_sms_judge_busy(sub)) {
        return NGX_AGAIN;
    }

    ngx_sms_judge_take(sub, conf);

    return NGX_OK;
}


static void
ngx_sms_judge_run_done(ngx_sms_run_t *run)
{
    ngx_sms_submission_t  *sub = run->data;

    if (!ngx_sms_judge_busy(sub)) {
        ngx_sms_judge_take(sub, sub->judge);
        ngx_sms_judge_again(sub);
        return;
    }

    /* the timer holds it now */
    ngx_sms_submission_release(sub);
}


/*
 * A plugin that is not there yet, as in a worker's first moments, is asked
 * again for a while: a reload must not show to clients.
 */

static ngx_uint_t
ngx_sms_judge_busy(ngx_sms_submission_t *sub)
{
    ngx_sms_run_t  *run;

    run = sub->run;

    if (run->rc != SMS_E_BUSY || sub->step == NGX_SMS_JUDGE_LOOKUP
        || (ngx_msec_int_t) (sub->judge_until - ngx_current_msec) <= 0)
    {
        return 0;
    }

    if (sub->busy == NULL) {
        sub->busy = ngx_palloc(sub->pool, sizeof(ngx_sms_timer_t));

        if (sub->busy == NULL) {
            return 0;
        }

        ngx_sms_timer_deadline(sub->busy, ngx_sms_judge_again, sub, sub->log);
    }

    sub->run = NULL;
    sub->nth--;
    ngx_sms_plugin_run_free(run);
    ngx_sms_submission_hold(sub);
    ngx_sms_timer_start(sub->busy, NGX_SMS_JUDGE_RETRY);

    return 1;
}


static void
ngx_sms_judge_again(void *data)
{
    ngx_sms_submission_t  *sub = data;

    if (ngx_sms_judge_go(sub, sub->judge) == NGX_OK && sub->done) {
        sub->done(sub);
    }

    ngx_sms_submission_release(sub);
}


static void
ngx_sms_judge_take(ngx_sms_submission_t *sub, const ngx_sms_judge_conf_t *conf)
{
    ngx_sms_run_t     *run;
    ngx_sms_plugin_t  *plugin;

    run = sub->run;
    plugin = run->plugin;
    sub->run = NULL;

    if (run->rc != SMS_OK && sub->step != NGX_SMS_JUDGE_LOOKUP) {
        ngx_sms_judge_failed(sub, plugin);

    } else {
        sub->taking = run;

        switch (sub->step) {

        case NGX_SMS_JUDGE_RULES:
            ngx_sms_judge_take_rules(sub, plugin);
            break;

        case NGX_SMS_JUDGE_LOOKUP:
            ngx_sms_judge_take_networks(sub);
            break;

        case NGX_SMS_JUDGE_QUOTE:
            ngx_sms_judge_take_quotes(sub, plugin);
            break;

        default:
            ngx_sms_judge_take_routes(sub, conf);
        }

        sub->taking = NULL;
    }

    ngx_sms_plugin_run_free(run);
}


/* the plugin could not answer: its failure policy does */

static void
ngx_sms_judge_failed(ngx_sms_submission_t *sub, ngx_sms_plugin_t *plugin)
{
    if (sub->step == NGX_SMS_JUDGE_ROUTE
        || plugin->on_error == NGX_SMS_ON_ERROR_ALLOW)
    {
        /* the next router is asked; without any there is no route */
        return;
    }

    if (plugin->on_error == NGX_SMS_ON_ERROR_DENY) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_CONTENT_REFUSED, "",
                                 "\"%V\" cannot judge now and refuses then",
                                 &plugin->name);
        return;
    }

    ngx_sms_submission_fault(sub, SMS_PROBLEM_UNAVAILABLE, "",
                             "\"%V\" cannot answer now", &plugin->name);
}


static void
ngx_sms_judge_take_rules(ngx_sms_submission_t *sub, ngx_sms_plugin_t *plugin)
{
    uint32_t              k;
    ngx_uint_t            i, ruled, *asked;
    ngx_sms_run_t        *run;
    ngx_sms_body_t       *body;
    const sms_verdict_t  *v;
    const sms_finding_t  *f;

    run = sub->taking;
    body = sub->bodies.elts;
    asked = sub->asked.elts;
    ruled = 0;

    for (i = 0; i < sub->asked.nelts; i++) {

        v = ngx_sms_run_result(run, sms_verdict_t, i);

        if (v->status != SMS_OK) {
            ngx_sms_judge_failed(sub, plugin);
            continue;
        }

        if (!ruled) {
            ruled = 1;

            if (ngx_sms_judge_rule(sub, plugin, v->version) != NGX_OK) {
                sub->problem = SMS_PROBLEM_INTERNAL;
                return;
            }
        }

        if (v->action == SMS_DEFER && v->defer_until_us > sub->schedule_us
            && sub->klass != SMS_CLASS_OTP)
        {
            /* a quiet window moves the sending, and its validity with it */
            sub->expires_us += v->defer_until_us
                               - (sub->schedule_us ? sub->schedule_us
                                                   : sub->accepted_us);
            sub->schedule_us = v->defer_until_us;
        }

        for (k = 0; k < v->nfindings; k++) {

            f = SMS_AT(const sms_finding_t, v->findings, v->stride, k);

            if (ngx_sms_judge_finding(sub, &body[asked[i]], plugin, v, f)
                != NGX_OK)
            {
                sub->problem = SMS_PROBLEM_INTERNAL;
                return;
            }
        }
    }
}


static ngx_int_t
ngx_sms_judge_rule(ngx_sms_submission_t *sub, ngx_sms_plugin_t *plugin,
    sms_str_t version)
{
    ngx_sms_rule_t  *rule;

    if (sub->rules.elts == NULL
        && ngx_array_init(&sub->rules, sub->pool, 2, sizeof(ngx_sms_rule_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rule = ngx_array_push(&sub->rules);
    if (rule == NULL) {
        return NGX_ERROR;
    }

    rule->plugin = plugin->name;
    rule->version.len = version.len;
    rule->version.data = ngx_pnalloc(sub->pool, version.len + 1);

    if (rule->version.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sms_judge_copy((char *) rule->version.data, &version);

    return NGX_OK;
}


static ngx_int_t
ngx_sms_judge_finding(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    ngx_sms_plugin_t *plugin, const sms_verdict_t *v, const sms_finding_t *f)
{
    char               *p;
    sms_str_t           version;
    ngx_uint_t          severity;
    ngx_sms_waiver_t   *waiver;
    ngx_sms_finding_t  *finding;

    severity = ngx_sms_account_judged(sub->account, f, ngx_time(), &waiver);

    if (severity == SMS_SEVERITY_OFF) {
        return NGX_OK;
    }

    finding = ngx_array_push(&body->findings);
    if (finding == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(finding, sizeof(ngx_sms_finding_t));
    finding->f = *f;
    finding->severity = severity;
    finding->plugin = plugin->name;

    if (waiver) {
        finding->waiver = waiver->id;
    }

    version = v->version;

    /* the plugin's are its own again when the call is over */
    p = ngx_pnalloc(sub->pool, f->code.len + f->detail_tr.len
                               + f->detail_en.len + f->repair.len
                               + f->source.len + version.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sms_judge_copy(p, &finding->f.code);
    p = ngx_sms_judge_copy(p, &finding->f.detail_tr);
    p = ngx_sms_judge_copy(p, &finding->f.detail_en);
    p = ngx_sms_judge_copy(p, &finding->f.repair);
    p = ngx_sms_judge_copy(p, &finding->f.source);
    (void) ngx_sms_judge_copy(p, &version);

    finding->version.data = (u_char *) version.ptr;
    finding->version.len = version.len;
    finding->confirmed = severity == SMS_SEVERITY_CONFIRM
                         && ngx_sms_judge_confirmed(sub, finding->f.code);

    return NGX_OK;
}


/* to p; what is behind it */

static char *
ngx_sms_judge_copy(char *p, sms_str_t *s)
{
    if (s->len) {
        ngx_memcpy(p, s->ptr, s->len);
    }

    s->ptr = p;

    return p + s->len;
}


ngx_uint_t
ngx_sms_judge_confirmed(ngx_sms_submission_t *sub, sms_str_t code)
{
    ngx_str_t   *confirm;
    ngx_uint_t   i;

    confirm = sub->confirm.elts;

    for (i = 0; i < sub->confirm.nelts; i++) {
        if (confirm[i].len == code.len
            && ngx_memcmp(confirm[i].data, code.ptr, code.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* all rules have spoken: which texts stand? */

static void
ngx_sms_judge_findings(ngx_sms_submission_t *sub)
{
    ngx_uint_t            i, k, worst;
    ngx_sms_body_t       *body;
    ngx_sms_finding_t    *finding, *cause;
    ngx_sms_recipient_t  *rcpt;

    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {

        worst = SMS_SEVERITY_WARN;
        cause = NULL;
        finding = body[i].findings.elts;

        for (k = 0; k < body[i].findings.nelts; k++) {
            if (finding[k].severity > worst && !finding[k].confirmed) {
                worst = finding[k].severity;
                cause = &finding[k];
            }
        }

        if (cause == NULL) {
            continue;
        }

        body[i].problem = worst == SMS_SEVERITY_BLOCK
                          ? SMS_PROBLEM_CONTENT_REFUSED
                          : SMS_PROBLEM_CONFIRMATION_NEEDED;
        body[i].detail.data = (u_char *) cause->f.detail_en.ptr;
        body[i].detail.len = cause->f.detail_en.len;

        for (k = 0; k < body[i].findings.nelts; k++) {

            /* in "messages" the text's recipient is refused, not the request */
            if (sub->bodies.nelts > 1 || finding[k].confirmed
                || finding[k].severity < SMS_SEVERITY_CONFIRM)
            {
                continue;
            }

            ngx_sms_submission_fault(sub, body[i].problem,
                                     (const char *) body[i].pointer.data,
                                     "%*s: %*s", finding[k].f.code.len,
                                     finding[k].f.code.ptr,
                                     finding[k].f.detail_en.len,
                                     finding[k].f.detail_en.ptr);
        }
    }

    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {
        if (rcpt[i].problem == SMS_PROBLEM_NONE
            && body[rcpt[i].body].problem != SMS_PROBLEM_NONE)
        {
            rcpt[i].problem = body[rcpt[i].body].problem;
            rcpt[i].detail = body[rcpt[i].body].detail;
        }
    }
}


static void
ngx_sms_judge_take_quotes(ngx_sms_submission_t *sub, ngx_sms_plugin_t *plugin)
{
    ngx_uint_t            i, *asked;
    const sms_quote_t    *q;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;
    asked = sub->asked.elts;

    for (i = 0; i < sub->asked.nelts; i++) {

        q = ngx_sms_run_result(sub->taking, sms_quote_t, i);

        if (q->status == SMS_E_INVAL) {
            ngx_sms_submission_reject(sub, &rcpt[asked[i]],
                                      SMS_PROBLEM_NO_TARIFF, "%*s",
                                      q->tariff.len, q->tariff.ptr);
            continue;
        }

        if (q->status != SMS_OK || q->amount_micro < 0
            || ngx_strncmp(q->unit, sub->account->unit, 4) != 0)
        {
            ngx_sms_judge_failed(sub, plugin);

            if (sub->problem != SMS_PROBLEM_NONE) {
                return;
            }

            continue;
        }

        rcpt[asked[i]].price_micro = q->amount_micro;
    }
}
