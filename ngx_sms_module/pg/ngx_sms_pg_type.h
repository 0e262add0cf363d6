/*
 * ngx_sms_pg_type.h - type numbers and the epoch of PostgreSQL's binary format.
 *
 * Plain C, no libpq: whoever writes a statement table or reads a cell needs
 * these numbers, and only pg/ may include libpq-fe.h.  They are fixed in
 * PostgreSQL's src/include/catalog/pg_type.dat and never change.
 */
#ifndef NGX_SMS_PG_TYPE_H
#define NGX_SMS_PG_TYPE_H

#include <stdint.h>

#define NGX_SMS_PG_BOOL               16u
#define NGX_SMS_PG_BYTEA              17u
#define NGX_SMS_PG_INT8               20u
#define NGX_SMS_PG_INT2               21u
#define NGX_SMS_PG_INT4               23u
#define NGX_SMS_PG_TEXT               25u
#define NGX_SMS_PG_JSON              114u
#define NGX_SMS_PG_VARCHAR          1043u
#define NGX_SMS_PG_TIMESTAMPTZ      1184u
#define NGX_SMS_PG_UUID             2950u
#define NGX_SMS_PG_JSONB            3802u

#define NGX_SMS_PG_BOOL_ARRAY       1000u
#define NGX_SMS_PG_BYTEA_ARRAY      1001u
#define NGX_SMS_PG_INT2_ARRAY       1005u
#define NGX_SMS_PG_INT4_ARRAY       1007u
#define NGX_SMS_PG_TEXT_ARRAY       1009u
#define NGX_SMS_PG_INT8_ARRAY       1016u
#define NGX_SMS_PG_TIMESTAMPTZ_ARRAY 1185u
#define NGX_SMS_PG_JSON_ARRAY        199u
#define NGX_SMS_PG_UUID_ARRAY       2951u
#define NGX_SMS_PG_JSONB_ARRAY      3807u

/* 2000-01-01 00:00 UTC, from which timestamps count, in Unix microseconds */
#define NGX_SMS_PG_EPOCH_US         INT64_C(946684800000000)

/* 'infinity' and '-infinity', on both sides of the conversion */
#define NGX_SMS_PG_TIME_MAX         INT64_MAX
#define NGX_SMS_PG_TIME_MIN         INT64_MIN

#endif /* NGX_SMS_PG_TYPE_H */
