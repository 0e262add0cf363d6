/*
 * ngx_sms_pg_array.h - writes one-dimensional arrays in PostgreSQL's binary
 * format, the parameters of "INSERT … SELECT … FROM unnest($1, $2, …)".
 *
 * Plain C (no nginx, no libpq), so that it can be tested and fuzzed alone.
 * Wire form, PostgreSQL src/backend/utils/adt/arrayfuncs.c array_recv(), all
 * integers big-endian: int32 dimensions (0 or 1), int32 has-nulls, int32
 * element type, then per dimension int32 length and int32 lower bound (1), then
 * per element int32 length (-1: NULL) and the octets.
 *
 * Memory comes from "grow", called O(log n) times with sizes that double, so
 * the octets are copied at most twice over all.  A good hint means one call.
 *
 * ERRORS are kept: a failed array ignores what follows and _end() tells.  A
 * batch of 15 columns and 1000 rows so has one check per column.  Causes: grow
 * returned NULL, more than NGX_SMS_PG_ARRAY_MAX octets or 2^27 elements, a put
 * of another type than the array's, a time outside int64.
 */
#ifndef NGX_SMS_PG_ARRAY_H
#define NGX_SMS_PG_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "ngx_sms_pg_type.h"

/* PostgreSQL refuses a message or a value above 1 GiB - 1 */
#define NGX_SMS_PG_ARRAY_MAX  ((size_t) 1 << 30)

/* "old" (used octets of it matter, NULL at first) becomes a block of "size";
 * returns NULL when there is no memory, "old" then stays valid              */
typedef void *(*ngx_sms_pg_grow_pt)(void *ctx, void *old, size_t used,
    size_t size);

typedef struct {
    uint8_t             *buf;
    size_t               len;
    size_t               cap;
    uint32_t             n;                 /* elements so far              */
    uint32_t             solid_n;           /* of them up to the last value */
    size_t               solid_len;         /* octets until there           */
    uint32_t             type;              /* of an element                */
    unsigned             nulls:1;
    unsigned             failed:1;
    ngx_sms_pg_grow_pt   grow;
    void                *ctx;
} ngx_sms_pg_array_t;

/* "type" is the element's; "n" elements and "octets" of text are only hints */
void ngx_sms_pg_array_init(ngx_sms_pg_array_t *a, uint32_t type, size_t n,
    size_t octets, ngx_sms_pg_grow_pt grow, void *ctx);

void ngx_sms_pg_array_null(ngx_sms_pg_array_t *a);
void ngx_sms_pg_array_bool(ngx_sms_pg_array_t *a, int value);
void ngx_sms_pg_array_int2(ngx_sms_pg_array_t *a, int16_t value);
void ngx_sms_pg_array_int4(ngx_sms_pg_array_t *a, int32_t value);
void ngx_sms_pg_array_int8(ngx_sms_pg_array_t *a, int64_t value);
void ngx_sms_pg_array_uuid(ngx_sms_pg_array_t *a, const uint8_t uuid[16]);
/* microseconds since the Unix epoch; NGX_SMS_PG_TIME_MAX, _MIN: infinities  */
void ngx_sms_pg_array_time(ngx_sms_pg_array_t *a, int64_t epoch_us);
/* text, varchar, json, jsonb and bytea; "p" NULL makes an SQL NULL           */
void ngx_sms_pg_array_text(ngx_sms_pg_array_t *a, const void *p, size_t len);

/*
 * Leaves out the NULLs at the end, all of them where nothing else came.  For
 * what the statement unnests beside a longer array: it reads NULL there anyhow,
 * and a column of NULLs costs as much as any other.
 */
void ngx_sms_pg_array_trim(ngx_sms_pg_array_t *a);

/* Writes the head.  0 and the octets, or -1.  The array may not grow after. */
int ngx_sms_pg_array_end(ngx_sms_pg_array_t *a, const void **p, size_t *len);

#endif /* NGX_SMS_PG_ARRAY_H */
