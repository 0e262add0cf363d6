#include "ngx_sms_host.h"

#include "ngx_sms_guard.h"
#include "ngx_sms_host_sql.h"
#include "ngx_sms_pg_query.h"
#include "ngx_sms_pg_row.h"


#define NGX_SMS_HOST_DB_STMTS     64
#define NGX_SMS_HOST_DB_DEADLINE  10000


typedef struct {
    ngx_sms_handle_t     handle;
    ngx_sms_pg_query_t   query;
    void               (*done)(void *data, const sms_db_res_t *res);
    void                *data;
} ngx_sms_host_query_t;


static uint32_t ngx_sms_host_db_prepare(sms_host_t *h, const char *sql);
static sms_rc_t ngx_sms_host_db_query(sms_host_t *h, uint32_t stmt,
    const sms_str_t *params, uint32_t n,
    void (*done)(void *data, const sms_db_res_t *res), void *data);
static ngx_int_t ngx_sms_host_db_params(ngx_sms_pg_param_t *dst,
    const sms_str_t *params, uint32_t n, ngx_pool_t *pool);
static void ngx_sms_host_db_done(void *data, const ngx_sms_pg_res_t *res);
static sms_rc_t ngx_sms_host_db_rc(const ngx_sms_pg_res_t *res);
static sms_str_t ngx_sms_host_db_cell(const void *row_set, uint32_t row,
    uint32_t col);


const sms_db_api_t  ngx_sms_host_db = {
    sizeof(sms_db_api_t),
    ngx_sms_host_db_prepare,
    ngx_sms_host_db_query
};


static uint32_t
ngx_sms_host_db_prepare(sms_host_t *h, const char *sql)
{
    int                      nparams;
    size_t                   len;
    u_char                  *name;
    char                    *text;
    ngx_sms_plugin_t        *p;
    ngx_sms_pg_stmt_t       *stmt, **slot;
    ngx_sms_plugin_live_t   *live;

    p = ngx_sms_host_plugin(h);
    live = p->live;

    if (!live->initialising || p->plugins->db == NULL || sql == NULL
        || live->stmts.nelts == NGX_SMS_HOST_DB_STMTS)
    {
        return 0;
    }

    nparams = ngx_sms_host_sql_params(sql);

    if (nparams < 0) {
        ngx_log_error(NGX_LOG_ERR, live->log, 0,
                      "sms plugin: statement refused: name=%V", &p->name);
        return 0;
    }

    len = ngx_strlen(sql);

    stmt = ngx_pcalloc(live->pool, sizeof(ngx_sms_pg_stmt_t));
    name = ngx_pnalloc(live->pool, 64);
    text = ngx_pnalloc(live->pool, len + 1);
    slot = ngx_array_push(&live->stmts);

    if (stmt == NULL || name == NULL || text == NULL || slot == NULL) {
        return 0;
    }

    ngx_memcpy(text, sql, len + 1);
    *ngx_snprintf(name, 63, "plugin_%ui_%ui", p->index, live->stmts.nelts)
        = '\0';

    stmt->name = (char *) name;
    stmt->sql = text;
    stmt->nparams = (ngx_uint_t) nparams;
    /* a plugin's mistake must not keep the host from its database */
    stmt->optional = 1;

    *slot = stmt;

    if (ngx_sms_pg_conn_prepare(p->plugins->db, stmt, 1) != NGX_OK) {
        live->stmts.nelts--;
        return 0;
    }

    return (uint32_t) live->stmts.nelts;
}


