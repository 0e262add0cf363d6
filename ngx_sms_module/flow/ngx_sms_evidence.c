#include "ngx_sms_evidence.h"

#include <jansson.h>

#include "sms_hash.h"
#include "ngx_sms_store_evidence.h"


#define NGX_SMS_EVIDENCE_HEADS   100
#define NGX_SMS_EVIDENCE_FORMAT  "ngx_sms evidence 1"
#define NGX_SMS_EVIDENCE_FORM    (JSON_COMPACT|JSON_SORT_KEYS)


static void ngx_sms_evidence_unsigned(void *data, const ngx_sms_pg_res_t *res);
static json_t *ngx_sms_evidence_signatures(const json_t *heads);
static void ngx_sms_evidence_signed(void *data, const ngx_sms_pg_res_t *res);
static json_t *ngx_sms_evidence_base64(const u_char *p, size_t len);


static const ngx_sms_sign_t   *ngx_sms_evidence_key;
static ngx_sms_store_query_t  *ngx_sms_evidence_query;
static ngx_log_t              *ngx_sms_evidence_log;


void
ngx_sms_evidence_init(const ngx_sms_sign_t *key, ngx_log_t *log)
{
    ngx_sms_evidence_key = key;
    ngx_sms_evidence_query = NULL;
    ngx_sms_evidence_log = log;
}


void
ngx_sms_evidence_stop(void)
{
    if (ngx_sms_evidence_query) {
        ngx_sms_store_query_forget(ngx_sms_evidence_query);
        ngx_sms_evidence_query = NULL;
    }
}


void
ngx_sms_evidence_sign(void)
{
    if (ngx_sms_evidence_key && ngx_sms_evidence_query == NULL) {
        ngx_sms_evidence_query = ngx_sms_store_evidence_unsigned(
                                     NGX_SMS_EVIDENCE_HEADS,
                                     ngx_sms_evidence_unsigned, NULL);
    }
}


static void
ngx_sms_evidence_unsigned(void *data, const ngx_sms_pg_res_t *res)
{
    char       *text;
    size_t      n;
    json_t     *heads, *list;
    ngx_str_t   body;

    (void) data;

    ngx_sms_evidence_query = NULL;

    if (res->rc != NGX_SMS_PG_OK
        || ngx_sms_pg_row_text(res, 0, 0, &body) != NGX_OK)
    {
        return;
    }

    heads = json_loadb((const char *) body.data, body.len, 0, NULL);
    n = json_array_size(heads);
    list = n ? ngx_sms_evidence_signatures(heads) : NULL;
    text = list ? json_dumps(list, JSON_COMPACT) : NULL;

    if (text) {
        ngx_sms_evidence_query = ngx_sms_store_evidence_signed(
                                     text, ngx_sms_evidence_key->id,
                                     ngx_sms_evidence_signed, NULL);
        free(text);

    } else if (n) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_evidence_log, 0,
                      "sms evidence: blocks could not be signed: blocks=%uz",
                      n);
    }

    json_decref(list);
    json_decref(heads);
}


/* NULL without memory */

static json_t *
ngx_sms_evidence_signatures(const json_t *heads)
{
    char         hex[2 * NGX_SMS_SIGN_LEN];
    size_t       i;
    json_t      *list, *one, *head, *text;
    u_char       signature[NGX_SMS_SIGN_LEN];

    list = json_array();

    json_array_foreach(heads, i, head) {
        text = json_object_get(head, "head");

        if (json_string_value(text) == NULL
            || ngx_sms_sign(ngx_sms_evidence_key, json_string_value(text),
                            json_string_length(text), signature) != NGX_OK)
        {
            json_decref(list);
            return NULL;
        }

        sms_hash_hex(signature, NGX_SMS_SIGN_LEN, hex);
        one = json_object();
        (void) json_object_set(one, "account", json_object_get(head, "account"));
        (void) json_object_set(one, "block", json_object_get(head, "block"));
        (void) json_object_set_new(one, "signature",
                                   json_stringn(hex, sizeof(hex)));

        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static void
ngx_sms_evidence_signed(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_str_t  n;

    (void) data;

    ngx_sms_evidence_query = NULL;

    if (res->rc == NGX_SMS_PG_OK
        && ngx_sms_pg_row_text(res, 0, 0, &n) == NGX_OK
        && ngx_atoi(n.data, n.len) >= NGX_SMS_EVIDENCE_HEADS)
    {
        ngx_sms_evidence_sign();
    }
}


static json_t *
ngx_sms_evidence_base64(const u_char *p, size_t len)
{
    u_char     text[ngx_base64_encoded_length(NGX_SMS_SIGN_LEN)];
    ngx_str_t  src, dst;

    src.data = (u_char *) p;
    src.len = len;
    dst.data = text;
    ngx_encode_base64(&dst, &src);

    return json_stringn((const char *) dst.data, dst.len);
}


ngx_int_t
ngx_sms_evidence_seal(ngx_pool_t *pool, ngx_str_t *body)
{
    char                  *text;
    json_t                *root;
    u_char                 signature[NGX_SMS_SIGN_LEN];
    ngx_int_t              rc;
    const char            *format;
    const ngx_sms_sign_t  *key;

    key = ngx_sms_evidence_key;
    text = NULL;
    rc = NGX_ERROR;
    root = json_loadb((const char *) body->data, body->len, 0, NULL);
    format = json_string_value(json_object_get(root, "format"));

    if (format == NULL || ngx_strcmp(format, NGX_SMS_EVIDENCE_FORMAT) != 0) {
        rc = NGX_OK;
        goto done;
    }

    if (key == NULL) {
        (void) json_object_set_new(root, "signature", json_null());

    } else {
        (void) json_object_set_new(root, "key_id", json_string(key->id));
        (void) json_object_set_new(root, "public_key",
                                   ngx_sms_evidence_base64(key->public_key,
                                       NGX_SMS_SIGN_PUBLIC_LEN));

        text = json_dumps(root, NGX_SMS_EVIDENCE_FORM);

        if (text == NULL
            || ngx_sms_sign(key, text, ngx_strlen(text), signature) != NGX_OK)
        {
            goto done;
        }

        (void) json_object_set_new(root, "signature",
                                   ngx_sms_evidence_base64(signature,
                                                           NGX_SMS_SIGN_LEN));
        free(text);
    }

    text = json_dumps(root, NGX_SMS_EVIDENCE_FORM);

    if (text) {
        body->len = ngx_strlen(text);
        body->data = ngx_pnalloc(pool, body->len);
    }

    if (text && body->data) {
        ngx_memcpy(body->data, text, body->len);
        rc = NGX_OK;
    }

done:

    free(text);
    json_decref(root);

    return rc;
}
