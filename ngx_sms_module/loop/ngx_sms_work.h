/*
 * ngx_sms_work.h - pools of work that is under way: a claim, a receipt, a query.
 *
 * Such a pool ends with its work, by ngx_destroy_pool() as any other.  What is
 * under way when the worker leaves has nobody left to end it; ngx_sms_work_done()
 * does, after everything that could still touch one has stopped.
 */
#ifndef NGX_SMS_WORK_H
#define NGX_SMS_WORK_H

#include <ngx_config.h>
#include <ngx_core.h>

/* NULL without memory */
ngx_pool_t *ngx_sms_work_pool(size_t size, ngx_log_t *log);
void ngx_sms_work_done(void);

#endif /* NGX_SMS_WORK_H */
