#include "ngx_sms_store_account.h"

#include "sms_word.h"


static const uint32_t  ngx_sms_types_profile[] = { NGX_SMS_PG_TEXT };
static const uint32_t  ngx_sms_types_profiles[] = { NGX_SMS_PG_INT8_ARRAY };
static const uint32_t  ngx_sms_types_stored[] = {
    NGX_SMS_PG_INT8, NGX_SMS_PG_UUID, NGX_SMS_PG_BYTEA
};
static const uint32_t  ngx_sms_types_preview[] = {
    NGX_SMS_PG_INT8, NGX_SMS_PG_INT8, NGX_SMS_PG_INT8, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_INT2_ARRAY
};
static const uint32_t  ngx_sms_types_api_call[] = {
    NGX_SMS_PG_INT8, NGX_SMS_PG_INT8, NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT,
    NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT
};


const ngx_sms_pg_stmt_t  ngx_sms_store_account_stmts[] = {
    { .name = "profile",
      .sql = "SELECT encode(secret_hash, 'hex'), profile"
             " FROM sms.profile($1)",
      .nparams = 1, .types = ngx_sms_types_profile },

    { .name = "profiles",
      .sql = "SELECT account_id, profile FROM sms.profiles($1)",
      .nparams = 1, .types = ngx_sms_types_profiles },

    { .name = "submission_rows",
      .sql = "SELECT submission_id, sub_rejected, message_id, \"to\", enc,"
             " parts, price, ref, ord FROM sms.submission_rows($1, $2, $3)",
      .nparams = 3, .types = ngx_sms_types_stored },

    { .name = "preview",
      .sql = "SELECT number, recipient_type, blacklisted,"
             " blacklisted_commercial, opted_out, consent_state,"
             " consent_as_of FROM sms.preview($1, $2, $3, $4, $5)",
      .nparams = 5, .types = ngx_sms_types_preview },

    { .name = "api_call",
      .sql = "SELECT status, body"
             " FROM api.call($1, $2, $3, $4, $5, $6, $7)",
      .nparams = 7, .types = ngx_sms_types_api_call }
};


ngx_sms_store_query_t *
ngx_sms_store_profile(const ngx_str_t *key, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_account_stmts[NGX_SMS_STMT_PROFILE], 1, done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_octets(&q->params[0], key->data, key->len);

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_READ_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_account(int64_t account, ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_pg_array_t      ids;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_account_stmts[NGX_SMS_STMT_PROFILES], 1, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_store_array(q, &ids, NGX_SMS_PG_INT8, 1);
    ngx_sms_pg_array_int8(&ids, account);

    if (ngx_sms_pg_param_array(&q->params[0], &ids) != NGX_OK) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_READ_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_stored(int64_t account, const u_char key[16],
    const u_char request_hash[32], ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_account_stmts[NGX_SMS_STMT_SUBMISSION_ROWS], 0,
            done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int8(&q->params[0], account);
    ngx_sms_pg_param_uuid(&q->params[1], key);
    ngx_sms_pg_param_octets(&q->params[2], request_hash, 32);

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_READ_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_int_t
ngx_sms_store_stored_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_stored_row_t *row)
{
    ngx_str_null(&row->checks);
    ngx_str_null(&row->reference);

    if (ngx_sms_pg_row_uuid(res, i, 0, row->submission) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 1, &row->checks) == NGX_ERROR
        || ngx_sms_pg_row_uuid(res, i, 2, row->id) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 3, &row->to) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 4, &row->encoding) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 5, &row->parts) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 6, &row->price_micro) != NGX_OK
        || ngx_sms_pg_row_text(res, i, 7, &row->reference) == NGX_ERROR
        || ngx_sms_pg_row_int(res, i, 8, &row->ord) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_preview(int64_t account, int64_t owner, int64_t brand,
    const int64_t *numbers, const int16_t *types, ngx_uint_t n,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_uint_t              i;
    ngx_sms_pg_array_t      to, rtype;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_account_stmts[NGX_SMS_STMT_PREVIEW], 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_store_array(q, &to, NGX_SMS_PG_INT8, n);
    ngx_sms_store_array(q, &rtype, NGX_SMS_PG_INT2, n);

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_int8(&to, numbers[i]);
        ngx_sms_pg_array_int2(&rtype, types[i]);
    }

    ngx_sms_pg_param_int8(&q->params[0], account);
    ngx_sms_pg_param_int8(&q->params[1], owner);
    ngx_sms_pg_param_int8(&q->params[2], brand);

    if (ngx_sms_pg_param_array(&q->params[3], &to) != NGX_OK
        || ngx_sms_pg_param_array(&q->params[4], &rtype) != NGX_OK)
    {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_READ_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_int_t
ngx_sms_store_preview_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_preview_row_t *row)
{
    ngx_memzero(row, sizeof(ngx_sms_store_preview_row_t));

    if (ngx_sms_pg_row_int(res, i, 0, &row->number) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 1, &row->recipient_type) != NGX_OK
        || ngx_sms_pg_row_bool(res, i, 2, &row->blacklisted) != NGX_OK
        || ngx_sms_pg_row_bool(res, i, 3, &row->blacklisted_commercial)
           != NGX_OK
        || ngx_sms_pg_row_bool(res, i, 4, &row->opted_out) != NGX_OK
        || ngx_sms_pg_row_int(res, i, 5, &row->consent) == NGX_ERROR
        || ngx_sms_pg_row_time(res, i, 6, &row->consent_as_of_us)
           == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_sms_store_query_t *
ngx_sms_store_api_call(int64_t account, int64_t key_no, ngx_uint_t scopes,
    const ngx_str_t *method, const ngx_str_t *path, const ngx_str_t *query,
    const ngx_str_t *body, ngx_sms_pg_done_pt done, void *data)
{
    ngx_uint_t              bulk;
    const sms_word_t       *word;
    ngx_sms_pg_array_t      names;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_account_stmts[NGX_SMS_STMT_API_CALL], 1, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int8(&q->params[0], account);
    ngx_sms_pg_param_int8(&q->params[1], key_no);

    ngx_sms_store_array(q, &names, NGX_SMS_PG_TEXT, 4);

    for (word = sms_word_scope; word->name; word++) {
        if (scopes & (ngx_uint_t) word->value) {
            ngx_sms_pg_array_text(&names, word->name, ngx_strlen(word->name));
        }
    }

    if (ngx_sms_pg_param_array(&q->params[2], &names) != NGX_OK) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    ngx_sms_pg_param_octets(&q->params[3], method->data, method->len);
    ngx_sms_pg_param_octets(&q->params[4], path->data, path->len);
    ngx_sms_pg_param_octets(&q->params[5], query->len ? query->data : NULL,
                            query->len);
    ngx_sms_pg_param_octets(&q->params[6], body->len ? body->data : NULL,
                            body->len);

    bulk = body->len > NGX_SMS_API_BULK;

    return ngx_sms_store_query_send(bulk ? ngx_sms_store.bulk
                                         : ngx_sms_store.read, q,
                                    bulk ? NGX_SMS_API_BULK_DEADLINE
                                         : NGX_SMS_READ_DEADLINE)
           == NGX_OK ? q : NULL;
}
