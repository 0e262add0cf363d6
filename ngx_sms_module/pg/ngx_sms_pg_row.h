/*
 * ngx_sms_pg_row.h - typed cells of a result.
 *
 * Rows and columns count from 0.  Results are binary unless the query asked for
 * text; on text results only _text() and _null() answer (NGX_ERROR otherwise).
 *
 * RETURNS  NGX_OK        value written
 *          NGX_DECLINED  SQL NULL, value untouched
 *          NGX_ERROR     no such row or column, other type, out of range
 *
 * Pointers are into the result and valid until done() returns.
 */
#ifndef NGX_SMS_PG_ROW_H
#define NGX_SMS_PG_ROW_H

#include "ngx_sms_pg_cell.h"
#include "ngx_sms_pg_query.h"

ngx_int_t ngx_sms_pg_row_cell(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_sms_pg_cell_t *cell);

ngx_uint_t ngx_sms_pg_row_null(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col);
ngx_int_t ngx_sms_pg_row_bool(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_uint_t *value);
/* int2, int4 and int8 columns */
ngx_int_t ngx_sms_pg_row_int(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, int64_t *value);
ngx_int_t ngx_sms_pg_row_uuid(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, u_char uuid[16]);
/* microseconds since the Unix epoch */
ngx_int_t ngx_sms_pg_row_time(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, int64_t *epoch_us);
/* text, varchar, json, jsonb (as text), bytea; any column of a text result   */
ngx_int_t ngx_sms_pg_row_text(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_str_t *value);
/* then ngx_sms_pg_cell_array_next() */
ngx_int_t ngx_sms_pg_row_array(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_uint_t col, ngx_sms_pg_cell_array_t *array, uint32_t *n);

#endif /* NGX_SMS_PG_ROW_H */
