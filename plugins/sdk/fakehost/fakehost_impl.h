/*
 * fakehost_impl.h - the inside of the fake host, shared by its own files only.
 *
 * Everything that will happen is a fakehost_event_t in one list ordered by time
 * and then by arrival.  A handle that the plugin holds is the number of its
 * event, watch or stream.
 */
#ifndef FAKEHOST_IMPL_H
#define FAKEHOST_IMPL_H

#include "fakehost.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKEHOST_CALLS    256
#define FAKEHOST_LINKS    3
#define FAKEHOST_LEASES   64
#define FAKEHOST_UNSENT   (256 * 1024)
#define FAKEHOST_KEY      255
#define FAKEHOST_VALUE    8192

typedef struct fakehost_event_s  fakehost_event_t;
typedef void (*fakehost_fire_pt)(fakehost_t *fh, fakehost_event_t *ev);

typedef enum { FAKEHOST_EV_TIMER, FAKEHOST_EV_POST, FAKEHOST_EV_HTTP, FAKEHOST_EV_DB,
               FAKEHOST_EV_DONE, FAKEHOST_EV_LEASE, FAKEHOST_EV_STREAM
} fakehost_kind_t;

struct fakehost_event_s {
    fakehost_event_t  *next;
    int64_t            at_us;
    sms_handle_t       handle;
    fakehost_kind_t    kind;
    fakehost_fire_pt   fire;
    void             (*drop)(fakehost_event_t *ev);     /* frees what is behind "more" */
    sms_fn             fn;
    void              *data;
    void              *more;
    uint64_t           number;
    uint32_t           keep;                            /* the worker waits for it  */
    sms_rc_t           rc;
};

typedef struct fakehost_watch_s {
    struct fakehost_watch_s  *next;
    sms_handle_t              handle;
    int                       fd;
    uint32_t                  want;
    sms_fd_fn                 fn;
    void                     *data;
} fakehost_watch_t;

typedef struct { size_t n, cap; void **at; } fakehost_list_t;

typedef struct fakehost_stream_s {
    struct fakehost_stream_s  *next;
    sms_handle_t               handle;
    sms_stream_cb_t            cb;
    void                      *data;
    int                        fd;                      /* -1: in memory              */
    unsigned                   open:1, closing:1, starved:1, gone:1;
    int64_t                    deadline_us;
    char                      *in, *out;                /* to the plugin, to the peer */
    size_t                     nin, nout, visible, piece;
} fakehost_stream_t;

typedef struct fakehost_block_s {
    struct fakehost_block_s  *next;
    size_t                    size;
} fakehost_block_t;

typedef struct {
    uint32_t           generation;
    fakehost_state_t   state;
    fakehost_op_t      op;
    sms_rc_t           rc;
    fakehost_block_t  *blocks;
} fakehost_slot_t;

typedef struct { uint32_t used, nth; sms_rc_t rc; } fakehost_plan_t;
typedef struct {
    char *name; int wanted, held, lapsed; uint64_t epoch;
    uint32_t told; sms_bind_t bind; char error[128];
} fakehost_lease_t;
typedef struct { char *key, *value; size_t len; int64_t until_us; } fakehost_entry_t;
typedef struct { char *name; uint32_t type; int64_t sum; } fakehost_metric_t;
typedef struct { char *method, *url, *body; uint32_t status, delay_ms; } fakehost_rule_t;
typedef struct { char *part; uint32_t nrows, ncols; char **cells; } fakehost_rows_t;
typedef struct { sms_inbound_t ev; int stored; } fakehost_received_t;
typedef struct { char *what; fakehost_timing_t t; } fakehost_clock_t;

struct fakehost_s {
    struct sms_host_s    host;
    sms_core_api_t       core;
    sms_loop_api_t       loop;
    sms_stream_api_t     stream;
    sms_http_api_t       http;
    sms_db_api_t         db;
    sms_dict_api_t       dict;
    sms_metric_api_t     metric;
    sms_outbox_api_t     outbox;
    sms_inbound_api_t    inbound;
    sms_link_t           links[FAKEHOST_LINKS];

    const sms_ops_t     *ops;
    fakehost_conf_t     *conf;
    void                *inst;
    char                *name;
    int                  started, starting, echo;
    pthread_t            thread;

