/*
 * Screen: due messages, what became of them, and the mirror.
 *
 * Messages wait alone or, several of one submission, together; what is taken is
 * of one sort or the other.  Taking and storing are on connections of their own,
 * so that the one does not wait for the other.
 */
#ifndef NGX_SMS_STORE_SCREEN_H
#define NGX_SMS_STORE_SCREEN_H

#include "ngx_sms_store_row.h"


/* on bulk */
typedef enum {
    NGX_SMS_STMT_SCREEN_TAKE = 0,
    NGX_SMS_STMT_CONSENT_PUT,
    NGX_SMS_STORE_TAKE_STMTS
} ngx_sms_store_take_stmt_e;

/* on flow */
typedef enum {
    NGX_SMS_STMT_DUE_RELEASE = 0,
    NGX_SMS_STMT_SCREENED,
    NGX_SMS_STMT_SCREENED_SUBMISSION,
    NGX_SMS_STORE_SCREEN_STMTS
} ngx_sms_store_screen_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_take_stmts[];
extern const ngx_sms_pg_stmt_t  ngx_sms_store_screen_stmts[];


typedef struct {
    u_char                id[16];
} ngx_sms_store_id_t;

/* retries whose time has come go back into their lanes */
ngx_sms_store_query_t *ngx_sms_store_due_release(int32_t limit, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

/*
 * Due messages whose time has come, but not those that are "busy": submissions,
 * and messages that wait alone.  "alone": rather the latter.
 */
ngx_sms_store_query_t *ngx_sms_store_screen_take(int32_t limit,
    const ngx_sms_store_id_t *busy, ngx_uint_t nbusy, ngx_uint_t alone,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data);

ngx_uint_t ngx_sms_store_screen_empty(const ngx_sms_pg_res_t *res);
/* 1: whole submissions, in *ids; 0: messages that wait alone */
ngx_int_t ngx_sms_store_screen_groups(const ngx_sms_pg_res_t *res,
    ngx_pool_t *pool, ngx_sms_store_id_t **ids, ngx_uint_t *n,
    ngx_uint_t *together);
/* the messages, in "pool", those of a group together */
ngx_int_t ngx_sms_store_screen_rows(const ngx_sms_pg_res_t *res,
    ngx_pool_t *pool, ngx_sms_store_row_t **rows, ngx_uint_t *n);


/* as SQL counts them; of messages that wait alone the first three only */
typedef enum {
    NGX_SMS_SCREEN_QUEUE = 1,
    NGX_SMS_SCREEN_REFUSE,
    NGX_SMS_SCREEN_WAIT,
    NGX_SMS_SCREEN_LEAVE,               /* look at it again, alone            */
    NGX_SMS_SCREEN_OPTED_OUT,
    NGX_SMS_SCREEN_BLACKLISTED
} ngx_sms_screen_outcome_e;

typedef struct {
    const u_char         *id;
    int64_t               account;
    int64_t               group;        /* as of the row                      */
    int16_t               parts;
    ngx_uint_t            outcome;      /* ngx_sms_screen_outcome_e           */
    int32_t               lane;
    int64_t               fresh_until_us;   /* 0: does not age                */
    int64_t               at_us;            /* WAIT: until                    */
    ngx_uint_t            consent;          /* 0: not asked                   */
    int64_t               consent_as_of_us;
    ngx_str_t             code, proof, plugin;
} ngx_sms_store_screened_t;

ngx_sms_store_query_t *ngx_sms_store_screened(
    const ngx_sms_store_screened_t *list, ngx_uint_t n, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

/* "life_ms": how long a permission may be used after its as_of */
ngx_sms_store_query_t *ngx_sms_store_screened_submission(
    const ngx_sms_store_id_t *submissions, ngx_uint_t nsubmissions,
    const ngx_sms_store_screened_t *list, ngx_uint_t n, int64_t life_ms,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data);


typedef struct {
    int64_t               owner, brand, number, as_of_us;
    int16_t               recipient_type, state;
} ngx_sms_store_consent_t;

/* answers for the mirror; "source" "status" permits, anything else refuses only */
ngx_sms_store_query_t *ngx_sms_store_consent_put(
    const ngx_sms_store_consent_t *list, ngx_uint_t n, const u_char batch[16],
    const char *source, ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_SCREEN_H */
