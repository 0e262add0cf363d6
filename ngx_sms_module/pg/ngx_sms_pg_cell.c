#include "ngx_sms_pg_cell.h"

#include <string.h>


static uint64_t
ngx_sms_pg_cell_be(const uint8_t *p, size_t octets)
{
    uint64_t  value = 0;

    while (octets-- != 0) {
        value = value << 8 | *p++;
    }

    return value;
}


int
ngx_sms_pg_cell_bool(const ngx_sms_pg_cell_t *c, int *value)
{
    if (c->type != NGX_SMS_PG_BOOL) {
        return -1;
    }

    if (c->p == NULL) {
        return 1;
    }

    if (c->len != 1 || c->p[0] > 1) {
        return -1;
    }

    *value = c->p[0];

    return 0;
}


int
ngx_sms_pg_cell_int(const ngx_sms_pg_cell_t *c, int64_t *value)
{
    size_t  len;

    switch (c->type) {

    case NGX_SMS_PG_INT2:
        len = 2;
        break;

    case NGX_SMS_PG_INT4:
        len = 4;
        break;

    case NGX_SMS_PG_INT8:
        len = 8;
        break;

    default:
        return -1;
    }

    if (c->p == NULL) {
        return 1;
    }

    if (c->len != len) {
        return -1;
    }

    switch (len) {

    case 2:
        *value = (int16_t) ngx_sms_pg_cell_be(c->p, 2);
        break;

    case 4:
        *value = (int32_t) ngx_sms_pg_cell_be(c->p, 4);
        break;

    default:
        *value = (int64_t) ngx_sms_pg_cell_be(c->p, 8);
    }

    return 0;
}


int
ngx_sms_pg_cell_uuid(const ngx_sms_pg_cell_t *c, uint8_t uuid[16])
{
    if (c->type != NGX_SMS_PG_UUID) {
        return -1;
    }

    if (c->p == NULL) {
        return 1;
    }

    if (c->len != 16) {
        return -1;
    }

    memcpy(uuid, c->p, 16);

    return 0;
}


int
ngx_sms_pg_cell_time(const ngx_sms_pg_cell_t *c, int64_t *epoch_us)
{
    int64_t  v;

    if (c->type != NGX_SMS_PG_TIMESTAMPTZ) {
        return -1;
    }

    if (c->p == NULL) {
        return 1;
    }

    if (c->len != 8) {
        return -1;
    }

    v = (int64_t) ngx_sms_pg_cell_be(c->p, 8);

    if (v != NGX_SMS_PG_TIME_MAX && v != NGX_SMS_PG_TIME_MIN) {

        /* PostgreSQL goes on to the year 294276, int64 since 1970 to 294246 */
        if (v >= NGX_SMS_PG_TIME_MAX - NGX_SMS_PG_EPOCH_US) {
            return -1;
        }

        v += NGX_SMS_PG_EPOCH_US;
    }

    *epoch_us = v;

    return 0;
}


int
ngx_sms_pg_cell_text(const ngx_sms_pg_cell_t *c, const uint8_t **p,
    size_t *len)
{
    size_t  skip = 0;

    switch (c->type) {

    case NGX_SMS_PG_TEXT:
    case NGX_SMS_PG_VARCHAR:
    case NGX_SMS_PG_BYTEA:
    case NGX_SMS_PG_JSON:
        break;

    case NGX_SMS_PG_JSONB:
        skip = 1;
        break;

    default:
        return -1;
    }

    if (c->p == NULL) {
        return 1;
    }

    if (skip && (c->len < 1 || c->p[0] != 1)) {
        return -1;
    }

    *p = c->p + skip;
    *len = c->len - skip;

    return 0;
}


int
ngx_sms_pg_cell_array_open(const ngx_sms_pg_cell_t *c,
    ngx_sms_pg_cell_array_t *a, uint32_t *n)
{
    uint32_t  dims, element, count;

    switch (c->type) {

    case NGX_SMS_PG_BOOL_ARRAY:
        element = NGX_SMS_PG_BOOL;
        break;

    case NGX_SMS_PG_BYTEA_ARRAY:
        element = NGX_SMS_PG_BYTEA;
        break;

    case NGX_SMS_PG_INT2_ARRAY:
        element = NGX_SMS_PG_INT2;
        break;

    case NGX_SMS_PG_INT4_ARRAY:
        element = NGX_SMS_PG_INT4;
        break;

    case NGX_SMS_PG_INT8_ARRAY:
        element = NGX_SMS_PG_INT8;
        break;

    case NGX_SMS_PG_TEXT_ARRAY:
        element = NGX_SMS_PG_TEXT;
        break;

    case NGX_SMS_PG_TIMESTAMPTZ_ARRAY:
        element = NGX_SMS_PG_TIMESTAMPTZ;
        break;

    case NGX_SMS_PG_UUID_ARRAY:
        element = NGX_SMS_PG_UUID;
        break;

    case NGX_SMS_PG_JSON_ARRAY:
        element = NGX_SMS_PG_JSON;
        break;

    case NGX_SMS_PG_JSONB_ARRAY:
        element = NGX_SMS_PG_JSONB;
        break;

    default:
        return -1;
    }

    if (c->p == NULL) {
        return 1;
    }

    if (c->len < 12) {
        return -1;
    }

    dims = (uint32_t) ngx_sms_pg_cell_be(c->p, 4);

    if (dims > 1 || (uint32_t) ngx_sms_pg_cell_be(c->p + 8, 4) != element) {
        return -1;
    }

    count = 0;
    a->p = c->p + 12;
    a->end = c->p + c->len;

    if (dims == 1) {

        if (c->len < 20) {
            return -1;
        }

        count = (uint32_t) ngx_sms_pg_cell_be(c->p + 12, 4);
        a->p = c->p + 20;

        /* each element has at least its length word */
        if (count > (size_t) (a->end - a->p) / 4) {
            return -1;
        }
    }

    a->left = count;
    a->type = element;
    *n = count;

    return 0;
}


int
ngx_sms_pg_cell_array_next(ngx_sms_pg_cell_array_t *a,
    ngx_sms_pg_cell_t *element)
{
    uint32_t  len;

    if (a->left == 0) {
        return a->p == a->end ? 1 : -1;
    }

    if (a->end - a->p < 4) {
        return -1;
    }

    len = (uint32_t) ngx_sms_pg_cell_be(a->p, 4);
    a->p += 4;

    element->type = a->type;

    if (len == UINT32_MAX) {
        element->p = NULL;
        element->len = 0;
        a->left--;
        return 0;
    }

    if (len > (size_t) (a->end - a->p)) {
        a->left = 0;
        return -1;
    }

    element->p = a->p;
    element->len = len;

    a->p += len;
    a->left--;

    return 0;
}
