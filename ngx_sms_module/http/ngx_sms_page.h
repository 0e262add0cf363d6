/*
 * Pages for machines that look after the server: no key, no problem format.
 */
#ifndef NGX_SMS_PAGE_H
#define NGX_SMS_PAGE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* sends a chain of memory buffers; a content handler returns what this does */
ngx_int_t ngx_sms_page_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_chain_t *first);

#endif /* NGX_SMS_PAGE_H */
