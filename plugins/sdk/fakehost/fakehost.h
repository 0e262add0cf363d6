/*
 * fakehost.h - a whole sms_host_t without nginx, for unit tests of plugins.
 *
 * One fakehost_t is one worker that has loaded one instance of one plugin.
 * Time is virtual: it stands still until the test moves it, and then everything
 * that falls due happens in order.  Nothing leaves the process unless the test
 * asks for real sockets.
 *
 *      fakehost_t  *fh = fakehost_new();
 *
 *      assert(fakehost_start(fh, &ops, conf, nconf, err, sizeof(err)) == SMS_OK);
 *      fakehost_batch_t  *b = fakehost_batch(FAKEHOST_RULE_EVALUATE, 7, 1, 0);
 *      sms_call_t         c = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
 *      fakehost_advance(fh, 5000);
 *      assert(fakehost_call_rc(fh, c) == SMS_OK);
 *      fakehost_call_end(fh, c);
 *      fakehost_batch_free(b);
 *      fakehost_stop(fh);
 *      assert(fakehost_left(fh) == 0 && fakehost_violations(fh) == 0);
 *      fakehost_free(fh);
 *
 * All functions are for the thread that made the fake host.  Strings given to
 * the fake host are copied; strings it returns live until fakehost_free().
 * Out of memory inside the fake host itself ends the process.
 */
#ifndef FAKEHOST_H
#define FAKEHOST_H

#include "sms_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fakehost_s  fakehost_t;

/* virtual time at the start: 2026-01-01 09:00:00 UTC, noon in Turkey          */
#define FAKEHOST_EPOCH_US  1767258000000000LL

/* The host may be built with a longer struct than the plugin (fields are only
 * ever appended).  Arrays have this many bytes more per element, filled with
 * FAKEHOST_CANARY, to show code that indexes by its own sizeof.                */
#define FAKEHOST_GAP       48
#define FAKEHOST_CANARY    0x5a


/* ---- one instance, from start to stop ------------------------------------ */

enum {                                  /* bits for fakehost_grant()              */
    FAKEHOST_STREAM = 1, FAKEHOST_HTTP = 2, FAKEHOST_DB = 4, FAKEHOST_DICT = 8,
    FAKEHOST_METRIC = 16, FAKEHOST_OUTBOX = 32, FAKEHOST_INBOUND = 64,
    FAKEHOST_ALL = 127
};

fakehost_t *fakehost_new(void);
void fakehost_free(fakehost_t *fh);
sms_host_t *fakehost_host(fakehost_t *fh);
void fakehost_grant(fakehost_t *fh, uint32_t tables);       /* default: ALL      */
void fakehost_name(fakehost_t *fh, const char *name);       /* of the instance   */

/* conf: "key=value" strings, read by fakehost_conf().  Runs check(), then
 * init().  On an error nothing is started and "err" says why.                   */
sms_rc_t fakehost_start(fakehost_t *fh, const sms_ops_t *ops,
    const char *const *conf, size_t nconf, char *err, size_t errcap);
/* drain(), cancel() for calls still open, exit().                                */
void fakehost_stop(fakehost_t *fh);
void *fakehost_instance(fakehost_t *fh);                     /* NULL: not started */

/* Timers, watches, streams and requests that the plugin still holds; after
 * fakehost_stop() anything but 0 is a leak.                                      */
uint32_t fakehost_left(fakehost_t *fh);
/* the names of what is left, "timer timer watch"                                 */
const char *fakehost_left_names(fakehost_t *fh);

/* Misuse of the host seen so far ("complete() of a call that has ended").        */
uint32_t fakehost_violations(fakehost_t *fh);
const char *fakehost_violation(fakehost_t *fh, uint32_t i);
void fakehost_forgive(fakehost_t *fh);                       /* forget them       */


/* ---- configuration ------------------------------------------------------- */

typedef struct fakehost_conf_s  fakehost_conf_t;

