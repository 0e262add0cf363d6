/*
 * check_heap.c - every malloc of the process passes here, and the plugin's can
 * be made to fail.  Under a sanitizer, which has its own allocator, only the
 * amount in use is known.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define CHECK_ASAN  1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECK_ASAN  1
#endif
#endif

#ifdef CHECK_ASAN

/* of the sanitizer's run-time; gcc does not install its header everywhere */
extern size_t __sanitizer_get_current_allocated_bytes(void);


int64_t
check_heap_live(void)
{
    return (int64_t) __sanitizer_get_current_allocated_bytes();
}


int
check_heap_fail(uint32_t k)
{
    (void) k;
    return 0;
}


uint32_t
check_heap_used(void)
{
    return 0;
}


int
check_sanitized(void)
{
    return 1;
}

#else

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);
extern void __libc_free(void *p);

/* visible, or the C library and the plugin would not see them */
void *malloc(size_t n) __attribute__((visibility("default")));
void *calloc(size_t n, size_t size) __attribute__((visibility("default")));
void *realloc(void *p, size_t n) __attribute__((visibility("default")));
void *memalign(size_t align, size_t n) __attribute__((visibility("default")));
void *aligned_alloc(size_t align, size_t n) __attribute__((visibility("default")));
int posix_memalign(void **p, size_t align, size_t n) __attribute__((visibility("default")));
void free(void *p) __attribute__((visibility("default")));

static atomic_long  check_live;
static atomic_uint  check_mallocs, check_fail_at;


static int
check_heap_refuse(void)
{
    unsigned  n, at;

    if (!fakehost_in_plugin()) {
        return 0;
    }
    n = atomic_fetch_add(&check_mallocs, 1) + 1;
    at = atomic_load(&check_fail_at);
    if (at == 0 || n != at) {
        return 0;
    }
    errno = ENOMEM;

    return 1;
}


static void *
check_heap_count(void *p)
{
    if (p) {
        atomic_fetch_add(&check_live, 1);
    }

    return p;
}


void *
malloc(size_t n)
{
    return check_heap_refuse() ? NULL : check_heap_count(__libc_malloc(n));
}


void *
calloc(size_t n, size_t size)
{
    return check_heap_refuse() ? NULL : check_heap_count(__libc_calloc(n, size));
}


void *
realloc(void *p, size_t n)
{
    void  *q;

    if (n && check_heap_refuse()) {
        return NULL;
    }
    q = __libc_realloc(p, n);
    if (p == NULL && q) {
        atomic_fetch_add(&check_live, 1);
    }
    if (p && n == 0) {
        atomic_fetch_sub(&check_live, 1);
    }

    return q;
}


void *
memalign(size_t align, size_t n)
{
    return check_heap_refuse() ? NULL : check_heap_count(__libc_memalign(align, n));
}


void *
aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}


int
posix_memalign(void **p, size_t align, size_t n)
{
    void  *q;

    q = memalign(align, n);
    if (q == NULL) {
        return ENOMEM;
    }
    *p = q;

    return 0;
}


void
free(void *p)
{
    int  saved;

    if (p) {
        saved = errno;
        atomic_fetch_sub(&check_live, 1);
        __libc_free(p);
        errno = saved;
    }
}


int64_t
check_heap_live(void)
{
    return atomic_load(&check_live);
}


int
check_heap_fail(uint32_t k)
{
    atomic_store(&check_mallocs, 0);
    atomic_store(&check_fail_at, k);

    return 1;
}


uint32_t
check_heap_used(void)
{
    return atomic_load(&check_mallocs);
}


int
check_sanitized(void)
{
    return 0;
}

#endif