static sms_rc_t
ngx_sms_host_db_query(sms_host_t *h, uint32_t stmt, const sms_str_t *params,
    uint32_t n, void (*done)(void *data, const sms_db_res_t *res), void *data)
{
    ngx_int_t               rc;
    ngx_pool_t             *pool;
    ngx_sms_plugin_t       *p;
    ngx_sms_pg_stmt_t     **stmts;
    ngx_sms_pg_param_t     *list;
    ngx_sms_host_query_t   *q;

    p = ngx_sms_host_plugin(h);
    stmts = p->live->stmts.elts;

    if (stmt == 0 || stmt > p->live->stmts.nelts || done == NULL
        || stmts[stmt - 1]->nparams != n)
    {
        return SMS_E_INVAL;
    }

    q = ngx_sms_host_handle_add(p, NGX_SMS_HANDLE_QUERY,
                                sizeof(ngx_sms_host_query_t),
                                &p->stats.queries, p->plugins->limits.queries);
    if (q == NULL) {
        return SMS_E_BUSY;
    }

    q->done = done;
    q->data = data;

    /* libpq copies the parameters: they live as long as this function */

    pool = ngx_create_pool(1024, p->live->log);
    list = pool ? ngx_palloc(pool, (n + 1) * sizeof(ngx_sms_pg_param_t)) : NULL;

    if (list == NULL
        || ngx_sms_host_db_params(list, params, n, pool) != NGX_OK)
    {
        rc = NGX_ERROR;

    } else {
        q->query.stmt = stmts[stmt - 1];
        q->query.params = list;
        q->query.deadline_ms = NGX_SMS_HOST_DB_DEADLINE;
        q->query.done = ngx_sms_host_db_done;
        q->query.data = q;
        q->query.text = 1;

        rc = ngx_sms_pg_query(p->plugins->db, &q->query);
    }

    if (pool) {
        ngx_destroy_pool(pool);
    }

    if (rc == NGX_OK) {
        return SMS_OK;
    }

    ngx_sms_host_handle_free(q, &p->stats.queries);

    return rc == NGX_DECLINED ? SMS_E_DOWN
                              : rc == NGX_AGAIN ? SMS_E_BUSY : SMS_E_NOMEM;
}


static ngx_int_t
ngx_sms_host_db_params(ngx_sms_pg_param_t *dst, const sms_str_t *params,
    uint32_t n, ngx_pool_t *pool)
{
    char      *text;
    uint32_t   i;

    for (i = 0; i < n; i++) {

        if (params[i].ptr == NULL) {
            ngx_sms_pg_param_null(&dst[i]);
            continue;
        }

        text = ngx_pnalloc(pool, params[i].len + 1);
        if (text == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(text, params[i].ptr, params[i].len);
        text[params[i].len] = '\0';

        ngx_sms_pg_param_text(&dst[i], text, params[i].len);
    }

    return NGX_OK;
}


static void
ngx_sms_host_db_done(void *data, const ngx_sms_pg_res_t *res)
{
    void                  *done_data;
    sms_db_res_t           out;
    ngx_sms_guard_t        guard;
    ngx_sms_plugin_t      *p;
    ngx_sms_host_query_t  *q = data;
    void                 (*done)(void *data, const sms_db_res_t *res);

    p = q->handle.plugin;
    done = q->done;
    done_data = q->data;

    ngx_sms_host_handle_free(q, &p->stats.queries);

    ngx_memzero(&out, sizeof(out));

    out.rc = ngx_sms_host_db_rc(res);
    out.nrows = (uint32_t) res->nrows;
    out.ncols = (uint32_t) res->ncols;
    out.cell = ngx_sms_host_db_cell;
    out.row_set = res;
    ngx_memcpy(out.sqlstate, res->sqlstate, sizeof(res->sqlstate));

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_DB);
    done(done_data, &out);
    (void) ngx_sms_guard_leave(&guard);
}


static sms_rc_t
ngx_sms_host_db_rc(const ngx_sms_pg_res_t *res)
{
    if (res->rc == NGX_SMS_PG_OK) {
        return SMS_OK;
    }

    if (res->rc == NGX_SMS_PG_UNKNOWN) {
        return res->timeout ? SMS_E_TIMEOUT : SMS_E_DOWN;
    }

    switch (res->action) {

    case NGX_SMS_PG_ACT_RETRY:
    case NGX_SMS_PG_ACT_WAIT:
        return SMS_E_BUSY;

    case NGX_SMS_PG_ACT_RECONNECT:
        return SMS_E_DOWN;

    default:
        return SMS_E_INVAL;
    }
}


static sms_str_t
ngx_sms_host_db_cell(const void *row_set, uint32_t row, uint32_t col)
{
    sms_str_t   cell = { NULL, 0 };
    ngx_str_t   text;

    if (ngx_sms_pg_row_text(row_set, row, col, &text) == NGX_OK) {
        /* an empty text is not NULL */
        cell.ptr = text.data ? (char *) text.data : "";
        cell.len = text.len;
    }

    return cell;
}


void
ngx_sms_host_query_stop(void *object)
{
    ngx_sms_host_query_t  *q = object;

    ngx_sms_pg_query_forget(&q->query);
    ngx_sms_host_handle_free(q, &q->handle.plugin->stats.queries);
}
