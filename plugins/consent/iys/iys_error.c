/* iys_error.c - see iys_error.h */
#include "iys_error.h"

#include <jansson.h>
#include <string.h>

#define IYS_ERROR_BODY_MAX  (1024 * 1024)


static const iys_error_t  iys_errors[] = {
#define IYS_ERROR(code_, http_, class_, meaning_)                             \
    { code_, http_, IYS_ERROR_##class_, meaning_ },
#include "iys_error.def"
#undef IYS_ERROR
};

#define IYS_NERRORS  (sizeof(iys_errors) / sizeof(iys_errors[0]))


const iys_error_t *
iys_error_of(const char *code, size_t len)
{
    size_t  i;

    for (i = 0; i < IYS_NERRORS; i++) {
        if (strlen(iys_errors[i].code) == len
            && memcmp(iys_errors[i].code, code, len) == 0)
        {
            return &iys_errors[i];
        }
    }

    return NULL;
}


static const char *
iys_error_status_code(uint32_t http)
{
    switch (http) {
    case 401:
        return "http_401";
    case 403:
        return "http_403";
    case 408:
        return "http_408";
    case 429:
        return "http_429";
    default:
        break;
    }

    if (http >= 400 && http < 500) {
        return "http_4xx";
    }

    return (http >= 500 && http < 600) ? "http_5xx" : "http_other";
}


const iys_error_t *
iys_error_find(uint32_t http, const char *code)
{
    const char         *own;
    const iys_error_t  *e;

    if (code != NULL) {
        e = iys_error_of(code, strlen(code));

        /* a code of ours, or one under a status that contradicts it (a 500
         * that says H174), proves nothing: İYS documents a few codes under 400
         * and 422 alike, and no other pair */

        if (e != NULL && e->http != 0
            && (e->http == http
                || (e->http / 100 == 5 && http / 100 == 5)
                || ((e->http == 400 || e->http == 422)
                    && (http == 400 || http == 422))))
        {
            return e;
        }
    }

    own = iys_error_status_code(http);

    return iys_error_of(own, strlen(own));
}


const iys_error_t *
iys_error_judge(uint32_t http, const iys_faults_t *f)
{
    uint32_t            i;
    const iys_error_t  *e;

    for (i = 0; i < f->n; i++) {
        e = iys_error_find(http, f->fault[i].code);

        if (strcmp(e->code, f->fault[i].code) == 0) {
            return e;
        }
    }

    return iys_error_find(http, NULL);
}


const char *
iys_error_literal(const char *code, size_t len)
{
    const iys_error_t  *e;

    e = iys_error_of(code, len);

    return e == NULL ? "halted" : e->code;
}


static sms_rc_t
iys_error_code(const json_t *value, char *code)
{
    size_t       i, len;
    const char  *s;

    if (!json_is_string(value)) {
        return SMS_E_INVAL;
    }

    s = json_string_value(value);
    len = json_string_length(value);

    if (len == 0 || len > IYS_CODE_MAX) {
        return SMS_E_INVAL;
    }

    for (i = 0; i < len; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'A' && s[i] <= 'Z')
              || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '_'))
        {
            return SMS_E_INVAL;
        }
    }

    memcpy(code, s, len);
    code[len] = '\0';

    return SMS_OK;
}


static int32_t
iys_error_index(const json_t *entry)
{
    json_int_t     n;
    const json_t  *location, *index;

    location = json_object_get(entry, "location");
    index = json_array_get(location, 1);

    if (!json_is_integer(index)) {
        index = json_object_get(entry, "index");
    }

    if (!json_is_integer(index)) {
        return -1;
    }

    n = json_integer_value(index);

    return (n < 0 || n > INT32_MAX) ? -1 : (int32_t) n;
}


sms_rc_t
iys_error_read(sms_str_t body, iys_faults_t *f)
{
    size_t         i;
    json_t        *root;
    const json_t  *errors, *entry, *code;

    f->n = 0;

    if (body.len == 0 || body.len > IYS_ERROR_BODY_MAX) {
        return SMS_E_INVAL;
    }

    root = json_loadb(body.ptr, body.len, 0, NULL);

    if (root == NULL) {
        return SMS_E_INVAL;
    }

    code = json_object_get(root, "error");

    if (code != NULL && iys_error_code(code, f->fault[0].code) == SMS_OK) {
        f->fault[0].index = -1;
        f->n = 1;
    }

    errors = json_object_get(root, "errors");

    for (i = 0; i < json_array_size(errors) && f->n < IYS_FAULTS_MAX; i++) {
        entry = json_array_get(errors, i);
        code = json_object_get(entry, "code");

        if (code == NULL) {
            code = json_object_get(entry, "code:");
        }

        if (iys_error_code(code, f->fault[f->n].code) != SMS_OK) {
            continue;
        }

        f->fault[f->n].index = iys_error_index(entry);
        f->n++;
    }

    json_decref(root);

    return f->n == 0 ? SMS_E_INVAL : SMS_OK;
}
