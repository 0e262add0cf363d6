#include "ngx_sms_profiles.h"

#include "sms_hash.h"
#include "ngx_sms_store_account.h"


typedef struct {
    ngx_str_node_t           node;          /* must be first                  */
    ngx_queue_t              used;          /* most lately used first         */
    ngx_queue_t              waits;         /* ngx_sms_profile_wait_t         */
    ngx_sms_store_query_t   *query;
    ngx_sms_account_t       *account;       /* held; NULL: there is none      */
    ngx_sms_key_t           *key;
    ngx_msec_t               good_until;
    unsigned                 by_key:1;
    unsigned                 filled:1;
    unsigned                 stale:1;       /* changed while it was asked for */
    u_char                   name[24];      /* key id, or "#" and account     */
} ngx_sms_profile_entry_t;


static ngx_int_t ngx_sms_profile_find(u_char *name, size_t len,
    ngx_uint_t by_key, int64_t account, ngx_sms_profile_wait_t *wait);
static ngx_sms_profile_entry_t *ngx_sms_profile_entry(u_char *name,
    size_t len, uint32_t hash, ngx_uint_t by_key);
static void ngx_sms_profile_evict(void);
static void ngx_sms_profile_answer(void *data, const ngx_sms_pg_res_t *res);
static ngx_int_t ngx_sms_profile_fill(ngx_sms_profile_entry_t *e,
    const ngx_sms_pg_res_t *res);
static void ngx_sms_profile_clear(ngx_sms_profile_entry_t *e);


static ngx_rbtree_t        ngx_sms_profiles_tree;
static ngx_rbtree_node_t   ngx_sms_profiles_sentinel;
static ngx_queue_t         ngx_sms_profiles_used;
static ngx_uint_t          ngx_sms_profiles_n;


void
ngx_sms_profiles_init(void)
{
    ngx_rbtree_init(&ngx_sms_profiles_tree, &ngx_sms_profiles_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&ngx_sms_profiles_used);
    ngx_sms_profiles_n = 0;
}


void
ngx_sms_profiles_done(void)
{
    ngx_queue_t              *q;
    ngx_sms_profile_entry_t  *e;

    while (!ngx_queue_empty(&ngx_sms_profiles_used)) {

        q = ngx_queue_head(&ngx_sms_profiles_used);
        e = ngx_queue_data(q, ngx_sms_profile_entry_t, used);

        if (e->query) {
            ngx_sms_store_query_forget(e->query);
        }

        ngx_queue_remove(q);
        ngx_rbtree_delete(&ngx_sms_profiles_tree, &e->node.node);
        ngx_sms_profile_clear(e);
        ngx_free(e);
    }

    ngx_sms_profiles_n = 0;
}


ngx_int_t
ngx_sms_profile_by_key(const ngx_str_t *key, ngx_sms_profile_wait_t *wait)
{
    return ngx_sms_profile_find(key->data, key->len, 1, 0, wait);
}


ngx_int_t
ngx_sms_profile_by_account(int64_t account, ngx_sms_profile_wait_t *wait)
{
    u_char  name[24];

    /* "#" is no character of a key id */
    return ngx_sms_profile_find(name,
                                (size_t) (ngx_sprintf(name, "#%L", account)
                                          - name),
                                0, account, wait);
}


