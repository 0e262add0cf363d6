#include "sms_elf_manifest.h"

#include <elf.h>
#include <string.h>


#define SMS_ELF_SECTION  ".sms_plugin"

#if defined(__x86_64__)
#define SMS_ELF_MACHINE  EM_X86_64
#elif defined(__aarch64__)
#define SMS_ELF_MACHINE  EM_AARCH64
#elif defined(__riscv)
#define SMS_ELF_MACHINE  EM_RISCV
#elif defined(__powerpc64__)
#define SMS_ELF_MACHINE  EM_PPC64
#elif defined(__s390x__)
#define SMS_ELF_MACHINE  EM_S390
#elif defined(__loongarch64)
#define SMS_ELF_MACHINE  EM_LOONGARCH
#else
#error "which e_machine has this processor?"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SMS_ELF_ORDER  ELFDATA2LSB
#else
#define SMS_ELF_ORDER  ELFDATA2MSB
#endif


static int sms_elf_inside(size_t len, uint64_t off, uint64_t size);
static sms_elf_rc_t sms_elf_section(const unsigned char *file, size_t len,
    const Elf64_Ehdr *eh, Elf64_Shdr *found);
static int sms_elf_text(const char *text, size_t cap);


sms_elf_rc_t
sms_elf_manifest_read(const unsigned char *file, size_t len,
    sms_manifest_t *m)
{
    Elf64_Ehdr    eh;
    Elf64_Shdr    sh;
    sms_elf_rc_t  rc;

    if (len < EI_NIDENT || memcmp(file, ELFMAG, SELFMAG) != 0) {
        return SMS_ELF_NOT_ELF;
    }

    if (file[EI_CLASS] != ELFCLASS64 || file[EI_DATA] != SMS_ELF_ORDER) {
        return SMS_ELF_WRONG_CLASS;
    }

    if (len < sizeof(eh)) {
        return SMS_ELF_DAMAGED;
    }

    /* copies: nothing says that the file's structs are aligned */
    memcpy(&eh, file, sizeof(eh));

    if (eh.e_machine != SMS_ELF_MACHINE) {
        return SMS_ELF_WRONG_CLASS;
    }

    if (eh.e_type != ET_DYN) {
        return SMS_ELF_NOT_SHARED;
    }

    rc = sms_elf_section(file, len, &eh, &sh);
    if (rc != SMS_ELF_OK) {
        return rc;
    }

    if (sh.sh_size < sizeof(sms_manifest_t)) {
        return SMS_ELF_BAD_MANIFEST;
    }

    memcpy(m, file + sh.sh_offset, sizeof(sms_manifest_t));

    if (memcmp(m->magic, "SMSPLUG", sizeof(m->magic)) != 0
        || m->size < sizeof(sms_manifest_t)
        || m->size > sh.sh_size
        || !sms_elf_text(m->name, sizeof(m->name))
        || !sms_elf_text(m->version, sizeof(m->version))
        || !sms_elf_text(m->license, sizeof(m->license))
        || !sms_elf_text(m->summary, sizeof(m->summary))
        || m->name[0] == '\0')
    {
        return SMS_ELF_BAD_MANIFEST;
    }

    return SMS_ELF_OK;
}


const char *
sms_elf_manifest_error(sms_elf_rc_t rc)
{
    switch (rc) {
    case SMS_ELF_OK:
        return "no error";
    case SMS_ELF_NOT_ELF:
        return "not an ELF file";
    case SMS_ELF_WRONG_CLASS:
        return "an ELF file for another machine";
    case SMS_ELF_NOT_SHARED:
        return "an ELF file, but not a shared object";
    case SMS_ELF_DAMAGED:
        return "a damaged ELF file";
    case SMS_ELF_NO_MANIFEST:
        return "not a plugin: it has no section \"" SMS_ELF_SECTION "\"";
    case SMS_ELF_BAD_MANIFEST:
        return "not a plugin: its manifest is damaged";
    }

    return "an unknown error";
}


static int
sms_elf_inside(size_t len, uint64_t off, uint64_t size)
{
    return off <= len && size <= len - off;
}


static sms_elf_rc_t
sms_elf_section(const unsigned char *file, size_t len, const Elf64_Ehdr *eh,
    Elf64_Shdr *found)
{
    uint32_t    i;
    Elf64_Shdr  names, sh;

    if (eh->e_shnum == 0) {
        return SMS_ELF_NO_MANIFEST;
    }

    if (eh->e_shentsize != sizeof(Elf64_Shdr)
        || eh->e_shstrndx >= eh->e_shnum
        || !sms_elf_inside(len, eh->e_shoff,
                           (uint64_t) eh->e_shnum * sizeof(Elf64_Shdr)))
    {
        return SMS_ELF_DAMAGED;
    }

    memcpy(&names, file + eh->e_shoff + eh->e_shstrndx * sizeof(Elf64_Shdr),
           sizeof(names));

    if (names.sh_type != SHT_STRTAB
        || !sms_elf_inside(len, names.sh_offset, names.sh_size))
    {
        return SMS_ELF_DAMAGED;
    }

    for (i = 0; i < eh->e_shnum; i++) {
        memcpy(&sh, file + eh->e_shoff + i * sizeof(Elf64_Shdr), sizeof(sh));

        if (!sms_elf_inside(names.sh_size, sh.sh_name,
                            sizeof(SMS_ELF_SECTION))
            || memcmp(file + names.sh_offset + sh.sh_name, SMS_ELF_SECTION,
                      sizeof(SMS_ELF_SECTION)) != 0)
        {
            continue;
        }

        if (sh.sh_type != SHT_PROGBITS
            || !sms_elf_inside(len, sh.sh_offset, sh.sh_size))
        {
            return SMS_ELF_DAMAGED;
        }

        *found = sh;

        return SMS_ELF_OK;
    }

    return SMS_ELF_NO_MANIFEST;
}


/* terminated within its array, without control characters: it is logged */
static int
sms_elf_text(const char *text, size_t cap)
{
    size_t  i;

    for (i = 0; i < cap; i++) {
        if (text[i] == '\0') {
            return 1;
        }

        if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f) {
            return 0;
        }
    }

    return 0;
}
