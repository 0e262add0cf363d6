#include "ngx_sms_send_text.h"

#include "sms_utf8.h"


#define NGX_SMS_TEXT_MAX  8192          /* bytes; more never fits the parts   */


ngx_int_t
ngx_sms_send_text(ngx_sms_submission_t *sub, const sms_json_node_t *text,
    const char *pointer, ngx_uint_t *index)
{
    size_t           len, cap;
    u_char          *p;
    unsigned         flags, slow;
    ngx_sms_body_t  *body;

    *index = sub->bodies.nelts;

    body = ngx_array_push(&sub->bodies);
    if (body == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(body, sizeof(ngx_sms_body_t));
    body->pointer.len = ngx_strlen(pointer);
    body->pointer.data = ngx_pnalloc(sub->pool, body->pointer.len + 1);

    if (body->pointer.data == NULL
        || ngx_array_init(&body->findings, sub->pool, 1,
                          sizeof(ngx_sms_finding_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(body->pointer.data, pointer, body->pointer.len + 1);

    len = sms_json_is(text, SMS_JSON_STR) ? text->n : 0;

    if (len == 0) {
        ngx_sms_submission_fault(sub, text ? SMS_PROBLEM_INVALID_FIELD
                                           : SMS_PROBLEM_MISSING_FIELD,
                                 pointer, "the text to send, not empty");
        return NGX_OK;
    }

    if (len > NGX_SMS_TEXT_MAX) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_TEXT_TOO_LONG, pointer,
                                 "%uz bytes; at most %d", len,
                                 NGX_SMS_TEXT_MAX);
        return NGX_OK;
    }

    slow = sms_utf8_check(text->u.p, len, &flags) != len
           || (flags & SMS_UTF8_WIDE);
    body->control = (flags & (SMS_UTF8_NUL|SMS_UTF8_CONTROL)) != 0;

    /*
     * What is judged, counted, stored and sent is one and the same form.  Of
     * what is below U+0300 it is what was given.
     */
    cap = slow ? 3 * len + 4 : len;
    p = ngx_pnalloc(sub->pool, cap);

    if (p == NULL) {
        return NGX_ERROR;
    }

    if (!slow) {
        body->text.len = len;
        ngx_memcpy(p, text->u.p, len);

    } else if (sms_utf8_nfc(text->u.p, len, (char *) p, cap, &body->text.len)
               != 0)
    {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_UTF8, pointer,
                                 "the text cannot be normalised");
        return NGX_OK;
    }

    body->text.data = p;

    return NGX_OK;
}
