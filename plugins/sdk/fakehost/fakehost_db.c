/*
 * fakehost_db.c - scripted rows for prepared statements.
 */
#include "fakehost_impl.h"

typedef struct {
    void                  (*done)(void *d, const sms_db_res_t *r);
    const fakehost_rows_t  *rows;
} fakehost_query_t;


static sms_str_t
fakehost_db_cell(const void *row_set, uint32_t row, uint32_t col)
{
    const fakehost_rows_t  *rows = row_set;
    const char             *cell;

    cell = NULL;
    if (rows && row < rows->nrows && col < rows->ncols) {
        cell = rows->cells[row * rows->ncols + col];
    }

    return (sms_str_t) { cell, cell ? strlen(cell) : 0 };
}


static void
fakehost_db_fire(fakehost_t *fh, fakehost_event_t *ev)
{
    fakehost_query_t  *q = ev->more;
    fakehost_span_t    span;
    sms_db_res_t       res;

    memset(&res, 0, sizeof(res));
    res.rc = ev->rc;
    res.cell = fakehost_db_cell;
    if (ev->rc == SMS_OK && q->rows) {
        res.nrows = q->rows->nrows;
        res.ncols = q->rows->ncols;
        res.row_set = q->rows;
    }
    memcpy(res.sqlstate, ev->rc == SMS_OK ? "00000" : "08006", 6);

    if (!fh->started) {
        return;
    }
    fakehost_begin(fh, &span, "db done");
    q->done(ev->data, &res);
    fakehost_finish(fh, &span);
}


static void
fakehost_db_drop(fakehost_event_t *ev)
{
    free(ev->more);
}


static uint32_t
fakehost_db_prepare(sms_host_t *h, const char *sql)
{
    sms_rc_t  rc;
    uint32_t  id;
    FAKEHOST_ENTER(h, "prepare()");

    id = 0;
    if (!fh->starting) {
        fakehost_fault(fh, "prepare() outside init()");

    } else if (!fakehost_failing(fh, FAKEHOST_ON_PREPARE, &rc)) {
        fakehost_push(&fh->statements, fakehost_copy(sql, strlen(sql)));
        id = (uint32_t) fh->statements.n;
    }

    FAKEHOST_LEAVE();
    return id;
}


static const fakehost_rows_t *
fakehost_db_match(fakehost_t *fh, const char *sql)
{
    const fakehost_rows_t  *r;
    size_t                  i;

    for (i = 0; i < fh->rows.n; i++) {
        r = fh->rows.at[i];
        if (strstr(sql, r->part)) {
            return r;
        }
    }

    return NULL;
}


static sms_rc_t
fakehost_db_query(sms_host_t *h, uint32_t stmt, const sms_str_t *params, uint32_t n,
    void (*done)(void *d, const sms_db_res_t *r), void *d)
{
    fakehost_event_t  *ev;
    fakehost_query_t  *q;
    char              *text, *more;
    sms_rc_t           rc;
    uint32_t           i;
    FAKEHOST_ENTER(h, "query()");

    if (stmt == 0 || stmt > fh->statements.n || done == NULL) {
        fakehost_fault(fh, "query() of a statement that was not prepared");
        rc = SMS_E_INVAL;

    } else if (!fakehost_failing(fh, FAKEHOST_ON_QUERY, &rc)) {
        text = fakehost_text("%s", (char *) fh->statements.at[stmt - 1]);
        for (i = 0; i < n; i++) {
            more = fakehost_text("%s\n%.*s", text, params[i].ptr ? (int) params[i].len : 4,
                                 params[i].ptr ? params[i].ptr : "NULL");
            free(text);
            text = more;
        }
        fakehost_push(&fh->queries, text);

        q = fakehost_grab(sizeof(*q));
        q->done = done;
        q->rows = fakehost_db_match(fh, fh->statements.at[stmt - 1]);
        ev = fakehost_event(fh, FAKEHOST_EV_DB, 1, fakehost_db_fire);
        ev->data = d;
        ev->more = q;
        ev->drop = fakehost_db_drop;
        if (!fakehost_failing(fh, FAKEHOST_ON_ROWS, &ev->rc)) {
            ev->rc = SMS_OK;
        }
        rc = SMS_OK;
    }

    FAKEHOST_LEAVE();
    return rc;
}


void
fakehost_db_answer(fakehost_t *fh, const char *sql_part, uint32_t nrows, uint32_t ncols,
    const char *const *cells)
{
    fakehost_rows_t  *r;
    uint32_t          i;

    r = fakehost_grab(sizeof(*r));
    r->part = fakehost_copy(sql_part, strlen(sql_part));
    r->nrows = nrows;
    r->ncols = ncols;
    r->cells = fakehost_grab((size_t) nrows * ncols * sizeof(char *));
    for (i = 0; i < nrows * ncols; i++) {
        r->cells[i] = cells[i] ? fakehost_copy(cells[i], strlen(cells[i])) : NULL;
    }
    fakehost_push(&fh->rows, r);
}


uint32_t
fakehost_db_count(fakehost_t *fh)
{
    return (uint32_t) fh->queries.n;
}


const char *
fakehost_db_sent(fakehost_t *fh, uint32_t i)
{
    return i < fh->queries.n ? fh->queries.at[i] : NULL;
}


void
fakehost_db_table(fakehost_t *fh)
{
    fh->db.size = sizeof(sms_db_api_t);
    fh->db.prepare = fakehost_db_prepare;
    fh->db.query = fakehost_db_query;
}


void
fakehost_db_clear(fakehost_t *fh)
{
    fakehost_rows_t  *r;
    size_t            i;
    uint32_t          k;

    for (i = 0; i < fh->rows.n; i++) {
        r = fh->rows.at[i];
        for (k = 0; k < r->nrows * r->ncols; k++) {
            free(r->cells[k]);
        }
        free(r->cells);
        free(r->part);
    }
    fakehost_list_free(&fh->rows);
    fakehost_list_free(&fh->statements);
    fakehost_list_free(&fh->queries);
}
