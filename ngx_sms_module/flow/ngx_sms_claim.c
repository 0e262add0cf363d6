#include "ngx_sms_claim.h"

#include "sms_backoff.h"
#include "sms_lane.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_quality.h"
#include "ngx_sms_work.h"


#define NGX_SMS_SUBMIT_TIMEOUT      60000   /* the adapter has its own, shorter */

/* parts that are put off: so often, and each time no longer */
#define NGX_SMS_CLAIM_ROUNDS        12
#define NGX_SMS_CLAIM_WAIT_MAX_US   120000000

/* of a message: parts are on the wire, or may be; one was refused for good */
#define NGX_SMS_CLAIM_OUT           1
#define NGX_SMS_CLAIM_LOST          2


static void ngx_sms_claim_go(void *data);
static void ngx_sms_claim_end(ngx_sms_claim_t *claim);
static ngx_int_t ngx_sms_claim_run(ngx_sms_claim_t *claim,
    const sms_part_t *part, ngx_uint_t n);
static ngx_int_t ngx_sms_claim_parts(ngx_sms_claim_t *claim, ngx_uint_t i,
    ngx_array_t *parts);
static ngx_int_t ngx_sms_claim_whole(ngx_sms_claim_t *claim, ngx_uint_t i,
    ngx_array_t *parts);
static void ngx_sms_claim_done(ngx_sms_run_t *run);
static void ngx_sms_claim_outcome(ngx_sms_run_t *run, ngx_uint_t i,
    sms_submit_t *s);
static ngx_int_t ngx_sms_claim_put_off(ngx_sms_claim_t *claim,
    const sms_part_t *part, const sms_submit_t *s, ngx_uint_t row,
    int64_t now_us);
static void ngx_sms_claim_wait(ngx_sms_claim_t *claim);
static void ngx_sms_claim_again(void *data);
static void ngx_sms_claim_result(ngx_sms_claim_t *claim,
    const sms_part_t *part, const sms_submit_t *s, ngx_uint_t row,
    int64_t now_us);
static void ngx_sms_claim_store(ngx_sms_claim_t *claim);
static void ngx_sms_claim_sent(ngx_sms_claim_t *claim);


ngx_sms_claim_t *
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


ngx_int_t
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
    claim->out = ngx_pcalloc(claim->pool, claim->st.n);

    if (claim->results == NULL || claim->out == NULL) {
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
    ngx_array_t      parts;
    sms_submit_t     s;
    ngx_sms_link_t  *link;

    link = claim->link;
    link->promised -= claim->parts;
    now = ngx_sms_timer_now_us();

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

    if (ngx_sms_claim_run(claim, parts.elts, parts.nelts) != NGX_OK) {
        goto failed;
    }

    return;

failed:

    ngx_log_error(NGX_LOG_ERR, link->log, 0,
                  "sms link: claim lost for want of memory link=%uD rows=%ui",
                  link->id, claim->st.n);
    ngx_sms_claim_end(claim);
    ngx_sms_link_renounce(link);
}


static void
ngx_sms_claim_end(ngx_sms_claim_t *claim)
{
    claim->link->claims--;
    ngx_sms_stored_release(&claim->st);
    ngx_destroy_pool(claim->pool);
}


/* NGX_ERROR: no memory, nothing was written */

static ngx_int_t
ngx_sms_claim_run(ngx_sms_claim_t *claim, const sms_part_t *part, ngx_uint_t n)
{
    ngx_uint_t       i;
    ngx_sms_run_t   *run;
    ngx_sms_link_t  *link;

    link = claim->link;

    run = ngx_sms_run_create(n, sizeof(sms_part_t), link->log);
    if (run == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        *ngx_sms_run_item(run, sms_part_t, i) = part[i];
    }

    run->timeout = NGX_SMS_SUBMIT_TIMEOUT;
    run->done = ngx_sms_claim_done;
    run->data = claim;
    claim->submitted_us = ngx_sms_timer_now_us();
    link->inflight += n;

    if (ngx_sms_plugin_run(link->plugin, NGX_SMS_OP_OPERATOR_SUBMIT, run)
        != NGX_AGAIN)
    {
        ngx_sms_claim_done(run);
    }

    return NGX_OK;
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

    int64_t        now;
    ngx_uint_t     i, row;
    sms_part_t    *part;
    sms_submit_t   s;

    now = ngx_sms_timer_now_us();
    claim->link->inflight -= run->n;
    claim->nagain = 0;
    claim->wait = 0;

    for (i = 0; i < run->n; i++) {

        part = ngx_sms_run_item(run, sms_part_t, i);
        row = (ngx_uint_t) (part->msg - claim->st.msgs);
        ngx_sms_claim_outcome(run, i, &s);

        if (s.outcome == SMS_SUBMIT_SENT || s.outcome == SMS_SUBMIT_UNKNOWN) {
            claim->out[row] |= NGX_SMS_CLAIM_OUT;

        } else if (s.outcome == SMS_SUBMIT_REJECTED) {
            claim->out[row] |= NGX_SMS_CLAIM_LOST;
        }
    }

    for (i = 0; i < run->n; i++) {

        part = ngx_sms_run_item(run, sms_part_t, i);
        row = (ngx_uint_t) (part->msg - claim->st.msgs);
        ngx_sms_claim_outcome(run, i, &s);

        if (claim->out[row] == NGX_SMS_CLAIM_OUT
            && ngx_sms_claim_put_off(claim, part, &s, row, now) == NGX_OK)
        {
            continue;
        }

        ngx_sms_claim_result(claim, part, &s, row, now);
    }

    ngx_sms_plugin_run_free(run);

    if (claim->nresults) {
        ngx_sms_claim_store(claim);

    } else {
        ngx_sms_claim_wait(claim);
    }
}


