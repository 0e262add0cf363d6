#include "ngx_sms_pg_array.h"

#include <string.h>

#define NGX_SMS_PG_ARRAY_HEAD      20
#define NGX_SMS_PG_ARRAY_MIN       256
#define NGX_SMS_PG_ARRAY_ELEMENTS  ((uint32_t) 1 << 27)


static inline void
ngx_sms_pg_array_be32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t) (value >> 24);
    p[1] = (uint8_t) (value >> 16);
    p[2] = (uint8_t) (value >> 8);
    p[3] = (uint8_t) value;
}


static inline void
ngx_sms_pg_array_be64(uint8_t *p, uint64_t value)
{
    ngx_sms_pg_array_be32(p, (uint32_t) (value >> 32));
    ngx_sms_pg_array_be32(p + 4, (uint32_t) value);
}


static int
ngx_sms_pg_array_grow(ngx_sms_pg_array_t *a, size_t need)
{
    void    *p;
    size_t   cap;

    if (a->failed) {
        return -1;
    }

    if (need >= NGX_SMS_PG_ARRAY_MAX
        || a->len + need >= NGX_SMS_PG_ARRAY_MAX)
    {
        a->failed = 1;
        return -1;
    }

    cap = a->cap ? a->cap : NGX_SMS_PG_ARRAY_MIN;

    while (cap < a->len + need) {
        cap *= 2;
    }

    p = a->grow(a->ctx, a->buf, a->len, cap);
    if (p == NULL) {
        a->failed = 1;
        return -1;
    }

    a->buf = p;
    a->cap = cap;

    return 0;
}


static inline int
ngx_sms_pg_array_room(ngx_sms_pg_array_t *a, size_t need)
{
    if (need <= a->cap - a->len && !a->failed) {
        return 0;
    }

    return ngx_sms_pg_array_grow(a, need);
}


/* room for an element of "len" octets after its length word, which is written;
 * inline: thirty of them are written for each message                        */
static inline uint8_t *
ngx_sms_pg_array_element(ngx_sms_pg_array_t *a, uint32_t type, size_t len)
{
    uint8_t  *p;

    if (a->type != type || a->n == NGX_SMS_PG_ARRAY_ELEMENTS
        || len >= NGX_SMS_PG_ARRAY_MAX)
    {
        a->failed = 1;
        return NULL;
    }

    if (ngx_sms_pg_array_room(a, 4 + len) != 0) {
        return NULL;
    }

    p = a->buf + a->len;
    ngx_sms_pg_array_be32(p, (uint32_t) len);

    a->len += 4 + len;
    a->n++;
    a->solid_len = a->len;
    a->solid_n = a->n;

    return p + 4;
}


void
ngx_sms_pg_array_init(ngx_sms_pg_array_t *a, uint32_t type, size_t n,
    size_t octets, ngx_sms_pg_grow_pt grow, void *ctx)
{
    size_t  fixed, need;

    memset(a, 0, sizeof(*a));

    a->type = type;
    a->grow = grow;
    a->ctx = ctx;

    switch (type) {

    case NGX_SMS_PG_BOOL:
        fixed = 1;
        break;

    case NGX_SMS_PG_INT2:
        fixed = 2;
        break;

    case NGX_SMS_PG_INT4:
        fixed = 4;
        break;

    case NGX_SMS_PG_INT8:
    case NGX_SMS_PG_TIMESTAMPTZ:
        fixed = 8;
        break;

    case NGX_SMS_PG_UUID:
        fixed = 16;
        break;

    case NGX_SMS_PG_JSONB:
        fixed = 1;
        break;

    default:
        fixed = 0;
    }

    /* a hint from outside must not ask for more than the array may ever be */
    if (n > NGX_SMS_PG_ARRAY_ELEMENTS || octets >= NGX_SMS_PG_ARRAY_MAX) {
        n = 0;
        octets = 0;
    }

    need = NGX_SMS_PG_ARRAY_HEAD + n * (4 + fixed) + octets;

    if (need < NGX_SMS_PG_ARRAY_MAX) {
        a->buf = grow(ctx, NULL, 0, need);
        a->cap = need;
    }

    if (a->buf == NULL) {
        a->cap = 0;
        a->failed = 1;
        return;
    }

    memset(a->buf, 0, NGX_SMS_PG_ARRAY_HEAD);
    a->len = NGX_SMS_PG_ARRAY_HEAD;
    a->solid_len = a->len;
}


