/*
 * The intake statement: many submissions in one commit (sms.intake).
 *
 * The caller begins a set of columns, adds accounts (sorted by id, each once),
 * submissions, bodies and messages, and ends it into parameters.  Pointers are
 * copied into the pool.
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
    NGX_SMS_INTAKE_NOT_ACTIVE
} ngx_sms_intake_outcome_e;


#define NGX_SMS_INTAKE_COLUMNS  29      /* arrays after batch id and time     */
#define NGX_SMS_INTAKE_PARAMS   (NGX_SMS_INTAKE_COLUMNS + 2)

typedef struct {
    ngx_sms_pg_array_t    column[NGX_SMS_INTAKE_COLUMNS];
} ngx_sms_store_intake_set_t;

typedef struct {
    const u_char         *id;
    int64_t               account;
    ngx_str_t             key;          /* idempotency; data NULL: none       */
    const u_char         *hash;         /* 32 octets                          */
    ngx_str_t             doc;
    ngx_str_t             checks;       /* data NULL: none                    */
    int64_t               due_us;       /* 0: now                             */
} ngx_sms_store_submission_t;

typedef struct {
    const u_char         *id;
    const u_char         *submission;
    const u_char         *body;
    int64_t               account;
    int64_t               to;
    int64_t               brand;        /* 0: none                            */
    int64_t               price_micro;
    int64_t               expires_us;
    int32_t               ord;
    int32_t               lane;         /* 0: to screen                       */
    int16_t               klass, recipient_type, encoding, parts;
    ngx_str_t             sender;
    ngx_str_t             reference;
    ngx_uint_t            test;
} ngx_sms_store_message_t;


extern const ngx_sms_pg_stmt_t  ngx_sms_store_intake;


void ngx_sms_store_intake_begin(ngx_sms_store_intake_set_t *set,
    ngx_pool_t *pool, ngx_uint_t submissions, ngx_uint_t messages);
void ngx_sms_store_intake_account(ngx_sms_store_intake_set_t *set, int64_t id,
    int64_t sum_micro);
void ngx_sms_store_intake_submission(ngx_sms_store_intake_set_t *set,
    const ngx_sms_store_submission_t *sub);
void ngx_sms_store_intake_body(ngx_sms_store_intake_set_t *set,
    const u_char *id, int64_t account, const ngx_str_t *text);
void ngx_sms_store_intake_message(ngx_sms_store_intake_set_t *set,
    const ngx_sms_store_message_t *m);

/* fills NGX_SMS_INTAKE_PARAMS parameters; NGX_ERROR without memory */
ngx_int_t ngx_sms_store_intake_end(ngx_sms_store_intake_set_t *set,
    const u_char batch[16], int64_t now_us, ngx_sms_pg_param_t *params);


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
