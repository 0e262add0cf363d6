#include "ngx_sms_field.h"

#include "sms_time.h"


#define NGX_SMS_FIELD_NAME_MAX  192     /* bytes of an unknown name, shown */


static void ngx_sms_send_field_unknown(ngx_sms_submission_t *sub,
    const sms_json_node_t *key, const char *prefix);
static void ngx_sms_send_field_fault(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, const char *detail);


void
ngx_sms_send_fields(ngx_sms_submission_t *sub, const sms_json_node_t *object,
    const char *prefix, const ngx_str_t *names, ngx_sms_fields_t *fields)
{
    uint32_t                i;
    ngx_uint_t              k;
    const sms_json_node_t  *key;

    ngx_memzero(fields, sizeof(ngx_sms_fields_t));
    fields->prefix = prefix;
    fields->names = names;

    for (i = 0, key = sms_json_first(object); i < object->n;
         i++, key = sms_json_next(key + 1))
    {
        for (k = 0; names[k].len; k++) {
            if (names[k].len == key->n
                && names[k].data[0] == (u_char) key->u.p[0]
                && ngx_memcmp(names[k].data, key->u.p, key->n) == 0)
            {
                break;
            }
        }

        if (names[k].len) {
            fields->value[k] = key + 1;

        } else {
            ngx_sms_send_field_unknown(sub, key, prefix);
        }
    }
}


static void
ngx_sms_send_field_unknown(ngx_sms_submission_t *sub,
    const sms_json_node_t *key, const char *prefix)
{
    u_char      *p, *last, pointer[64 + NGX_SMS_FIELD_NAME_MAX];
    const char  *c, *end;

    last = pointer + sizeof(pointer) - 3;
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


static void
ngx_sms_send_field_fault(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, const char *detail)
{
    u_char  pointer[96];

    *ngx_snprintf(pointer, sizeof(pointer) - 1, "%s/%V", fields->prefix,
                  &fields->names[i])
        = '\0';
    ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                             (const char *) pointer, "%s", detail);
}


ngx_int_t
ngx_sms_send_field_str(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, size_t max, ngx_str_t *out)
{
    u_char                  detail[64];
    const sms_json_node_t  *value;

    ngx_str_null(out);

    value = fields->value[i];
    if (value == NULL) {
        return NGX_OK;
    }

    if (!sms_json_is(value, SMS_JSON_STR) || value->n == 0 || value->n > max) {
        *ngx_sprintf(detail, "a string of 1 to %uz bytes", max) = '\0';
        ngx_sms_send_field_fault(sub, fields, i, (const char *) detail);
        return NGX_DECLINED;
    }

    out->len = value->n;
    out->data = (u_char *) value->u.p;

    return NGX_OK;
}


void
ngx_sms_send_field_copy(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, size_t max, ngx_str_t *out)
{
    u_char  *p;

    if (ngx_sms_send_field_str(sub, fields, i, max, out) != NGX_OK
        || out->len == 0)
    {
        return;
    }

    p = ngx_pnalloc(sub->pool, out->len);

    if (p == NULL) {
        ngx_str_null(out);
        return;
    }

    out->data = ngx_cpymem(p, out->data, out->len) - out->len;
}


int
ngx_sms_send_field_word(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i, const sms_word_t *table)
{
    int                     found;
    char                    allowed[256];
    u_char                  detail[sizeof("one of ") + sizeof(allowed)];
    const sms_json_node_t  *value;

    value = fields->value[i];
    if (value == NULL) {
        return 0;
    }

    found = -1;

    if (sms_json_is(value, SMS_JSON_STR)) {
        found = sms_word_value(table, value->u.p, value->n);
    }

    if (found == -1) {
        (void) sms_word_list(table, allowed, sizeof(allowed));
        *ngx_sprintf(detail, "one of %s", allowed) = '\0';
        ngx_sms_send_field_fault(sub, fields, i, (const char *) detail);
    }

    return found;
}


int64_t
ngx_sms_send_field_time(ngx_sms_submission_t *sub,
    const ngx_sms_fields_t *fields, ngx_uint_t i)
{
    int64_t                 us;
    const sms_json_node_t  *value;

    value = fields->value[i];
    if (value == NULL) {
        return 0;
    }

    if (sms_json_is(value, SMS_JSON_STR)
        && sms_time_parse(value->u.p, value->n, &us) == 0 && us > 0)
    {
        return us;
    }

    ngx_sms_send_field_fault(sub, fields, i, "RFC 3339 with an offset, as "
                                             "2026-03-02T10:15:00+03:00");

    return 0;
}
