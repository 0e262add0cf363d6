#include "ngx_sms_store_flow.h"


static const uint32_t  ngx_sms_types_claim[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT8, NGX_SMS_PG_INT4,
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_BOOL, NGX_SMS_PG_UUID, NGX_SMS_PG_BOOL
};
static const uint32_t  ngx_sms_types_submitted[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_UUID_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT8_ARRAY
};
static const uint32_t  ngx_sms_types_receipts[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY,
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT8_ARRAY
};
static const uint32_t  ngx_sms_types_inbound[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT, NGX_SMS_PG_BYTEA,
    NGX_SMS_PG_BYTEA, NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT,
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT_ARRAY
};


const ngx_sms_pg_stmt_t  ngx_sms_store_flow_stmts[] = {
    { .name = "claim",
      .sql = "SELECT message_id, account_id, submission_id, \"to\", class,"
             " rtype, brand_id, attempt, sender, body, enc, parts, price,"
             " accepted_at, expires_at, test, doc, drained"
             " FROM sms.claim($1, $2, $3, $4, $5, $6, $7, $8)",
      .nparams = 8, .types = ngx_sms_types_claim },

    { .name = "submitted",
      .sql = "SELECT fresh FROM sms.submitted($1, $2, $3, $4, $5, $6, $7, $8,"
             " $9, $10, $11, $12, $13, $14, $15, $16, $17)",
      .nparams = NGX_SMS_SUBMITTED_PARAMS, .types = ngx_sms_types_submitted },

    { .name = "receipts",
      .sql = "SELECT final, duplicate, intermediate, orphan, settled, late"
             " FROM sms.receipts($1, $2, $3, $4, $5, $6, $7, $8, $9,"
             " $10, $11, $12, $13, $14, $15, $16, $17, $18)",
      .nparams = NGX_SMS_RECEIPTS_PARAMS, .types = ngx_sms_types_receipts },

    { .name = "inbound_put",
      .sql = "SELECT inbound_id FROM sms.inbound_put($1, $2, $3, $4, $5, $6, $7, $8,"
             " $9)",
      .nparams = 9, .types = ngx_sms_types_inbound }
};


/* in the order of the statement */
static const ngx_sms_store_column_t  ngx_sms_store_claim_columns[] = {
    ngx_sms_store_column(id, UUID, 0),
    ngx_sms_store_column(account, INT, 0),
    ngx_sms_store_column(submission, UUID, 0),
    ngx_sms_store_column(to, INT, 0),
    ngx_sms_store_column(klass, INT, 0),
    ngx_sms_store_column(recipient_type, INT, 0),
    ngx_sms_store_column(brand, INT, 1),
    ngx_sms_store_column(attempt, INT, 0),
    ngx_sms_store_column(sender, TEXT, 0),
    ngx_sms_store_column(text, TEXT, 1),
    ngx_sms_store_column(encoding, INT, 0),
    ngx_sms_store_column(parts, INT, 0),
    ngx_sms_store_column(price_micro, INT, 0),
    ngx_sms_store_column(accepted_us, TIME, 0),
    ngx_sms_store_column(expires_us, TIME, 0),
    ngx_sms_store_column(test, BOOL, 0),
    ngx_sms_store_column(doc, TEXT, 1)
};


static ngx_sms_store_query_t *ngx_sms_store_flow_send(
    ngx_sms_store_query_t *q, ngx_int_t failed);
static ngx_int_t ngx_sms_store_flow_text(ngx_pool_t *pool, const ngx_str_t *s,
    ngx_str_t *text);
static void ngx_sms_store_receipt_part(ngx_sms_pg_array_t a[7],
    const ngx_sms_store_part_t *part);


static ngx_sms_store_query_t *
ngx_sms_store_flow_send(ngx_sms_store_query_t *q, ngx_int_t failed)
{
    if (failed) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.flow, q,
                                    NGX_SMS_FLOW_DEADLINE)
           == NGX_OK ? q : NULL;
}


/*
 * Ids and addresses of operators are octets, and a column of text takes UTF-8
 * only: one odd octet would have the database refuse the whole row for ever.
 * What is not printable ASCII is written as \xHH, the same way each time.
 */

