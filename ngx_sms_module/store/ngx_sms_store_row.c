#include "ngx_sms_store_row.h"


static ngx_int_t ngx_sms_store_row_column(const ngx_sms_pg_res_t *res,
    ngx_uint_t col, const ngx_sms_store_column_t *c, ngx_sms_store_row_t *rows,
    ngx_uint_t n);


ngx_int_t
ngx_sms_store_row_columns(const ngx_sms_pg_res_t *res, ngx_uint_t first,
    const ngx_sms_store_column_t *columns, ngx_uint_t ncolumns,
    ngx_sms_store_row_t *rows, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < ncolumns; i++) {
        if (ngx_sms_store_row_column(res, first + i, &columns[i], rows, n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_store_row_column(const ngx_sms_pg_res_t *res, ngx_uint_t col,
    const ngx_sms_store_column_t *c, ngx_sms_store_row_t *rows, ngx_uint_t n)
{
    int                      rc, truth;
    void                    *field;
    size_t                   len;
    uint32_t                 count;
    ngx_int_t                found;
    ngx_uint_t               i;
    const uint8_t           *p;
    ngx_sms_pg_cell_t        cell;
    ngx_sms_pg_cell_array_t  array;

    found = ngx_sms_pg_row_array(res, 0, col, &array, &count);

    if (found == NGX_DECLINED && c->null) {
        return NGX_OK;
    }

    if (found != NGX_OK || count != n) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (ngx_sms_pg_cell_array_next(&array, &cell) != 0) {
            return NGX_ERROR;
        }

        field = (u_char *) &rows[i] + c->offset;

        switch (c->kind) {

        case NGX_SMS_FIELD_UUID:
            rc = ngx_sms_pg_cell_uuid(&cell, field);
            break;

        case NGX_SMS_FIELD_INT:
            rc = ngx_sms_pg_cell_int(&cell, field);
            break;

        case NGX_SMS_FIELD_TIME:
            rc = ngx_sms_pg_cell_time(&cell, field);
            break;

        case NGX_SMS_FIELD_BOOL:
            truth = 0;
            rc = ngx_sms_pg_cell_bool(&cell, &truth);
            *(ngx_uint_t *) field = (ngx_uint_t) truth;
            break;

        default:
            rc = ngx_sms_pg_cell_text(&cell, &p, &len);

            if (rc == 0) {
                ((ngx_str_t *) field)->data = (u_char *) p;
                ((ngx_str_t *) field)->len = len;
            }
        }

        if (rc < 0 || (rc == 1 && !c->null)) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
