/*
 * Parts about which an operator is asked: in doubt, or the receipt is overdue.
 */
#ifndef NGX_SMS_STORE_ASK_H
#define NGX_SMS_STORE_ASK_H

#include "ngx_sms_store_flow.h"


typedef enum {
    NGX_SMS_STMT_ASK_TAKE = 0,
    NGX_SMS_STMT_ASKED,
    NGX_SMS_STORE_ASK_STMTS
} ngx_sms_store_ask_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_ask_stmts[];


/* of a row that was taken, beside what ngx_sms_store_claim_rows() reads */
typedef struct {
    int64_t               part, total;
    int64_t               submitted_us;
    ngx_str_t             operator_id;      /* of the result; len 0: none     */
    ngx_uint_t            recall;           /* it is to be taken back         */
} ngx_sms_store_ask_part_t;

/* The holder of "lease" takes "limit" parts of the link at the most.  Rows, unless it
 * is ngx_sms_store_claim_empty(): ngx_sms_store_claim_rows() and _ask_parts().   */
ngx_sms_store_query_t *ngx_sms_store_ask_take(uint32_t link,
    const ngx_str_t *lease, int64_t epoch, int32_t limit, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);
ngx_int_t ngx_sms_store_ask_parts(const ngx_sms_pg_res_t *res,
    ngx_pool_t *pool, ngx_sms_store_ask_part_t **parts, ngx_uint_t n);


/* as sms.asked() counts them */
typedef enum {
    NGX_SMS_ASKED_TOLD = 1,
    NGX_SMS_ASKED_TAKEN_BACK,
    NGX_SMS_ASKED_NOT_KNOWN,
    NGX_SMS_ASKED_CANNOT_TELL,
    NGX_SMS_ASKED_NO_ANSWER
} ngx_sms_asked_e;

typedef struct {
    const u_char         *id;               /* of the message                 */
    int64_t               account;
    int16_t               attempt, part;
    int16_t               answer;           /* ngx_sms_asked_e                */
    int16_t               state, reason;
    int32_t               code;
    int64_t               at_us;            /* 0: not told                    */
} ngx_sms_store_asked_t;

ngx_sms_store_query_t *ngx_sms_store_asked(uint32_t link,
    const ngx_sms_store_asked_t *list, ngx_uint_t n, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_ASK_H */
