/*
 * A byte queue of a stream: bytes are added behind and used up in front.
 *
 * Memory comes from malloc(), since it grows and shrinks; an empty queue above
 * NGX_SMS_STREAM_BUF_KEEP gives it back.  All zeros is an empty queue.
 */
#ifndef NGX_SMS_STREAM_BUF_H
#define NGX_SMS_STREAM_BUF_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_SMS_STREAM_BUF_KEEP  32768


typedef struct {
    u_char    *data;
    size_t     pos;                     /* the first byte in use              */
    size_t     len;                     /* bytes in use                       */
    size_t     cap;
} ngx_sms_stream_buf_t;


/* where the next n bytes may be written; the caller adds to len.  NULL: no
 * memory                                                                     */
u_char *ngx_sms_stream_buf_room(ngx_sms_stream_buf_t *b, size_t n);
/* NGX_OK or NGX_ERROR */
ngx_int_t ngx_sms_stream_buf_add(ngx_sms_stream_buf_t *b, const void *p,
    size_t n);
/* n bytes in front are not needed any more; more than len counts as len */
void ngx_sms_stream_buf_used(ngx_sms_stream_buf_t *b, size_t n);
/* gives memory back if the queue is empty */
void ngx_sms_stream_buf_trim(ngx_sms_stream_buf_t *b);
void ngx_sms_stream_buf_free(ngx_sms_stream_buf_t *b);

#endif /* NGX_SMS_STREAM_BUF_H */