/*
 * Reads "key=value" strings by the table as the real host does:
 *
 *   STR, SECRET  any text                 INT    decimal, within min..max
 *   MSEC         500ms 5s 2m 1h 1d; a bare number is seconds, as in nginx
 *   SIZE         bytes, or with k, m, g   BOOL   on | off
 *   ENUM         one of choices "a|b|c"   PATH   made absolute
 *   LIST         may come several times; the others only once
 *
 * Unknown keys, doubled keys, missing required keys and wrong values are
 * refused: NULL, and the reason in "err".
 */
fakehost_conf_t *fakehost_conf(const sms_ops_t *ops, const char *const *conf,
    size_t nconf, char *err, size_t errcap);
const sms_conf_t *fakehost_conf_table(fakehost_conf_t *c);
/* what conf->links shows; fakehost_start() sets the same ones as host->links      */
void fakehost_conf_links(fakehost_conf_t *c, const sms_link_t *links, uint32_t n);
void fakehost_conf_free(fakehost_conf_t *c);
/* one value against one key of the table; also used for defaults                 */
sms_rc_t fakehost_conf_value(const sms_conf_key_t *key, const char *value,
    int64_t *num, char *err, size_t errcap);


/* ---- time ---------------------------------------------------------------- */

int64_t fakehost_now(fakehost_t *fh);
void fakehost_set_now(fakehost_t *fh, int64_t now_us);       /* never backwards   */
/* The next thing that is due, however far away: 1 = it happened, 0 = nothing
 * is waiting any more.                                                           */
int fakehost_step(fakehost_t *fh);
/* everything within the next "ms" of virtual time; returns how many things       */
uint32_t fakehost_advance(fakehost_t *fh, uint32_t ms);
/* the same, but the clock follows the real one: for real sockets and threads     */
uint32_t fakehost_live(fakehost_t *fh, uint32_t ms);
/* how many things wait (timers, answers, posts); watches are not counted         */
uint32_t fakehost_waiting(fakehost_t *fh);


/* ---- calls --------------------------------------------------------------- */

typedef enum {
    FAKEHOST_RULE_EVALUATE, FAKEHOST_CONSENT_LOOKUP, FAKEHOST_BILLING_QUOTE,
    FAKEHOST_BILLING_HOLD, FAKEHOST_BILLING_SETTLE, FAKEHOST_BILLING_RELEASE,
    FAKEHOST_ROUTER_CHOOSE, FAKEHOST_OPERATOR_SUBMIT, FAKEHOST_AUTH_CHECK,
    FAKEHOST_NOTIFIER_SEND, FAKEHOST_LOOKUP_NETWORK, FAKEHOST_HTTP_IN,
    FAKEHOST_OPS
} fakehost_op_t;

typedef enum {
    FAKEHOST_CALL_NONE,                 /* ended, or never was                    */
    FAKEHOST_CALL_RETURNED,             /* the function returned OK or an error   */
    FAKEHOST_CALL_OPEN,                 /* PENDING                                */
    FAKEHOST_CALL_COMPLETED,            /* PENDING, then complete()               */
    FAKEHOST_CALL_CANCELLED
} fakehost_state_t;

const char *fakehost_op_name(fakehost_op_t op);
uint32_t fakehost_op_kind(fakehost_op_t op);    /* bit of sms_manifest_t.kinds; 0: any */
int fakehost_op_offered(const sms_ops_t *ops, fakehost_op_t op);

/* Runs the operation.  The call and what the plugin allocated for it live until
 * fakehost_call_end(); 0: the operation is not offered.  A deadline_us of 0 is
 * set to five seconds from now.                                                  */
sms_call_t fakehost_call(fakehost_t *fh, fakehost_op_t op, sms_batch_t *batch);
fakehost_state_t fakehost_call_state(fakehost_t *fh, sms_call_t call);
sms_rc_t fakehost_call_rc(fakehost_t *fh, sms_call_t call);  /* SMS_PENDING: open */
void fakehost_cancel(fakehost_t *fh, sms_call_t call);
void fakehost_call_end(fakehost_t *fh, sms_call_t call);

/* A batch of n different, plausible items.  "variant" picks another set of
 * texts and numbers; "gap" is 0 or FAKEHOST_GAP.  Items are read-only pages and
 * end at an unreadable one; no string is followed by a NUL.                      */
