/*
 * What comes back from operators: receipts and messages from handsets.
 *
 * They are committed first and acknowledged to the operator then: done() tells
 * the adapter which.  Receipts of a link share batches.
 */
#ifndef NGX_SMS_RECEIVE_H
#define NGX_SMS_RECEIVE_H

#include "ngx_sms_link.h"


/* the batcher of a link's receipts; NULL without memory */
ngx_sms_pg_batch_t *ngx_sms_receive_batch(ngx_sms_link_t *link);

/* up-call of the plugin host */
sms_rc_t ngx_sms_receive(ngx_sms_plugin_t *p, const sms_inbound_t *ev,
    uint32_t stride, uint32_t n, ngx_sms_done_pt done, void *data);

#endif /* NGX_SMS_RECEIVE_H */
