#include <string.h>

#include "smpp_pdu.h"
#include "smpp_status.h"


typedef enum { SMPP_STRING, SMPP_OCTET, SMPP_MESSAGE } smpp_field_kind_t;

typedef struct {
    smpp_field_kind_t  kind;
    size_t             offset;          /* in the shape's struct               */
    size_t             max;             /* of a string, with its NUL           */
} smpp_field_t;

typedef struct {
    const smpp_field_t  *fields;
    size_t               n;
} smpp_layout_t;

/* The tables below are written once for each shape, so the macros name the
 * struct through a typedef that changes with it.                             */
#define SMPP_LAYOUT_S(name, max)  { SMPP_STRING, offsetof(SMPP_T, name), max },
#define SMPP_LAYOUT_O(name)       { SMPP_OCTET, offsetof(SMPP_T, name), 0 },
#define SMPP_LAYOUT_M(name)       { SMPP_MESSAGE, offsetof(SMPP_T, name), 0 },
#define SMPP_LAYOUT(shape)                                                    \
    SMPP_FIELDS_##shape(SMPP_LAYOUT_S, SMPP_LAYOUT_O, SMPP_LAYOUT_M)

#define SMPP_T  smpp_BIND_t
static const smpp_field_t  smpp_bind[] = { SMPP_LAYOUT(BIND) };
#undef SMPP_T
#define SMPP_T  smpp_BIND_RESP_t
static const smpp_field_t  smpp_bind_resp[] = { SMPP_LAYOUT(BIND_RESP) };
#undef SMPP_T
#define SMPP_T  smpp_OUTBIND_t
static const smpp_field_t  smpp_outbind[] = { SMPP_LAYOUT(OUTBIND) };
#undef SMPP_T
#define SMPP_T  smpp_SM_t
static const smpp_field_t  smpp_sm[] = { SMPP_LAYOUT(SM) };
#undef SMPP_T
#define SMPP_T  smpp_SM_RESP_t
static const smpp_field_t  smpp_sm_resp[] = { SMPP_LAYOUT(SM_RESP) };
#undef SMPP_T
#define SMPP_T  smpp_DATA_SM_t
static const smpp_field_t  smpp_data_sm[] = { SMPP_LAYOUT(DATA_SM) };
#undef SMPP_T
#define SMPP_T  smpp_ALERT_t
static const smpp_field_t  smpp_alert[] = { SMPP_LAYOUT(ALERT) };
#undef SMPP_T

#define SMPP_T  smpp_QUERY_t
static const smpp_field_t  smpp_query[] = { SMPP_LAYOUT(QUERY) };
#undef SMPP_T
#define SMPP_T  smpp_QUERY_RESP_t
static const smpp_field_t  smpp_query_resp[] = { SMPP_LAYOUT(QUERY_RESP) };
#undef SMPP_T
#define SMPP_T  smpp_CANCEL_t
static const smpp_field_t  smpp_cancel[] = { SMPP_LAYOUT(CANCEL) };
#undef SMPP_T

#define SMPP_TABLE(a)  { a, sizeof(a) / sizeof(a[0]) }

static const smpp_layout_t  smpp_layouts[] = {
    [SMPP_SHAPE_EMPTY]     = { NULL, 0 },
    [SMPP_SHAPE_BIND]      = SMPP_TABLE(smpp_bind),
    [SMPP_SHAPE_BIND_RESP] = SMPP_TABLE(smpp_bind_resp),
    [SMPP_SHAPE_OUTBIND]   = SMPP_TABLE(smpp_outbind),
    [SMPP_SHAPE_SM]        = SMPP_TABLE(smpp_sm),
    [SMPP_SHAPE_SM_RESP]   = SMPP_TABLE(smpp_sm_resp),
    [SMPP_SHAPE_DATA_SM]   = SMPP_TABLE(smpp_data_sm),
    [SMPP_SHAPE_ALERT]     = SMPP_TABLE(smpp_alert),
    [SMPP_SHAPE_QUERY]     = SMPP_TABLE(smpp_query),
    [SMPP_SHAPE_QUERY_RESP] = SMPP_TABLE(smpp_query_resp),
    [SMPP_SHAPE_CANCEL]    = SMPP_TABLE(smpp_cancel)
};


