/*
 * Fields of a request's JSON, each with its fault.
 *
 *   static const ngx_str_t  names[] = { ngx_string("to"), ngx_null_string };
 *   enum { TO };
 *
 *   ngx_sms_send_fields(sub, object, "", names, &fields);
 *   if (fields.value[TO]) ...
 *
 * An object's members are looked up once, all together.  A field of the wrong
 * shape is noted as a fault of the submission, with a JSON pointer: "prefix" is
 * that of the object, "" for the body itself.
 */
#ifndef NGX_SMS_FIELD_H
#define NGX_SMS_FIELD_H

#include "sms_json_read.h"
#include "sms_word.h"
#include "ngx_sms_submission.h"


#define NGX_SMS_FIELDS_MAX  16

typedef struct {
    const char              *prefix;
    const ngx_str_t         *names;
    const sms_json_node_t   *value[NGX_SMS_FIELDS_MAX];  /* NULL: not given   */
} ngx_sms_fields_t;


/* Each member that "names" (an empty one at its end) does not have is a fault;
 * "prefix" must stay. */
void ngx_sms_send_fields(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *prefix, const ngx_str_t *names,
    ngx_sms_fields_t *fields);

/*
 * A string of 1 to "max" bytes, which lives as long as the JSON.  NGX_OK also
 * when it is not given (len 0 then), NGX_DECLINED when it was noted as a fault.
 */
ngx_int_t ngx_sms_send_field_str(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, size_t max, ngx_str_t *out);

/* The same, copied; len 0 also after a fault, or without memory. */
void ngx_sms_send_field_copy(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, size_t max, ngx_str_t *out);

/* a word of the table; 0: not given; -1: noted as a fault */
int ngx_sms_send_field_word(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, const sms_word_t *table);

/* microseconds; 0 when it is not given or was noted as a fault */
int64_t ngx_sms_send_field_time(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i);

#endif /* NGX_SMS_FIELD_H */
