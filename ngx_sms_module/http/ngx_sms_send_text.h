/*
 * A text of a request: read, and brought into the one form (NFC) in which it is judged,
 * counted, stored and sent.
 */
#ifndef NGX_SMS_SEND_TEXT_H
#define NGX_SMS_SEND_TEXT_H

#include "sms_json_read.h"
#include "ngx_sms_submission.h"

/* Pushes a body; *index is its number.  What is wrong with the text is a fault of the
 * submission.  NGX_ERROR: no memory. */
ngx_int_t ngx_sms_send_text(ngx_sms_submission_t *sub,
    const sms_json_node_t *text, const char *pointer, ngx_uint_t *index);

#endif /* NGX_SMS_SEND_TEXT_H */
