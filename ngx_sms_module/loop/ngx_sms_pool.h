/*
 * Pools that live for a moment: of a submission, of a plugin call.
 *
 * nginx's pools are aligned allocations, the dearest that malloc() has, and one
 * request takes four of them.  So a worker keeps those that were given back and
 * hands out the last one again, which is in the processor's cache.
 */
#ifndef NGX_SMS_POOL_H
#define NGX_SMS_POOL_H

#include <ngx_config.h>
#include <ngx_core.h>


/* NULL when there is no memory */
ngx_pool_t *ngx_sms_pool_take(ngx_log_t *log);

/* instead of ngx_destroy_pool() */
void ngx_sms_pool_give(ngx_pool_t *pool);

/* those that are kept go, too; the worker ends */
void ngx_sms_pool_done(void);

#endif /* NGX_SMS_POOL_H */