/* what became of a part, in words that can be relied upon */

static void
ngx_sms_claim_outcome(ngx_sms_run_t *run, ngx_uint_t i, sms_submit_t *s)
{
    const sms_submit_t  *result;

    ngx_memzero(s, sizeof(sms_submit_t));

    if (run->results == NULL) {
        s->status = run->rc;

    } else {
        result = ngx_sms_run_result(run, sms_submit_t, i);
        *s = *result;
    }

    if (s->status != SMS_OK || s->outcome < SMS_SUBMIT_SENT
        || s->outcome > SMS_SUBMIT_STOP)
    {
        /*
         * DOWN and BUSY of the host itself: the adapter never saw the part.
         * After a timeout or nonsense nobody knows whether it was written.
         */
        s->outcome = s->status == SMS_E_DOWN || s->status == SMS_E_BUSY
                     || s->status == SMS_E_NOMEM
                     ? SMS_SUBMIT_RETRY : SMS_SUBMIT_UNKNOWN;
        s->operator_id.len = 0;
    }
}


/* NGX_OK: the part goes again under this claim; else NGX_DECLINED */

static ngx_int_t
ngx_sms_claim_put_off(ngx_sms_claim_t *claim, const sms_part_t *part,
    const sms_submit_t *s, ngx_uint_t row, int64_t now_us)
{
    int64_t  wait;

    if (s->outcome != SMS_SUBMIT_RETRY && s->outcome != SMS_SUBMIT_THROTTLED) {
        return NGX_DECLINED;
    }

    wait = sms_backoff_us((unsigned) claim->round + 1,
                          (uint32_t) ngx_random());
    wait = ngx_max(wait, (int64_t) s->retry_after_ms * 1000);

    if (claim->round == NGX_SMS_CLAIM_ROUNDS
        || wait > NGX_SMS_CLAIM_WAIT_MAX_US
        || now_us + wait >= claim->st.rows[row].expires_us)
    {
        return NGX_DECLINED;
    }

    if (claim->again == NULL) {
        claim->again = ngx_palloc(claim->pool,
                                  claim->parts * sizeof(sms_part_t));
        if (claim->again == NULL) {
            return NGX_DECLINED;
        }
    }

    claim->again[claim->nagain++] = *part;
    claim->wait = ngx_max(claim->wait, (ngx_msec_t) (wait / 1000));
    ngx_sms_counter_inc(claim->link->zone,
                        s->outcome == SMS_SUBMIT_RETRY
                        ? NGX_SMS_C_SUBMIT_RETRY : NGX_SMS_C_SUBMIT_THROTTLED);

    return NGX_OK;
}


static void
ngx_sms_claim_wait(ngx_sms_claim_t *claim)
{
    claim->round++;
    ngx_queue_insert_tail(&claim->link->waiting, &claim->queue);
    ngx_sms_timer_deadline(&claim->timer, ngx_sms_claim_again, claim,
                           claim->link->log);
    ngx_sms_timer_start(&claim->timer, claim->wait);
}


static void
ngx_sms_claim_again(void *data)
{
    ngx_sms_claim_t  *claim = data;

    int64_t       now;
    ngx_uint_t    i, n;
    sms_submit_t  s;

    ngx_queue_remove(&claim->queue);
    n = claim->nagain;

    if (ngx_sms_claim_run(claim, claim->again, n) == NGX_OK) {
        return;
    }

    /* without memory it ends as it would have without another try */
    now = ngx_sms_timer_now_us();
    claim->nagain = 0;

    for (i = 0; i < n; i++) {
        ngx_memzero(&s, sizeof(sms_submit_t));
        s.outcome = SMS_SUBMIT_RETRY;
        ngx_sms_claim_result(claim, &claim->again[i], &s,
                             (ngx_uint_t) (claim->again[i].msg
                                           - claim->st.msgs), now);
    }

    ngx_sms_claim_store(claim);
}


void
ngx_sms_claims_exit(ngx_sms_link_t *link)
{
    ngx_queue_t      *q;
    ngx_sms_claim_t  *claim;

    while (!ngx_queue_empty(&link->waiting)) {
        q = ngx_queue_head(&link->waiting);
        ngx_queue_remove(q);
        claim = ngx_queue_data(q, ngx_sms_claim_t, queue);
        ngx_sms_timer_stop(&claim->timer);
        ngx_sms_claim_end(claim);
    }
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


void
ngx_sms_claim_stored(ngx_sms_claim_t *claim, ngx_uint_t stored,
    ngx_uint_t fresh)
{
    if (fresh) {
        ngx_sms_claim_sent(claim);
    }

    if (stored && claim->nagain) {
        claim->nresults = 0;
        ngx_sms_claim_wait(claim);
        return;
    }

    ngx_sms_claim_end(claim);
}
