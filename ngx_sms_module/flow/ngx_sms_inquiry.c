#include "ngx_sms_inquiry.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_op.h"
#include "ngx_sms_store_ask.h"
#include "ngx_sms_stored.h"
#include "ngx_sms_work.h"


#define NGX_SMS_INQUIRY_PARTS    20         /* of one batch                   */
#define NGX_SMS_INQUIRY_PAUSE    1000       /* ms between two batches         */
#define NGX_SMS_INQUIRY_IDLE     5000
#define NGX_SMS_INQUIRY_TIMEOUT  60000      /* the adapter has its own        */


struct ngx_sms_inquiry_s {
    ngx_sms_link_t            *link;
    ngx_sms_timer_t            timer;
    ngx_sms_store_query_t     *query;       /* takes or stores; NULL: none    */
    ngx_sms_run_t             *run;         /* asks; NULL: none               */
    ngx_msec_t                 pause;

    /* what is being asked; pool NULL: nothing */
    ngx_pool_t                *pool;
    ngx_sms_stored_t           st;
    ngx_sms_store_ask_part_t  *parts;
    ngx_sms_store_asked_t     *answers;
    ngx_uint_t                *asked;       /* rows of the run                */
    ngx_uint_t                 nasked;
};


static ngx_uint_t ngx_sms_inquiry_can(ngx_sms_link_t *link, ngx_uint_t op);
static void ngx_sms_inquiry_tick(void *data);
static void ngx_sms_inquiry_taken(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inquiry_query(void *data);
static void ngx_sms_inquiry_ask(ngx_sms_inquiry_t *q, ngx_uint_t op,
    void (*done)(ngx_sms_run_t *run));
static void ngx_sms_inquiry_queried(ngx_sms_run_t *run);
static void ngx_sms_inquiry_cancel(ngx_sms_inquiry_t *q);
static void ngx_sms_inquiry_cancelled(ngx_sms_run_t *run);
static int16_t ngx_sms_inquiry_failed(int32_t status);
static void ngx_sms_inquiry_store(ngx_sms_inquiry_t *q);
static void ngx_sms_inquiry_stored(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inquiry_end(ngx_sms_inquiry_t *q);


void
ngx_sms_inquiry_start(ngx_sms_link_t *link)
{
    ngx_sms_inquiry_t  *q;

    if (!ngx_sms_inquiry_can(link, NGX_SMS_OP_OPERATOR_QUERY)
        && !ngx_sms_inquiry_can(link, NGX_SMS_OP_OPERATOR_CANCEL))
    {
        return;
    }

    if (link->inquiry == NULL) {

        link->inquiry = ngx_calloc(sizeof(ngx_sms_inquiry_t), link->log);
        if (link->inquiry == NULL) {
            return;
        }

        q = link->inquiry;
        q->link = link;
        ngx_sms_timer_housekeeping(&q->timer, ngx_sms_inquiry_tick, q,
                                   link->log);
    }

    q = link->inquiry;
    q->pause = NGX_SMS_INQUIRY_PAUSE;
    ngx_sms_timer_start(&q->timer, q->pause);
}


void
ngx_sms_inquiry_stop(ngx_sms_link_t *link)
{
    if (link->inquiry) {
        ngx_sms_timer_stop(&link->inquiry->timer);
    }
}


void
ngx_sms_inquiry_exit(ngx_sms_link_t *link)
{
    ngx_sms_inquiry_t  *q;

    q = link->inquiry;

    if (q == NULL) {
        return;
    }

    ngx_sms_timer_stop(&q->timer);

    if (q->query) {
        ngx_sms_store_query_forget(q->query);
    }

    if (q->run) {
        ngx_sms_plugin_run_abandon(q->run);
    }

    ngx_sms_inquiry_end(q);
    ngx_free(q);
    link->inquiry = NULL;
}


static ngx_uint_t
ngx_sms_inquiry_can(ngx_sms_link_t *link, ngx_uint_t op)
{
    return ngx_sms_op_function(link->plugin->ops, op) != NULL;
}


static void
ngx_sms_inquiry_tick(void *data)
{
    ngx_sms_inquiry_t  *q = data;

    ngx_uint_t        i;
    ngx_sms_link_t   *link;
    ngx_sms_lease_t  *lease;

    link = q->link;
    lease = NULL;
    ngx_sms_timer_start(&q->timer, q->pause);

    if (q->query || q->pool) {
        return;
    }

    for (i = 0; i < link->nbinds && lease == NULL; i++) {
        if (link->binds[i].lease && ngx_sms_lease_valid(link->binds[i].lease)) {
            lease = link->binds[i].lease;
        }
    }

    if (lease == NULL) {
        return;
    }

    q->pause = ngx_min(q->pause * 2, NGX_SMS_INQUIRY_IDLE);
    q->query = ngx_sms_store_ask_take(link->id, &lease->name, lease->epoch,
                                      NGX_SMS_INQUIRY_PARTS,
                                      ngx_sms_timer_now_us(),
                                      ngx_sms_inquiry_taken, q);
}


static void
ngx_sms_inquiry_taken(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_inquiry_t  *q = data;

    ngx_uint_t  i;

    q->query = NULL;

    /* a lease that was lost meanwhile, or a database that is away: later */
    if (res->rc != NGX_SMS_PG_OK || ngx_sms_store_claim_empty(res)) {
        return;
    }

    q->pause = NGX_SMS_INQUIRY_PAUSE;
    q->pool = ngx_sms_work_pool(16384, q->link->log);

    if (q->pool == NULL) {
        return;
    }

    if (ngx_sms_stored_read(&q->st, q->pool, res, ngx_sms_store_claim_rows)
        != NGX_OK
        || ngx_sms_store_ask_parts(res, q->pool, &q->parts, q->st.n) != NGX_OK)
    {
        goto failed;
    }

    q->asked = ngx_pcalloc(q->pool, q->st.n * sizeof(ngx_uint_t));
    q->answers = ngx_pcalloc(q->pool,
                             q->st.n * sizeof(ngx_sms_store_asked_t));

    if (q->asked == NULL || q->answers == NULL) {
        goto failed;
    }

    for (i = 0; i < q->st.n; i++) {
        q->answers[i].id = q->st.rows[i].id;
        q->answers[i].account = q->st.rows[i].account;
        q->answers[i].attempt = (int16_t) q->st.rows[i].attempt;
        q->answers[i].part = (int16_t) q->parts[i].part;
        q->answers[i].answer = NGX_SMS_ASKED_CANNOT_TELL;
    }

    ngx_sms_stored_load(&q->st, ngx_sms_inquiry_query, q);
    return;

failed:

    ngx_log_error(NGX_LOG_ERR, q->link->log, 0,
                  "sms inquiry: cannot ask: no memory, or rows unreadable "
                  "link=%uD", q->link->id);
    ngx_sms_inquiry_end(q);
}


static void
ngx_sms_inquiry_query(void *data)
{
    ngx_sms_inquiry_t  *q = data;

    ngx_uint_t  i;

    q->nasked = 0;

    if (ngx_sms_inquiry_can(q->link, NGX_SMS_OP_OPERATOR_QUERY)) {

        for (i = 0; i < q->st.n; i++) {
            if (!q->parts[i].recall) {
                q->asked[q->nasked++] = i;
            }
        }
    }

    if (q->nasked == 0) {
        ngx_sms_inquiry_cancel(q);
        return;
    }

    ngx_sms_inquiry_ask(q, NGX_SMS_OP_OPERATOR_QUERY, ngx_sms_inquiry_queried);
}


/* the rows in q->asked; done() may run before this returns */

static void
ngx_sms_inquiry_ask(ngx_sms_inquiry_t *q, ngx_uint_t op,
    void (*done)(ngx_sms_run_t *run))
{
    ngx_uint_t      i, row;
    sms_sent_t     *sent;
    ngx_sms_run_t  *run;

    run = ngx_sms_run_create(q->nasked, sizeof(sms_sent_t), q->link->log);

    if (run == NULL) {
        ngx_sms_inquiry_end(q);
        return;
    }

    for (i = 0; i < q->nasked; i++) {
        row = q->asked[i];
        sent = ngx_sms_run_item(run, sms_sent_t, i);
        q->st.msgs[row].link = q->link->id;
        sent->msg = &q->st.msgs[row];
        sent->number = (uint16_t) q->parts[row].part;
        sent->total = (uint16_t) q->parts[row].total;
        sent->operator_id.ptr = (const char *) q->parts[row].operator_id.data;
        sent->operator_id.len = q->parts[row].operator_id.len;
        sent->submitted_us = q->parts[row].submitted_us;
    }

    run->timeout = NGX_SMS_INQUIRY_TIMEOUT;
    run->done = done;
    run->data = q;
    q->run = run;

    if (ngx_sms_plugin_run(q->link->plugin, op, run) != NGX_AGAIN) {
        done(run);
    }
}


static void
ngx_sms_inquiry_queried(ngx_sms_run_t *run)
{
    ngx_sms_inquiry_t  *q = run->data;

    ngx_uint_t              i, n, row;
    const sms_asked_t      *a;
    ngx_sms_store_asked_t  *answer;

    q->run = NULL;
    n = 0;

    for (i = 0; i < q->nasked; i++) {

        row = q->asked[i];
        answer = &q->answers[row];

        if (run->results == NULL) {
            answer->answer = ngx_sms_inquiry_failed(run->rc);
            continue;
        }

        a = ngx_sms_run_result(run, sms_asked_t, i);

        if (a->status != SMS_OK) {

            /* what has no id cannot be asked about, but may be taken back */
            if (a->status == SMS_E_INVAL && q->parts[row].operator_id.len == 0)
            {
                q->asked[n++] = row;
                continue;
            }

            answer->answer = ngx_sms_inquiry_failed(a->status);
            continue;
        }

        answer->answer = a->state ? NGX_SMS_ASKED_TOLD
                                  : NGX_SMS_ASKED_NOT_KNOWN;
        answer->state = (int16_t) a->state;
        answer->reason = (int16_t) a->reason;
        answer->code = (int32_t) a->operator_code;
        answer->at_us = a->at_us;
    }

    ngx_sms_plugin_run_free(run);
    q->nasked = n;
    ngx_sms_inquiry_cancel(q);
}


/* those in q->asked and those that are to be taken back; without operator_query,
 * all that have no id                                                          */

static void
ngx_sms_inquiry_cancel(ngx_sms_inquiry_t *q)
{
    ngx_uint_t  i, query;

    query = ngx_sms_inquiry_can(q->link, NGX_SMS_OP_OPERATOR_QUERY);

    for (i = 0; i < q->st.n; i++) {
        if (q->parts[i].recall
            || (!query && q->parts[i].operator_id.len == 0))
        {
            q->asked[q->nasked++] = i;
        }
    }

    if (q->nasked == 0
        || !ngx_sms_inquiry_can(q->link, NGX_SMS_OP_OPERATOR_CANCEL))
    {
        ngx_sms_inquiry_store(q);
        return;
    }

    ngx_sms_inquiry_ask(q, NGX_SMS_OP_OPERATOR_CANCEL,
                        ngx_sms_inquiry_cancelled);
}


static void
ngx_sms_inquiry_cancelled(ngx_sms_run_t *run)
{
    ngx_sms_inquiry_t  *q = run->data;

    int32_t     status;
    ngx_uint_t  i;

    q->run = NULL;

    for (i = 0; i < q->nasked; i++) {
        status = run->results == NULL
                 ? (int32_t) run->rc
                 : ngx_sms_run_result(run, sms_ack_t, i)->status;

        q->answers[q->asked[i]].answer
            = status == SMS_OK && run->results
              ? NGX_SMS_ASKED_TAKEN_BACK : ngx_sms_inquiry_failed(status);
    }

    ngx_sms_plugin_run_free(run);
    ngx_sms_inquiry_store(q);
}


/* the operator cannot tell, or could not be asked now */

static int16_t
ngx_sms_inquiry_failed(int32_t status)
{
    return status == SMS_E_INVAL || status == SMS_E_DENIED
           || status == SMS_E_STALE
           ? NGX_SMS_ASKED_CANNOT_TELL : NGX_SMS_ASKED_NO_ANSWER;
}


static void
ngx_sms_inquiry_store(ngx_sms_inquiry_t *q)
{
    ngx_uint_t  i;

    static const ngx_sms_counter_id_t  counters[] = {
        NGX_SMS_C_ASKED_TOLD, NGX_SMS_C_ASKED_TAKEN_BACK,
        NGX_SMS_C_ASKED_NOT_KNOWN, NGX_SMS_C_ASKED_CANNOT_TELL,
        NGX_SMS_C_ASKED_NO_ANSWER
    };

    for (i = 0; i < q->st.n; i++) {
        ngx_sms_counter_inc(q->link->zone, counters[q->answers[i].answer - 1]);
    }

    q->query = ngx_sms_store_asked(q->link->id, q->answers, q->st.n,
                                   ngx_sms_timer_now_us(),
                                   ngx_sms_inquiry_stored, q);

    /* what is not stored is asked again */
    if (q->query == NULL) {
        ngx_sms_inquiry_end(q);
    }
}


static void
ngx_sms_inquiry_stored(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_inquiry_t  *q = data;

    q->query = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, q->link->log, 0,
                      "sms inquiry: answers not stored, they are asked for "
                      "again: sqlstate=%s link=%uD parts=%ui", res->sqlstate,
                      q->link->id, q->st.n);
    }

    ngx_sms_inquiry_end(q);
}


static void
ngx_sms_inquiry_end(ngx_sms_inquiry_t *q)
{
    if (q->pool) {
        ngx_sms_stored_release(&q->st);
        ngx_destroy_pool(q->pool);
        q->pool = NULL;
        ngx_memzero(&q->st, sizeof(ngx_sms_stored_t));
    }
}