static uint32_t
smpp_pdu_get32(const char *p)
{
    const uint8_t *u;

    u = (const uint8_t *) p;

    return (uint32_t) u[0] << 24 | (uint32_t) u[1] << 16
           | (uint32_t) u[2] << 8 | u[3];
}


static void
smpp_pdu_put32(char *p, uint32_t n)
{
    p[0] = (char) (n >> 24);
    p[1] = (char) (n >> 16);
    p[2] = (char) (n >> 8);
    p[3] = (char) n;
}


static smpp_shape_t
smpp_pdu_shape(uint32_t command)
{
#define SMPP_CASE(name, id, shape)                                            \
    case id:                                                                  \
        return SMPP_SHAPE_##shape;

    switch (command) {

    SMPP_PDUS(SMPP_CASE)

    default:
        return SMPP_SHAPE_UNKNOWN;
    }

#undef SMPP_CASE
}


const char *
smpp_pdu_name(uint32_t command)
{
#define SMPP_CASE(name, id, shape)                                            \
    case id:                                                                  \
        return #name;

    switch (command) {

    SMPP_PDUS(SMPP_CASE)

    default:
        return "unknown";
    }

#undef SMPP_CASE
}


int32_t
smpp_pdu_length(const char *p, size_t n)
{
    uint32_t  len;

    if (n < 4) {
        return 0;
    }

    len = smpp_pdu_get32(p);

    if (len < SMPP_HEADER_LEN || len > SMPP_PDU_MAX) {
        return -1;
    }

    return (int32_t) len;
}


static uint32_t
smpp_pdu_decode_field(const smpp_field_t *f, char *body, sms_str_t *rest)
{
    size_t       len;
    sms_str_t   *s;
    const char  *end;

    if (rest->len == 0) {
        return ESME_RINVCMDLEN;
    }

    switch (f->kind) {

    case SMPP_OCTET:
        *(uint8_t *) (body + f->offset) = (uint8_t) rest->ptr[0];
        rest->ptr++;
        rest->len--;
        return ESME_ROK;

    case SMPP_STRING:
        end = memchr(rest->ptr, 0, rest->len);

        if (end == NULL) {
            return ESME_RINVCMDLEN;
        }

        len = (size_t) (end - rest->ptr);
        s = (sms_str_t *) (void *) (body + f->offset);
        s->ptr = rest->ptr;
        s->len = len;
        rest->ptr += len + 1;
        rest->len -= len + 1;
        return ESME_ROK;

    case SMPP_MESSAGE:
        len = (uint8_t) rest->ptr[0];

        if (rest->len - 1 < len) {
            return ESME_RINVMSGLEN;
        }

        s = (sms_str_t *) (void *) (body + f->offset);
        s->ptr = rest->ptr + 1;
        s->len = len;
        rest->ptr += len + 1;
        rest->len -= len + 1;
        return ESME_ROK;
    }

    return ESME_RSYSERR;
}


uint32_t
smpp_pdu_decode(smpp_pdu_t *pdu, const char *p, size_t n)
{
    int                   more;
    size_t                i;
    uint16_t              tag;
    uint32_t              status;
    sms_str_t             rest, value;
    const smpp_layout_t  *layout;

    memset(pdu, 0, sizeof(smpp_pdu_t));
    pdu->shape = SMPP_SHAPE_UNKNOWN;

    if (n < SMPP_HEADER_LEN || smpp_pdu_get32(p) != n) {
        return ESME_RINVCMDLEN;
    }

    pdu->command = smpp_pdu_get32(p + 4);
    pdu->status = smpp_pdu_get32(p + 8);
    pdu->sequence = smpp_pdu_get32(p + 12);
    pdu->shape = smpp_pdu_shape(pdu->command);

    if (pdu->shape == SMPP_SHAPE_UNKNOWN) {
        return ESME_RINVCMDID;
    }

    rest.ptr = p + SMPP_HEADER_LEN;
    rest.len = n - SMPP_HEADER_LEN;

    if (rest.len == 0 && (pdu->command & SMPP_ANSWER)) {
        return ESME_ROK;
    }

    layout = &smpp_layouts[pdu->shape];

    for (i = 0; i < layout->n; i++) {
        status = smpp_pdu_decode_field(&layout->fields[i], (char *) &pdu->u,
                                       &rest);
        if (status != ESME_ROK) {
            return status;
        }
    }

    pdu->tlvs = rest;

    while ((more = smpp_tlv_next(&rest, &tag, &value)) == 1) {
        /* only the framing is judged here */
    }

    if (more < 0) {
        pdu->tlvs.len = 0;
        return ESME_RINVOPTPARSTREAM;
    }

    return ESME_ROK;
}


