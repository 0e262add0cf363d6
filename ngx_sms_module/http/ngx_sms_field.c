#include "ngx_sms_field.h"

#include "sms_time.h"


#define NGX_SMS_FIELD_NAME_MAX  192     /* bytes of an unknown name, shown */


void
ngx_sms_send_field_unknown(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *prefix, const char *const *known)
{
    u_char                 *p, *last, pointer[64 + NGX_SMS_FIELD_NAME_MAX];
    uint32_t                i;
    const char             *c, *end;
    const char *const      *k;
    const sms_json_node_t  *key;

    last = pointer + sizeof(pointer) - 3;

    for (i = 0, key = sms_json_first(object); i < object->n;
         i++, key = sms_json_next(key + 1))
    {
        /* a key has no NUL: a longer one differs before the known one ends */
        for (k = known; *k; k++) {

            if (ngx_strncmp(*k, key->u.p, key->n) == 0
                && (*k)[key->n] == '\0')
            {
                break;
            }
        }

        if (*k) {
            continue;
        }

        p = ngx_snprintf(pointer, 64, "%s/", prefix);

        /* RFC 6901: "~" and "/" of a key are escaped */
        for (c = key->u.p, end = c + key->n; c < end && p < last; c++) {
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


const sms_json_node_t *
ngx_sms_send_field(const sms_json_node_t *object, const char *name)
{
    return sms_json_get(object, name, ngx_strlen(name));
}


ngx_int_t
ngx_sms_send_field_str(ngx_sms_submission_t *sub, const sms_json_node_t *object,
    const char *prefix, const char *name, size_t max, ngx_str_t *out)
{
    u_char                  pointer[96];
    const sms_json_node_t  *value;

    ngx_str_null(out);

    value = ngx_sms_send_field(object, name);
    if (value == NULL) {
        return NGX_OK;
    }

    if (!sms_json_is(value, SMS_JSON_STR) || value->n == 0 || value->n > max) {
        *ngx_snprintf(pointer, sizeof(pointer) - 1, "%s/%s", prefix, name)
            = '\0';
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                 (const char *) pointer,
                                 "a string of 1 to %uz bytes", max);
        return NGX_DECLINED;
    }

    out->len = value->n;
    out->data = ngx_pnalloc(sub->pool, out->len);

    if (out->data == NULL) {
        out->len = 0;
        return NGX_ERROR;
    }

    ngx_memcpy(out->data, value->u.p, out->len);

    return NGX_OK;
}


int
ngx_sms_send_field_word(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *prefix, const char *name,
    const sms_word_t *table)
{
    int                     found;
    char                    allowed[256];
    u_char                  pointer[96];
    const sms_json_node_t  *value;

    value = ngx_sms_send_field(object, name);
    if (value == NULL) {
        return 0;
    }

    found = -1;

    if (sms_json_is(value, SMS_JSON_STR)) {
        found = sms_word_value(table, value->u.p, value->n);
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
ngx_sms_send_field_time(ngx_sms_submission_t *sub,
    const sms_json_node_t *object, const char *name)
{
    u_char                  pointer[48];
    int64_t                 us;
    const sms_json_node_t  *value;

    value = ngx_sms_send_field(object, name);
    if (value == NULL) {
        return 0;
    }

    if (sms_json_is(value, SMS_JSON_STR)
        && sms_time_parse(value->u.p, value->n, &us) == 0 && us > 0)
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
