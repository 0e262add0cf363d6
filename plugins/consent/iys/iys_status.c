/* iys_status.c - see iys_status.h */
#include "iys_status.h"

#include "iys_error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define IYS_STATUS_BODY_MAX  (256 * 1024)


sms_rc_t
iys_status_number(sms_str_t digits, uint64_t *number)
{
    size_t    i;
    uint64_t  n;

    if (digits.len != IYS_NUMBER_LEN || memcmp(digits.ptr, "905", 3) != 0) {
        return SMS_E_INVAL;
    }

    n = 0;

    for (i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return SMS_E_INVAL;
        }

        n = n * 10 + (uint64_t) (digits.ptr[i] - '0');
    }

    *number = n;

    return SMS_OK;
}


const char *
iys_status_recipient(uint32_t recipient_type)
{
    switch (recipient_type) {
    case SMS_RECIPIENT_BIREYSEL:
        return "BIREYSEL";
    case SMS_RECIPIENT_TACIR:
        return "TACIR";
    default:
        return NULL;
    }
}


static char *
iys_status_quote(char *p, uint64_t number)
{
    int  i;

    *p++ = '"';
    *p++ = '+';

    for (i = IYS_NUMBER_LEN - 1; i >= 0; i--) {
        p[i] = (char) ('0' + number % 10);
        number /= 10;
    }

    p += IYS_NUMBER_LEN;
    *p++ = '"';

    return p;
}


static char *
iys_status_copy(char *p, const char *s)
{
    size_t  len;

    len = strlen(s);
    memcpy(p, s, len);

    return p + len;
}


size_t
iys_status_bulk_body(const uint64_t *numbers, uint32_t n, char *buf)
{
    char      *p;
    uint32_t   i;

    p = iys_status_copy(buf, "{\"recipients\":[");

    for (i = 0; i < n; i++) {
        if (i > 0) {
            *p++ = ',';
        }

        p = iys_status_quote(p, numbers[i]);
    }

    p = iys_status_copy(p, "]}");

    return (size_t) (p - buf);
}


size_t
iys_status_single_body(uint64_t number, uint32_t recipient_type, char *buf)
{
    char  *p;

    p = iys_status_copy(buf, "{\"recipient\":");
    p = iys_status_quote(p, number);
    p = iys_status_copy(p, ",\"recipientType\":\"");
    p = iys_status_copy(p, iys_status_recipient(recipient_type));
    p = iys_status_copy(p, "\",\"type\":\"MESAJ\"}");

    return (size_t) (p - buf);
}


static sms_rc_t
iys_status_proof(const json_t *value, char *proof)
{
    size_t       i, len;
    const char  *s;

    if (!json_is_string(value)) {
        return SMS_E_INVAL;
    }

    s = json_string_value(value);
    len = json_string_length(value);

    if (len == 0 || len > IYS_PROOF_MAX) {
        return SMS_E_INVAL;
    }

    for (i = 0; i < len; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'A' && s[i] <= 'Z')
              || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '-'))
        {
            return SMS_E_INVAL;
        }
    }

    memcpy(proof, s, len);
    proof[len] = '\0';

    return SMS_OK;
}


static sms_rc_t
iys_status_recipient_number(const json_t *value, uint64_t *number)
{
    sms_str_t  digits;

    if (!json_is_string(value) || json_string_length(value) == 0
        || json_string_value(value)[0] != '+')
    {
        return SMS_E_INVAL;
    }

    digits.ptr = json_string_value(value) + 1;
    digits.len = json_string_length(value) - 1;

    return iys_status_number(digits, number);
}


static json_t *
iys_status_load(sms_str_t body)
{
    json_t  *root;

    if (body.len == 0 || body.len > IYS_STATUS_BODY_MAX) {
        return NULL;
    }

    root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);

    if (root != NULL && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }

    return root;
}