    int64_t              now_us, mono_us;
    sms_handle_t         last_handle;
    fakehost_event_t    *events;
    fakehost_event_t    *posted;                        /* under "lock"               */
    pthread_mutex_t      lock;
    int                  wake[2];
    fakehost_watch_t    *watches;
    fakehost_stream_t   *streams;
    fakehost_peer_t      peer;
    void                *peer_data;
    int                  has_peer, real_sockets;

    fakehost_slot_t      calls[FAKEHOST_CALLS];
    fakehost_plan_t      plans[FAKEHOST_SERVICES];
    fakehost_list_t      leases, entries, metrics, rules, requests, rows, statements,
                         queries, logs, received, puts, faults, clocks;
    int                  lease_manual;
    uint64_t             lease_epoch;
    uint32_t             windows;
    char                *blame, *left;
    size_t               blame_cap;
};

extern __thread int  fakehost_plugin_runs;

/* a service of the host begins: not the plugin's code until FAKEHOST_LEAVE       */
#define FAKEHOST_ENTER(h, what)                                                \
    fakehost_t  *fh = (h)->impl;                                               \
    int          fakehost_was = fakehost_enter(fh, what)
#define FAKEHOST_LEAVE()  (fakehost_plugin_runs = fakehost_was)

typedef struct { int was; int64_t cpu, wall; long waits; char what[48]; } fakehost_span_t;

/* fakehost.c */
int fakehost_enter(fakehost_t *fh, const char *what);
void fakehost_begin(fakehost_t *fh, fakehost_span_t *span, const char *what);
void fakehost_finish(fakehost_t *fh, fakehost_span_t *span);
void fakehost_fault(fakehost_t *fh, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int fakehost_failing(fakehost_t *fh, fakehost_service_t s, sms_rc_t *rc);

/* fakehost_memory.c */
void *fakehost_grab(size_t n);
char *fakehost_copy(const char *p, size_t n);
char *fakehost_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fakehost_push(fakehost_list_t *l, void *p);
void fakehost_list_free(fakehost_list_t *l);

/* fakehost_event.c */
fakehost_event_t *fakehost_event(fakehost_t *fh, fakehost_kind_t kind, uint32_t delay_ms,
    fakehost_fire_pt fire);
int fakehost_event_stop(fakehost_t *fh, sms_handle_t handle, fakehost_kind_t kind);
void fakehost_event_done(fakehost_t *fh, void (*done)(void *d, sms_rc_t rc), void *d,
    sms_rc_t rc);
void fakehost_event_clear(fakehost_t *fh);

/* the tables, each filled by the file of its noun */
void fakehost_core_table(fakehost_t *fh);
void fakehost_lease_table(fakehost_t *fh);
void fakehost_loop_table(fakehost_t *fh);
void fakehost_stream_table(fakehost_t *fh);
void fakehost_http_table(fakehost_t *fh);
void fakehost_db_table(fakehost_t *fh);
void fakehost_dict_table(fakehost_t *fh);
void fakehost_metric_table(fakehost_t *fh);
void fakehost_outbox_table(fakehost_t *fh);
void fakehost_inbound_table(fakehost_t *fh);

/* release of what a file keeps in the host */
void fakehost_call_clear(fakehost_t *fh);
void fakehost_watch_clear(fakehost_t *fh);
void fakehost_stream_clear(fakehost_t *fh);
void fakehost_http_clear(fakehost_t *fh);
void fakehost_db_clear(fakehost_t *fh);
void fakehost_dict_clear(fakehost_t *fh);
void fakehost_metric_clear(fakehost_t *fh);
void fakehost_lease_clear(fakehost_t *fh);
void fakehost_inbound_clear(fakehost_t *fh);

/* fakehost_socket.c, called by fakehost_stream.c and the event loop */
int fakehost_socket_open(fakehost_stream_t *s, sms_str_t peer, uint32_t port);
int fakehost_socket_pump(fakehost_t *fh, int timeout_ms);
/* fakehost_stream.c */
void fakehost_stream_opened(fakehost_t *fh, fakehost_stream_t *s);
void fakehost_stream_feed(fakehost_t *fh, fakehost_stream_t *s);
void fakehost_stream_gone(fakehost_t *fh, fakehost_stream_t *s, sms_rc_t why);
void fakehost_stream_writable(fakehost_t *fh, fakehost_stream_t *s);
void fakehost_stream_append(char **buf, size_t *len, const void *p, size_t n);

#endif /* FAKEHOST_IMPL_H */
