#include "ngx_sms_work.h"


typedef struct {
    ngx_queue_t   queue;
    ngx_pool_t   *pool;
} ngx_sms_work_t;


static void ngx_sms_work_gone(void *data);


static ngx_queue_t  ngx_sms_works;


ngx_pool_t *
ngx_sms_work_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t           *pool;
    ngx_pool_cleanup_t   *cln;
    ngx_sms_work_t  *node;

    pool = ngx_create_pool(size, log);
    if (pool == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_sms_work_t));
    if (cln == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    if (ngx_sms_works.next == NULL) {
        ngx_queue_init(&ngx_sms_works);
    }

    node = cln->data;
    node->pool = pool;
    ngx_queue_insert_tail(&ngx_sms_works, &node->queue);
    cln->handler = ngx_sms_work_gone;

    return pool;
}


static void
ngx_sms_work_gone(void *data)
{
    ngx_sms_work_t  *node = data;

    ngx_queue_remove(&node->queue);
}


void
ngx_sms_work_done(void)
{
    ngx_sms_work_t  *node;

    while (ngx_sms_works.next && !ngx_queue_empty(&ngx_sms_works)) {
        node = ngx_queue_data(ngx_queue_head(&ngx_sms_works),
                              ngx_sms_work_t, queue);
        ngx_destroy_pool(node->pool);
    }
}
