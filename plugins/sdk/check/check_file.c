/*
 * check_file.c - what can be known from the ELF file, before any of it runs.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    const uint8_t     *base;
    size_t             size;
    const Elf64_Ehdr  *eh;
    const Elf64_Shdr  *sh;
    const char        *shstr;
    size_t             shstr_len;
} check_elf_t;

#if defined(__x86_64__)
#define CHECK_MACHINE  EM_X86_64
#elif defined(__aarch64__)
#define CHECK_MACHINE  EM_AARCH64
#else
#define CHECK_MACHINE  EM_NONE
#endif

static const char *const  check_base_libs[] = {
    "libc.so.", "libm.so.", "libpthread.so.", "ld-linux", "libdl.so.", "librt.so.",
    "libgcc_s.so.", NULL
};


/* n bytes at "at", or NULL: a file may say anything */
static const void *
check_elf_at(const check_elf_t *e, uint64_t at, uint64_t n)
{
    return at <= e->size && n <= e->size - at ? e->base + at : NULL;
}


static const Elf64_Shdr *
check_elf_section(const check_elf_t *e, const char *name, uint32_t type)
{
    const Elf64_Shdr  *s;
    uint32_t           i;

    for (i = 0; i < e->eh->e_shnum; i++) {
        s = &e->sh[i];
        if (type && s->sh_type != type) {
            continue;
        }
        if (name && (s->sh_name >= e->shstr_len || strcmp(e->shstr + s->sh_name, name) != 0)) {
            continue;
        }
        if (s->sh_type == SHT_NOBITS || check_elf_at(e, s->sh_offset, s->sh_size)) {
            return s;
        }
    }

    return NULL;
}


/* a string of string table section "link" */
static const char *
check_elf_string(const check_elf_t *e, uint32_t link, uint64_t at)
{
    const Elf64_Shdr  *s;
    const char        *p;

    if (link >= e->eh->e_shnum) {
        return "";
    }
    s = &e->sh[link];
    p = check_elf_at(e, s->sh_offset, s->sh_size);
    if (p == NULL || at >= s->sh_size || memchr(p + at, '\0', s->sh_size - at) == NULL) {
        return "";
    }

    return p + at;
}


static const char *
check_elf_open(check_elf_t *e, const char *file)
{
    const Elf64_Shdr  *s;
    struct stat        st;
    int                fd;

    memset(e, 0, sizeof(*e));
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) != 0) {
        return "cannot be opened";
    }
    e->size = (size_t) st.st_size;
    e->base = e->size ? mmap(NULL, e->size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (e->base == MAP_FAILED) {
        return "cannot be read";
    }

    e->eh = check_elf_at(e, 0, sizeof(Elf64_Ehdr));
    if (e->eh == NULL || memcmp(e->eh->e_ident, ELFMAG, SELFMAG) != 0
        || e->eh->e_ident[EI_CLASS] != ELFCLASS64)
    {
        return "is no 64-bit ELF file";
    }
    if (e->eh->e_type != ET_DYN || e->eh->e_machine != CHECK_MACHINE) {
        return "is no shared object for this machine";
    }

    e->sh = check_elf_at(e, e->eh->e_shoff, (uint64_t) e->eh->e_shnum * sizeof(Elf64_Shdr));
    if (e->sh == NULL || e->eh->e_shoff % 8 || e->eh->e_shentsize != sizeof(Elf64_Shdr)
        || e->eh->e_shstrndx >= e->eh->e_shnum)
    {
        return "has no section headers";
    }
    s = &e->sh[e->eh->e_shstrndx];
    e->shstr = check_elf_at(e, s->sh_offset, s->sh_size);
    e->shstr_len = s->sh_size;
    if (e->shstr == NULL || s->sh_size == 0 || e->shstr[s->sh_size - 1] != '\0') {
        return "has no section names";
    }

    return NULL;
}


