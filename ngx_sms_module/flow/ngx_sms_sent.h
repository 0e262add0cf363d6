/*
 * ngx_sms_sent.h - the parts that this worker has sent last, by what the operator
 * called them, so that the database need not look for those whose receipt comes
 * soon.
 *
 * A memory of what is stored: a part is put here once its row of sms.submit is
 * committed.  What is not found, or was forgotten for newer ones, is looked up.
 */
#ifndef NGX_SMS_SENT_H
#define NGX_SMS_SENT_H

#include "ngx_sms_store_flow.h"


typedef struct ngx_sms_sent_s  ngx_sms_sent_t;


/* NULL without memory; 4 MiB, as they are used */
ngx_sms_sent_t *ngx_sms_sent_create(ngx_log_t *log);
void ngx_sms_sent_destroy(ngx_sms_sent_t *sent);

/* "r" is copied; it was sent at "at_us" and has an operator's id */
void ngx_sms_sent_put(ngx_sms_sent_t *sent, const ngx_sms_store_submit_t *r,
    int64_t at_us);

/*
 * The one part with this id, to this number; it stays until the next put.  NULL:
 * not known, or the operator gave the id to several.
 */
const ngx_sms_store_part_t *ngx_sms_sent_find(const ngx_sms_sent_t *sent,
    const ngx_str_t *operator_id, int64_t to);

#endif /* NGX_SMS_SENT_H */
