#include "ngx_sms_link.h"

#include "sms_backoff.h"
#include "sms_lane.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_quality.h"
#include "ngx_sms_receive.h"
#include "ngx_sms_stored.h"
#include "ngx_sms_work.h"


#define NGX_SMS_SUBMIT_TIMEOUT    60000     /* the adapter has its own, shorter */
#define NGX_SMS_REST_MIN          1000
#define NGX_SMS_REST_MAX          3600000   /* an adapter's mistake ends */


/* one claim: messages, their parts, and the results on their way home */
typedef struct {
    ngx_sms_pg_entry_t       entry;
    ngx_pool_t              *pool;
    ngx_sms_link_t          *link;
    u_char                   id[16];
    ngx_sms_stored_t         st;
    ngx_uint_t               parts;         /* promised until it goes         */
    ngx_sms_store_submit_t  *results;
    ngx_uint_t               nresults;
    int64_t                  submitted_us;
} ngx_sms_claim_t;


static void ngx_sms_link_rest(ngx_sms_link_t *link, uint32_t ms);
static ngx_sms_claim_t *ngx_sms_claim_create(ngx_sms_link_t *link,
    const u_char id[16]);
static ngx_int_t ngx_sms_claim_start(ngx_sms_claim_t *claim);
static void ngx_sms_claim_go(void *data);
static ngx_int_t ngx_sms_claim_parts(ngx_sms_claim_t *claim, ngx_uint_t i,
    ngx_array_t *parts);
static ngx_int_t ngx_sms_claim_whole(ngx_sms_claim_t *claim, ngx_uint_t i,
    ngx_array_t *parts);
static void ngx_sms_claim_done(ngx_sms_run_t *run);
static void ngx_sms_claim_result(ngx_sms_claim_t *claim,
    const sms_part_t *part, const sms_submit_t *s, ngx_uint_t row,
    int64_t now_us);
static void ngx_sms_claim_store(ngx_sms_claim_t *claim);
static void ngx_sms_claim_sent(ngx_sms_claim_t *claim);
static void ngx_sms_claim_end(ngx_sms_claim_t *claim);
static ngx_int_t ngx_sms_link_build(void *data, ngx_sms_pg_flight_t *f);
static void ngx_sms_link_stored(void *data, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res);


ngx_int_t
ngx_sms_link_init(ngx_sms_link_t *link, ngx_sms_plugin_t *plugin,
    ngx_sms_plugins_t *plugins, ngx_sms_zone_t *zone, ngx_log_t *log)
{
    ngx_sms_pg_batch_spec_t  *spec;

    ngx_memzero(link, sizeof(ngx_sms_link_t));
    link->all.link = link;
    link->otp.link = link;
    link->id = plugin->link;
    link->plugin = plugin;
    link->plugins = plugins;
    link->zone = zone;
    link->log = log;

    spec = &link->submitted_spec;
    spec->name = "submitted";
    spec->stmt = &ngx_sms_store_flow_stmts[NGX_SMS_STMT_SUBMITTED];
    spec->build = ngx_sms_link_build;
    spec->done = ngx_sms_link_stored;
    spec->inflight = 1;
    spec->linger = NGX_SMS_LINK_LINGER;
    spec->linger_rows = NGX_SMS_LINK_LINGER_ROWS;
    spec->limit_rows = NGX_MAX_INT32_VALUE;     /* a result is never refused */
    spec->data = link;

    link->submitted = ngx_sms_pg_batch_create(ngx_sms_store.flow, spec);
    link->receipts = ngx_sms_receive_batch(link);

    return link->submitted && link->receipts ? NGX_OK : NGX_ERROR;
}


void
ngx_sms_link_exit(ngx_sms_link_t *link)
{
    if (link->submitted) {
        ngx_sms_pg_batch_destroy(link->submitted);
        link->submitted = NULL;
    }

    if (link->receipts) {
        ngx_sms_pg_batch_destroy(link->receipts);
        link->receipts = NULL;
    }

    if (link->sent) {
        ngx_sms_sent_destroy(link->sent);
        link->sent = NULL;
    }
}


ngx_uint_t
ngx_sms_link_busy(const ngx_sms_link_t *link)
{
    return link->all.query || link->otp.query || link->promised || link->claims;
}


void
ngx_sms_link_renounce(ngx_sms_link_t *link)
{
    ngx_uint_t  i;

    for (i = 0; i < link->nbinds; i++) {
        if (link->binds[i].lease && link->binds[i].lease->held) {
            ngx_sms_lease_renounce(link->binds[i].lease);
        }
    }
}


