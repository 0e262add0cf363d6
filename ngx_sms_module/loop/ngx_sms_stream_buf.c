#include "ngx_sms_stream_buf.h"


u_char *
ngx_sms_stream_buf_room(ngx_sms_stream_buf_t *b, size_t n)
{
    u_char  *p;
    size_t   cap;

    if (b->cap - b->pos - b->len >= n) {
        return b->data + b->pos + b->len;
    }

    if (b->pos) {
        ngx_memmove(b->data, b->data + b->pos, b->len);
        b->pos = 0;

        if (b->cap - b->len >= n) {
            return b->data + b->len;
        }
    }

    cap = b->cap ? b->cap : 1024;

    while (cap - b->len < n) {
        cap *= 2;
    }

    p = realloc(b->data, cap);
    if (p == NULL) {
        return NULL;
    }

    b->data = p;
    b->cap = cap;

    return b->data + b->len;
}


ngx_int_t
ngx_sms_stream_buf_add(ngx_sms_stream_buf_t *b, const void *p, size_t n)
{
    u_char  *dst;

    dst = ngx_sms_stream_buf_room(b, n);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst, p, n);
    b->len += n;

    return NGX_OK;
}


void
ngx_sms_stream_buf_used(ngx_sms_stream_buf_t *b, size_t n)
{
    if (n >= b->len) {
        b->pos = 0;
        b->len = 0;
        return;
    }

    b->pos += n;
    b->len -= n;
}


void
ngx_sms_stream_buf_trim(ngx_sms_stream_buf_t *b)
{
    if (b->len == 0 && b->cap > NGX_SMS_STREAM_BUF_KEEP) {
        ngx_sms_stream_buf_free(b);
    }
}


void
ngx_sms_stream_buf_free(ngx_sms_stream_buf_t *b)
{
    free(b->data);
    ngx_memzero(b, sizeof(ngx_sms_stream_buf_t));
}
