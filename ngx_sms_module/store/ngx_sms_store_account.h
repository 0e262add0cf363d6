/*
 * Reading on behalf of callers: profiles, stored answers, preview's look-ups,
 * and the management API.
 */
#ifndef NGX_SMS_STORE_ACCOUNT_H
#define NGX_SMS_STORE_ACCOUNT_H

#include "ngx_sms_store.h"


typedef enum {
    NGX_SMS_STMT_PROFILE = 0,           /* key id -> hash, profile            */
    NGX_SMS_STMT_PROFILES,              /* account ids -> account, profile    */
    NGX_SMS_STMT_SUBMISSION_ROWS,       /* see ngx_sms_store_stored_row_t     */
    NGX_SMS_STMT_PREVIEW,
    NGX_SMS_STMT_API_CALL,
    NGX_SMS_STORE_ACCOUNT_STMTS
} ngx_sms_store_account_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_account_stmts[];


#define NGX_SMS_READ_DEADLINE  4000

/* a body of the management API that goes by "bulk": thousands of rows        */
#define NGX_SMS_API_BULK           (64 * 1024)
#define NGX_SMS_API_BULK_DEADLINE  30000


/* text results: column 0 the hash in hex, 1 the profile */
ngx_sms_store_query_t *ngx_sms_store_profile(const ngx_str_t *key,
    ngx_sms_pg_done_pt done, void *data);

/* text results: column 0 the account, 1 the profile */
ngx_sms_store_query_t *ngx_sms_store_account(int64_t account,
    ngx_sms_pg_done_pt done, void *data);

/* the rows that the 202 to this request was rendered from; none: there was no
 * such request under this key */
ngx_sms_store_query_t *ngx_sms_store_stored(int64_t account,
    const u_char key[16], const u_char request_hash[32],
    ngx_sms_pg_done_pt done, void *data);

typedef struct {
    u_char                submission[16];
    ngx_str_t             checks;       /* len 0: none                        */
    u_char                id[16];
    int64_t               to;
    int64_t               encoding, parts, price_micro, ord;
    ngx_str_t             reference;
} ngx_sms_store_stored_row_t;

ngx_int_t ngx_sms_store_stored_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_stored_row_t *row);

/* what the lists and the mirror say of numbers, one row per known number */
ngx_sms_store_query_t *ngx_sms_store_preview(int64_t account, int64_t owner,
    int64_t brand, const int64_t *numbers, const int16_t *types, ngx_uint_t n,
    ngx_sms_pg_done_pt done, void *data);

typedef struct {
    int64_t               number;
    int64_t               recipient_type;
    ngx_uint_t            blacklisted;  /* for every class                    */
    ngx_uint_t            blacklisted_commercial;
    ngx_uint_t            opted_out;
    int64_t               consent;      /* sms_consent_state_t, 0: no answer  */
    int64_t               consent_as_of_us;
} ngx_sms_store_preview_row_t;

ngx_int_t ngx_sms_store_preview_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_preview_row_t *row);

/* text results: column 0 the HTTP status, 1 the JSON */
ngx_sms_store_query_t *ngx_sms_store_api_call(int64_t account, int64_t key_no,
    ngx_uint_t scopes, const ngx_str_t *method, const ngx_str_t *path, const ngx_str_t *query,
    const ngx_str_t *body, ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_ACCOUNT_H */
