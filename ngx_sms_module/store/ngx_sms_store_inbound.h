/*
 * Messages from people: stored, read, and what they cause: notices.
 */
#ifndef NGX_SMS_STORE_INBOUND_H
#define NGX_SMS_STORE_INBOUND_H

#include "sms_joined.h"
#include "ngx_sms_store.h"


typedef enum {
    NGX_SMS_STMT_INBOUND_PUT = 0,
    NGX_SMS_STMT_INBOUND_READ,
    NGX_SMS_STMT_INBOUND_TAKE,
    NGX_SMS_STMT_NOTICE_TAKE,
    NGX_SMS_STMT_NOTICE_PUT,
    NGX_SMS_STORE_INBOUND_STMTS
} ngx_sms_store_inbound_stmt_e;

extern const ngx_sms_pg_stmt_t  ngx_sms_store_inbound_stmts[];


/* what an operator handed over */
typedef struct {
    ngx_str_t             from, to, octets, udh;
    int32_t               data_coding;
    int64_t               at_us;        /* 0: it tells no time                */
    int32_t               ref;          /* with its width above bit 16        */
    int32_t               total, seq;   /* 1 and 1: it is whole               */
    const sms_kv_t       *attrs;        /* what else the operator said        */
    ngx_uint_t            nattrs;
} ngx_sms_store_inbound_t;

/* rows, none or one: ngx_sms_store_inbound_row() */
ngx_sms_store_query_t *ngx_sms_store_inbound_put(uint32_t link,
    const ngx_sms_store_inbound_t *in, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

/* as many rows at the most; what waited too long to be read */
ngx_sms_store_query_t *ngx_sms_store_inbound_take(int64_t now_us, int32_t limit,
    ngx_sms_pg_done_pt done, void *data);

/* a message to be read; pointers are into the result, parts in the pool */
typedef struct {
    u_char                id[16];
    ngx_str_t             from, to;
    int64_t               at_us;
    int64_t               total;
    ngx_uint_t            nparts;       /* that have come                     */
    size_t                octets;       /* of all of them                     */
    sms_joined_part_t    *parts;
} ngx_sms_store_whole_t;

ngx_int_t ngx_sms_store_inbound_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_pool_t *pool, ngx_sms_store_whole_t *whole);


typedef struct {
    const u_char         *id;
    ngx_str_t             text, words;
    int32_t               kind;         /* SMS_KEYWORD_*                      */
    int64_t               from;         /* 0: no number                       */
    int64_t               decide_us;    /* then it counts as a refusal        */
} ngx_sms_store_read_t;

ngx_sms_store_query_t *ngx_sms_store_inbound_read(
    const ngx_sms_store_read_t *read, int64_t now_us, ngx_sms_pg_done_pt done,
    void *data);
/* fresh: it was not read before; ended: messages that it stopped */
ngx_int_t ngx_sms_store_inbound_effect(const ngx_sms_pg_res_t *res,
    ngx_uint_t *fresh, int64_t *optouts, int64_t *ended);


typedef struct {
    int64_t               account;
    u_char                id[16];
    ngx_str_t             text;
    ngx_uint_t            locking, suffix;
    int64_t               max_parts;
    int32_t               encoding;     /* measured: sms_encoding_t           */
    int32_t               parts;        /* 0: it cannot be sent               */
} ngx_sms_store_notice_t;

ngx_sms_store_query_t *ngx_sms_store_notice_take(int64_t now_us,
    int64_t until_us, int32_t limit, ngx_sms_pg_done_pt done, void *data);
ngx_int_t ngx_sms_store_notice_row(const ngx_sms_pg_res_t *res, ngx_uint_t i,
    ngx_sms_store_notice_t *notice);
ngx_sms_store_query_t *ngx_sms_store_notice_put(
    const ngx_sms_store_notice_t *list, ngx_uint_t n, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_INBOUND_H */
