#include "ngx_sms_manifest.h"

#include "ngx_sms_plugin.h"
#include "sms_elf_manifest.h"


static ngx_int_t ngx_sms_manifest_say(u_char *buf, size_t cap,
    const char *fmt, ...);


ngx_int_t
ngx_sms_manifest_load(const char *path, sms_manifest_t *m, u_char *buf,
    size_t cap, ngx_log_t *log)
{
    u_char           *file;
    size_t            size, n;
    ssize_t           got;
    ngx_fd_t          fd;
    ngx_int_t         rc;
    sms_elf_rc_t      elf;
    ngx_file_info_t   fi;

    fd = ngx_open_file((u_char *) path, NGX_FILE_RDONLY|O_CLOEXEC,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return ngx_sms_manifest_say(buf, cap, "cannot be opened (%d: %s)",
                                    (int) ngx_errno, strerror(ngx_errno));
    }

    file = NULL;
    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        (void) ngx_sms_manifest_say(buf, cap, "is not a regular file");
        goto done;
    }

    if (ngx_file_size(&fi) > NGX_SMS_MANIFEST_FILE_MAX) {
        (void) ngx_sms_manifest_say(buf, cap, "is larger than %d MiB",
                                    NGX_SMS_MANIFEST_FILE_MAX / 1048576);
        goto done;
    }

    size = (size_t) ngx_file_size(&fi);

    file = ngx_alloc(size + 1, log);
    if (file == NULL) {
        (void) ngx_sms_manifest_say(buf, cap, "does not fit into memory");
        goto done;
    }

    for (n = 0; n < size; n += got) {
        got = ngx_read_fd(fd, file + n, size - n);

        if (got <= 0) {
            (void) ngx_sms_manifest_say(buf, cap, "cannot be read");
            goto done;
        }
    }

    elf = sms_elf_manifest_read(file, size, m);

    if (elf != SMS_ELF_OK) {
        (void) ngx_sms_manifest_say(buf, cap, "is %s",
                                    sms_elf_manifest_error(elf));
        goto done;
    }

    rc = NGX_OK;

done:

    if (file) {
        ngx_free(file);
    }

    (void) ngx_close_file(fd);

    return rc;
}


ngx_int_t
ngx_sms_manifest_check(const sms_manifest_t *m, sms_kind_t kind, u_char *buf,
    size_t cap)
{
    u_char      *p, list[160];
    ngx_uint_t   i;

    if (m->abi_major != SMS_ABI_MAJOR
        || (SMS_ABI_MAJOR == 0 && m->abi_minor != SMS_ABI_MINOR)
        || m->abi_minor > SMS_ABI_MINOR)
    {
        return ngx_sms_manifest_say(buf, cap,
                   "was built for ABI %d.%d, this host has %d.%d%s",
                   (int) m->abi_major, (int) m->abi_minor, SMS_ABI_MAJOR,
                   SMS_ABI_MINOR,
                   SMS_ABI_MAJOR == 0 ? " and takes no other" : "");
    }

    if (m->kinds & (1u << kind)) {
        return NGX_OK;
    }

    p = list;
    *p = '\0';

    for (i = 0; i < NGX_SMS_KINDS; i++) {
        if (m->kinds & (1u << i)) {
            p = ngx_slprintf(p, list + sizeof(list) - 1, "%s%s",
                             p == list ? "" : ", ", ngx_sms_plugin_kind_name(i));
            *p = '\0';
        }
    }

    return ngx_sms_manifest_say(buf, cap,
               "\"%s\" %s is not of kind \"%s\", but of: %s",
               m->name, m->version, ngx_sms_plugin_kind_name(kind),
               p == list ? "none known here" : (char *) list);
}


static ngx_int_t
ngx_sms_manifest_say(u_char *buf, size_t cap, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + cap - 1, fmt, args);
    va_end(args);

    *p = '\0';

    return NGX_ERROR;
}
