#include "ngx_sms_curl.h"

#include <ngx_event.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "ngx_sms_curl_request.h"
#include "ngx_sms_resolve.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_CURL_GRACE  500         /* ms that libcurl may be late        */


/* a socket that libcurl wants to be told of */
typedef struct {
    ngx_queue_t         queue;
    ngx_connection_t   *c;
    ino_t               ino;
} ngx_sms_curl_watch_t;

static struct {
    CURLM              *multi;
    ngx_sms_timer_t     timer;
    ngx_queue_t         requests;
    ngx_queue_t         watches;
    ngx_log_t          *log;
    unsigned            closing:1;      /* the worker waits no longer     */
} ngx_sms_curls;


static void ngx_sms_curl_resolved(void *data, sms_rc_t rc,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n);
static sms_rc_t ngx_sms_curl_start(ngx_sms_curl_t *r);
static void ngx_sms_curl_late(void *data);
static int ngx_sms_curl_socket(CURL *easy, curl_socket_t fd, int what,
    void *data, void *socket);
static int ngx_sms_curl_timer(CURLM *multi, long ms, void *data);
static void ngx_sms_curl_tick(void *data);
static void ngx_sms_curl_event(ngx_event_t *ev);
static void ngx_sms_curl_harvest(void);
static void ngx_sms_curl_finish(ngx_sms_curl_t *r, sms_rc_t rc);
static curl_socket_t ngx_sms_curl_open(void *data, curlsocktype purpose,
    struct curl_sockaddr *address);
static ngx_uint_t ngx_sms_curl_watched(int fd);
static ngx_sms_curl_watch_t *ngx_sms_curl_attach(int fd);
static void ngx_sms_curl_detach(ngx_sms_curl_watch_t *w);
static void ngx_sms_curl_leave(ngx_sms_curl_t *r);


ngx_int_t
ngx_sms_curl_init(ngx_cycle_t *cycle)
{
    CURLM  *multi;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NGX_ERROR;
    }

    multi = curl_multi_init();
    if (multi == NULL) {
        curl_global_cleanup();
        return NGX_ERROR;
    }

    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, ngx_sms_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, ngx_sms_curl_timer);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long) NGX_SMS_CURL_HOST_MAX);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 64L);

    ngx_sms_curls.multi = multi;
    ngx_sms_curls.closing = 0;
    ngx_sms_curls.log = cycle->log;
    ngx_queue_init(&ngx_sms_curls.requests);
    ngx_queue_init(&ngx_sms_curls.watches);

    /* the requests' own deadlines keep the worker */
    ngx_sms_timer_housekeeping(&ngx_sms_curls.timer, ngx_sms_curl_tick, NULL,
                               cycle->log);

    return NGX_OK;
}


void
ngx_sms_curl_done(void)
{
    ngx_queue_t     *q;
    ngx_sms_curl_t  *r;

    if (ngx_sms_curls.multi == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_sms_curls.requests)) {
        q = ngx_queue_head(&ngx_sms_curls.requests);
        r = ngx_queue_data(q, ngx_sms_curl_t, queue);
        ngx_sms_curl_abort(r);
    }

    (void) curl_multi_cleanup(ngx_sms_curls.multi);
    ngx_sms_curls.multi = NULL;

    while (!ngx_queue_empty(&ngx_sms_curls.watches)) {
        q = ngx_queue_head(&ngx_sms_curls.watches);
        ngx_sms_curl_detach(ngx_queue_data(q, ngx_sms_curl_watch_t, queue));
    }

    ngx_sms_timer_stop(&ngx_sms_curls.timer);

    curl_global_cleanup();
}


ngx_sms_curl_t *
ngx_sms_curl_request(const sms_http_req_t *req,
    const ngx_sms_curl_guard_t *guard, ngx_sms_curl_pt done, void *data,
    ngx_log_t *log, sms_rc_t *rc)
{
    ngx_sms_curl_t          *r;
    ngx_sms_resolve_addr_t   addr;

    if (ngx_sms_curls.multi == NULL || ngx_sms_curls.closing) {
        *rc = SMS_E_DOWN;
        return NULL;
    }

    r = ngx_sms_curl_request_create(req, guard, log, rc);
    if (r == NULL) {
        return NULL;
    }

    r->done = done;
    r->data = data;

    ngx_sms_timer_deadline(&r->deadline, ngx_sms_curl_late, r, log);

    *rc = ngx_sms_resolve(&r->host, r->port, &addr, &r->lookup,
                          ngx_sms_curl_resolved, r, log);

    if (*rc == SMS_OK) {
        *rc = ngx_sms_curl_request_pin(r, &addr, 1);

        if (*rc == SMS_OK) {
            *rc = ngx_sms_curl_start(r);
        }
    }

    if (*rc != SMS_OK && *rc != SMS_PENDING) {
        ngx_sms_curl_request_destroy(r);
        return NULL;
    }

    ngx_queue_insert_tail(&ngx_sms_curls.requests, &r->queue);
    ngx_sms_timer_start(&r->deadline, r->timeout + NGX_SMS_CURL_GRACE);

    *rc = SMS_OK;

    return r;
}


