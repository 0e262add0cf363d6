/*
 * A link at work in this worker: its binds' leases, claims on the wire, and
 * the results on their way to the database.
 */
#ifndef NGX_SMS_LINK_H
#define NGX_SMS_LINK_H

#include "ngx_sms_leases.h"
#include "ngx_sms_pg_batch.h"
#include "ngx_sms_plugin.h"
#include "ngx_sms_sent.h"
#include "ngx_sms_store_flow.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_zone.h"


#define NGX_SMS_BINDS_MAX  64
#define NGX_SMS_BIND_NAME  32
#define NGX_SMS_CLAIM_MAX  500          /* parts of one claim */

/*
 * Results and receipts of few parts wait so long for others, ms: nobody waits for
 * them, and a commit for each claim would cost as much as a hundred parts.
 */
#define NGX_SMS_LINK_LINGER       30
#define NGX_SMS_LINK_LINGER_ROWS  200


typedef struct ngx_sms_link_s  ngx_sms_link_t;
typedef struct ngx_sms_inquiry_s  ngx_sms_inquiry_t;

typedef struct {
    ngx_sms_link_t          *link;
    ngx_sms_lease_t         *lease;
    size_t                   name_len;
    u_char                   name[NGX_SMS_BIND_NAME];
} ngx_sms_bind_t;

/* a claim that is asked for */
typedef struct {
    ngx_sms_link_t          *link;
    ngx_sms_store_query_t   *query;         /* NULL: none                     */
    u_char                   id[16];
    ngx_uint_t               parts;         /* at most                        */
} ngx_sms_ask_t;

struct ngx_sms_link_s {
    uint32_t                 id;
    ngx_sms_plugin_t        *plugin;
    ngx_sms_plugins_t       *plugins;
    ngx_sms_zone_t          *zone;
    ngx_log_t               *log;
    ngx_sms_timer_t          timer;
    ngx_sms_timer_t          tell;          /* others of an OTP in the lane   */
    ngx_sms_store_query_t   *telling;       /* NULL: nobody is being told     */
    ngx_sms_ask_t            all;           /* of all lanes                   */
    ngx_sms_ask_t            otp;           /* of the OTP lane                */
    ngx_sms_pg_batch_t      *submitted;     /* results to be stored           */
    ngx_sms_pg_batch_t      *receipts;
    ngx_sms_sent_t          *sent;          /* NULL: nothing yet              */
    ngx_sms_inquiry_t       *inquiry;       /* NULL: never                    */
    ngx_sms_pg_batch_spec_t  submitted_spec, receipts_spec;
    ngx_uint_t               nbinds, nheld;
    ngx_sms_bind_t           binds[NGX_SMS_BINDS_MAX];
    uint32_t                 window_max;
    ngx_uint_t               inflight;      /* parts without a result         */
    ngx_uint_t               promised;      /* parts to batches of intake     */
    ngx_uint_t               claims;        /* without a stored result        */
    ngx_queue_t              waiting;       /* claims with parts to go again  */
    ngx_msec_t               quiet_at;      /* last seen at work when leaving */
    ngx_msec_t               look;          /* pause before the next look     */
    ngx_msec_t               rest_until;    /* while "resting"                */
    ngx_msec_t               told_at;       /* of an OTP, last                */
    unsigned                 more:1;        /* the queue may not be empty     */
    unsigned                 more_otp:1;    /* an OTP was queued here         */
    unsigned                 drained:1;     /* the last look left nothing     */
    unsigned                 drained_otp:1; /* of the OTP lane                */
    unsigned                 untold:1;      /* an OTP, since told_at          */
    unsigned                 resting:1;     /* the operator said stop         */
};


ngx_int_t ngx_sms_link_init(ngx_sms_link_t *link, ngx_sms_plugin_t *plugin,
    ngx_sms_plugins_t *plugins, ngx_sms_zone_t *zone, ngx_log_t *log);
void ngx_sms_link_exit(ngx_sms_link_t *link);

/*
 * Works on the rows of the claim "id": everything is copied.  Each message ends in a
 * stored result, whatever becomes of the adapter.  NGX_ERROR without memory:
 * then nothing was written to the wire.
 */
ngx_int_t ngx_sms_link_submit(ngx_sms_link_t *link, const u_char id[16],
    const ngx_sms_pg_res_t *res);

/* the same of messages that this worker has in hand */
ngx_int_t ngx_sms_link_submit_rows(ngx_sms_link_t *link, const u_char id[16],
    ngx_sms_store_row_t *rows, ngx_uint_t n);

/* 1: nothing shall be claimed: the operator refuses whatever comes (SMS_SUBMIT_STOP) */
ngx_uint_t ngx_sms_link_rests(ngx_sms_link_t *link);
void ngx_sms_link_rest(ngx_sms_link_t *link, uint32_t ms);

/* 1: claims are asked for, on the wire, or their results not yet stored */
ngx_uint_t ngx_sms_link_busy(const ngx_sms_link_t *link);

/*
 * What was claimed cannot be brought to its end here: a new epoch of the leases
 * makes it an old one's, which upkeep decides.
 */
void ngx_sms_link_renounce(ngx_sms_link_t *link);

#endif /* NGX_SMS_LINK_H */
