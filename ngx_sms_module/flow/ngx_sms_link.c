#include "ngx_sms_link.h"

#include "ngx_sms_claim.h"
#include "ngx_sms_receive.h"


#define NGX_SMS_REST_MIN          1000
#define NGX_SMS_REST_MAX          3600000   /* an adapter's mistake ends */


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
    ngx_queue_init(&link->waiting);

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
    ngx_sms_claims_exit(link);

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


void
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

        ngx_sms_claim_stored(claim, res->rc == NGX_SMS_PG_OK, fresh);
    }

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "sms link: results not stored: sqlstate=%s link=%uD",
                      res->sqlstate, link->id);
        ngx_sms_link_renounce(link);
    }
}