void
ngx_sms_curl_abort(ngx_sms_curl_t *r)
{
    ngx_sms_curl_leave(r);
    ngx_sms_curl_request_destroy(r);
}


static void
ngx_sms_curl_resolved(void *data, sms_rc_t rc,
    const ngx_sms_resolve_addr_t *addrs, ngx_uint_t n)
{
    ngx_sms_curl_t  *r = data;

    r->lookup = NULL;

    if (rc == SMS_OK) {
        rc = ngx_sms_curl_request_pin(r, addrs, n);
    }

    if (rc == SMS_OK) {
        rc = ngx_sms_curl_start(r);
    }

    if (rc != SMS_OK) {
        ngx_sms_curl_finish(r, rc);
    }
}


static sms_rc_t
ngx_sms_curl_start(ngx_sms_curl_t *r)
{
    curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION, ngx_sms_curl_open);
    curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETDATA, r);

    if (curl_multi_add_handle(ngx_sms_curls.multi, r->easy) != CURLM_OK) {
        return SMS_E_NOMEM;
    }

    r->added = 1;

    return SMS_OK;
}


static void
ngx_sms_curl_late(void *data)
{
    ngx_sms_curl_finish(data, SMS_E_TIMEOUT);
}


/* libcurl: watch this socket for that */
static int
ngx_sms_curl_socket(CURL *easy, curl_socket_t fd, int what, void *data,
    void *socket)
{
    ngx_uint_t             rd, wr;
    ngx_connection_t      *c;
    ngx_sms_curl_watch_t  *w;

    w = socket;

    if (what == CURL_POLL_REMOVE) {
        if (w) {
            (void) curl_multi_assign(ngx_sms_curls.multi, fd, NULL);
            ngx_sms_curl_detach(w);
        }

        return 0;
    }

    if (w == NULL) {
        w = ngx_sms_curl_attach(fd);
        if (w == NULL) {
            return -1;
        }

        if (curl_multi_assign(ngx_sms_curls.multi, fd, w) != CURLM_OK) {
            ngx_sms_curl_detach(w);
            return -1;
        }
    }

    c = w->c;
    rd = (what & CURL_POLL_IN) != 0;
    wr = (what & CURL_POLL_OUT) != 0;

    /* level-triggered: libcurl does not promise to read until EAGAIN */

    if ((rd && !c->read->active
         && ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
        || (!rd && c->read->active
            && ngx_del_event(c->read, NGX_READ_EVENT, 0) != NGX_OK)
        || (wr && !c->write->active
            && ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT)
               != NGX_OK)
        || (!wr && c->write->active
            && ngx_del_event(c->write, NGX_WRITE_EVENT, 0) != NGX_OK))
    {
        return -1;
    }

    return 0;
}


/* libcurl: call me in "ms"; must not be answered from inside */
static int
ngx_sms_curl_timer(CURLM *multi, long ms, void *data)
{
    if (ms < 0) {
        ngx_sms_timer_stop(&ngx_sms_curls.timer);

    } else {
        ngx_sms_timer_start(&ngx_sms_curls.timer, (ngx_msec_t) ms);
    }

    return 0;
}


static void
ngx_sms_curl_tick(void *data)
{
    int  running;

    (void) curl_multi_socket_action(ngx_sms_curls.multi, CURL_SOCKET_TIMEOUT,
                                    0, &running);
    ngx_sms_curl_harvest();
}


static void
ngx_sms_curl_event(ngx_event_t *ev)
{
    int                running;
    ngx_queue_t       *q;
    ngx_connection_t  *c;

    c = ev->data;

    if (c->close) {
        /* worker_shutdown_timeout: nobody may wait any longer, nor begin to */

        ngx_sms_curls.closing = 1;

        while (!ngx_queue_empty(&ngx_sms_curls.requests)) {
            q = ngx_queue_head(&ngx_sms_curls.requests);
            ngx_sms_curl_finish(ngx_queue_data(q, ngx_sms_curl_t, queue),
                                SMS_E_DOWN);
        }

        return;
    }

    (void) curl_multi_socket_action(ngx_sms_curls.multi, c->fd,
                                    ev->write ? CURL_CSELECT_OUT
                                              : CURL_CSELECT_IN,
                                    &running);
    ngx_sms_curl_harvest();
}


