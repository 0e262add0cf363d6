/*
 * A message on its way, as screen and claim give it, and how a result's arrays
 * are read into such rows: one array a column, one element a message.
 *
 * Texts are the result's own, and go with it.
 */
#ifndef NGX_SMS_STORE_ROW_H
#define NGX_SMS_STORE_ROW_H

#include "ngx_sms_store.h"


typedef struct {
    u_char                id[16];
    u_char                submission[16];
    int64_t               account;
    int64_t               to;
    int64_t               klass, recipient_type, encoding, parts, attempt;
    int64_t               brand;        /* 0: none                            */
    int64_t               owner;        /* of the brand (screen)              */
    int64_t               price_micro;  /* (claim)                            */
    int64_t               accepted_us, expires_us;
    int64_t               verdict;      /* screen's own, 0: none (screen)     */
    int64_t               consent;      /* mirror's answer, 0: none (screen)  */
    int64_t               consent_as_of_us;
    int64_t               group;        /* place of its group, from 1 (screen) */
    ngx_uint_t            test;
    ngx_str_t             sender;
    ngx_str_t             text;
    ngx_str_t             doc;          /* declaration, JSON                  */
    ngx_str_t             tried;        /* "sender-refused 2 7": why, links   */
} ngx_sms_store_row_t;


typedef enum {
    NGX_SMS_FIELD_UUID = 0,
    NGX_SMS_FIELD_INT,
    NGX_SMS_FIELD_TIME,
    NGX_SMS_FIELD_BOOL,
    NGX_SMS_FIELD_TEXT
} ngx_sms_store_field_e;

/* an array of a result, and the field of a row that it fills */
typedef struct {
    size_t                   offset;
    ngx_sms_store_field_e    kind;
    ngx_uint_t               null;          /* may be                         */
} ngx_sms_store_column_t;

#define ngx_sms_store_column(field, kind, null)                               \
    { offsetof(ngx_sms_store_row_t, field), NGX_SMS_FIELD_##kind, null }

/*
 * Columns "first" .. "first" + ncolumns - 1 of the result's only row, into n
 * rows.  An array that is NULL has no elements: a field that may be NULL stays
 * as it is, as it does where the element is.
 */
ngx_int_t ngx_sms_store_row_columns(const ngx_sms_pg_res_t *res,
    ngx_uint_t first, const ngx_sms_store_column_t *columns,
    ngx_uint_t ncolumns, ngx_sms_store_row_t *rows, ngx_uint_t n);

#endif /* NGX_SMS_STORE_ROW_H */
