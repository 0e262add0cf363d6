#include "ngx_sms_pool.h"


/* a submission with one recipient and the plugins' findings fits */
#define NGX_SMS_POOL_SIZE  4096

#define NGX_SMS_POOL_KEEP  256


static ngx_pool_t  *ngx_sms_pool_kept[NGX_SMS_POOL_KEEP];
static ngx_uint_t   ngx_sms_pool_n;


ngx_pool_t *
ngx_sms_pool_take(ngx_log_t *log)
{
    ngx_pool_t  *pool;

    if (ngx_sms_pool_n == 0) {
        return ngx_create_pool(NGX_SMS_POOL_SIZE, log);
    }

    pool = ngx_sms_pool_kept[--ngx_sms_pool_n];
    pool->log = log;

    return pool;
}


/* what has grown goes back to the system; few ever do */

void
ngx_sms_pool_give(ngx_pool_t *pool)
{
#if !(__SANITIZE_ADDRESS__)     /* it looks for pointers into what is freed */

    if (pool->d.next == NULL && pool->cleanup == NULL
        && ngx_sms_pool_n < NGX_SMS_POOL_KEEP)
    {
        ngx_reset_pool(pool);
        ngx_sms_pool_kept[ngx_sms_pool_n++] = pool;
        return;
    }

#endif

    ngx_destroy_pool(pool);
}


void
ngx_sms_pool_done(void)
{
    while (ngx_sms_pool_n) {
        ngx_destroy_pool(ngx_sms_pool_kept[--ngx_sms_pool_n]);
    }
}
