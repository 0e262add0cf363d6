/*
 * Leases, links, upkeep, outbox and inbound messages.
 */
#ifndef NGX_SMS_STORE_LEASE_H
#define NGX_SMS_STORE_LEASE_H

#include "sms_plugin.h"
#include "ngx_sms_store.h"


typedef enum {
    NGX_SMS_STMT_LEASE_RENEW = 0,
    NGX_SMS_STMT_LEASE_RELEASE,
    NGX_SMS_STMT_LINK_REGISTER,
    NGX_SMS_STMT_OUTBOX_PUT,
    NGX_SMS_STMT_QUEUE_TELL,
    NGX_SMS_STORE_LEASE_STMTS
} ngx_sms_store_lease_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_lease_stmts[];
extern const ngx_sms_pg_stmt_t  ngx_sms_store_upkeep_stmt;      /* on "bulk" */


/* what a bind is at, as its adapter told: sms_bind_t, the sentence kept apart */
typedef struct {
    sms_bind_t            bind;             /* its "error" points here        */
    u_char                error[128];
} ngx_sms_store_bind_t;

/* a lease that is asked for, and what is told with it.  bind NULL: nothing   */
typedef struct {
    ngx_str_t                    name;
    const ngx_sms_store_bind_t  *bind;
} ngx_sms_store_renew_t;

typedef struct {
    ngx_str_t             name;
    ngx_uint_t            held;
    int64_t               epoch;
    int64_t               left_ms;          /* 0: nobody has it               */
} ngx_sms_store_lease_row_t;


/* each: NULL when it could not be sent; done() then never runs */
ngx_sms_store_query_t *ngx_sms_store_lease_renew(
    const ngx_sms_store_renew_t *leases, ngx_uint_t n, const ngx_str_t *holder, ngx_msec_t ttl,
    ngx_sms_pg_done_pt done, void *data);
ngx_int_t ngx_sms_store_lease_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_lease_row_t *row);
ngx_sms_store_query_t *ngx_sms_store_lease_release(const ngx_str_t *names,
    ngx_uint_t n, const ngx_str_t *holder, ngx_sms_pg_done_pt done,
    void *data);
ngx_sms_store_query_t *ngx_sms_store_link_register(uint32_t link,
    const ngx_str_t *name, const ngx_str_t *operator_name,
    ngx_sms_pg_done_pt done, void *data);
/* text result: JSON counts */
ngx_sms_store_query_t *ngx_sms_store_upkeep(const char *what, int64_t now_us,
    int32_t limit, ngx_sms_pg_done_pt done, void *data);
ngx_sms_store_query_t *ngx_sms_store_outbox_put(const sms_str_t *topic,
    const sms_str_t *key, const sms_str_t *payload, int64_t not_before_us,
    ngx_sms_pg_done_pt done, void *data);
/* NOTIFY sms_queue: an OTP of this link is in its lane */
ngx_sms_store_query_t *ngx_sms_store_queue_tell(uint32_t link,
    ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_LEASE_H */
