/*
 * check_report.c - results on their way from a child to the parent.
 */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


static void
check_send(check_t *c, char tag, const char *fmt, va_list args)
{
    char     line[600];
    size_t   len, at;
    ssize_t  n;
    char    *nl;

    line[0] = tag;
    vsnprintf(line + 1, sizeof(line) - 2, fmt, args);
    while ((nl = strpbrk(line, "\r\n")) != NULL) {
        *nl = ' ';
    }
    len = strlen(line);
    line[len++] = '\n';

    for (at = 0; at < len; at += (size_t) n) {
        n = write(c->out, line + at, len - at);
        if (n < 0 && errno == EINTR) {
            n = 0;
        } else if (n < 0) {
            return;
        }
    }
}


void
check_ok(check_t *c, int pass, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    check_send(c, pass ? 'o' : 'n', fmt, args);
    va_end(args);
}


void
check_skip(check_t *c, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    check_send(c, 's', fmt, args);
    va_end(args);
}


void
check_note(check_t *c, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    check_send(c, '#', fmt, args);
    va_end(args);
}


void
check_end(check_t *c)
{
    if (write(c->out, "e\n", 2) != 2) {
        _exit(3);
    }
}


void
check_step(check_t *c, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    vsnprintf(c->trace->step, sizeof(c->trace->step), fmt, args);
    va_end(args);
}
