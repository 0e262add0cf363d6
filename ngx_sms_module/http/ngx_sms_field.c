#include "ngx_sms_field.h"

#include "sms_time.h"


#define NGX_SMS_FIELD_NAME_MAX  192     /* bytes of an unknown name, shown */


void
ngx_sms_send_field_unknown(ngx_sms_submission_t *sub, json_t *object,
    const char *prefix, const char *const *known)
{
    u_char             *p, *last, pointer[64 + NGX_SMS_FIELD_NAME_MAX];
    json_t             *value;
    const char         *key, *c;
    const char *const  *k;

    last = pointer + sizeof(pointer) - 3;

    /* "key" is also the place in the object: it must not move */
    json_object_foreach(object, key, value) {

        for (k = known; *k && ngx_strcmp(*k, key) != 0; k++) { /* void */ }

        if (*k) {
            continue;
        }

        p = ngx_snprintf(pointer, 64, "%s/", prefix);

        /* RFC 6901: "~" and "/" of a key are escaped */
        for (c = key; *c && p < last; c++) {
            if (*c == '~' || *c == '/') {
                *p++ = '~';
                *p++ = *c == '~' ? '0' : '1';
                continue;
            }

            *p++ = (u_char) *c;
        }

        *p = '\0';

        ngx_sms_submission_fault(sub, SMS_PROBLEM_UNKNOWN_FIELD,
                                 (const char *) pointer,
                                 "this field is not known here");
    }
}


ngx_int_t
ngx_sms_send_field_str(ngx_sms_submission_t *sub, json_t *object,
    const char *prefix, const char *name, size_t max, ngx_str_t *out)
{
    u_char   pointer[96];
    json_t  *value;

    ngx_str_null(out);

    value = json_object_get(object, name);
    if (value == NULL) {
        return NGX_OK;
    }

    if (!json_is_string(value) || json_string_length(value) == 0
        || json_string_length(value) > max)
    {
        *ngx_snprintf(pointer, sizeof(pointer) - 1, "%s/%s", prefix, name)
            = '\0';
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                 (const char *) pointer,
                                 "a string of 1 to %uz bytes", max);
        return NGX_DECLINED;
    }

    out->len = json_string_length(value);
    out->data = ngx_pnalloc(sub->pool, out->len);

    if (out->data == NULL) {
        out->len = 0;
        return NGX_ERROR;
    }

    ngx_memcpy(out->data, json_string_value(value), out->len);

    return NGX_OK;
}


int
ngx_sms_send_field_word(ngx_sms_submission_t *sub, json_t *object,
    const char *prefix, const char *name, const sms_word_t *table)
{
    int      found;
    char     allowed[256];
    u_char   pointer[96];
    json_t  *value;

    value = json_object_get(object, name);
    if (value == NULL) {
        return 0;
    }

    found = -1;

    if (json_is_string(value)) {
        found = sms_word_value(table, json_string_value(value),
                               json_string_length(value));
    }

    if (found == -1) {
        (void) sms_word_list(table, allowed, sizeof(allowed));
        *ngx_snprintf(pointer, sizeof(pointer) - 1, "%s/%s", prefix, name)
            = '\0';
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                 (const char *) pointer, "one of %s", allowed);
    }

    return found;
}


int64_t
ngx_sms_send_field_time(ngx_sms_submission_t *sub, json_t *object,
    const char *name)
{
    u_char   pointer[48];
    json_t  *value;
    int64_t  us;

    value = json_object_get(object, name);
    if (value == NULL) {
        return 0;
    }

    if (json_is_string(value)
        && sms_time_parse(json_string_value(value), json_string_length(value),
                          &us)
           == 0
        && us > 0)
    {
        return us;
    }

    *ngx_sprintf(pointer, "/%s", name) = '\0';
    ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                             (const char *) pointer,
                             "RFC 3339 with an offset, as "
                             "2026-03-02T10:15:00+03:00");

    return 0;
}
