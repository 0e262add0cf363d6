#include "ngx_sms_intake_keys.h"


/* a few thousand at the most are on their way */
#define NGX_SMS_INTAKE_KEYS  1024


static ngx_sms_submission_t **ngx_sms_intake_keys_slot(
    ngx_sms_submission_t *sub);


static ngx_sms_submission_t  *ngx_sms_intake_keys[NGX_SMS_INTAKE_KEYS];


void
ngx_sms_intake_keys_init(void)
{
    ngx_memzero(ngx_sms_intake_keys, sizeof(ngx_sms_intake_keys));
}


ngx_uint_t
ngx_sms_intake_keys_pending(ngx_sms_submission_t *sub)
{
    ngx_sms_submission_t  *other;

    for (other = *ngx_sms_intake_keys_slot(sub); other; other = other->key_next)
    {
        if (other->account->id == sub->account->id
            && ngx_memcmp(other->key_hash, sub->key_hash,
                          NGX_SMS_KEY_HASH) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_sms_intake_keys_take(ngx_sms_submission_t *sub)
{
    ngx_sms_submission_t  **slot;

    if (ngx_sms_intake_keys_pending(sub)) {
        return 0;
    }

    slot = ngx_sms_intake_keys_slot(sub);
    sub->key_next = *slot;
    sub->key_link = slot;

    if (sub->key_next) {
        sub->key_next->key_link = &sub->key_next;
    }

    *slot = sub;

    return 1;
}


void
ngx_sms_intake_keys_release(ngx_sms_submission_t *sub)
{
    if (sub->key_link == NULL) {
        return;
    }

    *sub->key_link = sub->key_next;

    if (sub->key_next) {
        sub->key_next->key_link = sub->key_link;
    }

    sub->key_link = NULL;
}


/* a key's hash is spread already, and those of one account are not alike */

static ngx_sms_submission_t **
ngx_sms_intake_keys_slot(ngx_sms_submission_t *sub)
{
    uint32_t  hash;

    ngx_memcpy(&hash, sub->key_hash, sizeof(uint32_t));

    return &ngx_sms_intake_keys[(hash ^ (uint32_t) sub->account->id)
                                % NGX_SMS_INTAKE_KEYS];
}
