#include "ngx_sms_intake_keys.h"


static ngx_rbtree_key_t ngx_sms_intake_keys_hash(ngx_sms_submission_t *sub);


static ngx_rbtree_t       ngx_sms_intake_keys;
static ngx_rbtree_node_t  ngx_sms_intake_keys_sentinel;


void
ngx_sms_intake_keys_init(void)
{
    ngx_rbtree_init(&ngx_sms_intake_keys, &ngx_sms_intake_keys_sentinel,
                    ngx_rbtree_insert_value);
}


ngx_uint_t
ngx_sms_intake_keys_pending(ngx_sms_submission_t *sub)
{
    ngx_rbtree_key_t    hash;
    ngx_rbtree_node_t  *node;

    hash = ngx_sms_intake_keys_hash(sub);
    node = ngx_sms_intake_keys.root;

    while (node != &ngx_sms_intake_keys_sentinel && node->key != hash) {
        node = hash < node->key ? node->left : node->right;
    }

    return node != &ngx_sms_intake_keys_sentinel;
}


ngx_uint_t
ngx_sms_intake_keys_take(ngx_sms_submission_t *sub)
{
    if (ngx_sms_intake_keys_pending(sub)) {
        return 0;
    }

    sub->key_node.key = ngx_sms_intake_keys_hash(sub);
    sub->keyed = 1;
    ngx_rbtree_insert(&ngx_sms_intake_keys, &sub->key_node);

    return 1;
}


void
ngx_sms_intake_keys_release(ngx_sms_submission_t *sub)
{
    if (sub->keyed) {
        ngx_rbtree_delete(&ngx_sms_intake_keys, &sub->key_node);
        sub->keyed = 0;
    }
}


/* keys that share it would be told to come again, once in 2^64 times */

static ngx_rbtree_key_t
ngx_sms_intake_keys_hash(ngx_sms_submission_t *sub)
{
    uint64_t  hash;

    ngx_memcpy(&hash, sub->key_hash, sizeof(uint64_t));

    return (ngx_rbtree_key_t) (hash ^ (uint64_t) sub->account->id);
}