static int
check_manifest_text(const char *s, size_t cap, int slug)
{
    size_t  i;

    if (memchr(s, '\0', cap) == NULL || s[0] == '\0') {
        return 0;
    }
    for (i = 0; s[i]; i++) {
        if (slug && !((s[i] >= 'a' && s[i] <= 'z') || (i && s[i] >= '0' && s[i] <= '9')
                      || (i && s[i] == '_')))
        {
            return 0;
        }
        if ((unsigned char) s[i] < 0x20) {
            return 0;
        }
    }

    return 1;
}


static int
check_manifest(check_t *c, const check_elf_t *e)
{
    const Elf64_Shdr      *s;
    sms_manifest_t        *m = &c->manifest;
    const void            *p;
    uint32_t               known;

    check_step(c, "the manifest");
    s = check_elf_section(e, ".sms_plugin", SHT_PROGBITS);
    p = s ? check_elf_at(e, s->sh_offset, s->sh_size) : NULL;
    if (p) {
        memcpy(m, p, s->sh_size < sizeof(*m) ? s->sh_size : sizeof(*m));
    }
    if (p == NULL || s->sh_size < offsetof(sms_manifest_t, kinds)
        || memcmp(m->magic, "SMSPLUG", 8) != 0)
    {
        check_ok(c, 0, "manifest: no section .sms_plugin that begins with SMSPLUG; "
                 "use SMS_PLUGIN()");
        return 0;
    }
    check_ok(c, 1, "manifest: found in section .sms_plugin");

    /* same major and, while it is 0, the same minor: what the host does */
    if (m->abi_major != SMS_ABI_MAJOR
        || (SMS_ABI_MAJOR == 0 ? m->abi_minor != SMS_ABI_MINOR : m->abi_minor > SMS_ABI_MINOR))
    {
        check_ok(c, 0, "manifest: built for ABI %u.%u, this is %d.%d", m->abi_major,
                 m->abi_minor, SMS_ABI_MAJOR, SMS_ABI_MINOR);
        return 0;
    }
    check_ok(c, 1, "manifest: ABI %u.%u", m->abi_major, m->abi_minor);

    check_ok(c, m->size >= offsetof(sms_manifest_t, summary) + sizeof(m->summary)
             && s->sh_size == m->size,
             "manifest: one, of %u bytes in a section of %llu", m->size,
             (unsigned long long) s->sh_size);
    check_ok(c, check_manifest_text(m->name, sizeof(m->name), 1),
             "manifest: the name is a word of a-z, 0-9 and _");
    check_ok(c, check_manifest_text(m->version, sizeof(m->version), 0)
             && check_manifest_text(m->license, sizeof(m->license), 0)
             && check_manifest_text(m->summary, sizeof(m->summary), 0),
             "manifest: version, license and summary are given and end");

    known = (2u << SMS_KIND_LOOKUP) - 1;
    check_ok(c, m->kinds != 0 && (m->kinds & ~known) == 0,
             "manifest: kinds 0x%x are known", m->kinds);

    return 1;
}


static int
check_lib_allowed(const check_t *c, const char *lib)
{
    size_t  i;

    for (i = 0; check_base_libs[i]; i++) {
        if (strncmp(lib, check_base_libs[i], strlen(check_base_libs[i])) == 0) {
            return 1;
        }
    }
    for (i = 0; i < c->nallow; i++) {
        if (strncmp(lib, c->allow[i], strlen(c->allow[i])) == 0
            && (strchr(".-", lib[strlen(c->allow[i])]) != NULL))
        {
            return 1;
        }
    }

    return 0;
}


static int
check_ignored_symbol(const check_t *c, const char *name)
{
    static const char *const  linker[] = {
        "_init", "_fini", "_edata", "_end", "__bss_start", NULL
    };

    size_t  i;

    for (i = 0; linker[i]; i++) {
        if (strcmp(name, linker[i]) == 0) {
            return 1;
        }
    }

    return check_lib_allowed(c, "libasan.so.8") && strncmp(name, "__odr_asan", 10) == 0;
}


