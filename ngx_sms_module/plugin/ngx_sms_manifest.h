/*
 * Reads a plugin's manifest from its file, and judges whether this host can
 * load it.  Runs in the master: the file is read, never mapped or executed.
 */
#ifndef NGX_SMS_MANIFEST_H
#define NGX_SMS_MANIFEST_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"


#define NGX_SMS_MANIFEST_FILE_MAX  (64 * 1024 * 1024)


/* "path" is NUL-terminated.  NGX_OK, or NGX_ERROR with the reason in
 * buf[0..cap), NUL-terminated: "no such file", "not an ELF file" ...         */
ngx_int_t ngx_sms_manifest_load(const char *path, sms_manifest_t *m,
    u_char *buf, size_t cap, ngx_log_t *log);

/* Major equal; while major is 0 the minor too, from 1.0 on it may be older
 * than the host's (D10).  Kind must be among the manifest's.                 */
ngx_int_t ngx_sms_manifest_check(const sms_manifest_t *m, sms_kind_t kind,
    u_char *buf, size_t cap);

#endif /* NGX_SMS_MANIFEST_H */
