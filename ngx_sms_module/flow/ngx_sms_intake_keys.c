#include "ngx_sms_intake_keys.h"


static ngx_int_t ngx_sms_intake_keys_name(ngx_sms_submission_t *sub,
    ngx_str_t *name);


static ngx_rbtree_t       ngx_sms_intake_keys;
static ngx_rbtree_node_t  ngx_sms_intake_keys_sentinel;


void
ngx_sms_intake_keys_init(void)
{
    ngx_rbtree_init(&ngx_sms_intake_keys, &ngx_sms_intake_keys_sentinel,
                    ngx_str_rbtree_insert_value);
}


ngx_int_t
ngx_sms_intake_keys_pending(ngx_sms_submission_t *sub)
{
    ngx_str_t  name;

    if (ngx_sms_intake_keys_name(sub, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_str_rbtree_lookup(&ngx_sms_intake_keys, &name,
                                 ngx_crc32_short(name.data, name.len))
           ? NGX_DONE : NGX_OK;
}


ngx_int_t
ngx_sms_intake_keys_take(ngx_sms_submission_t *sub)
{
    uint32_t   hash;
    ngx_str_t  name;

    if (ngx_sms_intake_keys_name(sub, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    hash = ngx_crc32_short(name.data, name.len);

    if (ngx_str_rbtree_lookup(&ngx_sms_intake_keys, &name, hash)) {
        return NGX_DONE;
    }

    sub->key_node.str = name;
    sub->key_node.node.key = hash;
    sub->keyed = 1;
    ngx_rbtree_insert(&ngx_sms_intake_keys, &sub->key_node.node);

    return NGX_OK;
}


void
ngx_sms_intake_keys_release(ngx_sms_submission_t *sub)
{
    if (sub->keyed) {
        ngx_rbtree_delete(&ngx_sms_intake_keys, &sub->key_node.node);
        sub->keyed = 0;
    }
}


static ngx_int_t
ngx_sms_intake_keys_name(ngx_sms_submission_t *sub, ngx_str_t *name)
{
    name->len = sizeof(int64_t) + NGX_SMS_KEY_HASH;
    name->data = ngx_pnalloc(sub->pool, name->len);

    if (name->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(name->data, &sub->account->id, sizeof(int64_t));
    ngx_memcpy(name->data + sizeof(int64_t), sub->key_hash, NGX_SMS_KEY_HASH);

    return NGX_OK;
}
