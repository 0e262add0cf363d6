#include "marks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>


static FILE        *marks_file;
static const char  *marks_prefix;


uint64_t
marks_now_us(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}


int
marks_open(const char *path, const char *prefix)
{
    marks_prefix = prefix;
    marks_file = fopen(path, "w");

    if (marks_file == NULL) {
        perror(path);
        return -1;
    }

    return 0;
}


void
marks_seen(const char *dest)
{
    if (marks_file == NULL) {
        return;
    }

    dest += *dest == '+';

    if (strncmp(dest, marks_prefix, strlen(marks_prefix)) == 0) {
        fprintf(marks_file, "%s %llu\n", dest, (unsigned long long) marks_now_us());
    }
}


void
marks_flush(void)
{
    if (marks_file) {
        fflush(marks_file);
    }
}
