/*
 * Heads of evidence blocks that wait for a signature, and their signatures.
 */
#ifndef NGX_SMS_STORE_EVIDENCE_H
#define NGX_SMS_STORE_EVIDENCE_H

#include "ngx_sms_store.h"


enum {
    NGX_SMS_STMT_EVIDENCE_UNSIGNED = 0,
    NGX_SMS_STMT_EVIDENCE_SIGNED,
    NGX_SMS_STMT_EVIDENCE_N
};

extern const ngx_sms_pg_stmt_t  ngx_sms_store_evidence_stmts[];


/* one row, one column: JSON, [{"account": 1, "block": 1, "head": "..."}] */
ngx_sms_store_query_t *ngx_sms_store_evidence_unsigned(int32_t limit,
    ngx_sms_pg_done_pt done, void *data);

/* "list": JSON, [{"account": 1, "block": 1, "signature": "hex"}] */
ngx_sms_store_query_t *ngx_sms_store_evidence_signed(const char *list,
    const char *key_id, ngx_sms_pg_done_pt done, void *data);

#endif /* NGX_SMS_STORE_EVIDENCE_H */
