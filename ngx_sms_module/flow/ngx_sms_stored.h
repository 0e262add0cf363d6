/*
 * Stored messages that a stage has taken: their rows, the accounts that they
 * belong to, and what plugins are shown of them.
 *
 * A result goes when its callback returns, so everything is copied into the
 * stage's pool; the accounts are held until ngx_sms_stored_release().
 */
#ifndef NGX_SMS_STORED_H
#define NGX_SMS_STORED_H

#include "ngx_sms_profiles.h"
#include "ngx_sms_store_row.h"


typedef ngx_int_t (*ngx_sms_stored_rows_pt)(const ngx_sms_pg_res_t *res,
    ngx_pool_t *pool, ngx_sms_store_row_t **rows, ngx_uint_t *n);

typedef struct {
    ngx_pool_t                   *pool;
    ngx_sms_store_row_t          *rows;
    sms_msg_t                    *msgs;     /* after the load                 */
    ngx_sms_account_t           **accounts; /* of each row; NULL: unknown     */
    ngx_uint_t                    n;
    /* private */
    ngx_uint_t                    next;     /* row whose account is asked for */
    ngx_sms_profile_wait_t        wait;
    void                        (*done)(void *data);
    void                         *data;
} ngx_sms_stored_t;


/* copies the rows of "res"; NGX_ERROR: no memory, or a row is unreadable */
ngx_int_t ngx_sms_stored_read(ngx_sms_stored_t *st, ngx_pool_t *pool,
    const ngx_sms_pg_res_t *res, ngx_sms_stored_rows_pt read);

/* the same of rows that are at hand */
ngx_int_t ngx_sms_stored_copy(ngx_sms_stored_t *st, ngx_pool_t *pool,
    const ngx_sms_store_row_t *rows, ngx_uint_t n);

/*
 * Finds the accounts, mostly in the cache, and fills msgs; then done(), which
 * may run before this returns.  A message whose brand the account may not send
 * for (any more) is shown one with id 0.
 */
void ngx_sms_stored_load(ngx_sms_stored_t *st, void (*done)(void *data),
    void *data);

/* may be called at any time, also when nothing was read */
void ngx_sms_stored_release(ngx_sms_stored_t *st);

#endif /* NGX_SMS_STORED_H */
