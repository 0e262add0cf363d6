#include "ngx_sms_exit.h"

#include <ngx_event.h>


typedef struct {
    ngx_uint_t         order;
    ngx_sms_exit_pt    drain;
    void              *data;
} ngx_sms_exit_entry_t;


static struct {
    ngx_sms_exit_entry_t   entries[NGX_SMS_EXIT_MAX];
    ngx_uint_t             n;
    ngx_connection_t      *watcher;
    ngx_uint_t             begun;
} ngx_sms_exits;


static void ngx_sms_exit_told(ngx_event_t *ev);


ngx_int_t
ngx_sms_exit_init(ngx_cycle_t *cycle)
{
    ngx_connection_t  *c;

    ngx_memzero(&ngx_sms_exits, sizeof(ngx_sms_exits));

    c = ngx_get_connection((ngx_socket_t) 0, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    /* no descriptor: -1 is a free slot for nginx, -2 is neither */
    c->fd = (ngx_socket_t) -2;
    c->idle = 1;
    c->log = cycle->log;
    c->read->log = cycle->log;
    c->write->log = cycle->log;
    c->read->handler = ngx_sms_exit_told;

    ngx_sms_exits.watcher = c;

    return NGX_OK;
}


void
ngx_sms_exit_done(void)
{
    ngx_connection_t  *c;

    c = ngx_sms_exits.watcher;
    ngx_sms_exits.watcher = NULL;

    if (c == NULL) {
        return;
    }

    c->idle = 0;
    c->fd = (ngx_socket_t) -1;

    ngx_free_connection(c);
}


ngx_int_t
ngx_sms_exit_add(ngx_uint_t order, ngx_sms_exit_pt drain, void *data)
{
    ngx_uint_t             i;
    ngx_sms_exit_entry_t  *e;

    if (ngx_sms_exits.begun) {
        drain(data);
        return NGX_OK;
    }

    if (ngx_sms_exits.n == NGX_SMS_EXIT_MAX) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "sms exit: more than %d drain callbacks",
                      NGX_SMS_EXIT_MAX);
        return NGX_ERROR;
    }

    e = ngx_sms_exits.entries;

    for (i = ngx_sms_exits.n; i > 0 && e[i - 1].order > order; i--) {
        e[i] = e[i - 1];
    }

    e[i].order = order;
    e[i].drain = drain;
    e[i].data = data;

    ngx_sms_exits.n++;

    return NGX_OK;
}


ngx_uint_t
ngx_sms_exit_begun(void)
{
    return ngx_sms_exits.begun;
}


static void
ngx_sms_exit_told(ngx_event_t *ev)
{
    ngx_uint_t         i;
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close) {
        return;
    }

    /* given back here, or nginx reports it as an open socket */

    ngx_sms_exit_done();

    ngx_sms_exits.begun = 1;

    for (i = 0; i < ngx_sms_exits.n; i++) {
        ngx_sms_exits.entries[i].drain(ngx_sms_exits.entries[i].data);
    }
}