static void
ngx_sms_curl_harvest(void)
{
    int              left;
    CURLMsg         *msg;
    sms_rc_t         rc;
    ngx_sms_curl_t  *r;

    /* done() may start, abort and even end everything */

    while (ngx_sms_curls.multi
           && (msg = curl_multi_info_read(ngx_sms_curls.multi, &left)))
    {
        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        r = NULL;
        (void) curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
                                 (char **) &r);

        rc = ngx_sms_curl_request_result(r, msg->data.result);
        ngx_sms_curl_finish(r, rc);
    }
}


static void
ngx_sms_curl_finish(ngx_sms_curl_t *r, sms_rc_t rc)
{
    sms_http_res_t  res;

    ngx_sms_curl_request_answer(r, rc, &res);
    ngx_sms_curl_leave(r);

    r->done(r->data, &res);

    ngx_sms_curl_request_destroy(r);
}


static void
ngx_sms_curl_leave(ngx_sms_curl_t *r)
{
    ngx_queue_remove(&r->queue);
    ngx_sms_timer_stop(&r->deadline);

    if (r->lookup) {
        ngx_sms_resolve_cancel(r->lookup);
        r->lookup = NULL;
    }

    if (r->added) {
        (void) curl_multi_remove_handle(ngx_sms_curls.multi, r->easy);
        r->added = 0;
    }
}


/*
 * libcurl 7.88 to 8.2 closes a socket that never got connected before it says
 * CURL_POLL_REMOVE.  The kernel has forgotten it by then, and the number may be
 * somebody else's: the inode tells.  A new socket of libcurl must not have such a
 * number, or libcurl would believe that it is watched already.
 *
 * Here is also the last word on where a request goes: names are pinned when they
 * are resolved, but all requests to a host share libcurl's list of pinned ones.
 */

static curl_socket_t
ngx_sms_curl_open(void *data, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    int              fd, other;
    ngx_sms_curl_t  *r = data;

    (void) purpose;

    if (r->guard.public_only && !ngx_sms_curl_request_public(&address->addr)) {
        r->denied = 1;
        return CURL_SOCKET_BAD;
    }

    fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);

    while (fd >= 0 && ngx_sms_curl_watched(fd)) {
        other = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
        (void) close(fd);
        fd = other;
    }

    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}


static ngx_uint_t
ngx_sms_curl_watched(int fd)
{
    ngx_queue_t           *q;
    ngx_sms_curl_watch_t  *w;

    for (q = ngx_queue_head(&ngx_sms_curls.watches);
         q != ngx_queue_sentinel(&ngx_sms_curls.watches);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_sms_curl_watch_t, queue);

        if (w->c->fd == fd) {
            return 1;
        }
    }

    return 0;
}


static ngx_sms_curl_watch_t *
ngx_sms_curl_attach(int fd)
{
    struct stat            st;
    ngx_connection_t      *c;
    ngx_sms_curl_watch_t  *w;

    if (fstat(fd, &st) != 0) {
        return NULL;
    }

    w = ngx_alloc(sizeof(ngx_sms_curl_watch_t), ngx_sms_curls.log);
    if (w == NULL) {
        return NULL;
    }

    c = ngx_get_connection(fd, ngx_sms_curls.log);
    if (c == NULL) {
        ngx_free(w);
        return NULL;
    }

    c->log = ngx_sms_curls.log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_sms_curl_event;
    c->write->handler = ngx_sms_curl_event;

    w->c = c;
    w->ino = st.st_ino;
    ngx_queue_insert_tail(&ngx_sms_curls.watches, &w->queue);

    return w;
}


/* gives the slot back; libcurl owns and closes the descriptor */
static void
ngx_sms_curl_detach(ngx_sms_curl_watch_t *w)
{
    struct stat        st;
    ngx_connection_t  *c;

    c = w->c;

    if (fstat(c->fd, &st) != 0 || st.st_ino != w->ino) {
        c->read->active = 0;
        c->write->active = 0;

    } else if (c->read->active || c->write->active) {
        ngx_del_conn(c, 0);
    }

    c->shared = 1;
    ngx_close_connection(c);
    ngx_queue_remove(&w->queue);
    ngx_free(w);
}
