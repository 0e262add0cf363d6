#include "ngx_sms_page.h"


ngx_int_t
ngx_sms_page_send(ngx_http_request_t *r, ngx_uint_t status, const char *type,
    ngx_chain_t *first)
{
    off_t         len;
    ngx_int_t     rc;
    ngx_chain_t  *cl, *last;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    len = 0;
    last = NULL;

    for (cl = first; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
        last = cl;
    }

    if (last == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last->buf->last_buf = r == r->main;
    last->buf->last_in_chain = 1;

    r->headers_out.status = status;
    r->headers_out.content_length_n = len;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, first);
}
