#include "ngx_sms_store.h"

#include "ngx_sms_timer.h"
#include "ngx_sms_store_account.h"
#include "ngx_sms_store_evidence.h"
#include "ngx_sms_store_flow.h"
#include "ngx_sms_store_form.h"
#include "ngx_sms_store_inbound.h"
#include "ngx_sms_store_intake.h"
#include "ngx_sms_store_lease.h"
#include "ngx_sms_store_operator.h"
#include "ngx_sms_store_quality.h"
#include "ngx_sms_store_screen.h"
#include "ngx_sms_store_shadow.h"
#include "ngx_sms_store_ask.h"
#include "ngx_sms_store_webhook.h"
#include "ngx_sms_work.h"


ngx_sms_store_t  ngx_sms_store;


static ngx_int_t ngx_sms_store_judge(void *data, const ngx_sms_pg_res_t *res,
    const char **reason);
static void ngx_sms_store_query_done(void *data, const ngx_sms_pg_res_t *res);


static const char *const  ngx_sms_store_channels[] = {
    "sms_profile", "sms_queue", "sms_link"
};

/* What functions that every message goes through are planned under, once for
 * all: look-ups by index, whatever the statistics say.  To set it in each of
 * them costs more than their plans do.                                       */
static const ngx_sms_pg_setting_t  ngx_sms_store_settings[] = {
    { "plan_cache_mode", "force_generic_plan" },
    { "enable_seqscan", "off" },
    { "enable_bitmapscan", "off" }
};

/* columns: schema version, the database's time in microseconds */
static const char  ngx_sms_store_probe[] =
    "SELECT (r.j->>'schema')::int8, (r.j->>'now')::int8"
    " FROM (SELECT sms.ready() AS j) r";


ngx_int_t
ngx_sms_store_init(const ngx_sms_pg_conf_t *conf, ngx_log_t *log,
    void (*notify)(void *data, const char *channel, const char *payload))
{
    ngx_uint_t            i;
    ngx_sms_pg_spec_t    *spec;
    ngx_sms_pg_conn_t   **slot;

    /* connections keep a pointer to theirs */
    static ngx_sms_pg_conf_t  bulk;
    static ngx_sms_pg_spec_t  specs[NGX_SMS_STORE_CONNS];

    static const char *const  names[] = {
        "write", "bulk", "flow", "read", "control"
    };

    ngx_memzero(&ngx_sms_store, sizeof(ngx_sms_store_t));
    ngx_sms_store.unsafe = conf->unsafe;
    slot = &ngx_sms_store.write;

    bulk = *conf;
    bulk.statement_timeout *= NGX_SMS_STORE_BULK_TIMES;

    for (i = 0; i < NGX_SMS_STORE_CONNS; i++) {

        spec = &specs[i];
        ngx_memzero(spec, sizeof(ngx_sms_pg_spec_t));
        spec->name = names[i];
        spec->probe = ngx_sms_store_probe;
        spec->judge = ngx_sms_store_judge;
        spec->primary = 1;

        /* not for what people and workers ask now and then */
        if (i < 3) {
            spec->settings = ngx_sms_store_settings;
            spec->nsettings = sizeof(ngx_sms_store_settings)
                              / sizeof(ngx_sms_store_settings[0]);
        }

        if (i == 4) {
            spec->listen = ngx_sms_store_channels;
            spec->nlisten = sizeof(ngx_sms_store_channels)
                            / sizeof(ngx_sms_store_channels[0]);
            spec->notify = notify;
        }

        slot[i] = ngx_sms_pg_conn_create(i == 1 ? &bulk : conf, spec, log);

        if (slot[i] == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_sms_pg_conn_prepare(ngx_sms_store.write, &ngx_sms_store_intake, 1)
        != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.write,
                       &ngx_sms_store_flow_stmts[NGX_SMS_STMT_CLAIM], 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.bulk, &ngx_sms_store_intake, 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.bulk,
                                   &ngx_sms_store_upkeep_stmt, 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.bulk,
                                   ngx_sms_store_evidence_stmts,
                                   NGX_SMS_STMT_EVIDENCE_N)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.bulk, ngx_sms_store_take_stmts,
                                   NGX_SMS_STORE_TAKE_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.bulk, ngx_sms_store_ask_stmts,
                                   NGX_SMS_STORE_ASK_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.bulk,
                       &ngx_sms_store_account_stmts[NGX_SMS_STMT_API_CALL], 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read,
                                   ngx_sms_store_account_stmts,
                                   NGX_SMS_STORE_ACCOUNT_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read,
                                   ngx_sms_store_webhook_stmts,
                                   NGX_SMS_STORE_WEBHOOK_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.flow,
                       &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_INBOUND_PUT],
                       1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read,
                       &ngx_sms_store_inbound_stmts[NGX_SMS_STMT_INBOUND_READ],
                       NGX_SMS_STORE_INBOUND_STMTS - 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read,
                                   &ngx_sms_store_quality_stmt, 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read,
                                   &ngx_sms_store_shadow_stmt, 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.flow, ngx_sms_store_flow_stmts,
                                   NGX_SMS_STORE_FLOW_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.flow,
                                   ngx_sms_store_screen_stmts,
                                   NGX_SMS_STORE_SCREEN_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.control,
                                   ngx_sms_store_lease_stmts,
                                   NGX_SMS_STORE_LEASE_STMTS)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.control,
                                   &ngx_sms_store_link_halts_stmt, 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read,
                                   &ngx_sms_store_operator_metrics_stmt, 1)
           != NGX_OK
        || ngx_sms_pg_conn_prepare(ngx_sms_store.read, &ngx_sms_store_form_stmt,
                                   1)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_sms_store_start(void)
{
    ngx_uint_t           i;
    ngx_sms_pg_conn_t  **slot;

    slot = &ngx_sms_store.write;

    for (i = 0; i < NGX_SMS_STORE_CONNS; i++) {
        ngx_sms_pg_conn_start(slot[i]);
    }
}


