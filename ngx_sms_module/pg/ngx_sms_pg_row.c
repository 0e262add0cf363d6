#include "ngx_sms_pg_row.h"

#include <libpq-fe.h>


static ngx_int_t
ngx_sms_pg_row_rc(int rc)
{
    switch (rc) {

    case 0:
        return NGX_OK;

    case 1:
        return NGX_DECLINED;

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_sms_pg_row_at(const ngx_sms_pg_res_t *res, ngx_uint_t row, ngx_uint_t col,
    ngx_sms_pg_cell_t *cell)
{
    if (res->rc != NGX_SMS_PG_OK || res->raw == NULL
        || row >= res->nrows || col >= res->ncols)
    {
        return NGX_ERROR;
    }

    cell->type = PQftype(res->raw, (int) col);

    if (PQgetisnull(res->raw, (int) row, (int) col)) {
        cell->p = NULL;
        cell->len = 0;

    } else {
        cell->p = (uint8_t *) PQgetvalue(res->raw, (int) row, (int) col);
        cell->len = (size_t) PQgetlength(res->raw, (int) row, (int) col);
    }

    return NGX_OK;
}


ngx_int_t
ngx_sms_pg_row_cell(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_sms_pg_cell_t *cell)
{
    if (ngx_sms_pg_row_at(res, row, col, cell) != NGX_OK
        || PQfformat(res->raw, (int) col) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_sms_pg_row_null(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col)
{
    ngx_sms_pg_cell_t  cell;

    return ngx_sms_pg_row_at(res, row, col, &cell) != NGX_OK || cell.p == NULL;
}


ngx_int_t
ngx_sms_pg_row_bool(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_uint_t *value)
{
    int                v, rc;
    ngx_sms_pg_cell_t  cell;

    if (ngx_sms_pg_row_cell(res, row, col, &cell) != NGX_OK) {
        return NGX_ERROR;
    }

    v = 0;
    rc = ngx_sms_pg_cell_bool(&cell, &v);

    if (rc == 0) {
        *value = (ngx_uint_t) v;
    }

    return ngx_sms_pg_row_rc(rc);
}


ngx_int_t
ngx_sms_pg_row_int(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, int64_t *value)
{
    ngx_sms_pg_cell_t  cell;

    if (ngx_sms_pg_row_cell(res, row, col, &cell) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sms_pg_row_rc(ngx_sms_pg_cell_int(&cell, value));
}


ngx_int_t
ngx_sms_pg_row_uuid(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, u_char uuid[16])
{
    ngx_sms_pg_cell_t  cell;

    if (ngx_sms_pg_row_cell(res, row, col, &cell) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sms_pg_row_rc(ngx_sms_pg_cell_uuid(&cell, uuid));
}


ngx_int_t
ngx_sms_pg_row_time(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, int64_t *epoch_us)
{
    ngx_sms_pg_cell_t  cell;

    if (ngx_sms_pg_row_cell(res, row, col, &cell) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sms_pg_row_rc(ngx_sms_pg_cell_time(&cell, epoch_us));
}


ngx_int_t
ngx_sms_pg_row_text(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_str_t *value)
{
    int                rc;
    size_t             len;
    const uint8_t     *p;
    ngx_sms_pg_cell_t  cell;

    if (ngx_sms_pg_row_at(res, row, col, &cell) != NGX_OK) {
        return NGX_ERROR;
    }

    if (PQfformat(res->raw, (int) col) == 0) {
        cell.type = NGX_SMS_PG_TEXT;
    }

    p = NULL;
    len = 0;
    rc = ngx_sms_pg_cell_text(&cell, &p, &len);

    if (rc == 0) {
        value->data = (u_char *) p;
        value->len = len;
    }

    return ngx_sms_pg_row_rc(rc);
}


ngx_int_t
ngx_sms_pg_row_array(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_sms_pg_cell_array_t *array, uint32_t *n)
{
    ngx_sms_pg_cell_t  cell;

    if (ngx_sms_pg_row_cell(res, row, col, &cell) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sms_pg_row_rc(ngx_sms_pg_cell_array_open(&cell, array, n));
}
