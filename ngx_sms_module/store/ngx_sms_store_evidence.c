#include "ngx_sms_store_evidence.h"


static const uint32_t  ngx_sms_types_evidence_unsigned[] = { NGX_SMS_PG_INT4 };
static const uint32_t  ngx_sms_types_evidence_signed[] = {
    NGX_SMS_PG_JSON, NGX_SMS_PG_TEXT
};


const ngx_sms_pg_stmt_t  ngx_sms_store_evidence_stmts[] = {
    { .name = "evidence_unsigned",
      .sql = "SELECT sms.evidence_unsigned($1)",
      .nparams = 1, .types = ngx_sms_types_evidence_unsigned },

    { .name = "evidence_signed",
      .sql = "SELECT sms.evidence_signed($1, $2)",
      .nparams = 2, .types = ngx_sms_types_evidence_signed }
};


ngx_sms_store_query_t *
ngx_sms_store_evidence_unsigned(int32_t limit, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_evidence_stmts[NGX_SMS_STMT_EVIDENCE_UNSIGNED], 1,
            done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_int4(&q->params[0], limit);
    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.bulk, q,
                                    NGX_SMS_FLOW_DEADLINE)
           == NGX_OK ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_evidence_signed(const char *list, const char *key_id,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_evidence_stmts[NGX_SMS_STMT_EVIDENCE_SIGNED], 1,
            done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_octets(&q->params[0], list, ngx_strlen(list));
    ngx_sms_pg_param_octets(&q->params[1], key_id, ngx_strlen(key_id));
    q->q.background = 1;

    return ngx_sms_store_query_send(ngx_sms_store.bulk, q,
                                    NGX_SMS_FLOW_DEADLINE)
           == NGX_OK ? q : NULL;
}
