#include "ngx_sms_pg_pipe.h"

#define NGX_SMS_PG_SETTINGS  24

/* Sent as they are, before anything of the caller's.  Short statements gain
 * nothing from JIT and lose its compile time; times are UTC everywhere.      */
static const ngx_sms_pg_setting_t  ngx_sms_pg_setup_fixed[] = {
    { "idle_in_transaction_session_timeout", "60s" },
    { "TimeZone", "UTC" },
    { "DateStyle", "ISO, YMD" },
    { "IntervalStyle", "iso_8601" },
    { "bytea_output", "hex" },
    { "jit", "off" },
    { NULL, NULL }
};

static const char  ngx_sms_pg_setup_look[] =
    "SELECT pg_is_in_recovery(), current_setting('fsync'),"
    " current_setting('full_page_writes'),"
    " current_setting('synchronous_commit'),"
    " current_setting('transaction_read_only')";


static void
ngx_sms_pg_setup_done(ngx_sms_pg_conn_t *pc)
{
    if (--pc->steps != 0 || pc->state != NGX_SMS_PG_SETUP) {
        return;
    }

    if (pc->refusal != NULL) {
        ngx_sms_pg_conn_down(pc, pc->refusal, pc->refusal_state,
                             pc->refusal_text);
        return;
    }

    ngx_sms_pg_conn_up(pc);
}


static void
ngx_sms_pg_setup_plain(ngx_sms_pg_conn_t *pc, const ngx_sms_pg_slot_t *slot,
    const ngx_sms_pg_res_t *res)
{
    if (res->rc != NGX_SMS_PG_OK) {
        ngx_sms_pg_conn_refuse(pc, "session settings refused", res->sqlstate,
                               res->message);
    }

    ngx_sms_pg_setup_done(pc);
}


static void
ngx_sms_pg_setup_looked(ngx_sms_pg_conn_t *pc, const ngx_sms_pg_slot_t *slot,
    const ngx_sms_pg_res_t *res)
{
    const char          *commit;
    ngx_sms_pg_info_t   *info;

    if (res->rc != NGX_SMS_PG_OK || res->nrows != 1 || res->ncols != 5) {
        ngx_sms_pg_conn_refuse(pc, "server state unknown", res->sqlstate,
                               res->message);
        ngx_sms_pg_setup_done(pc);
        return;
    }

    info = &pc->info;
    commit = PQgetvalue(res->raw, 0, 3);

    info->recovery = PQgetvalue(res->raw, 0, 0)[0] == 't';
    info->fsync = ngx_strcmp(PQgetvalue(res->raw, 0, 1), "on") == 0;
    info->full_page_writes = ngx_strcmp(PQgetvalue(res->raw, 0, 2), "on") == 0;

    ngx_cpystrn((u_char *) info->synchronous_commit, (u_char *) commit,
                sizeof(info->synchronous_commit));

    if (pc->spec->primary) {

        if (info->recovery) {
            ngx_sms_pg_conn_refuse(pc, "server is a standby", NULL, NULL);

        } else if (ngx_strcmp(PQgetvalue(res->raw, 0, 4), "on") == 0) {
            ngx_sms_pg_conn_refuse(pc, "session is read only", NULL, NULL);

        } else if (!pc->conf->unsafe && !info->fsync) {
            ngx_sms_pg_conn_refuse(pc, "server has fsync off", NULL, NULL);

        } else if (!pc->conf->unsafe && !info->full_page_writes) {
            ngx_sms_pg_conn_refuse(pc, "server has full_page_writes off",
                                   NULL, NULL);

        } else if (!pc->conf->unsafe && ngx_strcmp(commit, "off") == 0) {
            ngx_sms_pg_conn_refuse(pc, "synchronous_commit is off", NULL,
                                   NULL);
        }
    }

    ngx_sms_pg_setup_done(pc);
}


static void
ngx_sms_pg_setup_prepared(ngx_sms_pg_conn_t *pc, const ngx_sms_pg_slot_t *slot,
    const ngx_sms_pg_res_t *res)
{
    if (res->rc != NGX_SMS_PG_OK) {

        if (slot->stmt->optional || pc->state != NGX_SMS_PG_SETUP) {
            /* not rate-limited: it is told once per connection and statement,
             * and the text is the statement's author's, not a user's        */
            ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                          "sms pg: %s: statement \"%s\" not prepared: "
                          "sqlstate=%s (%s)", pc->spec->name, slot->stmt->name,
                          res->sqlstate, res->message);

        } else if (pc->refusal == NULL) {
            /* after a refusal of the probe this is only its echo */
            ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                          "sms pg: %s: statement \"%s\" not prepared",
                          pc->spec->name, slot->stmt->name);

            ngx_sms_pg_conn_refuse(pc, "statement not prepared", res->sqlstate,
                                   res->message);
        }
    }

    if (pc->state == NGX_SMS_PG_SETUP) {
        ngx_sms_pg_setup_done(pc);
    }
}


static void
ngx_sms_pg_setup_probed(ngx_sms_pg_conn_t *pc, const ngx_sms_pg_slot_t *slot,
    const ngx_sms_pg_res_t *res)
{
    const char  *reason;

    reason = "probe failed";

    if (pc->spec->judge != NULL
        ? pc->spec->judge(pc->spec->data, res, &reason) != NGX_OK
        : res->rc != NGX_SMS_PG_OK)
    {
        ngx_sms_pg_conn_refuse(pc, reason, res->sqlstate, res->message);
    }

    ngx_sms_pg_setup_done(pc);
}


