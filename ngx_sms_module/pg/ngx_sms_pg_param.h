/*
 * ngx_sms_pg_param.h - one parameter of a prepared statement.
 *
 * Numbers, times and ids are kept inside the parameter itself, so an array of
 * these on the stack is all a caller needs; a filled parameter must therefore
 * not be copied or moved.  Text and array octets are pointed at and must live
 * until ngx_sms_pg_query() returns (in a batch: in the flight's pool).
 */
#ifndef NGX_SMS_PG_PARAM_H
#define NGX_SMS_PG_PARAM_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_pg_array.h"

typedef struct {
    const void  *data;                      /* NULL: SQL NULL                 */
    size_t       len;
    ngx_uint_t   binary;                    /* 0: text format                 */
    u_char       scalar[16];
} ngx_sms_pg_param_t;

void ngx_sms_pg_param_null(ngx_sms_pg_param_t *p);
void ngx_sms_pg_param_bool(ngx_sms_pg_param_t *p, ngx_uint_t value);
void ngx_sms_pg_param_int2(ngx_sms_pg_param_t *p, int16_t value);
void ngx_sms_pg_param_int4(ngx_sms_pg_param_t *p, int32_t value);
void ngx_sms_pg_param_int8(ngx_sms_pg_param_t *p, int64_t value);
void ngx_sms_pg_param_uuid(ngx_sms_pg_param_t *p, const u_char uuid[16]);
void ngx_sms_pg_param_time(ngx_sms_pg_param_t *p, int64_t epoch_us);

/* text, varchar, json, bytea: their binary form is the octets themselves.
 * "data" NULL makes an SQL NULL.  UTF-8 without NUL is the caller's promise. */
void ngx_sms_pg_param_octets(ngx_sms_pg_param_t *p, const void *data,
    size_t len);
/* any type, as text: jsonb, or a number that is at hand as digits.  libpq
 * wants it NUL-terminated: data[len] must be readable and 0.                 */
void ngx_sms_pg_param_text(ngx_sms_pg_param_t *p, const char *data, size_t len);

/* ends the array; NGX_ERROR when it had failed                               */
ngx_int_t ngx_sms_pg_param_array(ngx_sms_pg_param_t *p, ngx_sms_pg_array_t *a);

/* ngx_sms_pg_grow_pt over an ngx_pool_t (ctx)                                 */
void *ngx_sms_pg_param_grow(void *pool, void *old, size_t used, size_t size);

#endif /* NGX_SMS_PG_PARAM_H */
