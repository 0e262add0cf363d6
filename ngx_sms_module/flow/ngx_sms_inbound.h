/*
 * Messages from people.
 *
 * Two steps.  What an operator hands over is stored as it came; then, when it is
 * whole, it is joined, decoded and parsed, and one statement (sms.inbound_read)
 * does all that follows from it.  The operator gets its answer after the second,
 * or when that failed after the first: nothing is lost then, because the worker
 * with the lease "inbound" reads a moment later what nobody has read, and what
 * lacks parts that do not come.
 *
 * That worker also measures notices, our own messages about what people wrote.
 */
#ifndef NGX_SMS_INBOUND_H
#define NGX_SMS_INBOUND_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"
#include "ngx_sms_zone.h"


typedef void (*ngx_sms_inbound_pt)(void *data, sms_rc_t rc);


ngx_int_t ngx_sms_inbound_init(ngx_sms_zone_t *zone, ngx_log_t *log);
void ngx_sms_inbound_stop(void);

/* NGX_OK: done() is called once, with SMS_OK when the message is durable.  The
 * event is read before the return. */
ngx_int_t ngx_sms_inbound_put(uint32_t link, const sms_inbound_t *ev,
    ngx_sms_inbound_pt done, void *data);

#endif /* NGX_SMS_INBOUND_H */