static void
check_exports(check_t *c, const check_elf_t *e, const Elf64_Shdr *dynsym)
{
    const Elf64_Sym  *sym;
    const char       *name;
    char              others[200];
    uint64_t          i, n;
    int               manifest, ops;

    check_step(c, "exported symbols");
    sym = check_elf_at(e, dynsym->sh_offset, dynsym->sh_size);
    n = dynsym->sh_size / sizeof(*sym);
    others[0] = '\0';
    manifest = ops = 0;

    for (i = 1; i < n; i++) {
        if (sym[i].st_shndx == SHN_UNDEF || ELF64_ST_BIND(sym[i].st_info) == STB_LOCAL) {
            continue;
        }
        name = check_elf_string(e, dynsym->sh_link, sym[i].st_name);
        if (strcmp(name, "sms_plugin_manifest") == 0) {
            manifest = 1;
        } else if (strcmp(name, "sms_plugin_ops") == 0) {
            ops = 1;
        } else if (!check_ignored_symbol(c, name) && strlen(others) + strlen(name) < 190) {
            strcat(strcat(others, " "), name);
        }
    }

    check_ok(c, manifest && ops, "exports sms_plugin_manifest and sms_plugin_ops");
    check_ok(c, others[0] == '\0', "exports nothing else%s%s",
             others[0] ? ", but there is" : "", others);
}


static void
check_needed(check_t *c, const check_elf_t *e, const Elf64_Shdr *dynamic)
{
    const Elf64_Dyn  *d;
    const char       *lib;
    char              others[200];
    uint64_t          i;
    int               textrel;

    check_step(c, "needed libraries");
    d = check_elf_at(e, dynamic->sh_offset, dynamic->sh_size);
    others[0] = '\0';
    textrel = 0;

    for (i = 0; i < dynamic->sh_size / sizeof(*d) && d[i].d_tag != DT_NULL; i++) {
        textrel |= d[i].d_tag == DT_TEXTREL
                   || (d[i].d_tag == DT_FLAGS && (d[i].d_un.d_val & DF_TEXTREL));
        if (d[i].d_tag == DT_NEEDED) {
            lib = check_elf_string(e, dynamic->sh_link, d[i].d_un.d_val);
            if (!check_lib_allowed(c, lib) && strlen(others) + strlen(lib) < 190) {
                strcat(strcat(others, " "), lib);
            }
        }
    }

    check_ok(c, others[0] == '\0', "needs only the C library%s%s%s",
             c->nallow ? " and what --allow names" : "",
             others[0] ? "; not declared:" : "", others);
    check_ok(c, !textrel, "has no text relocations (compile with -fPIC)");
}


/* the library that the symbol's version names; NULL: it has no version */
static const char *
check_symbol_lib(const check_elf_t *e, uint64_t i)
{
    const Elf64_Shdr     *vs, *vn;
    const Elf64_Half     *index;
    const Elf64_Verneed  *need;
    const Elf64_Vernaux  *aux;
    uint64_t              at, to;
    uint32_t              k, m;

    vs = check_elf_section(e, NULL, SHT_GNU_versym);
    vn = check_elf_section(e, NULL, SHT_GNU_verneed);
    index = vs ? check_elf_at(e, vs->sh_offset, vs->sh_size) : NULL;
    if (index == NULL || vn == NULL || (i + 1) * sizeof(*index) > vs->sh_size) {
        return NULL;
    }

    at = vn->sh_offset;
    for (k = 0; k < vn->sh_info; k++) {
        need = check_elf_at(e, at, sizeof(*need));
        if (need == NULL) {
            return NULL;
        }
        to = at + need->vn_aux;
        for (m = 0; m < need->vn_cnt; m++) {
            aux = check_elf_at(e, to, sizeof(*aux));
            if (aux == NULL) {
                return NULL;
            }
            if (aux->vna_other == (index[i] & 0x7fff)) {
                return check_elf_string(e, vn->sh_link, need->vn_file);
            }
            to += aux->vna_next;
        }
        at += need->vn_next;
    }

    return NULL;
}