static int
smpp_pdu_encode_field(const smpp_field_t *f, const char *body, char *p,
    size_t cap, size_t *len)
{
    const sms_str_t  *s;

    if (f->kind == SMPP_OCTET) {
        if (*len == cap) {
            return 0;
        }

        p[(*len)++] = body[f->offset];
        return 1;
    }

    s = (const sms_str_t *) (const void *) (body + f->offset);

    if (s->len >= cap || cap - s->len - 1 < *len) {
        return 0;
    }

    if (f->kind == SMPP_STRING) {
        if (s->len >= f->max
            || (s->len && memchr(s->ptr, 0, s->len) != NULL))
        {
            return 0;
        }

    } else {
        /* 255 cannot be told from "reserved" (5.2.21) */
        if (s->len > 254) {
            return 0;
        }

        p[(*len)++] = (char) s->len;
    }

    if (s->len) {
        memcpy(p + *len, s->ptr, s->len);
        *len += s->len;
    }

    if (f->kind == SMPP_STRING) {
        p[(*len)++] = 0;
    }

    return 1;
}


size_t
smpp_pdu_encode(const smpp_pdu_t *pdu, char *p, size_t cap)
{
    size_t                i, len;
    smpp_shape_t          shape;
    const smpp_layout_t  *layout;

    shape = smpp_pdu_shape(pdu->command);

    if (shape == SMPP_SHAPE_UNKNOWN || cap < SMPP_HEADER_LEN) {
        return 0;
    }

    len = SMPP_HEADER_LEN;
    layout = &smpp_layouts[shape];

    for (i = 0; i < layout->n; i++) {
        if (!smpp_pdu_encode_field(&layout->fields[i], (const char *) &pdu->u,
                                   p, cap, &len))
        {
            return 0;
        }
    }

    if (pdu->tlvs.len) {
        if (cap - len < pdu->tlvs.len) {
            return 0;
        }

        memcpy(p + len, pdu->tlvs.ptr, pdu->tlvs.len);
        len += pdu->tlvs.len;
    }

    if (len > SMPP_PDU_MAX) {
        return 0;
    }

    smpp_pdu_put32(p, (uint32_t) len);
    smpp_pdu_put32(p + 4, pdu->command);
    smpp_pdu_put32(p + 8, pdu->status);
    smpp_pdu_put32(p + 12, pdu->sequence);

    return len;
}


int
smpp_tlv_next(sms_str_t *rest, uint16_t *tag, sms_str_t *value)
{
    size_t          len;
    const uint8_t  *p;

    if (rest->len == 0) {
        return 0;
    }

    if (rest->len < 4) {
        return -1;
    }

    p = (const uint8_t *) rest->ptr;
    len = (size_t) p[2] << 8 | p[3];

    if (rest->len - 4 < len) {
        return -1;
    }

    *tag = (uint16_t) (p[0] << 8 | p[1]);
    value->ptr = rest->ptr + 4;
    value->len = len;
    rest->ptr += len + 4;
    rest->len -= len + 4;

    return 1;
}


int
smpp_tlv_find(sms_str_t tlvs, uint16_t tag, sms_str_t *value)
{
    uint16_t  found;

    while (smpp_tlv_next(&tlvs, &found, value) == 1) {
        if (found == tag) {
            return 1;
        }
    }

    value->ptr = NULL;
    value->len = 0;

    return 0;
}


int
smpp_tlv_put(char *buf, size_t cap, size_t *len, uint16_t tag,
    sms_str_t value)
{
    if (value.len > UINT16_MAX || cap < *len || cap - *len < value.len + 4) {
        return 0;
    }

    buf[(*len)++] = (char) (tag >> 8);
    buf[(*len)++] = (char) tag;
    buf[(*len)++] = (char) (value.len >> 8);
    buf[(*len)++] = (char) value.len;

    if (value.len) {
        memcpy(buf + *len, value.ptr, value.len);
        *len += value.len;
    }

    return 1;
}