sms_rc_t
iys_status_bulk_read(sms_str_t body, uint32_t max, iys_bulk_t *a)
{
    size_t         i, n;
    json_t        *root;
    const json_t  *list;

    a->n = 0;
    a->request_id[0] = '\0';

    root = iys_status_load(body);

    if (root == NULL) {
        return SMS_E_INVAL;
    }

    if (iys_status_proof(json_object_get(root, "requestId"), a->request_id)
        != SMS_OK)
    {
        goto failed;
    }

    list = json_object_get(root, "list");
    n = json_array_size(list);

    if (!json_is_array(list) || n > max || n > IYS_BATCH_MAX) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        if (iys_status_recipient_number(json_array_get(list, i), &a->listed[i])
            != SMS_OK)
        {
            goto failed;
        }
    }

    a->n = (uint32_t) n;
    json_decref(root);

    return SMS_OK;

failed:

    json_decref(root);

    return SMS_E_INVAL;
}


/* A member that is there must name what was asked for: an answer about
 * somebody else is no answer. */

static int
iys_status_same(const json_t *root, const char *name, const char *want)
{
    const json_t  *value;

    value = json_object_get(root, name);

    return value == NULL
           || (json_is_string(value)
               && strcmp(json_string_value(value), want) == 0);
}


static sms_rc_t
iys_status_no_record(sms_str_t body)
{
    uint32_t            i;
    iys_faults_t        faults;
    const iys_error_t  *e;

    /* the 404 of a proxy, or of an unknown brand, does not speak about the
     * number */

    if (iys_error_read(body, &faults) != SMS_OK) {
        return SMS_E_INVAL;
    }

    for (i = 0; i < faults.n; i++) {
        e = iys_error_find(404, faults.fault[i].code);

        if (e->klass == IYS_ERROR_STOP_ACCOUNT
            || e->klass == IYS_ERROR_STOP_BRAND)
        {
            return SMS_E_DENIED;
        }
    }

    return SMS_OK;
}


sms_rc_t
iys_status_single_read(uint32_t http, sms_str_t body, uint64_t number,
    uint32_t recipient_type, iys_single_t *a)
{
    json_t        *root;
    uint64_t       told;
    const char    *word;
    const json_t  *status, *recipient;

    a->record = IYS_RECORD_NONE;
    a->transaction_id[0] = '\0';

    if (http == 204) {
        return body.len == 0 ? SMS_OK : SMS_E_INVAL;
    }

    if (http == 404) {
        return iys_status_no_record(body);
    }

    if (http != 200) {
        return SMS_E_INVAL;
    }

    root = iys_status_load(body);

    if (root == NULL) {
        return SMS_E_INVAL;
    }

    recipient = json_object_get(root, "recipient");

    if (recipient != NULL
        && (iys_status_recipient_number(recipient, &told) != SMS_OK
            || told != number))
    {
        goto failed;
    }

    if (!iys_status_same(root, "type", "MESAJ")
        || !iys_status_same(root, "recipientType",
                            iys_status_recipient(recipient_type)))
    {
        goto failed;
    }

    status = json_object_get(root, "status");

    if (status == NULL) {

        /* an error body under 200 is a fault of the far end, not a record */

        if (json_object_get(root, "errors") != NULL
            || json_object_get(root, "error") != NULL)
        {
            goto failed;
        }

        json_decref(root);
        return SMS_OK;
    }

    word = json_string_value(status);

    if (word == NULL || recipient == NULL
        || iys_status_proof(json_object_get(root, "transactionId"),
                            a->transaction_id)
           != SMS_OK)
    {
        goto failed;
    }

    if (strcmp(word, "ONAY") == 0) {
        a->record = IYS_RECORD_ONAY;

    } else if (strcmp(word, "RET") == 0) {
        a->record = IYS_RECORD_RET;

    } else {
        goto failed;
    }

    json_decref(root);

    return SMS_OK;

failed:

    a->transaction_id[0] = '\0';
    json_decref(root);

    return SMS_E_INVAL;
}