static int
check_symbol_found(const check_t *c, const check_elf_t *e, const Elf64_Shdr *dynamic,
    const char *name)
{
    const Elf64_Dyn  *d;
    const char       *lib;
    void             *dl;
    uint64_t          i;

    d = check_elf_at(e, dynamic->sh_offset, dynamic->sh_size);
    for (i = 0; i < dynamic->sh_size / sizeof(*d) && d[i].d_tag != DT_NULL; i++) {
        if (d[i].d_tag != DT_NEEDED) {
            continue;
        }
        lib = check_elf_string(e, dynamic->sh_link, d[i].d_un.d_val);
        dl = check_lib_allowed(c, lib) ? dlopen(lib, RTLD_LAZY | RTLD_LOCAL) : NULL;
        if (dl && dlsym(dl, name)) {
            return 1;
        }
    }

    return 0;
}


static void
check_undefined(check_t *c, const check_elf_t *e, const Elf64_Shdr *dynsym,
    const Elf64_Shdr *dynamic)
{
    const Elf64_Sym  *sym;
    const char       *name, *lib;
    char              others[200];
    uint64_t          i, n;

    check_step(c, "undefined symbols");
    sym = check_elf_at(e, dynsym->sh_offset, dynsym->sh_size);
    n = dynsym->sh_size / sizeof(*sym);
    others[0] = '\0';

    for (i = 1; i < n; i++) {
        if (sym[i].st_shndx != SHN_UNDEF || ELF64_ST_BIND(sym[i].st_info) == STB_WEAK) {
            continue;
        }
        name = check_elf_string(e, dynsym->sh_link, sym[i].st_name);
        lib = check_symbol_lib(e, i);
        if (lib ? check_lib_allowed(c, lib) : check_symbol_found(c, e, dynamic, name)) {
            continue;
        }
        if (strlen(others) + strlen(name) < 190) {
            strcat(strcat(others, " "), name);
        }
    }

    check_ok(c, others[0] == '\0', "undefined symbols come from declared libraries%s%s",
             others[0] ? ", not these:" : "", others);
}


static void
check_stack(check_t *c, const check_elf_t *e)
{
    const Elf64_Phdr  *ph;
    uint32_t           i;
    int                exec;

    exec = 0;
    ph = check_elf_at(e, e->eh->e_phoff, (uint64_t) e->eh->e_phnum * sizeof(*ph));
    for (i = 0; ph && i < e->eh->e_phnum; i++) {
        exec |= ph[i].p_type == PT_GNU_STACK && (ph[i].p_flags & PF_X);
    }
    check_ok(c, ph != NULL && !exec, "does not ask for an executable stack");
}


void
check_file(check_t *c)
{
    const Elf64_Shdr  *dynsym, *dynamic;
    check_elf_t        e;
    const char        *why;

    check_step(c, "the file");
    why = check_elf_open(&e, c->file);
    check_ok(c, why == NULL, "%s %s", c->file, why ? why : "is a shared object");
    if (why || !check_manifest(c, &e)) {
        return;
    }

    dynsym = check_elf_section(&e, NULL, SHT_DYNSYM);
    dynamic = check_elf_section(&e, NULL, SHT_DYNAMIC);
    if (dynsym == NULL || dynamic == NULL || dynsym->sh_offset % 8 || dynamic->sh_offset % 8) {
        check_ok(c, 0, "has a dynamic symbol table");
        return;
    }
    check_exports(c, &e, dynsym);
    check_needed(c, &e, dynamic);
    check_undefined(c, &e, dynsym, dynamic);
    check_stack(c, &e);
}


void
check_preload(const check_t *c)
{
    const Elf64_Shdr  *dynamic;
    const Elf64_Dyn   *d;
    const char        *lib;
    check_elf_t        e;
    uint64_t           i;

    dynamic = check_elf_open(&e, c->file) ? NULL : check_elf_section(&e, NULL, SHT_DYNAMIC);
    if (dynamic == NULL) {
        return;
    }
    d = check_elf_at(&e, dynamic->sh_offset, dynamic->sh_size);
    for (i = 0; i < dynamic->sh_size / sizeof(*d) && d[i].d_tag != DT_NULL; i++) {
        lib = d[i].d_tag == DT_NEEDED
              ? check_elf_string(&e, dynamic->sh_link, d[i].d_un.d_val) : "";
        if (lib[0] && check_lib_allowed(c, lib)) {
            (void) dlopen(lib, RTLD_NOW | RTLD_LOCAL);
        }
    }
}