static ngx_sms_pg_slot_t *
ngx_sms_pg_setup_slot(ngx_sms_pg_conn_t *pc, ngx_sms_pg_step_pt step)
{
    ngx_sms_pg_slot_t  *slot;

    slot = ngx_sms_pg_pipe_slot(pc);

    if (slot != NULL) {
        slot->step = step;
    }

    return slot;
}


static ngx_int_t
ngx_sms_pg_setup_send(ngx_sms_pg_conn_t *pc, ngx_sms_pg_step_pt step,
    const char *sql, ngx_uint_t n, const char *const *values)
{
    ngx_sms_pg_slot_t  *slot;

    slot = ngx_sms_pg_setup_slot(pc, step);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    if (PQsendQueryParams(pc->pg, sql, (int) n, NULL, values, NULL, NULL, 0)
        != 1)
    {
        ngx_sms_pg_pipe_give_back(pc, slot);
        return NGX_ERROR;
    }

    pc->steps++;
    ngx_sms_pg_pipe_sent(pc, slot);

    return NGX_OK;
}


static ngx_int_t
ngx_sms_pg_setup_settings(ngx_sms_pg_conn_t *pc)
{
    u_char                       sql[NGX_SMS_PG_SETTINGS * 40], *p, *last;
    char                         statement[32], lock[32];
    ngx_uint_t                   i, n;
    const char                  *values[NGX_SMS_PG_SETTINGS * 2];
    const ngx_sms_pg_setting_t  *s;

    *ngx_sprintf((u_char *) statement, "%M", pc->conf->statement_timeout)
        = '\0';
    *ngx_sprintf((u_char *) lock, "%M", pc->conf->lock_timeout) = '\0';

    values[0] = "statement_timeout";
    values[1] = statement;
    values[2] = "lock_timeout";
    values[3] = lock;
    n = 2;

    for (s = ngx_sms_pg_setup_fixed; s->name; s++) {
        values[n * 2] = s->name;
        values[n * 2 + 1] = s->value;
        n++;
    }

    if (n + pc->spec->nsettings > NGX_SMS_PG_SETTINGS) {
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "sms pg: %s: too many session settings", pc->spec->name);
        return NGX_ERROR;
    }

    for (i = 0; i < pc->spec->nsettings; i++) {
        values[n * 2] = pc->spec->settings[i].name;
        values[n * 2 + 1] = pc->spec->settings[i].value;
        n++;
    }

    last = sql + sizeof(sql) - 1;
    p = ngx_slprintf(sql, last, "SELECT ");

    for (i = 0; i < n; i++) {
        p = ngx_slprintf(p, last, "%sset_config($%ui,$%ui,false)",
                         i ? "," : "", i * 2 + 1, i * 2 + 2);
    }

    *p = '\0';

    return ngx_sms_pg_setup_send(pc, ngx_sms_pg_setup_plain, (char *) sql,
                                 n * 2, values);
}


static ngx_int_t
ngx_sms_pg_setup_listen(ngx_sms_pg_conn_t *pc)
{
    char       *name;
    u_char      sql[256], *p;
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < pc->spec->nlisten; i++) {

        name = PQescapeIdentifier(pc->pg, pc->spec->listen[i],
                                  ngx_strlen(pc->spec->listen[i]));
        if (name == NULL) {
            return NGX_ERROR;
        }

        p = ngx_snprintf(sql, sizeof(sql) - 1, "LISTEN %s", name);
        *p = '\0';
        PQfreemem(name);

        rc = ngx_sms_pg_setup_send(pc, ngx_sms_pg_setup_plain, (char *) sql,
                                   0, NULL);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_sms_pg_setup_prepare(ngx_sms_pg_conn_t *pc, const ngx_sms_pg_stmt_t *stmts,
    ngx_uint_t n)
{
    ngx_uint_t          i;
    ngx_sms_pg_slot_t  *slot;

    for (i = 0; i < n; i++) {

        slot = ngx_sms_pg_setup_slot(pc, ngx_sms_pg_setup_prepared);
        if (slot == NULL) {
            return NGX_ERROR;
        }

        slot->stmt = &stmts[i];

        if (PQsendPrepare(pc->pg, stmts[i].name, stmts[i].sql,
                          stmts[i].types ? (int) stmts[i].nparams : 0,
                          stmts[i].types)
            != 1)
        {
            ngx_sms_pg_pipe_give_back(pc, slot);
            ngx_sms_pg_conn_break(pc, "cannot send");
            return NGX_ERROR;
        }

        if (pc->state == NGX_SMS_PG_SETUP) {
            pc->steps++;
        }

        /* a sync each, so that an optional one that fails stands alone */
        ngx_sms_pg_pipe_sent(pc, slot);
    }

    return NGX_OK;
}


ngx_int_t
ngx_sms_pg_setup_start(ngx_sms_pg_conn_t *pc)
{
    ngx_uint_t           i;
    ngx_sms_pg_table_t  *tables;

    pc->steps = 0;

    if (ngx_sms_pg_setup_settings(pc) != NGX_OK
        || ngx_sms_pg_setup_listen(pc) != NGX_OK
        || ngx_sms_pg_setup_send(pc, ngx_sms_pg_setup_looked,
                                 ngx_sms_pg_setup_look, 0, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* before the statements: where these cannot be prepared it knows why */

    if (pc->spec->probe != NULL
        && ngx_sms_pg_setup_send(pc, ngx_sms_pg_setup_probed, pc->spec->probe,
                                 0, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    tables = pc->tables.elts;

    for (i = 0; i < pc->tables.nelts; i++) {
        if (ngx_sms_pg_setup_prepare(pc, tables[i].stmts, tables[i].n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
