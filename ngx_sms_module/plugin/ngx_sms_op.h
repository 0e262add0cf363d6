/*
 * The operations of sms_ops_t as a table: which kind they belong to, where
 * their function stands, how large a result is, and what a result may say.
 */
#ifndef NGX_SMS_OP_H
#define NGX_SMS_OP_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"

#include "ngx_sms_plugin.h"


typedef struct {
    const char   *name;
    sms_kind_t    kind;
    size_t        offset;               /* in sms_ops_t                       */
    size_t        result_size;
    unsigned      any_kind:1;           /* http_in                            */
    unsigned      must_finish:1;        /* SMS_PENDING is refused             */
    unsigned      no_status:1;          /* the result has no sms_rc_t status  */
    /* 0: the result is out of the contract; only asked when status is SMS_OK */
    ngx_uint_t  (*valid)(const void *item, const void *result);
} ngx_sms_op_t;


extern const ngx_sms_op_t  ngx_sms_ops[NGX_SMS_OPS];


/* the function, or NULL when the plugin's table is shorter or has none */
sms_run_pt ngx_sms_op_function(const sms_ops_t *ops, ngx_uint_t op);

/* the operation without which a plugin of this kind is none; NGX_SMS_OPS:
 * nothing is required                                                        */
ngx_uint_t ngx_sms_op_required(sms_kind_t kind);

#endif /* NGX_SMS_OP_H */
