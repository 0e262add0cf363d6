/*
 * The life of a message after screen: claimed, submitted, receipts.
 */
#ifndef NGX_SMS_STORE_FLOW_H
#define NGX_SMS_STORE_FLOW_H

#include "sms_plugin.h"
#include "ngx_sms_store_row.h"


typedef enum {
    NGX_SMS_STMT_CLAIM = 0,
    NGX_SMS_STMT_SUBMITTED,
    NGX_SMS_STMT_RECEIPTS,
    NGX_SMS_STORE_FLOW_STMTS
} ngx_sms_store_flow_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_flow_stmts[];


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

/* what a receipt is judged by, of a part that was sent */
typedef struct {
    u_char                id[16];       /* of the message                     */
    int64_t               account, price_micro;
    int16_t               attempt, part, total, klass;
    int64_t               sent_us;
} ngx_sms_store_part_t;

/* the statement's parameters, for the batch of submit results: those of whole
 * claims, whose ids are told */
#define NGX_SMS_SUBMITTED_PARAMS  17
ngx_int_t ngx_sms_store_submitted(const ngx_sms_store_submit_t *list,
    ngx_uint_t n, u_char (*claims)[16], ngx_uint_t nclaims, uint32_t link,
    int64_t now_us, ngx_pool_t *pool, ngx_sms_pg_param_t *params);
/* 1: none of these parts had a row before, so theirs say what the list did */
ngx_uint_t ngx_sms_store_submitted_new(const ngx_sms_pg_res_t *res);


typedef struct {
    ngx_str_t             operator_id;
    ngx_str_t             sender;       /* as the receipt tells it            */
    ngx_str_t             readings[SMS_READINGS];   /* all empty: no others   */
    int16_t               reading;      /* 0: which one is not known          */
    int64_t               to;           /* 0: not told                        */
    int16_t               state, reason;
    int32_t               code;
    int64_t               at_us;
    const ngx_sms_store_part_t  *part;  /* NULL: to be looked up              */
    int64_t               took_us;      /* since it was sent; -1: not known   */
} ngx_sms_store_receipt_t;

#define NGX_SMS_RECEIPTS_PARAMS  18
ngx_int_t ngx_sms_store_receipts(const ngx_sms_store_receipt_t *list,
    ngx_uint_t n, uint32_t link, int64_t now_us, ngx_pool_t *pool,
    ngx_sms_pg_param_t *params);


#endif /* NGX_SMS_STORE_FLOW_H */
