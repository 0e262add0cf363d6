#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <string.h>
#include <time.h>

#include "http_answer.h"


#define HTTP_RETRY_MAX_MS  3600000


typedef struct {
    const http_conf_t   *conf;
    http_answer_t       *answer;
    const http_entry_t  *entry;
    int                  coded;         /* it has a code                       */
} http_reading_t;


uint32_t
http_answer_retry_after(sms_str_t value, int64_t now_us)
{
    char        text[40];
    size_t      i;
    int64_t     ms;
    struct tm   tm;

    if (value.len == 0 || value.len >= sizeof(text)) {
        return 0;
    }

    for (i = 0, ms = 0; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++) {
        ms = ms * 10 + (value.ptr[i] - '0');

        if (ms > HTTP_RETRY_MAX_MS) {
            ms = HTTP_RETRY_MAX_MS;
        }
    }

    if (i == value.len) {
        ms *= 1000;

    } else {
        memcpy(text, value.ptr, value.len);
        text[value.len] = '\0';
        memset(&tm, 0, sizeof(tm));

        if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL) {
            return 0;
        }

        ms = (int64_t) timegm(&tm) * 1000 - now_us / 1000;
    }

    return ms <= 0 ? 0 : ms > HTTP_RETRY_MAX_MS ? HTTP_RETRY_MAX_MS : (uint32_t) ms;
}


/* a code that is a number is kept as such for people to look at */
static void
http_answer_number(http_answer_t *a, sms_str_t code)
{
    size_t    i;
    uint32_t  n;

    if (code.len == 0 || code.len > 9) {
        return;
    }

    for (i = 0, n = 0; i < code.len; i++) {
        if (code.ptr[i] < '0' || code.ptr[i] > '9') {
            return;
        }

        n = n * 10 + (uint32_t) (code.ptr[i] - '0');
    }

    a->code = n;
}


static int
http_answer_record(void *data, const http_record_t *record)
{
    sms_str_t        id, code;
    http_reading_t  *r = data;

    id = record->field[HTTP_ANSWER_ID];
    code = record->field[HTTP_ANSWER_CODE];

    if (id.len && id.len <= SMS_OPERATOR_ID_MAX && r->answer->id_len == 0) {
        memcpy(r->answer->id, id.ptr, id.len);
        r->answer->id_len = (uint32_t) id.len;
    }

    if (code.ptr && !r->coded) {
        r->coded = 1;
        r->entry = http_table_find(&r->conf->codes, code);
        http_answer_number(r->answer, code);
    }

    return 0;
}


static void
http_answer_none(const sms_http_res_t *res, http_answer_t *a)
{
    if (res->flags & SMS_HTTP_WRITTEN) {
        a->verdict.klass = HTTP_UNKNOWN;
        a->why = res->rc == SMS_E_TIMEOUT ? "no answer in time" : "the answer broke off";
        return;
    }

    a->verdict.klass = HTTP_DOWN;
    a->why = res->rc == SMS_E_TIMEOUT ? "no connection in time"
             : res->rc == SMS_E_DENIED ? "its certificate is refused"
             : res->rc == SMS_E_CONFIG ? "ca, cert or key cannot be used"
             : "no connection";
}


void
http_answer_judge(const http_conf_t *c, const sms_http_res_t *res, int64_t now_us,
    http_answer_t *a)
{
    int             n;
    uint32_t        i;
    http_reading_t  r;

    memset(a, 0, sizeof(http_answer_t));
    a->verdict.reason = SMS_REASON_OTHER;

    if (res->rc != SMS_OK) {
        http_answer_none(res, a);
        return;
    }

    for (i = 0; i < res->nheaders; i++) {
        if (res->headers[i].name.len == 11
            && memcmp(res->headers[i].name.ptr, "retry-after", 11) == 0)
        {
            a->retry_after_ms = http_answer_retry_after(res->headers[i].value, now_us);
        }
    }

    memset(&r, 0, sizeof(r));
    r.conf = c;
    r.answer = a;
    a->code = res->status;
    n = http_doc_read(&c->answer, res->body, http_answer_record, &r);

    if (n < 0) {
        /* half of it is nothing */
        r.coded = 0;
        r.entry = NULL;
        a->id_len = 0;
        a->code = res->status;
    }

    if (r.entry) {
        a->verdict.klass = (http_class_t) r.entry->klass;
        a->verdict.reason = (sms_reason_t) r.entry->value;

    } else {
        a->verdict = http_status_judge(&c->statuses, res->status);
    }

    if (a->verdict.klass != HTTP_SENT) {
        return;
    }

    if (n < 0) {
        a->verdict.klass = HTTP_UNKNOWN;
        a->why = "the answer cannot be read";

    } else if (r.coded && r.entry == NULL && c->answer.path[HTTP_ANSWER_CODE].len
               && c->codes.n)
    {
        a->verdict.klass = HTTP_FINAL;
        a->why = "the answer has a code that status does not name";

    } else if (a->id_len == 0 && c->answer.path[HTTP_ANSWER_ID].len) {
        a->verdict.klass = HTTP_UNKNOWN;
        a->why = "the answer has no id";
    }

    if (a->verdict.klass != HTTP_SENT) {
        a->verdict.reason = SMS_REASON_OTHER;
    }
}
