/*
 * A round of screen: messages that were taken, and what becomes of each.
 *
 * Asks for consent what the mirror does not know freshly, and routers for what
 * has no link yet; each message ends with an answer for sms.screened().  A
 * round lives until ngx_sms_round_destroy(), also when it never ended.
 *
 * Messages that need no asking do not wait for those that do: a round that has
 * both keeps the former, and leaves the latter due for the next round.  Messages
 * that wait alone just stay due, so the next round of such has to be whole; those
 * of a submission that waits together are told to wait alone from now on.
 */
#ifndef NGX_SMS_ROUND_H
#define NGX_SMS_ROUND_H

#include "ngx_sms_screen.h"
#include "ngx_sms_store_screen.h"
#include "ngx_sms_stored.h"


typedef struct {
    ngx_sms_store_screened_t     *answers;  /* n of them, valid when done     */
    ngx_uint_t                    n;
    ngx_sms_store_id_t           *groups;   /* submissions, or the messages   */
    ngx_uint_t                    ngroups;
    ngx_uint_t                    together; /* they are submissions           */
    ngx_uint_t                    whole;    /* set before start: leave none   */
    ngx_uint_t                    partial;  /* some were left                 */
    ngx_uint_t                    asking;   /* waits for a consent plugin     */
    ngx_queue_t                   queue;    /* the owner's                    */
    ngx_sms_store_query_t        *query;    /* the owner's                    */
    /* private */
    ngx_pool_t                   *pool;
    ngx_log_t                    *log;
    const ngx_sms_screen_conf_t  *conf;
    ngx_sms_zone_t               *zone;
    ngx_sms_stored_t              st;
    ngx_uint_t                    nth;      /* router                         */
    ngx_uint_t                   *asked;    /* rows of the plugin call        */
    ngx_uint_t                    nasked;
    ngx_sms_run_t                *run;
    ngx_uint_t                    looking;  /* a lookup is asked              */
    ngx_uint_t                    nlookup;  /* the next one                   */
    ngx_uint_t                    routing;
    ngx_uint_t                    unrouted; /* a router did not answer        */
    u_char                       *looked;   /* rows whose network is known    */
    u_char                       *why;      /* rows: ngx_sms_ineligible_e     */
    void                        (*done)(void *data);
    void                         *data;
} ngx_sms_round_t;


/* copies what screen_take() gave; NULL: no memory or unreadable */
ngx_sms_round_t *ngx_sms_round_create(const ngx_sms_screen_conf_t *conf,
    ngx_sms_zone_t *zone, const ngx_sms_pg_res_t *res, ngx_log_t *log);

/* done() may run before this returns */
void ngx_sms_round_start(ngx_sms_round_t *round, void (*done)(void *data),
    void *data);

/* how many of it have an answer: all that were not left */
ngx_uint_t ngx_sms_round_judged(const ngx_sms_round_t *round);

void ngx_sms_round_destroy(ngx_sms_round_t *round);

/*
 * For ngx_sms_round_route.c: asks a plugin about the rows of round->asked, NGX_OK when
 * its answer will come; and what becomes of a row, "code" a constant or in the pool.
 */
ngx_int_t ngx_sms_round_run(ngx_sms_round_t *round, ngx_sms_plugin_t *plugin,
    ngx_uint_t op, ngx_msec_t timeout);
void ngx_sms_round_decide(ngx_sms_round_t *round, ngx_uint_t i,
    ngx_uint_t outcome, const char *code);

#endif /* NGX_SMS_ROUND_H */
