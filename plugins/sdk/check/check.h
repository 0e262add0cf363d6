/*
 * check.h - sms-plugin-check FILE.so [--allow LIB]... [key=value]...
 *
 * Runs a plugin under the fake host and says in TAP what it does wrong.  Each
 * group of checks is a child process: a plugin that crashes, hangs or corrupts
 * memory fails its group and is named for it, and the other groups still run.
 *
 * Exit code: 0 all passed, 1 something failed, 2 wrong usage.
 */
#ifndef CHECK_H
#define CHECK_H

#include "fakehost.h"

#define CHECK_CONF_MAX   64
#define CHECK_ALLOW_MAX  32

/* survives the child: who was at work when it died */
typedef struct { char step[256], blame[64]; } check_trace_t;

typedef struct check_s {
    const char          *file;
    const char          *conf[CHECK_CONF_MAX];
    size_t               nconf;
    const char          *allow[CHECK_ALLOW_MAX];
    size_t               nallow;
    uint32_t             limit_s;       /* wall time of a group                   */
    uint32_t             slack;         /* times SMS_CALLBACK_BUDGET_US           */
    sms_manifest_t       manifest;
    const sms_ops_t     *ops;           /* in children, after check_load()        */
    int                  out;           /* pipe to the parent                     */
    check_trace_t       *trace;
} check_t;

/* check_report.c: each line is one test; check_step() names what is being done  */
void check_ok(check_t *c, int pass, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void check_skip(check_t *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_note(check_t *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* the last line of a child: without it the plugin has ended the process          */
void check_end(check_t *c);
void check_step(check_t *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* groups */
void check_file(check_t *c);            /* check_file.c: the ELF file, not loaded */
void check_preload(const check_t *c);   /* its libraries, whose constructors are theirs */
void check_constructor(check_t *c);     /* check_load.c                           */
void check_keys(check_t *c);            /* check_keys.c                           */
void check_life(check_t *c);            /* check_life.c                           */
void check_ops(check_t *c);             /* check_ops.c                            */
void check_cancel(check_t *c);          /* check_cancel.c                         */
void check_faults(check_t *c);          /* check_faults.c                         */
void check_time(check_t *c);            /* check_time.c                           */

/* check_load.c: dlopen() in this process; 0 on failure, reported as a test      */
int check_load(check_t *c);

/* check_drive.c: a fake host with far ends that answer, started; NULL: reported  */
fakehost_t *check_host(check_t *c);
sms_rc_t check_start(check_t *c, fakehost_t *fh, char *err, size_t errcap);
/* until the call ends: NULL, or what is wrong ("will never be completed")        */
const char *check_drive(check_t *c, fakehost_t *fh, sms_call_t call);
/* stops and frees; NULL, or what it left behind or misused                       */
const char *check_finish(fakehost_t *fh);
uint32_t check_variant(const check_t *c, fakehost_op_t op);

/* check_result.c: NULL, or the first thing that is wrong with the results        */
const char *check_result(fakehost_t *fh, fakehost_op_t op, const fakehost_batch_t *b);
/* every string of the results, joined; the caller frees                          */
char *check_strings(fakehost_op_t op, const fakehost_batch_t *b);

/* check_heap.c: blocks (under a sanitizer: bytes) that are allocated now         */
int64_t check_heap_live(void);
/* the k-th malloc by the plugin from now fails; 0: none.  Returns 0 where the
 * allocator cannot be replaced.                                                  */
int check_heap_fail(uint32_t k);
uint32_t check_heap_used(void);         /* mallocs by the plugin since then       */
int check_sanitized(void);

#endif /* CHECK_H */
