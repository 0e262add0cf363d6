/*
 * ngx_sms_pg_flight.h - what a batcher's flights are made of; for
 * ngx_sms_pg_batch.c alone.
 */
#ifndef NGX_SMS_PG_FLIGHT_H
#define NGX_SMS_PG_FLIGHT_H

#include "ngx_sms_pg_batch.h"


/*
 * Rows of a batch that is not large yet: it takes whatever waits, and while a
 * batch is on its way fewer rows wait for its answer.  A statement's beginning
 * costs as much as ten rows.
 */
#define NGX_SMS_PG_FLIGHT_SMALL  48


struct ngx_sms_pg_batch_s {
    ngx_sms_pg_conn_t              *conn;
    const ngx_sms_pg_batch_spec_t  *spec;
    ngx_log_t                      *log;
    ngx_sms_pg_watcher_t            watcher;

    ngx_queue_t                     waiting;    /* entries not yet built      */
    ngx_queue_t                     built;      /* flights not on the wire    */
    ngx_queue_t                     flying;

    ngx_uint_t                      max_rows;
    size_t                          max_octets;
    ngx_uint_t                      max_inflight;
    ngx_uint_t                      limit_rows;

    ngx_event_t                     flush;      /* posted                     */
    ngx_event_t                     timer;      /* a flight's back-off ends   */
    ngx_event_t                     guard;      /* keeps a leaving worker     */
    ngx_event_t                     linger;     /* runs while few rows wait   */
    ngx_uint_t                      last_rows;  /* of the last batch taken    */
    ngx_msec_t                      pause_until;
    ngx_msec_t                      pause;      /* length of the last one     */

    ngx_sms_pg_batch_info_t         info;
};


/* A batch of what waits, built.  NULL without memory: its entries are answered
 * or still waiting. */
ngx_sms_pg_flight_t *ngx_sms_pg_flight_take(ngx_sms_pg_batch_t *b);

/* the first entries of a flight that was refused, whose rows "from" counts no
 * more; NULL as above */
ngx_sms_pg_flight_t *ngx_sms_pg_flight_part(ngx_sms_pg_batch_t *b,
    ngx_queue_t *from, ngx_uint_t max_entries);

void ngx_sms_pg_flight_free(ngx_sms_pg_flight_t *f);

#endif /* NGX_SMS_PG_FLIGHT_H */
