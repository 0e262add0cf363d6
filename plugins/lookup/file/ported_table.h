/*
 * ported_table.h - the file of ported numbers: one "NUMBER MCC-MNC" in each line.
 *
 * Numbers are E.164 digits in ascending order (sort -n), each once; lines that begin
 * with '#' may stand before the first.  The file stays on disk: in memory there is
 * one entry for each 4 KiB of it, and a number is one read of such a block.  Ten
 * million numbers are 200 MB of file and 800 KB of memory, in each worker.
 *
 * A file is read in steps, so that a worker goes on with its work, and counts once
 * it has been read whole.  It is to be replaced by rename: what is open stays as it
 * was.
 */
#ifndef PORTED_TABLE_H
#define PORTED_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define PORTED_BLOCK     4096
#define PORTED_LINE_MAX  64             /* bytes, but for comments                */
#define PORTED_STEP      (256 * 1024)   /* bytes of one step                      */

typedef struct { uint64_t number, offset; } ported_block_t;

typedef struct {
    int              fd;                /* -1: none                               */
    uint64_t         size, mtime, inode;
    ported_block_t  *blocks;
    uint32_t         n, cap;
    /* of the reading */
    uint64_t         read, numbers, last;
    uint32_t         line;
    char            *rest;              /* a line that is not whole yet           */
    size_t           nrest;
} ported_table_t;


/* 0; or -1 with a sentence in err, and nothing open */
int ported_table_open(ported_table_t *t, const char *path, char *err, size_t errcap);

/* 1: there is more to read; 0: it is whole; -1 with a sentence in err */
int ported_table_step(ported_table_t *t, char *err, size_t errcap);

/* 1 where the file behind "path" is another one, or was written to */
int ported_table_changed(const ported_table_t *t, const char *path);

/* 1 with mcc and mnc; 0: it is not there; -1: the file cannot be read */
int ported_table_find(const ported_table_t *t, uint64_t number, uint16_t *mcc,
    uint16_t *mnc);

/* also for one that was never opened, if it is all zeros or closed */
void ported_table_close(ported_table_t *t);

/* one line, without its end: 1 a number; 0 a comment or empty; -1 neither */
int ported_line(const char *p, size_t n, uint64_t *number, uint16_t *mcc, uint16_t *mnc);


#endif /* PORTED_TABLE_H */
