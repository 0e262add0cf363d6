/*
 * Fields of a request's JSON, each with its fault.
 *
 * A field of the wrong shape is noted as a fault of the submission, with a JSON
 * pointer: "prefix" is that of the object, "" for the body itself.
 */
#ifndef NGX_SMS_FIELD_H
#define NGX_SMS_FIELD_H

#include "sms_json_read.h"
#include "sms_word.h"
#include "ngx_sms_submission.h"


/* each member of "object" that "known" (NULL at its end) does not name */
void ngx_sms_send_field_unknown(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *prefix, const char *const *known);

/* the member's value, or NULL */
const sms_json_node_t *ngx_sms_send_field(const sms_json_node_t *object,
    const char *name);

/*
 * A string of 1 to "max" bytes, copied.  NGX_OK also when it is not given (len
 * 0 then), NGX_DECLINED when it was noted as a fault, NGX_ERROR without memory.
 */
ngx_int_t ngx_sms_send_field_str(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *prefix, const char *name,
    size_t max, ngx_str_t *out);

/* a word of the table; 0: not given; -1: noted as a fault */
int ngx_sms_send_field_word(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *prefix, const char *name,
    const sms_word_t *table);

/* microseconds; 0 when it is not given or was noted as a fault */
int64_t ngx_sms_send_field_time(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *name);

#endif /* NGX_SMS_FIELD_H */
