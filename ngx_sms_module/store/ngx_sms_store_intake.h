/*
 * The intake statement: many submissions in one commit (sms.intake).
 *
 * The caller begins a set of columns, adds accounts (sorted by id, each once)
 * and messages, each submission's together and its first message first, and
 * ends it into parameters.  Pointers are copied into the pool.
 */
#ifndef NGX_SMS_STORE_INTAKE_H
#define NGX_SMS_STORE_INTAKE_H

#include "ngx_sms_store.h"


/* outcome of a submission or, with no submission, of all of an account */
typedef enum {
    NGX_SMS_INTAKE_ALONE = 1,           /* judge again, one by one            */
    NGX_SMS_INTAKE_REPLAY,              /* detail: id of the first submission */
    NGX_SMS_INTAKE_KEY_REUSED,
    NGX_SMS_INTAKE_NO_CREDIT,
    NGX_SMS_INTAKE_BLACKLISTED,         /* detail: JSON array of numbers      */
    NGX_SMS_INTAKE_NOT_ACTIVE,
    NGX_SMS_INTAKE_CLAIMED,             /* of account 0: the batch is a claim */
    NGX_SMS_INTAKE_STOPPED              /* detail: a problem's code, and places
                                           of the messages that are meant     */
} ngx_sms_intake_outcome_e;


#define NGX_SMS_INTAKE_COLUMNS  30      /* arrays after batch id and time     */
#define NGX_SMS_INTAKE_PARAMS   (NGX_SMS_INTAKE_COLUMNS + 6)

/* the claim that a batch shall be, see sms.intake() */
typedef struct {
    u_char                id[16];
    uint32_t              link;
    ngx_str_t             lease;
    int64_t               epoch;
} ngx_sms_store_intake_claim_t;

typedef struct {
    ngx_sms_pg_array_t    column[NGX_SMS_INTAKE_COLUMNS];
} ngx_sms_store_intake_set_t;

/* what a submission's first message brings for all of them */
typedef struct {
    const u_char         *high;         /* the largest id of its messages     */
    const u_char         *key;          /* 16 octets; NULL: not idempotent    */
    const u_char         *request_hash; /* 32 octets, with a key              */
    const u_char         *text_hash;    /* 32 octets; NULL: none              */
    ngx_str_t             doc;
    ngx_str_t             checks;
} ngx_sms_store_submission_t;

typedef struct {
    const u_char         *id;
    const u_char         *submission;   /* the id of its first message        */
    const u_char         *text_id;      /* whose row has the text; NULL: this */
    int64_t               account;
    int64_t               to;
    int64_t               brand;        /* 0: none                            */
    int64_t               price_micro;
    int64_t               expires_us;
    int64_t               due_us;       /* 0: at once                         */
    int32_t               ord;
    int32_t               lane;         /* 0: to screen                       */
    int32_t               pos;          /* of its account, from 1 on          */
    int32_t               place;        /* among its account's in the lane    */
    int16_t               klass, recipient_type, encoding, parts;
    ngx_str_t             sender;
    ngx_str_t             reference;
    ngx_str_t             text;         /* without text_id                    */
    ngx_uint_t            test;
    const ngx_sms_store_submission_t  *first;   /* NULL: it is not            */
} ngx_sms_store_message_t;


extern const ngx_sms_pg_stmt_t  ngx_sms_store_intake;


void ngx_sms_store_intake_begin(ngx_sms_store_intake_set_t *set,
    ngx_pool_t *pool, ngx_uint_t accounts, ngx_uint_t messages);
void ngx_sms_store_intake_account(ngx_sms_store_intake_set_t *set, int64_t id,
    int64_t sum_micro, int32_t messages);
void ngx_sms_store_intake_message(ngx_sms_store_intake_set_t *set,
    const ngx_sms_store_message_t *m);

/* fills NGX_SMS_INTAKE_PARAMS parameters; NGX_ERROR without memory.  "claim":
 * NULL for a batch that is queued; what it points to must stay. */
ngx_int_t ngx_sms_store_intake_end(ngx_sms_store_intake_set_t *set,
    const u_char batch[16], int64_t now_us,
    const ngx_sms_store_intake_claim_t *claim, ngx_sms_pg_param_t *params);


typedef struct {
    int64_t               account;
    u_char                submission[16];
    unsigned              whole:1;      /* the account, not one submission    */
    ngx_uint_t            outcome;
    ngx_str_t             detail;
} ngx_sms_store_intake_row_t;

ngx_int_t ngx_sms_store_intake_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_intake_row_t *row);

#endif /* NGX_SMS_STORE_INTAKE_H */
