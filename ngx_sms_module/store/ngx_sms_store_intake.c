#include "ngx_sms_store_intake.h"


/* the columns in the order of sms.intake()'s parameters from $3 on */
typedef enum {
    NGX_SMS_COL_ACCT = 0, NGX_SMS_COL_ACCT_SUM, NGX_SMS_COL_ACCT_COUNT,

    NGX_SMS_COL_ID, NGX_SMS_COL_MSG_ACCT, NGX_SMS_COL_SUB, NGX_SMS_COL_ORD,
    NGX_SMS_COL_TO, NGX_SMS_COL_CLASS, NGX_SMS_COL_RTYPE, NGX_SMS_COL_BRAND,
    NGX_SMS_COL_SENDER, NGX_SMS_COL_ENC, NGX_SMS_COL_PARTS, NGX_SMS_COL_PRICE,
    NGX_SMS_COL_EXPIRES, NGX_SMS_COL_DUE, NGX_SMS_COL_LANE, NGX_SMS_COL_POS,
    NGX_SMS_COL_PLACE, NGX_SMS_COL_REF, NGX_SMS_COL_TEST, NGX_SMS_COL_TEXT_ID,
    NGX_SMS_COL_TEXT,

    NGX_SMS_COL_HIGH, NGX_SMS_COL_DOC, NGX_SMS_COL_TEXT_HASH,
    NGX_SMS_COL_CHECKS, NGX_SMS_COL_KEY, NGX_SMS_COL_REQUEST_HASH
} ngx_sms_intake_column_e;


static const uint32_t  ngx_sms_intake_types[NGX_SMS_INTAKE_PARAMS] = {
    NGX_SMS_PG_UUID, NGX_SMS_PG_TIMESTAMPTZ,

    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT4_ARRAY,

    NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_UUID_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_BOOL_ARRAY, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_TEXT_ARRAY,

    NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_BYTEA_ARRAY,
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_BYTEA_ARRAY,

    NGX_SMS_PG_UUID, NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT8
};

/* the element types of the arrays, in the same order */
static const uint32_t  ngx_sms_intake_elements[NGX_SMS_INTAKE_COLUMNS] = {
    NGX_SMS_PG_INT8, NGX_SMS_PG_INT8, NGX_SMS_PG_INT4,

    NGX_SMS_PG_UUID, NGX_SMS_PG_INT8, NGX_SMS_PG_UUID, NGX_SMS_PG_INT4,
    NGX_SMS_PG_INT8, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT8,
    NGX_SMS_PG_TEXT, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2, NGX_SMS_PG_INT8,
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4,
    NGX_SMS_PG_INT4, NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT, NGX_SMS_PG_BOOL, NGX_SMS_PG_UUID,
    NGX_SMS_PG_TEXT,

    NGX_SMS_PG_UUID, NGX_SMS_PG_TEXT, NGX_SMS_PG_BYTEA, NGX_SMS_PG_TEXT,
    NGX_SMS_PG_UUID, NGX_SMS_PG_BYTEA
};


const ngx_sms_pg_stmt_t  ngx_sms_store_intake = {
    .name = "intake",
    .sql = "SELECT account_id, submission_id, outcome, detail"
           " FROM sms.intake($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
           " $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,"
           " $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)",
    .nparams = NGX_SMS_INTAKE_PARAMS,
    .types = ngx_sms_intake_types
};


static void ngx_sms_store_intake_uuid(ngx_sms_pg_array_t *c, const u_char *id);
static void ngx_sms_store_intake_octets(ngx_sms_pg_array_t *c,
    const u_char *p, size_t len);


