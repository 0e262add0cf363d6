#include "ngx_sms_store_form.h"


#define NGX_SMS_FORM_DEADLINE  5000


static const uint32_t  ngx_sms_types_form[] = {
    NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT
};

const ngx_sms_pg_stmt_t  ngx_sms_store_form_stmt = {
    .name = "form_page",
    .sql = "SELECT status, page"
           " FROM sms.form_page(clock_timestamp(), $1, $2, $3)",
    .nparams = 3, .types = ngx_sms_types_form
};


ngx_sms_store_query_t *
ngx_sms_store_form(const ngx_str_t *token, const ngx_str_t *ip,
    const ngx_str_t *body, ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(&ngx_sms_store_form_stmt, 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_octets(&q->params[0], token->data, token->len);
    ngx_sms_pg_param_octets(&q->params[1], ip->data, ip->len);
    ngx_sms_pg_param_octets(&q->params[2], body->data, body->len);

    return ngx_sms_store_query_send(ngx_sms_store.read, q,
                                    NGX_SMS_FORM_DEADLINE)
           == NGX_OK ? q : NULL;
}
