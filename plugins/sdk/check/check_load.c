/*
 * check_load.c - dlopen(), and what constructors do meanwhile.
 *
 * Constructors would run in every worker and, at "nginx -t", in the child that
 * checks; init() is the place for work.  While dlopen() runs, system calls made
 * from anywhere but the dynamic linker (whose own file reads are in its text)
 * end in a signal, except those for memory.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CHECK_ARCH  AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CHECK_ARCH  AUDIT_ARCH_AARCH64
#else
#define CHECK_ARCH  0
#endif

typedef struct { long number; const char *name; } check_syscall_t;

static const check_syscall_t  check_syscalls[] = {
    { SYS_openat, "open" }, { SYS_read, "read" }, { SYS_write, "write" },
    { SYS_socket, "socket" }, { SYS_connect, "connect" }, { SYS_execve, "execve" },
    { SYS_clone, "clone" }, { SYS_clone3, "clone3 (a thread or process)" },
    { SYS_pipe2, "pipe" }, { SYS_eventfd2, "eventfd" }, { SYS_kill, "kill" },
    { SYS_clock_nanosleep, "sleep" }, { SYS_rt_sigaction, "sigaction" },
    { SYS_getrandom, "getrandom" }, { SYS_newfstatat, "stat" }, { SYS_fcntl, "fcntl" }
};

static int  check_trap_fd;


static void
check_trap(int sig, siginfo_t *info, void *context)
{
    const char  *name;
    char         text[128];
    size_t       i;
    int          n;

    (void) sig;
    (void) context;
    name = "another system call";
    for (i = 0; i < sizeof(check_syscalls) / sizeof(check_syscalls[0]); i++) {
        if (check_syscalls[i].number == info->si_syscall) {
            name = check_syscalls[i].name;
        }
    }
    n = snprintf(text, sizeof(text), "nconstructors do no I/O: one calls %s (%d)\ne\n", name,
                 info->si_syscall);
    if (write(check_trap_fd, text, (size_t) n) < 0) {
        _exit(3);
    }
    _exit(0);
}


/* where the dynamic linker's code lies; its system calls are inline */
static int
check_linker_range(uint64_t *lo, uint64_t *hi)
{
    char                line[512], perm[8];
    unsigned long long  a, b;
    FILE               *f;
    int                 found;

    f = fopen("/proc/self/maps", "r");
    if (f == NULL) {
        return 0;
    }
    found = 0;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%llx-%llx %7s", &a, &b, perm) == 3 && strchr(perm, 'x')
            && strstr(line, "/ld-"))
        {
            *lo = a;
            *hi = b;
            found = 1;
        }
    }
    fclose(f);

    return found && *lo >> 32 == (*hi - 1) >> 32;
}


static int
check_filter(int out)
{
    static const int  harmless[] = {
        SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_futex,
        SYS_exit_group, SYS_rt_sigreturn, SYS_getrandom
    };

    struct sock_filter  f[64];
    struct sock_fprog   prog;
    uint64_t            lo, hi;
    uint32_t            n, i;

    if (CHECK_ARCH == 0 || !check_linker_range(&lo, &hi)) {
        return 0;
    }

    n = 0;
#define CHECK_LD(field)                                                        \
    f[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS,            \
                                           offsetof(struct seccomp_data, field))
#define CHECK_JUMP(op, k, yes, no)                                             \
    f[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | (op) | BPF_K, (uint32_t) (k), yes, no)
#define CHECK_RET(k)                                                           \
    f[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, k)

    CHECK_LD(arch);
    CHECK_JUMP(BPF_JEQ, CHECK_ARCH, 1, 0);
    CHECK_RET(SECCOMP_RET_KILL_PROCESS);
    CHECK_LD(nr);
    for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        CHECK_JUMP(BPF_JEQ, harmless[i], 0, 1);
        CHECK_RET(SECCOMP_RET_ALLOW);
    }
    /* the report itself */
    CHECK_JUMP(BPF_JEQ, SYS_write, 0, 3);
    CHECK_LD(args[0]);
    CHECK_JUMP(BPF_JEQ, out, 0, 1);
    CHECK_RET(SECCOMP_RET_ALLOW);
    /* little-endian halves of the instruction pointer */
    f[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
        offsetof(struct seccomp_data, instruction_pointer) + 4);
    CHECK_JUMP(BPF_JEQ, lo >> 32, 0, 4);
    CHECK_LD(instruction_pointer);
    CHECK_JUMP(BPF_JGE, lo & 0xffffffff, 0, 2);
    CHECK_JUMP(BPF_JGT, (hi & 0xffffffff) - 1, 1, 0);
    CHECK_RET(SECCOMP_RET_ALLOW);
    CHECK_RET(SECCOMP_RET_TRAP);

    prog.len = (unsigned short) n;
    prog.filter = f;

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0;
}


static const char *
check_path(const check_t *c, char *buf, size_t cap)
{
    /* without a slash dlopen() would search the system's folders */
    snprintf(buf, cap, "%s%s", strchr(c->file, '/') ? "" : "./", c->file);
    return buf;
}


void
check_constructor(check_t *c)
{
    struct sigaction  sa;
    char              path[4096];
    void             *dl;

    check_step(c, "dlopen() and constructors");
    if (check_sanitized()) {
        check_skip(c, "constructors are not watched under a sanitizer");
        return;
    }

    check_preload(c);
    memset(&sa, 0, sizeof(sa));
    sa.sa_sigaction = check_trap;
    sa.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &sa, NULL);
    check_trap_fd = c->out;

    if (!check_filter(c->out)) {
        check_skip(c, "seccomp is not available here");
        return;
    }
    dl = dlopen(check_path(c, path, sizeof(path)), RTLD_NOW | RTLD_LOCAL);
    if (dl == NULL) {
        check_ok(c, 0, "loads: %s", dlerror());
    } else {
        check_ok(c, 1, "constructors do no I/O");
    }
    check_end(c);
    _exit(0);
}


int
check_load(check_t *c)
{
    const sms_manifest_t    *m;
    const sms_ops_t *const  *table;
    char                     path[4096];
    void                    *dl;

    check_step(c, "dlopen()");
    dl = dlopen(check_path(c, path, sizeof(path)), RTLD_NOW | RTLD_LOCAL);
    if (dl == NULL) {
        check_ok(c, 0, "loads: %s", dlerror());
        return 0;
    }
    table = dlsym(dl, "sms_plugin_ops");
    if (table == NULL || *table == NULL || (*table)->size < offsetof(sms_ops_t, exit)) {
        check_ok(c, 0, "sms_plugin_ops points to a table with its size");
        return 0;
    }
    m = dlsym(dl, "sms_plugin_manifest");
    memcpy(&c->manifest, m, m->size < sizeof(c->manifest) ? m->size : sizeof(c->manifest));
    c->ops = *table;

    return 1;
}