void
ngx_sms_store_intake_begin(ngx_sms_store_intake_set_t *set, ngx_pool_t *pool,
    ngx_uint_t accounts, ngx_uint_t messages)
{
    size_t      octets;
    ngx_uint_t  i, n;

    for (i = 0; i < NGX_SMS_INTAKE_COLUMNS; i++) {
        n = i < NGX_SMS_COL_ID ? accounts : messages;

        /* what a message to one number has; many numbers share theirs */
        octets = i == NGX_SMS_COL_TEXT || i == NGX_SMS_COL_DOC ? 192
                 : i == NGX_SMS_COL_CHECKS ? 384
                 : i == NGX_SMS_COL_SENDER ? 11
                 : i >= NGX_SMS_COL_HIGH ? 32 : 0;

        ngx_sms_pg_array_init(&set->column[i], ngx_sms_intake_elements[i], n,
                              ngx_min(octets * n, 65536),
                              ngx_sms_pg_param_grow, pool);
    }
}


void
ngx_sms_store_intake_account(ngx_sms_store_intake_set_t *set, int64_t id,
    int64_t sum_micro, int32_t messages)
{
    ngx_sms_pg_array_int8(&set->column[NGX_SMS_COL_ACCT], id);
    ngx_sms_pg_array_int8(&set->column[NGX_SMS_COL_ACCT_SUM], sum_micro);
    ngx_sms_pg_array_int4(&set->column[NGX_SMS_COL_ACCT_COUNT], messages);
}


void
ngx_sms_store_intake_message(ngx_sms_store_intake_set_t *set,
    const ngx_sms_store_message_t *m)
{
    ngx_sms_pg_array_t                *c;
    const ngx_sms_store_submission_t  *s;

    static const ngx_sms_store_submission_t  none;

    c = set->column;
    s = m->first ? m->first : &none;

    ngx_sms_pg_array_uuid(&c[NGX_SMS_COL_ID], m->id);
    ngx_sms_pg_array_int8(&c[NGX_SMS_COL_MSG_ACCT], m->account);
    ngx_sms_pg_array_uuid(&c[NGX_SMS_COL_SUB], m->submission);
    ngx_sms_pg_array_int4(&c[NGX_SMS_COL_ORD], m->ord);
    ngx_sms_pg_array_int8(&c[NGX_SMS_COL_TO], m->to);
    ngx_sms_pg_array_int2(&c[NGX_SMS_COL_CLASS], m->klass);
    ngx_sms_pg_array_int2(&c[NGX_SMS_COL_RTYPE], m->recipient_type);

    if (m->brand) {
        ngx_sms_pg_array_int8(&c[NGX_SMS_COL_BRAND], m->brand);

    } else {
        ngx_sms_pg_array_null(&c[NGX_SMS_COL_BRAND]);
    }

    ngx_sms_pg_array_text(&c[NGX_SMS_COL_SENDER], m->sender.data,
                          m->sender.len);
    ngx_sms_pg_array_int2(&c[NGX_SMS_COL_ENC], m->encoding);
    ngx_sms_pg_array_int2(&c[NGX_SMS_COL_PARTS], m->parts);
    ngx_sms_pg_array_int8(&c[NGX_SMS_COL_PRICE], m->price_micro);
    ngx_sms_pg_array_time(&c[NGX_SMS_COL_EXPIRES], m->expires_us);

    if (m->due_us) {
        ngx_sms_pg_array_time(&c[NGX_SMS_COL_DUE], m->due_us);

    } else {
        ngx_sms_pg_array_null(&c[NGX_SMS_COL_DUE]);
    }

    if (m->lane) {
        ngx_sms_pg_array_int4(&c[NGX_SMS_COL_LANE], m->lane);

    } else {
        ngx_sms_pg_array_null(&c[NGX_SMS_COL_LANE]);
    }

    ngx_sms_pg_array_int4(&c[NGX_SMS_COL_POS], m->pos);
    ngx_sms_pg_array_int4(&c[NGX_SMS_COL_PLACE], m->place);
    ngx_sms_store_intake_octets(&c[NGX_SMS_COL_REF], m->reference.data,
                                m->reference.len);
    ngx_sms_pg_array_bool(&c[NGX_SMS_COL_TEST], m->test ? 1 : 0);
    ngx_sms_store_intake_uuid(&c[NGX_SMS_COL_TEXT_ID], m->text_id);
    ngx_sms_pg_array_text(&c[NGX_SMS_COL_TEXT],
                          m->text_id ? NULL : m->text.data, m->text.len);

    ngx_sms_store_intake_uuid(&c[NGX_SMS_COL_HIGH], s->high);
    ngx_sms_store_intake_octets(&c[NGX_SMS_COL_DOC], s->doc.data, s->doc.len);
    ngx_sms_store_intake_octets(&c[NGX_SMS_COL_TEXT_HASH], s->text_hash, 32);
    ngx_sms_store_intake_octets(&c[NGX_SMS_COL_CHECKS], s->checks.data,
                                s->checks.len);
    ngx_sms_store_intake_uuid(&c[NGX_SMS_COL_KEY], s->key);
    ngx_sms_store_intake_octets(&c[NGX_SMS_COL_REQUEST_HASH],
                                s->key ? s->request_hash : NULL, 32);
}