static ngx_int_t
ngx_sms_store_flow_text(ngx_pool_t *pool, const ngx_str_t *s, ngx_str_t *text)
{
    u_char  *p;
    size_t   i, odd;

    static u_char  hex[] = "0123456789abcdef";

    odd = 0;

    for (i = 0; i < s->len; i++) {
        odd += s->data[i] < 0x20 || s->data[i] > 0x7e;
    }

    *text = *s;

    if (odd == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, s->len + odd * 3);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (i = 0; i < s->len; i++) {

        if (s->data[i] >= 0x20 && s->data[i] <= 0x7e) {
            *p++ = s->data[i];
            continue;
        }

        *p++ = '\\';
        *p++ = 'x';
        *p++ = hex[s->data[i] >> 4];
        *p++ = hex[s->data[i] & 0xf];
    }

    text->len = (size_t) (p - text->data);

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_claim(uint32_t link, const ngx_str_t *lease, int64_t epoch,
    int32_t max_parts, ngx_uint_t idle, const u_char id[16], ngx_uint_t otp,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_flow_stmts[NGX_SMS_STMT_CLAIM], 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int4(&q->params[0], (int32_t) link);
    ngx_sms_pg_param_octets(&q->params[1], lease->data, lease->len);
    ngx_sms_pg_param_int8(&q->params[2], epoch);
    ngx_sms_pg_param_int4(&q->params[3], max_parts);
    ngx_sms_pg_param_time(&q->params[4], now_us);
    ngx_sms_pg_param_bool(&q->params[5], idle);
    ngx_sms_pg_param_uuid(&q->params[6], id);
    ngx_sms_pg_param_bool(&q->params[7], otp);

    return ngx_sms_store_query_send(otp ? ngx_sms_store.write
                                        : ngx_sms_store.flow,
                                    q, NGX_SMS_FLOW_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_uint_t
ngx_sms_store_claim_empty(const ngx_sms_pg_res_t *res)
{
    return ngx_sms_pg_row_null(res, 0, 0);
}


ngx_uint_t
ngx_sms_store_claim_drained(const ngx_sms_pg_res_t *res)
{
    ngx_uint_t  drained;

    return ngx_sms_pg_row_bool(res, 0, sizeof(ngx_sms_store_claim_columns)
                                       / sizeof(ngx_sms_store_claim_columns[0]),
                               &drained)
           == NGX_OK && drained;
}


ngx_int_t
ngx_sms_store_claim_rows(const ngx_sms_pg_res_t *res, ngx_pool_t *pool,
    ngx_sms_store_row_t **rows, ngx_uint_t *n)
{
    uint32_t                 count;
    ngx_sms_store_row_t     *list;
    ngx_sms_pg_cell_array_t  ids;

    if (ngx_sms_pg_row_array(res, 0, 0, &ids, &count) != NGX_OK) {
        return NGX_ERROR;
    }

    list = ngx_pcalloc(pool, count * sizeof(ngx_sms_store_row_t));

    if (list == NULL
        || ngx_sms_store_row_columns(res, 0, ngx_sms_store_claim_columns,
               sizeof(ngx_sms_store_claim_columns)
               / sizeof(ngx_sms_store_claim_columns[0]), list, count)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    *rows = list;
    *n = count;

    return NGX_OK;
}


ngx_int_t
ngx_sms_store_submitted(const ngx_sms_store_submit_t *list, ngx_uint_t n,
    u_char (*claims)[16], ngx_uint_t nclaims, uint32_t link, int64_t now_us,
    ngx_pool_t *pool, ngx_sms_pg_param_t *params)
{
    ngx_str_t           id;
    ngx_uint_t          i;
    ngx_sms_pg_array_t  claim, a[NGX_SMS_SUBMITTED_PARAMS - 3];

    static const uint32_t  types[] = {
        NGX_SMS_PG_INT8, NGX_SMS_PG_UUID, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2,
        NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT4,
        NGX_SMS_PG_TEXT, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4,
        NGX_SMS_PG_INT8, NGX_SMS_PG_INT2, NGX_SMS_PG_INT8
    };

    for (i = 0; i < NGX_SMS_SUBMITTED_PARAMS - 3; i++) {
        ngx_sms_pg_array_init(&a[i], types[i], n, 0, ngx_sms_pg_param_grow,
                              pool);
    }

    ngx_sms_pg_array_init(&claim, NGX_SMS_PG_UUID, nclaims, 0,
                          ngx_sms_pg_param_grow, pool);

    for (i = 0; i < nclaims; i++) {
        ngx_sms_pg_array_uuid(&claim, claims[i]);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_int8(&a[0], list[i].account);
        ngx_sms_pg_array_uuid(&a[1], list[i].id);
        ngx_sms_pg_array_int2(&a[2], list[i].attempt);
        ngx_sms_pg_array_int2(&a[3], list[i].part);
        ngx_sms_pg_array_int2(&a[4], list[i].total);
        ngx_sms_pg_array_int2(&a[5], list[i].outcome);
        ngx_sms_pg_array_int2(&a[6], list[i].reason);
        ngx_sms_pg_array_int4(&a[7], list[i].code);

        if (ngx_sms_store_flow_text(pool, &list[i].operator_id, &id)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_sms_pg_array_text(&a[8], id.len ? id.data : NULL, id.len);

        if (list[i].next_us) {
            ngx_sms_pg_array_time(&a[9], list[i].next_us);
        } else {
            ngx_sms_pg_array_null(&a[9]);
        }

        if (list[i].next_lane) {
            ngx_sms_pg_array_int4(&a[10], list[i].next_lane);
        } else {
            ngx_sms_pg_array_null(&a[10]);
        }

        ngx_sms_pg_array_int8(&a[11], list[i].to);
        ngx_sms_pg_array_int2(&a[12], list[i].klass);
        ngx_sms_pg_array_int8(&a[13], list[i].price_micro);
    }

    ngx_sms_pg_param_int4(&params[0], (int32_t) link);
    ngx_sms_pg_param_time(&params[1], now_us);

    if (ngx_sms_pg_param_array(&params[2], &claim) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_SMS_SUBMITTED_PARAMS - 3; i++) {
        if (ngx_sms_pg_param_array(&params[i + 3], &a[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_sms_store_submitted_new(const ngx_sms_pg_res_t *res)
{
    ngx_uint_t  fresh;

    return ngx_sms_pg_row_bool(res, 0, 0, &fresh) == NGX_OK && fresh;
}


ngx_int_t
ngx_sms_store_receipts(const ngx_sms_store_receipt_t *list, ngx_uint_t n,
    uint32_t link, int64_t now_us, ngx_pool_t *pool,
    ngx_sms_pg_param_t *params)
{
    ngx_str_t           id, sender, reading;
    ngx_uint_t          i, k, open;
    ngx_sms_pg_array_t  a[NGX_SMS_RECEIPTS_PARAMS - 2];

    static const uint32_t  types[] = {
        NGX_SMS_PG_TEXT, NGX_SMS_PG_INT8, NGX_SMS_PG_INT2, NGX_SMS_PG_INT4,
        NGX_SMS_PG_INT2, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT,
        NGX_SMS_PG_INT2, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT8, NGX_SMS_PG_UUID,
        NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2,
        NGX_SMS_PG_INT8
    };

    for (i = 0; i < NGX_SMS_RECEIPTS_PARAMS - 2; i++) {
        ngx_sms_pg_array_init(&a[i], types[i], i == 8 ? n * SMS_READINGS : n, 0,
                              ngx_sms_pg_param_grow, pool);
    }

    for (i = 0; i < n; i++) {
        if (ngx_sms_store_flow_text(pool, &list[i].operator_id, &id) != NGX_OK
            || ngx_sms_store_flow_text(pool, &list[i].sender, &sender)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_sms_pg_array_text(&a[0], id.data, id.len);
        ngx_sms_pg_array_int8(&a[1], list[i].to);
        ngx_sms_pg_array_int2(&a[2], list[i].state);
        ngx_sms_pg_array_int4(&a[3], list[i].code);
        ngx_sms_pg_array_int2(&a[4], list[i].reason);
        ngx_sms_pg_array_time(&a[5], list[i].at_us ? list[i].at_us : now_us);
        ngx_sms_pg_array_text(&a[6], sender.len ? sender.data : NULL,
                              sender.len);

        open = 0;

        for (k = 0; k < SMS_READINGS; k++) {
            if (ngx_sms_store_flow_text(pool, &list[i].readings[k], &reading)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            ngx_sms_pg_array_text(&a[8], reading.len ? reading.data : NULL,
                                  reading.len);
            open |= reading.len;
        }

        if (open) {
            ngx_sms_pg_array_int2(&a[7], list[i].reading);

        } else {
            ngx_sms_pg_array_null(&a[7]);
        }

        ngx_sms_store_receipt_part(&a[9], list[i].part);
    }

    ngx_sms_pg_param_int4(&params[0], (int32_t) link);
    ngx_sms_pg_param_time(&params[1], now_us);

    for (i = 0; i < NGX_SMS_RECEIPTS_PARAMS - 2; i++) {
        if (ngx_sms_pg_param_array(&params[i + 2], &a[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_sms_store_receipt_part(ngx_sms_pg_array_t a[7],
    const ngx_sms_store_part_t *part)
{
    ngx_uint_t  i;

    if (part == NULL) {
        for (i = 0; i < 7; i++) {
            ngx_sms_pg_array_null(&a[i]);
        }

        return;
    }

    ngx_sms_pg_array_int8(&a[0], part->account);
    ngx_sms_pg_array_uuid(&a[1], part->id);
    ngx_sms_pg_array_int2(&a[2], part->attempt);
    ngx_sms_pg_array_int2(&a[3], part->part);
    ngx_sms_pg_array_int2(&a[4], part->total);
    ngx_sms_pg_array_int2(&a[5], part->klass);
    ngx_sms_pg_array_int8(&a[6], part->price_micro);
}


ngx_sms_store_query_t *
ngx_sms_store_inbound(uint32_t link, const ngx_sms_store_inbound_t *in,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_str_t               from, to, octets, value;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      attrs;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_flow_stmts[NGX_SMS_STMT_INBOUND], 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    if (ngx_sms_store_flow_text(q->pool, &in->from, &from) != NGX_OK
        || ngx_sms_store_flow_text(q->pool, &in->to, &to) != NGX_OK)
    {
        return ngx_sms_store_flow_send(q, 1);
    }

    ngx_sms_pg_param_int4(&q->params[0], (int32_t) link);
    ngx_sms_pg_param_octets(&q->params[1], from.data, from.len);
    ngx_sms_pg_param_octets(&q->params[2], to.data, to.len);
    ngx_sms_pg_param_octets(&q->params[3], in->octets.data, in->octets.len);
    ngx_sms_pg_param_octets(&q->params[4], in->udh.len ? in->udh.data : NULL,
                            in->udh.len);
    ngx_sms_pg_param_int4(&q->params[5], in->data_coding);
    ngx_sms_pg_param_octets(&q->params[6], in->text.data, in->text.len);
    ngx_sms_pg_param_time(&q->params[7], in->at_us);

    if (in->nattrs) {
        ngx_sms_store_array(q, &attrs, NGX_SMS_PG_TEXT, 2 * in->nattrs);

        for (i = 0; i < in->nattrs; i++) {
            octets.data = (u_char *) in->attrs[i].value.ptr;
            octets.len = in->attrs[i].value.len;

            if (ngx_sms_store_flow_text(q->pool, &octets, &value) != NGX_OK) {
                return ngx_sms_store_flow_send(q, 1);
            }

            ngx_sms_pg_array_text(&attrs, in->attrs[i].name.ptr,
                                  in->attrs[i].name.len);
            ngx_sms_pg_array_text(&attrs, value.data, value.len);
        }

        if (ngx_sms_pg_param_array(&q->params[8], &attrs) != NGX_OK) {
            return ngx_sms_store_flow_send(q, 1);
        }
    }

    return ngx_sms_store_flow_send(q, 0);
}
