#include "ngx_sms_post.h"

#include <ngx_event.h>

#include <pthread.h>
#include <sys/eventfd.h>


typedef struct ngx_sms_post_item_s  ngx_sms_post_item_t;

struct ngx_sms_post_item_s {
    ngx_sms_post_pt        handler;
    void                  *data;
    ngx_sms_post_item_t   *next;
};


static struct {
    pthread_mutex_t        mutex;
    ngx_sms_post_item_t   *first;
    ngx_sms_post_item_t  **last;
    ngx_uint_t             n;
    int                    fd;
    ngx_connection_t      *c;
} ngx_sms_posts = { PTHREAD_MUTEX_INITIALIZER, NULL, NULL, 0, -1, NULL };


static void ngx_sms_post_read(ngx_event_t *ev);
static ngx_sms_post_item_t *ngx_sms_post_take(void);


ngx_int_t
ngx_sms_post_init(ngx_cycle_t *cycle)
{
    int                fd;
    ngx_connection_t  *c;

    fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    if (fd == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "sms post: eventfd() failed");
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, cycle->log);
    if (c == NULL) {
        (void) close(fd);
        return NGX_ERROR;
    }

    c->log = cycle->log;
    c->read->log = cycle->log;
    c->write->log = cycle->log;
    c->read->handler = ngx_sms_post_read;

    /* level-triggered: the counter is read once an event, whatever happens */
    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        ngx_close_connection(c);
        return NGX_ERROR;
    }

    (void) pthread_mutex_lock(&ngx_sms_posts.mutex);

    ngx_sms_posts.first = NULL;
    ngx_sms_posts.last = &ngx_sms_posts.first;
    ngx_sms_posts.n = 0;
    ngx_sms_posts.fd = fd;
    ngx_sms_posts.c = c;

    (void) pthread_mutex_unlock(&ngx_sms_posts.mutex);

    return NGX_OK;
}


void
ngx_sms_post_done(void)
{
    ngx_connection_t     *c;
    ngx_sms_post_item_t  *item, *next;

    item = ngx_sms_post_take();

    (void) pthread_mutex_lock(&ngx_sms_posts.mutex);

    c = ngx_sms_posts.c;
    ngx_sms_posts.c = NULL;
    ngx_sms_posts.fd = -1;

    (void) pthread_mutex_unlock(&ngx_sms_posts.mutex);

    for ( /* void */ ; item; item = next) {
        next = item->next;
        free(item);
    }

    if (c) {
        ngx_close_connection(c);
    }
}


ngx_int_t
ngx_sms_post(ngx_sms_post_pt handler, void *data)
{
    ssize_t               n;
    uint64_t              one;
    ngx_int_t             rc;
    ngx_sms_post_item_t  *item;

    /* malloc(): nginx's pools and log are not for other threads */

    item = malloc(sizeof(ngx_sms_post_item_t));
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->handler = handler;
    item->data = data;
    item->next = NULL;

    rc = NGX_OK;

    (void) pthread_mutex_lock(&ngx_sms_posts.mutex);

    if (ngx_sms_posts.fd == -1) {
        rc = NGX_ERROR;

    } else if (ngx_sms_posts.n >= NGX_SMS_POST_MAX) {
        rc = NGX_BUSY;

    } else {
        *ngx_sms_posts.last = item;
        ngx_sms_posts.last = &item->next;

        if (ngx_sms_posts.n++ == 0) {
            one = 1;

            /* under the mutex, or the descriptor might be another's by now;
               it cannot block and, below 2^64 - 1, cannot fail */
            do {
                n = write(ngx_sms_posts.fd, &one, sizeof(one));
            } while (n == -1 && errno == EINTR);
        }
    }

    (void) pthread_mutex_unlock(&ngx_sms_posts.mutex);

    if (rc != NGX_OK) {
        free(item);
    }

    return rc;
}


static void
ngx_sms_post_read(ngx_event_t *ev)
{
    ssize_t               n;
    uint64_t              count;
    ngx_connection_t     *c;
    ngx_sms_post_item_t  *item, *next;

    c = ev->data;

    /* worker_shutdown_timeout marks every connection; this one stays until
       exit_process, since other threads know nothing of it */
    c->close = 0;

    do {
        n = read(c->fd, &count, sizeof(count));
    } while (n == -1 && ngx_errno == NGX_EINTR);

    /* what handlers post meanwhile waits for the next turn */

    for (item = ngx_sms_post_take(); item; item = next) {
        next = item->next;
        item->handler(item->data);
        free(item);
    }
}


static ngx_sms_post_item_t *
ngx_sms_post_take(void)
{
    ngx_sms_post_item_t  *item;

    (void) pthread_mutex_lock(&ngx_sms_posts.mutex);

    item = ngx_sms_posts.first;
    ngx_sms_posts.first = NULL;
    ngx_sms_posts.last = &ngx_sms_posts.first;
    ngx_sms_posts.n = 0;

    (void) pthread_mutex_unlock(&ngx_sms_posts.mutex);

    return item;
}