void
ngx_sms_store_done(void)
{
    ngx_uint_t           i;
    ngx_sms_pg_conn_t  **slot;

    slot = &ngx_sms_store.write;

    for (i = 0; i < NGX_SMS_STORE_CONNS; i++) {
        if (slot[i]) {
            ngx_sms_pg_conn_destroy(slot[i]);
            slot[i] = NULL;
        }
    }
}


ngx_uint_t
ngx_sms_store_ready(void)
{
    return ngx_sms_pg_conn_ready(ngx_sms_store.write)
           && ngx_sms_pg_conn_ready(ngx_sms_store.read);
}


static ngx_int_t
ngx_sms_store_judge(void *data, const ngx_sms_pg_res_t *res,
    const char **reason)
{
    int64_t    now;
    ngx_str_t  schema, clock;

    (void) data;

    /* no such schema, no such function */
    if (res->rc != NGX_SMS_PG_OK && ngx_strcmp(res->sqlstate, "3F000") != 0
        && ngx_strcmp(res->sqlstate, "42883") != 0)
    {
        *reason = "probe failed";
        return NGX_DECLINED;
    }

    if (res->nrows != 1
        || ngx_sms_pg_row_text(res, 0, 0, &schema) != NGX_OK
        || ngx_sms_pg_row_text(res, 0, 1, &clock) != NGX_OK)
    {
        *reason = "the database has no ngx_sms schema: run sql/migrate";
        return NGX_DECLINED;
    }

    ngx_sms_store.schema = ngx_atoi(schema.data, schema.len);

    if (ngx_sms_store.schema < NGX_SMS_STORE_SCHEMA_MIN) {
        *reason = "the schema is older than this module: run sql/migrate";
        return NGX_DECLINED;
    }

    now = (int64_t) ngx_atoof(clock.data, clock.len);
    ngx_sms_store.clock_off_us = ngx_sms_timer_now_us() - now;

    if (now <= 0
        || ngx_abs(ngx_sms_store.clock_off_us) > NGX_SMS_STORE_CLOCK_US)
    {
        /* ids order partitions by time: a wrong clock would misplace rows */
        *reason = "this machine's clock is more than 5 s off the database's";
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_query_create(const ngx_sms_pg_stmt_t *stmt, ngx_uint_t text,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_pool_t             *pool;
    ngx_sms_store_query_t  *q;

    pool = ngx_sms_work_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    q = ngx_pcalloc(pool, sizeof(ngx_sms_store_query_t));
    if (q == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    q->pool = pool;
    q->done = done;
    q->data = data;
    q->q.stmt = stmt;
    q->q.params = q->params;
    q->q.text = text ? 1 : 0;
    q->q.done = ngx_sms_store_query_done;
    q->q.data = q;

    return q;
}


ngx_int_t
ngx_sms_store_query_send(ngx_sms_pg_conn_t *pc, ngx_sms_store_query_t *q,
    ngx_msec_t deadline)
{
    ngx_int_t  rc;

    q->q.deadline_ms = deadline;
    rc = ngx_sms_pg_query(pc, &q->q);

    if (rc != NGX_OK) {
        ngx_destroy_pool(q->pool);
    }

    return rc;
}


static void
ngx_sms_store_query_done(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_store_query_t  *q = data;

    q->done(q->data, res);
    ngx_destroy_pool(q->pool);
}


void
ngx_sms_store_query_forget(void *query)
{
    ngx_sms_store_query_t  *q = query;

    ngx_sms_pg_query_forget(&q->q);
    ngx_destroy_pool(q->pool);
}


void
ngx_sms_store_array(ngx_sms_store_query_t *q, ngx_sms_pg_array_t *a,
    uint32_t type, ngx_uint_t n)
{
    ngx_sms_pg_array_init(a, type, n, 0, ngx_sms_pg_param_grow, q->pool);
}


/*
 * Ids and addresses of operators are octets, and a column of text takes UTF-8
 * only: one odd octet would have the database refuse the whole row for ever.
 * What is not printable ASCII is written as \xHH, the same way each time.
 */

ngx_int_t
ngx_sms_store_text(ngx_pool_t *pool, const ngx_str_t *s, ngx_str_t *text)
{
    u_char  *p;
    size_t   i, odd;

    static u_char  hex[] = "0123456789abcdef";

    odd = 0;

    for (i = 0; i < s->len; i++) {
        odd += s->data[i] < 0x20 || s->data[i] > 0x7e;
    }

    *text = *s;

    if (odd == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, s->len + odd * 3);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < s->len; i++) {

        if (s->data[i] >= 0x20 && s->data[i] <= 0x7e) {
            *p++ = s->data[i];
            continue;
        }

        *p++ = '\\';
        *p++ = 'x';
        *p++ = hex[s->data[i] >> 4];
        *p++ = hex[s->data[i] & 0xf];
    }

    text->len = (size_t) (p - text->data);

    return NGX_OK;
}
