/* cflags: -Ingx_sms_module/pg */
/*
 * Any octets as a cell of any type: nothing outside is read, and what an array
 * gives can be written again and is the same.  The first octet chooses the type.
 */
#include "../../ngx_sms_module/pg/ngx_sms_pg_array.c"
#include "../../ngx_sms_module/pg/ngx_sms_pg_cell.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const uint32_t  types[] = {
    NGX_SMS_PG_BOOL, NGX_SMS_PG_BYTEA, NGX_SMS_PG_INT8, NGX_SMS_PG_INT2, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TEXT, NGX_SMS_PG_JSON, NGX_SMS_PG_VARCHAR, NGX_SMS_PG_TIMESTAMPTZ,
    NGX_SMS_PG_UUID, NGX_SMS_PG_JSONB, NGX_SMS_PG_BOOL_ARRAY, NGX_SMS_PG_BYTEA_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_JSON_ARRAY,
    NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_JSONB_ARRAY
};

#define TYPES  (sizeof(types) / sizeof(types[0]))

static volatile uint8_t  sink;


static void *
grow(void *ctx, void *old, size_t used, size_t size)
{
    void  **block = ctx;

    (void) used;
    *block = realloc(old, size);

    return *block;
}


/* 1: written into the array; 0: of a type that has no writer */
static int
copy(ngx_sms_pg_array_t *a, const ngx_sms_pg_cell_t *c)
{
    int             b;
    size_t          len;
    int64_t         v;
    uint8_t         id[16];
    const uint8_t  *p;

    if (c->p == NULL) {
        ngx_sms_pg_array_null(a);

    } else if (ngx_sms_pg_cell_int(c, &v) == 0) {
        if (c->type == NGX_SMS_PG_INT8) {
            ngx_sms_pg_array_int8(a, v);

        } else if (c->type == NGX_SMS_PG_INT4) {
            ngx_sms_pg_array_int4(a, (int32_t) v);

        } else {
            ngx_sms_pg_array_int2(a, (int16_t) v);
        }

    } else if (ngx_sms_pg_cell_bool(c, &b) == 0) {
        ngx_sms_pg_array_bool(a, b);

    } else if (ngx_sms_pg_cell_uuid(c, id) == 0) {
        ngx_sms_pg_array_uuid(a, id);

    } else if (ngx_sms_pg_cell_time(c, &v) == 0) {
        ngx_sms_pg_array_time(a, v);

    } else if (ngx_sms_pg_cell_text(c, &p, &len) == 0) {
        ngx_sms_pg_array_text(a, p ? (const void *) p : "", len);

    } else {
        return 0;
    }

    return 1;
}


static void
array(const ngx_sms_pg_cell_t *c)
{
    int                        rc, whole;
    void                      *block;
    size_t                     len;
    uint32_t                   n;
    const void                *out;
    ngx_sms_pg_cell_t          one;
    ngx_sms_pg_array_t         a;
    ngx_sms_pg_cell_array_t    in;

    if (ngx_sms_pg_cell_array_open(c, &in, &n) != 0) {
        return;
    }

    block = NULL;
    whole = 1;
    ngx_sms_pg_array_init(&a, in.type, n, 0, grow, &block);

    while (whole && (rc = ngx_sms_pg_cell_array_next(&in, &one)) == 0) {
        whole = copy(&a, &one);
    }

    /* the head, whose flags and bounds the writer chooses, is 20 octets */
    if (whole && rc == 1 && n) {
        if (ngx_sms_pg_array_end(&a, &out, &len) != 0 || len != c->len
            || memcmp((const uint8_t *) out + 20, (const uint8_t *) c->p + 20, len - 20) != 0)
        {
            abort();
        }
    }

    free(block);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 b;
    size_t              len;
    int64_t             v;
    uint8_t             id[16], *exact;
    const uint8_t      *p;
    ngx_sms_pg_cell_t   c;

    if (size == 0) {
        return 0;
    }

    /* a block of its own, so that one octet too far is seen */
    exact = malloc(size);
    if (exact == NULL) {
        return 0;
    }
    memcpy(exact, data + 1, size - 1);

    c.type = types[data[0] % TYPES];
    c.p = realloc(exact, size > 1 ? size - 1 : 1);
    c.len = size - 1;

    (void) ngx_sms_pg_cell_bool(&c, &b);
    (void) ngx_sms_pg_cell_int(&c, &v);
    (void) ngx_sms_pg_cell_uuid(&c, id);
    (void) ngx_sms_pg_cell_time(&c, &v);
    if (ngx_sms_pg_cell_text(&c, &p, &len) == 0 && len) {
        sink = (uint8_t) (sink ^ p[0] ^ p[len - 1]);
    }

    array(&c);
    free((void *) (uintptr_t) c.p);

    return 0;
}
