/*
 * Ids of this worker: UUIDv7, rising, from the kernel's random source.
 */
#ifndef NGX_SMS_IDS_H
#define NGX_SMS_IDS_H

#include <ngx_config.h>
#include <ngx_core.h>


void ngx_sms_ids_init(void);

/* NGX_OK, or NGX_ERROR when the kernel gives no random octets */
ngx_int_t ngx_sms_id_make(u_char id[16]);

/* "n" random octets from the same source, 4096 at most */
ngx_int_t ngx_sms_id_random(u_char *p, size_t n);

#endif /* NGX_SMS_IDS_H */