ngx_uint_t
ngx_sms_link_rests(ngx_sms_link_t *link)
{
    if (link->resting
        && (ngx_msec_int_t) (link->rest_until - ngx_current_msec) <= 0)
    {
        link->resting = 0;
        ngx_log_error(NGX_LOG_NOTICE, link->log, 0,
                      "sms link: works again link=%uD", link->id);
    }

    return link->resting;
}


static void
ngx_sms_link_rest(ngx_sms_link_t *link, uint32_t ms)
{
    ngx_msec_t  until;

    ms = ngx_min(ngx_max(ms, NGX_SMS_REST_MIN), NGX_SMS_REST_MAX);
    until = ngx_current_msec + ms;

    if (!ngx_sms_link_rests(link)) {
        link->resting = 1;
        link->rest_until = until;
        ngx_log_error(NGX_LOG_WARN, link->log, 0,
                      "sms link: rests: the operator refuses whatever comes "
                      "link=%uD ms=%uD", link->id, ms);

    } else if ((ngx_msec_int_t) (until - link->rest_until) > 0) {
        link->rest_until = until;
    }
}


ngx_int_t
ngx_sms_link_submit(ngx_sms_link_t *link, const u_char id[16],
    const ngx_sms_pg_res_t *res)
{
    ngx_sms_claim_t  *claim;

    claim = ngx_sms_claim_create(link, id);
    if (claim == NULL) {
        return NGX_ERROR;
    }

    if (ngx_sms_stored_read(&claim->st, claim->pool, res,
                            ngx_sms_store_claim_rows)
        != NGX_OK)
    {
        ngx_destroy_pool(claim->pool);
        return NGX_ERROR;
    }

    return ngx_sms_claim_start(claim);
}


ngx_int_t
ngx_sms_link_submit_rows(ngx_sms_link_t *link, const u_char id[16],
    ngx_sms_store_row_t *rows, ngx_uint_t n)
{
    ngx_sms_claim_t  *claim;

    claim = ngx_sms_claim_create(link, id);
    if (claim == NULL) {
        return NGX_ERROR;
    }

    if (ngx_sms_stored_copy(&claim->st, claim->pool, rows, n) != NGX_OK) {
        ngx_destroy_pool(claim->pool);
        return NGX_ERROR;
    }

    return ngx_sms_claim_start(claim);
}


