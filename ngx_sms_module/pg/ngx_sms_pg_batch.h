/*
 * ngx_sms_pg_batch.h - group commit: many callers' rows, one statement.
 *
 * A batcher belongs to one statement on one connection.  Callers add entries;
 * what came in until the loop turns is one batch, and while "inflight" batches
 * are unanswered the next one collects.  The answer to a batch sends the next,
 * so load makes batches big and idleness makes them one row; there is no timer
 * to tune, but where nobody waits for the answer and a commit less is worth more
 * ("linger").  Of many rows a batch takes no more than its share of all that is
 * unanswered, the oldest and what is of its kin (docs/decisions/batch-share.md).
 *
 * ENTRY   lives in the owner's memory (a request) from _add() until done() has
 *         handed it out by ngx_sms_pg_batch_next(), or until _detach(), which
 *         is allowed at any time (client left, deadline).  The owner's deadline
 *         timer is what keeps a leaving worker for it.
 * FLIGHT  one batch on its way: a pool, the parameters, the entries that are
 *         still waiting.  build() copies everything that the statement needs
 *         into the pool, because a flight may outlive its entries.
 *
 * OUTCOMES (D1)
 *   committed           done(OK)
 *   connection lost     unknown: the very same parameters are sent again on the
 *                       next connection until there is an answer.  Never
 *                       regrouped, never split, also when all entries have left.
 *   RETRY, WAIT,        rolled back, cause passes: the same again, after
 *   RECONNECT           50 ms … 5 s; dropped when nobody waits for it any more.
 *   SPLIT               rolled back: entries that still wait are built anew (a
 *                       new batch id) in two halves; a batch of one entry gets
 *                       done(ERROR).
 *   FAIL                rolled back, any row would fail: done(ERROR) for all.
 *   A flight that was once unknown is split or failed only by classes 22, 23
 *   and P0, which its first sending would have met as well; for any other error
 *   it is sent again unchanged, because the first sending may yet be committed.
 *
 * The statement must recognise a batch id that it has already committed.
 */
#ifndef NGX_SMS_PG_BATCH_H
#define NGX_SMS_PG_BATCH_H

#include "ngx_sms_pg_query.h"

typedef struct ngx_sms_pg_batch_s   ngx_sms_pg_batch_t;
typedef struct ngx_sms_pg_flight_s  ngx_sms_pg_flight_t;

typedef struct {
    uint32_t              rows;             /* set by the owner, at least 1   */
    uint32_t              octets;           /* about, of its parameters       */
    uint32_t              kin;              /* what costs less together; or 0 */
    /* private */
    ngx_queue_t           queue;
    ngx_sms_pg_batch_t   *batch;            /* NULL: not in a batcher         */
    ngx_sms_pg_flight_t  *flight;           /* NULL: not yet built            */
} ngx_sms_pg_entry_t;

struct ngx_sms_pg_flight_s {
    ngx_pool_t           *pool;
    ngx_sms_pg_param_t   *params;           /* build() sets, from the pool    */
    void                 *ctx;              /* build()'s own, from the pool   */
    ngx_uint_t            nentries;         /* when built                     */
    ngx_uint_t            rows;             /* when built                     */
    size_t                octets;           /* when built, about              */
    ngx_uint_t            sent;             /* times                          */
    /* private */
    ngx_sms_pg_batch_t   *batch;
    ngx_queue_t           entries;
    ngx_queue_t           queue;
    ngx_sms_pg_query_t    query;
    ngx_msec_t            not_before;
    ngx_msec_t            backoff;
    ngx_msec_t            sent_at;
    unsigned              unknown:1;
    unsigned              inflight:1;
};

typedef struct {
    const char               *name;         /* logs and metrics               */
    const ngx_sms_pg_stmt_t  *stmt;
    ngx_uint_t                max_rows;     /* 0: conf->batch_rows …          */
    size_t                    max_octets;
    ngx_uint_t                inflight;
    ngx_uint_t                limit_rows;   /* unanswered, before NGX_BUSY    */
    ngx_msec_t                linger;       /* how long fewer rows than these */
    ngx_uint_t                linger_rows;  /* wait for more; 0: not at all   */
    unsigned                  text:1;       /* results as text                */

    /* Fills f->params (stmt->nparams) from the entries, in their order: walk
     * with ngx_sms_pg_batch_first/_after.  NGX_ERROR: no memory; the entries
     * get done(ERROR) with sqlstate 53200.                                   */
    ngx_int_t               (*build)(void *data, ngx_sms_pg_flight_t *f);
    /* OK or ERROR, never UNKNOWN.  Take the entries by _next().              */
    void                    (*done)(void *data, ngx_sms_pg_flight_t *f,
                                    const ngx_sms_pg_res_t *res);
    /* observed latency of each answered sending, or NULL                     */
    void                    (*observe)(void *data, ngx_uint_t rows,
                                       ngx_msec_t ms);
    void                     *data;
} ngx_sms_pg_batch_spec_t;

typedef struct {
    uint64_t    batches;                    /* committed                      */
    uint64_t    rows;                       /* committed                      */
    uint64_t    sendings;
    uint64_t    resent;                     /* unknown, sent again            */
    uint64_t    retried;                    /* rolled back, sent again        */
    uint64_t    split;
    uint64_t    failed;                     /* batches that ended in ERROR    */
    uint64_t    refused;                    /* NGX_BUSY                       */
    ngx_uint_t  inflight;                   /* batches now                    */
    ngx_uint_t  waiting_rows;               /* not on the wire                */
    ngx_uint_t  unanswered_rows;            /* waiting and on the wire        */
} ngx_sms_pg_batch_info_t;

ngx_sms_pg_batch_t *ngx_sms_pg_batch_create(ngx_sms_pg_conn_t *pc,
    const ngx_sms_pg_batch_spec_t *spec);
/* in exit_process, before the connection's; no callbacks any more            */
void ngx_sms_pg_batch_destroy(ngx_sms_pg_batch_t *b);

/* NGX_OK; NGX_BUSY: limit_rows reached, answer 503 with Retry-After.  Also
 * while the connection is down: entries wait for it.                         */
ngx_int_t ngx_sms_pg_batch_add(ngx_sms_pg_batch_t *b, ngx_sms_pg_entry_t *e);
/* harmless on an entry that is in no batcher                                 */
void ngx_sms_pg_batch_detach(ngx_sms_pg_entry_t *e);

/* in build(): look at each entry */
ngx_sms_pg_entry_t *ngx_sms_pg_batch_first(ngx_sms_pg_flight_t *f);
ngx_sms_pg_entry_t *ngx_sms_pg_batch_after(ngx_sms_pg_flight_t *f,
    ngx_sms_pg_entry_t *e);
/* in done(): take out the next entry, NULL at the end; it is the owner's again */
ngx_sms_pg_entry_t *ngx_sms_pg_batch_next(ngx_sms_pg_flight_t *f);

void ngx_sms_pg_batch_info(const ngx_sms_pg_batch_t *b,
    ngx_sms_pg_batch_info_t *info);

#endif /* NGX_SMS_PG_BATCH_H */