static ngx_int_t
ngx_sms_profile_find(u_char *name, size_t len, ngx_uint_t by_key,
    int64_t account, ngx_sms_profile_wait_t *wait)
{
    uint32_t                  hash;
    ngx_str_t                 key;
    ngx_sms_profile_entry_t  *e;

    wait->account = NULL;
    wait->key = NULL;
    wait->waiting = 0;

    key.data = name;
    key.len = len;
    hash = ngx_crc32_short(name, len);

    e = (ngx_sms_profile_entry_t *)
            ngx_str_rbtree_lookup(&ngx_sms_profiles_tree, &key, hash);

    if (e == NULL) {
        e = ngx_sms_profile_entry(name, len, hash, by_key);
        if (e == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_queue_remove(&e->used);
    ngx_queue_insert_head(&ngx_sms_profiles_used, &e->used);

    if (e->filled && (ngx_msec_int_t) (e->good_until - ngx_current_msec) > 0) {

        if (e->account == NULL) {
            return NGX_DECLINED;
        }

        ngx_sms_account_hold(e->account);
        wait->account = e->account;
        wait->key = e->key;

        return NGX_OK;
    }

    if (e->query == NULL) {

        key.data = e->name;
        e->query = by_key
                   ? ngx_sms_store_profile(&key, ngx_sms_profile_answer, e)
                   : ngx_sms_store_account(account, ngx_sms_profile_answer, e);

        if (e->query == NULL) {
            return NGX_ERROR;
        }

        e->stale = 0;
    }

    ngx_queue_insert_tail(&e->waits, &wait->queue);
    wait->waiting = 1;

    return NGX_AGAIN;
}


static ngx_sms_profile_entry_t *
ngx_sms_profile_entry(u_char *name, size_t len, uint32_t hash,
    ngx_uint_t by_key)
{
    ngx_sms_profile_entry_t  *e;

    if (len > sizeof(e->name)) {
        return NULL;
    }

    if (ngx_sms_profiles_n >= NGX_SMS_PROFILES_MAX) {
        ngx_sms_profile_evict();
    }

    e = ngx_calloc(sizeof(ngx_sms_profile_entry_t), ngx_cycle->log);
    if (e == NULL) {
        return NULL;
    }

    ngx_memcpy(e->name, name, len);
    e->node.str.data = e->name;
    e->node.str.len = len;
    e->node.node.key = hash;
    e->by_key = by_key ? 1 : 0;
    ngx_queue_init(&e->waits);
    ngx_rbtree_insert(&ngx_sms_profiles_tree, &e->node.node);
    ngx_queue_insert_head(&ngx_sms_profiles_used, &e->used);
    ngx_sms_profiles_n++;

    return e;
}


/* the least lately used that nobody waits for; guesses of keys end here */

static void
ngx_sms_profile_evict(void)
{
    ngx_queue_t              *q;
    ngx_sms_profile_entry_t  *e;

    for (q = ngx_queue_last(&ngx_sms_profiles_used);
         q != ngx_queue_sentinel(&ngx_sms_profiles_used);
         q = ngx_queue_prev(q))
    {
        e = ngx_queue_data(q, ngx_sms_profile_entry_t, used);

        if (e->query) {
            continue;
        }

        ngx_queue_remove(q);
        ngx_rbtree_delete(&ngx_sms_profiles_tree, &e->node.node);
        ngx_sms_profile_clear(e);
        ngx_free(e);
        ngx_sms_profiles_n--;

        return;
    }
}


static void
ngx_sms_profile_answer(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_profile_entry_t  *e = data;

    ngx_int_t                rc;
    ngx_queue_t              waits, *q;
    ngx_sms_key_t           *key;
    ngx_sms_account_t       *account;
    ngx_sms_profile_wait_t  *wait;

    e->query = NULL;

    rc = res->rc == NGX_SMS_PG_OK ? ngx_sms_profile_fill(e, res) : NGX_ERROR;

    ngx_queue_init(&waits);

    if (!ngx_queue_empty(&e->waits)) {
        ngx_queue_add(&waits, &e->waits);
        ngx_queue_init(&e->waits);
    }

    /* a callback may evict the entry: it is not touched below */
    account = rc == NGX_OK ? e->account : NULL;
    key = e->key;

    if (account) {
        ngx_sms_account_hold(account);
    }

    while (!ngx_queue_empty(&waits)) {

        q = ngx_queue_head(&waits);
        ngx_queue_remove(q);
        wait = ngx_queue_data(q, ngx_sms_profile_wait_t, queue);
        wait->waiting = 0;

        if (account) {
            ngx_sms_account_hold(account);
            wait->account = account;
            wait->key = key;
        }

        wait->done(wait, rc);
    }

    if (account) {
        ngx_sms_account_release(account);
    }
}


static ngx_int_t
ngx_sms_profile_fill(ngx_sms_profile_entry_t *e, const ngx_sms_pg_res_t *res)
{
    u_char       hash[32];
    ngx_str_t    first, json;
    const char  *why;

    ngx_sms_profile_clear(e);
    e->filled = 1;
    e->good_until = ngx_current_msec + NGX_SMS_PROFILE_NONE_TTL;

    if (res->nrows == 0) {
        return NGX_DECLINED;
    }

    why = "unreadable row";

    if (ngx_sms_pg_row_text(res, 0, 0, &first) != NGX_OK
        || ngx_sms_pg_row_text(res, 0, 1, &json) != NGX_OK)
    {
        goto failed;
    }

    if (e->by_key) {

        if (first.len != 64
            || sms_hash_unhex((const char *) first.data, 64, hash) != 0)
        {
            goto failed;
        }

        e->key = ngx_sms_account_key_read((const char *) json.data, json.len, hash,
                                  ngx_cycle->log, &why);
        e->account = e->key ? e->key->account : NULL;

    } else {
        e->account = ngx_sms_account_read((const char *) json.data, json.len,
                                          ngx_cycle->log, &why);
    }

    if (e->account == NULL) {
        goto failed;
    }

    /* changed while we asked: good for those who wait, not for others */
    e->good_until = ngx_current_msec + (e->stale ? 0 : NGX_SMS_PROFILE_TTL);

    return NGX_OK;

failed:

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "sms profile: cannot be read: %s", why);
    e->filled = 0;

    return NGX_ERROR;
}


static void
ngx_sms_profile_clear(ngx_sms_profile_entry_t *e)
{
    if (e->account) {
        ngx_sms_account_release(e->account);
    }

    e->account = NULL;
    e->key = NULL;
    e->filled = 0;
}


void
ngx_sms_profile_forget(ngx_sms_profile_wait_t *wait)
{
    if (wait->waiting) {
        ngx_queue_remove(&wait->queue);
        wait->waiting = 0;
    }
}


void
ngx_sms_profiles_drop(int64_t account)
{
    ngx_queue_t              *q;
    ngx_sms_profile_entry_t  *e;

    for (q = ngx_queue_head(&ngx_sms_profiles_used);
         q != ngx_queue_sentinel(&ngx_sms_profiles_used);
         q = ngx_queue_next(q))
    {
        e = ngx_queue_data(q, ngx_sms_profile_entry_t, used);

        if (account == 0 || e->account == NULL || e->account->id == account) {
            e->good_until = ngx_current_msec;
            e->stale = 1;
        }
    }
}
