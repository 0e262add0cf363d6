#include "ngx_sms_pg_param.h"


static void
ngx_sms_pg_param_be(ngx_sms_pg_param_t *p, uint64_t value, size_t octets)
{
    p->data = p->scalar;
    p->len = octets;
    p->binary = 1;

    while (octets != 0) {
        p->scalar[--octets] = (u_char) value;
        value >>= 8;
    }
}


void
ngx_sms_pg_param_null(ngx_sms_pg_param_t *p)
{
    p->data = NULL;
    p->len = 0;
    p->binary = 1;
}


void
ngx_sms_pg_param_bool(ngx_sms_pg_param_t *p, ngx_uint_t value)
{
    ngx_sms_pg_param_be(p, value ? 1 : 0, 1);
}


void
ngx_sms_pg_param_int2(ngx_sms_pg_param_t *p, int16_t value)
{
    ngx_sms_pg_param_be(p, (uint16_t) value, 2);
}


void
ngx_sms_pg_param_int4(ngx_sms_pg_param_t *p, int32_t value)
{
    ngx_sms_pg_param_be(p, (uint32_t) value, 4);
}


void
ngx_sms_pg_param_int8(ngx_sms_pg_param_t *p, int64_t value)
{
    ngx_sms_pg_param_be(p, (uint64_t) value, 8);
}


void
ngx_sms_pg_param_uuid(ngx_sms_pg_param_t *p, const u_char uuid[16])
{
    ngx_memcpy(p->scalar, uuid, 16);

    p->data = p->scalar;
    p->len = 16;
    p->binary = 1;
}


void
ngx_sms_pg_param_time(ngx_sms_pg_param_t *p, int64_t epoch_us)
{
    if (epoch_us != NGX_SMS_PG_TIME_MAX && epoch_us != NGX_SMS_PG_TIME_MIN) {

        /* far before PostgreSQL's first year, which it will refuse by name */
        if (epoch_us <= NGX_SMS_PG_TIME_MIN + NGX_SMS_PG_EPOCH_US) {
            epoch_us = NGX_SMS_PG_TIME_MIN + 1;

        } else {
            epoch_us -= NGX_SMS_PG_EPOCH_US;
        }
    }

    ngx_sms_pg_param_be(p, (uint64_t) epoch_us, 8);
}


void
ngx_sms_pg_param_octets(ngx_sms_pg_param_t *p, const void *data, size_t len)
{
    p->data = data;
    p->len = data ? len : 0;
    p->binary = 1;
}


void
ngx_sms_pg_param_text(ngx_sms_pg_param_t *p, const char *data, size_t len)
{
    p->data = data;
    p->len = data ? len : 0;
    p->binary = 0;
}


ngx_int_t
ngx_sms_pg_param_array(ngx_sms_pg_param_t *p, ngx_sms_pg_array_t *a)
{
    p->binary = 1;

    if (ngx_sms_pg_array_end(a, &p->data, &p->len) != 0) {
        ngx_sms_pg_param_null(p);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void *
ngx_sms_pg_param_grow(void *pool, void *old, size_t used, size_t size)
{
    void  *p;

    p = ngx_palloc(pool, size);

    if (p == NULL || old == NULL) {
        return p;
    }

    ngx_memcpy(p, old, used);

    /* large blocks go back at once, small ones stay in the pool */
    (void) ngx_pfree(pool, old);

    return p;
}