void
ngx_sms_pg_array_null(ngx_sms_pg_array_t *a)
{
    if (a->n == NGX_SMS_PG_ARRAY_ELEMENTS) {
        a->failed = 1;
        return;
    }

    if (ngx_sms_pg_array_room(a, 4) != 0) {
        return;
    }

    memset(a->buf + a->len, 0xff, 4);

    a->len += 4;
    a->n++;
    a->nulls = 1;
}


void
ngx_sms_pg_array_bool(ngx_sms_pg_array_t *a, int value)
{
    uint8_t  *p = ngx_sms_pg_array_element(a, NGX_SMS_PG_BOOL, 1);

    if (p != NULL) {
        *p = value ? 1 : 0;
    }
}


void
ngx_sms_pg_array_int2(ngx_sms_pg_array_t *a, int16_t value)
{
    uint8_t  *p = ngx_sms_pg_array_element(a, NGX_SMS_PG_INT2, 2);

    if (p != NULL) {
        p[0] = (uint8_t) ((uint16_t) value >> 8);
        p[1] = (uint8_t) value;
    }
}


void
ngx_sms_pg_array_int4(ngx_sms_pg_array_t *a, int32_t value)
{
    uint8_t  *p = ngx_sms_pg_array_element(a, NGX_SMS_PG_INT4, 4);

    if (p != NULL) {
        ngx_sms_pg_array_be32(p, (uint32_t) value);
    }
}


void
ngx_sms_pg_array_int8(ngx_sms_pg_array_t *a, int64_t value)
{
    uint8_t  *p = ngx_sms_pg_array_element(a, NGX_SMS_PG_INT8, 8);

    if (p != NULL) {
        ngx_sms_pg_array_be64(p, (uint64_t) value);
    }
}


void
ngx_sms_pg_array_uuid(ngx_sms_pg_array_t *a, const uint8_t uuid[16])
{
    uint8_t  *p = ngx_sms_pg_array_element(a, NGX_SMS_PG_UUID, 16);

    if (p != NULL) {
        memcpy(p, uuid, 16);
    }
}


void
ngx_sms_pg_array_time(ngx_sms_pg_array_t *a, int64_t epoch_us)
{
    uint8_t  *p;

    if (epoch_us != NGX_SMS_PG_TIME_MAX && epoch_us != NGX_SMS_PG_TIME_MIN) {

        /* the smallest value but one would become '-infinity' or wrap */
        if (epoch_us <= NGX_SMS_PG_TIME_MIN + NGX_SMS_PG_EPOCH_US) {
            a->failed = 1;
            return;
        }

        epoch_us -= NGX_SMS_PG_EPOCH_US;
    }

    p = ngx_sms_pg_array_element(a, NGX_SMS_PG_TIMESTAMPTZ, 8);

    if (p != NULL) {
        ngx_sms_pg_array_be64(p, (uint64_t) epoch_us);
    }
}


void
ngx_sms_pg_array_text(ngx_sms_pg_array_t *a, const void *data, size_t len)
{
    size_t    version;
    uint8_t  *p;

    if (data == NULL) {
        ngx_sms_pg_array_null(a);
        return;
    }

    switch (a->type) {

    case NGX_SMS_PG_TEXT:
    case NGX_SMS_PG_VARCHAR:
    case NGX_SMS_PG_BYTEA:
    case NGX_SMS_PG_JSON:
        version = 0;
        break;

    case NGX_SMS_PG_JSONB:
        version = 1;                /* jsonb_recv() wants its version, 1 */
        break;

    default:
        a->failed = 1;
        return;
    }

    if (len >= NGX_SMS_PG_ARRAY_MAX) {
        a->failed = 1;
        return;
    }

    p = ngx_sms_pg_array_element(a, a->type, version + len);

    if (p != NULL) {
        if (version) {
            *p++ = 1;
        }

        if (len != 0) {
            memcpy(p, data, len);
        }
    }
}


void
ngx_sms_pg_array_trim(ngx_sms_pg_array_t *a)
{
    a->len = a->solid_len;
    a->n = a->solid_n;
}


int
ngx_sms_pg_array_end(ngx_sms_pg_array_t *a, const void **p, size_t *len)
{
    if (a->failed) {
        return -1;
    }

    ngx_sms_pg_array_be32(a->buf + 4, a->nulls);
    ngx_sms_pg_array_be32(a->buf + 8, a->type);

    *p = a->buf;

    if (a->n == 0) {                /* an empty array has no dimension */
        ngx_sms_pg_array_be32(a->buf, 0);
        *len = 12;
        return 0;
    }

    ngx_sms_pg_array_be32(a->buf, 1);
    ngx_sms_pg_array_be32(a->buf + 12, a->n);
    ngx_sms_pg_array_be32(a->buf + 16, 1);

    *len = a->len;

    return 0;
}