typedef struct fakehost_batch_s {
    sms_batch_t  batch;
    void        *impl;
} fakehost_batch_t;

fakehost_batch_t *fakehost_batch(fakehost_op_t op, uint32_t n, uint32_t variant,
    uint32_t gap);
/* the same around items of your own: n of "size" bytes, not copied               */
fakehost_batch_t *fakehost_batch_of(fakehost_op_t op, const void *items,
    uint32_t size, uint32_t n);
/* any further touch of items or results by the plugin is a SIGSEGV               */
void fakehost_batch_seal(fakehost_batch_t *b);
/* 1: the gaps behind the results are as they were                                */
int fakehost_batch_intact(const fakehost_batch_t *b);
void fakehost_batch_free(fakehost_batch_t *b);

uint32_t fakehost_window(fakehost_t *fh);       /* operator_window(); 0: not offered */
int fakehost_ready(fakehost_t *fh);             /* ready(); 1: not offered         */
uint32_t fakehost_window_opened(fakehost_t *fh);/* calls of window_open()          */


/* ---- making services fail ------------------------------------------------ */

typedef enum {
    FAKEHOST_ON_ALLOC, FAKEHOST_ON_POST, FAKEHOST_ON_LEASE_WANT, FAKEHOST_ON_TIMER,
    FAKEHOST_ON_WATCH, FAKEHOST_ON_REWATCH, FAKEHOST_ON_CONNECT, FAKEHOST_ON_WRITE,
    FAKEHOST_ON_REQUEST, FAKEHOST_ON_ANSWER,    /* http: at once; in done()        */
    FAKEHOST_ON_PREPARE, FAKEHOST_ON_QUERY, FAKEHOST_ON_ROWS,
    FAKEHOST_ON_GET, FAKEHOST_ON_SET, FAKEHOST_ON_INCR, FAKEHOST_ON_DEFINE,
    FAKEHOST_ON_PUT, FAKEHOST_ON_COMMIT,        /* outbox: at once; in done()      */
    FAKEHOST_ON_DELIVER, FAKEHOST_ON_STORED,    /* inbound: at once; in done()     */
    FAKEHOST_SERVICES
} fakehost_service_t;

const char *fakehost_service_name(fakehost_service_t s);
/* nth 0: every use fails from now on; otherwise only the nth from now.  Functions
 * that return a handle, an id or a pointer return 0.  rc SMS_OK: works again.    */
void fakehost_fail(fakehost_t *fh, fakehost_service_t s, uint32_t nth, sms_rc_t rc);
uint32_t fakehost_used(fakehost_t *fh, fakehost_service_t s);


/* ---- far ends ------------------------------------------------------------ */

/* HTTP: the first rule whose method (NULL: any) is equal and whose "url" is a
 * prefix answers after delay_ms.  Without a rule: SMS_E_DOWN.                     */
void fakehost_http_answer(fakehost_t *fh, const char *method, const char *url,
    uint32_t status, const char *body, uint32_t delay_ms);
uint32_t fakehost_http_count(fakehost_t *fh);
/* "POST https://host/path\n\nbody" of request i, from 0                          */
const char *fakehost_http_sent(fakehost_t *fh, uint32_t i);

/* Database: the first rule whose text is part of the prepared SQL answers with
 * rows: nrows * ncols cells, NULL is NULL.  Without a rule: no rows.              */
void fakehost_db_answer(fakehost_t *fh, const char *sql_part, uint32_t nrows,
    uint32_t ncols, const char *const *cells);
uint32_t fakehost_db_count(fakehost_t *fh);
const char *fakehost_db_sent(fakehost_t *fh, uint32_t i);   /* "sql\n$1\n$2"      */

/* Streams: a peer in memory.  "data" is what the plugin wrote, and returns the
 * bytes it used, like the plugin's own callback.  Any member may be NULL.         */
