/*
 * The plugin manifest, read from the bytes of an ELF file.
 *
 * Plain C, a pure function: no plugin code runs, nothing is mapped.  The bytes
 * are not trusted: every offset is checked before it is used, with arithmetic
 * that cannot wrap.  Layout after the System V ABI, ELF-64 object file format
 * (Elf64_Ehdr, Elf64_Shdr), in the machine's own byte order.
 */
#ifndef SMS_ELF_MANIFEST_H
#define SMS_ELF_MANIFEST_H

#include <stddef.h>

#include "sms_plugin.h"


typedef enum {
    SMS_ELF_OK = 0,
    SMS_ELF_NOT_ELF,            /* no ELF magic                               */
    SMS_ELF_WRONG_CLASS,        /* not 64 bit, other byte order               */
    SMS_ELF_NOT_SHARED,         /* ELF, but not a shared object               */
    SMS_ELF_DAMAGED,            /* an offset points out of the file           */
    SMS_ELF_NO_MANIFEST,        /* no section .sms_plugin                     */
    SMS_ELF_BAD_MANIFEST        /* magic, size or text is wrong               */
} sms_elf_rc_t;


/* Fills *m.  Texts in *m are NUL-terminated, printable and name is not empty;
 * a manifest of a later, longer form is cut to the one known here.           */
sms_elf_rc_t sms_elf_manifest_read(const unsigned char *file, size_t len,
    sms_manifest_t *m);

/* "not an ELF file" ... */
const char *sms_elf_manifest_error(sms_elf_rc_t rc);

#endif /* SMS_ELF_MANIFEST_H */
