/*
 * ngx_sms_pg_cell.h - reads one value in PostgreSQL's binary format.
 *
 * Plain C (no nginx, no libpq): the pure half of ngx_sms_pg_row.h, tested and
 * fuzzed alone.  Every function checks type and length; none reads outside
 * p .. p + len.
 *
 * RETURNS  0 value written; 1 the cell is SQL NULL, value untouched;
 *          -1 other type, wrong length or out of range, value untouched.
 */
#ifndef NGX_SMS_PG_CELL_H
#define NGX_SMS_PG_CELL_H

#include <stddef.h>
#include <stdint.h>

#include "ngx_sms_pg_type.h"

typedef struct {
    const uint8_t  *p;                      /* NULL: SQL NULL               */
    size_t          len;
    uint32_t        type;
} ngx_sms_pg_cell_t;

int ngx_sms_pg_cell_bool(const ngx_sms_pg_cell_t *c, int *value);
/* int2, int4 and int8 columns alike: widening loses nothing                 */
int ngx_sms_pg_cell_int(const ngx_sms_pg_cell_t *c, int64_t *value);
int ngx_sms_pg_cell_uuid(const ngx_sms_pg_cell_t *c, uint8_t uuid[16]);
/* microseconds since the Unix epoch; infinities: NGX_SMS_PG_TIME_MAX, _MIN  */
int ngx_sms_pg_cell_time(const ngx_sms_pg_cell_t *c, int64_t *epoch_us);
/* text, varchar, json, jsonb and bytea; points into the result              */
int ngx_sms_pg_cell_text(const ngx_sms_pg_cell_t *c, const uint8_t **p,
    size_t *len);

/* A one-dimensional array.  _open checks the head and gives the number of
 * elements; _next gives each element as a cell: 0, 1 at the end (never the
 * cell), -1 broken.  int8[] of a million elements allocates nothing.        */
typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
    uint32_t        left;
    uint32_t        type;
} ngx_sms_pg_cell_array_t;

int ngx_sms_pg_cell_array_open(const ngx_sms_pg_cell_t *c,
    ngx_sms_pg_cell_array_t *a, uint32_t *n);
int ngx_sms_pg_cell_array_next(ngx_sms_pg_cell_array_t *a,
    ngx_sms_pg_cell_t *element);

#endif /* NGX_SMS_PG_CELL_H */