typedef struct fakehost_peer_s {
    /* SMS_OK: connected after delay_ms; E_*: closed() with that code             */
    sms_rc_t (*accept)(void *d, fakehost_t *fh, sms_handle_t s, sms_str_t peer,
                       uint32_t port, const sms_tls_t *tls);
    size_t   (*data)(void *d, fakehost_t *fh, sms_handle_t s, const char *p, size_t n);
    void     (*closed)(void *d, fakehost_t *fh, sms_handle_t s);
    uint32_t   delay_ms;
} fakehost_peer_t;

/* NULL: nobody listens, connections end in SMS_E_DOWN                            */
void fakehost_peer(fakehost_t *fh, const fakehost_peer_t *peer, void *d);
/* bytes from the peer; delivered in pieces of "piece" bytes (0: at once)         */
void fakehost_peer_send(fakehost_t *fh, sms_handle_t s, const void *p, size_t n,
    size_t piece);
void fakehost_peer_close(fakehost_t *fh, sms_handle_t s, sms_rc_t why);
/* From now on connect() opens real, plain TCP to numeric addresses; drive with
 * fakehost_live().  A connection with TLS ends in SMS_E_DENIED.                   */
void fakehost_real_sockets(fakehost_t *fh, int on);


/* ---- what the plugin told the host --------------------------------------- */

uint32_t fakehost_log_count(fakehost_t *fh);
const char *fakehost_log_line(fakehost_t *fh, uint32_t i);  /* "warn: text"       */
void fakehost_log_echo(fakehost_t *fh, int on);             /* to stderr as well  */

/* deep copies, in order of delivery; done() comes after delay_ms (default 1)     */
uint32_t fakehost_inbound_count(fakehost_t *fh);
const sms_inbound_t *fakehost_inbound(fakehost_t *fh, uint32_t i);
int fakehost_inbound_stored(fakehost_t *fh, uint32_t i);    /* done(SMS_OK) ran   */

uint32_t fakehost_outbox_count(fakehost_t *fh);
const char *fakehost_outbox(fakehost_t *fh, uint32_t i);    /* "topic key payload" */

int64_t fakehost_metric(fakehost_t *fh, const char *name);  /* sum of add()       */
const char *fakehost_dict(fakehost_t *fh, const char *key); /* NULL: not there    */
void fakehost_dict_set(fakehost_t *fh, const char *key, const char *value);

/* Leases.  By default a wanted lease is won at once; manual: only by give().      */
void fakehost_lease_manual(fakehost_t *fh, int on);
void fakehost_lease_give(fakehost_t *fh, const char *name);
void fakehost_lease_take(fakehost_t *fh, const char *name);
/* on: not valid any more, and lease() has not told yet                            */
void fakehost_lease_lapse(fakehost_t *fh, const char *name, int on);
int fakehost_lease_wanted(fakehost_t *fh, const char *name);
/* 1: a timer of the plugin makes a worker wait that was told to leave            */
int fakehost_keeps(fakehost_t *fh);
uint32_t fakehost_lease_count(fakehost_t *fh);
const char *fakehost_lease_name(fakehost_t *fh, uint32_t i);
/* what bind_told() said last of this lease; NULL: nothing                         */
const sms_bind_t *fakehost_bind(fakehost_t *fh, const char *name);


/* ---- the plugin's use of time -------------------------------------------- */

typedef struct fakehost_timing_s {
    uint32_t     count;
    int64_t      cpu_min_us, cpu_max_us;    /* of this thread                     */
    int64_t      wall_min_us, wall_max_us;
    int64_t      waits_min;                 /* times it gave up the processor     */
    const char  *slowest;                   /* callback with cpu_max_us           */
} fakehost_timing_t;

/* of callbacks since the last reset; "what" NULL: all, else "timer", "init" ...   */
fakehost_timing_t fakehost_timing(fakehost_t *fh, const char *what);
void fakehost_timing_reset(fakehost_t *fh);
/* The name of the callback that runs is kept here, also through a crash when the
 * memory is shared; empty between callbacks.                                      */
void fakehost_blame(fakehost_t *fh, char *buf, size_t cap);
/* 1 while code of the plugin, and not the fake host, runs on this thread          */
int fakehost_in_plugin(void);

#ifdef __cplusplus
}
#endif
#endif /* FAKEHOST_H */