static ngx_sms_claim_t *
ngx_sms_claim_create(ngx_sms_link_t *link, const u_char id[16])
{
    ngx_pool_t       *pool;
    ngx_sms_claim_t  *claim;

    pool = ngx_sms_work_pool(16384, link->log);
    if (pool == NULL) {
        return NULL;
    }

    claim = ngx_pcalloc(pool, sizeof(ngx_sms_claim_t));
    if (claim == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    claim->pool = pool;
    claim->link = link;
    ngx_memcpy(claim->id, id, 16);

    return claim;
}


/* on NGX_ERROR the claim is gone */

static ngx_int_t
ngx_sms_claim_start(ngx_sms_claim_t *claim)
{
    ngx_uint_t       i, parts;
    ngx_sms_link_t  *link;

    link = claim->link;
    parts = 0;

    for (i = 0; i < claim->st.n; i++) {
        parts += (ngx_uint_t) claim->st.rows[i].parts;
    }

    claim->results = ngx_pcalloc(claim->pool,
                                 parts * sizeof(ngx_sms_store_submit_t));
    if (claim->results == NULL) {
        ngx_destroy_pool(claim->pool);
        return NGX_ERROR;
    }

    /* the adapter does not know of them while accounts are asked for */
    claim->parts = parts;
    link->promised += parts;
    link->claims++;
    ngx_sms_counter_add(link->zone, NGX_SMS_C_CLAIMED, (int64_t) claim->st.n);
    ngx_sms_stored_load(&claim->st, ngx_sms_claim_go, claim);

    return NGX_OK;
}


static void
ngx_sms_claim_go(void *data)
{
    ngx_sms_claim_t  *claim = data;

    int64_t          now;
    ngx_uint_t       i;
    sms_part_t      *part;
    ngx_array_t      parts;
    sms_submit_t     s;
    ngx_sms_run_t   *run;
    ngx_sms_link_t  *link;

    link = claim->link;
    link->promised -= claim->parts;
    now = ngx_sms_timer_now_us();
    run = NULL;

    if (ngx_array_init(&parts, claim->pool, claim->st.n, sizeof(sms_part_t))
        != NGX_OK)
    {
        goto failed;
    }

    for (i = 0; i < claim->st.n; i++) {

        claim->st.msgs[i].link = link->id;

        /* what was claimed with its acceptance may have waited for the database */
        if (claim->st.accounts[i] && claim->st.rows[i].text.len
            && claim->st.rows[i].expires_us > now
            && ngx_sms_claim_parts(claim, i, &parts) == NGX_OK)
        {
            continue;
        }

        /* nothing of it was written: it may be tried again */
        ngx_memzero(&s, sizeof(sms_submit_t));
        s.outcome = SMS_SUBMIT_RETRY;
        ngx_sms_claim_result(claim, NULL, &s, i, now);
    }

    if (parts.nelts == 0) {
        ngx_sms_claim_store(claim);
        return;
    }

    run = ngx_sms_run_create(parts.nelts, sizeof(sms_part_t), link->log);
    if (run == NULL) {
        goto failed;
    }

    part = parts.elts;

    for (i = 0; i < parts.nelts; i++) {
        *ngx_sms_run_item(run, sms_part_t, i) = part[i];
    }

    run->timeout = NGX_SMS_SUBMIT_TIMEOUT;
    run->done = ngx_sms_claim_done;
    run->data = claim;
    claim->submitted_us = now;
    link->inflight += parts.nelts;

    if (ngx_sms_plugin_run(link->plugin, NGX_SMS_OP_OPERATOR_SUBMIT, run)
        != NGX_AGAIN)
    {
        ngx_sms_claim_done(run);
    }

    return;

failed:

    ngx_log_error(NGX_LOG_ERR, link->log, 0,
                  "sms link: claim lost for want of memory link=%uD rows=%ui",
                  link->id, claim->st.n);
    ngx_sms_stored_release(&claim->st);
    ngx_sms_claim_end(claim);
    ngx_sms_link_renounce(link);
}


static void
ngx_sms_claim_end(ngx_sms_claim_t *claim)
{
    claim->link->claims--;
    ngx_destroy_pool(claim->pool);
}


/*
 * The parts that the customer paid for.  Should the account's suffix setting
 * have changed since, the other way of counting is the one that was used.
 */

static ngx_int_t
ngx_sms_claim_parts(ngx_sms_claim_t *claim, ngx_uint_t i, ngx_array_t *parts)
{
    char                   *text;
    ngx_uint_t              k, n, before;
    sms_part_t             *part;
    sms_segment_t           count;
    sms_segment_out_t      *out;
    ngx_sms_store_row_t    *row;
    sms_segment_part_t      described[SMS_SEGMENT_PARTS_MAX];
    sms_segment_profile_t   pf;

    row = &claim->st.rows[i];
    text = (char *) row->text.data;

    n = sizeof(described) / sizeof(sms_segment_part_t);
    pf = claim->st.accounts[i]->encoding;
    pf.force = (uint8_t) row->encoding;
    pf.max_parts = (uint8_t) n;

    if (sms_segment_count(&pf, text, row->text.len, &count, described, n)
        != SMS_SEGMENT_OK
        || count.parts != row->parts)
    {
        pf.suffix = pf.suffix ? 0 : SMS_SEGMENT_SUFFIX_DEFAULT;

        if (sms_segment_count(&pf, text, row->text.len, &count, described, n)
            != SMS_SEGMENT_OK
            || count.parts != row->parts)
        {
            ngx_log_error(NGX_LOG_ERR, claim->link->log, 0,
                          "sms link: text does not split into what was "
                          "charged parts=%L now=%ud", row->parts,
                          (unsigned) count.parts);
            return NGX_ERROR;
        }
    }

    if (claim->link->plugin->flags & SMS_OPERATOR_WHOLE) {
        return ngx_sms_claim_whole(claim, i, parts);
    }

    before = parts->nelts;

    for (k = 0; k < count.parts; k++) {

        out = ngx_palloc(claim->pool, sizeof(sms_segment_out_t));
        part = ngx_array_push(parts);

        /* the random end of the id tells texts to one number apart */
        if (out == NULL || part == NULL
            || sms_segment_split(&pf, &count, &described[k], text,
                                 row->text.len, (unsigned) k + 1,
                                 (uint16_t) (row->id[14] << 8 | row->id[15]),
                                 out)
               != SMS_SEGMENT_OK)
        {
            /* a message goes whole or not at all */
            parts->nelts = before;
            return NGX_ERROR;
        }

        ngx_memzero(part, sizeof(sms_part_t));
        part->msg = &claim->st.msgs[i];
        part->number = (uint16_t) (k + 1);
        part->total = count.parts;
        part->data_coding = out->data_coding;
        part->encoding = (uint8_t) row->encoding;
        part->udh.ptr = (const char *) out->udh;
        part->udh.len = out->udh_len;
        part->payload.ptr = (const char *) out->payload;
        part->payload.len = out->payload_len;
    }

    return NGX_OK;
}


/* for an adapter that takes the text itself: one item a message */

static ngx_int_t
ngx_sms_claim_whole(ngx_sms_claim_t *claim, ngx_uint_t i, ngx_array_t *parts)
{
    sms_part_t  *part;

    part = ngx_array_push(parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(part, sizeof(sms_part_t));
    part->msg = &claim->st.msgs[i];
    part->number = 1;
    part->total = 1;
    part->encoding = (uint8_t) claim->st.rows[i].encoding;
    part->data_coding = part->encoding == SMS_ENC_UCS2 ? 0x08 : 0x00;

    return NGX_OK;
}


static void
ngx_sms_claim_done(ngx_sms_run_t *run)
{
    ngx_sms_claim_t  *claim = run->data;

    int64_t              now;
    ngx_uint_t           i;
    sms_part_t          *part;
    sms_submit_t         s;
    const sms_submit_t  *result;

    now = ngx_sms_timer_now_us();
    claim->link->inflight -= run->n;

    for (i = 0; i < run->n; i++) {

        part = ngx_sms_run_item(run, sms_part_t, i);
        ngx_memzero(&s, sizeof(sms_submit_t));

        if (run->results == NULL) {
            s.status = run->rc;

        } else {
            result = ngx_sms_run_result(run, sms_submit_t, i);
            s = *result;
        }

        if (s.status != SMS_OK || s.outcome < SMS_SUBMIT_SENT
            || s.outcome > SMS_SUBMIT_STOP)
        {
            /*
             * DOWN and BUSY of the host itself: the adapter never saw the part.
             * After a timeout or nonsense nobody knows whether it was written.
             */
            s.outcome = s.status == SMS_E_DOWN || s.status == SMS_E_BUSY
                        || s.status == SMS_E_NOMEM
                        ? SMS_SUBMIT_RETRY : SMS_SUBMIT_UNKNOWN;
            s.operator_id.len = 0;
        }

        ngx_sms_claim_result(claim, part, &s,
                             (ngx_uint_t) (part->msg - claim->st.msgs), now);
    }

    ngx_sms_plugin_run_free(run);
    ngx_sms_claim_store(claim);
}


static void
ngx_sms_claim_result(ngx_sms_claim_t *claim, const sms_part_t *part,
    const sms_submit_t *s, ngx_uint_t i, int64_t now_us)
{
    int64_t                  wait;
    ngx_str_t                id;
    ngx_sms_store_row_t     *row;
    ngx_sms_store_submit_t  *r;

    static const ngx_sms_counter_id_t  counters[] = {
        NGX_SMS_C_SUBMITTED, NGX_SMS_C_SUBMIT_REJECTED, NGX_SMS_C_SUBMIT_RETRY,
        NGX_SMS_C_SUBMIT_THROTTLED, NGX_SMS_C_SUBMIT_UNKNOWN,
        NGX_SMS_C_SUBMIT_FAILOVER, NGX_SMS_C_SUBMIT_STOP
    };

    row = &claim->st.rows[i];
    r = &claim->results[claim->nresults++];
    r->id = row->id;
    r->account = row->account;
    r->to = row->to;
    r->price_micro = row->price_micro;
    r->klass = (int16_t) row->klass;
    r->attempt = (int16_t) row->attempt;
    r->part = (int16_t) (part ? part->number : 1);
    r->total = (int16_t) (part ? part->total : row->parts);
    r->outcome = (int16_t) s->outcome;
    r->reason = (int16_t) s->reason;
    r->code = (int32_t) s->operator_code;

    if (s->operator_id.len) {
        id.data = (u_char *) s->operator_id.ptr;
        id.len = s->operator_id.len;

        r->operator_id.data = ngx_pstrdup(claim->pool, &id);
        r->operator_id.len = r->operator_id.data ? id.len : 0;
    }

    switch (s->outcome) {

    case SMS_SUBMIT_FAILOVER:
        /* no lane: screen takes another link, and not later */
        r->next_us = now_us;
        break;

    case SMS_SUBMIT_STOP:
        ngx_sms_link_rest(claim->link, s->retry_after_ms);
        /* fall through */

    case SMS_SUBMIT_RETRY:
    case SMS_SUBMIT_THROTTLED:
        wait = sms_backoff_us((unsigned) row->attempt, (uint32_t) ngx_random());

        if ((int64_t) s->retry_after_ms * 1000 > wait) {
            wait = (int64_t) s->retry_after_ms * 1000;
        }

        r->next_us = now_us + wait;
        r->next_lane = sms_lane(claim->link->id, (unsigned) row->klass);
        break;

    default:
        break;
    }

    ngx_sms_counter_inc(claim->link->zone, counters[s->outcome - 1]);

    if (s->outcome == SMS_SUBMIT_UNKNOWN) {
        ngx_sms_counter_inc(claim->link->zone, NGX_SMS_C_IN_DOUBT);
    }

    if (part && !row->test) {
        ngx_sms_quality_submitted(claim->link->id, &row->sender, s->outcome,
                                  s->reason);
    }

    if (s->outcome == SMS_SUBMIT_SENT && row->klass == SMS_CLASS_OTP) {
        ngx_sms_counter_add(claim->link->zone, NGX_SMS_C_OTP_SECONDS,
                            claim->submitted_us - row->accepted_us);
    }

    if (part) {
        ngx_sms_counter_add(claim->link->zone, NGX_SMS_C_SUBMIT_SECONDS,
                            now_us - claim->submitted_us);
    }
}


static void
ngx_sms_claim_store(ngx_sms_claim_t *claim)
{
    ngx_sms_link_t  *link;

    link = claim->link;
    ngx_sms_stored_release(&claim->st);

    claim->entry.rows = (uint32_t) claim->nresults;
    claim->entry.octets = (uint32_t) claim->nresults * 96;

    if (ngx_sms_pg_batch_add(link->submitted, &claim->entry) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "sms link: results refused by the batch link=%uD "
                      "rows=%ui", link->id, claim->nresults);
        ngx_sms_claim_end(claim);
        ngx_sms_link_renounce(link);
    }
}


#define ngx_sms_claim_of(e)  ngx_queue_data(e, ngx_sms_claim_t, entry)


static ngx_int_t
ngx_sms_link_build(void *data, ngx_sms_pg_flight_t *f)
{
    ngx_sms_link_t  *link = data;

    u_char                 (*ids)[16];
    ngx_uint_t               n, nclaims;
    ngx_sms_claim_t         *claim;
    ngx_sms_pg_entry_t      *e;
    ngx_sms_store_submit_t  *list;

    f->params = ngx_pcalloc(f->pool, NGX_SMS_SUBMITTED_PARAMS
                                     * sizeof(ngx_sms_pg_param_t));
    list = ngx_palloc(f->pool, f->rows * sizeof(ngx_sms_store_submit_t));
    ids = ngx_palloc(f->pool, f->nentries * 16);

    if (f->params == NULL || list == NULL || ids == NULL) {
        return NGX_ERROR;
    }

    n = 0;
    nclaims = 0;

    for (e = ngx_sms_pg_batch_first(f); e; e = ngx_sms_pg_batch_after(f, e)) {
        claim = ngx_sms_claim_of(e);
        ngx_memcpy(list + n, claim->results,
                   claim->nresults * sizeof(ngx_sms_store_submit_t));
        n += claim->nresults;
        ngx_memcpy(ids[nclaims++], claim->id, 16);
    }

    return ngx_sms_store_submitted(list, n, ids, nclaims, link->id,
                                   ngx_sms_timer_now_us(), f->pool, f->params);
}


/* without memory their receipts are looked up */

static void
ngx_sms_claim_sent(ngx_sms_claim_t *claim)
{
    ngx_uint_t       i;
    ngx_sms_link_t  *link;

    link = claim->link;

    if (link->sent == NULL) {
        link->sent = ngx_sms_sent_create(link->log);
    }

    for (i = 0; i < claim->nresults && link->sent; i++) {
        if (claim->results[i].outcome == SMS_SUBMIT_SENT) {
            ngx_sms_sent_put(link->sent, &claim->results[i],
                             claim->submitted_us);
        }
    }
}


static void
ngx_sms_link_stored(void *data, ngx_sms_pg_flight_t *f,
    const ngx_sms_pg_res_t *res)
{
    ngx_sms_link_t  *link = data;

    ngx_uint_t           fresh;
    ngx_sms_claim_t     *claim;
    ngx_sms_pg_entry_t  *e;

    fresh = res->rc == NGX_SMS_PG_OK && ngx_sms_store_submitted_new(res);

    while ((e = ngx_sms_pg_batch_next(f)) != NULL) {
        claim = ngx_sms_claim_of(e);

        if (fresh) {
            ngx_sms_claim_sent(claim);
        }

        ngx_sms_claim_end(claim);
    }

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "sms link: results not stored: sqlstate=%s link=%uD",
                      res->sqlstate, link->id);
        ngx_sms_link_renounce(link);
    }
}
