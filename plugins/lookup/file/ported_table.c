#include "ported_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


static int __attribute__((format(printf, 4, 5)))
ported_error(const ported_table_t *t, char *err, size_t errcap, const char *fmt, ...)
{
    va_list  args;
    int      n;

    n = snprintf(err, errcap, "line %u: ", t->line);
    if (n > 0 && (size_t) n < errcap) {
        va_start(args, fmt);
        vsnprintf(err + n, errcap - (size_t) n, fmt, args);
        va_end(args);
    }

    return -1;
}


static size_t
ported_digits(const char *p, size_t n, size_t max, uint64_t *value)
{
    size_t  i;

    *value = 0;
    for (i = 0; i < n && i < max && p[i] >= '0' && p[i] <= '9'; i++) {
        *value = *value * 10 + (uint64_t) (p[i] - '0');
    }

    return i;
}


int
ported_line(const char *p, size_t n, uint64_t *number, uint16_t *mcc, uint16_t *mnc)
{
    uint64_t  a, b;
    size_t    i;

    if (n && p[n - 1] == '\r') {
        n--;
    }

    if (n == 0 || p[0] == '#') {
        return 0;
    }

    i = ported_digits(p, n, 15, number);
    if (i == 0 || i == n || (p[i] != ' ' && p[i] != '\t')) {
        return -1;
    }
    p += i + 1;
    n -= i + 1;

    if (n < 5 || ported_digits(p, n, 3, &a) != 3 || a == 0 || p[3] != '-') {
        return -1;
    }

    i = ported_digits(p + 4, n - 4, 3, &b);
    if (i == 0 || i + 4 != n) {
        return -1;
    }

    *mcc = (uint16_t) a;
    *mnc = (uint16_t) b;

    return 1;
}


int
ported_table_open(ported_table_t *t, const char *path, char *err, size_t errcap)
{
    struct stat  st;

    memset(t, 0, sizeof(*t));

    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0 || fstat(t->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(err, errcap, "%s", t->fd < 0 ? strerror(errno) : "is no regular file");
        ported_table_close(t);
        return -1;
    }

    t->size = (uint64_t) st.st_size;
    t->mtime = (uint64_t) st.st_mtim.tv_sec * 1000000000u + (uint64_t) st.st_mtim.tv_nsec;
    t->inode = st.st_ino;

    t->rest = malloc(PORTED_STEP + PORTED_LINE_MAX);
    if (t->rest == NULL) {
        snprintf(err, errcap, "out of memory");
        ported_table_close(t);
        return -1;
    }

    return 0;
}


static int
ported_take(ported_table_t *t, const char *p, size_t n, uint64_t offset, char *err,
    size_t errcap)
{
    ported_block_t  *more;
    uint64_t         number;
    uint16_t         mcc, mnc;
    uint32_t         cap;

    t->line++;

    switch (ported_line(p, n, &number, &mcc, &mnc)) {

    case 1:
        break;

    case 0:
        if (t->numbers && n && p[0] == '#') {
            return ported_error(t, err, errcap, "a comment behind the first number");
        }
        if (t->numbers && n == 0) {
            return ported_error(t, err, errcap, "an empty line behind the first number");
        }
        return 0;

    default:
        return ported_error(t, err, errcap, "a line is NUMBER MCC-MNC (905321234567 286-02)");
    }

    if (n > PORTED_LINE_MAX) {
        return ported_error(t, err, errcap, "longer than %d bytes", PORTED_LINE_MAX);
    }

    if (t->numbers && number <= t->last) {
        return ported_error(t, err, errcap, "the number is not above that of the line before "
                            "(sort -n -u)");
    }

    if (t->n == 0 || offset - t->blocks[t->n - 1].offset >= PORTED_BLOCK) {

        if (t->n == t->cap) {
            cap = t->cap ? t->cap * 2 : 64;
            more = realloc(t->blocks, cap * sizeof(ported_block_t));
            if (more == NULL) {
                return ported_error(t, err, errcap, "out of memory");
            }
            t->blocks = more;
            t->cap = cap;
        }

        t->blocks[t->n].number = number;
        t->blocks[t->n].offset = offset;
        t->n++;
    }

    t->last = number;
    t->numbers++;

    return 0;
}


int
ported_table_step(ported_table_t *t, char *err, size_t errcap)
{
    char     *p, *end, *nl;
    ssize_t   got;

    /* a comment may be of any length; only its first octet says what it is */
    if (t->nrest > PORTED_LINE_MAX) {
        if (t->rest[0] != '#') {
            t->line++;
            return ported_error(t, err, errcap, "longer than %d bytes", PORTED_LINE_MAX);
        }
        t->nrest = 1;
    }

    got = pread(t->fd, t->rest + t->nrest, PORTED_STEP, (off_t) t->read);
    if (got < 0) {
        snprintf(err, errcap, "%s", strerror(errno));
        return -1;
    }

    p = t->rest;
    end = p + t->nrest + got;
    t->read += (uint64_t) got;

    while ((nl = memchr(p, '\n', (size_t) (end - p))) != NULL) {
        if (ported_take(t, p, (size_t) (nl - p), t->read - (uint64_t) (end - p), err, errcap)
            != 0)
        {
            return -1;
        }
        p = nl + 1;
    }

    t->nrest = (size_t) (end - p);

    if (got == 0) {

        if (t->nrest
            && ported_take(t, p, t->nrest, t->read - t->nrest, err, errcap) != 0)
        {
            return -1;
        }

        free(t->rest);
        t->rest = NULL;
        t->nrest = 0;

        return 0;
    }

    memmove(t->rest, p, t->nrest <= PORTED_LINE_MAX ? t->nrest : PORTED_LINE_MAX + 1);

    return 1;
}


int
ported_table_changed(const ported_table_t *t, const char *path)
{
    struct stat  st;

    return stat(path, &st) == 0
           && (t->fd < 0 || t->size != (uint64_t) st.st_size || t->inode != st.st_ino
               || t->mtime != (uint64_t) st.st_mtim.tv_sec * 1000000000u
                              + (uint64_t) st.st_mtim.tv_nsec);
}


int
ported_table_find(const ported_table_t *t, uint64_t number, uint16_t *mcc, uint16_t *mnc)
{
    char      buf[PORTED_BLOCK + 2 * PORTED_LINE_MAX], *p, *end, *nl;
    uint32_t  low, high, mid;
    uint64_t  len, found;
    ssize_t   got;

    if (t->n == 0 || number < t->blocks[0].number || number > t->last) {
        return 0;
    }

    for (low = 0, high = t->n; high - low > 1; /* void */ ) {
        mid = low + (high - low) / 2;
        if (t->blocks[mid].number <= number) {
            low = mid;
        } else {
            high = mid;
        }
    }

    len = (low + 1 < t->n ? t->blocks[low + 1].offset : t->read) - t->blocks[low].offset;
    if (len > sizeof(buf)) {
        len = sizeof(buf);
    }

    got = pread(t->fd, buf, (size_t) len, (off_t) t->blocks[low].offset);
    if (got <= 0) {
        return -1;
    }

    for (p = buf, end = buf + got; p < end; p = nl + 1) {

        nl = memchr(p, '\n', (size_t) (end - p));
        nl = nl ? nl : end;

        if (ported_line(p, (size_t) (nl - p), &found, mcc, mnc) == 1 && found >= number) {
            return found == number;
        }
    }

    return 0;
}


void
ported_table_close(ported_table_t *t)
{
    if (t->fd > 0) {
        close(t->fd);
    }
    free(t->blocks);
    free(t->rest);
    memset(t, 0, sizeof(*t));
    t->fd = -1;
}
