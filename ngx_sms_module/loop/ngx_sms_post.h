/*
 * Work handed to the event loop from other threads.
 *
 * It has an eventfd of its own: nginx's ngx_notify() keeps one handler pointer
 * that the thread pool also uses, so a second user would lose wake-ups.
 *
 * Handlers run on the loop in the order in which they were posted.  What is
 * still queued when the worker leaves is not run; ngx_sms_post_done() frees it.
 */
#ifndef NGX_SMS_POST_H
#define NGX_SMS_POST_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_SMS_POST_MAX  65536


typedef void (*ngx_sms_post_pt)(void *data);


/* once per worker, from init_process; NGX_OK or NGX_ERROR */
ngx_int_t ngx_sms_post_init(ngx_cycle_t *cycle);
/* from exit_process */
void ngx_sms_post_done(void);

/* ANY THREAD.  NGX_OK; NGX_BUSY: NGX_SMS_POST_MAX are waiting;
 * NGX_ERROR: no memory, or the worker has no loop (any more)                 */
ngx_int_t ngx_sms_post(ngx_sms_post_pt handler, void *data);

#endif /* NGX_SMS_POST_H */
