/*
 * A JSON document that is read and forgotten at once, as a request's body.
 *
 * jansson makes some forty small allocations of a body with one message.  While
 * a document is open they come from one buffer of the worker, as far as it
 * reaches, and freeing them costs nothing.  So nothing of a document may be
 * kept when it is closed, and one is open at a time.
 *
 * jansson has one pair of memory functions in a process, plugins that use it
 * included: what is allocated while nothing is open, or in another thread, comes
 * from malloc().
 */
#ifndef NGX_SMS_JSON_READ_H
#define NGX_SMS_JSON_READ_H

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>


/* NULL: see *error.  Duplicate keys are an error. */
json_t *ngx_sms_json_open(const ngx_str_t *text, json_error_t *error);

/* after each open, also one that failed; "root" may be NULL */
void ngx_sms_json_close(json_t *root);

#endif /* NGX_SMS_JSON_READ_H */
