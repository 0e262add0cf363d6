/*
 * A claim: messages of a link, their parts on the wire, and the results on their way
 * home.
 *
 * Where some parts of a long message are out and the operator puts off others (busy,
 * throttled), these alone go again, a little later and under the same claim; what is
 * known of the rest is stored meanwhile.  A message that goes again as a whole would
 * reach its recipient in part twice.
 */
#ifndef NGX_SMS_CLAIM_H
#define NGX_SMS_CLAIM_H

#include "ngx_sms_link.h"
#include "ngx_sms_stored.h"


/* one claim: messages, their parts, and the results on their way home */
typedef struct {
    ngx_sms_pg_entry_t       entry;
    ngx_pool_t              *pool;
    ngx_sms_link_t          *link;
    u_char                   id[16];
    ngx_sms_stored_t         st;
    ngx_uint_t               parts;         /* promised until it goes         */
    ngx_sms_store_submit_t  *results;
    ngx_uint_t               nresults;
    int64_t                  submitted_us;
    /* parts that the operator puts off while others of their message are out */
    u_char                  *out;           /* rows: NGX_SMS_CLAIM_*          */
    sms_part_t              *again;
    ngx_uint_t               nagain;
    ngx_uint_t               round;
    ngx_msec_t               wait;          /* until they go                  */
    ngx_sms_timer_t          timer;
    ngx_queue_t              queue;         /* link->waiting                  */
} ngx_sms_claim_t;

#define ngx_sms_claim_of(e)  ngx_queue_data(e, ngx_sms_claim_t, entry)


/* NULL: no memory */
ngx_sms_claim_t *ngx_sms_claim_create(ngx_sms_link_t *link,
    const u_char id[16]);

/* once its rows are in claim->st; on NGX_ERROR the claim is gone */
ngx_int_t ngx_sms_claim_start(ngx_sms_claim_t *claim);

/*
 * The results of claim->entry are stored, or not; "fresh": none was there before.  The
 * claim is gone, or waits for its last parts.
 */
void ngx_sms_claim_stored(ngx_sms_claim_t *claim, ngx_uint_t stored,
    ngx_uint_t fresh);

/* the worker goes: what waits is in doubt */
void ngx_sms_claims_exit(ngx_sms_link_t *link);

#endif /* NGX_SMS_CLAIM_H */
