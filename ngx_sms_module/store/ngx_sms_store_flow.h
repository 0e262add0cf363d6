/*
 * The life of a message after intake: due, screened, claimed, submitted,
 * receipts, inbound.
 */
#ifndef NGX_SMS_STORE_FLOW_H
#define NGX_SMS_STORE_FLOW_H

#include "sms_plugin.h"
#include "ngx_sms_store.h"


typedef enum {
    NGX_SMS_STMT_SCREEN_TAKE = 0,
    NGX_SMS_STMT_SCREENED,
    NGX_SMS_STMT_CONSENT_PUT,
    NGX_SMS_STMT_CLAIM,
    NGX_SMS_STMT_SUBMITTED,
    NGX_SMS_STMT_RECEIPTS,
    NGX_SMS_STMT_INBOUND,
    NGX_SMS_STORE_FLOW_STMTS
} ngx_sms_store_flow_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_flow_stmts[];


#define NGX_SMS_FLOW_DEADLINE  10000


/* a message on its way, as screen and claim give it */
typedef struct {
    u_char                id[16];
    u_char                submission[16];
    int64_t               account;
    int64_t               to;
    int64_t               klass, recipient_type, encoding, parts, attempt;
    int64_t               brand;        /* 0: none                            */
    int64_t               owner;        /* of the brand (screen)              */
    int64_t               price_micro;
    int64_t               accepted_us, expires_us;
    int64_t               consent;      /* mirror's answer, 0: none (screen)  */
    int64_t               consent_as_of_us;
    ngx_uint_t            test;
    ngx_str_t             sender;
    ngx_str_t             text;
    ngx_str_t             doc;          /* declaration, JSON                  */
} ngx_sms_store_row_t;


/* due messages whose time has come; rows: ngx_sms_store_screen_rows() */
ngx_sms_store_query_t *ngx_sms_store_screen_take(int32_t limit,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data);
/* the messages of a result, in "pool"; their texts are the result's own */
ngx_int_t ngx_sms_store_screen_rows(const ngx_sms_pg_res_t *res,
    ngx_pool_t *pool, ngx_sms_store_row_t **rows, ngx_uint_t *n);


typedef enum {
    NGX_SMS_SCREEN_QUEUE = 1,
    NGX_SMS_SCREEN_REFUSE,
    NGX_SMS_SCREEN_WAIT
} ngx_sms_screen_outcome_e;

typedef struct {
    const u_char         *id;
    int64_t               account;
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


typedef struct {
    int64_t               owner, brand, number, as_of_us;
    int16_t               recipient_type, state;
} ngx_sms_store_consent_t;

/* answers for the mirror; "source" "status" permits, anything else refuses only */
ngx_sms_store_query_t *ngx_sms_store_consent_put(
    const ngx_sms_store_consent_t *list, ngx_uint_t n, const u_char batch[16],
    const char *source, ngx_sms_pg_done_pt done, void *data);


/* "idle": nothing of this bind is in flight, so one message may be larger than
 * the window.  "id": what the claim shall be called.  "otp": OTP alone, on the
 * connection of intake, where nothing stands before it that takes long.  Rows, unless it is empty:
 * ngx_sms_store_claim_rows(); their doc is that of OTP and exempt messages only */
ngx_sms_store_query_t *ngx_sms_store_claim(uint32_t link,
    const ngx_str_t *lease, int64_t epoch, int32_t max_parts, ngx_uint_t idle,
    const u_char id[16], ngx_uint_t otp, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);
ngx_uint_t ngx_sms_store_claim_empty(const ngx_sms_pg_res_t *res);
/* 1: it left nothing that could have been taken */
ngx_uint_t ngx_sms_store_claim_drained(const ngx_sms_pg_res_t *res);
ngx_int_t ngx_sms_store_claim_rows(const ngx_sms_pg_res_t *res,
    ngx_pool_t *pool, ngx_sms_store_row_t **rows, ngx_uint_t *n);


typedef struct {
    const u_char         *id;
    int64_t               account, to, price_micro;
    int16_t               klass;
    int16_t               attempt, part, total;
    int16_t               outcome;      /* sms_outcome_t as SQL counts them   */
    int16_t               reason;
    int32_t               code;
    ngx_str_t             operator_id;  /* len 0: none                        */
    int64_t               next_us;      /* retry: when; 0: at once            */
    int32_t               next_lane;    /* retry: where; 0: screen chooses     */
} ngx_sms_store_submit_t;

/* the statement's parameters, for the batch of submit results: those of whole
 * claims, whose ids are told */
#define NGX_SMS_SUBMITTED_PARAMS  17
ngx_int_t ngx_sms_store_submitted(const ngx_sms_store_submit_t *list,
    ngx_uint_t n, u_char (*claims)[16], ngx_uint_t nclaims, uint32_t link,
    int64_t now_us, ngx_pool_t *pool, ngx_sms_pg_param_t *params);


typedef struct {
    ngx_str_t             operator_id;
    ngx_str_t             sender;       /* as the receipt tells it            */
    ngx_str_t             readings[SMS_READINGS];   /* all empty: no others   */
    int16_t               reading;      /* 0: which one is not known          */
    int64_t               to;           /* 0: not told                        */
    int16_t               state, reason;
    int32_t               code;
    int64_t               at_us;
} ngx_sms_store_receipt_t;

#define NGX_SMS_RECEIPTS_PARAMS  11
ngx_int_t ngx_sms_store_receipts(const ngx_sms_store_receipt_t *list,
    ngx_uint_t n, uint32_t link, int64_t now_us, ngx_pool_t *pool,
    ngx_sms_pg_param_t *params);


typedef struct {
    ngx_str_t             from, to, octets, udh, text;
    int32_t               data_coding;
    int64_t               at_us;
} ngx_sms_store_inbound_t;

ngx_sms_store_query_t *ngx_sms_store_inbound(uint32_t link,
    const ngx_sms_store_inbound_t *in, ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_FLOW_H */