static void
ngx_sms_store_intake_uuid(ngx_sms_pg_array_t *c, const u_char *id)
{
    if (id) {
        ngx_sms_pg_array_uuid(c, id);

    } else {
        ngx_sms_pg_array_null(c);
    }
}


static void
ngx_sms_store_intake_octets(ngx_sms_pg_array_t *c, const u_char *p, size_t len)
{
    ngx_sms_pg_array_text(c, len ? p : NULL, len);
}


ngx_int_t
ngx_sms_store_intake_end(ngx_sms_store_intake_set_t *set,
    const u_char batch[16], int64_t now_us,
    const ngx_sms_store_intake_claim_t *claim, ngx_sms_pg_param_t *params)
{
    ngx_uint_t           i;
    ngx_sms_pg_param_t  *last;

    /* mostly or for the most part empty; of a large body only the first rows
     * have what begins with HIGH */
    static const ngx_uint_t  sparse[] = {
        NGX_SMS_COL_BRAND, NGX_SMS_COL_DUE, NGX_SMS_COL_REF,
        NGX_SMS_COL_TEXT_ID, NGX_SMS_COL_TEXT, NGX_SMS_COL_HIGH,
        NGX_SMS_COL_DOC, NGX_SMS_COL_TEXT_HASH, NGX_SMS_COL_CHECKS,
        NGX_SMS_COL_KEY, NGX_SMS_COL_REQUEST_HASH
    };

    for (i = 0; i < sizeof(sparse) / sizeof(sparse[0]); i++) {
        ngx_sms_pg_array_trim(&set->column[sparse[i]]);
    }

    ngx_sms_pg_param_uuid(&params[0], batch);
    ngx_sms_pg_param_time(&params[1], now_us);

    for (i = 0; i < NGX_SMS_INTAKE_COLUMNS; i++) {
        if (ngx_sms_pg_param_array(&params[i + 2], &set->column[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* without it they stay NULL */
    if (claim) {
        last = &params[NGX_SMS_INTAKE_COLUMNS + 2];
        ngx_sms_pg_param_uuid(&last[0], claim->id);
        ngx_sms_pg_param_int4(&last[1], (int32_t) claim->link);
        ngx_sms_pg_param_octets(&last[2], claim->lease.data, claim->lease.len);
        ngx_sms_pg_param_int8(&last[3], claim->epoch);
    }

    return NGX_OK;
}


ngx_int_t
ngx_sms_store_intake_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_intake_row_t *row)
{
    int64_t    outcome;
    ngx_int_t  rc;

    rc = ngx_sms_pg_row_uuid(res, i, 1, row->submission);
    row->whole = rc == NGX_DECLINED;

    if (rc == NGX_ERROR
        || ngx_sms_pg_row_int(res, i, 0, &row->account) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 2, &outcome) != NGX_OK)
    {
        return NGX_ERROR;
    }

    row->outcome = (ngx_uint_t) outcome;
    ngx_str_null(&row->detail);

    return ngx_sms_pg_row_text(res, i, 3, &row->detail) == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}
